// Reads about checks: what is due, what is held, and what was found in one document.
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Direction } from './safety-ops.ts';

export type CheckRow = {
  readonly id: number;
  readonly direction: Direction;
  readonly doc: number;
  readonly state: 'pending' | 'passed' | 'held' | 'refused' | 'released' | 'rejected';
  readonly submitter: string;
  readonly findings: string;
  readonly parts: string;
  readonly policy: string;
  readonly secret: number;
  readonly since_ms: number;
  readonly decided_ms: number | null;
  readonly attempts: number;
  readonly waiting: string | null;
  readonly first_by: string | null;
  readonly first_ms: number | null;
  readonly first_why: string | null;
  readonly ended_by: string | null;
  readonly ended_ms: number | null;
  readonly ended_why: string | null;
};
const columns = `id, direction, doc, state, submitter, findings, parts, policy, secret, since_ms, decided_ms, attempts, waiting, first_by, first_ms, first_why,
  ended_by, ended_ms, ended_why`;

export function safetyReads(db: Database) {
  return {
    dueChecks: (nowMs: number, limit: number): readonly CheckRow[] =>
      db.all<CheckRow>(
        `SELECT ${columns} FROM checks WHERE state = 'pending' AND next_ms <= ? ORDER BY next_ms, id LIMIT ?`,
        nowMs,
        limit,
      ),
    nextCheckMs: (nowMs: number): number | undefined =>
      db.get<{ ms: number | null }>(
        `SELECT min(next_ms) AS ms FROM checks WHERE state = 'pending' AND next_ms > ?`,
        nowMs,
      )?.ms ?? undefined,
    checkOf: (direction: Direction, doc: number): CheckRow | undefined =>
      db.get<CheckRow>(`SELECT ${columns} FROM checks WHERE direction = ? AND doc = ?`, direction, doc),
    checkState: (
      direction: Direction,
      doc: number,
    ): { readonly state: CheckRow['state']; readonly secret: number } | undefined =>
      db.get('SELECT state, secret FROM checks WHERE direction = ? AND doc = ?', direction, doc),
    /** Held ones, oldest first. */
    heldChecks: (limit: number): readonly CheckRow[] =>
      db.all<CheckRow>(`SELECT ${columns} FROM checks WHERE state = 'held' ORDER BY id LIMIT ?`, limit),
    checkCounts: () =>
      db.get<{ held: number; pending: number }>(
        `SELECT count(*) FILTER (WHERE state = 'held') AS held, count(*) FILTER (WHERE state = 'pending') AS pending FROM checks WHERE state IN ('held','pending')`,
      )!,
    keyKnown: (unit: string, key: string): boolean =>
      db.get('SELECT 1 FROM documents WHERE unit = ? AND idempotency_key = ?', unit, key) !== undefined,
    documentSeq: (seq: number) =>
      db.get<{ document_id: Uint8Array; unit: string; kind: number; urgency: number }>(
        'SELECT document_id, unit, kind, urgency FROM documents WHERE seq = ?',
        seq,
      ),
    arrivalSeq: (seq: number) =>
      db.get<{
        document_id: Uint8Array;
        envelope_id: Uint8Array;
        sender: string;
        kind: number;
        subject: string | null;
      }>('SELECT document_id, envelope_id, sender, kind, subject FROM inbox WHERE seq = ?', seq),
  };
}
