// Schema of recalls at a hub: which documents their senders took back from whom, so that copies here end whichever of document and recall
// came first. Rows stay: a document that comes again (a later leg, a restored hub below) is taken back again.
export const recallsSchema = `
CREATE TABLE recalls (
  sender TEXT NOT NULL, document_id BLOB NOT NULL, unit TEXT NOT NULL,
  envelope_seq INTEGER NOT NULL REFERENCES envelopes (seq),   -- the recall that said so first
  at_ms INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,           -- 1: no copy of it is on its way to this unit from here
  PRIMARY KEY (sender, document_id, unit)
) STRICT, WITHOUT ROWID;
CREATE INDEX recalls_open ON recalls (at_ms) WHERE done = 0;

-- Updates of a document: their metadata go with its own when it is taken back.
CREATE TABLE updates (
  sender TEXT NOT NULL, document_id BLOB NOT NULL, envelope_seq INTEGER NOT NULL REFERENCES envelopes (seq),
  PRIMARY KEY (sender, document_id, envelope_seq)
) STRICT, WITHOUT ROWID;
`;
