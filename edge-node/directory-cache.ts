// The signed directory on this node: verified, kept durably, usable without the hub. Fetched when the hub's stamp changes or a signer is
// unknown. It must never let an older part replace a newer one, nor stop the exchange because one hub's part does not verify.
import { openDirectoryParts } from '../certs/signers.ts';
import type { RootAnchor } from '../certs/trust.ts';
import { createDirectory, type Directory } from '../protocol/directory.ts';
import { createAgain } from '../protocol/node/again.ts';
import type { Clock } from '../protocol/node/clock.ts';
import type { HubLink } from '../protocol/node/hub-link.ts';
import type { Log } from '../protocol/node/logger.ts';
import type { Store } from './store/store.ts';

export type DirectoryCache = {
  current(): Directory;
  /** As the hub said it last; empty before the first. */
  stamp(): string;
  /** Whether to fetch, at this stamp of the hub: it is another, or a part of this one was refused and its time has come again. */
  due(hubStamp: string): boolean;
  /** One fetch at a time; callers during one share it. */
  refresh(link: HubLink, signal?: AbortSignal): Promise<void>;
  /** The hub has lost its newest revocation list in a restore: it gets back the signed part that is held here. */
  bringBack(link: HubLink, hub: string, signal?: AbortSignal): Promise<void>;
  /** After an unknown signer: at most once in `unknownEveryMs`, so that a stranger's seals do not make us fetch for ever. */
  refreshForSigner(link: HubLink, signal?: AbortSignal): Promise<boolean>;
};

const unknownEveryMs = 10_000;

export function createDirectoryCache(options: {
  readonly store: Store;
  /** The roots believed now. */
  readonly anchors: () => readonly RootAnchor[];
  /** Root hand-overs of the answer, before anything is judged by the roots. */
  readonly follow: (handovers: readonly Uint8Array[]) => Promise<void>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly onChange: (stamp: string) => void;
}): DirectoryCache {
  const { store, clock, log } = options;
  let stamp = store.fact('directoryStamp') ?? '';
  let directory = createDirectory(
    // One after the other: a large one is not in memory twice.
    [...store.directoryParts()].flatMap(({ bytes }) =>
      openDirectoryParts([bytes], {
        rootsDer: options.anchors(),
        nowMs: clock.nowMs(),
        stored: true,
      }).parts.map(({ part }) => part),
    ),
  );
  let running: Promise<void> | undefined;
  let askedMs = Number.NEGATIVE_INFINITY;
  const again = createAgain(options);

  async function fetchOnce(link: HubLink, signal: AbortSignal | undefined): Promise<void> {
    const known = directory.parts.map(({ hub, version }) => ({ hub, version }));
    let answer = await link.directory(known, signal);
    await options.follow(answer.rootHandovers);
    let opened = openDirectoryParts(answer.parts, {
      rootsDer: options.anchors(),
      nowMs: clock.nowMs(),
      known: directory,
    });
    if (opened.refused.some(({ code }) => code === 'directory-gap' || code === 'directory-page-wrong')) {
      // The hub's version is not the one that we hold (it was restored, or we were): everything anew.
      answer = await link.directory([], signal);
      opened = openDirectoryParts(answer.parts, {
        rootsDer: options.anchors(),
        nowMs: clock.nowMs(),
        known: directory,
      });
    }
    const nowMs = clock.nowMs();
    for (const { hub, code, detail } of opened.refused) {
      log.warn({ event: 'directory.stale', code, hub, said: detail });
      await store.write('alarm', { atMs: nowMs, code, about: `directory of ${hub}`, said: detail });
    }
    const refused = opened.refused.length > 0;
    again.note(refused);
    await store.write('saveDirectory', {
      parts: opened.parts.map(({ part, bytes }) => ({ hub: part.hub, version: part.version, bytes })),
      // A start asks again for what was refused.
      stamp: refused ? '' : answer.stamp,
      nowMs,
    });
    const fresh = new Map(opened.parts.map(({ part }) => [part.hub, part]));
    // The order stays: of two hubs that claim one unit, the one that was known first counts.
    const parts = directory.parts.map((part) => fresh.get(part.hub) ?? part);
    const added = [...fresh.values()].filter(({ hub }) => !directory.hub(hub));
    directory = createDirectory([...parts, ...added], directory);
    stamp = answer.stamp;
    log.info({ event: 'directory.updated', version: stamp.slice(0, 200) });
    options.onChange(stamp);
  }

  function refresh(link: HubLink, signal?: AbortSignal): Promise<void> {
    running ??= fetchOnce(link, signal).finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    current: () => directory,
    stamp: () => stamp,
    due: (hubStamp) => hubStamp !== stamp || again.due(),
    refresh,
    async bringBack(link, hub, signal) {
      for (const part of store.directoryParts())
        if (part.hub === hub) await link.pushDirectory([part.bytes], signal);
    },
    async refreshForSigner(link, signal) {
      if (running) await running;
      else if (clock.monotonicMs() - askedMs < unknownEveryMs) return false;
      else {
        askedMs = clock.monotonicMs();
        await refresh(link, signal);
      }
      return true;
    },
  };
}
