// The stored parts of the directory as bytes: whole, or the pages above a version. Used by the hub in force, by answers to nodes and hubs, by
// fsck. Reads only; what is read was verified when it was put. A head and its pages are read at one moment: an act that is committed between them would make a part
// of an older head and newer pages, which nobody takes.
import { signedDirectoryCodec } from '../../protocol/codec.ts';
import type { Database } from '../../protocol/node/sqlite.ts';

export type StoredPart = { readonly hub: string; readonly version: number; readonly bytes: Uint8Array };
type HeadRow = { hub: string; version: number; pages: number; bytes: Uint8Array };

/** A part in pages, with those pages whose content is newer than `sinceVersion`; 0: all. */
function withPages(db: Database, head: HeadRow, sinceVersion: number): StoredPart {
  const pages = db.all<{ bytes: Uint8Array }>(
    'SELECT bytes FROM directory_pages WHERE hub = ? AND version > ? ORDER BY page',
    head.hub,
    sinceVersion,
  );
  const signed = signedDirectoryCodec.decode(head.bytes);
  return {
    hub: head.hub,
    version: head.version,
    bytes: signedDirectoryCodec.encode({
      ...signed,
      signature: signed.signature,
      type: signed.type,
      bytes: signed.bytes,
      pages: pages.map(({ bytes }) => bytes),
    }),
  };
}

/** The newest part of a hub, in whichever form it is stored; undefined when none is, or none above the version. */
export const storedPart = (db: Database, hub: string, sinceVersion = 0): StoredPart | undefined =>
  db.reading(() => {
    const head = headOf(db, hub);
    const whole = storedWhole(db, hub);
    // Of one version in both forms, the pages.
    if (head && head.version >= (whole?.version ?? 0))
      return head.version > sinceVersion ? withPages(db, head, sinceVersion) : undefined;
    return whole && whole.version > sinceVersion ? whole : undefined;
  });

const headOf = (db: Database, hub: string): HeadRow | undefined =>
  db.get<HeadRow>('SELECT hub, version, pages, bytes FROM directory_heads WHERE hub = ?', hub);

/** The newest part that can be had as directory/1. */
export function storedWhole(db: Database, hub: string): StoredPart | undefined {
  return db.get<StoredPart>(
    'SELECT hub, version, bytes FROM directory_parts WHERE hub = ? ORDER BY version DESC LIMIT 1',
    hub,
  );
}

/** Newest version of each hub. */
export function storedVersions(db: Database): { hub: string; version: number }[] {
  return db.all<{ hub: string; version: number }>(
    'SELECT hub, max(version) AS version FROM (SELECT hub, version FROM directory_heads UNION ALL SELECT hub, version FROM directory_parts) GROUP BY hub ORDER BY hub',
  );
}

/** Every stored part of both forms, `first` before the others. */
export function* storedParts(db: Database, first: string): Generator<StoredPart> {
  yield* db.all<StoredPart>(
    'SELECT hub, version, bytes FROM directory_parts ORDER BY hub = ? DESC, hub, version',
    first,
  );
  for (const { hub } of db.all<{ hub: string }>(
    'SELECT hub FROM directory_heads ORDER BY hub = ? DESC, hub',
    first,
  )) {
    const part = db.reading(() => {
      const head = headOf(db, hub);
      return head && withPages(db, head, 0);
    });
    if (part) yield part;
  }
}

/** What the ledger's entry of a version is about: the Signed without pages. */
export function signedHead(bytes: Uint8Array): Uint8Array {
  const { type, bytes: signed, signature, pages } = signedDirectoryCodec.decode(bytes);
  return pages.length === 0 && type !== 'lienthong/directory/2'
    ? bytes
    : signedDirectoryCodec.encode({ type, bytes: signed, signature });
}
