// What fsck looks at in statuses and requests: a destroyed document that is still there, a status that nothing signed bears out, an
// arrival without its place on the business axis. Reads only.
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Problem } from '../fsck.ts';

type Row = { readonly document_id: Uint8Array; readonly envelope_id?: Uint8Array | null };

const checks: readonly { readonly what: string; readonly sql: string }[] = [
  {
    what: 'it was recalled and destroyed, but something of it is still here',
    sql: `SELECT i.document_id, i.envelope_id FROM inbox i WHERE i.destroyed_ms IS NOT NULL AND (i.metadata IS NOT NULL OR i.subject IS NOT NULL
       OR EXISTS (SELECT 1 FROM in_parts p WHERE p.inbox_seq = i.seq))`,
  },
  {
    what: 'it was answered that a recall destroyed it, but it is still here',
    sql: `SELECT i.document_id, i.envelope_id FROM inbox i WHERE i.destroyed_ms IS NULL AND i.kind NOT IN (2,4,5)
       AND EXISTS (SELECT 1 FROM received r WHERE r.sender = i.sender AND r.document_id = i.document_id AND r.recall = 'destroyed')
       AND NOT EXISTS (SELECT 1 FROM received r WHERE r.sender = i.sender AND r.document_id = i.document_id AND r.recall <> 'destroyed')`,
  },
  {
    what: 'it arrived, but has no place among the statuses',
    sql: `SELECT i.document_id, i.envelope_id FROM inbox i JOIN inbox_recipients q ON q.inbox_seq = i.seq WHERE i.kind NOT IN (2,4,5)
       AND NOT EXISTS (SELECT 1 FROM received r WHERE r.sender = i.sender AND r.document_id = i.document_id AND r.unit = q.unit)`,
  },
  {
    what: 'its status stands, but no status of ours was handed in for sending',
    sql: `SELECT r.document_id, NULL AS envelope_id FROM received r WHERE r.code <> '01' AND NOT EXISTS (SELECT 1 FROM statuses s
       WHERE s.direction = 'out' AND s.sender = r.sender AND s.document_id = r.document_id AND s.unit = r.unit AND s.code = r.code)`,
  },
  {
    what: 'a status of ours stands in the history, but there is no envelope of it',
    sql: `SELECT s.document_id, NULL AS envelope_id FROM statuses s WHERE s.direction = 'out'
       AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.document_id = s.status_document)`,
  },
];

export function checkStatuses(db: Database, found: (problem: Problem) => void): void {
  for (const { what, sql } of checks)
    for (const { document_id, envelope_id } of db.all<Row>(sql))
      found({
        about: uuidFromBytes(document_id),
        ...(envelope_id ? { envelopeId: uuidFromBytes(envelope_id) } : {}),
        code: 'store-damaged',
        what,
      });
}
