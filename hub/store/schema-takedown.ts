// Removal of state secrets: reports, orders with what they reach, and who has confirmed. Rows are the trace that stays; nothing here is content. `denied`
// holds keyed hashes of contents that may not come again.
export const takedownSchema = `
CREATE TABLE secret_reports (
  id INTEGER PRIMARY KEY AUTOINCREMENT, document_id BLOB NOT NULL, sender TEXT NOT NULL, unit TEXT NOT NULL, person TEXT NOT NULL,
  reason TEXT NOT NULL, at_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL, bytes BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE removals (
  number INTEGER PRIMARY KEY AUTOINCREMENT, document_id BLOB NOT NULL, sender TEXT NOT NULL,
  act TEXT NOT NULL CHECK (act IN ('hide','destroy')), reason TEXT NOT NULL, operators TEXT NOT NULL,   -- JSON
  contents TEXT NOT NULL DEFAULT '[]',       -- JSON of SHA-256 in hex: files that must go
  keys TEXT NOT NULL DEFAULT '[]',           -- JSON of numbers of content keys that must go
  at_ms INTEGER NOT NULL, signed BLOB,       -- NULL for a moment: a crash between the act and its signature
  done_here_ms INTEGER,
  UNIQUE (document_id, act)
) STRICT;
CREATE TABLE removal_peers (
  number INTEGER NOT NULL REFERENCES removals (number), peer TEXT NOT NULL, unit TEXT NOT NULL,
  confirmed_ms INTEGER, found INTEGER, bytes BLOB,   -- the unit's signed word
  PRIMARY KEY (number, peer, unit)
) STRICT, WITHOUT ROWID;
CREATE INDEX removal_peers_peer ON removal_peers (peer, number);
CREATE TABLE denied (hash BLOB PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;
