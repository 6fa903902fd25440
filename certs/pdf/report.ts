// The signature report of a PDF: its shape, and the way to get one. The file is read in a process of its own with limits of time and
// memory, since it comes from strangers; whatever happens there, an answer comes: at worst `unreadable` with the reason.
// It must never throw for what is in the document, nor parse it here. Who calls: the command line, and the node for what it accepts.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Change } from './difference.ts';
import { type PdfLimits, pdfLimits } from './limits.ts';
import { sentenceOf } from './words.ts';

export const verdicts = [
  'original-value',
  'organisation-only',
  'valid-untrusted',
  'changed-after-signing',
  'invalid',
  'unsigned',
  'unreadable',
] as const;
export type Verdict = (typeof verdicts)[number];

export type ReportedCertificate = {
  readonly subject: string;
  readonly issuer: string;
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
};

export type ReportedTimeStamp = {
  readonly valid: boolean;
  readonly trusted: boolean;
  readonly timeMs: number | null;
  readonly authority: string | null;
  readonly strength: 'strong' | 'legacy' | 'refused';
  readonly reason: string | null;
};

/** `permitted`: does this change leave the signature's meaning whole; `by` says what permits it. */
export type ReportedChange = Change & {
  readonly permitted: boolean;
  readonly by: 'harmless' | 'modification-permission' | 'organisation-signature' | null;
};

export type ReportedSignature = {
  /** Empty where the file is encrypted. */
  readonly field: string;
  readonly visible: boolean;
  readonly kind: 'signature' | 'document-time-stamp';
  readonly subFilter: string | null;
  readonly integrity: 'good' | 'altered' | 'invalid' | 'empty';
  readonly reason: string | null;
  readonly signer: string | null;
  readonly organisation: string | null;
  readonly party: 'person' | 'organisation' | 'time-stamp' | null;
  readonly partyWhy: string | null;
  /** What the signer's machine said, from the signed attribute or the dictionary. */
  readonly claimedTimeMs: number | null;
  readonly timeStamp: ReportedTimeStamp | null;
  /** The moment the chain was judged at, and where it comes from. */
  readonly judgedAtMs: number;
  readonly judgedBy: 'time-stamp' | 'given';
  readonly algorithm: string | null;
  readonly strength: 'strong' | 'legacy' | 'refused';
  readonly trusted: boolean;
  readonly chainProblem: string | null;
  readonly chain: readonly ReportedCertificate[];
  readonly revocation: 'not-revoked' | 'revoked' | 'unknown';
  readonly crlTimesMs: readonly number[];
  readonly coversWholeFile: boolean;
  /** First byte behind what the signature covers; null when the range means nothing. */
  readonly coveredBytes: number | null;
  readonly certifies: number | null;
  readonly changesAfter: readonly ReportedChange[];
  readonly notes: readonly string[];
};

export type Report = {
  readonly verdict: Verdict;
  /** One Vietnamese sentence with advice, and the same in English. */
  readonly sentence: string;
  readonly sentenceEn: string;
  /** Codes of what led to the verdict, and of what a reader should know. */
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  readonly atMs: number;
  readonly sizeBytes: number;
  readonly encrypted: boolean;
  readonly signatures: readonly ReportedSignature[];
};

export type ReportQuestion = {
  readonly file: string;
  /** Folder of root and issuing certificates and revocation lists; absent: nothing is trusted. */
  readonly anchorsDir?: string | undefined;
  /** The moment asked about. */
  readonly atMs: number;
  readonly limits?: Partial<PdfLimits>;
};

/** A report that holds only its verdict. */
export function bareReport(
  verdict: Verdict,
  reasons: readonly string[],
  atMs: number,
  sizeBytes = 0,
): Report {
  const parts = { verdict, reasons, signatures: [] };
  const { vi, en } = sentenceOf(parts);
  return { ...parts, sentence: vi, sentenceEn: en, warnings: [], atMs, sizeBytes, encrypted: false };
}

const PROCESS = fileURLToPath(new URL('./report-process.ts', import.meta.url));
/** The largest report: 100 signatures with some thousand changes each are cut by the child. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

/** Never rejects for what is in the file. The file system's errors (missing file) come as `unreadable` with `file-…`. */
export async function signatureReport(question: ReportQuestion): Promise<Report> {
  const limits: PdfLimits = { ...pdfLimits, ...question.limits };
  const asked = JSON.stringify({ ...question, limits });
  return await new Promise<Report>((resolve) => {
    execFile(
      process.execPath,
      [`--max-old-space-size=${limits.heapMb}`, '--disable-warning=ExperimentalWarning', PROCESS, asked],
      // An empty environment: nothing of ours is for a process that reads strangers' bytes.
      { timeout: limits.wallMs, killSignal: 'SIGKILL', maxBuffer: ANSWER_BYTES_MAX, env: {} },
      (error, stdout) => resolve(answerOf(error, stdout, question.atMs)),
    );
  });
}

function answerOf(
  error: (Error & { killed?: boolean; signal?: unknown }) | null,
  stdout: string,
  atMs: number,
): Report {
  if (!error) {
    try {
      return JSON.parse(stdout) as Report;
    } catch {
      return bareReport('unreadable', ['reader-failed'], atMs);
    }
  }
  if (error.killed) return bareReport('unreadable', ['time-limit'], atMs);
  // V8 ends with SIGABRT (or SIGTRAP) when the heap is full.
  const full = error.signal === 'SIGABRT' || error.signal === 'SIGTRAP' || error.signal === 'SIGKILL';
  return bareReport('unreadable', [full ? 'memory-limit' : 'reader-failed'], atMs);
}
