// The hub's store, main side: narrow asynchronous verbs over the writer thread, and indexed reads on a connection of its own. A twin on
// PostgreSQL implements HubStore with the same contract (test/hub-store.test.ts). Nothing above this line writes SQL.
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Writer } from '../../protocol/node/writer.ts';
import type { ForwardArgs } from './forward-ops.ts';
import { createRecent, type EnvelopeBytes, type Recent } from './recent.ts';
import type {
  AcceptArgs,
  AcceptResult,
  ClaimArgs,
  Claimed,
  ClaimedDelivery,
  DeliveryChoice,
  Leased,
  LeasedDelivery,
  RefuseArgs,
  SessionArgs,
  SettleArgs,
  SettleResult,
} from './types.ts';

/** Every verb returns only when its rows survive a power cut. */
export type HubStore = {
  /** Acceptance, one transaction; the same envelope gives the stored receipt. Codes: duplicate-conflict, part-missing, quota-exceeded. */
  accept(args: AcceptArgs): Promise<AcceptResult>;
  refuse(args: RefuseArgs): Promise<void>;
  rememberContent(args: { unit: string; sha256: Uint8Array; length: number; nowMs: number }): Promise<void>;
  claim(args: ClaimArgs): Promise<Claimed>;
  taken(args: { peer: string; ids: readonly number[]; nowMs: number }): Promise<void>;
  extendLease(args: { id: number; nowMs: number; leaseMs: number }): Promise<boolean>;
  defer(args: { peer: string; ids: readonly number[]; code: string; retryAtMs: number }): Promise<void>;
  release(args: { peer: string; ids: readonly number[]; statementIds: readonly number[] }): Promise<void>;
  endLeases(args: { peer: string }): Promise<void>;
  endAllLeases(): Promise<void>;
  /** What waits for a time that the clock, set back since, would reach only after days is due now. */
  clockSetBack(args: { nowMs: number }): Promise<void>;
  sweepLeases(args: { nowMs: number; rowsMax: number; attemptsMax: number }): Promise<readonly string[]>;
  /** A verified statement. Idempotent. Codes: statement-unknown-envelope, statement-mismatch, peer-not-recipient. */
  settle(args: SettleArgs): Promise<SettleResult>;
  expire(args: { nowMs: number; rowsMax: number }): Promise<readonly string[]>;
  cancel(choice: DeliveryChoice): Promise<readonly string[]>;
  undeliverable(args: { ids: readonly number[]; code: string; nowMs: number }): Promise<readonly string[]>;
  redrive(choice: DeliveryChoice): Promise<readonly string[]>;
  hold(choice: DeliveryChoice): Promise<number>;
  /** hub/store/forward-ops.ts. */
  forward(args: ForwardArgs): Promise<readonly string[]>;
  moveOpen(args: { ids: readonly number[]; peer: string; hubId: string; nowMs: number }): Promise<number>;
  releaseMoved(args: { ids: readonly number[]; peer: string; nowMs: number }): Promise<number>;
  holdSplit(args: { ids: readonly number[]; code: string; peer: string }): Promise<number>;
  session(args: SessionArgs): Promise<{ readonly instance: number; readonly restored: boolean }>;
  alarm(args: { code: string; about: string; said: string; nowMs: number }): Promise<void>;
  seen(rows: readonly { peer: string; atMs: number }[]): Promise<void>;
  reroute(args: { unit: string; peer: string }): Promise<number>;
  erase(args: {
    closedBeforeMs: number;
    metadata: boolean;
    rowsMax: number;
  }): Promise<{ readonly erased: number; readonly orphans: readonly Uint8Array[] }>;
  /** Ends what senders took back and erases copies that nobody may get any more; bounded, idempotent. */
  takeBack(args: { nowMs: number; rowsMax: number }): Promise<{
    readonly taken: number;
    readonly nudge: readonly string[];
    readonly orphans: readonly Uint8Array[];
  }>;
  /** Uploads that no envelope named in time; their digests, for the content folder. */
  forgetUnused(args: { olderThanMs: number; rowsMax: number }): Promise<readonly Uint8Array[]>;
  /** The next hub began a new epoch: what is still open there, and statements that it took lately, go up once more. */
  offerAgain(args: { peer: string; takenSinceMs: number }): Promise<number>;
  /** Operations of hub/store/admin-ops.ts by name. */
  admin<Result>(name: string, args: unknown): Promise<Result>;
  /** Bytes of documents kept in memory are forgotten: something was erased. */
  forgetRecent(): void;

  /** Digest under which an envelope was accepted; undefined if it was not. */
  acceptedDigest(sender: string, envelopeId: Uint8Array): Uint8Array | undefined;
  /** What a peer was answered for an envelope that it brought; undefined if it was not this peer, or not these bytes. */
  acceptedReceipt(
    peer: string,
    sender: string,
    envelopeId: Uint8Array,
    digest: Uint8Array,
  ): Uint8Array | undefined;
  /** Part `index` of the envelope of a delivery of `peer`; undefined if there is none such. `content` null: in the content folder. */
  deliveredPart(
    peer: string,
    deliveryId: number,
    index: number,
  ):
    | { readonly sha256: Uint8Array; readonly length: number; readonly content: Uint8Array | null }
    | undefined;
  knowsContent(unit: string, sha256: Uint8Array): boolean;
  /** `unusedBytes`: uploaded completely and named by no envelope yet. */
  usage(unit: string): {
    readonly openBytes: number;
    readonly unusedBytes: number;
    readonly quotaBytes: number | undefined;
  };
  instanceOf(peer: string): number;
  /** Envelopes that `peer` submitted after a ledger sequence, oldest first, with every statement about them. */
  sent(peer: string, afterSequence: number, itemsMax: number): readonly SentRow[];
  /** True while a part in the content folder has this digest, or a unit has uploaded it and may submit it at any moment. */
  contentReferenced(sha256: Uint8Array): boolean;
  fact(name: string): string | undefined;
  /** For administration and figures: indexed reads only. */
  readonly reader: Database;
  close(): Promise<void>;
};

export type SentRow = {
  readonly sequence: number;
  readonly signed: Uint8Array;
  readonly hops: Uint8Array;
  readonly salt: Uint8Array | null;
  readonly metadata: Uint8Array | null;
  readonly receipt: Uint8Array;
  readonly recipients: readonly { readonly index: number; readonly unit: string }[];
  readonly statements: readonly Uint8Array[];
};

type AnyOps = Record<string, (args: never) => unknown>;

/** Whose turn a write takes in the writer's queue: the peer that asked for it. What the hub does by itself shares one turn. */
export function writerKey(_name: string, args: { readonly peer?: unknown } | undefined): string {
  return typeof args?.peer === 'string' ? args.peer : '';
}

/** `writer` runs hub/store/writer-ops.ts on the same file that `reader` has open read-only. */
export function sqliteHubStore(writer: Writer<AnyOps>, reader: Database): HubStore {
  const run = <Result>(name: string, args: unknown): Promise<Result> =>
    writer.run(name, args as never) as Promise<Result>;
  const verb =
    <Args, Result>(name: string) =>
    (args: Args): Promise<Result> =>
      run<Result>(name, args);
  const recent = createRecent();
  return {
    async accept(args) {
      const result = await run<AcceptResult>('accept', args);
      if (result.kept && !result.duplicate) recent.add(args, result.kept, result.receipt);
      return result;
    },
    refuse: verb('refuse'),
    rememberContent: verb('rememberContent'),
    // The lease is committed by now and the reader sees it: the bytes need not cross between threads.
    async claim(args) {
      const { deliveries, statements, more } = await run<Leased>('claim', args);
      return { deliveries: withBytes(reader, recent, deliveries), statements, more };
    },
    taken: verb('taken'),
    extendLease: verb('extendLease'),
    defer: verb('defer'),
    release: verb('release'),
    endLeases: verb('endLeases'),
    endAllLeases: () => run('endAllLeases', {}),
    clockSetBack: (args) => run('clockSetBack', args),
    sweepLeases: verb('sweepLeases'),
    settle: verb('settle'),
    expire: verb('expire'),
    cancel: verb('cancel'),
    undeliverable: verb('undeliverable'),
    redrive: verb('redrive'),
    hold: verb('hold'),
    forward: verb('forward'),
    moveOpen: verb('moveOpen'),
    releaseMoved: verb('releaseMoved'),
    holdSplit: verb('holdSplit'),
    session: verb('session'),
    alarm: verb('alarm'),
    seen: verb('seen'),
    reroute: verb('reroute'),
    forgetUnused: verb('forgetUnused'),
    offerAgain: verb('offerAgain'),
    async erase(args) {
      recent.clear();
      const erased = await run<Awaited<ReturnType<HubStore['erase']>>>('erase', args);
      recent.clear();
      return erased;
    },
    async takeBack(args) {
      const taken = await run<Awaited<ReturnType<HubStore['takeBack']>>>('takeBack', args);
      if (taken.taken > 0) recent.clear();
      return taken;
    },
    admin: run,
    forgetRecent: () => recent.clear(),
    ...reads(reader),
    reader,
    async close() {
      await writer.close();
      reader.close();
    },
  };
}

function reads(db: Database) {
  return {
    acceptedDigest: (sender: string, envelopeId: Uint8Array) =>
      db.get<{ digest: Uint8Array }>(
        'SELECT digest FROM envelopes WHERE sender = ? AND envelope_id = ?',
        sender,
        envelopeId,
      )?.digest,
    acceptedReceipt: (peer: string, sender: string, envelopeId: Uint8Array, digest: Uint8Array) =>
      db.get<{ receipt: Uint8Array }>(
        'SELECT receipt FROM envelopes WHERE sender = ? AND envelope_id = ? AND from_peer = ? AND digest = ?',
        sender,
        envelopeId,
        peer,
        digest,
      )?.receipt,
    deliveredPart: (peer: string, deliveryId: number, index: number) =>
      db.get<{ sha256: Uint8Array; length: number; content: Uint8Array | null }>(
        `SELECT p.sha256, p.length, p.content FROM deliveries d JOIN parts p ON p.envelope_seq = d.envelope_seq
         WHERE d.id = ? AND d.peer = ? AND p.idx = ?
           AND (d.again = 1 OR d.state IN ('ready','deferred','leased','held','relayed'))`,
        deliveryId,
        peer,
        index,
      ),
    knowsContent: (unit: string, sha256: Uint8Array) =>
      db.get('SELECT 1 FROM unit_content WHERE unit = ? AND sha256 = ?', unit, sha256) !== undefined,
    usage(unit: string) {
      const row = db.get<{ open_bytes: number }>('SELECT open_bytes FROM unit_usage WHERE unit = ?', unit);
      const quota = db.get<{ quota_bytes: number | null }>(
        'SELECT quota_bytes FROM units WHERE unit = ?',
        unit,
      );
      const unused = db.get<{ bytes: number }>(
        `SELECT coalesce(sum(u.length), 0) AS bytes FROM unit_content u WHERE u.unit = ?
           AND NOT EXISTS (SELECT 1 FROM parts p WHERE p.sha256 = u.sha256 AND p.content IS NULL)`,
        unit,
      );
      return {
        openBytes: row?.open_bytes ?? 0,
        unusedBytes: unused?.bytes ?? 0,
        quotaBytes: quota?.quota_bytes ?? undefined,
      };
    },
    instanceOf: (peer: string) =>
      db.get<{ instance: number }>('SELECT instance FROM peers WHERE peer = ?', peer)?.instance ?? 0,
    sent: (peer: string, afterSequence: number, itemsMax: number) =>
      sentRows(db, { peer, afterSequence, itemsMax }),
    contentReferenced: (sha256: Uint8Array) =>
      db.get('SELECT 1 FROM parts WHERE sha256 = ? AND content IS NULL', sha256) !== undefined ||
      db.get('SELECT 1 FROM unit_content WHERE sha256 = ?', sha256) !== undefined ||
      db.get('SELECT 1 FROM border_in WHERE message_sha256 = ? AND erased_ms IS NULL', sha256) !== undefined,
    fact: (name: string) => db.get<{ value: string }>('SELECT value FROM facts WHERE name = ?', name)?.value,
  };
}

/** One read transaction: a snapshot for each SELECT would empty the page cache each time. */
function withBytes(db: Database, recent: Recent, leased: readonly LeasedDelivery[]): ClaimedDelivery[] {
  const read = (seq: number): EnvelopeBytes => {
    const envelope = db.get<Omit<EnvelopeBytes, 'inlineParts'>>(
      'SELECT signed, hops, salt, metadata, receipt FROM envelopes WHERE seq = ?',
      seq,
    )!;
    const inlineParts = db.all<{ index: number; content: Uint8Array }>(
      'SELECT idx AS "index", content FROM parts WHERE envelope_seq = ? AND content IS NOT NULL ORDER BY idx',
      seq,
    );
    return { ...envelope, inlineParts };
  };
  const known = leased.map(({ seq }) => recent.get(seq));
  const missing = known.includes(undefined);
  if (missing) db.exec('BEGIN');
  try {
    return leased.map(({ seq, ...rest }, i) => ({ ...(known[i] ?? read(seq)), ...rest }));
  } finally {
    if (missing) db.exec('COMMIT');
  }
}

type EnvelopeRow = Omit<SentRow, 'recipients' | 'statements'> & { seq: number };

function sentRows(
  db: Database,
  { peer, afterSequence, itemsMax }: { peer: string; afterSequence: number; itemsMax: number },
): SentRow[] {
  const rows = db.all<EnvelopeRow>(
    `SELECT seq, ledger_sequence AS sequence, signed, hops, salt, metadata, receipt FROM envelopes
     WHERE from_peer = ? AND ledger_sequence > ? ORDER BY ledger_sequence LIMIT ?`,
    peer,
    afterSequence,
    itemsMax,
  );
  return rows.map((row) => ({
    ...row,
    recipients: db.all<{ index: number; unit: string }>(
      'SELECT idx AS "index", unit FROM deliveries WHERE envelope_seq = ? ORDER BY idx',
      row.seq,
    ),
    statements: db
      .all<{ bytes: Uint8Array }>('SELECT bytes FROM statements WHERE envelope_seq = ? ORDER BY id', row.seq)
      .map(({ bytes }) => bytes),
  }));
}
