// Handing out: what is due for a peer is claimed under a lease, urgent lanes first, fair turns between senders. One SQL verb per
// operation. A lease lost by a crash of either side only means that the item is handed out again; receivers recognise it.
import type { Database } from '../../protocol/node/sqlite.ts';
import type { ClaimArgs, Claimed, ClaimedDelivery, ClaimedStatement, Shared } from './types.ts';

type DeliveryRow = {
  id: number;
  envelope_seq: number;
  idx: number;
  unit: string;
  attempts: number;
  lane: number;
  turn: number;
};
type EnvelopeRow = {
  signed: Uint8Array;
  hops: Uint8Array;
  salt: Uint8Array | null;
  metadata: Uint8Array | null;
  receipt: Uint8Array;
};

export function claimOps({ db, turns }: Shared) {
  /** Statements first: they are small and tell a sender what became of a document. Then deliveries. */
  function claim(args: ClaimArgs): Claimed {
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
  ): { deliveries: ClaimedDelivery[]; more: boolean } {
    const deliveries: ClaimedDelivery[] = [];
    const leased = new Set<number>();
    let bytes = bytesTaken;
    let more = true;
    while (deliveries.length < args.itemsMax && bytes < args.bytesMax) {
      const rows = nextRows(args, leased, Math.min(readAheadRows, args.itemsMax - deliveries.length));
      if (rows.length === 0) {
        more = false;
        break;
      }
      const item = assemble(rows);
      bytes += sizeOf(item);
      // The first always goes, whatever its size; the next waits for the next poll rather than overfill the answer.
      if (deliveries.length > 0 && bytes > args.bytesMax) break;
      for (const { id } of rows) leased.add(id);
      turns.served(args.peer, rows[0]!.lane, rows[0]!.turn);
      deliveries.push(item);
    }
    ahead.length = 0;
    lease([...leased], args);
    return { deliveries, more };
  }

  /**
   * All rows of one envelope for this peer: the first in order, and its sisters. Then what a restored node asks for once more.
   * `leased` are the rows of this claim so far; they get their lease together at its end, in the same operation.
   */
  function nextRows({ peer, nowMs }: ClaimArgs, leased: ReadonlySet<number>, rowsMax: number): FullRow[] {
    if (ahead.length === 0 || leased.has(ahead.at(-1)!.id)) ahead = readAhead(peer, leased, rowsMax);
    while (ahead.length > 0 && leased.has(ahead.at(-1)!.id)) ahead.pop();
    const first = ahead.pop();
    // One open delivery is this one.
    if (first?.open_deliveries === 1) return [first];
    if (first)
      return db
        .all<DeliveryRow>(
          `SELECT ${rowColumns} FROM deliveries d WHERE envelope_seq = ? AND peer = ? AND state = 'ready' ORDER BY idx`,
          first.envelope_seq,
          peer,
        )
        .map((row) => ({ ...first, ...row }));
    return db
      .all<FullRow>(
        `SELECT ${rowColumns}, ${envelopeColumns} FROM deliveries d JOIN envelopes e ON e.seq = d.envelope_seq
         WHERE d.peer = ? AND d.again = 1 AND coalesce(d.lease_until_ms, 0) <= ? ORDER BY d.id LIMIT ?`,
        peer,
        nowMs,
        leased.size + 1,
      )
      .filter(({ id }) => !leased.has(id))
      .slice(0, 1);
  }
  return {
    claim,
    /** Statement items that the peer holds durably. Idempotent. */
    taken({ peer, ids, nowMs }: { peer: string; ids: readonly number[]; nowMs: number }): void {
      for (const id of ids)
        db.run(
          "UPDATE outgoing SET state = 'taken', taken_ms = ? WHERE id = ? AND peer = ? AND state <> 'taken'",
          nowMs,
          id,
          peer,
        );
    },
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
        "SELECT DISTINCT peer FROM outgoing WHERE state = 'leased' AND lease_until_ms <= ?",
        nowMs,
      );
      db.run("UPDATE outgoing SET state = 'ready' WHERE state = 'leased' AND lease_until_ms <= ?", nowMs);
      return [...new Set([...rows, ...back].map(({ peer }) => peer))];
    },
  };
}

/** Tags, lengths and the item id around one statement. */
const statementRoomBytes = 32;

function sizeOf({ signed, metadata, inlineParts, receipt, hops }: ClaimedDelivery): number {
  const inline = inlineParts.reduce((sum, { content }) => sum + content.length + 16, 0);
  return signed.length + (metadata?.length ?? 0) + inline + receipt.length + hops.length + 256;
}

/** Bounded by bytes as well: a notice for 1,024 recipients takes 60 KiB, and an answer that is too large would never be taken. */
function claimStatements(db: Database, args: ClaimArgs): ClaimedStatement[] {
  const rows = db.all<{ id: number; statement: number; length: number }>(
    `SELECT o.id, s.id AS statement, length(s.bytes) AS length FROM outgoing o JOIN statements s ON s.id = o.statement
     WHERE o.peer = ? AND o.state = 'ready' ORDER BY o.lane DESC, o.id LIMIT ?`,
    args.peer,
    args.itemsMax,
  );
  const claimed: ClaimedStatement[] = [];
  let left = args.bytesMax;
  for (const { id, statement, length } of rows) {
    left -= length + statementRoomBytes;
    if (claimed.length > 0 && left < 0) break;
    db.run(
      "UPDATE outgoing SET state = 'leased', lease_owner = ?, lease_until_ms = ?, attempts = attempts + 1 WHERE id = ? AND state = 'ready'",
      args.instance,
      args.nowMs + args.leaseMs,
      id,
    );
    const { bytes } = db.get<{ bytes: Uint8Array }>('SELECT bytes FROM statements WHERE id = ?', statement)!;
    claimed.push({ id, bytes });
  }
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
