// The whole judgement of one PDF: finds the signatures, judges each, looks at what was added between and after them, gives one verdict.
// It must never call a document good that it could not read to the end. Runs in the child process only (report-process.ts).
import type { Anchors } from './anchors.ts';
import type { PdfCertificate } from './asn1.ts';
import { type Change, differences } from './difference.ts';
import { signatureFields, signatureWidgets } from './fields.ts';
import { type Budget, budgetOf, PdfFault, type PdfLimits } from './limits.ts';
import { type Weighed, weighChange } from './permission.ts';
import { onlyWhiteFrom } from './ranges.ts';
import { bareReport, type Report, type ReportedChange, type ReportedSignature } from './report.ts';
import { certificationOf, type Judged, judgeSignature, offeredBy, type Trust, trustOf } from './signature.ts';
import { type ByteSource, offsetsOf, openSource } from './source.ts';
import { strayBytes } from './tail.ts';
import { verdictOf } from './verdict.ts';
import { openPdf, type PdfFile, type View, viewOf } from './view.ts';

export type FileQuestion = {
  readonly file: string;
  readonly anchors: Anchors;
  readonly atMs: number;
  readonly limits: PdfLimits;
};

export type SourceQuestion = Omit<FileQuestion, 'file'>;

const HINT_BYTES = 256 * 1024 * 1024;

/** Reads and judges. Throws only the file system's errors. */
export function judgeFile(question: FileQuestion): Report {
  const source = openSource(question.file);
  try {
    return judgeSourceSafely(source, question);
  } finally {
    source.close();
  }
}

/** The same of a source that is open. Throws only the file system's errors. */
export function judgeSourceSafely(source: ByteSource, question: SourceQuestion): Report {
  try {
    return judgeSource(source, question);
  } catch (error) {
    if (!(error instanceof PdfFault)) throw error;
    const reasons = [
      error.code === 'malformed' || error.code === 'cut' ? 'pdf-malformed' : `pdf-${error.code}`,
    ];
    const report = bareReport('unreadable', reasons, question.atMs, source.sizeBytes);
    // A hint for the clerk, not worth reading gigabytes for.
    const to = Math.min(source.sizeBytes, HINT_BYTES);
    const signed = offsetsOf(source, '/ByteRange', { from: 0, to, most: 1 }).length > 0;
    return {
      ...report,
      warnings: [`detail: ${error.message}`, ...(signed ? ['signature-seen-but-unreadable'] : [])],
    };
  }
}

type Step = { readonly from: number; readonly to: number; readonly changes: readonly Change[] };

function judgeSource(source: ByteSource, question: SourceQuestion): Report {
  const budget = budgetOf(question.limits);
  const file = openPdf(source, question.limits);
  const view = viewOf(file, source.sizeBytes);
  const inForm = signatureFields(view);
  const seen = offsetsOf(source, '/ByteRange', {
    from: 0,
    to: source.sizeBytes,
    most: SIGNATURES_SEEN,
  }).length;
  const fields = seen > inForm.length ? [...inForm, ...signatureWidgets(view, inForm)] : inForm;
  if (fields.length > question.limits.signaturesMax) throw new PdfFault('limit', 'too many signatures');
  const offered = offeredBy(view);
  const context = { file, view, budget, offered: offered.certificates };
  const judged = fields.map((field) => judgeSignature(context, field));
  const trusts = trustsOf(judged, question, offered);
  const all: Weighed[] = judged.map((one, at) => ({
    judged: one,
    trusted: trusts[at]?.chain.trusted === true,
  }));
  const steps = stepsOf(judged, view, budget);
  const signatures = all.map((one, at) => reported(one, { trust: trusts[at], all, steps, view, question }));
  const removed = seen > judged.length ? removedSignatures(file, judged, view) : [];
  return verdictOf({
    signatures,
    removed,
    unlisted: judged.length === 0 && seen > 0,
    atMs: question.atMs,
    sizeBytes: source.sizeBytes,
    encrypted: view.trailer.map.has('Encrypt'),
    anchorsGiven: question.anchors.roots.length > 0,
    unusableAnchors: question.anchors.unusable,
  });
}

type Offered = ReturnType<typeof offeredBy>;

/** Document time stamps first: a trusted one gives its time to every signature it covers. */
function trustsOf(
  judged: readonly Judged[],
  question: SourceQuestion,
  offered: Offered,
): (Trust | undefined)[] {
  const common = {
    anchors: question.anchors,
    atMs: question.atMs,
    offered: offered.certificates,
    offeredCrls: offered.crls,
    offeredAnswers: offered.answers,
  };
  const trusts = judged.map((one) =>
    one.isTimeStamp ? trustOf(one, { ...common, coveredByMs: undefined }) : undefined,
  );
  return judged.map((one, at) => {
    if (one.isTimeStamp) return trusts[at];
    const times = judged.flatMap((stamp, other) => {
      const timeMs = trusts[other]?.stampTimeMs;
      const covers = stamp.coverage.good && one.coverage.good && stamp.coverage.end > one.coverage.end;
      return covers && timeMs !== undefined && stamp.integrity === 'good' ? [timeMs] : [];
    });
    return trustOf(one, { ...common, coveredByMs: times.length > 0 ? Math.min(...times) : undefined });
  });
}

/** What changed from each signed revision to the next, and from the last to the end of the file. */
function stepsOf(judged: readonly Judged[], final: View, budget: Budget): Step[] {
  const views = new Map<number, View>();
  for (const { signedView } of judged) if (signedView) views.set(signedView.end, signedView);
  const ends = [...views.keys()].sort((a, b) => a - b);
  const steps: Step[] = [];
  for (const [at, from] of ends.entries()) {
    const to = ends[at + 1] ?? final.end;
    if (to === from || (ends[at + 1] === undefined && onlyWhiteFrom(final.source, from))) continue;
    const after = views.get(to) ?? final;
    const changes = differences(views.get(from)!, after, budget);
    const stray = strayBytes(after, from, budget);
    steps.push({ from, to, changes: stray ? [...changes, { kind: 'hidden-data', where: stray }] : changes });
  }
  return steps;
}

/** Listed in full for a person to read; the rest are counted. */
const CHANGES_LISTED = 200;

type Around = {
  readonly trust: Trust | undefined;
  readonly all: readonly Weighed[];
  readonly steps: readonly Step[];
  readonly view: View;
  readonly question: SourceQuestion;
};

function changesAfter(
  one: Weighed,
  { all, steps }: Around,
): { changes: ReportedChange[]; level: number | undefined } {
  const { judged } = one;
  const { signedView, coverage } = judged;
  if (!signedView || !coverage.good) return { changes: [], level: undefined };
  const within = all.filter(({ judged: other }) => other.coverage.good && other.coverage.end <= coverage.end);
  const said = within.map(({ judged: other }) => certificationOf(signedView, other.field.signature));
  const levels = said.map(({ level }) => level).filter((level) => level !== undefined);
  const level = levels.length > 0 ? Math.min(...levels) : undefined;
  const locked = (field: string): boolean => said.some((each) => each.locked(field));
  const permission = { of: one, level, locked, all };
  const changes = steps
    .filter((step) => step.from >= coverage.end)
    .flatMap((step) => step.changes.map((change) => weighChange(change, step.to, permission)));
  return { changes, level };
}

function reported(one: Weighed, around: Around): ReportedSignature {
  const { judged } = one;
  const { trust, view, question } = around;
  const { coverage, token, party } = judged;
  const { changes, level } = changesAfter(one, around);
  const whole =
    coverage.good && (coverage.end === view.source.sizeBytes || onlyWhiteFrom(view.source, coverage.end));
  const signer = judged.isTimeStamp ? token?.signer : judged.cms?.signer;
  const listed = [
    ...changes.filter((change) => !change.permitted),
    ...changes.filter((change) => change.permitted),
  ];
  return {
    field: view.trailer.map.has('Encrypt') ? '' : judged.field.name,
    visible: judged.field.visible,
    kind: judged.isTimeStamp ? 'document-time-stamp' : 'signature',
    subFilter: judged.subFilter ?? null,
    integrity: judged.integrity,
    reason: judged.reason ?? null,
    signer: party?.name ?? (signer ? subjectText(signer) : null),
    organisation: party?.organisation ?? null,
    party: judged.isTimeStamp ? 'time-stamp' : (party?.kind ?? null),
    partyWhy: party?.why ?? null,
    claimedTimeMs: judged.claimedTimeMs ?? null,
    timeStamp: stampOf(judged, trust),
    judgedAtMs: trust?.chain.atMs ?? question.atMs,
    judgedBy: trust?.stampTimeMs === undefined ? 'given' : 'time-stamp',
    algorithm: judged.algorithm ?? null,
    strength: judged.strength === 'strong' ? (trust?.chain.strength ?? 'strong') : judged.strength,
    trusted: one.trusted,
    chainProblem: trust?.chain.problem ?? (signer ? null : 'no-signer'),
    chain: (trust?.chain.path ?? []).map(certificateJson),
    revocation: trust?.chain.revocation ?? 'unknown',
    crlTimesMs: trust?.chain.crlTimesMs ?? [],
    coversWholeFile: whole,
    coveredBytes: coverage.good ? coverage.end : null,
    certifies: level ?? null,
    changesAfter: listed.slice(0, CHANGES_LISTED),
    notes:
      listed.length > CHANGES_LISTED
        ? [...judged.notes, `changes-not-listed: ${listed.length - CHANGES_LISTED}`]
        : judged.notes,
  };
}

function stampOf(judged: Judged, trust: Trust | undefined): ReportedSignature['timeStamp'] {
  const { token } = judged;
  if (!token) return null;
  return {
    valid: token.good,
    trusted: token.good && trust?.stampChain?.trusted === true,
    timeMs: token.timeMs ?? null,
    authority: token.signer ? subjectText(token.signer) : null,
    strength: token.strength,
    reason: token.reason ?? trust?.stampChain?.problem ?? null,
  };
}

const NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'T',
  '0.9.2342.19200300.100.1.1': 'UID',
};
const nameText = (parts: PdfCertificate['subject']): string =>
  parts.map(({ oid, value }) => `${NAMES[oid] ?? oid}=${value}`).join(', ');
const subjectText = (certificate: PdfCertificate): string =>
  certificate.subject.find(({ oid }) => oid === '2.5.4.3')?.value ?? nameText(certificate.subject);

const certificateJson = (one: PdfCertificate): ReportedSignature['chain'][number] => ({
  subject: nameText(one.subject),
  issuer: nameText(one.issuer),
  fingerprint: one.fingerprint,
  notBeforeMs: one.notBeforeMs,
  notAfterMs: one.notAfterMs,
});

const REVISIONS_SEARCHED = 64;
const SIGNATURES_SEEN = 500;

/** Names of fields that were signed in an earlier revision and are no longer. Looked for only where the bytes hold more signatures. */
function removedSignatures(file: PdfFile, judged: readonly Judged[], final: View): string[] {
  const { source } = file;
  const whole = { from: 0, to: source.sizeBytes };
  const kept = new Set(judged.map((one) => one.field.contents?.start));
  const removed = new Map<number, string>();
  for (const at of offsetsOf(source, '%%EOF', { ...whole, most: REVISIONS_SEARCHED })) {
    if (at + 5 >= final.end) break;
    for (const { contents, name } of fieldsAt(file, at + 5))
      if (contents && !kept.has(contents.start) && contents.bytes.some((byte) => byte !== 0))
        removed.set(contents.start, name);
  }
  return [...removed.values()];
}

function fieldsAt(file: PdfFile, end: number): ReturnType<typeof signatureFields> {
  try {
    return signatureFields(viewOf(file, end));
  } catch (error) {
    // The words "%%EOF" also stand inside streams and at the head of linearized files: no revision ends there.
    if (error instanceof PdfFault) return [];
    throw error;
  }
}
