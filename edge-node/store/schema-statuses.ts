// Schema of what happens to a document after it has arrived: statuses of receiving offices, requests of senders to change what they sent,
// replacements, and numbers for the duplicate warning. Three axes beside one another: transport stays in outbox_recipients and inbox,
// the business axis is received.code, requests have their own table.
export const statusesSchema = `
ALTER TABLE inbox ADD COLUMN destroyed_ms INTEGER;   -- content and metadata are gone after a recall; the sealed header stays as the trace
ALTER TABLE inbox ADD COLUMN updated_by INTEGER;     -- inbox row of the newest update that was agreed to

-- What this node's units did with a document that arrived, one row per (document, unit). 01 is the delivery receipt itself.
CREATE TABLE received (
  sender TEXT NOT NULL, document_id BLOB NOT NULL, unit TEXT NOT NULL,
  inbox_seq INTEGER NOT NULL REFERENCES inbox (seq),
  code TEXT NOT NULL CHECK (code IN ('01','02','03','04','05','06')),
  counter INTEGER NOT NULL,                  -- of the newest status that we made about it, of whichever axis
  at_ms INTEGER NOT NULL,
  recall TEXT NOT NULL DEFAULT '' CHECK (recall IN ('','destroying','destroyed')),
  PRIMARY KEY (sender, document_id, unit)
) STRICT, WITHOUT ROWID;
CREATE INDEX received_document ON received (document_id);
INSERT INTO received (sender, document_id, unit, inbox_seq, code, counter, at_ms)
  SELECT i.sender, i.document_id, r.unit, min(i.seq), '01', 0, min(i.received_ms)
  FROM inbox i JOIN inbox_recipients r ON r.inbox_seq = i.seq WHERE i.kind NOT IN (2,4,5) GROUP BY 1, 2, 3;

-- Every status, ours ('out') and those that came ('in'). What stands is derived: the highest counter wins, whatever came first.
CREATE TABLE statuses (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  direction TEXT NOT NULL CHECK (direction IN ('out','in')),
  status_document BLOB NOT NULL,             -- document id of the status envelope
  sender TEXT NOT NULL, document_id BLOB NOT NULL,   -- the document that it is about
  unit TEXT NOT NULL,                        -- signed recipient whose status it is
  by_unit TEXT NOT NULL,                     -- who says so: that unit, or its successor
  code TEXT NOT NULL, counter INTEGER NOT NULL, at_ms INTEGER NOT NULL, accepted_ms INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  registered_number TEXT, person TEXT, text TEXT,    -- metadata of the status; NULL once erased
  request BLOB,                              -- of 15 and 16: document id of the request that it answers
  state TEXT NOT NULL CHECK (state IN ('applied','waiting')),   -- waiting: its document is not known here yet
  UNIQUE (direction, by_unit, status_document)
) STRICT;
CREATE INDEX statuses_document ON statuses (document_id, unit, counter);
CREATE INDEX statuses_waiting ON statuses (by_unit) WHERE state = 'waiting';

-- What a sender asks about a document that came here, per unit of ours. 'waiting': the document is not here yet.
CREATE TABLE requests (
  inbox_seq INTEGER NOT NULL REFERENCES inbox (seq), unit TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('recall','update')),
  sender TEXT NOT NULL, document_id BLOB NOT NULL,   -- the document asked about, and who sealed that one
  counter INTEGER NOT NULL,                  -- the sender's own order of its requests
  state TEXT NOT NULL CHECK (state IN ('waiting','open','destroying','agreed','refused','superseded')),
  asked_ms INTEGER NOT NULL, decided_ms INTEGER, actor TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (inbox_seq, unit)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_document ON requests (document_id, unit);
CREATE INDEX requests_open ON requests (asked_ms) WHERE state = 'open';
CREATE INDEX requests_destroying ON requests (asked_ms) WHERE state = 'destroying';

-- Which of our envelopes ask for a change of, or replace, which earlier document of ours.
CREATE TABLE changes (
  document_seq INTEGER NOT NULL REFERENCES documents (seq) ON DELETE CASCADE, target BLOB NOT NULL,
  kind INTEGER NOT NULL,                     -- 2 update, 3 replacement, 4 recall
  counter INTEGER NOT NULL,
  PRIMARY KEY (document_seq, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX changes_target ON changes (target, kind);

-- A newer version took the place of a document that arrived, for one unit of ours. The old one is kept.
CREATE TABLE replacements (
  document_id BLOB NOT NULL, unit TEXT NOT NULL, by_document BLOB NOT NULL, sender TEXT NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (document_id, unit, by_document)
) STRICT, WITHOUT ROWID;
CREATE INDEX replacements_by ON replacements (by_document);

-- Number and notation as compared (protocol/document/notation.ts), of what was sent and what came, by issuer and year.
CREATE TABLE document_numbers (
  direction TEXT NOT NULL CHECK (direction IN ('out','in')), issuer TEXT NOT NULL, year INTEGER NOT NULL, number TEXT NOT NULL,
  document_id BLOB NOT NULL,
  PRIMARY KEY (direction, issuer, year, number, document_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_numbers_document ON document_numbers (document_id);

-- Content files that no row refers to since a recall: to be deleted now, not when the sweeper comes.
CREATE TABLE unlinks (sha256 BLOB PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;
