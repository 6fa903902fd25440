// The files of one document through inspection and scanner, one after the other: what was found, and a verdict to keep for each file. Common to
// the sending node, the hub and the receiving node; each decides by its own policy (protocol/safety/findings.ts). It must never turn a
// scanner that is away into a verdict: the document waits.

import type { Clock } from '../../protocol/node/clock.ts';
import type { ScanOutcome } from '../../protocol/node/files/clamd.ts';
import { isProgramName, nameMismatch, typeNameOf } from '../../protocol/node/files/type-names.ts';
import { sniffType } from '../../protocol/node/files/types.ts';
import type { Scanner } from '../../protocol/node/safety/scanner.ts';
import type { Finding } from '../../protocol/safety/findings.ts';
import type { FileTypeName, Rules } from '../../protocol/safety/policy.ts';
import type { FirstPage } from '../pdf/page-text.ts';
import type { Report } from '../pdf/report.ts';
import type { Inspection } from './inspection.ts';
import { type FileContent, type Inspector, wasMoved } from './inspector.ts';

export type PartToCheck = {
  readonly index: number;
  readonly name: string;
  readonly lengthBytes: number;
  /** The first 8 KiB, or all of a shorter one. */
  readonly head: () => Promise<Uint8Array>;
  readonly content: () => Promise<FileContent>;
  readonly stream: () => Promise<AsyncIterable<Uint8Array>>;
};
/** `not-scanned`: no scanner is configured. */
export type ScanVerdict = 'clean' | 'infected' | 'too-large' | 'error' | 'not-scanned';
export type PartVerdict = {
  readonly index: number;
  readonly type: FileTypeName;
  readonly mediaType: string;
  readonly scan: ScanVerdict;
  readonly scanSaid: string;
  /** Whether page 1 could be searched for secrecy stamps; null for what is no PDF. */
  readonly firstPage: FirstPage['state'] | null;
  readonly pdf: Report | null;
};
export type Checked =
  | {
      readonly kind: 'checked';
      readonly findings: readonly Finding[];
      readonly parts: readonly PartVerdict[];
    }
  | { readonly kind: 'scanner-down'; readonly said: string };

export const headBytes = 8192;
const looked: readonly FileTypeName[] = [
  'pdf',
  'zip',
  'docx',
  'xlsx',
  'pptx',
  'odf',
  'ole',
  'rtf',
  'html',
  'tar',
  'executable',
];

/** What the name, the length and the first bytes alone tell: enough to refuse at once. */
export function lookAtHead(
  part: { readonly index: number; readonly name: string; readonly lengthBytes: number },
  head: Uint8Array,
  rules: Rules,
): {
  readonly type: FileTypeName;
  readonly mediaType: string;
  readonly findings: readonly Finding[];
  readonly needsInspection: boolean;
} {
  const found = sniffType(head);
  const type = typeNameOf(found);
  const findings: Finding[] = [];
  const put = (code: Finding['code'], said: string): void =>
    void findings.push({ code, part: part.index, said });
  if (part.lengthBytes > rules['part-bytes-max']) put('part-bytes-max', `${part.lengthBytes} bytes`);
  if (!rules.types.includes(type)) put('type-not-listed', found.mediaType);
  if (type === 'executable' || isProgramName(part.name))
    put('executables', type === 'executable' ? found.mediaType : 'by the name ending');
  const mismatch = nameMismatch(part.name, found);
  if (mismatch) put('name-mismatch', mismatch);
  if (['rar', '7z', 'gzip'].includes(type)) put('archive-unread', found.mediaType);
  return { type, mediaType: found.mediaType, findings, needsInspection: looked.includes(type) };
}

async function inspected(
  inspector: Inspector,
  part: PartToCheck,
  question: Parameters<Inspector['inspect']>[1],
): Promise<Inspection> {
  const first = await inspector.inspect(await part.content(), question);
  return wasMoved(first) ? await inspector.inspect(await part.content(), question) : first;
}

/** Throws `overloaded` (the queue of the inspection), `content-gone`, and what the disk throws. */
export async function checkParts(
  parts: readonly PartToCheck[],
  {
    rules,
    inspector,
    scanner,
    atMs,
    within,
  }: {
    readonly rules: Rules;
    readonly inspector: Inspector;
    readonly scanner: Scanner;
    readonly atMs: number;
    /** Files that are not begun within this time are not inspected: the document is held for it. Absent: each file has its own bound alone. */
    readonly within?: { readonly clock: Clock; readonly ms: number };
  },
): Promise<Checked> {
  const endsMs = within ? within.clock.monotonicMs() + within.ms : Number.POSITIVE_INFINITY;
  const findings: Finding[] = [];
  const verdicts: PartVerdict[] = [];
  const bytes = parts.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  if (bytes > rules['document-bytes-max'])
    findings.push({ code: 'document-bytes-max', said: `${bytes} bytes` });
  for (const part of parts) {
    const seen = lookAtHead(part, await part.head(), rules);
    const late = seen.needsInspection && within !== undefined && within.clock.monotonicMs() >= endsMs;
    if (late)
      findings.push({ code: 'inspection-failed', part: part.index, said: 'time-limit of the document' });
    const inspection =
      seen.needsInspection && !late
        ? await inspected(inspector, part, {
            name: part.name,
            atMs,
            archive: {
              depthMax: rules['archive-depth-max'],
              membersMax: rules['archive-members-max'],
              bytesMax: rules['archive-bytes-max'],
              ratioMax: rules['archive-ratio-max'],
            },
            pdfVersions: [rules['pdf-version-min'], rules['pdf-version-max']],
          })
        : undefined;
    const known = new Set(seen.findings.map(({ code }) => code));
    findings.push(...seen.findings);
    for (const each of inspection?.findings ?? [])
      if (!known.has(each.code)) findings.push({ ...each, part: part.index });
    const scan: ScanOutcome | undefined = scanner.configured
      ? await scanner.scan(part.stream, part.lengthBytes)
      : undefined;
    if (scan?.kind === 'down') return { kind: 'scanner-down', said: scan.said };
    const scanned = scanFinding(scan, part.index);
    if (scanned) findings.push(scanned);
    verdicts.push({
      index: part.index,
      type: seen.type,
      mediaType: seen.mediaType,
      scan: scan?.kind ?? 'not-scanned',
      scanSaid: scanned?.said ?? '',
      firstPage: seen.type === 'pdf' ? (inspection?.facts?.firstPage.state ?? 'unreadable') : null,
      pdf: inspection?.pdf ?? null,
    });
  }
  return { kind: 'checked', findings, parts: verdicts };
}

function scanFinding(scan: ScanOutcome | undefined, part: number): Finding | undefined {
  if (scan?.kind === 'infected') return { code: 'infected', part, said: scan.name };
  if (scan?.kind === 'error') return { code: 'scan-error', part, said: scan.said };
  if (scan?.kind === 'too-large')
    return { code: 'scan-too-large', part, said: 'larger than the scanner takes' };
  return undefined;
}
