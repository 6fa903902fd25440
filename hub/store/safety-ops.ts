// Writes about checks at the hub, in the writer thread. Begun in the commit of the acceptance, settled with what follows for the deliveries.
// Two persons are demanded here, where the row is.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Cell } from '../../protocol/node/at-rest/cells.ts';
import type { Database } from '../../protocol/node/sqlite.ts';

export type NewHubCheck = {
  readonly state: 'pending' | 'passed';
  readonly findings: string;
  readonly parts: string;
  readonly policy: string;
};
export type HubCheckSettled = {
  readonly seq: number;
  readonly state: 'passed' | 'held' | 'refused';
  readonly findings: string;
  readonly parts: string;
  readonly policy: string;
  readonly secret: boolean;
  readonly nowMs: number;
};
type Row = { readonly state: string; readonly secret: number; readonly first_by: string | null };

/** Deliveries of these envelopes may not be handed out. */
export const stopped = `EXISTS (SELECT 1 FROM checks c WHERE c.envelope_seq = deliveries.envelope_seq AND c.state NOT IN ('passed','released'))`;

/** `cell` is the envelope's: the key goes with it. */
export function insertHubCheck(
  db: Database,
  { seq, nowMs, cell }: { readonly seq: number; readonly nowMs: number; readonly cell: Cell },
  check: NewHubCheck,
): void {
  const [findings, parts] = cell.together(check.findings, check.parts);
  db.run(
    `INSERT INTO checks (envelope_seq, state, findings, parts, policy, since_ms, decided_ms, next_ms) VALUES (?,?,?,?,?,?,?,0) ON CONFLICT DO NOTHING`,
    seq,
    check.state,
    findings,
    parts,
    check.policy,
    nowMs,
    check.state === 'passed' ? nowMs : null,
  );
}

/** True while deliveries of this envelope begin as held. */
export const isStopped = (db: Database, seq: number): boolean =>
  db.get(`SELECT 1 FROM checks WHERE envelope_seq = ? AND state NOT IN ('passed','released')`, seq) !==
  undefined;

function makeReady(db: Database, seq: number, nowMs: number): string[] {
  const peers = db.all<{ peer: string }>(
    `SELECT DISTINCT peer FROM deliveries WHERE envelope_seq = ? AND state = 'held' AND last_error = 'document-held'`,
    seq,
  );
  db.run(
    `UPDATE deliveries SET state = 'ready', last_error = NULL, next_ms = ? WHERE envelope_seq = ? AND state = 'held' AND last_error = 'document-held'`,
    nowMs,
    seq,
  );
  return peers.map(({ peer }) => peer);
}

export function safetyOps(db: Database) {
  return {
    /** Answers peers to wake. */
    settleCheck(item: HubCheckSettled): string[] {
      const [findings, parts] = db.cells.begin().together(item.findings, item.parts);
      const { changes } = db.run(
        `UPDATE checks SET state = ?, findings = ?, parts = ?, policy = ?, secret = ?, decided_ms = ?, waiting = NULL
         WHERE envelope_seq = ? AND state = 'pending'`,
        item.state,
        findings,
        parts,
        item.policy,
        item.secret ? 1 : 0,
        item.nowMs,
        item.seq,
      );
      return changes > 0 && item.state === 'passed' ? makeReady(db, item.seq, item.nowMs) : [];
    },
    delayCheck({ seq, code, nextMs }: { seq: number; code: string; nextMs: number }): void {
      db.run(
        `UPDATE checks SET next_ms = ?, waiting = ?, attempts = attempts + 1 WHERE envelope_seq = ? AND state = 'pending'`,
        nextMs,
        code,
        seq,
      );
    },
  };
}

/** The operator's word; under the audit (admin-ops.ts). */
export function checkActs(db: Database) {
  return {
    /**
     * Two different persons release; one rejects. Answers `first`, or what it came to with the peers to wake. Codes: document-state-refused,
     * same-person-refused, secrecy-refused.
     */
    checkJudge(args: {
      readonly id: string;
      readonly seq: number;
      readonly act: 'release' | 'reject';
      readonly why: string;
      readonly nowMs: number;
      /** Who decides, as the audit names callers. */
      readonly person: string;
    }): {
      readonly result: 'first' | 'released' | 'rejected';
      readonly wake: readonly string[];
    } {
      const row = db.get<Row>('SELECT state, secret, first_by FROM checks WHERE envelope_seq = ?', args.seq);
      if (row?.state !== 'held')
        throw new ExchangeError(
          'document-state-refused',
          row ? `its check is ${row.state}` : 'it is not held',
        );
      const who = args.person;
      if (args.act === 'release') {
        if (row.secret === 1)
          throw new ExchangeError('secrecy-refused', 'marked as a state secret: nobody releases it');
        if (row.first_by === null) {
          db.run(
            'UPDATE checks SET first_by = ?, first_ms = ?, first_why = ? WHERE envelope_seq = ?',
            who,
            args.nowMs,
            args.why,
            args.seq,
          );
          return { result: 'first', wake: [] };
        }
        if (row.first_by === who) throw new ExchangeError('same-person-refused', who);
      }
      const result = args.act === 'release' ? 'released' : 'rejected';
      db.run(
        `UPDATE checks SET state = ?, ended_by = ?, ended_ms = ?, ended_why = ? WHERE envelope_seq = ? AND state = 'held'`,
        result,
        who,
        args.nowMs,
        args.why,
        args.seq,
      );
      return { result, wake: result === 'released' ? makeReady(db, args.seq, args.nowMs) : [] };
    },
  };
}
