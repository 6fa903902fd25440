// What became of a delivery: receipts and notices that a peer brings, expiry, cancellation. Every statement is kept as signed, enters
// the ledger, and goes on to the peer that the envelope came from; a move of a delivery is one compare-and-swap.
import { randomBytes } from 'node:crypto';
import { ExchangeError } from '../../protocol/errors.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { buildStatement, type EventName, events, outcomes } from '../../protocol/statement.ts';
import { type DeliveryState, deliveryStates, statesBefore } from '../../protocol/states.ts';
import { recallOps } from './recall-ops.ts';
import { isStopped } from './safety-ops.ts';
import type { DeliveryChoice, SettleArgs, SettleResult, Shared } from './types.ts';

/** How long after its deadline a delivery that another hub holds may still be silent before this hub says expired itself. */
const relayedGraceMs = 86_400_000;

const openStates: readonly string[] = ['ready', 'deferred', 'leased', 'held', 'relayed'];

/** What an outcome in a statement makes of the delivery here. */
const stateOfOutcome: Readonly<Record<number, DeliveryState>> = {
  [outcomes.accepted]: 'relayed',
  [outcomes.forwarded]: 'relayed',
  [outcomes.relayed]: 'relayed',
  [outcomes.refused]: 'refused',
  [outcomes.delivered]: 'delivered',
  [outcomes.expired]: 'expired',
  [outcomes.undeliverable]: 'undeliverable',
  [outcomes.cancelled]: 'cancelled',
  [outcomes.reported]: 'delivered',
};

type EnvelopeRow = {
  seq: number;
  digest: Uint8Array;
  from_peer: string;
  urgency: number;
  envelope_id: Uint8Array;
  document_id: Uint8Array;
  sender: string;
};
export type DeliveryRow = {
  id: number;
  envelope_seq: number;
  idx: number;
  unit: string;
  state: string;
  peer: string;
};
/** What this hub states about deliveries of one envelope; the last four are of a border (PROTOCOL.md 16). */
export type Given = {
  readonly event: EventName;
  readonly outcome: number;
  readonly to: DeliveryState;
  readonly code: string;
  readonly nowMs: number;
  readonly words?: string;
  readonly foreignId?: string;
  readonly foreignMessage?: Uint8Array;
  readonly parts?: readonly { readonly index: number; readonly sha256: Uint8Array }[];
};
type Kept = {
  id: Uint8Array;
  event: number;
  issuer: string;
  atMs: number;
  bytes: Uint8Array;
  sequence: number;
};

/** Ends deliveries alike, with one signed notice per envelope; returns peers to wake. */
export type GiveByEnvelope = (
  rows: readonly DeliveryRow[],
  what: { event: EventName; outcome: number; to: DeliveryState; code: string; nowMs: number },
) => string[];

export function settleOps(shared: Shared) {
  const { db, context, ledger } = shared;

  /**
   * A verified statement brought by a peer. Idempotent by (issuer, statement id). Codes: statement-unknown-envelope,
   * statement-mismatch, peer-not-recipient.
   */
  function settle(args: SettleArgs): SettleResult {
    const envelope = db.get<EnvelopeRow>(
      'SELECT seq, digest, from_peer, urgency FROM envelopes WHERE sender = ? AND envelope_id = ?',
      args.sender,
      args.envelopeId,
    );
    if (!envelope) throw new ExchangeError('statement-unknown-envelope');
    if (Buffer.compare(envelope.digest, args.digest) !== 0)
      throw new ExchangeError('statement-mismatch', 'envelope digest');
    const rows = args.results.map(({ index }) => {
      const row = db.get<DeliveryRow & { again: number }>(
        'SELECT id, envelope_seq, idx, unit, state, peer, again FROM deliveries WHERE envelope_seq = ? AND idx = ?',
        envelope.seq,
        index,
      );
      if (row?.peer !== args.peer) throw new ExchangeError('peer-not-recipient', `recipient ${index}`);
      return row;
    });
    for (const { id, again } of rows)
      if (again === 1) db.run('UPDATE deliveries SET again = 0 WHERE id = ? AND again = 1', id);
    const { statementId: id, event, issuer, atMs, bytes } = args;
    const kept = { id, event, issuer, atMs, bytes, sequence: ledger.head() + 1 };
    const row = insertStatement(envelope.seq, kept);
    if (row === undefined) return { nudge: [], duplicate: true };
    const sequence = ledger.append(`statement ${event}`, args.inner, args.nowMs);
    for (const [i, { unit, outcome, code }] of args.results.entries()) {
      const row = rows[i]!;
      // A receiving unit states about itself only (protocol/statement.ts). Where another hub has taken the delivery, that hub may have
      // forwarded it to a successor that our directory does not name yet; refusing would lose the receipt.
      if (issuer === unit && row.unit !== unit && row.state !== 'relayed')
        throw new ExchangeError('statement-mismatch', 'unit');
      move(row, stateOfOutcome[outcome] ?? 'relayed', { sequence, nowMs: args.nowMs, code });
    }
    // Moved and in the ledger, and nothing of it is committed: a crash here leaves no trace.
    crashPoint('settle.2');
    const indexes = args.results.map(({ index }) => index);
    return { nudge: sendOn(envelope, { statement: row, indexes, nowMs: args.nowMs }), duplicate: false };
  }

  /**
   * Compare-and-swap; what is final stays. Counts the envelope's open deliveries down when the move closes one. A receipt may come
   * after the lease under which its delivery was handed out has ended: what is ready again is settled like what is leased.
   */
  function move(
    row: DeliveryRow,
    to: DeliveryState,
    by: { sequence: number | null; nowMs: number; code: string },
  ): boolean {
    const from = (row.state === 'ready' ? 'leased' : row.state) as DeliveryState;
    if (!statesBefore(deliveryStates, to).includes(from)) return false;
    const relayed = to === 'relayed';
    const { changes } = db.run(
      `UPDATE deliveries SET state = ?, settled_ms = ?, settled_ledger = ?, last_error = CASE ? WHEN '' THEN last_error ELSE ? END,
         deadline_ms = deadline_ms + ?, lease_owner = NULL, lease_until_ms = NULL WHERE id = ? AND state = ?`,
      to,
      by.nowMs,
      by.sequence,
      by.code,
      by.code,
      relayed ? relayedGraceMs : 0,
      row.id,
      row.state,
    );
    if (changes > 0 && !relayed && openStates.includes(row.state)) closeOne(db, row.envelope_seq, by.nowMs);
    return changes > 0;
  }

  /** The id of the new row; undefined when this issuer's statement is here already. */
  function insertStatement(envelopeSeq: number, kept: Kept): number | undefined {
    const { changes, lastRowId } = db.run(
      `INSERT INTO statements (statement_id, envelope_seq, event, issuer, at_ms, bytes, ledger_sequence) VALUES (?,?,?,?,?,?,?)
         ON CONFLICT (issuer, statement_id) DO NOTHING`,
      kept.id,
      envelopeSeq,
      kept.event,
      kept.issuer,
      kept.atMs,
      kept.bytes,
      kept.sequence,
    );
    return changes > 0 ? lastRowId : undefined;
  }

  /** Who brought the legs that name these recipients: the peer of the envelope, or of a later leg. */
  function broughtBy(envelope: { seq: number; from_peer: string }, indexes: readonly number[]): string[] {
    const later = new Map(
      db
        .all<{ idx: number; from_peer: string }>(
          "SELECT idx, from_peer FROM extra_legs WHERE envelope_seq = ? AND from_peer <> ''",
          envelope.seq,
        )
        .map(({ idx, from_peer }) => [idx, from_peer]),
    );
    return [...new Set(indexes.map((index) => later.get(index) ?? envelope.from_peer))];
  }

  /** Lets a kept statement go to the peers that brought the legs it speaks of; returns the peers to wake. */
  function sendOn(
    envelope: { seq: number; from_peer: string; urgency: number },
    what: { readonly statement: number; readonly indexes: readonly number[]; readonly nowMs: number },
  ): string[] {
    const peers = broughtBy(envelope, what.indexes);
    for (const peer of peers)
      db.run(
        "INSERT INTO outgoing (peer, statement, lane, state, at_ms) VALUES (?,?,?,'ready',?)",
        peer,
        what.statement,
        Math.min(envelope.urgency, 4),
        what.nowMs,
      );
    return peers;
  }

  /**
   * A notice of this hub about deliveries of one envelope that all end alike. Signed with the batch; the deliveries move at once, so that
   * two operations of one batch never both state what became of one delivery.
   */
  function give(found: readonly DeliveryRow[], what: Given): string[] {
    const rows = found.filter((row) =>
      move(row, what.to, { sequence: null, nowMs: what.nowMs, code: what.code }),
    );
    if (rows.length === 0) return [];
    const envelope = db.get<EnvelopeRow>(
      'SELECT seq, digest, from_peer, urgency, envelope_id, document_id, sender FROM envelopes WHERE seq = ?',
      rows[0]!.envelope_seq,
    )!;
    const id = randomBytes(16);
    shared.state({
      kind: `statement ${events[what.event]}`,
      atMs: what.nowMs,
      build: (ledgerSequence) =>
        buildStatement({
          event: what.event,
          statementId: id,
          envelopeId: envelope.envelope_id,
          documentId: envelope.document_id,
          envelopeDigest: envelope.digest,
          sender: envelope.sender,
          issuer: context.hubId,
          results: rows.map(({ idx, unit }) => ({
            index: idx,
            unit,
            outcome: what.outcome,
            code: what.code,
            ...(what.words ? { words: what.words } : {}),
            ...(what.foreignId ? { foreignId: what.foreignId } : {}),
          })),
          epoch: shared.epoch(),
          atMs: what.nowMs,
          ledgerSequence,
          ...(what.foreignMessage ? { foreignMessage: what.foreignMessage } : {}),
          ...(what.parts ? { parts: what.parts } : {}),
        }),
      commit: (bytes, sequence) => {
        for (const row of rows)
          db.run(
            'UPDATE deliveries SET settled_ledger = ? WHERE id = ? AND settled_ledger IS NULL',
            sequence,
            row.id,
          );
        const kept = {
          id,
          event: events[what.event],
          issuer: context.hubId,
          atMs: what.nowMs,
          bytes,
          sequence,
        };
        const statement = insertStatement(envelope.seq, kept)!;
        sendOn(envelope, { statement, indexes: rows.map(({ idx }) => idx), nowMs: what.nowMs });
      },
    });
    return broughtBy(
      envelope,
      rows.map(({ idx }) => idx),
    );
  }

  function giveByEnvelope(rows: readonly DeliveryRow[], what: Given): string[] {
    const groups = new Map<number, DeliveryRow[]>();
    for (const row of rows) groups.set(row.envelope_seq, [...(groups.get(row.envelope_seq) ?? []), row]);
    return [...new Set([...groups.values()].flatMap((group) => give(group, what)))];
  }

  const columns = 'id, envelope_seq, idx, unit, state, peer';
  const chosen = ({ ids, peer }: DeliveryChoice, states: string, rowsMax = 1000): DeliveryRow[] =>
    ids
      ? ids.flatMap((id) =>
          db.all<DeliveryRow>(`SELECT ${columns} FROM deliveries WHERE id = ? AND state IN (${states})`, id),
        )
      : db.all<DeliveryRow>(
          `SELECT ${columns} FROM deliveries WHERE peer = ? AND state IN (${states}) LIMIT ?`,
          peer ?? '',
          rowsMax,
        );

  return {
    ...recallOps(db, giveByEnvelope),
    settle,
    /** One delivery behind a border: what the other system says of it. Not an operation: border-ops.ts moves its own row with it. */
    speakFor(delivery: number, what: Given): string[] {
      return give(db.all<DeliveryRow>(`SELECT ${columns} FROM deliveries WHERE id = ?`, delivery), what);
    },
    /** Deliveries past their deadline end in a signed notice. Those under a lease wait for its end. Bounded. Returns peers to wake. */
    expire({ nowMs, rowsMax }: { nowMs: number; rowsMax: number }): string[] {
      const rows = db.all<DeliveryRow>(
        `SELECT ${columns} FROM deliveries WHERE state IN ('ready','deferred','leased','held','relayed') AND deadline_ms <= ?
           AND state <> 'leased' ORDER BY deadline_ms LIMIT ?`,
        nowMs,
        rowsMax,
      );
      return giveByEnvelope(rows, {
        event: 'AcceptanceRejectionExpiry',
        outcome: outcomes.expired,
        to: 'expired',
        code: 'envelope-expired',
        nowMs,
      });
    },
    /** An operator gives up: a signed notice tells the sender. Returns peers to wake. */
    cancel(choice: DeliveryChoice): string[] {
      const rows = chosen(choice, "'ready','deferred','leased','held','relayed'");
      return giveByEnvelope(rows, {
        event: 'ContentHandoverFailure',
        outcome: outcomes.cancelled,
        to: 'cancelled',
        code: 'delivery-withdrawn',
        nowMs: choice.nowMs,
      });
    },
    /** A delivery that can never be handed out, for the reason named. Returns peers to wake. */
    undeliverable({ ids, code, nowMs }: { ids: readonly number[]; code: string; nowMs: number }): string[] {
      return giveByEnvelope(chosen({ ids, nowMs }, "'ready','deferred','leased','held'"), {
        event: 'ContentHandoverFailure',
        outcome: outcomes.undeliverable,
        to: 'undeliverable',
        code,
        nowMs,
      });
    },
    /** Ready at once, with a fresh count of attempts. Returns peers to wake. */
    redrive(choice: DeliveryChoice): string[] {
      // What the checks hold is let go by their own act (safety-ops.ts).
      const rows = chosen(choice, "'deferred','held'").filter(
        ({ envelope_seq }) => !isStopped(db, envelope_seq),
      );
      for (const { id } of rows)
        db.run(
          "UPDATE deliveries SET state = 'ready', attempts = 0, next_ms = ? WHERE id = ? AND state IN ('deferred','held')",
          choice.nowMs,
          id,
        );
      return [...new Set(rows.map(({ peer }) => peer))];
    },
    /** Not handed out until redriven; its deadline goes on. Returns how many. */
    hold(choice: DeliveryChoice): number {
      const rows = chosen(choice, "'ready','deferred'");
      for (const { id } of rows)
        db.run("UPDATE deliveries SET state = 'held' WHERE id = ? AND state IN ('ready','deferred')", id);
      return rows.length;
    },
  };
}

function closeOne(db: Database, seq: number, nowMs: number): void {
  const row = db.get<{ open_deliveries: number; sender: string; bytes: number }>(
    `UPDATE envelopes SET open_deliveries = open_deliveries - 1, closed_ms = CASE open_deliveries WHEN 1 THEN ? ELSE closed_ms END
       WHERE seq = ? RETURNING open_deliveries, sender, bytes`,
    nowMs,
    seq,
  );
  if (row?.open_deliveries !== 0) return;
  db.run(
    'UPDATE unit_usage SET open_bytes = max(0, open_bytes - ?), open_envelopes = max(0, open_envelopes - 1) WHERE unit = ?',
    row.bytes,
    row.sender,
  );
}
