// The chain over the audit: each row's digest covers the row before, so that a row that was taken out or altered shows. It proves order and
// wholeness up to the newest row only; the newest digest is shown by `verify` so that it can be kept elsewhere.
import { createHash } from 'node:crypto';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { AuditVerdict } from './verbs.ts';

export type AuditEntry = {
  readonly id: number;
  readonly at_ms: number;
  readonly actor: string;
  readonly act: string;
  readonly about: string;
  readonly said: string;
};

const none = new Uint8Array(32);

export function auditDigest(previous: Uint8Array | null, row: AuditEntry): Uint8Array {
  const text = JSON.stringify([row.id, row.at_ms, row.actor, row.act, row.about, row.said]);
  return createHash('sha256')
    .update('lienthong/node-audit/1\0')
    .update(previous ?? none)
    .update(text)
    .digest();
}

const pageRows = 5_000;

/** Reads the whole audit in pages, in bounded memory. */
export function verifyAudit(db: Database): AuditVerdict {
  let previous: Uint8Array | null = null;
  let last = 0;
  let rows = 0;
  let unchained = 0;
  for (;;) {
    const page = db.all<AuditEntry & { digest: Uint8Array | null }>(
      'SELECT id, at_ms, actor, act, about, said, digest FROM audit WHERE id > ? ORDER BY id LIMIT ?',
      last,
      pageRows,
    );
    for (const row of page) {
      rows += 1;
      const begun = previous !== null;
      if (!begun && row.digest === null) unchained += 1;
      else if (
        row.digest === null ||
        (last !== 0 && row.id !== last + 1) ||
        !Buffer.from(row.digest).equals(auditDigest(previous, row))
      )
        return { good: false, rows, unchained, brokenAt: row.id, newest: undefined };
      previous = row.digest;
      last = row.id;
    }
    if (page.length < pageRows) break;
  }
  const newest =
    previous === null ? undefined : { id: last, digestHex: Buffer.from(previous).toString('hex') };
  return { good: true, rows, unchained, brokenAt: undefined, newest };
}
