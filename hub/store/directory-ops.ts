// Writer thread: builds and signs a new version of the hub's own part of the directory inside the transaction of the act that
// causes it, with its ledger entry, so that no act has force without both (DESIGN §5 Trust). Stores verified parts of other hubs.
// Must never publish a version twice or below one that was ever in use, nor list the seal of a unit whose words nobody compared.
import { directoryPartCodec, signedDirectoryCodec } from '../../protocol/codec.ts';
import { unitStates } from '../../protocol/directory.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { type SigningKey, signOne } from '../../protocol/signature.ts';
import type { DirectoryPart, DirectoryUnit, UnitAlias } from '../../protocol/wire.ts';
import { type FactName, needFact, readFact, readNumberFact, writeFact } from './facts.ts';

export type AdminDeps = {
  /**
   * Appends inside the running transaction; returns the sequence (ledger.ts). The entry of a directory version is its encoded
   * Signed, that of a certificate its DER: fsck recomputes both leaves. Nothing that may refuse comes after it in an operation.
   */
  readonly appendLedger: (kind: string, entry: Uint8Array, atMs: number) => number;
  /** The key in force: it changes while the hub runs. */
  readonly directoryKey: SigningKey;
  /** How long nodes may work without hearing from the hub. Longer: revocations reach a cut-off node later; shorter: an outage stops exchange. */
  readonly directoryLifeMs: number;
};

/** A part is signed anew after a third of its life, so that two thirds are left when the hub then falls silent. */
const renewAfterMs = (lifeMs: number): number => lifeMs / 3;
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
};
type CertificateRow = {
  role: string;
  subject: string;
  key_id: string;
  der: Uint8Array;
  not_after_ms: number;
};

function groupBy<Row, Item>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  item: (row: Row) => Item,
): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(item(row));
    else groups.set(key, [item(row)]);
  }
  return groups;
}

/** Key ids that were certified on an invitation which nobody has confirmed: issued, but not named by the directory. */
function unconfirmedSeals(db: Database): ReadonlySet<string> {
  const pending = new Set<string>();
  const rows = db.all<{ seal_key_id: string; confirmed: number }>(
    'SELECT seal_key_id, max(confirmed_ms IS NOT NULL) AS confirmed FROM invitations WHERE seal_key_id IS NOT NULL GROUP BY seal_key_id',
  );
  for (const { seal_key_id, confirmed } of rows) if (confirmed === 0) pending.add(seal_key_id);
  return pending;
}

function unitsOf(db: Database, nowMs: number): DirectoryUnit[] {
  const aliases = groupBy(
    db.all<{ unit: string; code: string; from_ms: number; until_ms: number }>(
      'SELECT unit, code, from_ms, until_ms FROM unit_aliases ORDER BY unit, rank, from_ms DESC',
    ),
    (row) => row.unit,
    (row): UnitAlias => ({ code: row.code, fromMs: row.from_ms, untilMs: row.until_ms }),
  );
  const successors = groupBy(
    db.all<{ unit: string; successor: string }>(
      'SELECT unit, successor FROM unit_successors WHERE until_ms = 0 OR until_ms > ? ORDER BY unit, successor',
      nowMs,
    ),
    (row) => row.unit,
    (row) => row.successor,
  );
  const pending = unconfirmedSeals(db);
  const seals = groupBy(
    db
      .all<CertificateRow>(
        "SELECT role, subject, key_id, der, not_after_ms FROM certificates WHERE role = 'unit-seal' ORDER BY subject, issued_ms DESC, serial",
      )
      .filter((row) => !pending.has(row.key_id)),
    (row) => row.subject,
    (row) => row.der,
  );
  return db
    .all<UnitRow>(
      'SELECT unit, name, state, parent, node, document_bytes_max, border FROM units ORDER BY unit',
    )
    .map((row) => ({
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

/** The own part as the tables say now; unsigned. */
function buildOwnPart(
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
    units: unitsOf(db, nowMs),
    hubCertificates: hubCertificatesOf(db, nowMs),
    issuingCertificate: issuing.der,
    parent: readFact(db, 'parentHub') ?? '',
    revocationNumber: readNumberFact(db, 'revocationNumber'),
    revocations: db
      .all<{ serial: string; revoked_from_ms: number; revoked_reason: string | null }>(
        'SELECT serial, revoked_from_ms, revoked_reason FROM certificates WHERE revoked_from_ms IS NOT NULL ORDER BY serial',
      )
      .map((row) => ({
        serialHex: row.serial,
        fromMs: row.revoked_from_ms,
        reason: row.revoked_reason ?? '',
      })),
    name: readFact(db, 'hubName') ?? '',
    formerIssuingCertificates: former.map(({ der }) => der),
  };
}

type PartHead = { version: number; at_ms: number };

function newestOwn(db: Database): PartHead | undefined {
  return db.get<PartHead>(
    'SELECT version, at_ms FROM directory_parts WHERE hub = ? ORDER BY version DESC LIMIT 1',
    needFact(db, 'hubId'),
  );
}

/** Signs the next version and appends its ledger entry, in the caller's transaction. Returns the version. */
export function publishPart(db: Database, deps: AdminDeps, nowMs: number): number {
  const { appendLedger, directoryKey, directoryLifeMs: lifeMs } = deps;
  const floor = Math.max(newestOwn(db)?.version ?? 0, readNumberFact(db, 'directoryVersionFloor'));
  const part = buildOwnPart(db, { version: floor + 1, nowMs, lifeMs });
  const signed = signOne('lienthong/directory/1', directoryPartCodec.encode(part), directoryKey);
  const bytes = signedDirectoryCodec.encode(signed);
  db.run(
    'INSERT INTO directory_parts (hub, version, bytes, at_ms) VALUES (?, ?, ?, ?)',
    part.hub,
    part.version,
    bytes,
    nowMs,
  );
  appendLedger('directory', bytes, nowMs);
  return part.version;
}

export type PartToPut = {
  readonly hub: string;
  readonly version: number;
  readonly bytes: Uint8Array;
  readonly nowMs: number;
};

export function directoryOps(db: Database, deps: AdminDeps) {
  return {
    /** Signs the part anew when a third of its life is over or a date in it has passed. Returns the version, 0 if not due. */
    republishIfDue({ nowMs }: { nowMs: number }): number {
      const newest = newestOwn(db);
      if (newest && nowMs - newest.at_ms < renewAfterMs(deps.directoryLifeMs)) {
        const passed = db.get(
          'SELECT 1 FROM unit_successors WHERE until_ms <> 0 AND until_ms > ? AND until_ms <= ?',
          newest.at_ms,
          nowMs,
        );
        if (!passed) return 0;
      }
      return publishPart(db, deps, nowMs);
    },

    /** At a restore: versions between the newest here and this one may be in use outside. Returns the version. */
    republishAbove({ skip, nowMs }: { skip: number; nowMs: number }): number {
      writeFact(db, 'directoryVersionFloor', String((newestOwn(db)?.version ?? 0) + skip));
      return publishPart(db, deps, nowMs);
    },

    /** A verified part of another hub; only a newer version takes the place. Returns whether it did. */
    putPart({ hub, version, bytes, nowMs }: PartToPut): boolean {
      if (hub === needFact(db, 'hubId'))
        throw new ExchangeError('request-malformed', 'a part of this hub comes only from this hub');
      const known = db.get<PartHead>('SELECT version, at_ms FROM directory_parts WHERE hub = ?', hub);
      if (known && known.version >= version) return false;
      db.run('DELETE FROM directory_parts WHERE hub = ?', hub);
      db.run(
        'INSERT INTO directory_parts (hub, version, bytes, at_ms) VALUES (?, ?, ?, ?)',
        hub,
        version,
        bytes,
        nowMs,
      );
      deps.appendLedger('directory-foreign', bytes, nowMs);
      return true;
    },

    /** What the link to the next hub must keep between starts; `init` and restore write the others. */
    factSet({ name, value }: { name: FactName; value: string }): void {
      if (!name.startsWith('upstream')) throw new Error(`${name} is not set by an operation`);
      writeFact(db, name, value);
    },

    /** `parentHub` empty: top of the tree. `upstream` is the JSON that the composition root reads; empty removes it. */
    setUpstream({ parentHub, upstream, nowMs }: { parentHub: string; upstream: string; nowMs: number }) {
      writeFact(db, 'parentHub', parentHub);
      writeFact(db, 'upstream', upstream);
      return { version: publishPart(db, deps, nowMs) };
    },
  };
}
