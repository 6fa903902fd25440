// "lienthong text check|convert": is a text file Vietnamese in Unicode NFC (TCVN 6909:2001), else which older encoding, and a new file in UTF-8.
// It must never change the file that it was given, nor write over one that is there: a signed file that changes is worthless. Offline.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Command } from 'commander';
import { renameDurable, syncFileAsync } from '../../protocol/node/durable.ts';
import {
  type Conversion,
  checkTextFile,
  convertedLines,
  planConversion,
  type TextFileReport,
} from '../../protocol/node/text-file.ts';
import { encodingNames, legacyEncodings } from '../../protocol/text/charsets.ts';
import type { Reading } from '../../protocol/text/judge.ts';
import {
  bytesText,
  CommandError,
  exitCodes,
  type Output,
  readable,
  runCommand,
  visible,
  wrongUse,
} from '../output.ts';

const readings: readonly (Reading | 'utf-8')[] = ['utf-8', ...legacyEncodings, 'utf-8-twice'];
const exits =
  '\nMã kết thúc / exit codes: 0 Unicode NFC, hoặc đã chuyển / is NFC, or converted; 65 chưa phải / is not, or not certain; 66 không đọc được / unreadable; 2 dùng sai / wrong use.';

export function textCommands(program: Command): void {
  const text = program
    .command('text')
    .description(
      'Kiểm tra và chuyển mã tệp chữ sang Unicode (TCVN 6909:2001).\nChecks text files for Unicode NFC and converts older Vietnamese encodings.',
    );
  text
    .command('check')
    .description(
      'Cho biết tệp chữ có phải Unicode dựng sẵn (NFC) không; nếu không thì theo bảng mã nào, chắc chắn đến đâu.\nSays whether a text file is Unicode NFC, else which encoding it is in and how sure that is.',
    )
    .argument('<file>', 'tệp chữ; a text file of any size')
    .option('--json', 'kết quả JSON; one JSON document on stdout')
    .addHelpText('after', exits)
    .action((file: string, options: { json?: boolean }) => runCommand((out) => check(out, file), options));
  text
    .command('convert')
    .description(
      'Ghi một tệp mới bằng Unicode UTF-8 NFC; tệp gốc giữ nguyên.\nWrites a new file in UTF-8 NFC; the original stays as it is.',
    )
    .argument('<file>', 'tệp chữ; a text file of any size')
    .option('--from <encoding>', `bảng mã của tệp; one of ${readings.join(', ')}`)
    .option('--out <file>', 'tệp mới; default: NAME.unicode.EXT beside it')
    .option('--json', 'kết quả JSON; one JSON document on stdout')
    .addHelpText('after', exits)
    .action((file: string, options: { json?: boolean; from?: string; out?: string }) =>
      runCommand((out) => convert(out, file, options), options),
    );
}

const nameOf = (reading: string): string =>
  reading in encodingNames ? encodingNames[reading as Reading] : reading === 'utf-8' ? 'UTF-8' : reading;

/** `encoding` of the answer: the Unicode form that the file is in, or the reading that was found; null if neither. */
function encodingOf({ unicode, container, verdict }: TextFileReport): string | null {
  if (verdict.encoding) return verdict.encoding;
  return unicode ? container : null;
}

async function check(out: Output, file: string): Promise<number> {
  const report = await readable(file, () => checkTextFile(file));
  const { verdict } = report;
  const encoding = encodingOf(report);
  out.answer({
    file,
    unicode: report.unicode,
    nfc: report.nfc,
    encoding,
    encodingName: encoding === null ? null : nameOf(encoding),
    confidence: verdict.confidence,
    alternatives: verdict.alternatives,
    form: report.mixed ? 'mixed' : verdict.form,
    mixed: report.mixed,
    otherLines: report.otherLines,
    wordsJudged: verdict.words,
    container: report.container,
    byteOrderMark: report.byteOrderMark,
    lengthBytes: report.lengthBytes,
    ...(report.notUtf8At === undefined ? {} : { notUtf8At: report.notUtf8At }),
    ...(report.sample ? { sample: report.sample } : {}),
  });
  for (const line of checkWords(file, report)) out.say(line);
  return report.nfc ? exitCodes.done : exitCodes.judgedBad;
}

const percent = (value: number): string => `${Math.round(value * 100)}%`;

function checkWords(file: string, report: TextFileReport): string[] {
  const { verdict, container, nfc, unicode, mixed } = report;
  const head = visible(`${file}  ${bytesText(report.lengthBytes)}`);
  if (nfc)
    return [
      head,
      `ĐÚNG: Unicode dựng sẵn (${container}${report.byteOrderMark ? ', có BOM' : ''})${verdict.form === 'ascii' ? ', chỉ có chữ không dấu' : ''} — Unicode NFC.`,
    ];
  if (mixed)
    return [
      head,
      'TRỘN nhiều bảng mã — several encodings in one file:',
      ...report.otherLines.map(({ line, reading }) => `  dòng ${line}: ${nameOf(reading)}`),
    ];
  const sample = report.sample
    ? [
        `  viết / written:  ${visible(report.sample.written)}`,
        `  đọc là / reads:  ${visible(report.sample.offered)}`,
      ]
    : [];
  const remedy = `→ lienthong text convert ${visible(file)}`;
  if (unicode)
    return [
      head,
      'CHƯA ĐÚNG: Unicode tổ hợp, chưa dựng sẵn — Unicode, but not NFC (TCVN 6909).',
      ...sample,
      remedy,
    ];
  if (!verdict.encoding)
    return [
      head,
      `KHÔNG RÕ bảng mã (byte ${report.notUtf8At} không phải UTF-8) — not UTF-8 and no Vietnamese encoding known here.`,
      '→ lienthong text convert --from …, nếu biết bảng mã / if you know the encoding',
    ];
  const others =
    verdict.alternatives.length > 0
      ? `; cũng có thể / or: ${verdict.alternatives.map(nameOf).join(', ')}`
      : '';
  return [
    head,
    `BẢNG MÃ CŨ: ${nameOf(verdict.encoding)}, chắc ${percent(verdict.confidence)} — older encoding, confidence ${percent(verdict.confidence)}${others}.`,
    ...sample,
    remedy,
  ];
}

function readingOf(given: string | undefined): Reading | 'utf-8' | undefined {
  if (given === undefined) return undefined;
  const name = given.toLowerCase();
  const alias: Readonly<Record<string, Reading>> = {
    abc: 'tcvn3',
    'vni-windows': 'vni',
    cp1258: 'windows-1258',
    vn1: 'tcvn5712-1',
  };
  const found = readings.find((reading) => reading === name) ?? alias[name];
  if (!found)
    throw wrongUse(`--from is one of ${readings.join(', ')}`, `--from là một trong: ${readings.join(', ')}`);
  return found;
}

async function convert(out: Output, file: string, options: { from?: string; out?: string }): Promise<number> {
  const from = readingOf(options.from);
  const ending = extname(file);
  const target = options.out ?? join(dirname(file), `${basename(file, ending)}.unicode${ending}`);
  if (fs.existsSync(target))
    throw new CommandError(
      'failed',
      { vi: `Tệp ${target} đã có, không ghi đè`, en: `${target} is there already and is not overwritten` },
      { vi: 'Chọn tên khác với --out.', en: 'Choose another name with --out.' },
    );
  const how = await readable(file, () => planConversion(file, from));
  const done = await writeConverted(file, target, how);
  out.answer({
    file,
    out: target,
    from: how.reading ?? how.container,
    changed: done.changed,
    strange: done.strange,
    capitalsRestored: done.restored,
  });
  out.say(visible(`${target}  ${bytesText(done.lengthBytes)}  từ ${nameOf(how.reading ?? how.container)}`));
  if (done.restored > 0)
    out.warn(
      `${done.restored} chữ hoa được phục hồi theo ngữ cảnh (bảng mã này không ghi chữ hoa có dấu): xin xem lại. ${done.restored} capitals were restored from context: please look.`,
    );
  if (done.strange > 0)
    out.warn(
      `${done.strange} ký tự không có trong bảng mã này, để nguyên: xin xem lại. ${done.strange} characters are not in this encoding and were left: please look.`,
    );
  return done.strange > 0 ? exitCodes.judgedBad : exitCodes.done;
}

/** A half-written file never has the name that was asked for. */
async function writeConverted(file: string, target: string, how: Conversion) {
  const half = `${target}.${randomUUID()}.part`;
  const fd = fs.openSync(half, 'wx', 0o644);
  let [lengthBytes, strange, restored, changed] = [0, 0, 0, 0];
  try {
    for await (const line of convertedLines(file, how)) {
      const bytes = Buffer.from(line.text);
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at);
      lengthBytes += bytes.length;
      strange += line.strange;
      restored += line.restored;
      if (/[^\0-\x7f]/.test(line.text)) changed += 1;
    }
    fs.closeSync(fd);
    await syncFileAsync(half);
    await renameDurable(half, target);
  } catch (error) {
    fs.rmSync(half, { force: true });
    throw error;
  }
  return { lengthBytes, strange, restored, changed };
}
