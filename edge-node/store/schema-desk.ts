// Schema of what the console keeps: drafts that survive browser and power, and who has opened what arrived. A draft that waits for its
// thirty seconds is 'held': nothing of it is sealed yet.

export const deskSchema = `
CREATE TABLE drafts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  draft TEXT NOT NULL UNIQUE,                -- UUID; the idempotency key of the sending is made from it
  unit TEXT NOT NULL REFERENCES units (unit), person INTEGER NOT NULL REFERENCES persons (id),
  state TEXT NOT NULL CHECK (state IN ('open','held','sent','dropped')),
  revision INTEGER NOT NULL,                 -- counts saves; a save that knows an older one is refused
  fields TEXT NOT NULL,                      -- JSON of console/contract.ts DraftFields
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL,
  due_ms INTEGER, sender INTEGER REFERENCES persons (id),   -- held: when it is handed in, and by whom
  document_id TEXT, last_error TEXT          -- sent: what it became; open again: why
) STRICT;
CREATE INDEX drafts_unit ON drafts (unit, state, changed_ms);
CREATE INDEX drafts_due ON drafts (due_ms) WHERE state = 'held';
-- Content that a draft names lives as long as the draft (housekeeping).
CREATE TABLE draft_handles (
  draft_id INTEGER NOT NULL REFERENCES drafts (id) ON DELETE CASCADE, handle TEXT NOT NULL, PRIMARY KEY (handle, draft_id)
) STRICT, WITHOUT ROWID;

-- Who opened which arrival first when: unread rows, and the alarm of a flash document that nobody opened.
CREATE TABLE readings (
  envelope_id BLOB NOT NULL, person INTEGER NOT NULL REFERENCES persons (id), at_ms INTEGER NOT NULL,
  PRIMARY KEY (envelope_id, person)
) STRICT, WITHOUT ROWID;
`;
