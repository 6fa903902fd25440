// The hub's schema, numbered and append-only; run once, in order. STRICT tables; states are held by CHECK, duplicates by UNIQUE.
// The writer thread owns the writing connection (writer-ops.ts); everything else reads.
import type { Migration } from '../../protocol/node/sqlite.ts';
import { auditSchema } from './schema-audit.ts';
import { border } from './schema-border.ts';
import { directory } from './schema-directory.ts';
import { handover } from './schema-handover.ts';
import { recallsSchema } from './schema-recalls.ts';
import { safetySchema } from './schema-safety.ts';
import { operatorKeysSchema, takedownSchema } from './schema-takedown.ts';
import { trustSchema } from './schema-trust.ts';

const core = `
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;   -- hubId, epoch, commonLedgerSequence, …

-- Spool. One row per accepted envelope; bytes exactly as received. Small parts lie beside it, large ones in the content folder.
CREATE TABLE envelopes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  envelope_id BLOB NOT NULL, document_id BLOB NOT NULL, sender TEXT NOT NULL,
  digest BLOB NOT NULL,                      -- SHA-256 of the signed header bytes
  signed BLOB NOT NULL,                      -- encoded Signed, as received
  hops BLOB NOT NULL,                        -- encoded Wrapper that holds only the hop trace, ours included
  salt BLOB, metadata BLOB,                  -- NULL once erased
  kind INTEGER NOT NULL, urgency INTEGER NOT NULL,
  accepted_ms INTEGER NOT NULL, deliver_by_ms INTEGER NOT NULL,
  receipt BLOB NOT NULL,                     -- encoded Signed: the stored receipt; the same bytes answer every retry
  ledger_sequence INTEGER NOT NULL,          -- of the acceptance
  from_peer TEXT NOT NULL,                   -- node id or hub id that submitted; statements go back to it
  bytes INTEGER NOT NULL,                    -- content and metadata, for quota and queue figures
  open_deliveries INTEGER NOT NULL,          -- counts down; 0 starts retention
  closed_ms INTEGER,
  UNIQUE (sender, envelope_id)
) STRICT;
CREATE INDEX envelopes_closed ON envelopes (closed_ms) WHERE closed_ms IS NOT NULL;
CREATE INDEX envelopes_from ON envelopes (from_peer, ledger_sequence);
CREATE INDEX envelopes_document ON envelopes (document_id);

CREATE TABLE parts (
  envelope_seq INTEGER NOT NULL REFERENCES envelopes (seq) ON DELETE CASCADE,
  idx INTEGER NOT NULL, length INTEGER NOT NULL, sha256 BLOB NOT NULL, tree_root BLOB NOT NULL,
  content BLOB,                              -- small parts; NULL: in the content folder, or erased
  PRIMARY KEY (envelope_seq, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX parts_sha256 ON parts (sha256) WHERE content IS NULL;

-- What a unit has itself uploaded completely: the only ground on which bytes are skipped.
CREATE TABLE unit_content (
  unit TEXT NOT NULL, sha256 BLOB NOT NULL, length INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (unit, sha256)
) STRICT, WITHOUT ROWID;

CREATE INDEX unit_content_sha256 ON unit_content (sha256);
CREATE INDEX unit_content_at ON unit_content (at_ms);

-- What each unit has waiting here, counted in the same transactions: the ground of its quota.
CREATE TABLE unit_usage (unit TEXT PRIMARY KEY, open_bytes INTEGER NOT NULL, open_envelopes INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Receipts of later legs of the same envelope (other recipients of it that came by another way).
CREATE TABLE extra_legs (
  envelope_seq INTEGER NOT NULL REFERENCES envelopes (seq), idx INTEGER NOT NULL, receipt BLOB NOT NULL, PRIMARY KEY (envelope_seq, idx)
) STRICT, WITHOUT ROWID;

-- One row per recipient of the leg.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  envelope_seq INTEGER NOT NULL REFERENCES envelopes (seq),
  idx INTEGER NOT NULL, unit TEXT NOT NULL,  -- signed index, and the unit that gets it (the successor when forwarded)
  peer TEXT NOT NULL,                        -- node id, hub id, or '' while there is no route
  state TEXT NOT NULL CHECK (state IN ('ready','deferred','leased','held','relayed','delivered','refused','expired','cancelled','undeliverable')),
  lane INTEGER NOT NULL,                     -- urgency lane, higher first
  turn INTEGER NOT NULL,                     -- fair turn between senders within (peer, lane): start-time fair queueing
  attempts INTEGER NOT NULL DEFAULT 0,
  next_ms INTEGER NOT NULL, deadline_ms INTEGER NOT NULL,
  lease_owner INTEGER, lease_until_ms INTEGER,   -- instance number of the peer
  last_error TEXT, settled_ms INTEGER, settled_ledger INTEGER,
  again INTEGER NOT NULL DEFAULT 0,          -- 1: settled, but handed out once more to a restored node
  UNIQUE (envelope_seq, idx)
) STRICT;
-- What is due is claimed through the first index; deferred rows wait in the second, so that they never slow a claim.
CREATE INDEX deliveries_ready ON deliveries (peer, lane DESC, turn, id) WHERE state = 'ready';
CREATE INDEX deliveries_deferred ON deliveries (peer, next_ms) WHERE state = 'deferred';
CREATE INDEX deliveries_again ON deliveries (peer, id) WHERE again = 1;
CREATE INDEX deliveries_leased ON deliveries (lease_until_ms) WHERE state = 'leased';
CREATE INDEX deliveries_lease_owner ON deliveries (peer) WHERE state = 'leased';
CREATE INDEX deliveries_deadline ON deliveries (deadline_ms) WHERE state IN ('ready','deferred','leased','held','relayed');
CREATE INDEX deliveries_settled ON deliveries (peer, settled_ledger) WHERE settled_ledger IS NOT NULL;
CREATE INDEX deliveries_held ON deliveries (peer, id) WHERE state = 'held';

-- Receipts and notices: ours, receivers', and relayed ones. Bytes as signed.
CREATE TABLE statements (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  statement_id BLOB NOT NULL, envelope_seq INTEGER NOT NULL REFERENCES envelopes (seq),
  event INTEGER NOT NULL, issuer TEXT NOT NULL, at_ms INTEGER NOT NULL, bytes BLOB NOT NULL, ledger_sequence INTEGER NOT NULL,
  UNIQUE (issuer, statement_id)
) STRICT;
CREATE INDEX statements_envelope ON statements (envelope_seq);

-- Statements on their way to a peer (the sender's node, or the hub below or above).
CREATE TABLE outgoing (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL, statement INTEGER NOT NULL REFERENCES statements (id),
  lane INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('ready','leased','taken')),
  lease_owner INTEGER, lease_until_ms INTEGER, attempts INTEGER NOT NULL DEFAULT 0, at_ms INTEGER NOT NULL, taken_ms INTEGER,
  UNIQUE (peer, statement)
) STRICT;
CREATE INDEX outgoing_ready ON outgoing (peer, lane DESC, id) WHERE state = 'ready';
CREATE INDEX outgoing_taken ON outgoing (peer, statement) WHERE state = 'taken';
CREATE INDEX outgoing_leased ON outgoing (lease_until_ms) WHERE state = 'leased';

-- Ordered, append-only: one hash per acceptance, refusal, delivery, expiry, directory act. chain = SHA-256(previous chain || leaf).
CREATE TABLE ledger (
  sequence INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, leaf BLOB NOT NULL, chain BLOB NOT NULL
) STRICT;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

-- Refused submissions are evidence too (FIELD.md 64).
CREATE TABLE refusals (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, peer TEXT NOT NULL, sender TEXT, envelope_id BLOB, digest BLOB,
  code TEXT NOT NULL, ledger_sequence INTEGER NOT NULL
) STRICT;

-- What a person must look at.
CREATE TABLE alarms (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, code TEXT NOT NULL, about TEXT NOT NULL, said TEXT NOT NULL,
  seen_ms INTEGER, count INTEGER NOT NULL DEFAULT 1, UNIQUE (code, about)
) STRICT;

-- Directory: own units. Everything in it is signed into a part (directory_parts).
CREATE TABLE units (
  unit TEXT PRIMARY KEY, name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active','unconfirmed','suspended','closed','invited')),
  parent TEXT NOT NULL DEFAULT '', node TEXT, document_bytes_max INTEGER NOT NULL DEFAULT 0,
  quota_bytes INTEGER, added_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE unit_aliases (
  code TEXT NOT NULL, unit TEXT NOT NULL REFERENCES units (unit), from_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL DEFAULT 0, rank INTEGER NOT NULL,
  PRIMARY KEY (code, unit, from_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE unit_successors (unit TEXT NOT NULL REFERENCES units (unit), successor TEXT NOT NULL, until_ms INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (unit, successor)) STRICT, WITHOUT ROWID;

-- Peers that may connect: nodes of own units, hubs below. Identity is the TLS key.
CREATE TABLE peers (
  peer TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('node','hub')),
  state TEXT NOT NULL CHECK (state IN ('active','unconfirmed','suspended','revoked','closed')),
  instance INTEGER NOT NULL DEFAULT 0, instance_token BLOB, instance_previous_token BLOB, restore_count INTEGER NOT NULL DEFAULT 0,
  software TEXT NOT NULL DEFAULT '', last_seen_ms INTEGER, added_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE certificates (
  serial TEXT PRIMARY KEY, role TEXT NOT NULL, subject TEXT NOT NULL, key_id TEXT NOT NULL, der BLOB NOT NULL,
  not_before_ms INTEGER NOT NULL, not_after_ms INTEGER NOT NULL, issued_ms INTEGER NOT NULL,
  revoked_from_ms INTEGER, revoked_reason TEXT, ledger_sequence INTEGER NOT NULL
) STRICT;
CREATE INDEX certificates_key ON certificates (key_id);
CREATE INDEX certificates_subject ON certificates (subject, role);

CREATE TABLE invitations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, secret_hash BLOB NOT NULL UNIQUE, unit TEXT NOT NULL REFERENCES units (unit),
  made_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
  used_ms INTEGER, tls_key_id TEXT, seal_key_id TEXT, answer TEXT,   -- the same keys get the same answer until the first mTLS use
  closed_ms INTEGER, words TEXT,
  node TEXT, confirmed_ms INTEGER                                    -- the node it enrolled; when a person compared the words
) STRICT;

-- Signed parts of the directory: our own by version, and those of other hubs (newest only).
CREATE TABLE directory_parts (
  hub TEXT NOT NULL, version INTEGER NOT NULL, bytes BLOB NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (hub, version)
) STRICT, WITHOUT ROWID;
`;

export const migrations: readonly Migration[] = [
  { version: 1, name: 'core', sql: core },
  { version: 2, name: 'border', sql: border },
  { version: 3, name: 'audit', sql: auditSchema },
  { version: 4, name: 'directory', sql: directory },
  { version: 5, name: 'safety', sql: safetySchema },
  { version: 6, name: 'recalls', sql: recallsSchema },
  { version: 7, name: 'trust', sql: trustSchema },
  // What becomes of a later leg goes back to the peer that brought that leg; '' is the peer of the first one.
  { version: 8, name: 'legs', sql: "ALTER TABLE extra_legs ADD COLUMN from_peer TEXT NOT NULL DEFAULT ''" },
  { version: 9, name: 'takedown', sql: takedownSchema },
  // The bytes of a message as received end with its document, or by age; its digest stays.
  { version: 10, name: 'border-erased', sql: 'ALTER TABLE border_in ADD COLUMN erased_ms INTEGER' },
  { version: 11, name: 'handover', sql: handover },
  { version: 12, name: 'operator-keys', sql: operatorKeysSchema },
  // Whether something still counts on a file is asked of messages too.
  {
    version: 13,
    name: 'border-message',
    sql: 'CREATE INDEX border_in_message ON border_in (message_sha256); CREATE INDEX border_in_edxml ON border_in (border, edxml_id)',
  },
  // Nothing changes here: content keys lie in blocks from now on, and a program that knows no blocks shall refuse the folder.
  { version: 14, name: 'keys-in-blocks', sql: '' },
  // As little: cells share boxes (ADR 10), which a program of before would show as they stand.
  { version: 15, name: 'shared-boxes', sql: '' },
  // What another system said is sealed too, at the next start.
  { version: 16, name: 'border-words', sql: "UPDATE facts SET value = 'again' WHERE name = 'rowsSealed'" },
];
