// What of the hub's database is sealed at rest: what passes through it, what was found in it, how documents are called across a border, and what
// the other system said of them. Headers,
// receipts and the ledger stay plain: they are what a hub works with (ADR 7). New columns of this kind belong here; fsck goes by it.
import type { SealedColumns } from '../../protocol/node/at-rest/seal-rows.ts';

export const sealedColumns: readonly SealedColumns[] = [
  { table: 'envelopes', keys: ['rowid'], blobs: ['salt', 'metadata'] },
  { table: 'parts', keys: ['envelope_seq', 'idx'], blobs: ['content'] },
  { table: 'checks', keys: ['rowid'], texts: ['findings', 'parts'] },
  {
    table: 'border_documents',
    keys: ['border', 'organ', 'edxml_id'],
    texts: ['code'],
    compared: ['code_key'],
  },
  { table: 'border_in', keys: ['rowid'], texts: ['said'], blobs: ['wrapper'] },
  { table: 'border_out', keys: ['rowid'], texts: ['words'], blobs: ['message'] },
];
