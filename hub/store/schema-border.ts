// Schema of borders: gateways of this hub to another system (the national axis). What left and what came in, one row per message and
// recipient, each with the digests by which a dispute is settled although nothing signed survives the other system.
// Rows of border_out and border_in are evidence: moved, never deleted.
export const border = `
ALTER TABLE units ADD COLUMN border TEXT NOT NULL DEFAULT '';   -- unit that seals for this one; a border unit names itself

CREATE TABLE borders (
  name TEXT PRIMARY KEY, connector TEXT NOT NULL, system TEXT NOT NULL,
  unit TEXT NOT NULL UNIQUE REFERENCES units (unit), node TEXT NOT NULL UNIQUE REFERENCES peers (peer),
  settings TEXT NOT NULL,                    -- JSON: address, limits, which offices; never a secret
  state TEXT NOT NULL CHECK (state IN ('active','paused')),
  directory_version INTEGER NOT NULL DEFAULT 0, directory_ms INTEGER, added_ms INTEGER NOT NULL
) STRICT;

-- Offices as the other system lists them. 'unit' is ours for it: a unit behind the border, or one of our own that is registered there.
CREATE TABLE border_agencies (
  border TEXT NOT NULL REFERENCES borders (name), agency TEXT NOT NULL, unit TEXT NOT NULL,
  code TEXT NOT NULL, old_code TEXT NOT NULL, name TEXT NOT NULL, mail TEXT NOT NULL, own INTEGER NOT NULL, deleted INTEGER NOT NULL,
  PRIMARY KEY (border, agency)
) STRICT, WITHOUT ROWID;
CREATE INDEX border_agencies_unit ON border_agencies (border, unit);
CREATE INDEX border_agencies_code ON border_agencies (border, code);
CREATE INDEX border_agencies_old_code ON border_agencies (border, old_code) WHERE old_code <> '';

-- Documents that both sides know, by the name that the other side gives them.
CREATE TABLE border_documents (
  border TEXT NOT NULL REFERENCES borders (name), organ TEXT NOT NULL, edxml_id TEXT NOT NULL, document_id BLOB NOT NULL,
  code TEXT NOT NULL, code_key TEXT NOT NULL, date TEXT NOT NULL,    -- "number/notation" as written and folded, YYYY-MM-DD
  sender TEXT NOT NULL,                      -- our unit that issued it; '' for one that came in
  at_ms INTEGER NOT NULL, PRIMARY KEY (border, organ, edxml_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX border_documents_id ON border_documents (border, document_id);
CREATE INDEX border_documents_edxml ON border_documents (border, edxml_id);
CREATE INDEX border_documents_number ON border_documents (border, code_key, date);

-- What came in: one row per message of the other system and addressee.
CREATE TABLE border_in (
  id INTEGER PRIMARY KEY AUTOINCREMENT, border TEXT NOT NULL REFERENCES borders (name),
  foreign_id TEXT NOT NULL, what TEXT NOT NULL CHECK (what IN ('edoc','status')), from_code TEXT NOT NULL, to_code TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('sealed','accepted','noted','duplicate','refused','held')),
  ack TEXT NOT NULL CHECK (ack IN ('done','fail')), acked_ms INTEGER,   -- what the other system is told, and when it took that
  message_key TEXT NOT NULL,                 -- the document's own id, sender, addressee and kind; '' when it could not be read
  meaning BLOB,                              -- digest of what it means, to tell a repetition from another message under one id
  message_sha256 BLOB NOT NULL, message_bytes INTEGER NOT NULL, parts TEXT NOT NULL,   -- as received; SHA-256 of each unzipped file (JSON)
  code TEXT NOT NULL DEFAULT '', said TEXT NOT NULL DEFAULT '', rule TEXT NOT NULL DEFAULT '',
  edxml_id TEXT NOT NULL DEFAULT '', document_id BLOB, envelope_id BLOB, wrapper BLOB,   -- sealed bytes, until the hub has accepted them
  received_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  UNIQUE (border, foreign_id, what, to_code)
) STRICT;
CREATE UNIQUE INDEX border_in_once ON border_in (border, message_key) WHERE state IN ('sealed','accepted','noted');
CREATE INDEX border_in_sealed ON border_in (border, id) WHERE state = 'sealed';
CREATE INDEX border_in_unacked ON border_in (border, id) WHERE acked_ms IS NULL;
CREATE INDEX border_in_document ON border_in (document_id);

-- What left: one row per message and recipient. 'source' names what caused it, once: a delivery, a statement, a message refused here.
CREATE TABLE border_out (
  id INTEGER PRIMARY KEY AUTOINCREMENT, border TEXT NOT NULL REFERENCES borders (name), source TEXT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('edoc','status')), status_code TEXT NOT NULL DEFAULT '',
  delivery INTEGER, envelope_seq INTEGER, document_id BLOB NOT NULL,
  from_code TEXT NOT NULL, to_code TEXT NOT NULL, edxml_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('made','sent','reported','refused','given-up')),
  message BLOB,                              -- a status, which no envelope holds: the bytes until they left
  message_sha256 BLOB NOT NULL, message_bytes INTEGER NOT NULL, parts TEXT NOT NULL, not_carried TEXT NOT NULL,
  foreign_id TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0, doubtful INTEGER NOT NULL DEFAULT 0,
  next_ms INTEGER NOT NULL, made_ms INTEGER NOT NULL, tried_ms INTEGER, sent_ms INTEGER, ended_ms INTEGER,
  code TEXT NOT NULL DEFAULT '', words TEXT NOT NULL DEFAULT '', rule TEXT NOT NULL DEFAULT '',
  UNIQUE (border, source)
) STRICT;
CREATE INDEX border_out_due ON border_out (border, next_ms) WHERE state = 'made' AND message IS NOT NULL;
CREATE INDEX border_out_document ON border_out (border, document_id);
CREATE INDEX border_out_foreign ON border_out (border, foreign_id);
CREATE INDEX border_out_sent ON border_out (border, sent_ms) WHERE state = 'sent' AND what = 'edoc';
`;
