// The directory as the hub uses and hands it out: own part and those of other hubs, newest versions, indexed in memory.
// Must never show a version before the transaction that made it was synced, nor a foreign part that was not verified.
// accept and routing look units up here on every document; a changed stamp ends long polls so that nodes fetch.
import { openDirectoryParts } from '../../certs/signers.ts';
import type { RootAnchor } from '../../certs/trust.ts';
import { directoryAnswerCodec, directoryPartCodec, signedDirectoryCodec } from '../../protocol/codec.ts';
import { createDirectory, type Directory } from '../../protocol/directory.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { DirectoryPart } from '../../protocol/wire.ts';
import type { PartToPut } from '../store/directory-ops.ts';
import { needFact } from '../store/facts.ts';
import type { HubStore } from '../store/store.ts';

/** The writes that foreign parts need. */
export type PartStore = Pick<HubStore, 'admin' | 'alarm'>;

export type HubDirectory = {
  current(): Directory;
  /** Our own part in force. */
  own(): DirectoryPart;
  stamp(): string;
  /** Encoded DirectoryAnswer, made once for each stamp. */
  answer(): Buffer;
  /** The hand-overs of roots have changed. */
  forgetAnswer(): void;
  /** Every part in force as signed, ours among them. */
  signedParts(): readonly { readonly hub: string; readonly version: number; readonly bytes: Uint8Array }[];
  /** Reads what an act has committed. Cheap when nothing changed. Call after every operation that publishes. */
  refresh(): void;
  /** Called after each change, in the order of registration; returns how to stop. */
  onChange(changed: () => void): () => void;
  /** A signed part of another hub, verified and stored durably if newer. Returns whether it was. Codes of certs/signers.ts, with an alarm. */
  offer(bytes: Uint8Array): Promise<boolean>;
  /** Several signed parts; a bad one raises an alarm and does not keep the others out. Returns how many were newer. */
  offerAll(parts: readonly Uint8Array[]): Promise<number>;
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

type Held = { readonly version: number; readonly bytes: Uint8Array; readonly part: DirectoryPart };
type VersionRow = { hub: string; version: number };

function readPart(db: Database, { hub, version }: VersionRow): Held {
  const row = db.get<{ bytes: Uint8Array }>(
    'SELECT bytes FROM directory_parts WHERE hub = ? AND version = ?',
    hub,
    version,
  );
  if (!row) throw new Error(`no directory part ${hub} ${version}`);
  // Our own store: verified when it was put, and by fsck.
  return {
    version,
    bytes: row.bytes,
    part: directoryPartCodec.decode(signedDirectoryCodec.decode(row.bytes).bytes),
  };
}

/** Throws when `init` has not published the first own part. */
export function createHubDirectory(options: HubDirectoryOptions): HubDirectory {
  const { db, store, anchors, handovers, clock } = options;
  const hubId = needFact(db, 'hubId');
  const held = new Map<string, Held>();
  const listeners = new Set<() => void>();
  let directory = createDirectory([]);
  let answer: Buffer | undefined;

  function load(): boolean {
    let changed = false;
    // By ranges of the key: our own old versions, thousands in time, are not walked.
    const rows = db.all<VersionRow>(
      `SELECT hub, version FROM (SELECT hub, version FROM directory_parts WHERE hub = ?1 ORDER BY version DESC LIMIT 1)
       UNION ALL SELECT hub, version FROM directory_parts WHERE hub < ?1
       UNION ALL SELECT hub, version FROM directory_parts WHERE hub > ?1`,
      hubId,
    );
    for (const row of rows) {
      if (held.get(row.hub)?.version === row.version) continue;
      held.set(row.hub, readPart(db, row));
      changed = true;
    }
    if (!changed) return false;
    // Our own part first: where two hubs claim one unit or one code, ours decides here; then by id, so that all see the same.
    const order = [...held.keys()].sort((a, b) => (a === hubId ? -1 : b === hubId ? 1 : a < b ? -1 : 1));
    directory = createDirectory(order.map((hub) => held.get(hub)!.part));
    answer = undefined;
    return true;
  }

  function refresh(): void {
    if (load()) for (const changed of [...listeners]) changed();
  }

  async function offer(bytes: Uint8Array): Promise<boolean> {
    const nowMs = clock.nowMs();
    const opened = openDirectoryParts([bytes], { rootsDer: anchors(), nowMs, known: directory });
    const [refused] = opened.refused;
    if (refused) {
      const { code, detail, hub } = refused;
      // Two contents of one signed version also end here: that hub, or who has its key, shows different directories to different hubs.
      const said = `${code}: ${detail}`;
      await store.alarm({ code: 'directory-part-refused', about: hub || 'unknown', said, nowMs });
      throw new ExchangeError(code, detail);
    }
    const part = opened.parts[0]!.part;
    const known = held.get(part.hub);
    if (part.hub === hubId || (known && known.version >= part.version)) return false;
    // Reads every certificate once: one that cannot be read would stop the look-up of all hubs later.
    createDirectory([part]);
    const put: PartToPut = { hub: part.hub, version: part.version, bytes, nowMs };
    const newer = await store.admin<boolean>('putPart', put);
    refresh();
    return newer;
  }

  async function offerAll(parts: readonly Uint8Array[]): Promise<number> {
    let newer = 0;
    for (const part of parts) {
      try {
        if (await offer(part)) newer += 1;
      } catch (error) {
        // One bad part may not keep the others out; `offer` has raised the alarm.
        if (!isExchangeError(error) || error.row.status >= 500) throw error;
      }
    }
    return newer;
  }

  load();
  if (!held.has(hubId)) throw new Error('the store has no directory part of this hub');
  return {
    current: () => directory,
    own: () => held.get(hubId)!.part,
    stamp: () => directory.stamp,
    signedParts: () => [...held].map(([hub, { version, bytes }]) => ({ hub, version, bytes })),
    answer() {
      answer ??= directoryAnswerCodec.encode({
        stamp: directory.stamp,
        parts: directory.parts.map(({ hub }) => held.get(hub)!.bytes),
        rootHandovers: handovers(),
      });
      return answer;
    },
    forgetAnswer() {
      answer = undefined;
    },
    refresh,
    onChange(changed) {
      listeners.add(changed);
      return () => void listeners.delete(changed);
    },
    offer,
    offerAll,
    offerAnswer: (bytes) => offerAll(directoryAnswerCodec.decode(bytes).parts),
  };
}
