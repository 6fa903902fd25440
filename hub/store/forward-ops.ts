// Writer thread: open deliveries of a unit that has ended go to its successor. The sender learns it by a signed word of this hub (RelayAcceptance,
// outcome forwarded), which also makes the successor's own receipt bind to the envelope (PROTOCOL.md 8.4). Must never move what is under a
// lease: its holder may be storing it now.
import { randomBytes } from 'node:crypto';
import { buildStatement, events, outcomes } from '../../protocol/statement.ts';
import { isStopped } from './safety-ops.ts';
import type { Shared } from './types.ts';

export type ForwardArgs = {
  readonly ids: readonly number[];
  /** Who gets it now, and the peer that leads there. */
  readonly unit: string;
  readonly peer: string;
  readonly nowMs: number;
};
type Row = { id: number; envelope_seq: number; idx: number };
type EnvelopeRow = {
  seq: number;
  digest: Uint8Array;
  from_peer: string;
  urgency: number;
  envelope_id: Uint8Array;
  document_id: Uint8Array;
  sender: string;
};

export function forwardOps(shared: Shared) {
  const { db, context } = shared;

  function tell(envelope: EnvelopeRow, rows: readonly Row[], { unit, nowMs }: ForwardArgs): void {
    const id = randomBytes(16);
    shared.state({
      kind: `statement ${events.RelayAcceptance}`,
      atMs: nowMs,
      build: (ledgerSequence) =>
        buildStatement({
          event: 'RelayAcceptance',
          statementId: id,
          envelopeId: envelope.envelope_id,
          documentId: envelope.document_id,
          envelopeDigest: envelope.digest,
          sender: envelope.sender,
          issuer: context.hubId,
          results: rows.map(({ idx }) => ({ index: idx, unit, outcome: outcomes.forwarded, code: '' })),
          epoch: shared.epoch(),
          atMs: nowMs,
          ledgerSequence,
        }),
      commit: (bytes, sequence) => {
        const statement = db.run(
          'INSERT INTO statements (statement_id, envelope_seq, event, issuer, at_ms, bytes, ledger_sequence) VALUES (?,?,?,?,?,?,?)',
          id,
          envelope.seq,
          events.RelayAcceptance,
          context.hubId,
          nowMs,
          bytes,
          sequence,
        ).lastRowId;
        db.run(
          "INSERT INTO outgoing (peer, statement, lane, state, at_ms) VALUES (?,?,?,'ready',?)",
          envelope.from_peer,
          statement,
          Math.min(envelope.urgency, 4),
          nowMs,
        );
      },
    });
  }

  return {
    /** Waiting, deferred or held deliveries; others are left. Returns peers to wake: the new way, and whoever brought the envelopes. */
    forward(args: ForwardArgs): string[] {
      const { ids, unit, peer, nowMs } = args;
      const groups = new Map<number, Row[]>();
      for (const id of ids) {
        const row = db.get<Row>(
          `UPDATE deliveries SET unit = ?, peer = ?, state = 'ready', attempts = 0, next_ms = ?, last_error = NULL
           WHERE id = ? AND unit <> ? AND state IN ('ready','deferred','held') RETURNING id, envelope_seq, idx`,
          unit,
          peer,
          nowMs,
          id,
          unit,
        );
        if (!row) continue;
        // What it holds is not judged yet: the new way does not shorten that.
        if (isStopped(db, row.envelope_seq))
          db.run("UPDATE deliveries SET state = 'held', last_error = 'document-held' WHERE id = ?", id);
        groups.set(row.envelope_seq, [...(groups.get(row.envelope_seq) ?? []), row]);
      }
      const wake = new Set<string>(groups.size > 0 ? [peer] : []);
      for (const [seq, rows] of groups) {
        const envelope = db.get<EnvelopeRow>(
          'SELECT seq, digest, from_peer, urgency, envelope_id, document_id, sender FROM envelopes WHERE seq = ?',
          seq,
        )!;
        tell(envelope, rows, args);
        wake.add(envelope.from_peer);
      }
      return [...wake];
    },
    /**
     * A unit that hangs under another hub now: what is open goes the new way ('' for none yet: it is held). Not back to where it came from:
     * that hub has it, and finds the unit itself. What was passed to the unit's old hub is taken back: that hub leads nowhere any more,
     * and the unit's own receipt settles both copies.
     */
    moveOpen({
      ids,
      peer,
      hubId,
      nowMs,
    }: {
      ids: readonly number[];
      peer: string;
      hubId: string;
      nowMs: number;
    }): number {
      let moved = 0;
      for (const id of ids)
        moved += db.run(
          `UPDATE deliveries SET peer = ?1, state = ?2, last_error = ?3, next_ms = ?4, lease_owner = NULL, lease_until_ms = NULL
           WHERE id = ?5 AND state IN ('ready','deferred','relayed','leased') AND peer <> ?1
             AND NOT EXISTS (SELECT 1 FROM envelopes e WHERE e.seq = envelope_seq AND e.from_peer = ?1)`,
          peer || hubId,
          peer ? 'ready' : 'held',
          peer ? null : 'unit-moving',
          nowMs,
          id,
        ).changes;
      return moved;
    },
    /** What waited for a unit that has a way again. Returns how many. */
    releaseMoved({ ids, peer, nowMs }: { ids: readonly number[]; peer: string; nowMs: number }): number {
      let released = 0;
      for (const id of ids) {
        const row = db.get<Row>(
          `UPDATE deliveries SET state = 'ready', peer = ?, last_error = NULL, next_ms = ?
           WHERE id = ? AND state = 'held' AND last_error = 'unit-moving' RETURNING id, envelope_seq, idx`,
          peer,
          nowMs,
          id,
        );
        if (!row) continue;
        released += 1;
        if (isStopped(db, row.envelope_seq))
          db.run("UPDATE deliveries SET state = 'held', last_error = 'document-held' WHERE id = ?", id);
      }
      return released;
    },
    /** Deliveries of a unit that was split: kept until a person chooses a successor. Returns how many. */
    holdSplit({ ids, code, peer }: { ids: readonly number[]; code: string; peer: string }): number {
      let held = 0;
      for (const id of ids)
        held += db.run(
          "UPDATE deliveries SET state = 'held', peer = ?, last_error = ? WHERE id = ? AND state IN ('ready','deferred')",
          peer,
          code,
          id,
        ).changes;
      return held;
    },
  };
}
