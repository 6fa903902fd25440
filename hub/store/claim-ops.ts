// Handing out: what is due for a peer is claimed under a lease, urgent lanes first, fair turns between senders. One SQL verb per
// operation. A lease lost by a crash of either side only means that the item is handed out again; receivers recognise it.
import type { Database } from '../../protocol/node/sqlite.ts';
import type { ClaimArgs, ClaimedStatement, Leased, LeasedDelivery, Shared } from './types.ts';
import { raiseAlarm } from './unit-rows.ts';

type DeliveryRow = { id: number; idx: number; unit: string };
type DueRow = DeliveryRow & {
  seq: number;
  attempts: number;
  lane: number;
  turn: number;
  /** 1: the envelope has no other delivery that is open. */
  alone: number;
  /** About what the envelope takes in an answer. */
  bytes: number;
};

/** No lease and no deferral is longer: a later time was reckoned on a clock that was ahead. */
const longestWaitMs = 86_400_000;

/** Due rows read at once. More may be read in vain when an answer is full. */
const readAheadRows = 16;

export function claimOps({ db, turns }: Shared) {
  /** Statements first: they are small and tell a sender what became of a document. Then deliveries. */
  function claim(args: ClaimArgs): Leased {
    if (args.taken?.length) taken({ peer: args.peer, ids: args.taken, nowMs: args.nowMs });
    const statements = claimStatements(db, args);
    db.run(
      "UPDATE deliveries SET state = 'ready' WHERE peer = ? AND state = 'deferred' AND next_ms <= ?",
      args.peer,
      args.nowMs,
    );
    const bytes = statements.reduce((sum, each) => sum + each.bytes.length, 0);
    const { deliveries, more } = claimDeliveries(args, bytes);
    return { statements, deliveries, more: more || statements.length >= args.itemsMax };
  }

  function claimDeliveries(
    args: ClaimArgs,
    bytesTaken: number,
  ): { deliveries: LeasedDelivery[]; more: boolean } {
    const deliveries: LeasedDelivery[] = [];
    let bytes = bytesTaken;
    while (deliveries.length < args.itemsMax && bytes < args.bytesMax) {
      const ahead = dueRows(args, Math.min(readAheadRows, args.itemsMax - deliveries.length));
      if (ahead.length === 0) return { deliveries, more: false };
      const leased = new Set<number>();
      for (const first of ahead) {
        // A sister of an envelope that went just before.
        if (leased.has(first.id)) continue;
        const rows = first.alone === 1 ? [first] : sisters(first, args);
        bytes += first.bytes;
        // The first always goes, whatever its size; the next waits for the next poll rather than overfill the answer.
        if (deliveries.length > 0 && bytes > args.bytesMax) break;
        for (const { id } of rows) leased.add(id);
        turns.served(args.peer, first.lane, first.turn);
        deliveries.push({
          seq: first.seq,
          ids: rows.map(({ id }) => id),
          recipients: rows.map(({ idx, unit }) => ({ index: idx, unit })),
          attempt: first.attempts + 1,
        });
      }
      lease([...leased], args);
    }
    return { deliveries, more: true };
  }

  /** What is due, in order. Then what a restored node asks for once more. Lengths are read without the bytes. */
  function dueRows({ peer, nowMs }: ClaimArgs, rowsMax: number): DueRow[] {
    const columns = `d.id, d.envelope_seq AS seq, d.idx, d.unit, d.attempts, d.lane, d.turn,
      length(e.signed) + length(e.hops) + coalesce(length(e.metadata), 0) + length(e.receipt) + 256 +
      coalesce((SELECT sum(length(content) + 16) FROM parts WHERE envelope_seq = e.seq), 0) AS bytes`;
    const ready = db.all<DueRow>(
      `SELECT ${columns}, e.open_deliveries = 1 AS alone FROM deliveries d JOIN envelopes e ON e.seq = d.envelope_seq
       WHERE d.peer = ? AND d.state = 'ready' ORDER BY d.lane DESC, d.turn, d.id LIMIT ?`,
      peer,
      rowsMax,
    );
    if (ready.length > 0) return ready;
    return db.all<DueRow>(
      `SELECT ${columns}, 1 AS alone FROM deliveries d JOIN envelopes e ON e.seq = d.envelope_seq
       WHERE d.peer = ? AND d.again = 1 AND coalesce(d.lease_until_ms, 0) <= ? ORDER BY d.id LIMIT ?`,
      peer,
      nowMs,
      rowsMax,
    );
  }

  /** All rows of one envelope that are due for this peer. */
  function sisters({ seq }: DueRow, { peer }: ClaimArgs): DeliveryRow[] {
    return db.all<DeliveryRow>(
      "SELECT id, idx, unit FROM deliveries WHERE envelope_seq = ? AND peer = ? AND state = 'ready' ORDER BY idx",
      seq,
      peer,
    );
  }

  function lease(ids: readonly number[], { instance, nowMs, leaseMs }: ClaimArgs): void {
    db.run(
      `UPDATE deliveries SET state = CASE state WHEN 'ready' THEN 'leased' ELSE state END, attempts = attempts + 1,
         lease_owner = ?, lease_until_ms = ? WHERE id IN (SELECT value FROM json_each(?))`,
      instance,
      nowMs + leaseMs,
      JSON.stringify(ids),
    );
  }

  /** Statement items that the peer holds durably. Idempotent. */
  function taken({ peer, ids, nowMs }: { peer: string; ids: readonly number[]; nowMs: number }): void {
    db.run(
      `UPDATE outgoing SET state = 'taken', taken_ms = ?
       WHERE id IN (SELECT value FROM json_each(?)) AND peer = ? AND state <> 'taken'`,
      nowMs,
      JSON.stringify(ids),
      peer,
    );
  }

  return {
    claim,
    taken,
    /** A transfer is under way: the lease goes on. False if the delivery is no longer leased. */
    extendLease({ id, nowMs, leaseMs }: { id: number; nowMs: number; leaseMs: number }): boolean {
      return (
        db.run(
          "UPDATE deliveries SET lease_until_ms = ? WHERE id = ? AND state = 'leased'",
          nowMs + leaseMs,
          id,
        ).changes > 0
      );
    },
    /** The peer cannot take these now. Only its own leased rows move. */
    defer(args: { peer: string; ids: readonly number[]; code: string; retryAtMs: number }): void {
      for (const id of args.ids)
        db.run(
          `UPDATE deliveries SET state = 'deferred', next_ms = ?, last_error = ?, lease_owner = NULL, lease_until_ms = NULL
           WHERE id = ? AND peer = ? AND state = 'leased'`,
          args.retryAtMs,
          args.code,
          id,
          args.peer,
        );
    },
    /** The answer with these items never left: they are ready again at once, in their old order. */
    release(args: { peer: string; ids: readonly number[]; statementIds: readonly number[] }): void {
      for (const id of args.ids)
        db.run(
          `UPDATE deliveries SET state = 'ready', lease_owner = NULL, lease_until_ms = NULL, attempts = max(0, attempts - 1)
           WHERE id = ? AND peer = ? AND state = 'leased'`,
          id,
          args.peer,
        );
      for (const id of args.statementIds)
        db.run(
          "UPDATE outgoing SET state = 'ready' WHERE id = ? AND peer = ? AND state = 'leased'",
          id,
          args.peer,
        );
    },
    /** Ends every lease of a peer: it has a new instance, or has said goodbye. */
    endLeases({ peer }: { peer: string }): void {
      endLeases(db, peer);
    },
    /** At a start: whatever was handed out before it, the answer may never have left. Receivers recognise what they have. */
    clockSetBack({ nowMs }: { nowMs: number }): void {
      const beyondMs = nowMs + longestWaitMs;
      db.run("UPDATE deliveries SET next_ms = 0 WHERE state = 'deferred' AND next_ms > ?", beyondMs);
      db.run(
        "UPDATE deliveries SET lease_until_ms = 0 WHERE state = 'leased' AND lease_until_ms > ?",
        beyondMs,
      );
      db.run(
        "UPDATE outgoing SET lease_until_ms = 0 WHERE state = 'leased' AND lease_until_ms > ?",
        beyondMs,
      );
    },
    endAllLeases(): void {
      for (const { peer } of db.all<{ peer: string }>(
        "SELECT peer FROM deliveries WHERE state = 'leased' UNION SELECT peer FROM outgoing WHERE state = 'leased'",
      ))
        endLeases(db, peer);
    },
    /** Leases that ran out; bounded. Returns the peers that have work again. */
    sweepLeases({
      nowMs,
      rowsMax,
      attemptsMax,
    }: {
      nowMs: number;
      rowsMax: number;
      attemptsMax: number;
    }): string[] {
      const rows = db.all<{ id: number; peer: string; attempts: number }>(
        "SELECT id, peer, attempts FROM deliveries WHERE state = 'leased' AND lease_until_ms <= ? LIMIT ?",
        nowMs,
        rowsMax,
      );
      // Handed out again and again without an answer: a person must look, before it eats the line for ever.
      for (const { id, attempts } of rows)
        db.run(
          `UPDATE deliveries SET state = ?, last_error = 'hub-timeout', lease_owner = NULL, lease_until_ms = NULL
           WHERE id = ? AND state = 'leased'`,
          attempts >= attemptsMax ? 'held' : 'ready',
          id,
        );
      const back = db.all<{ peer: string }>(
        // Named, since for DISTINCT the planner would walk the whole table by another index.
        "SELECT DISTINCT peer FROM outgoing INDEXED BY outgoing_leased WHERE state = 'leased' AND lease_until_ms <= ?",
        nowMs,
      );
      db.run("UPDATE outgoing SET state = 'ready' WHERE state = 'leased' AND lease_until_ms <= ?", nowMs);
      return [...new Set([...rows, ...back].map(({ peer }) => peer))];
    },
  };
}

/** Tags, lengths and the item id around one statement. */
const statementRoomBytes = 32;

/** With a lease of two minutes some two hours on line. It goes on being offered; a person should know that a word does not get through. */
const offersBeforeAlarm = 60;

/** Bounded by bytes as well: a notice for 1,024 recipients takes 60 KiB, and an answer that is too large would never be taken. */
function claimStatements(db: Database, args: ClaimArgs): ClaimedStatement[] {
  const rows = db.all<{ id: number; statement: number; attempts: number; length: number }>(
    `SELECT o.id, s.id AS statement, o.attempts, length(s.bytes) AS length FROM outgoing o JOIN statements s ON s.id = o.statement
     WHERE o.peer = ? AND o.state = 'ready' ORDER BY o.lane DESC, o.id LIMIT ?`,
    args.peer,
    args.itemsMax,
  );
  const claimed: ClaimedStatement[] = [];
  let left = args.bytesMax;
  for (const { id, statement, attempts, length } of rows) {
    left -= length + statementRoomBytes;
    if (claimed.length > 0 && left < 0) break;
    const { bytes } = db.get<{ bytes: Uint8Array }>('SELECT bytes FROM statements WHERE id = ?', statement)!;
    claimed.push({ id, bytes });
    if ((attempts + 1) % offersBeforeAlarm === 0)
      raiseAlarm(db, {
        code: 'statement-not-taken',
        about: `statement ${statement} for ${args.peer}`,
        said: `offered ${attempts + 1} times`,
        atMs: args.nowMs,
      });
  }
  if (claimed.length > 0)
    db.run(
      `UPDATE outgoing SET state = 'leased', lease_owner = ?, lease_until_ms = ?, attempts = attempts + 1
       WHERE id IN (SELECT value FROM json_each(?)) AND state = 'ready'`,
      args.instance,
      args.nowMs + args.leaseMs,
      JSON.stringify(claimed.map(({ id }) => id)),
    );
  return claimed;
}

/** Also used when a peer starts anew. */
export function endLeases(db: Database, peer: string): void {
  db.run(
    "UPDATE deliveries SET state = 'ready', lease_owner = NULL, lease_until_ms = NULL WHERE peer = ? AND state = 'leased'",
    peer,
  );
  db.run('UPDATE deliveries SET lease_until_ms = NULL WHERE peer = ? AND again = 1', peer);
  db.run("UPDATE outgoing SET state = 'ready' WHERE peer = ? AND state = 'leased'", peer);
}
