// Writer thread: operators, and acts that wait for a second person: propose, agree, refuse, expire. An act takes force in the transaction of
// the agreement that completes it. Must never count one operator twice, nor believe a name that was not proved by its passphrase.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Op } from '../../protocol/node/writer.ts';
import type { Actor } from './audit.ts';
import { aboutOf } from './audit-acts.ts';
import { type AdminDeps, publishPart } from './directory-ops.ts';
import { endOperatorKeys } from './takedown-ops.ts';

/** Two different operators; the one who proposed counts when the proposal was made under a proved name. */
const OPERATORS_NEEDED = 2;

export type ProposalRow = {
  readonly id: number;
  readonly act: string;
  readonly about: string;
  readonly args: string;
  readonly who: string;
  readonly made_from: string;
  readonly made_ms: number;
  readonly expires_ms: number;
  readonly state: 'open' | 'done' | 'refused' | 'expired';
  readonly ended_ms: number | null;
};

/** Arguments of any operation as JSON that gives the same values back. */
const packed = (args: unknown): string =>
  JSON.stringify(args, (_name, value: unknown) =>
    value instanceof Uint8Array
      ? { $base64: Buffer.from(value).toString('base64') }
      : value !== null && typeof value === 'object' && 'type' in value && value.type === 'Buffer'
        ? { $base64: Buffer.from((value as { data?: number[] }).data ?? []).toString('base64') }
        : value,
  );
const unpacked = (text: string): Record<string, unknown> =>
  JSON.parse(text, (_name, value: unknown) =>
    value !== null && typeof value === 'object' && '$base64' in value
      ? new Uint8Array(Buffer.from(String(value.$base64), 'base64'))
      : value,
  ) as Record<string, unknown>;

/** The name behind `operator:NAME`; undefined when nobody proved one. */
export const operatorOf = (who: string): string | undefined =>
  who.startsWith('operator:') ? who.slice('operator:'.length) : undefined;

function openProposal(db: Database, id: number): ProposalRow {
  const row = db.get<ProposalRow>('SELECT * FROM proposals WHERE id = ?', id);
  if (!row) throw new ExchangeError('not-found', `no proposal ${id}`);
  if (row.state !== 'open') throw new ExchangeError('proposal-closed', `${id} is ${row.state}`);
  return row;
}

function end(db: Database, id: number, state: ProposalRow['state'], nowMs: number): boolean {
  return (
    db.run("UPDATE proposals SET state = ?, ended_ms = ? WHERE id = ? AND state = 'open'", state, nowMs, id)
      .changes === 1
  );
}

export type DecideResult = {
  readonly outcome: 'done' | 'waiting' | 'expired' | 'refused';
  readonly act: string;
  readonly agreed: readonly string[];
  /** Of the operation, when it took force. */
  readonly inner?: unknown;
};

function operatorOps(db: Database, deps: AdminDeps) {
  return {
    /** `verifier` is of admin/operators.ts. `unit-exists` never: a name that was removed may come back, one in use is refused. */
    operatorAdd({ name, verifier, nowMs }: { name: string; verifier: string; nowMs: number }): void {
      const { changes } = db.run(
        `INSERT INTO operators (name, verifier, added_ms) VALUES (?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET verifier = excluded.verifier, added_ms = excluded.added_ms, removed_ms = NULL WHERE removed_ms IS NOT NULL`,
        name,
        verifier,
        nowMs,
      );
      if (changes === 0) throw new ExchangeError('request-malformed', `operator ${name} exists`);
    },

    operatorRemove({ name, nowMs }: { name: string; nowMs: number }): void {
      const { changes } = db.run(
        'UPDATE operators SET removed_ms = ? WHERE name = ? AND removed_ms IS NULL',
        nowMs,
        name,
      );
      if (changes === 0) throw new ExchangeError('not-found', `no operator ${name}`);
      // What this person signs from now on moves nobody.
      if (endOperatorKeys(db, name, nowMs)) publishPart(db, deps, nowMs);
    },

    /** What the configuration says at start, when it differs from what was recorded last. */
    policySet(_args: { secondPerson: readonly string[]; nowMs: number }): void {},

    /** An act outside the store: a CA saved, keys encrypted. Recorded, nothing else. */
    noteAct(_args: { about: string; note: string; nowMs: number }): void {},
  };
}

/** `run` performs an operation under the audit (auditedOps); it is called only with the agreement of two operators. */
export function approvalOps(db: Database, run: (act: string) => Op | undefined, deps: AdminDeps) {
  return {
    ...operatorOps(db, deps),

    /** Keeps an act that was held back. Returns the proposal's id. */
    approvalPropose(proposal: {
      act: string;
      args: unknown;
      proposer: Actor;
      lifeMs: number;
      nowMs: number;
    }): number {
      const { act, args, proposer, lifeMs, nowMs } = proposal;
      return db.run(
        "INSERT INTO proposals (act, about, args, who, made_from, made_ms, expires_ms, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'open')",
        act,
        aboutOf(args),
        packed(args),
        proposer.who,
        proposer.from,
        nowMs,
        nowMs + lifeMs,
      ).lastRowId;
    },

    /**
     * A proved operator's yes or no. Complete: the act runs in this transaction. Codes: not-found, proposal-closed, operator-needed,
     * second-person-needed (the same operator again), and those of the act itself, which then stays open.
     */
    approvalDecide(decision: { id: number; yes: boolean; decider: Actor; nowMs: number }): DecideResult {
      const { id, yes, decider, nowMs } = decision;
      const row = openProposal(db, id);
      const operator = operatorOf(decider.who);
      if (operator === undefined) throw new ExchangeError('operator-needed');
      const { act } = row;
      if (row.expires_ms <= nowMs) {
        end(db, id, 'expired', nowMs);
        return { outcome: 'expired', act, agreed: [] };
      }
      if (!yes) {
        end(db, id, 'refused', nowMs);
        return { outcome: 'refused', act, agreed: [] };
      }
      const proposer = operatorOf(row.who);
      const { changes } =
        operator === proposer
          ? { changes: 0 }
          : db.run(
              'INSERT OR IGNORE INTO proposal_yes (proposal, operator, at_ms) VALUES (?, ?, ?)',
              id,
              operator,
              nowMs,
            );
      if (changes === 0) throw new ExchangeError('second-person-needed', `${operator} has agreed already`);
      const given = db.all<{ operator: string }>(
        'SELECT operator FROM proposal_yes WHERE proposal = ? AND operator IN (SELECT name FROM operators WHERE removed_ms IS NULL) ORDER BY at_ms, operator',
        id,
      );
      const agreed = [...(proposer === undefined ? [] : [proposer]), ...given.map((each) => each.operator)];
      if (agreed.length < OPERATORS_NEEDED) return { outcome: 'waiting', act, agreed };
      const by: Actor = { who: row.who, from: row.made_from };
      end(db, id, 'done', nowMs);
      // Now, not when it was proposed: a certificate or a date begins when the act has force.
      const inner = run(act)?.({ ...unpacked(row.args), nowMs, by, agreed } as never);
      return { outcome: 'done', act, agreed, inner };
    },

    /** Proposals whose time is over. Returns how many; 0 leaves no trace. */
    approvalExpire({ nowMs }: { nowMs: number }): number {
      return db.run(
        "UPDATE proposals SET state = 'expired', ended_ms = ? WHERE state = 'open' AND expires_ms <= ?",
        nowMs,
        nowMs,
      ).changes;
    },
  };
}
