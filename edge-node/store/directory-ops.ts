// Writer thread and reads: the signed directory as it came, of each hub the newest part. Must never let an older part replace a newer one.
import { hash } from 'node:crypto';
import { directoryPartCodec, signedDirectoryCodec } from '../../protocol/codec.ts';
import { pageOf } from '../../protocol/directory-pages.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { writeFact } from './fact-ops.ts';

export type PartToSave = { readonly hub: string; readonly version: number; readonly bytes: Uint8Array };

/** Head, and the pages that came; the others are here already, since the part was whole when it was verified. */
function savePaged(db: Database, { hub, version, bytes }: PartToSave, nowMs: number): void {
  const { type, bytes: signed, signature, pages } = signedDirectoryCodec.decode(bytes);
  const digests = directoryPartCodec.decode(signed).pageDigests ?? [];
  const placeOf = new Map(digests.map((digest, page) => [Buffer.from(digest).toString('hex'), page]));
  db.run(
    `INSERT INTO directory_heads (hub, version, bytes, at_ms) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (hub) DO UPDATE SET version = ?2, bytes = ?3, at_ms = ?4`,
    hub,
    version,
    signedDirectoryCodec.encode({ type, bytes: signed, signature }),
    nowMs,
  );
  for (const page of pages) {
    const digest = hash('sha256', page, 'buffer');
    db.run(
      `INSERT INTO directory_pages (hub, page, digest, bytes) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (hub, page) DO UPDATE SET digest = ?3, bytes = ?4`,
      hub,
      placeOf.get(digest.toString('hex')) ?? 0,
      digest,
      page,
    );
  }
  db.run('DELETE FROM directory_pages WHERE hub = ? AND page >= ?', hub, digests.length);
  db.run('DELETE FROM directory_parts WHERE hub = ?', hub);
}

export function directoryOps(db: Database) {
  return {
    /** Each part replaces an older one of its hub; a newer one stays. */
    saveDirectory({
      parts,
      stamp,
      nowMs,
    }: {
      parts: readonly PartToSave[];
      stamp: string;
      nowMs: number;
    }): void {
      for (const part of parts) {
        const { hub, version, bytes } = part;
        const newer = db.get(
          'SELECT 1 FROM (SELECT hub, version FROM directory_heads UNION ALL SELECT hub, version FROM directory_parts) WHERE hub = ? AND version >= ?',
          hub,
          version,
        );
        if (newer) continue;
        if (signedDirectoryCodec.decode(bytes).type === 'lienthong/directory/2') savePaged(db, part, nowMs);
        else {
          db.run(
            `INSERT INTO directory_parts (hub, version, bytes, at_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (hub) DO UPDATE SET version = ?2, bytes = ?3, at_ms = ?4`,
            hub,
            version,
            bytes,
            nowMs,
          );
          db.run('DELETE FROM directory_heads WHERE hub = ?', hub);
          db.run('DELETE FROM directory_pages WHERE hub = ?', hub);
        }
      }
      writeFact(db, 'directoryStamp', stamp);
    },
  };
}

type HeadRow = { readonly hub: string; readonly bytes: Uint8Array };

function withPages(db: Database, { hub, bytes }: HeadRow, pages: readonly number[] | undefined): Uint8Array {
  const signed = signedDirectoryCodec.decode(bytes);
  const rows =
    pages?.map((page) =>
      db.get<{ bytes: Uint8Array }>(
        'SELECT bytes FROM directory_pages WHERE hub = ? AND page = ?',
        hub,
        page,
      ),
    ) ?? db.all<{ bytes: Uint8Array }>('SELECT bytes FROM directory_pages WHERE hub = ? ORDER BY page', hub);
  return signedDirectoryCodec.encode({
    type: signed.type,
    bytes: signed.bytes,
    signature: signed.signature,
    pages: rows.flatMap((row) => row?.bytes ?? []),
  });
}

/** A head and its pages are read at one moment: a newer directory that is stored between them would make a part that nobody takes, a proof among them. */
export function directoryReads(db: Database) {
  const headOf = (hub: string) =>
    db.get<HeadRow>('SELECT hub, bytes FROM directory_heads WHERE hub = ?', hub);
  return {
    /** Every part, whole. */
    *directoryParts(): Generator<{ readonly hub: string; readonly bytes: Uint8Array }> {
      yield* db.all<HeadRow>('SELECT hub, bytes FROM directory_parts ORDER BY hub');
      for (const { hub } of db.all<{ hub: string }>('SELECT hub FROM directory_heads ORDER BY hub')) {
        const bytes = db.reading(() => {
          const head = headOf(hub);
          return head && withPages(db, head, undefined);
        });
        if (bytes) yield { hub, bytes };
      }
    },
    /** Parts of these hubs with the pages of these units: what a proof needs of a directory of 125,000. */
    directoryPartsOf(hubs: readonly string[], units: readonly string[]): readonly Uint8Array[] {
      const partsOf = (hub: string): Uint8Array | readonly Uint8Array[] => {
        const head = headOf(hub);
        if (!head)
          return db
            .all<HeadRow>('SELECT hub, bytes FROM directory_parts WHERE hub = ?', hub)
            .map(({ bytes }) => bytes);
        const count =
          directoryPartCodec.decode(signedDirectoryCodec.decode(head.bytes).bytes).pageDigests?.length ?? 1;
        return withPages(
          db,
          head,
          [...new Set(units.map((unit) => pageOf(unit, count)))].sort((a, b) => a - b),
        );
      };
      return db.reading(() => hubs.flatMap(partsOf));
    },
  };
}
