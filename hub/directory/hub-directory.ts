// The directory as the hub uses and hands it out: own part and those of other hubs, newest versions, indexed in memory.
// Must never show a version before the transaction that made it was synced, nor a foreign part that was not verified.
// accept and routing look units up here on every document; a changed stamp ends long polls so that nodes fetch.
import { openDirectoryParts } from '../../certs/signers.ts';
import type { RootAnchor } from '../../certs/trust.ts';
import { directoryAnswerCodec } from '../../protocol/codec.ts';
import { createDirectory, type Directory } from '../../protocol/directory.ts';
import { type OpenPart, readPart } from '../../protocol/directory-pages.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { KnownPart } from '../../protocol/wire.ts';
import type { PartToPut } from '../store/directory-ops.ts';
import { storedPart, storedVersions, storedWhole } from '../store/directory-reads.ts';
import { needFact } from '../store/facts.ts';
import type { HubStore } from '../store/store.ts';

/** The writes that foreign parts need. */
export type PartStore = Pick<HubStore, 'admin' | 'alarm'>;

export type HubDirectory = {
  current(): Directory;
  /** Our own part in force. */
  own(): OpenPart;
  stamp(): string;
  /** Encoded DirectoryAnswer: of each hub what is newer than the version known, all of it where none is said. Read from the store each time. */
  answer(known?: readonly KnownPart[]): Buffer;
  /** For readers of before there were pages: the parts that can be had as directory/1, ours among them. */
  wholeAnswer(): Promise<Buffer>;
  /** The newest part of a hub with the pages newer than a version (0: all); undefined when it is not above it. */
  partSince(hub: string, version: number): Uint8Array | undefined;
  /** Reads what an act has committed. Cheap when nothing changed. Call after every operation that publishes. */
  refresh(): void;
  /** Called after each change, in the order of registration; returns how to stop. */
  onChange(changed: () => void): () => void;
  /** A signed part of another hub, verified and stored durably if newer. Returns whether it was. Codes of certs/signers.ts, with an alarm. */
  offer(bytes: Uint8Array): Promise<boolean>;
  /** Several signed parts; a bad one raises an alarm and does not keep the others out. Returns how many were newer. */
  offerAll(parts: readonly Uint8Array[]): Promise<{ readonly newer: number; readonly refused: number }>;
  /** The parts of an encoded DirectoryAnswer (an exported file). */
  offerAnswer(bytes: Uint8Array): Promise<number>;
};

export type HubDirectoryOptions = {
  /** A read connection. */
  readonly db: Database;
  readonly store: PartStore;
  /** The roots believed now. */
  readonly anchors: () => readonly RootAnchor[];
  readonly handovers: () => readonly Uint8Array[];
  readonly clock: Clock;
};

type Held = { readonly version: number; readonly part: OpenPart };

/** Throws when `init` has not published the first own part. */
export function createHubDirectory(options: HubDirectoryOptions): HubDirectory {
  const { db, store, anchors, handovers, clock } = options;
  const hubId = needFact(db, 'hubId');
  const held = new Map<string, Held>();
  const listeners = new Set<() => void>();
  let directory = createDirectory([]);

  function load(): boolean {
    const before = directory;
    db.reading(() => {
      for (const { hub, version } of storedVersions(db)) {
        const known = held.get(hub);
        if (known?.version === version) continue;
        held.set(hub, { version, part: readHeld(hub, known) });
      }
    });
    // Our own part first: where two hubs claim one unit or one code, ours decides here; then by id, so that all see the same.
    const order = [...held.keys()].sort((a, b) => (a === hubId ? -1 : b === hubId ? 1 : a < b ? -1 : 1));
    const parts = order.map((hub) => held.get(hub)!.part);
    if (parts.length === before.parts.length && parts.every((part, at) => part === before.parts[at]))
      return false;
    directory = createDirectory(parts, before);
    return true;
  }

  /** Our own store: verified when it was put, and by fsck. Of a version that follows the held one, only the pages that changed are read. */
  function readHeld(hub: string, known: Held | undefined): OpenPart {
    const stored = storedPart(db, hub, known?.version ?? 0);
    if (!stored) throw new Error(`no directory part ${hub}`);
    const { part, missing } = readPart(stored.bytes, () => known?.part);
    return missing === 0 ? part : readPart(storedPart(db, hub)!.bytes).part;
  }

  function refresh(): void {
    if (load()) for (const changed of [...listeners]) changed();
  }

  /** All of them judged together: a unit that is handed over leaves one part and enters another. */
  async function offerMany(
    given: readonly Uint8Array[],
  ): Promise<{ newer: number; refused: ExchangeError[] }> {
    const nowMs = clock.nowMs();
    const opened = openDirectoryParts(given, { rootsDer: anchors(), nowMs, known: directory });
    // A difference to what is not held here is no fault: the whole part is asked for.
    const gap = opened.refused.find(({ code }) => code === 'directory-gap');
    if (gap) throw new ExchangeError(gap.code, gap.detail);
    // Two contents of one signed version also end here: that hub, or who has its key, shows different directories to different hubs.
    for (const { code, detail, hub } of opened.refused)
      await store.alarm({
        code: 'directory-part-refused',
        about: hub || 'unknown',
        said: `${code}: ${detail}`,
        nowMs,
      });
    let newer = 0;
    for (const { part, bytes } of opened.parts) {
      const known = held.get(part.hub);
      if (part.hub === hubId || (known && known.version >= part.version)) continue;
      // Looks at every certificate that is new: one that cannot be read would stop the look-up of all hubs later.
      createDirectory(
        directory.parts.map((each) => (each.hub === part.hub ? part : each)),
        directory,
      );
      const put: PartToPut = { hub: part.hub, version: part.version, bytes, nowMs };
      if (await store.admin<boolean>('putPart', put)) newer += 1;
      refresh();
    }
    return { newer, refused: opened.refused.map(({ code, detail }) => new ExchangeError(code, detail)) };
  }

  async function offer(bytes: Uint8Array): Promise<boolean> {
    const { newer, refused } = await offerMany([bytes]);
    if (refused[0]) throw refused[0];
    return newer > 0;
  }

  const offerAll = async (parts: readonly Uint8Array[]) => {
    const { newer, refused } = await offerMany(parts);
    return { newer, refused: refused.length };
  };

  load();
  if (!held.has(hubId)) throw new Error('the store has no directory part of this hub');
  return {
    current: () => directory,
    own: () => held.get(hubId)!.part,
    stamp: () => directory.stamp,
    partSince: (hub, version) => storedPart(db, hub, version)?.bytes,
    answer: (known = []) =>
      directoryAnswerCodec.encode({
        stamp: directory.stamp,
        parts: directory.parts.flatMap(({ hub }) => {
          const since = known.find((each) => each.hub === hub)?.version ?? 0;
          return storedPart(db, hub, since)?.bytes ?? [];
        }),
        rootHandovers: handovers(),
      }),
    async wholeAnswer() {
      await store.admin('wholePart', {});
      return directoryAnswerCodec.encode({
        stamp: directory.stamp,
        parts: directory.parts.flatMap(({ hub }) => storedWhole(db, hub)?.bytes ?? []),
        rootHandovers: handovers(),
      });
    },
    refresh,
    onChange(changed) {
      listeners.add(changed);
      return () => void listeners.delete(changed);
    },
    offer,
    offerAll,
    offerAnswer: async (bytes) => (await offerMany(directoryAnswerCodec.decode(bytes).parts)).newer,
  };
}
