// Reminders of a sender (PROTOCOL.md 5.8), of both sides: what our units sent, and what came about documents that are here. One row a day and recipient
// bounds them, and stops a second one of the same working day.
export const remindersSchema = `
CREATE TABLE reminders (
  direction TEXT NOT NULL CHECK (direction IN ('out','in')),
  document_id BLOB NOT NULL, sender TEXT NOT NULL,   -- the document that it is about, and who sealed that one
  unit TEXT NOT NULL,                        -- signed recipient who is reminded
  day TEXT NOT NULL,                         -- 'out': the working day that it counts for; 'in': the day in Vietnam on which it was accepted
  at_ms INTEGER NOT NULL,
  reminder_document BLOB NOT NULL,           -- document id of the status envelope that says it
  PRIMARY KEY (direction, document_id, sender, unit, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX reminders_in ON reminders (unit, at_ms) WHERE direction = 'in';
`;
