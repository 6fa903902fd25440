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

/**
 * Decisions of operators by their own keys, and orders that pass between hubs. One document may be ordered away by two hubs, each with its own
 * operators. `removal_words` is what peers have said, in the order in which other hubs are told.
 */
export const operatorKeysSchema = `
CREATE TABLE operator_keys (
  public_key BLOB PRIMARY KEY, name TEXT NOT NULL, from_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX operator_keys_name ON operator_keys (name) WHERE until_ms = 0;
CREATE TABLE removals_now (
  number INTEGER PRIMARY KEY AUTOINCREMENT, document_id BLOB NOT NULL, sender TEXT NOT NULL,
  act TEXT NOT NULL CHECK (act IN ('hide','destroy')), reason TEXT NOT NULL, operators TEXT NOT NULL,   -- JSON
  contents TEXT NOT NULL DEFAULT '[]',       -- JSON of SHA-256 in hex: files that must go
  keys TEXT NOT NULL DEFAULT '[]',           -- JSON of numbers of content keys that must go
  at_ms INTEGER NOT NULL, signed BLOB,       -- NULL for a moment: a crash between the act and its signature
  done_here_ms INTEGER,
  decided_by TEXT NOT NULL DEFAULT '',       -- hub whose operators decided
  acts TEXT NOT NULL DEFAULT '[]',           -- JSON of Signed RemovalAct in base64
  UNIQUE (document_id, act, decided_by)
) STRICT;
INSERT INTO removals_now (number, document_id, sender, act, reason, operators, contents, keys, at_ms, signed, done_here_ms)
  SELECT number, document_id, sender, act, reason, operators, contents, keys, at_ms, signed, done_here_ms FROM removals;
CREATE TABLE removal_peers_now (
  number INTEGER NOT NULL REFERENCES removals_now (number), peer TEXT NOT NULL, unit TEXT NOT NULL,
  confirmed_ms INTEGER, found INTEGER, bytes BLOB,   -- the signed word of the unit, or of the hub about itself
  PRIMARY KEY (number, peer, unit)
) STRICT, WITHOUT ROWID;
INSERT INTO removal_peers_now SELECT number, peer, unit, confirmed_ms, found, bytes FROM removal_peers;
DROP TABLE removal_peers;
DROP TABLE removals;
ALTER TABLE removals_now RENAME TO removals;
ALTER TABLE removal_peers_now RENAME TO removal_peers;
CREATE INDEX removal_peers_peer ON removal_peers (peer, number);
CREATE TABLE removal_words (
  id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL REFERENCES removals (number), peer TEXT NOT NULL, unit TEXT NOT NULL,
  bytes BLOB NOT NULL, UNIQUE (number, unit)
) STRICT;
`;
