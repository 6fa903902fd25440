// The offline command that judges the signatures of a PDF: `lienthong pdf verify FILE`.
// It must never open a data folder or a connection: the file, a folder of anchors and a moment are all it needs.
// For clerks, auditors and scripts; the same report is stored with a document by the node.
import fs from 'node:fs';
import type { Command } from 'commander';
import { type Report, type ReportedSignature, signatureReport } from '../../certs/pdf/report.ts';
import { wordsOf } from '../../certs/pdf/words.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { exitCodes, type Output, readable, runCommand, visible, wrongUse } from '../output.ts';

type Options = { readonly anchors?: string; readonly at?: string; readonly json?: boolean };

/** Only a document that may be relied upon ends with 0: an original, or what an organisation signed. */
export function exitOf({ verdict }: Pick<Report, 'verdict'>): number {
  if (verdict === 'unreadable') return exitCodes.unreadable;
  return verdict === 'original-value' || verdict === 'organisation-only'
    ? exitCodes.done
    : exitCodes.judgedBad;
}

/** Vietnam's time, as clerks read it. */
const timeText = (ms: number | null): string =>
  ms === null ? '–' : `${new Date(ms + 7 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')} +07:00`;

const INTEGRITY: Readonly<Record<ReportedSignature['integrity'], string>> = {
  good: 'nguyên vẹn — intact',
  altered: 'nội dung đã đổi — altered',
  invalid: 'không hợp lệ — invalid',
  empty: 'chưa ký — empty',
};

function sayReport(out: Output, report: Report): void {
  out.say(`${report.verdict.toUpperCase()}: ${visible(report.sentence)}`);
  out.say(`  ${visible(report.sentenceEn)}`);
  for (const one of report.signatures) saySignature(out, one);
  for (const reason of report.reasons) out.say(`lý do — reason: ${said(reason)}`);
  for (const warning of report.warnings) out.say(`lưu ý — note: ${said(warning)}`);
}

function said(code: string): string {
  const words = wordsOf(code);
  return visible(words ? `${words.vi} — ${words.en} [${code}]` : code);
}

function saySignature(out: Output, one: ReportedSignature): void {
  const stamp = one.timeStamp;
  const line = (label: string, text: string): void => out.say(`    ${label}: ${visible(text)}`);
  out.say(
    `- ${visible(one.field || '?')}: ${INTEGRITY[one.integrity]}${one.reason ? ` (${visible(one.reason)})` : ''}`,
  );
  line(
    'người ký — signer',
    `${one.signer ?? '?'}${one.organisation ? `, ${one.organisation}` : ''} [${one.party ?? '?'}: ${one.partyWhy ?? '–'}]`,
  );
  line('lúc ký — time', timeText(one.claimedTimeMs));
  line(
    'dấu thời gian — time stamp',
    stamp
      ? `${timeText(stamp.timeMs)} ${stamp.trusted ? 'tin cậy — trusted' : `không tin cậy — not trusted (${stamp.reason ?? '?'})`}`
      : 'không có — none',
  );
  line('thuật toán — algorithm', `${one.algorithm ?? '?'} (${one.strength})`);
  line(
    'chứng thư — chain',
    `${one.trusted ? 'tin cậy — trusted' : `không tin cậy — not trusted (${one.chainProblem ?? '?'})`}, thu hồi — revocation: ${one.revocation}`,
  );
  line(
    'phạm vi — covers',
    one.coversWholeFile
      ? 'toàn bộ tệp — the whole file'
      : one.coveredBytes === null
        ? 'không xác định — nothing that means anything'
        : `${one.coveredBytes} byte đầu — the first bytes`,
  );
  for (const change of one.changesAfter)
    line(
      change.permitted ? `thêm sau, được phép — added, permitted (${change.by})` : 'ĐỔI SAU KHI KÝ — CHANGED',
      `${change.kind} ${change.where}`,
    );
}

async function verifyFile(out: Output, file: string, options: Options): Promise<number> {
  const atMs = options.at === undefined ? systemClock.nowMs() : Date.parse(options.at);
  if (Number.isNaN(atMs))
    throw wrongUse('--at is not a time, such as 2026-11-22T09:00:00+07:00', '--at không phải thời điểm');
  // Asked here so that a wrong path is named; the child only says that it failed.
  await readable(file, () => fs.closeSync(fs.openSync(file, 'r')));
  const { anchors } = options;
  if (anchors !== undefined) await readable(anchors, () => fs.readdirSync(anchors));
  const report = await signatureReport({ file, anchorsDir: anchors, atMs });
  out.answer(report);
  sayReport(out, report);
  return exitOf(report);
}

export function pdfCommands(program: Command): void {
  const pdf = program
    .command('pdf')
    .description('Kiểm tra chữ ký số của tệp PDF, không cần mạng.\nSignatures of PDF files, offline.');
  pdf
    .command('verify')
    .description(
      'Báo cáo chữ ký số của một tệp PDF.\nJudges every signature of a PDF and what was added after it.',
    )
    .argument('<file>', 'the PDF')
    .option(
      '--anchors <dir>',
      'folder of root and issuing certificates and revocation lists (PEM or DER) that you trust',
    )
    .option(
      '--at <time>',
      'judge certificates at this time (ISO 8601) where no trusted time stamp says when; default now',
    )
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      '\nVerdicts: original-value, organisation-only, valid-untrusted, changed-after-signing, invalid, unsigned, unreadable.\nExit codes: 0 original-value or organisation-only, 65 any other verdict, 66 unreadable, 2 wrong use.',
    )
    .action((file: string, options: Options) => runCommand((out) => verifyFile(out, file, options), options));
}
