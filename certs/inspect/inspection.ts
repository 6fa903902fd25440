// What one file is and does, by its bytes: type, archive, office macros, PDF with its signature report and first page. Runs in a process of its
// own (inspect-process.ts), started by inspector.ts. It must never throw for what is in the file, and never write anything.

import { type ArchiveBounds, inspectZip } from '../../protocol/node/files/archive.ts';
import { inspectTar } from '../../protocol/node/files/tar.ts';
import { isProgramName, nameMismatch, typeNameOf } from '../../protocol/node/files/type-names.ts';
import { sniffType } from '../../protocol/node/files/types.ts';
import type { Finding } from '../../protocol/safety/findings.ts';
import type { FileTypeName } from '../../protocol/safety/policy.ts';
import type { Anchors } from '../pdf/anchors.ts';
import { factsOf, type PdfFacts } from '../pdf/facts.ts';
import { judgeSourceSafely } from '../pdf/judge.ts';
import { PdfFault, pdfLimits } from '../pdf/limits.ts';
import type { Report } from '../pdf/report.ts';
import { type ByteSource, offsetsOf } from '../pdf/source.ts';
import { openPdf, viewOf } from '../pdf/view.ts';

export type PartFinding = Omit<Finding, 'part'>;
export type Inspection = {
  readonly mediaType: string;
  readonly type: FileTypeName;
  readonly findings: readonly PartFinding[];
  readonly pdf: Report | null;
  readonly facts: PdfFacts | null;
};
export type InspectionQuestion = {
  readonly name: string;
  readonly atMs: number;
  readonly archive: ArchiveBounds;
  readonly pdfVersions: readonly [min: number, max: number];
};

const headBytes = 8192;

export async function inspectSource(
  source: ByteSource,
  question: InspectionQuestion,
  anchors: Anchors,
): Promise<Inspection> {
  const found = sniffType(source.read(0, headBytes));
  const type = typeNameOf(found);
  const findings: PartFinding[] = [];
  const mismatch = nameMismatch(question.name, found);
  if (mismatch) findings.push({ code: 'name-mismatch', said: mismatch });
  if (type === 'executable') findings.push({ code: 'executables', said: found.mediaType });
  else if (isProgramName(question.name)) findings.push({ code: 'executables', said: 'by the name ending' });
  if (
    type === 'html' &&
    offsetsOf(source, '<script', { from: 0, to: Math.min(source.sizeBytes, searchedBytesMax), most: 1 })
      .length > 0
  )
    findings.push({ code: 'executables', said: 'a web page with script' });
  if (type === 'ole' || type === 'rtf') findings.push(...oldOffice(source, type));
  if (['zip', 'docx', 'xlsx', 'pptx', 'odf'].includes(type) || found.mediaType === 'application/java-archive')
    findings.push(...fromArchive(await inspectZip(source, question.archive)));
  if (type === 'tar') findings.push(...fromArchive(inspectTar(source, question.archive)));
  if (type === 'rar' || type === '7z' || type === 'gzip')
    findings.push({ code: 'archive-unread', said: found.mediaType });
  if (type !== 'pdf') return { mediaType: found.mediaType, type, findings, pdf: null, facts: null };
  const { pdf, facts } = inspectPdf(source, question, anchors);
  findings.push(...fromPdf(pdf, facts, question.pdfVersions));
  return { mediaType: found.mediaType, type, findings, pdf, facts };
}

const fromArchive = (found: Awaited<ReturnType<typeof inspectZip>>): PartFinding[] =>
  found.map(({ code, said }) => ({ code: code === 'executable' ? 'executables' : code, said }));

/** Searched in files of formats that are not parsed here. */
const searchedBytesMax = 256 * 1024 * 1024;
const utf16 = (text: string): string => [...text].join('\0');

/** Office files before 2007 and RTF: names of their inner streams tell. */
function oldOffice(source: ByteSource, type: 'ole' | 'rtf'): PartFinding[] {
  const has = (word: string): boolean =>
    offsetsOf(source, word, { from: 0, to: Math.min(source.sizeBytes, searchedBytesMax), most: 1 }).length >
    0;
  if (type === 'rtf') return has('\\objdata') ? [{ code: 'macros', said: 'an object inside the RTF' }] : [];
  const findings: PartFinding[] = [];
  if (has(utf16('_VBA_PROJECT')) || has(utf16('_VBA_PROJECT_CUR')))
    findings.push({ code: 'macros', said: 'VBA' });
  if (has(utf16('EncryptedPackage')))
    findings.push({ code: 'archive-encrypted', said: 'office file with a password' });
  return findings;
}

function inspectPdf(
  source: ByteSource,
  { atMs }: InspectionQuestion,
  anchors: Anchors,
): { pdf: Report; facts: PdfFacts | null } {
  const pdf = judgeSourceSafely(source, { anchors, atMs, limits: pdfLimits });
  try {
    const file = openPdf(source, pdfLimits);
    return { pdf, facts: factsOf(file, viewOf(file, source.sizeBytes)) };
  } catch (error) {
    if (!(error instanceof PdfFault)) throw error;
    return { pdf, facts: null };
  }
}

function fromPdf(pdf: Report, facts: PdfFacts | null, [min, max]: readonly [number, number]): PartFinding[] {
  const findings: PartFinding[] = [];
  const put = (code: PartFinding['code'], said: string): void => void findings.push({ code, said });
  if (!facts) put('pdf-unreadable', pdf.reasons.join(' '));
  else {
    if (facts.encrypted) put('pdf-encrypted', 'a password or permissions');
    if (facts.active.length > 0) put('pdf-active', facts.active.join(' '));
    if (!facts.whole && !facts.encrypted) put('pdf-unreadable', 'not every object could be read');
    if (facts.version === null || facts.version < min || facts.version > max)
      put('pdf-version', `${facts.version ?? 'none'}`);
    if (facts.firstPage.stamps.length > 0) put('secret-stamp', facts.firstPage.stamps.join(', '));
    if (facts.firstPage.state !== 'read') put('page-unreadable', facts.firstPage.state);
  }
  if (pdf.verdict === 'invalid' || pdf.verdict === 'changed-after-signing')
    put('pdf-signature-bad', pdf.verdict);
  return findings;
}
