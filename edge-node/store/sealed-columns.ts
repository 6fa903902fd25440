// What of the node's database is sealed at rest: every column that says what a document is about, or what people wrote about it. What lists are sorted and
// narrowed by stays plain: who, when, states, numbers of books, sizes, digests (ADR 7). New columns of this kind belong here; fsck goes by it.
import type { SealedColumns } from '../../protocol/node/at-rest/seal-rows.ts';

export const sealedColumns: readonly SealedColumns[] = [
  {
    table: 'documents',
    keys: ['rowid'],
    texts: ['subject', 'notation', 'number'],
    blobs: ['salt', 'metadata'],
  },
  { table: 'out_parts', keys: ['rowid'], texts: ['name'], blobs: ['content'] },
  { table: 'inbox', keys: ['rowid'], texts: ['subject', 'notation', 'number'], blobs: ['salt', 'metadata'] },
  { table: 'in_parts', keys: ['rowid'], texts: ['name'], blobs: ['content'] },
  { table: 'aside', keys: ['rowid'], blobs: ['bytes'] },
  { table: 'checks', keys: ['rowid'], texts: ['findings', 'parts'] },
  {
    table: 'entries',
    keys: ['rowid'],
    texts: [
      'author',
      'notation',
      'type',
      'subject',
      'signer',
      'places',
      'receipt',
      'keeper',
      'note',
      'struck',
    ],
  },
  { table: 'tasks', keys: ['rowid'], texts: ['instruction', 'progress'] },
  { table: 'task_notes', keys: ['rowid'], texts: ['said'] },
  { table: 'statuses', keys: ['rowid'], texts: ['registered_number', 'person', 'text'] },
  { table: 'drafts', keys: ['rowid'], texts: ['fields'] },
  { table: 'nudges', keys: ['rowid'], texts: ['said'] },
  { table: 'saved_views', keys: ['rowid'], texts: ['query'] },
  { table: 'folder_taken', keys: ['document_id'], texts: ['name'] },
  { table: 'folder_given', keys: ['folder', 'inbox_seq'], texts: ['name'] },
  {
    table: 'document_numbers',
    keys: ['direction', 'issuer', 'year', 'number', 'document_id'],
    compared: ['number'],
  },
];
