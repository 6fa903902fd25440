// The watched folders of a node, each a loop of its own over the same verbs as the API: what lies in out/ is taken, what is said of it later is told
// in sent/, what arrives is given into in/. A share that is away costs an alarm and a wait, never the exchange. First and last step of a
// document's path where office software speaks in files.
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes, uuidToBytes } from '../../protocol/ids.ts';
import { type StepResult, startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import type { FolderConfig } from '../config.ts';
import type { EdgeContext } from '../context.ts';
import type { EdgeCore, FolderStatus } from '../core.ts';
import { sendingUnit } from '../outbox/submit.ts';
import { tellResult } from './answers.ts';
import { giveArrivals } from './delivery.ts';
import { createIntake, type Intake } from './intake.ts';
import { openPlaces, type Places } from './layout.ts';

const defaultQuietSeconds = 5;
/** A look costs a listing of the folder. */
const everyMs = 2_000;
/** Results of documents that were taken longer ago change no more. */
const tellMs = 400 * 86_400_000;
const alarmAgainMs = 3_600_000;

export type Folders = {
  status(): readonly FolderStatus[];
  drain(): Promise<void>;
  stop(): Promise<void>;
};
type Core = Pick<EdgeCore, 'submit' | 'addContent' | 'show' | 'proof' | 'readPart' | 'onEvent'>;

/** Throws `config-invalid` for two folders at one path, `peer-not-sender` for a unit that is not here. */
export function startFolders(dir: string, context: EdgeContext, core: Core): Folders {
  const configured = context.config.folders ?? [];
  if (new Set(configured.map(({ path }) => path)).size < configured.length)
    throw new ExchangeError('config-invalid', '/folders: one path twice');
  const all = configured.map((config) => startFolder(config, { dir, context, core }));
  return {
    status: () => all.map(({ status }) => status()),
    async drain() {
      for (const { loop } of all) await loop.drain();
    },
    async stop() {
      await Promise.all(all.map(({ stop }) => stop()));
    },
  };
}

type Deps = { readonly dir: string; readonly context: EdgeContext; readonly core: Core };

function startFolder(config: FolderConfig, { dir, context, core }: Deps) {
  const { clock, store, log } = context;
  const unit = unitOf(config, context);
  const quietMs = (config.quietSeconds ?? defaultQuietSeconds) * 1_000;
  let open: { readonly places: Places; readonly intake: Intake } | undefined;
  let trouble: string | undefined;
  let alarmedMs: number | undefined;
  /** Documents of ours that changed without a statement: cancelled, refused here. */
  const changed = new Set<string>();
  const stopListening = core.onEvent((event) => {
    if (event.kind === 'document') changed.add(event.documentId);
    if (event.kind === 'document' || event.kind === 'statement' || event.kind === 'arrived') loop.nudge();
  });

  async function ready() {
    if (open) {
      // Somebody may have taken a folder away, or put a link in its place.
      await openPlaces(config.path, dir);
      return open;
    }
    const places = await openPlaces(config.path, dir);
    await store.write('folderKnown', { folder: places.folder });
    for (const { documentId } of store.takenSince(places.folder, clock.nowMs() - tellMs))
      changed.add(uuidFromBytes(documentId));
    open = { places, intake: createIntake({ places, unit, quietMs, core, context }) };
    return open;
  }

  async function tell(places: Places): Promise<void> {
    const seen = store.folderRow(places.folder);
    const marks = store.toldMarks();
    const renew = new Map<string, string>();
    if (seen)
      for (const { documentId, name } of store.takenTold(
        places.folder,
        seen.statementsSeen,
        seen.statusesSeen,
      ))
        renew.set(uuidFromBytes(documentId), name);
    for (const id of changed) {
      const row = store.taken(uuidToBytes(id));
      if (row?.folder === places.folder) renew.set(id, row.name);
    }
    for (const [documentId, name] of renew) await tellResult(places, { name, documentId, renew: true }, core);
    changed.clear();
    if (seen && (marks.statementsSeen !== seen.statementsSeen || marks.statusesSeen !== seen.statusesSeen))
      await store.write('folderTold', { folder: places.folder, ...marks });
  }

  async function step(signal: AbortSignal): Promise<StepResult> {
    const { places, intake } = await ready();
    const took = await intake.look(signal);
    await tell(places);
    const more = await giveArrivals({ places, unit, core, context }, signal);
    trouble = undefined;
    return took || more ? 'more' : 'idle';
  }

  async function alarm(said: string): Promise<void> {
    const nowMs = clock.monotonicMs();
    if (alarmedMs !== undefined && nowMs - alarmedMs < alarmAgainMs) return;
    alarmedMs = nowMs;
    log.warn({ event: 'folder.unusable', folder: config.path, said });
    await store.write('alarm', { atMs: clock.nowMs(), code: 'folder-unusable', about: config.path, said });
  }

  const loop: WorkLoop = startWorker({
    clock,
    random: context.random,
    step,
    idleMs: Math.min(everyMs, quietMs),
    onError: (error, waitMs) => {
      const known = isExchangeError(error) ? error : undefined;
      trouble = known ? known.detail || known.code : 'internal';
      log.warn({
        event: 'worker.waiting',
        worker: 'folder',
        waitMs,
        code: known?.code ?? 'internal',
        ...(known ? {} : { err: error }),
      });
      // The node's own trouble has its own alarms.
      if (isExchangeError(error, 'folder-unusable', 'config-invalid'))
        void alarm(trouble).catch((err: unknown) => log.error({ event: 'request.internal', err }));
    },
  });
  return {
    loop,
    async stop() {
      stopListening();
      await loop.stop();
    },
    status: (): FolderStatus => ({
      path: config.path,
      unit: unit.code,
      trouble,
      ...(open?.intake.counts() ?? { waiting: 0, mistakes: 0 }),
    }),
  };
}

/** Code and id in capitals, as a description may name it. */
function unitOf({ unit, path }: FolderConfig, context: EdgeContext) {
  const { units } = context.identity();
  if (unit === undefined && units.length !== 1)
    throw new ExchangeError('config-invalid', `/folders: ${path} names no unit, and the node serves several`);
  const id = sendingUnit(unit, context);
  return { unit: id, code: (units.find((each) => each.unit === id)?.code ?? id).toUpperCase() };
}
