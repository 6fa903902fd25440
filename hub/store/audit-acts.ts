// Puts every operation of administration under the audit: who, when, what, from where, in the operation's own transaction, and keeps back
// those that the configuration gives to two persons. The one place that decides both, so that an operation added elsewhere is recorded
// without a line of its own. Must never record an act that was undone, nor let one that needs two persons pass for one.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Op } from '../../protocol/node/writer.ts';
import { type Actor, type AuditDeps, appendAudit, programActor } from './audit.ts';

/** What an operation's caller adds to its arguments. `agreed`: operators who said yes; only approval-ops.ts gives it. */
export type Stamp = {
  readonly by?: Actor;
  readonly agreed?: readonly string[];
  /** When, for an operation whose arguments hold no `nowMs`. */
  readonly atMs?: number;
};

/** The same operations, each taking a Stamp beside its arguments. */
export type Audited<Ops> = {
  [K in keyof Ops]: Ops[K] extends (args: infer A) => infer R ? (args: A & Stamp) => R : never;
};

/** Kinds of acts that config.secondPerson.acts may name. */
export const secondPersonKinds = ['closing', 'ca', 'revocation', 'directory', 'operators'] as const;
export type SecondPersonKind = (typeof secondPersonKinds)[number];

/** Operation → its kind. What is not here never needs a second person. */
const kinds: Readonly<Record<string, SecondPersonKind>> = {
  unitClose: 'closing',
  unitMerge: 'closing',
  unitSplit: 'closing',
  unitHandover: 'closing',
  unitsAdopt: 'directory',
  unitsImport: 'directory',
  certificateRecord: 'ca',
  issuingInstall: 'ca',
  rootFollow: 'ca',
  certificateRevoke: 'revocation',
  setUpstream: 'directory',
  peerAddHub: 'directory',
  operatorAdd: 'operators',
  operatorRemove: 'operators',
  operatorKey: 'operators',
};

/** Bookkeeping of the program: no decision of anybody, and thousands a day. */
const unrecorded: ReadonlySet<string> = new Set([
  'factSet',
  'alarmSeen',
  'approvalPropose',
  'wholePart',
  'borderAgencies',
]);

/** Results that mean "nothing was done". */
const nothing = (result: unknown): boolean =>
  result === 0 ||
  result === false ||
  (typeof result === 'object' && result !== null && 'outcome' in result && result.outcome === 'again');

const subjects = ['unit', 'into', 'peer', 'hubId', 'hub', 'node', 'serial', 'name', 'id', 'about'] as const;

/** The one thing that an act is about, by the names that operations use for it. */
export function aboutOf(args: unknown): string {
  if (typeof args !== 'object' || args === null) return '';
  const given = args as Record<string, unknown>;
  // `what` is how a revocation names its certificates, `record` a certificate itself.
  for (const within of [given, given.what, given.record]) {
    if (typeof within !== 'object' || within === null) continue;
    for (const name of subjects) {
      const value = (within as Record<string, unknown>)[name];
      if (typeof value === 'string' && value !== '') return value;
      if (typeof value === 'number') return String(value);
    }
  }
  return Array.isArray(given.units) ? given.units.join(' ').slice(0, 300) : '';
}

export type ActsDeps = AuditDeps & {
  /** config.secondPerson.acts. */
  readonly secondPerson: readonly string[];
  /** Only what somebody did is recorded, not what the program does by itself with the same operation. */
  readonly personsOnly?: boolean;
};

export const operatorsActive = (db: Database): number =>
  db.get<{ n: number }>('SELECT count(*) AS n FROM operators WHERE removed_ms IS NULL')?.n ?? 0;

/**
 * Operators themselves: adding one person could otherwise make the second one up. Until two exist, nobody could agree. Always under guard
 * as soon as anything else is.
 */
function needsSecond(db: Database, deps: ActsDeps, name: string): boolean {
  const kind = kinds[name];
  if (kind === undefined || deps.secondPerson.length === 0) return false;
  if (kind === 'operators') return operatorsActive(db) >= 2;
  return deps.secondPerson.includes(kind);
}

/**
 * Wraps operations. Each one runs whole first, so that an act which would be refused anyway never waits for a second person; then it is
 * kept back with `second-person-needed`, which undoes it in its savepoint, or recorded. One that finds itself done already is neither: a
 * command that goes on after its act (installing a CA) is simply given again when two persons have agreed.
 */
export function auditedOps<Ops extends object>(db: Database, ops: Ops, deps: ActsDeps): Audited<Ops> {
  const wrapped = Object.entries(ops as Record<string, Op>).map(([name, op]) => {
    const run = (given: unknown): unknown => {
      const { by, agreed, atMs = 0, ...args } = (given ?? {}) as Stamp & { nowMs?: number };
      // Looked at before: adding the second operator is not what it would need itself.
      const alone = agreed === undefined && needsSecond(db, deps, name);
      const result = op(args as never);
      if (unrecorded.has(name) || nothing(result) || (deps.personsOnly && !by)) return result;
      if (alone) throw new ExchangeError('second-person-needed', aboutOf(args));
      appendAudit(db, deps, {
        by: by ?? programActor,
        act: name,
        about: aboutOf(args),
        what: { ...args, ...(result === undefined ? {} : { result }) },
        ...(agreed === undefined ? {} : { agreed }),
        nowMs: args.nowMs ?? atMs,
      });
      return result;
    };
    return [name, run];
  });
  return Object.fromEntries(wrapped) as Audited<Ops>;
}
