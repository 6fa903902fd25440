// What was found in documents before they left and after they arrived, and what was decided. A document with a row in `pending` or `held` does
// not move: outgoing ones are not sealed (envelopes.checked = 0), arrivals are not shown. Rows of documents handled before this
// version do not exist: those are as they were.

export const safetySchema = `
CREATE TABLE checks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  direction TEXT NOT NULL CHECK (direction IN ('out','in')),
  doc INTEGER NOT NULL,                      -- documents.seq or inbox.seq
  state TEXT NOT NULL CHECK (state IN ('pending','passed','held','refused','released','rejected')),
  submitter TEXT NOT NULL,                   -- who handed it in: may not be the second person
  findings TEXT NOT NULL DEFAULT '[]',       -- JSON of protocol/safety/findings.ts
  parts TEXT NOT NULL DEFAULT '[]',          -- JSON of certs/inspect/check-parts.ts, signature reports included
  policy TEXT NOT NULL DEFAULT '',           -- version of the policy that decided
  secret INTEGER NOT NULL DEFAULT 0,         -- 1: marked as a state secret; nobody releases it
  since_ms INTEGER NOT NULL, decided_ms INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL, waiting TEXT,   -- code of what it waits for
  first_by TEXT, first_ms INTEGER, first_why TEXT,     -- the first of two persons
  ended_by TEXT, ended_ms INTEGER, ended_why TEXT,
  UNIQUE (direction, doc)
) STRICT;
CREATE INDEX checks_due ON checks (next_ms) WHERE state = 'pending';
CREATE INDEX checks_held ON checks (id) WHERE state IN ('held','pending');

ALTER TABLE envelopes ADD COLUMN checked INTEGER NOT NULL DEFAULT 1;
DROP INDEX envelopes_due;
DROP INDEX envelopes_upload;
CREATE INDEX envelopes_due ON envelopes (lane DESC, seq, next_ms) WHERE work <> 'done' AND checked = 1 AND missing_uploads = 0;
CREATE INDEX envelopes_upload ON envelopes (lane DESC, seq, next_ms) WHERE work <> 'done' AND checked = 1 AND missing_uploads > 0;
`;
