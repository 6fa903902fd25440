// Writer thread: signs a new version of the hub's own part of the directory inside the transaction of the act that causes it, with its
// ledger entry, so that no act has force without both (DESIGN §5 Trust). Stores verified parts of other hubs.
// Must never publish a version twice or below one that was ever in use. What the units say is directory-rows.ts.
import { hash } from 'node:crypto';
import { directoryPageCodec, directoryPartCodec, signedDirectoryCodec } from '../../protocol/codec.ts';
import { pageCountFor, pageOf, pageRange, pagesMax, readPart } from '../../protocol/directory-pages.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { type SigningKey, signOne } from '../../protocol/signature.ts';
import { signedHead, storedPart } from './directory-reads.ts';
import { ownPartHead, unitsIn } from './directory-rows.ts';
import { type FactName, needFact, readNumberFact, writeFact } from './facts.ts';

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
type PartHead = { version: number; at_ms: number; pages: number };

function newestOwn(db: Database): PartHead | undefined {
  const hub = needFact(db, 'hubId');
  return (
    db.get<PartHead>('SELECT version, at_ms, pages FROM directory_heads WHERE hub = ?', hub) ??
    // Made before there were pages.
    db.get<PartHead>(
      'SELECT version, at_ms, 0 AS pages FROM directory_parts WHERE hub = ? ORDER BY version DESC LIMIT 1',
      hub,
    )
  );
}

function putPage(
  db: Database,
  page: { hub: string; page: number; version: number; bytes: Uint8Array },
): void {
  db.run(
    `INSERT INTO directory_pages (hub, page, version, digest, bytes) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (hub, page) DO UPDATE SET version = ?3, digest = ?4, bytes = ?5 WHERE digest <> ?4`,
    page.hub,
    page.page,
    page.version,
    hash('sha256', page.bytes, 'buffer'),
    page.bytes,
  );
}

/** Makes anew the pages of units whose rows changed, or all of them when their number grows; returns the digests in order. */
function renewPages(
  db: Database,
  { hub, version, nowMs, pagesNow }: { hub: string; version: number; nowMs: number; pagesNow: number },
): Uint8Array[] {
  const units = db.get<{ n: number }>('SELECT count(*) AS n FROM units')!.n;
  const count = pageCountFor(units, pagesNow);
  if (count > pagesMax) throw new Error('too many pages');
  const changed =
    count === pagesNow
      ? new Set(
          db.all<{ unit: string }>('SELECT unit FROM directory_dirty').map(({ unit }) => pageOf(unit, count)),
        )
      : new Set(Array.from({ length: count }, (_, page) => page));
  for (const page of changed) {
    const bytes = directoryPageCodec.encode({ units: unitsIn(db, nowMs, pageRange(page, count)) });
    if (bytes.length > directoryPageCodec.bytesMax)
      throw new ExchangeError('statement-too-large', `directory page ${page}`);
    putPage(db, { hub, page, version, bytes });
  }
  db.run('DELETE FROM directory_dirty');
  return db
    .all<{ digest: Uint8Array }>('SELECT digest FROM directory_pages WHERE hub = ? ORDER BY page', hub)
    .map(({ digest }) => digest);
}

/**
 * Signs the next version and appends its ledger entry, in the caller's transaction. Costs the pages that changed and the signed head. Only
 * the newest version is kept: what it was at a time is in the units' own dates. Returns the version.
 */
export function publishPart(db: Database, deps: AdminDeps, nowMs: number): number {
  const { appendLedger, directoryKey, directoryLifeMs: lifeMs } = deps;
  const newest = newestOwn(db);
  const version = Math.max(newest?.version ?? 0, readNumberFact(db, 'directoryVersionFloor')) + 1;
  const head = ownPartHead(db, { version, nowMs, lifeMs });
  const { hub } = head;
  const pageDigests = renewPages(db, { hub, version, nowMs, pagesNow: newest?.pages ?? 0 });
  const signed = signOne(
    'lienthong/directory/2',
    directoryPartCodec.encode({ ...head, pageDigests }),
    directoryKey,
  );
  const bytes = signedDirectoryCodec.encode(signed);
  db.run(
    `INSERT INTO directory_heads (hub, version, pages, bytes, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (hub) DO UPDATE SET version = ?2, pages = ?3, bytes = ?4, at_ms = ?5`,
    hub,
    version,
    pageDigests.length,
    bytes,
    nowMs,
  );
  db.run('DELETE FROM directory_parts WHERE hub = ?', hub);
  appendLedger('directory', bytes, nowMs);
  return version;
}

/** The version in force as one directory/1, for readers of before; signed once for each version, when one of them asks. */
function publishWhole(db: Database, deps: AdminDeps): void {
  const hub = needFact(db, 'hubId');
  const newest = newestOwn(db);
  if (
    !newest ||
    newest.pages === 0 ||
    db.get('SELECT 1 FROM directory_parts WHERE hub = ? AND version = ?', hub, newest.version)
  )
    return;
  const { part } = readPart(storedPart(db, hub)!.bytes);
  const { pages: _, pageDigests: __, ...whole } = part;
  const bytes = signedDirectoryCodec.encode(
    signOne('lienthong/directory/1', directoryPartCodec.encode(whole), deps.directoryKey),
  );
  db.run(
    'INSERT INTO directory_parts (hub, version, bytes, at_ms) VALUES (?, ?, ?, ?)',
    hub,
    newest.version,
    bytes,
    newest.at_ms,
  );
  deps.appendLedger('directory', bytes, newest.at_ms);
}

/** A part of another hub in pages: its head, and the pages that came. Pages beyond its number are of an older one. */
function putPaged(db: Database, { hub, version, bytes, nowMs }: PartToPut): Uint8Array {
  const { pages } = signedDirectoryCodec.decode(bytes);
  const head = signedHead(bytes);
  const digests = directoryPartCodec.decode(signedDirectoryCodec.decode(head).bytes).pageDigests ?? [];
  const came = new Map(pages.map((page) => [hash('sha256', page, 'hex'), page]));
  for (const [page, digest] of digests.entries()) {
    const content = came.get(Buffer.from(digest).toString('hex'));
    if (content) putPage(db, { hub, page, version, bytes: content });
  }
  db.run('DELETE FROM directory_pages WHERE hub = ? AND page >= ?', hub, digests.length);
  const held = db.all<{ digest: Uint8Array }>(
    'SELECT digest FROM directory_pages WHERE hub = ? ORDER BY page',
    hub,
  );
  if (
    held.length !== digests.length ||
    held.some(({ digest }, page) => Buffer.compare(digest, digests[page]!) !== 0)
  )
    throw new ExchangeError('directory-gap', `version ${version} of ${hub}`);
  db.run(
    `INSERT INTO directory_heads (hub, version, pages, bytes, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (hub) DO UPDATE SET version = ?2, pages = ?3, bytes = ?4, at_ms = ?5`,
    hub,
    version,
    digests.length,
    head,
    nowMs,
  );
  db.run('DELETE FROM directory_parts WHERE hub = ?', hub);
  return head;
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
        const passed = db.run(
          'INSERT OR IGNORE INTO directory_dirty SELECT unit FROM unit_successors WHERE until_ms <> 0 AND until_ms > ? AND until_ms <= ?',
          newest.at_ms,
          nowMs,
        );
        if (passed.changes === 0) return 0;
      }
      return publishPart(db, deps, nowMs);
    },

    /** For readers of before there were pages. Idempotent. */
    wholePart(): void {
      publishWhole(db, deps);
    },

    /** At a restore: versions between the newest here and this one may be in use outside. Returns the version. */
    republishAbove({ skip, nowMs }: { skip: number; nowMs: number }): number {
      writeFact(db, 'directoryVersionFloor', String((newestOwn(db)?.version ?? 0) + skip));
      const version = publishPart(db, deps, nowMs);
      // Who holds a version that this store has forgotten needs every page again.
      db.run('UPDATE directory_pages SET version = ? WHERE hub = ?', version, needFact(db, 'hubId'));
      return version;
    },

    /** A verified part of another hub; only a newer version takes the place. Returns whether it did. */
    putPart({ hub, version, bytes, nowMs }: PartToPut): boolean {
      if (hub === needFact(db, 'hubId'))
        throw new ExchangeError('request-malformed', 'a part of this hub comes only from this hub');
      const known = storedPart(db, hub, version - 1);
      if (known) return false;
      let entry = bytes;
      if (signedDirectoryCodec.decode(bytes).type === 'lienthong/directory/2')
        entry = putPaged(db, { hub, version, bytes, nowMs });
      else {
        db.run('DELETE FROM directory_parts WHERE hub = ?', hub);
        db.run(
          'INSERT INTO directory_parts (hub, version, bytes, at_ms) VALUES (?, ?, ?, ?)',
          hub,
          version,
          bytes,
          nowMs,
        );
      }
      deps.appendLedger('directory-foreign', entry, nowMs);
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
