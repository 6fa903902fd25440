// The composition root of a node: lock, stores, line, workers, in this order; closed in the reverse one. The one place that knows
// everything; it decides nothing. Listens to nobody: the local API is put on top of what it returns.
import { randomBytes } from 'node:crypto';
import { parseCertificate } from '../certs/certificate.ts';
import { followHandovers, keepRoots } from '../certs/roots.ts';
import { createSigners } from '../certs/signers.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { atRestState } from '../protocol/node/at-rest/master.ts';
import { type AtRest, openAtRest } from '../protocol/node/at-rest/open.ts';
import { backupState } from '../protocol/node/backup-record.ts';
import type { Clock } from '../protocol/node/clock.ts';
import { openContentStore } from '../protocol/node/content-store.ts';
import { createHttpClient } from '../protocol/node/http-client.ts';
import { createHubLink, type HubLink } from '../protocol/node/hub-link.ts';
import { lockDir } from '../protocol/node/lock.ts';
import type { Log } from '../protocol/node/logger.ts';
import { startSealing } from '../protocol/node/seal-content.ts';
import { startSearchIndex } from '../protocol/node/search-index.ts';
import type { WorkLoop } from '../protocol/node/worker.ts';
import { createVerifier } from '../protocol/signature.ts';
import { type EdgeConfig, proxyOf } from './config.ts';
import { openDesk } from './console/desk.ts';
import type { EdgeContext } from './context.ts';
import type { Edge, EdgeEvent } from './core.ts';
import { coreVerbs } from './core-verbs.ts';
import { diagnose } from './diagnosis.ts';
import { createDirectoryCache } from './directory-cache.ts';
import { createDiskGuard } from './disk-guard.ts';
import { enrolFiles } from './enrol-files.ts';
import { startSearch } from './find.ts';
import { type Folders, startFolders } from './folder/folders.ts';
import { startHousekeeping } from './housekeeping.ts';
import { type Identity, loadIdentity, unitKeys } from './identity.ts';
import { type Fetcher, startFetcher } from './inbox/fetcher.ts';
import { startPoster } from './inbox/poster.ts';
import { createLine } from './line.ts';
import { openCalendar } from './office/calendar-file.ts';
import { uploadProgress } from './outbox/progress.ts';
import { startSender } from './outbox/sender.ts';
import { startUploader } from './outbox/uploader.ts';
import { recoverSent } from './recovery.ts';
import { startRenewal } from './renewal.ts';
import { startChecker } from './safety/checker.ts';
import { createSafety } from './safety/safety.ts';
import { startDestroyer } from './statuses/destroyer.ts';
import { openStore, type Store } from './store/store.ts';
import { type Remover, startRemover } from './takedown/remover.ts';
import { startWatch } from './watch.ts';

export type EdgeOptions = {
  readonly dir: string;
  readonly config: EdgeConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** Version told to the hub's operator. */
  readonly software?: string;
  /** [0,1), for jitter; not for keys or ids. */
  readonly random?: () => number;
  /** Instead of statfs; tests put a full disk in. */
  readonly freeBytes?: () => number;
};

/** Poll, spare, posts and defers beside the batches and transfers of the configuration. */
const otherConnections = 4;
/** A hub that does not answer a goodbye is told nothing: its leases run out. */
const goodbyeMs = 3_000;

/** Throws `dir-missing`, `dir-in-use`, `schema-newer`, `store-damaged`, `key-file-*`. The hub need not be there. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { dir } = options;
  const lock = lockDir(dir);
  try {
    const identity = loadIdentity(dir);
    const atRest = await openAtRest(dir);
    const store = await openStore(dir, { keys: unitKeys(identity), atRest });
    try {
      return await assemble(options, identity, store, {
        atRest,
        release() {
          atRest?.close();
          lock.release();
        },
      });
    } catch (error) {
      await store.close();
      throw error;
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

type Workers = {
  readonly sender: WorkLoop;
  readonly uploader: WorkLoop;
  readonly poster: WorkLoop;
  readonly fetcher: Fetcher;
  readonly housekeeping: WorkLoop;
  readonly sealing: WorkLoop;
  readonly renewal: WorkLoop;
  readonly watch: WorkLoop;
  readonly searchIndex: WorkLoop;
  readonly destroyer: WorkLoop;
  readonly checker: WorkLoop;
  readonly remover: Remover;
};

async function assemble(
  options: EdgeOptions,
  startIdentity: Identity,
  store: Store,
  { atRest, release }: { readonly atRest: AtRest | undefined; readonly release: () => void },
): Promise<Edge> {
  const { dir, config, clock, log } = options;
  let identity = startIdentity;
  let workers: Workers | undefined;
  const listeners = new Set<(event: EdgeEvent) => void>();
  const emit = (event: EdgeEvent) => {
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (err) {
        // A console that fell over may not stop the exchange.
        log.error({ event: 'request.internal', err });
      }
    }
  };
  const nudgeSending = () => {
    workers?.sender.nudge();
    workers?.uploader.nudge();
  };
  const nudgeAll = () => {
    workers?.sender.nudge({ now: true });
    workers?.uploader.nudge({ now: true });
    workers?.poster.nudge({ now: true });
    workers?.renewal.nudge();
    workers?.remover.loop.nudge();
  };

  await syncUnits(store, identity, clock);
  const content = await openContentStore({ dir, clock, keys: atRest?.keys });
  const proxy = proxyOf(config);
  const { batches, uploads } = config.send;
  const client = createHttpClient({
    origin: identity.exchangeUrl,
    tls: identity.tls,
    connections: batches + uploads + config.receive.downloads + otherConnections,
    ...(proxy ? { proxy } : {}),
  });
  const directory = createDirectoryCache({
    store,
    anchors: () => identity.anchors,
    follow: async (handovers) => void (await followRoots(handovers)),
    clock,
    random: options.random ?? Math.random,
    log,
    onChange(stamp) {
      emit({ kind: 'directory', stamp });
      workers?.searchIndex.nudge();
      // A revocation that came with it is told at once.
      workers?.watch.nudge();
    },
  });
  const signers = createSigners({
    directory: directory.current,
    rootsDer: () => identity.anchors,
    nowMs: clock.nowMs,
  });
  const link: HubLink = createHubLink({ client, clock, onOutcome: (error) => line.outcome(error) });
  const line = createLine({
    link: () => link,
    store,
    clock,
    log,
    signers,
    hubId: identity.hubId,
    software: options.software ?? 'lienthong',
    emit,
    onUsable: nudgeAll,
    explain: () =>
      diagnose({ enrolUrl: () => identity.enrolUrl, proxy, clock, follow: (found) => followRoots(found) }),
    revocationKnown: () => directory.current().hub(identity.hubId)?.revocationNumber ?? 0,
    beforeEpoch: (signal, unknownSigner) =>
      directory.current().hub(identity.hubId) && !unknownSigner
        ? Promise.resolve()
        : directory.refresh(link, signal),
  });
  const disk = createDiskGuard({
    dir,
    floorBytes: config.disk.floorBytes,
    clock,
    onChange: ({ nearlyFull, freeBytes }) => {
      if (nearlyFull) log.error({ event: 'disk.nearly-full', freeBytes });
      emit({ kind: 'disk', nearlyFull });
    },
    ...(options.freeBytes ? { freeBytes: options.freeBytes } : {}),
  });
  const safety = createSafety({ dir, config, clock, log, store });
  const context: EdgeContext = {
    config,
    safety,
    atRest: () => atRestState(dir),
    clock,
    log,
    randomBytes: (count) => randomBytes(count),
    random: options.random ?? Math.random,
    store,
    content,
    directory,
    signers,
    verifier: createVerifier(),
    disk,
    link,
    line,
    uploading: uploadProgress(clock),
    identity: () => identity,
    emit,
  };
  /** The root has handed over: believed from now on, durably. A hand-over that does not hold is an alarm and changes nothing. */
  async function followRoots(handovers: readonly Uint8Array[]): Promise<boolean> {
    try {
      const followed = followHandovers(identity.roots, handovers, clock.nowMs());
      if (followed === identity.roots) return false;
      keepRoots(enrolFiles(dir).certs, followed);
      log.warn({ event: 'root.followed', root: parseCertificate(followed.newestDer).fingerprint });
      await reloadIdentity();
      return true;
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      const { code, detail: said } = error;
      await store.write('alarm', { atMs: clock.nowMs(), code, about: 'root hand-over', said });
      return false;
    }
  }

  async function reloadIdentity(): Promise<void> {
    identity = loadIdentity(dir);
    client.swapTls(identity.tls);
    await store.write('setKeys', { keys: unitKeys(identity) });
    await syncUnits(store, identity, clock);
  }
  const running = startWorkers(context, {
    destroyKeys: (ids) => atRest?.keys.destroy(ids),
    nudgeAll,
    dir,
    reload: reloadIdentity,
  });
  workers = running;

  const calendar = openCalendar(dir, (error) =>
    log.warn({ event: 'calendar.unusable', said: error instanceof Error ? error.message : String(error) }),
  );
  let folders: Folders | undefined;
  const verbs = coreVerbs(context, {
    calendar,
    folders: () => folders?.status() ?? [],
    backup: () => backupState(dir, { warnDays: config.backup.warnDays, nowMs: clock.nowMs() }),
    fetcher: running.fetcher,
    nudge: nudgeSending,
    destroy: () => running.destroyer.nudge(),
    removal: () => running.remover.loop.nudge(),
    retryNow() {
      running.fetcher.loop.nudge({ now: true });
      nudgeAll();
    },
    async reloadIdentity() {
      await reloadIdentity();
      // The old papers may be what kept the line down: a person who brought new ones does not wait for a back-off.
      running.fetcher.loop.nudge({ now: true });
      nudgeAll();
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });

  // Documents become findable beside the work.
  const search = startSearch(context);
  const desk = await openDesk(dir, context, verbs, atRest?.keys);
  folders = startFolders(dir, context, verbs);

  async function stop(): Promise<void> {
    await folders?.stop();
    await search.stop();
    await Promise.all([
      desk.stop(),
      running.sender.stop(),
      running.uploader.stop(),
      running.poster.stop(),
      running.fetcher.stop(),
      running.housekeeping.stop(),
      running.sealing.stop(),
      running.renewal.stop(),
      running.watch.stop(),
      running.searchIndex.stop(),
      running.destroyer.stop(),
      running.checker.stop(),
      // With the checker: a file that is looked at may take a minute, and is looked at again after the next start.
      safety.inspector.close(),
      running.remover.loop.stop(),
    ]);
    if (line.state() === 'connected') {
      // A hub that is slow or away changes nothing for us: its leases run out.
      await link.goodbye(AbortSignal.timeout(goodbyeMs)).catch(() => {});
    }
    line.stop();
    await client.destroy();
    await store.close();
    release();
  }

  let closing: Promise<void> | undefined;
  return {
    ...verbs,
    desk,
    async drain() {
      await folders?.drain();
      await running.checker.drain();
      await running.uploader.drain();
      await running.sender.drain();
      await running.fetcher.settled();
      await running.destroyer.drain();
      await running.checker.drain();
      await running.sender.drain();
      await running.poster.drain();
    },
    close() {
      closing ??= stop();
      return closing;
    },
  };
}

function startWorkers(
  context: EdgeContext,
  {
    nudgeAll,
    destroyKeys,
    ...renewing
  }: {
    readonly nudgeAll: () => void;
    readonly destroyKeys: (ids: readonly number[]) => void;
    readonly dir: string;
    readonly reload: () => Promise<void>;
  },
): Workers {
  const renewal = startRenewal(context, renewing);
  const watch = startWatch(context, renewing);
  const searchIndex = startSearchIndex({
    directory: context.directory.current,
    clock: context.clock,
    random: context.random,
    onError: (error, waitMs) =>
      context.log.warn({ event: 'worker.waiting', worker: 'search-index', waitMs, err: error }),
  });
  const housekeeping = startHousekeeping(context);
  const sealing = startSealing({
    ...context,
    onError: (error, waitMs) =>
      context.log.warn({ event: 'worker.waiting', worker: 'sealing', waitMs, err: error }),
  });
  const poster = startPoster(context);
  // Each needs to wake the other: by name, since neither exists before both do.
  const loops: { sender?: WorkLoop; uploader?: WorkLoop } = {};
  const sender = startSender(context, () => loops.uploader?.nudge());
  loops.uploader = startUploader(context, () => loops.sender?.nudge());
  loops.sender = sender;
  const destroyer = startDestroyer(context, () => sender.nudge());
  const remover = startRemover(context, { dir: renewing.dir, destroyKeys });
  const fetcher = startFetcher(context, {
    onRequests: () => destroyer.nudge(),
    onReceipts: () => poster.nudge(),
    onReoffer: nudgeAll,
    onRemoval: (number) => remover.newest(number),
    recover: (signal) => recoverSent(context, signal),
  });
  const checker = startChecker(context, { onLetGo: nudgeAll });
  return {
    sender,
    uploader: loops.uploader,
    poster,
    fetcher,
    housekeeping,
    sealing,
    renewal,
    watch,
    searchIndex,
    destroyer,
    checker,
    remover,
  };
}

async function syncUnits(store: Store, identity: Identity, clock: Clock): Promise<void> {
  const units = identity.units.map(({ unit, code, name }) => ({ unit, code, name }));
  await store.write('syncUnits', { units, nowMs: clock.nowMs() });
}
