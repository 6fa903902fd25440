// Orders of removal that this node has obeyed or has still to obey, and reports that its people made: posted until the hub has them. The trace
// without content.
export const takedownSchema = `
CREATE TABLE removals (
  hub TEXT NOT NULL, number INTEGER NOT NULL, act INTEGER NOT NULL, document_id BLOB NOT NULL, sender TEXT NOT NULL,
  contents TEXT NOT NULL, keys TEXT NOT NULL DEFAULT '[]', bytes BLOB NOT NULL, at_ms INTEGER NOT NULL, taken_ms INTEGER NOT NULL,
  found INTEGER, done_ms INTEGER, told INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (hub, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE secret_reports (
  id INTEGER PRIMARY KEY AUTOINCREMENT, document_id BLOB NOT NULL, at_ms INTEGER NOT NULL, bytes BLOB NOT NULL, told INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE denied (sha256 BLOB PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** After a restore of the hub it is given its orders back. */
export const giveBackSchema = `
ALTER TABLE removals ADD COLUMN give_back INTEGER NOT NULL DEFAULT 0;
CREATE INDEX removals_document ON removals (document_id);
`;
