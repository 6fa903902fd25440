// "lienthong send|outbox|inbox|show|fetch|proof": what a clerk or a script does with documents.
// They must never say that something was sent when it was only tried: "handed in" is what the core has made durable.
// First and last thing that a person sees of a document's path.
import fs from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { bytesText, type Output, runCommand, shellWord, visible, wrongUse } from '../bin/output.ts';
import { statusName } from '../protocol/document/statuses.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { nameFault } from '../protocol/names.ts';
import { renameDurable, syncFileAsync, writeFileDurable } from '../protocol/node/durable.ts';
import { readBounded } from '../protocol/node/http-client.ts';
import { actCommands } from './commands-acts.ts';
import { type Node, withNode } from './commands-reach.ts';
import { recipientCommands } from './commands-recipients.ts';
import { reportSecretCommand, saySafety } from './commands-safety.ts';
import { searchCommand } from './commands-search.ts';
import { sendCommand } from './commands-send.ts';
import { idOf, notOverwritten, query, stateText, stateWords, timeText, withDir } from './commands-words.ts';
import type { DocumentView, InboxRow, OutboxRow, Page, PartView, RecipientView } from './core.ts';
import { percentOf, standingsOf } from './recipients/newest.ts';

type Common = { readonly dir: string; readonly json?: boolean };
type Direction = { readonly direction?: 'out' | 'in' };

export function documentCommands(program: Command): void {
  sendCommand(program);
  listCommands(program);
  reportSecretCommand(program);
  searchCommand(program);
  recipientCommands(program);
  withDir(program.command('show'))
    .argument('<id>', 'mã văn bản hoặc mã phong bì; document id or envelope id')
    .option(
      '--direction <out|in>',
      'khi văn bản vừa gửi vừa nhận ở đây; of a document both sent and received here',
    )
    .description(
      'Xem diễn biến của một văn bản.\nOne document: its files, and for every recipient what happened when, from signed statements.',
    )
    .action((id: string, options: Common & Direction) =>
      runCommand(async (out) => {
        const view = await withNode(options.dir, (node) => showOf(node, id, options));
        out.answer(view);
        sayDocument(out, view);
      }, options),
    );
  withDir(program.command('fetch'))
    .argument('<id>', 'mã văn bản hoặc mã phong bì; document id or envelope id')
    .option('--direction <out|in>', 'mặc định văn bản đến; default in')
    .option('--to <folder>', 'thư mục để tệp; where to put the files', '.')
    .option('--part <number>', 'chỉ tệp này, đếm từ 0; only this part, from 0')
    .description(
      'Lấy tệp của văn bản đến.\nSaves the files of an arrival; an existing file is never overwritten.',
    )
    .action((id: string, options: Common & Direction & { to: string; part?: string }) =>
      runCommand((out) => fetchParts(out, id, options), options),
    );
  withDir(program.command('proof'))
    .argument('<id>', 'mã văn bản hoặc mã phong bì; document id or envelope id')
    .option('--out <file>', 'tệp bằng chứng; the proof file (default ID.ltproof)')
    .option(
      '--direction <out|in>',
      'khi văn bản vừa gửi vừa nhận ở đây; of a document both sent and received here',
    )
    .option(
      '--with-metadata',
      'kèm trích yếu và tên tệp; include subject and file names, else only their digest is proven',
    )
    .description(
      'Xuất tệp bằng chứng.\nWrites the proof file: sealed header, receipts, certificates, directory. "lienthong verify" checks it offline.',
    )
    .action((id: string, options: Common & Direction & { out?: string; withMetadata?: boolean }) =>
      runCommand((out) => saveProof(out, id, options), options),
    );
  actCommands(program);
}

const everything = (rest: Readonly<Record<string, string | undefined>>, every: boolean | undefined) =>
  every ? { ...rest, every: 'true' } : rest;

async function showOf(node: Node, id: string, { direction }: Direction): Promise<DocumentView> {
  const path = `/v1/documents/${idOf(id)}${query({ direction })}`;
  return (await node.call<DocumentView>('GET', path)).body;
}

type ListOptions = Common & {
  unit?: string;
  text?: string;
  state?: string;
  sender?: string;
  limit?: string;
  after?: string;
  every?: boolean;
};

/** One word for a clerk's eye: what is asked first, then what was done. */
function inboxStanding({ standing, replaced, request }: InboxRow): string {
  if (standing.some(({ recall }) => recall !== '')) return 'đã thu hồi';
  if (request !== '') return request === 'recall' ? 'chờ thu hồi' : 'chờ cập nhật';
  if (replaced) return 'đã được thay thế';
  return [...new Set(standing.map(({ code }) => statusName(code).vi))].join(', ');
}

function listCommands(program: Command): void {
  const paged = (name: string) =>
    withDir(program.command(name))
      .option('--unit <code>', 'chỉ của đơn vị này; only of this unit of the node')
      .option(
        '--text <words>',
        'tìm trong trích yếu, ký hiệu, số; only those whose subject, notation or number contains this',
      )
      .option(
        '--every',
        'cả trạng thái, thu hồi, cập nhật; also statuses, recalls and updates, which are no documents',
      )
      .option('--limit <rows>', 'số dòng; 1 to 200, default 50')
      .option('--after <next>', 'trang tiếp theo; the page that follows, as printed at the end of a page');
  paged('outbox')
    .option(
      '--state <state>',
      'queued, accepted, relayed, delivered, refused, undeliverable, expired or cancelled',
    )
    .description('Danh sách văn bản đi.\nDocuments handed in here, newest first.')
    .action(({ dir, json, every, ...rest }: ListOptions) =>
      runCommand(
        async (out) => {
          const path = `/v1/documents${query(everything(rest, every))}`;
          const { body } = await withNode(dir, (node) => node.call<Page<OutboxRow>>('GET', path));
          out.answer(body);
          if (body.rows.length === 0) out.say('Không có văn bản nào. None.');
          else
            out.table(
              ['lúc', 'số/ký hiệu', 'trích yếu', 'tình trạng', 'nơi nhận', 'id'],
              body.rows.map((row) => [
                timeText(row.createdMs),
                [row.number, row.notation].filter(Boolean).join('/'),
                row.subject.slice(0, 50),
                stateText(row.state) +
                  (row.uploaded ? ` ${percentOf(row.uploaded)} %` : '') +
                  (row.lastError ? ` ${row.lastError}` : ''),
                countsText(row.recipients),
                row.documentId,
              ]),
            );
          if (body.next) out.say(`Còn nữa, thêm / more, add: --after ${body.next}`);
        },
        json === undefined ? {} : { json },
      ),
    );
  paged('inbox')
    .option('--sender <code>', 'chỉ từ đơn vị này; only from this unit')
    .description(
      'Danh sách văn bản đến.\nArrivals, newest first; every byte of them is verified and receipted.',
    )
    .action(({ dir, json, every, ...rest }: ListOptions) =>
      runCommand(
        async (out) => {
          const { body } = await withNode(dir, (node) =>
            node.call<Page<InboxRow>>('GET', `/v1/inbox${query(everything(rest, every))}`),
          );
          out.answer(body);
          if (body.rows.length === 0) out.say('Không có văn bản nào. None.');
          else
            out.table(
              ['nhận lúc', 'từ', 'số/ký hiệu', 'trích yếu', 'tình trạng', 'id'],
              body.rows.map((row) => [
                timeText(row.receivedMs),
                row.senderCode,
                [row.number, row.notation].filter(Boolean).join('/'),
                row.safety === 'passed' || row.safety === 'released'
                  ? row.subject.slice(0, 60)
                  : `[${checkWords[row.safety]}]`,
                inboxStanding(row),
                row.envelopeId,
              ]),
            );
          if (body.next) out.say(`Còn nữa, thêm / more, add: --after ${body.next}`);
        },
        json === undefined ? {} : { json },
      ),
    );
}

const checkWords: Readonly<Record<string, string>> = {
  pending: 'đang kiểm tra',
  held: 'bị giữ',
  refused: 'bị từ chối',
  rejected: 'đã loại',
};
/** The other two axes beside transport: what the office said, what the sender asked. */
const standingText = ({ status, change }: RecipientView): string =>
  [status && `${status.code} ${status.words.vi}`, change?.words.vi]
    .filter(Boolean)
    .map((words) => ` · ${words}`)
    .join('');

function sayDocument(out: Output, view: DocumentView): void {
  sayFacts(out, view);
  saySafety(out, view);
  sayCompleteness(out, view);
}

/** Served, and what is still open, by name: what a clerk is asked for. */
function sayCompleteness(out: Output, { completeness }: DocumentView): void {
  if (!completeness) return;
  const { complete, served, waiting, failed, paper } = completeness;
  out.say(
    complete
      ? `\nĐủ: cả ${served} nơi nhận đã có văn bản. All ${served} places are served.`
      : `\nNơi nhận: đã có (served) ${served}, đang chờ (waiting) ${waiting.length}, không được (failed) ${failed.length}, gửi giấy (on paper) ${paper.length}`,
  );
  for (const { code, name, state } of [...waiting, ...failed])
    out.say(visible(`  ${code} ${name}: ${stateText(state)}`));
  for (const place of paper) out.say(visible(`  giấy (paper): ${place}`));
}

const countsText = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([state, count]) => `${count} ${stateWords[state] ?? state}`)
    .join(', ');

/** One word for the document, and how many stand where as soon as they differ. */
function headText({ state, envelopes }: DocumentView): string {
  const counts: Record<string, number> = {};
  for (const to of standingsOf(envelopes)) counts[to.state] = (counts[to.state] ?? 0) + 1;
  return Object.keys(counts).length > 1 ? `${stateText(state)}: ${countsText(counts)}` : stateText(state);
}

function sayFacts(out: Output, view: DocumentView): void {
  const { metadata } = view;
  const number = [metadata?.number, metadata?.notation].filter(Boolean).join('/');
  out.say(
    visible(`${number ? `${number}  ` : ''}${metadata?.subject ?? '(đã xoá mô tả / metadata erased)'}`),
  );
  out.say(
    `${view.documentId}  ${view.direction === 'out' ? 'đi' : 'đến'}  ${headText(view)}  từ ${visible(view.senderCode)}  ${timeText(view.createdMs)}`,
  );
  if (view.destroyedMs !== undefined)
    out.say(
      `Đã huỷ nội dung (thu hồi hoặc lệnh gỡ bỏ) / destroyed by a recall or an order of removal  ${timeText(view.destroyedMs)}`,
    );
  for (const id of view.replacedBy) out.say(`Đã được thay thế bằng / replaced by ${id}`);
  for (const id of view.duplicates) out.say(`Trùng số, ký hiệu hoặc mã với / same number or id as ${id}`);
  for (const { kind, state, requestId } of view.requests)
    if (state === 'open')
      out.say(
        `${kind === 'recall' ? 'Nơi gửi yêu cầu thu hồi' : 'Nơi gửi cập nhật'} / the sender asks: lienthong agree ${requestId}`,
      );
  for (const part of view.parts)
    out.say(
      visible(
        `  [${part.index}] ${part.name}  ${part.mediaType}  ${bytesText(part.lengthBytes)}  ${part.sha256Hex}`,
      ),
    );
  for (const envelope of view.envelopes) {
    out.say(
      `\n${envelope.envelopeId ?? 'chưa đóng dấu / not sealed yet'}${envelope.lastError ? `  ${envelope.lastError} (${envelope.attempts}×)` : ''}${envelope.uploaded ? `  đang gửi / sending ${percentOf(envelope.uploaded)} %` : ''}`,
    );
    for (const each of envelope.recipients) {
      out.say(
        visible(
          `  ${each.desk ? `${each.desk}@` : ''}${each.code} ${each.name}: ${stateText(each.state)}${standingText(each)}`,
        ),
      );
      for (const event of each.timeline)
        out.say(
          visible(
            `    ${timeText(event.atMs)}  ${event.words.vi}${event.code ? ` (${event.code})` : ''}${event.byName ? `  — ${event.byName}` : ''}`,
          ),
        );
    }
  }
}

async function fetchParts(
  out: Output,
  id: string,
  options: Common & Direction & { to: string; part?: string },
): Promise<void> {
  const direction = options.direction ?? 'in';
  const saved: { index: number; path: string; sha256Hex: string; lengthBytes: number }[] = [];
  await withNode(options.dir, async (node) => {
    const view = await showOf(node, id, { direction });
    const wanted = view.parts.filter(
      ({ index }) => options.part === undefined || String(index) === options.part,
    );
    if (wanted.length === 0 && options.part === undefined)
      throw new ExchangeError(view.destroyedMs === undefined ? 'not-found' : 'document-state-refused', id);
    if (wanted.length === 0)
      throw wrongUse(`there is no part ${options.part}`, `Văn bản không có tệp số ${options.part}`);
    await mkdir(options.to, { recursive: true });
    for (const part of wanted) {
      const path = await savePart(out, node, { id, direction, part, folder: options.to });
      saved.push({ index: part.index, path, sha256Hex: part.sha256Hex, lengthBytes: part.lengthBytes });
      out.say(`${visible(path)}  ${bytesText(part.lengthBytes)}`);
    }
  });
  out.answer({ saved });
}

async function savePart(
  out: Output,
  node: Node,
  { id, direction, part, folder }: { id: string; direction: 'out' | 'in'; part: PartView; folder: string },
): Promise<string> {
  // A name was judged when it was sealed; one that a later version lets through is not believed here.
  const name = nameFault(part.name) === undefined ? part.name : `part-${part.index}`;
  const target = join(folder, name);
  if (fs.existsSync(target)) throw notOverwritten(target);
  const half = `${target}.part`;
  const progress = out.progress(name, part.lengthBytes);
  let done = 0;
  const path = `/v1/${direction === 'in' ? 'inbox' : 'documents'}/${idOf(id)}/parts/${part.index}`;
  try {
    await node.stream({ method: 'GET', path }, async ({ body }) => {
      body.on('data', (piece: Buffer) => {
        done += piece.length;
        progress.at(done);
      });
      await pipeline(body, fs.createWriteStream(half, { mode: 0o600 }));
    });
    if (done !== part.lengthBytes)
      throw new ExchangeError('part-mismatch', `${done} of ${part.lengthBytes} bytes`);
    await syncFileAsync(half);
    await renameDurable(half, target);
  } finally {
    progress.end();
    fs.rmSync(half, { force: true });
  }
  return target;
}

const PROOF_BYTES_MAX = 64 * 1024 * 1024;

async function saveProof(
  out: Output,
  id: string,
  options: Common & Direction & { out?: string; withMetadata?: boolean },
): Promise<void> {
  const { direction } = options;
  const file = options.out ?? `${id}.ltproof`;
  if (fs.existsSync(file)) throw notOverwritten(file);
  const metadata = options.withMetadata === true ? 'true' : undefined;
  const path = `/v1/documents/${idOf(id)}/proof${query({ direction, metadata })}`;
  const bytes = await withNode(options.dir, (node) =>
    node.stream({ method: 'GET', path }, ({ body }) => readBounded(body, PROOF_BYTES_MAX)),
  );
  writeFileDurable(file, bytes, { mode: 0o644, replace: false });
  out.answer({ file, lengthBytes: bytes.length });
  out.say(
    `${file}  ${bytesText(bytes.length)}\nKiểm tra / check:  lienthong verify ${shellWord(file)} --root ${shellWord(join(options.dir, 'certs', 'root.pem'))}`,
  );
}
