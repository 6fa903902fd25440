// Instances of peers, what a restored node gets once more, routes that change, and retention. Run in the writer thread.
import { ExchangeError } from '../../protocol/errors.ts';
import { endLeases } from './claim-ops.ts';
import { readNumberFact } from './facts.ts';
import { eraseEnvelopes } from './recall-ops.ts';
import type { SessionArgs, Shared } from './types.ts';

type PeerRow = {
  instance: number;
  instance_token: Uint8Array | null;
  instance_previous_token: Uint8Array | null;
  restore_count: number;
};

/** A clock that steps back by more than this while a node is being restored is the operator's alarm already. */
const takenMarginMs = 3_600_000;

const sameBytes = (a: Uint8Array | null, b: Uint8Array) =>
  a !== null && a.length > 0 && Buffer.compare(a, b) === 0;

export function peerOps({ db }: Shared) {
  /**
   * A starting peer takes a new instance number. Allowed: the successor of the present instance; the same start again whose answer was
   * lost; the first start; a store that says it was restored. A copy of the disk presents a token that is behind. Codes:
   * node-instance-live, node-instance-superseded, peer-unknown.
   */
  function session(args: SessionArgs): { instance: number; restored: boolean } {
    const row = db.get<PeerRow>(
      'SELECT instance, instance_token, instance_previous_token, restore_count FROM peers WHERE peer = ?',
      args.peer,
    );
    if (!row) throw new ExchangeError('peer-unknown');
    const restored = args.restoreCount > row.restore_count;
    const successor =
      row.instance === args.previousInstance && sameBytes(row.instance_token, args.previousToken);
    // The token is enough: a restored start presents an old one, and its answer may be lost as well.
    const answerLost =
      row.instance > 0 &&
      (args.previousInstance === 0
        ? row.instance_previous_token === null
        : sameBytes(row.instance_previous_token, args.previousToken));
    // Numbers only grow: one that this store never gave was given by it before it was restored.
    const forgotten = args.previousInstance > row.instance;
    if (row.instance > 0 && !successor && !answerLost && !restored && !forgotten)
      throw new ExchangeError('node-instance-superseded');
    if (args.live) throw new ExchangeError('node-instance-live', '', { retryAfterMs: 5000 });
    // A new number in every case: should the start whose answer seemed lost work after all (a copied disk), it is seen at once.
    const instance = Math.max(row.instance, args.previousInstance) + 1;
    db.run(
      `UPDATE peers SET instance = ?, instance_previous_token = ?, instance_token = ?, restore_count = ?, software = ?, last_seen_ms = ?
       WHERE peer = ? AND instance = ?`,
      instance,
      args.previousInstance === 0 ? null : args.previousToken,
      args.newToken,
      Math.max(args.restoreCount, row.restore_count),
      args.software,
      args.nowMs,
      args.peer,
      row.instance,
    );
    endLeases(db, args.peer);
    if (restored) handOutAgain(args.peer, ledgerKnown(args));
    return { instance, restored };
  }

  /** How far the peer's store and this ledger agree: a sequence of an epoch before this one says nothing beyond the common point. */
  function ledgerKnown({ epochKnown = 0, ledgerSeen }: SessionArgs): number {
    if (epochKnown === 0 || epochKnown === readNumberFact(db, 'epoch')) return ledgerSeen;
    if (epochKnown < readNumberFact(db, 'epochBefore')) return 0;
    return Math.min(ledgerSeen, readNumberFact(db, 'commonLedgerSequence'));
  }

  /** What was settled or taken after the point that a restored store knows of. */
  function handOutAgain(peer: string, ledgerSeen: number): void {
    db.run(
      // What was taken back is not brought to life again; the recall itself comes once more.
      `UPDATE deliveries SET again = 1, lease_until_ms = NULL WHERE peer = ? AND settled_ledger > ? AND state IN ('delivered','refused')
         AND NOT EXISTS (SELECT 1 FROM envelopes e JOIN recalls r ON r.sender = e.sender AND r.document_id = e.document_id
           WHERE e.seq = deliveries.envelope_seq AND r.unit = deliveries.unit AND e.kind NOT IN (2,4,5))`,
      peer,
      ledgerSeen,
    );
    // A newer sequence may have come to the peer before an older one: what counts for a statement is when it was taken. Both times are
    // ours; the margin is for a clock that was set back.
    const seenMs = db.get<{ at_ms: number }>(
      'SELECT at_ms FROM ledger WHERE sequence = ?',
      ledgerSeen,
    )?.at_ms;
    db.run(
      `UPDATE outgoing SET state = 'ready' WHERE peer = ?1 AND state = 'taken'
         AND (taken_ms >= ?2 OR statement IN (SELECT id FROM statements WHERE ledger_sequence > ?3))`,
      peer,
      (seenMs ?? takenMarginMs) - takenMarginMs,
      ledgerSeen,
    );
  }

  return {
    session,
    /** Raises or counts one alarm per (code, about). */
    alarm({ code, about, said, nowMs }: { code: string; about: string; said: string; nowMs: number }): void {
      db.run(
        `INSERT INTO alarms (at_ms, code, about, said) VALUES (?,?,?,?)
         ON CONFLICT (code, about) DO UPDATE SET at_ms = excluded.at_ms, said = excluded.said, count = count + 1, seen_ms = NULL`,
        nowMs,
        code,
        about,
        said.slice(0, 500),
      );
    },
    /** Large content that was uploaded completely and named by no envelope since: forgotten, so that it must be uploaded anew. */
    forgetUnused({ olderThanMs, rowsMax }: { olderThanMs: number; rowsMax: number }): Uint8Array[] {
      const rows = db.all<{ unit: string; sha256: Uint8Array }>(
        `SELECT u.unit, u.sha256 FROM unit_content u WHERE u.at_ms <= ?
           AND NOT EXISTS (SELECT 1 FROM parts p WHERE p.sha256 = u.sha256 AND p.content IS NULL) LIMIT ?`,
        olderThanMs,
        rowsMax,
      );
      for (const { unit, sha256 } of rows)
        db.run('DELETE FROM unit_content WHERE unit = ? AND sha256 = ?', unit, sha256);
      return rows.map(({ sha256 }) => sha256);
    },
    /**
     * The next hub was restored: it may have lost what it had taken. Open deliveries are handed up once more and statements that it took
     * are offered again; it recognises what it still has. What is settled needs nothing: its receiver's receipt is here.
     */
    offerAgain({ peer, takenSinceMs }: { peer: string; takenSinceMs: number }): number {
      const deliveries = db.run(
        "UPDATE deliveries SET again = 1, lease_until_ms = NULL WHERE peer = ? AND state = 'relayed'",
        peer,
      );
      const statements = db.run(
        "UPDATE outgoing SET state = 'ready', attempts = 0 WHERE peer = ? AND state = 'taken' AND taken_ms >= ?",
        peer,
        takenSinceMs,
      );
      return deliveries.changes + statements.changes;
    },
    /** A single value of this hub by name (hub/store/facts.ts). */
    factSet({ name, value }: { name: string; value: string }): void {
      db.run(
        'INSERT INTO facts (name, value) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
        name,
        value,
      );
    },
    /** When peers were last heard; lost in a crash without harm. */
    seen(rows: readonly { peer: string; atMs: number }[]): void {
      for (const { peer, atMs } of rows)
        db.run('UPDATE peers SET last_seen_ms = ? WHERE peer = ?', atMs, peer);
    },
    /** Open deliveries of a unit go to another peer (it moved to another node, or hangs under another hub now). */
    reroute({ unit, peer }: { unit: string; peer: string }): number {
      return db.run(
        `UPDATE deliveries SET peer = ?, state = CASE state WHEN 'leased' THEN 'ready' ELSE state END, lease_owner = NULL, lease_until_ms = NULL
         WHERE unit = ? AND peer <> ? AND state IN ('ready','deferred','leased','held')`,
        peer,
        unit,
        peer,
      ).changes;
    },
    /**
     * Retention: erases content (and metadata, if asked) of envelopes closed before a time. Evidence stays. Bounded; returns how many,
     * and digests of files that no part needs any more.
     */
    erase(args: { closedBeforeMs: number; metadata: boolean; rowsMax: number }): {
      erased: number;
      orphans: Uint8Array[];
    } {
      const rows = db.all<{ seq: number }>(
        `SELECT e.seq FROM envelopes e WHERE e.closed_ms <= ? AND (
           (? AND e.metadata IS NOT NULL) OR EXISTS (SELECT 1 FROM parts p WHERE p.envelope_seq = e.seq)) LIMIT ?`,
        args.closedBeforeMs,
        args.metadata ? 1 : 0,
        args.rowsMax,
      );
      const orphans = eraseEnvelopes(
        db,
        rows.map(({ seq }) => seq),
        args.metadata,
      );
      return { erased: rows.length, orphans };
    },
  };
}
