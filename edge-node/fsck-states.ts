// fsck of a node: states of recipients and receipts against the signed statements that are here. Part of fsck.ts.
import { signedStatementCodec } from '../protocol/codec.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { uuidFromBytes } from '../protocol/ids.ts';
import type { Database } from '../protocol/node/sqlite.ts';
import { events, outcomes, parseStatement } from '../protocol/statement.ts';
import type { Statement } from '../protocol/wire.ts';
import type { Problem } from './fsck.ts';

/** Bytes that are no statement are named by checkStatements. */
function statementIn(bytes: Uint8Array): Statement[] {
  try {
    return [parseStatement(signedStatementCodec.decode(bytes)).statement];
  } catch (error) {
    if (!isExchangeError(error)) throw error;
    return [];
  }
}

/** A statement that bears a recipient's state out: about that recipient of that envelope, under an event that may say so. */
function bearsOut(state: string, event: number, outcome: number): boolean {
  if (state === 'delivered')
    return (
      (event === events.ContentHandover && outcome === outcomes.delivered) ||
      (event === events.RelayToNonERDS && outcome === outcomes.reported)
    );
  const taken: readonly number[] = [
    outcomes.accepted,
    outcomes.forwarded,
    outcomes.relayed,
    outcomes.reported,
  ];
  const by: readonly number[] = [events.SubmissionAcceptance, events.RelayAcceptance, events.RelayToNonERDS];
  return by.includes(event) && taken.includes(outcome);
}

/** States that no signed statement bears out. What a statement says is believed here: checkStatements verifies it. */
export function checkStates(db: Database, found: (problem: Problem) => void): void {
  type Row = { document_id: Uint8Array; envelope_id: Uint8Array | null; idx: number; state: string };
  let last: { readonly id: string; readonly said: readonly Statement[] } = { id: '', said: [] };
  const saidOf = (envelopeId: Uint8Array | null): readonly Statement[] => {
    const id = Buffer.from(envelopeId ?? []).toString('hex');
    if (last.id !== id || id === '')
      last = {
        id,
        said: db
          .all<{ bytes: Uint8Array }>(
            "SELECT bytes FROM statements WHERE envelope_id = ? AND direction = 'in'",
            envelopeId,
          )
          .flatMap(({ bytes }) => statementIn(bytes)),
      };
    return last.said;
  };
  for (const { document_id, envelope_id, idx, state } of db.each<Row>(
    `SELECT d.document_id, e.envelope_id, r.idx, r.state FROM outbox_recipients r
       JOIN envelopes e ON e.seq = r.envelope_seq JOIN documents d ON d.seq = e.document_seq
     WHERE r.state IN ('accepted', 'relayed', 'delivered') ORDER BY r.envelope_seq`,
  )) {
    const proven = saidOf(envelope_id).some(({ event, results }) =>
      results.some(({ index, outcome }) => index === idx && bearsOut(state, event, outcome)),
    );
    if (!proven)
      found({
        about: uuidFromBytes(document_id),
        ...(envelope_id ? { envelopeId: uuidFromBytes(envelope_id) } : {}),
        code: 'store-damaged',
        what: `recipient ${idx} is "${state}" but no receipt says so`,
      });
  }
  const stuck = db.all<{ document_id: Uint8Array; idx: number }>(
    `SELECT d.document_id, r.idx FROM outbox_recipients r JOIN envelopes e ON e.seq = r.envelope_seq
       JOIN documents d ON d.seq = e.document_seq WHERE r.state = 'queued' AND e.work = 'done'`,
  );
  for (const { document_id, idx } of stuck)
    found({
      about: uuidFromBytes(document_id),
      code: 'store-damaged',
      what: `recipient ${idx} is queued but nothing will send it`,
    });
  const unsigned = db.all<{ document_id: Uint8Array; unit: string }>(
    `SELECT i.document_id, r.unit FROM inbox_recipients r JOIN inbox i ON i.seq = r.inbox_seq
       LEFT JOIN statements s ON s.id = r.statement WHERE r.statement IS NOT NULL AND s.id IS NULL`,
  );
  for (const { document_id, unit } of unsigned)
    found({
      about: uuidFromBytes(document_id),
      code: 'store-damaged',
      what: `the receipt of ${unit} is missing`,
    });
}
