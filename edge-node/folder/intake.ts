// Takes documents out of a watched folder, each once: claimed by a rename, handed in under a key made of what it says, its result written, the files
// removed, each step durable before the next; whatever a crash leaves in .taking/ goes on from there. What is not right stays where it lies,
// with the answer beside it. Must never take what is still being written, nor lose a file that was not handed in.
import { createHash, hash, randomBytes } from 'node:crypto';
import fsp, { type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { uuidToBytes } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import { syncDirAsync } from '../../protocol/node/durable.ts';
import { toSubmitRequest } from '../api/routes-documents.ts';
import type { EdgeContext } from '../context.ts';
import type { EdgeCore } from '../core.ts';
import { mediaTypeOf } from '../media-types.ts';
import { answerMistake, clearAnswers, tellResult, visibleName } from './answers.ts';
import { composed, type Drop, type DropBody, type DropPart, findDrops, judgeDrop, readJson } from './drop.ts';
import {
  entriesOf,
  freeName,
  isStep,
  makeOwn,
  move,
  openPlain,
  type Places,
  printOf,
  unusable,
} from './layout.ts';

/** So many quiet times without its description, or a file that the description names, and it is a mistake. */
const patience = 12;

export type IntakeOptions = {
  readonly places: Places;
  /** The unit that sends. */
  readonly unit: { readonly unit: string; readonly code: string };
  readonly quietMs: number;
  readonly core: Pick<EdgeCore, 'submit' | 'addContent' | 'show' | 'proof'>;
  readonly context: Pick<EdgeContext, 'store' | 'clock' | 'log'>;
};
type Seen = { print: string; sinceMs: number; judged: boolean };
export type Intake = {
  /** One look; true when something was taken. Throws what is temporary: the files are where they were, or claimed. */
  look(signal: AbortSignal): Promise<boolean>;
  counts(): { readonly waiting: number; readonly mistakes: number };
};

export function createIntake(options: IntakeOptions): Intake {
  const { places, quietMs, context } = options;
  const { clock, log } = context;
  let seen = new Map<string, Seen>();
  let resumed = false;

  /** How long nothing of it has changed; a new or changed one begins at 0. */
  function quiet(key: string, print: string, next: Map<string, Seen>): Seen & { readonly ms: number } {
    const before = seen.get(key);
    const one = before?.print === print ? before : { print, sinceMs: clock.monotonicMs(), judged: false };
    next.set(key, one);
    return Object.assign(one, { ms: clock.monotonicMs() - one.sinceMs });
  }

  async function refuse(name: string, one: Seen, error: ExchangeError): Promise<void> {
    await answerMistake(places, name, error);
    one.judged = true;
    log.warn({ event: 'folder.refused', folder: places.folder, code: error.code });
    await context.store.write('alarm', {
      atMs: clock.nowMs(),
      code: 'folder-drop-refused',
      about: places.folder,
      said: error.code,
    });
  }

  async function lookAtDrop(
    drop: Drop,
    one: Seen & { readonly ms: number },
    signal: AbortSignal,
  ): Promise<boolean> {
    const whole = drop.ready || one.ms >= quietMs;
    if (one.judged || !whole) return false;
    const patient = drop.ready || one.ms >= quietMs * patience;
    try {
      if (drop.json === undefined) {
        if (patient) throw new ExchangeError('folder-drop-refused', 'document.json: missing');
        return false;
      }
      const path =
        drop.form === 'folder' ? join(places.out, drop.name, drop.json) : join(places.out, drop.json);
      const judged = judgeDrop(drop, await readJson(path), clock.nowMs());
      if ('missing' in judged) {
        if (patient) throw judged.missing;
        return false;
      }
    } catch (error) {
      if (!isExchangeError(error) || error.row.retry === 'later') throw unusable(error);
      // A description that cannot be read may be half of one.
      if (!patient && error.violations.every(({ field }) => field === '')) return false;
      await refuse(drop.name, one, error);
      return false;
    }
    const claim = join(places.taking, randomBytes(8).toString('hex'));
    await makeOwn(claim);
    const from = drop.form === 'folder' ? drop.name : drop.json;
    await move(join(places.out, from), join(claim, from));
    // 1 Claimed: whatever happens, it is this claim's document.
    crashPoint('folder.1');
    if (drop.form === 'side')
      for (const { name } of drop.files) await move(join(places.out, name), join(claim, name));
    return await finish(claim, signal);
  }

  /** From a claim to the end, whoever began it. True: taken. */
  async function finish(claim: string, signal: AbortSignal): Promise<boolean> {
    const drop = await gather(claim, places);
    if (!drop) {
      // Empty, unless somebody was in there: his files are not ours to delete.
      for (const { name } of await entriesOf(claim))
        await move(join(claim, name), join(places.out, await freeName(places.out, name)));
      await fsp.rm(claim, { recursive: true, force: true });
      return false;
    }
    try {
      const documentId = await handIn(claim, drop, options, signal);
      // 3 The node has it, durable; a crash from here on hands the same in under the same key.
      crashPoint('folder.2');
      await context.store.write('folderTook', {
        documentId: uuidToBytes(documentId),
        folder: places.folder,
        name: drop.name,
        nowMs: clock.nowMs(),
      });
      await tellResult(places, { name: drop.name, documentId, renew: false }, options.core);
      // 4 Told.
      crashPoint('folder.3');
      await fsp.rm(claim, { recursive: true, force: true });
      await syncDirAsync(places.taking);
      // 5 The files are the node's only.
      crashPoint('folder.4');
      await clearAnswers(places, drop.name);
      log.info({ event: 'folder.took', documentId, folder: places.folder });
      return true;
    } catch (error) {
      if (error instanceof StillWritten) {
        await putBack(claim, drop, places);
        return false;
      }
      if (!isExchangeError(error) || error.row.retry === 'later' || signal.aborted) throw unusable(error);
      const name = await putBack(claim, drop, places);
      const again = (await findDrops(places.out)).drops.find((each) => each.name === name);
      const one: Seen = { print: again?.print ?? '', sinceMs: clock.monotonicMs(), judged: true };
      seen.set(`drop ${name}`, one);
      await refuse(name, one, error);
      return false;
    }
  }

  return {
    async look(signal) {
      let took = false;
      // What a crash or a temporary failure left claimed comes first.
      for (const { name, stat } of await entriesOf(places.taking)) {
        if (!stat.isDirectory() || name.startsWith('in-')) continue;
        took = (await finish(join(places.taking, name), signal)) || took;
        if (signal.aborted) return took;
      }
      resumed = true;
      const { drops, loose } = await findDrops(places.out);
      const next = new Map<string, Seen>();
      const watched = drops.map((drop) => ({ drop, one: quiet(`drop ${drop.name}`, drop.print, next) }));
      const alone = loose.map((entry) => ({ entry, one: quiet(`file ${entry.name}`, printOf(entry), next) }));
      seen = next;
      for (const { drop, one } of watched) {
        if (signal.aborted) return took;
        took = (await lookAtDrop(drop, one, signal)) || took;
      }
      for (const { entry, one } of alone)
        if (!one.judged && one.ms >= quietMs * patience)
          await refuse(
            entry.name,
            one,
            new ExchangeError('folder-drop-refused', `${entry.name}.json: missing`),
          );
      return took;
    },
    counts() {
      const all = resumed ? [...seen.values()] : [];
      const mistakes = all.filter(({ judged }) => judged).length;
      return { waiting: all.length - mistakes, mistakes };
    },
  };
}

/** What a claim holds. Of NAME.json, files that a crash left outside are fetched. Undefined: nothing was claimed. */
async function gather(claim: string, places: Places): Promise<Drop | undefined> {
  const named = (drops: readonly Drop[]) =>
    drops.find(({ json, form }) => form === 'folder' || json !== undefined);
  const drop = named((await findDrops(claim)).drops);
  if (!drop || drop.form === 'folder' || drop.json === undefined) return drop;
  const said = (await readJson(join(claim, drop.json)).catch(() => undefined)) as
    | { parts?: unknown }
    | undefined;
  const wanted = Array.isArray(said?.parts)
    ? said.parts.map((one: { name?: unknown }) => String(one?.name))
    : undefined;
  for (const { name, stat } of await entriesOf(places.out)) {
    const ours = wanted
      ? wanted.some((each) => each.normalize('NFC') === name.normalize('NFC'))
      : name.startsWith(`${drop.name}.`) && !/\.(json|ready|LOI\.txt)$/.test(name);
    if (ours && stat.isFile() && isStep(name)) await move(join(places.out, name), join(claim, name));
  }
  return named((await findDrops(claim)).drops);
}

/** Everything back to out/, the description last. Answers by which name it lies there now. */
async function putBack(claim: string, drop: Drop, places: Places): Promise<string> {
  if (drop.form === 'folder') {
    const name = await freeName(places.out, drop.name);
    await move(join(claim, drop.name), join(places.out, name));
    await fsp.rm(claim, { recursive: true, force: true });
    return name;
  }
  for (const { name } of drop.files)
    await move(join(claim, name), join(places.out, await freeName(places.out, name)));
  const json = await freeName(places.out, drop.json!);
  await move(join(claim, drop.json!), join(places.out, json));
  await fsp.rm(claim, { recursive: true, force: true });
  return json.slice(0, -5);
}

/** Id of the document. Temporary failures pass; what is wrong with it is thrown as at the API. */
async function handIn(
  claim: string,
  drop: Drop,
  { unit, core, context }: IntakeOptions,
  signal: AbortSignal,
): Promise<string> {
  const dir = drop.form === 'folder' ? join(claim, drop.name) : claim;
  if (drop.json === undefined) throw new ExchangeError('folder-drop-refused', 'document.json: missing');
  const judged = judgeDrop(drop, await readJson(join(dir, drop.json)), context.clock.nowMs());
  if ('missing' in judged) throw judged.missing;
  const { body, parts } = judged;
  // A folder is one unit's: a description may say so, and nothing else.
  if (
    body.unit !== undefined &&
    ![unit.unit, unit.code].some((own) => own.toUpperCase() === body.unit?.toUpperCase())
  )
    throw new ExchangeError('peer-not-sender', `this folder is ${unit.code}'s`);
  const said = new Map((body.parts ?? []).map(({ name, mediaType }) => [composed(name), mediaType]));
  let inlineBytes: number = limits.inlineTotalBytesMax;
  const read: { readonly name: string; readonly sha256: string }[] = [];
  const given = [];
  for (const part of parts) {
    const {
      sha256,
      lengthBytes,
      given: content,
    } = await readPart(join(dir, part.file), part, {
      unit: unit.unit,
      core,
      signal,
      inlineBytes,
    });
    if ('contentBase64' in content) inlineBytes -= lengthBytes;
    read.push({ name: part.name, sha256 });
    given.push({ name: part.name, mediaType: said.get(part.name) ?? mediaTypeOf(part.name), ...content });
  }
  const { parts: _, ...fields } = body;
  const answer = await core.submit(
    toSubmitRequest(
      { ...fields, unit: unit.unit, parts: given },
      body.idempotencyKey ?? keyOf(body, read),
      'watched folder',
    ),
  );
  return answer.documentId;
}

/** The same document dropped twice, or handed in again after a crash, is one: the key is made of everything that it says. */
function keyOf(body: DropBody, parts: readonly { readonly name: string; readonly sha256: string }[]): string {
  const { evenIfDuplicate: _asked, keepText: _kept, parts: _said, ...fields } = body;
  const content = parts.map(({ name, sha256 }) => [name, sha256]);
  return `folder-${createHash('sha256')
    .update(JSON.stringify([fields, content]))
    .digest('hex')}`;
}

/** Somebody wrote to a file while it was read: it was not whole. */
class StillWritten extends Error {}

/** Small ones ride along, large ones go to the node's content in bounded memory. Throws `StillWritten`, `folder-drop-refused`. */
async function readPart(
  path: string,
  { name, sha256 }: DropPart,
  how: {
    readonly unit: string;
    readonly core: IntakeOptions['core'];
    readonly signal: AbortSignal;
    /** Bytes that may still ride along. */
    readonly inlineBytes: number;
  },
) {
  const file = await openPlain(path);
  try {
    const before = await file.stat();
    const rides = before.size <= Math.min(limits.inlinePartBytesMax, how.inlineBytes);
    const read = rides ? await small(file) : await large(file, how);
    const after = await file.stat();
    if (before.mtimeMs !== after.mtimeMs || before.size !== after.size || read.lengthBytes !== after.size)
      throw new StillWritten();
    if (sha256 !== undefined && sha256 !== read.sha256)
      throw new ExchangeError('folder-drop-refused', `${visibleName(name)}: sha256 is ${read.sha256}`);
    return read;
  } finally {
    await file.close();
  }
}

async function small(file: FileHandle) {
  const bytes = await file.readFile();
  return {
    lengthBytes: bytes.length,
    sha256: hash('sha256', bytes),
    given: { contentBase64: bytes.toString('base64') },
  };
}

async function large(
  file: FileHandle,
  {
    core,
    unit,
    signal,
  }: { readonly core: IntakeOptions['core']; readonly unit: string; readonly signal: AbortSignal },
) {
  const body = file.createReadStream({ autoClose: false, highWaterMark: limits.chunkBytes });
  const { lengthBytes, sha256Hex, handle } = await core.addContent(body, { unit, signal });
  return { lengthBytes, sha256: sha256Hex, given: { uploadId: handle } };
}
