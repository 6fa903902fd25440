// Writer thread: the rows of the hub's own units as the directory says them, all of them or one page. Reads only; signing and versions are in
// directory-ops.ts. Must never list the seal of a unit whose words nobody compared.
import { unitStates } from '../../protocol/directory.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type {
  DirectoryGroup,
  DirectoryPart,
  DirectoryUnit,
  OperatorKey,
  PlannedChange,
  UnitAlias,
  UnitDesk,
  UnitName,
} from '../../protocol/wire.ts';
import { needFact, readFact, readNumberFact } from './facts.ts';
import { plannedChanges } from './reform-rows.ts';

/** wire.proto: at most 8 seal certificates for a unit. */
const SEALS_LISTED_MAX = 8;
/** wire.proto: at most 16. One in some three years. */
const FORMER_ISSUING_MAX = 16;

type UnitRow = {
  unit: string;
  name: string;
  state: keyof typeof unitStates;
  parent: string;
  node: string | null;
  document_bytes_max: number;
  border: string;
  kind: string;
  accepted_kinds: string;
  ended_by: number;
  ended_ms: number;
  moved_to: string;
  moved_from: string;
};
type CertificateRow = {
  role: string;
  subject: string;
  key_id: string;
  der: Uint8Array;
  not_after_ms: number;
};
type Range = { readonly from: string; readonly to: string };
export const everyUnit: Range = { from: '', to: '~' };

/** Rows of one table, by unit. */
function byUnit<Row extends { unit: string }, Item>(
  rows: readonly Row[],
  item: (row: Row) => Item,
): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const row of rows) {
    const group = groups.get(row.unit);
    if (group) group.push(item(row));
    else groups.set(row.unit, [item(row)]);
  }
  return groups;
}

/** Key ids that were certified on an invitation which nobody has confirmed: issued, but not named by the directory. */
function unconfirmedSeals(db: Database, { from, to }: Range): ReadonlySet<string> {
  const rows = db.all<{ seal_key_id: string; confirmed: number }>(
    `SELECT seal_key_id, max(confirmed_ms IS NOT NULL) AS confirmed FROM invitations
     WHERE unit >= ? AND unit < ? AND seal_key_id IS NOT NULL GROUP BY seal_key_id`,
    from,
    to,
  );
  return new Set(rows.filter(({ confirmed }) => confirmed === 0).map(({ seal_key_id }) => seal_key_id));
}

/** In the order of their ids. */
export function unitsIn(db: Database, nowMs: number, range: Range): DirectoryUnit[] {
  const { from, to } = range;
  const inRange = <Row extends { unit: string }>(sql: string, ...more: number[]) =>
    db.all<Row>(sql, from, to, ...more);
  const aliases = byUnit(
    inRange<{ unit: string; code: string; from_ms: number; until_ms: number }>(
      'SELECT unit, code, from_ms, until_ms FROM unit_aliases WHERE unit >= ? AND unit < ? ORDER BY unit, rank, from_ms DESC',
    ),
    (row): UnitAlias => ({ code: row.code, fromMs: row.from_ms, untilMs: row.until_ms }),
  );
  const successors = byUnit(
    inRange<{ unit: string; successor: string }>(
      'SELECT unit, successor FROM unit_successors WHERE unit >= ? AND unit < ? AND (until_ms = 0 OR until_ms > ?) ORDER BY unit, successor',
      nowMs,
    ),
    (row) => row.successor,
  );
  const desks = byUnit(
    inRange<{ unit: string; desk: string; name: string }>(
      'SELECT unit, desk, name FROM unit_desks WHERE unit >= ? AND unit < ? ORDER BY unit, desk',
    ),
    ({ desk, name }): UnitDesk => ({ desk, name }),
  );
  const names = byUnit(
    inRange<{ unit: string; name: string; from_ms: number; until_ms: number }>(
      'SELECT unit, name, from_ms, until_ms FROM unit_names WHERE unit >= ? AND unit < ? ORDER BY unit, until_ms DESC',
    ),
    (row): UnitName => ({ name: row.name, fromMs: row.from_ms, untilMs: row.until_ms }),
  );
  const groups = byUnit(
    inRange<{ unit: string; grp: string }>(
      'SELECT unit, grp FROM unit_groups WHERE unit >= ? AND unit < ? ORDER BY unit, grp',
    ),
    ({ grp }) => grp,
  );
  const pending = unconfirmedSeals(db, range);
  const seals = byUnit(
    inRange<CertificateRow & { unit: string }>(
      `SELECT subject AS unit, key_id, der FROM certificates WHERE subject >= ? AND subject < ? AND role = 'unit-seal'
       ORDER BY subject, issued_ms DESC, serial`,
    ).filter((row) => !pending.has(row.key_id)),
    (row) => row.der,
  );
  return inRange<UnitRow>('SELECT * FROM units WHERE unit >= ? AND unit < ? ORDER BY unit').map((row) => ({
    unit: row.unit,
    aliases: aliases.get(row.unit) ?? [],
    name: row.name,
    state: unitStates[row.state],
    sealCertificates: (seals.get(row.unit) ?? []).slice(0, SEALS_LISTED_MAX),
    successors: successors.get(row.unit) ?? [],
    documentBytesMax: row.document_bytes_max,
    node: row.node ?? '',
    parent: row.parent,
    border: row.border,
    kind: row.kind,
    groups: groups.get(row.unit) ?? [],
    acceptedKinds: row.accepted_kinds.split(' ').filter(Boolean).map(Number),
    desks: desks.get(row.unit) ?? [],
    formerNames: names.get(row.unit) ?? [],
    endedBy: row.ended_by,
    endedMs: row.ended_ms,
    movedTo: row.moved_to,
    movedFrom: row.moved_from,
  }));
}

function groupsOf(db: Database): DirectoryGroup[] {
  return db
    .all<{ code: string; name: string; kinds: string; includes: string }>(
      'SELECT code, name, kinds, includes FROM directory_groups ORDER BY code',
    )
    .map(({ code, name, kinds, includes }) => ({
      code,
      name,
      kinds: JSON.parse(kinds) as string[],
      includes: JSON.parse(includes) as string[],
    }));
}

/** Keys that sign evidence stay listed after their certificates end: what they signed is judged at its own time. */
function hubCertificatesOf(db: Database, nowMs: number): Uint8Array[] {
  return db
    .all<CertificateRow>(
      "SELECT role, subject, key_id, der, not_after_ms FROM certificates WHERE role LIKE 'hub-%' ORDER BY role, issued_ms DESC, serial",
    )
    .filter(({ role, not_after_ms }) => (role !== 'hub-tls' && role !== 'hub-link') || not_after_ms >= nowMs)
    .map(({ der }) => der);
}

/** The own part as the tables say now, but for its units; unsigned. */
/** Keys of operators, for the directory: at most 64, those in force first. */
export const operatorKeysOf = (db: Pick<Database, 'all'>): OperatorKey[] =>
  db
    .all<{ public_key: Uint8Array; name: string; from_ms: number; until_ms: number }>(
      'SELECT * FROM operator_keys ORDER BY until_ms <> 0, from_ms DESC LIMIT 64',
    )
    .map((row) => ({
      name: row.name,
      publicKey: row.public_key,
      fromMs: row.from_ms,
      untilMs: row.until_ms,
    }));

export function ownPartHead(
  db: Database,
  { version, nowMs, lifeMs }: { version: number; nowMs: number; lifeMs: number },
): DirectoryPart {
  // The present one is the last that was installed: an order of acts, not of clocks.
  const [issuing, ...former] = db.all<{ der: Uint8Array }>(
    "SELECT der FROM certificates WHERE role = 'issuing' ORDER BY ledger_sequence DESC LIMIT ?",
    1 + FORMER_ISSUING_MAX,
  );
  if (!issuing) throw new Error('the store has no issuing certificate');
  return {
    hub: needFact(db, 'hubId'),
    version,
    issuedMs: nowMs,
    expiresMs: nowMs + lifeMs,
    units: [],
    hubCertificates: hubCertificatesOf(db, nowMs),
    issuingCertificate: issuing.der,
    parent: readFact(db, 'parentHub') ?? '',
    revocationNumber: readNumberFact(db, 'revocationNumber'),
    revocations: db
      .all<{ serial: string; revoked_from_ms: number; revoked_reason: string | null }>(
        `SELECT serial, revoked_from_ms, revoked_reason FROM certificates WHERE revoked_from_ms IS NOT NULL
         UNION SELECT serial, revoked_from_ms, reason FROM lost_revocations WHERE serial NOT IN (SELECT serial FROM certificates) ORDER BY serial`,
      )
      .map((row) => ({
        serialHex: row.serial,
        fromMs: row.revoked_from_ms,
        reason: row.revoked_reason ?? '',
      })),
    name: readFact(db, 'hubName') ?? '',
    formerIssuingCertificates: former.map(({ der }) => der),
    groups: groupsOf(db),
    planned: plannedChanges(db) satisfies PlannedChange[],
    operators: operatorKeysOf(db),
  };
}
