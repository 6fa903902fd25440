// The child that reads one PDF and writes its report as JSON to stdout. Started by report.ts with limits on time and memory.
// It must never be imported: it runs when loaded. It opens the file and the anchors, nothing else.
import process from 'node:process';
import { noAnchors, readAnchors } from './anchors.ts';
import { judgeFile } from './judge.ts';
import type { PdfLimits } from './limits.ts';
import { bareReport, type Report, type ReportQuestion } from './report.ts';

function run(question: ReportQuestion & { readonly limits: PdfLimits }): Report {
  const { file, anchorsDir, atMs, limits } = question;
  try {
    const anchors = anchorsDir === undefined ? noAnchors : readAnchors(anchorsDir);
    return judgeFile({ file, anchors, atMs, limits });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    // A fault of the reader must not look like a judgement of the document.
    return bareReport(
      'unreadable',
      [/^E[A-Z]+$/.test(code) ? `file-${code.toLowerCase()}` : 'reader-failed'],
      atMs,
    );
  }
}

process.stdout.write(JSON.stringify(run(JSON.parse(process.argv[2] ?? '{}') as Parameters<typeof run>[0])));
