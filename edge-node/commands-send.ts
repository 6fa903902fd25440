// "lienthong send": files and fields of the command line -> uploads and one POST /v1/documents.
// Must never hand the same thing in twice because an answer was lost: without --key the key is made from the request itself.
// First step of a document's path.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { exitCodes, type Output, readable, runCommand, shellWord, wrongUse } from '../bin/output.ts';
import { limits } from '../protocol/limits.ts';
import { readBounded } from '../protocol/node/http-client.ts';
import type { Matched } from '../protocol/recipients.ts';
import { assertFields, type FieldOptions, fieldsOf, kindsText, withFields } from './commands-fields.ts';
import { type Node, withNode } from './commands-reach.ts';
import { placesText, sayMatched } from './commands-recipients.ts';
import { idOf } from './commands-words.ts';
import type { SubmitAnswer } from './core.ts';
import { mediaTypeOf } from './media-types.ts';

type SendOptions = FieldOptions & {
  readonly dir: string;
  readonly json?: boolean;
  readonly to?: string[];
  /** File with the text of "nơi nhận". */
  readonly places?: string;
  readonly restOnPaper?: boolean;
  readonly key?: string;
  readonly unit?: string;
  readonly evenIfDuplicate?: boolean;
};

const split = (value: string, before: string[] = []): string[] => [
  ...before,
  ...value.split(',').filter(Boolean),
];
const exits =
  'Mã kết thúc / exit codes: 0 đã tiếp nhận / handed in, 1 bị từ chối / refused, 2 dùng sai / wrong use, 66 không đọc được tệp / a file cannot be read, 75 thử lại sau / try later, 78 cấu hình / configuration.';

function withSending(command: Command): Command {
  const sending = command
    .requiredOption('--dir <dir>', 'thư mục dữ liệu của nút; the data folder of the node')
    .option(
      '--to <codes>',
      'mã nơi nhận, cách nhau bằng dấu phẩy; recipients: codes with an optional desk (repeatable)',
      split,
    )
    .option(
      '--places <file>',
      'tệp có phần "Nơi nhận": đối chiếu với danh bạ và gửi tới các nơi tìm thấy; recipients by the text of "nơi nhận"',
    )
    .option(
      '--rest-on-paper',
      'đã xem, các nơi không gửi được qua hệ thống thì gửi giấy và ghi vào "nơi nhận khác"; places that are not served here go on paper and are named in the document',
    )
    .option(
      '--unit <code>',
      'đơn vị gửi, khi nút có nhiều đơn vị; sending unit, when the node serves several',
    );
  return withFields(sending)
    .option(
      '--even-if-duplicate',
      'đã xem văn bản trùng số, ký hiệu và vẫn gửi; after document-duplicate-suspected: send all the same',
    )
    .option(
      '--key <text>',
      'khoá chống trùng; without it the same command hands in the same document only once',
    )
    .option('--json', 'kết quả JSON; one JSON document on stdout, problem documents on stderr');
}

export function sendCommand(program: Command): void {
  withSending(
    program
      .command('send')
      .description(
        'Gửi văn bản.\nHands a document in. When the command ends with 0 the document is on disk and the node sends it, whatever happens to the line.',
      )
      .argument('<files...>', 'các tệp, theo thứ tự; the files, in order, names are kept'),
  )
    .addHelpText(
      'after',
      `${kindsText}Ví dụ / example: lienthong send --dir /var/lib/lienthong --to H08.35.13,H08 --number 2317 --notation QĐ-UBND --subject "…" quyet-dinh.pdf\n${exits}`,
    )
    .action((files: string[], options: SendOptions) =>
      runCommand((out) => send(out, files, options), options),
    );
  withSending(
    program
      .command('replace')
      .description(
        'Thay thế văn bản đã gửi bằng văn bản mới.\nA new document takes the place of one that was sent: receivers keep the old one, marked, and see the new.',
      )
      .argument('<id>', 'mã văn bản bị thay thế; id of the document that is replaced')
      .argument('<files...>', 'các tệp của văn bản mới; the files of the new document'),
  )
    .requiredOption('--reason <text>', 'lý do thay thế; why, the recipients read it')
    .addHelpText('after', `${kindsText}${exits}`)
    .action((id: string, files: string[], options: SendOptions) =>
      runCommand((out) => send(out, files, { ...options, replaces: [idOf(id)] }), options),
    );
}

/** Together small enough for one JSON request; what does not fit is uploaded. */
const INLINE_TOTAL_BYTES_MAX = 2 * 1024 * 1024;

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
  return { path, name, mediaType: mediaTypeOf(name), lengthBytes, sha256Hex: hash.digest('hex') };
}

function keyOf(fields: Record<string, unknown>, files: readonly File[]): string {
  const content = files.map(({ name, sha256Hex }) => [name, sha256Hex]);
  return `cli-${createHash('sha256')
    .update(JSON.stringify([fields, content]))
    .digest('hex')}`;
}

type Places = { readonly recipients: readonly string[]; readonly otherPlaces: readonly string[] };

/**
 * Recipients by the text of "nơi nhận". What it leaves to paper or to a choice is shown, and stops the sending until a person has said that the rest goes on
 * paper; then it stands in the document as other places. Undefined: stopped.
 */
async function placesOf(out: Output, options: SendOptions): Promise<Places | undefined> {
  const to = options.to ?? [];
  if (options.places === undefined) return { recipients: to, otherPlaces: [] };
  const text = await placesText(options.places);
  const { body } = await withNode(options.dir, (node) =>
    node.call<Matched>('POST', '/v1/recipients/match', {
      text,
      ...(options.unit === undefined ? {} : { unit: options.unit }),
    }),
  );
  const rest = [...body.paper.map((each) => each.text), ...body.open, ...body.elsewhere];
  if (rest.length > 0 && !options.restOnPaper) {
    sayMatched(out, body);
    out.answer(body);
    out.say(
      'Chưa gửi. Nếu những nơi còn lại gửi giấy, chạy lại với --rest-on-paper; nếu không, sửa "Nơi nhận" hoặc thêm --to.\nNothing was sent: --rest-on-paper when the rest goes on paper, else mend the text or add --to.',
    );
    return undefined;
  }
  const found = body.served.map(({ code, desk }) => (desk ? `${desk}@${code}` : code));
  return { recipients: [...new Set([...to, ...found])], otherPlaces: [...new Set(rest)] };
}

async function send(
  out: Output,
  paths: readonly string[],
  options: SendOptions,
): Promise<number | undefined> {
  const places = await placesOf(out, options);
  if (!places) return exitCodes.failed;
  const { recipients } = places;
  if (recipients.length === 0)
    throw wrongUse('--to or --places names no recipient', '--to hoặc --places chưa nêu nơi nhận');
  const { unit } = options;
  const given = fieldsOf(options) as { readonly otherPlaces?: readonly string[] };
  const otherPlaces = [...(given.otherPlaces ?? []), ...places.otherPlaces];
  const fields = {
    recipients,
    ...(unit === undefined ? {} : { unit }),
    ...given,
    ...(otherPlaces.length > 0 ? { otherPlaces } : {}),
  };
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
    // Not a part of what is handed in: the same document, with or without the warning.
    const confirmed = options.evenIfDuplicate ? { evenIfDuplicate: true } : {};
    const body = { ...fields, ...confirmed, idempotencyKey, parts };
    return (await node.call<SubmitAnswer>('POST', '/v1/documents', body)).body;
  });
  out.answer(answer);
  out.say(
    answer.duplicate
      ? `Văn bản này đã được tiếp nhận trước đó, không gửi hai lần: ${answer.documentId}\nHanded in before; nothing was sent twice (another --key sends it again).`
      : `Đã tiếp nhận, đã ghi vào ổ đĩa và sẽ tự gửi: ${answer.documentId}\nHanded in: it is on disk and will be sent. To follow it: lienthong show ${answer.documentId} --dir ${shellWord(options.dir)}`,
  );
  return exitCodes.done;
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
