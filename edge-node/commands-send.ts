// "lienthong send": files and fields of the command line -> uploads and one POST /v1/documents.
// Must never hand the same thing in twice because an answer was lost: without --key the key is made from the request itself.
// First step of a document's path.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { type Output, readable, runCommand, wrongUse } from '../bin/output.ts';
import { uuidPattern } from '../protocol/document/fields.ts';
import { judgeDocument } from '../protocol/document/judge.ts';
import { documentKinds } from '../protocol/document/kinds.ts';
import { urgencyNamed, urgencyWords } from '../protocol/document/urgency.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { readBounded } from '../protocol/node/http-client.ts';
import { type Node, withNode } from './commands-reach.ts';
import type { SubmitAnswer } from './core.ts';

type SendOptions = {
  readonly dir: string;
  readonly json?: boolean;
  readonly to: string[];
  readonly key?: string;
  readonly unit?: string;
  readonly subject?: string;
  readonly number?: string;
  readonly notation?: string;
  readonly type?: string;
  readonly issueDate?: string;
  readonly sphere?: string;
  readonly note?: string;
  readonly urgency?: string;
  readonly deliverBy?: string;
  readonly replyBy?: string;
  readonly signer?: string[];
  readonly urgentAt?: string;
  readonly origin?: string;
  readonly paper?: boolean;
  readonly keepText?: boolean;
  readonly pages?: string;
  readonly copies?: string;
  readonly otherPlace?: string[];
  readonly reportPeriod?: string;
  readonly answers?: string[];
  readonly replaces?: string[];
  readonly corrects?: string[];
  readonly relates?: string[];
  readonly reason?: string;
  readonly exception?: string;
};

const split = (value: string, before: string[] = []): string[] => [
  ...before,
  ...value.split(',').filter(Boolean),
];
const collect = (value: string, before: string[] = []): string[] => [...before, value];

const urgencyChoices = Object.entries(urgencyWords)
  .map(([word, vi]) => `${word} (${vi})`)
  .join(', ');
const kindNames = (electronic: boolean): string =>
  documentKinds
    .filter((kind) => kind.electronic === electronic && kind.group !== 'normative')
    .map(({ name, abbreviation }) => (abbreviation ? `${name} (${abbreviation})` : name))
    .join(', ');

export function sendCommand(program: Command): void {
  program
    .command('send')
    .description(
      'Gửi văn bản.\nHands a document in. When the command ends with 0 the document is on disk and the node sends it, whatever happens to the line.',
    )
    .argument('<files...>', 'các tệp, theo thứ tự; the files, in order, names are kept')
    .requiredOption('--dir <dir>', 'thư mục dữ liệu của nút; the data folder of the node')
    .requiredOption(
      '--to <codes>',
      'mã nơi nhận, cách nhau bằng dấu phẩy; recipients: codes with an optional desk (repeatable)',
      split,
    )
    .option(
      '--unit <code>',
      'đơn vị gửi, khi nút có nhiều đơn vị; sending unit, when the node serves several',
    )
    .option('--subject <text>', 'trích yếu; subject')
    .option('--number <text>', 'số; number')
    .option('--notation <text>', 'ký hiệu, như trên văn bản; notation, as written')
    .option('--type <text>', 'loại văn bản (xem dưới), loại khác cũng được; kind, any is taken')
    .option('--issue-date <date>', 'ngày ban hành, không ở tương lai; YYYY-MM-DD')
    .option('--sphere <text>', 'lĩnh vực; sphere')
    .option(
      '--signer <text>',
      'người ký, như in trên văn bản: "họ tên; chức vụ; thẩm quyền"; name; position; competence (repeatable)',
      collect,
    )
    .option('--note <text>', 'ghi chú cho văn thư nơi nhận; note to the receiving clerk')
    .option('--urgency <word>', `độ khẩn: ${urgencyChoices}; không nêu thì theo loại văn bản`)
    .option('--urgent-at <time>', 'giờ hẹn của hỏa tốc hẹn giờ; the time of flashTimed')
    .option('--deliver-by <time>', 'hạn chuyển; transport deadline, as 2026-11-30T17:00:00+07:00')
    .option('--reply-by <time>', 'hạn trả lời; deadline for the reply, as 2026-11-30T17:00:00+07:00')
    .option('--origin <word>', 'scan (số hoá từ bản giấy đã ký) hoặc digital (văn bản điện tử)')
    .option('--paper', 'có gửi kèm bản giấy; paper copies follow')
    .option('--pages <count>', 'số trang; pages')
    .option('--copies <count>', 'số bản phát hành; copies')
    .option(
      '--other-place <text>',
      'nơi nhận ghi trên văn bản nhưng không gửi qua đây; a place that is no addressee (repeatable)',
      collect,
    )
    .option('--report-period <period>', 'kỳ báo cáo: 2026, 2026-11, 2026-Q4, 2026-H2')
    .option('--answers <id>', 'trả lời văn bản này: mã, hoặc "số/ký hiệu"; replies to (repeatable)', collect)
    .option('--replaces <id>', 'thay thế văn bản đã gửi có mã này; replaces (repeatable)', collect)
    .option('--corrects <id>', 'đính chính văn bản này; corrects (repeatable)', collect)
    .option('--relates <id>', 'liên quan tới văn bản này; relates to (repeatable)', collect)
    .option('--reason <text>', 'lý do, khi thay thế; reason of a replacement')
    .option(
      '--exception <word>',
      'nội dung an ninh (security), quốc phòng (defence), trật tự (order): không được gửi qua đây, lệnh sẽ dừng',
    )
    .option(
      '--keep-text',
      'chữ viết như thế là đúng, không phải bảng mã cũ; after text-legacy: keep the text as written',
    )
    .option(
      '--key <text>',
      'khoá chống trùng; without it the same command hands in the same document only once',
    )
    .option('--json', 'kết quả JSON; one JSON document on stdout, problem documents on stderr')
    .addHelpText(
      'after',
      `\nLoại phải gửi điện tử (Điều 8.1): ${kindNames(true)}.\nLoại khuyến khích / encouraged: ${kindNames(false)}.\n` +
        'Ví dụ / example: lienthong send --dir /var/lib/lienthong --to H08.35.13,H08 --number 2317 --notation QĐ-UBND --subject "…" quyet-dinh.pdf\nMã kết thúc / exit codes: 0 đã tiếp nhận / handed in, 1 bị từ chối / refused, 2 dùng sai / wrong use, 66 không đọc được tệp / a file cannot be read, 75 thử lại sau / try later, 78 cấu hình / configuration.',
    )
    .action((files: string[], options: SendOptions) =>
      runCommand((out) => send(out, files, options), options),
    );
}

/** Together small enough for one JSON request; what does not fit is uploaded. */
const INLINE_TOTAL_BYTES_MAX = 2 * 1024 * 1024;

const mediaTypes: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  odt: 'application/vnd.oasis.opendocument.text',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  txt: 'text/plain',
  csv: 'text/csv',
  xml: 'application/xml',
  json: 'application/json',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  zip: 'application/zip',
  p7s: 'application/pkcs7-signature',
};

type File = {
  readonly path: string;
  readonly name: string;
  readonly mediaType: string;
  readonly lengthBytes: number;
  readonly sha256Hex: string;
};

async function describe(path: string): Promise<File> {
  const hash = createHash('sha256');
  let lengthBytes = 0;
  await readable(path, async () => {
    for await (const piece of fs.createReadStream(path, { highWaterMark: limits.chunkBytes })) {
      hash.update(piece as Buffer);
      lengthBytes += (piece as Buffer).length;
    }
  });
  // macOS and some scanners give decomposed letters; a name is sealed in NFC (TCVN 6909).
  const name = basename(path).normalize('NFC');
  const mediaType =
    mediaTypes[/\.([A-Za-z0-9]{1,5})$/.exec(name)?.[1]?.toLowerCase() ?? ''] ?? 'application/octet-stream';
  return { path, name, mediaType, lengthBytes, sha256Hex: hash.digest('hex') };
}

/** What the API would refuse is said before a large file is uploaded. */
function assertFields(fields: Record<string, unknown>, { deliverBy, replyBy, urgentAt }: SendOptions): void {
  const { urgency, issueDate } = fields as { urgency?: string; issueDate?: string };
  if (urgency !== undefined && !Object.hasOwn(urgencyWords, urgency))
    throw wrongUse(
      `--urgency is one of ${Object.keys(urgencyWords).join(', ')}`,
      `--urgency: ${urgencyChoices}`,
    );
  if (issueDate !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(issueDate))
    throw wrongUse('--issue-date is YYYY-MM-DD', '--issue-date có dạng năm-tháng-ngày, ví dụ 2026-11-22');
  for (const [name, value] of Object.entries({
    'deliver-by': deliverBy,
    'reply-by': replyBy,
    'urgent-at': urgentAt,
  }))
    if (value !== undefined && (!/[Zz]$|[+-]\d{2}:\d{2}$/.test(value) || Number.isNaN(Date.parse(value))))
      throw wrongUse(
        `--${name} is a time with its zone, as 2026-11-30T17:00:00+07:00`,
        `--${name} có dạng 2026-11-30T17:00:00+07:00`,
      );
  const violations = judgeDocument(fields, systemClock.nowMs());
  if (violations.length > 0)
    throw new ExchangeError(
      'request-malformed',
      violations.map(({ field, en }) => `${field}: ${en}`).join('; '),
      {
        violations,
      },
    );
}

/** "họ tên; chức vụ; thẩm quyền". */
function signerOf(text: string): Record<string, string> {
  const [name = '', position = '', competence = ''] = text.split(';').map((piece) => piece.trim());
  return { name, ...(position ? { position } : {}), ...(competence ? { competence } : {}) };
}

const uuid = new RegExp(uuidPattern);
/** An id of ours becomes a sealed link; anything else is a number and notation as written. */
function relationsOf(options: SendOptions): Record<string, unknown> {
  const { answers = [], replaces = [], corrects = [], relates = [] } = options;
  const all = Object.entries({ answers, replaces, corrects, relates }).flatMap(([relation, list]) =>
    list.map((text) => ({ relation, text: text.trim() })),
  );
  const links = all
    .filter(({ text }) => uuid.test(text.toLowerCase()))
    .map(({ relation, text }) => ({ relation, documentId: text.toLowerCase() }));
  const related = all
    .filter(({ text }) => !uuid.test(text.toLowerCase()))
    .map(({ relation, text }) => {
      const slash = text.indexOf('/');
      return slash < 0
        ? { relation, number: text }
        : { relation, number: text.slice(0, slash), notation: text.slice(slash + 1) };
    });
  if (replaces.some((text) => !uuid.test(text.trim().toLowerCase())))
    throw wrongUse(
      '--replaces takes the id of a document',
      '--replaces nhận mã văn bản (cột cuối của "lienthong outbox")',
    );
  return {
    ...(links.length > 0 ? { links } : {}),
    ...(related.length > 0 ? { related } : {}),
    ...(replaces.length > 0 ? { kind: 'replacement' } : {}),
  };
}

const wholeNumber = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (!/^\d{1,7}$/.test(text)) throw wrongUse(`--${name} is a whole number`, `--${name} là số nguyên`);
  return Number(text);
};

function fieldsOf(options: SendOptions): Record<string, unknown> {
  const { unit, subject, number, notation, type, issueDate, sphere, note, urgency, deliverBy, replyBy } =
    options;
  const { urgentAt, origin, reportPeriod, reason, exception, otherPlace } = options;
  const given = {
    unit,
    subject,
    number,
    notation,
    type,
    issueDate,
    sphere,
    note,
    urgency: urgency === undefined ? undefined : (urgencyNamed(urgency) ?? urgency),
    deliverBy,
    replyBy,
    urgentAt,
    origin,
    reportPeriod,
    reason,
    exception,
    otherPlaces: otherPlace,
    paperFollows: options.paper,
    keepText: options.keepText,
    pages: wholeNumber('pages', options.pages),
    copies: wholeNumber('copies', options.copies),
  };
  return {
    recipients: options.to,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(options.signer ? { signers: options.signer.map(signerOf) } : {}),
    ...relationsOf(options),
  };
}

function keyOf(fields: Record<string, unknown>, files: readonly File[]): string {
  const content = files.map(({ name, sha256Hex }) => [name, sha256Hex]);
  return `cli-${createHash('sha256')
    .update(JSON.stringify([fields, content]))
    .digest('hex')}`;
}

async function send(out: Output, paths: readonly string[], options: SendOptions): Promise<void> {
  if (options.to.length === 0) throw wrongUse('--to names no recipient', '--to chưa nêu nơi nhận');
  const fields = fieldsOf(options);
  assertFields(fields, options);
  const files: File[] = [];
  for (const path of paths) files.push(await describe(path));
  const idempotencyKey = options.key ?? keyOf(fields, files);
  const answer = await withNode(options.dir, async (node) => {
    const parts: unknown[] = [];
    let inlineBytes = 0;
    for (const file of files) {
      const small =
        file.lengthBytes <= limits.inlinePartBytesMax &&
        inlineBytes + file.lengthBytes <= INLINE_TOTAL_BYTES_MAX;
      if (small) inlineBytes += file.lengthBytes;
      parts.push(small ? inline(file) : await upload(out, node, file, options.unit));
    }
    return (await node.call<SubmitAnswer>('POST', '/v1/documents', { ...fields, idempotencyKey, parts }))
      .body;
  });
  out.answer(answer);
  out.say(
    answer.duplicate
      ? `Văn bản này đã được tiếp nhận trước đó, không gửi hai lần: ${answer.documentId}\nHanded in before; nothing was sent twice (another --key sends it again).`
      : `Đã tiếp nhận, đã ghi vào ổ đĩa và sẽ tự gửi: ${answer.documentId}\nHanded in: it is on disk and will be sent. To follow it: lienthong show ${answer.documentId} --dir ${options.dir}`,
  );
}

const inline = ({ path, name, mediaType }: File) => ({
  name,
  mediaType,
  contentBase64: fs.readFileSync(path).toString('base64'),
});

async function upload(
  out: Output,
  node: Node,
  { path, name, mediaType, lengthBytes, sha256Hex }: File,
  unit: string | undefined,
): Promise<unknown> {
  const progress = out.progress(name, lengthBytes);
  let done = 0;
  const body = Readable.from(
    (async function* () {
      for await (const piece of fs.createReadStream(path, { highWaterMark: limits.chunkBytes })) {
        done += (piece as Buffer).length;
        progress.at(done);
        yield piece as Buffer;
      }
    })(),
    { objectMode: false },
  );
  const where = `/v1/uploads${unit === undefined ? '' : `?unit=${encodeURIComponent(unit)}`}`;
  const headers = { 'content-type': 'application/octet-stream' };
  const answer = await node
    .stream(
      { method: 'POST', path: where, headers, body },
      async (got) => await readBounded(got.body, 16 * 1024),
    )
    .finally(() => progress.end());
  const said = JSON.parse(Buffer.from(answer).toString('utf8')) as { uploadId: string; sha256Hex: string };
  if (said.sha256Hex !== sha256Hex)
    throw wrongUse(`${path} changed while it was read`, `Tệp ${path} thay đổi trong khi đọc`);
  return { name, mediaType, uploadId: said.uploadId };
}
