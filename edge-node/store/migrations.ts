// The node's schema, numbered and append-only; run once, in order. STRICT tables; states are held by CHECK, duplicates by UNIQUE.
// The writer thread owns the writing connection (writer-ops.ts); everything else reads. Three axes are never mixed: what the sender
// still has to do for an envelope (envelopes.work), what became of it per recipient (outbox_recipients.state), what arrived (inbox).
import type { Migration } from '../../protocol/node/sqlite.ts';
import { accountsSchema } from './schema-accounts.ts';
import { deskSchema } from './schema-desk.ts';
import { directorySchema } from './schema-directory.ts';
import { figuresSchema } from './schema-figures.ts';
import { folderSchema } from './schema-folder.ts';
import { listsSchema, rareIndexes, settledFailures } from './schema-lists.ts';
import { acceptedDue, dueIndexes, officeSchema } from './schema-office.ts';
import { remindersSchema } from './schema-reminders.ts';
import { safetySchema } from './schema-safety.ts';
import { searchInMemory, searchSchema } from './schema-search.ts';
import { signInSchema } from './schema-sign-in.ts';
import { standingSchema } from './schema-standing.ts';
import { statusesSchema } from './schema-statuses.ts';
import { giveBackSchema, takedownSchema } from './schema-takedown.ts';

const core = `
-- Small facts by name: epoch, commonLedgerSequence, instance, instanceToken, ledgerSeen, clockOffsetMs, restoreCount, recoveredCount,
-- directoryStamp, lastContactMs. Numbers as decimal text, bytes as hex. restoreCount above recoveredCount: the outbox is being rebuilt.
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE units (unit TEXT PRIMARY KEY, code TEXT NOT NULL, name TEXT NOT NULL, added_ms INTEGER NOT NULL) STRICT;

-- Outbox. One row per business object handed in; what people read of it is metadata (salt and block NULL once erased).
CREATE TABLE documents (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id BLOB NOT NULL UNIQUE, unit TEXT NOT NULL REFERENCES units (unit),
  idempotency_key TEXT NOT NULL,
  request_digest BLOB NOT NULL,              -- SHA-256 of the request; empty when rebuilt from the hub after a restore
  kind INTEGER NOT NULL, urgency INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  deliver_by_ms INTEGER, reply_by_ms INTEGER NOT NULL,   -- NULL: the default from sealing on
  links TEXT NOT NULL, status TEXT,          -- JSON of the header's links and status
  salt BLOB, metadata BLOB, subject TEXT, notation TEXT, number TEXT,
  bytes INTEGER NOT NULL,
  UNIQUE (unit, idempotency_key)
) STRICT;
CREATE TABLE out_parts (
  id INTEGER PRIMARY KEY,
  document_seq INTEGER NOT NULL REFERENCES documents (seq) ON DELETE CASCADE,
  idx INTEGER NOT NULL, length INTEGER NOT NULL, sha256 BLOB NOT NULL, tree_root BLOB NOT NULL,
  name TEXT NOT NULL, media_type TEXT NOT NULL,
  content BLOB,                              -- small parts; NULL: in the content folder
  UNIQUE (document_seq, idx)
) STRICT;
CREATE INDEX out_parts_sha256 ON out_parts (sha256) WHERE content IS NULL;

-- One row per sealing. work: 'seal' not sealed yet, 'send' sealed bytes are to be sent, 'done' nothing to do now.
CREATE TABLE envelopes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  document_seq INTEGER NOT NULL REFERENCES documents (seq), unit TEXT NOT NULL,
  envelope_id BLOB, digest BLOB, signed BLOB,   -- from sealing on; every try sends the same signed bytes
  follows BLOB,                              -- envelope id of the sending that this one repeats
  work TEXT NOT NULL CHECK (work IN ('seal','send','done')),
  lane INTEGER NOT NULL,                     -- urgency, higher first
  missing_uploads INTEGER NOT NULL,          -- large parts that the hub does not have yet; the uploader counts it down
  attempts INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL, failing_since_ms INTEGER, last_error TEXT,
  queued_ms INTEGER NOT NULL, sealed_ms INTEGER,
  epoch INTEGER, ledger_sequence INTEGER,    -- of the newest hub receipt
  UNIQUE (unit, envelope_id)
) STRICT;
CREATE INDEX envelopes_due ON envelopes (lane DESC, seq, next_ms) WHERE work <> 'done' AND missing_uploads = 0;
CREATE INDEX envelopes_upload ON envelopes (lane DESC, seq, next_ms) WHERE work <> 'done' AND missing_uploads > 0;
CREATE INDEX envelopes_document ON envelopes (document_seq);
CREATE INDEX envelopes_id ON envelopes (envelope_id);
CREATE INDEX envelopes_ledger ON envelopes (ledger_sequence) WHERE ledger_sequence IS NOT NULL;

-- Whom one sending addresses, and what became of it for each (protocol/states.ts outboxStates).
CREATE TABLE outbox_recipients (
  envelope_seq INTEGER NOT NULL REFERENCES envelopes (seq) ON DELETE CASCADE,
  idx INTEGER NOT NULL, unit TEXT NOT NULL, desk TEXT NOT NULL, grp TEXT NOT NULL, grp_version INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued','accepted','relayed','delivered','refused','undeliverable','expired','cancelled')),
  code TEXT, at_ms INTEGER NOT NULL,
  PRIMARY KEY (envelope_seq, idx)
) STRICT, WITHOUT ROWID;

-- Ids of uploads begun at the hub, so that a restart continues them.
CREATE TABLE uploads (
  envelope_seq INTEGER NOT NULL REFERENCES envelopes (seq) ON DELETE CASCADE,
  idx INTEGER NOT NULL, upload_id TEXT NOT NULL, complete INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (envelope_seq, idx)
) STRICT, WITHOUT ROWID;

-- Large parts handed in before their document: a random handle bound to a unit, never a right by hash.
CREATE TABLE staged (
  handle TEXT PRIMARY KEY, unit TEXT NOT NULL, sha256 BLOB NOT NULL, tree_root BLOB NOT NULL, length INTEGER NOT NULL, at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX staged_sha256 ON staged (sha256);

-- Inbox. A row is here only when every byte of the document has been verified.
CREATE TABLE inbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sender TEXT NOT NULL, envelope_id BLOB NOT NULL, document_id BLOB NOT NULL, digest BLOB NOT NULL,
  signed BLOB NOT NULL, hops BLOB NOT NULL, salt BLOB, metadata BLOB,
  receipt BLOB NOT NULL,                     -- the hub's Signed receipt of this leg: proves the acceptance time
  accepted_ms INTEGER NOT NULL, epoch INTEGER NOT NULL, ledger_sequence INTEGER NOT NULL,
  kind INTEGER NOT NULL, urgency INTEGER NOT NULL, created_ms INTEGER NOT NULL, reply_by_ms INTEGER NOT NULL,
  received_ms INTEGER NOT NULL, subject TEXT, notation TEXT, number TEXT, bytes INTEGER NOT NULL,
  UNIQUE (sender, envelope_id)
) STRICT;
CREATE INDEX inbox_document ON inbox (document_id);
CREATE INDEX inbox_envelope ON inbox (envelope_id);
CREATE INDEX inbox_ledger ON inbox (ledger_sequence);
-- Which of our units it is for, and the delivery receipt that each signed.
CREATE TABLE inbox_recipients (
  inbox_seq INTEGER NOT NULL REFERENCES inbox (seq) ON DELETE CASCADE,
  idx INTEGER NOT NULL, unit TEXT NOT NULL, desk TEXT NOT NULL, statement INTEGER,
  PRIMARY KEY (inbox_seq, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_recipients_unit ON inbox_recipients (unit, inbox_seq);
CREATE TABLE in_parts (
  id INTEGER PRIMARY KEY,
  inbox_seq INTEGER NOT NULL REFERENCES inbox (seq) ON DELETE CASCADE,
  idx INTEGER NOT NULL, length INTEGER NOT NULL, sha256 BLOB NOT NULL, tree_root BLOB NOT NULL,
  name TEXT NOT NULL, media_type TEXT NOT NULL, content BLOB,
  UNIQUE (inbox_seq, idx)
) STRICT;
CREATE INDEX in_parts_sha256 ON in_parts (sha256) WHERE content IS NULL;

-- What did not verify, exactly as it came, with the reason. Never deleted by the program.
CREATE TABLE aside (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('delivery','statement','receipt')),
  code TEXT NOT NULL, sender TEXT, envelope_id BLOB, digest BLOB NOT NULL, bytes BLOB NOT NULL, hub_receipt BLOB,
  UNIQUE (kind, digest)
) STRICT;

-- Receipts and notices, in and out. Bytes as signed.
CREATE TABLE statements (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  statement_id BLOB NOT NULL, issuer TEXT NOT NULL, direction TEXT NOT NULL CHECK (direction IN ('in','out')),
  event INTEGER NOT NULL, sender TEXT NOT NULL, envelope_id BLOB NOT NULL, at_ms INTEGER NOT NULL, stored_ms INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  -- Only 'out': to be posted to the hub, or taken over by it.
  post TEXT CHECK (post IN ('pending','posted','refused')), delivery_ids TEXT, attempts INTEGER NOT NULL DEFAULT 0,
  next_ms INTEGER NOT NULL DEFAULT 0, last_error TEXT,
  about_epoch INTEGER, about_ledger INTEGER,   -- of the hub's receipt for the delivery that this answers: decides what a new epoch needs again
  UNIQUE (issuer, statement_id)
) STRICT;
CREATE INDEX statements_envelope ON statements (envelope_id);
CREATE INDEX statements_pending ON statements (id, next_ms) WHERE post = 'pending';
CREATE INDEX statements_about ON statements (about_ledger) WHERE about_ledger IS NOT NULL;

-- The signed directory, one newest part per hub; verified again at each start.
CREATE TABLE directory_parts (hub TEXT PRIMARY KEY, version INTEGER NOT NULL, bytes BLOB NOT NULL, at_ms INTEGER NOT NULL) STRICT;

-- Who did what here. Facts only: no content, no titles.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, act TEXT NOT NULL, about TEXT NOT NULL, said TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

-- What a person must look at.
CREATE TABLE alarms (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, code TEXT NOT NULL, about TEXT NOT NULL, said TEXT NOT NULL,
  seen_ms INTEGER, count INTEGER NOT NULL DEFAULT 1, UNIQUE (code, about)
) STRICT;
`;

export const migrations: readonly Migration[] = [
  { version: 1, name: 'core', sql: core },
  { version: 2, name: 'accounts', sql: accountsSchema },
  { version: 3, name: 'sign-in', sql: signInSchema },
  { version: 4, name: 'search', sql: searchSchema },
  { version: 5, name: 'directory', sql: directorySchema },
  { version: 6, name: 'statuses', sql: statusesSchema },
  { version: 7, name: 'safety', sql: safetySchema },
  { version: 8, name: 'office', sql: officeSchema },
  { version: 9, name: 'desk', sql: deskSchema },
  { version: 10, name: 'takedown', sql: takedownSchema },
  { version: 11, name: 'due-indexes', sql: dueIndexes },
  { version: 12, name: 'standing', sql: standingSchema },
  { version: 13, name: 'figures', sql: figuresSchema },
  { version: 14, name: 'folder', sql: folderSchema },
  { version: 15, name: 'removals-back', sql: giveBackSchema },
  { version: 16, name: 'lists', sql: listsSchema },
  { version: 17, name: 'search-in-memory', sql: searchInMemory },
  { version: 18, name: 'rare-indexes', sql: rareIndexes },
  { version: 19, name: 'settled-failures', sql: settledFailures },
  { version: 20, name: 'accepted-due', sql: acceptedDue },
  // Nothing changes here: cells share boxes from now on (ADR 10), and a program that would show them as they stand shall refuse the folder.
  { version: 21, name: 'shared-boxes', sql: '' },
  { version: 22, name: 'reminders', sql: remindersSchema },
];
