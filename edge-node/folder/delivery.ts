// Gives arrivals into a watched folder: written whole beside it, synced, noted, and shown by one rename, each once; what a crash leaves is finished
// or made again. Waits for the check of a document, and takes its copy back when a recall or a removal destroys it, before that is
// confirmed. Must never show half a document, nor give what may not be read.
import fsp from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import { syncDirAsync, writeFileDurableAsync, writeStreamDurable } from '../../protocol/node/durable.ts';
import type { EdgeContext } from '../context.ts';
import type { DocumentView, EdgeCore } from '../core.ts';
import { cut, entriesOf, lookAt, makeShared, move, type Places, sharedFile, unusable } from './layout.ts';

const atOnce = 20;

export type DeliveryOptions = {
  readonly places: Places;
  readonly unit: { readonly unit: string };
  readonly core: Pick<EdgeCore, 'show' | 'readPart' | 'proof'>;
  readonly context: Pick<EdgeContext, 'store' | 'clock' | 'log'>;
};

/** One round; true when there may be more. Throws what is temporary. */
export async function giveArrivals(options: DeliveryOptions, signal: AbortSignal): Promise<boolean> {
  const { places, unit, context } = options;
  const { store, clock } = context;
  const { folder } = places;
  const newest = store.newestArrival();
  const from = store.folderRow(folder)?.givenSeq ?? newest;
  const rows = store.toGive(folder, unit.unit, from, 200);
  let waitsAt: number | undefined;
  let given = 0;
  for (const row of rows) {
    if (signal.aborted || given >= atOnce) return true;
    const envelopeId = uuidFromBytes(row.envelopeId);
    const view = await options.core.show(envelopeId, { direction: 'in' });
    const check = view.safety?.state ?? 'passed';
    if (check === 'pending' || check === 'held') {
      waitsAt ??= row.seq;
      continue;
    }
    const gone = view.destroyedMs !== undefined || (check !== 'passed' && check !== 'released');
    const before = store.givenRow(folder, row.seq);
    const name = before?.name ?? nameOf(view, envelopeId);
    const note = (state: 'ready' | 'given' | 'gone') =>
      store.write('folderGive', { folder, inboxSeq: row.seq, name, state, nowMs: clock.nowMs() });
    if (gone) {
      await fsp.rm(making(places, envelopeId), { recursive: true, force: true });
      await note('gone');
      continue;
    }
    try {
      const made = making(places, envelopeId);
      if (before?.state !== 'ready') {
        await make(made, view, envelopeId, options);
        if (!(await note('ready'))) {
          await overwrite(made);
          await fsp.rm(made, { recursive: true, force: true });
          continue;
        }
      }
      // 5 Complete beside the folder, and noted: if it is not here any more, it was shown, whoever has taken it since.
      crashPoint('folder.5');
      if (await lookAt(made)) await move(made, join(places.in, name));
      crashPoint('folder.6');
      await note('given');
    } catch (error) {
      throw unusable(error);
    }
    given += 1;
    context.log.info({ event: 'folder.gave', envelopeId, folder });
  }
  if (rows.length < 200)
    await store.write('folderGaveUpTo', { folder, seq: waitsAt === undefined ? newest : waitsAt - 1 });
  return rows.length === 200;
}

const making = (places: Places, envelopeId: string): string => join(places.taking, `in-${envelopeId}`);

/** Sorts by arrival, says who and what; the end of the envelope's id makes it the only one. */
function nameOf({ receivedMs = 0, senderCode, metadata }: DocumentView, envelopeId: string): string {
  const at = new Date(receivedMs + 7 * 3_600_000)
    .toISOString()
    .slice(0, 19)
    .replace(/[-:]/g, '')
    .replace('T', '-');
  const number = [metadata?.number, metadata?.notation].filter(Boolean).join('-');
  // A name of ours on any disk: letters, digits, marks that mean nothing anywhere.
  const plain = (text: string) =>
    cut(text.normalize('NFC').replace(/[^\p{L}\p{N}._-]+/gu, '-'), 60).replace(/[.-]+$/, '');
  return [at, plain(senderCode), plain(number), envelopeId.slice(-12)].filter(Boolean).join('_');
}

/** Everything of an arrival in one folder, synced. What was half made before is made anew. */
async function make(
  path: string,
  view: DocumentView,
  envelopeId: string,
  { core }: DeliveryOptions,
): Promise<void> {
  await fsp.rm(path, { recursive: true, force: true });
  await makeShared(path);
  const files = join(path, 'files');
  await makeShared(files);
  for (const { index, name } of view.parts) {
    const { body } = await core.readPart(envelopeId, index, { direction: 'in' });
    // Names were judged before they were shown to anybody; one step and no more, whatever was judged.
    await writeStreamDurable(join(files, basename(name)), body, sharedFile);
  }
  await syncDirAsync(files);
  const proof = await core.proof(envelopeId, { direction: 'in' });
  await writeFileDurableAsync(join(path, 'proof.ltproof'), proof, { mode: sharedFile });
  await writeFileDurableAsync(join(path, 'document.json'), `${JSON.stringify(view, null, 2)}\n`, {
    mode: sharedFile,
  });
}

/**
 * Takes back the copies of a document that still lie in folders: overwritten, deleted, synced; what somebody carried away is beyond us. Throws
 * `folder-unusable` while a folder cannot be reached: nothing may be confirmed until then. Idempotent.
 */
export async function forgetCopies(
  documentId: Uint8Array,
  { store, clock }: Pick<EdgeContext, 'store' | 'clock'>,
): Promise<void> {
  for (const row of store.givenCopies(documentId)) {
    try {
      // The folder itself must be there: a share that is away is not a copy that is gone.
      if (!(await lookAt(join(row.folder, 'in')))?.isDirectory())
        throw new ExchangeError('folder-unusable', 'ENOENT');
      const arrival = store.arrivalSeq(row.inboxSeq);
      const shown = join(row.folder, 'in', row.name);
      // In this order: what is being shown at this moment is found in the one place or in the other.
      if (arrival) await destroy(join(row.folder, '.taking', `in-${uuidFromBytes(arrival.envelope_id)}`));
      if (await destroy(shown))
        await writeFileDurableAsync(`${shown}.THU-HOI.txt`, withdrawn, { mode: sharedFile });
      await syncDirAsync(join(row.folder, 'in'));
    } catch (error) {
      throw unusable(error);
    }
    await store.write('folderGive', { ...row, state: 'gone', nowMs: clock.nowMs() });
  }
}

const withdrawn =
  '\ufeffVăn bản này đã bị thu hồi hoặc gỡ bỏ; nội dung đã được huỷ theo quy định. Bản đã chép ra khỏi thư mục này cũng phải huỷ.\r\nThis document was recalled or removed and its content destroyed; copies that were taken out of this folder must be destroyed too.\r\n';

/** True when there was something. */
async function destroy(path: string): Promise<boolean> {
  if (!(await lookAt(path))?.isDirectory()) return false;
  await overwrite(path);
  await fsp.rm(path, { recursive: true, force: true });
  return true;
}

/** Best effort on disks that are not ours; links are left alone. */
async function overwrite(dir: string): Promise<void> {
  for (const { name, stat } of await entriesOf(dir)) {
    const path = join(dir, name);
    if (stat.isDirectory()) await overwrite(path);
    if (!stat.isFile() || stat.nlink !== 1) continue;
    const file = await fsp.open(path, 'r+');
    try {
      const zeros = Buffer.alloc(64 * 1024);
      for (let at = 0; at < stat.size; at += zeros.length)
        await file.write(zeros, 0, Math.min(zeros.length, stat.size - at), at);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}
