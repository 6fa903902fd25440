// Schema of the office's books and of work inside a unit (Decree 30/2020, Appendix IV). A number once written in a book is never given again:
// entries are struck out, not deleted. Their text goes with the metadata of their document, by triggers, in the transaction that erases
// it: a recalled document leaves its number and the reason, nothing else.

export const officeSchema = `
-- One book per unit, kind, year and code; '' is the book that everything goes into unless another is named.
CREATE TABLE books (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  unit TEXT NOT NULL REFERENCES units (unit),
  kind TEXT NOT NULL CHECK (kind IN ('in','out')), year INTEGER NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL,
  opened_ms INTEGER NOT NULL, opened_by TEXT NOT NULL, closed_ms INTEGER, closed_by TEXT,
  UNIQUE (unit, kind, year, code)
) STRICT;

-- One line of a book. Paper and electronic documents share the series.
CREATE TABLE entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  book INTEGER NOT NULL REFERENCES books (id),
  series TEXT NOT NULL,                      -- incoming: ''; outgoing: abbreviation of the kind, '' for công văn, since kinds count by themselves
  number INTEGER NOT NULL CHECK (number > 0), suffix TEXT NOT NULL,   -- 12a is 12 and a
  origin TEXT NOT NULL CHECK (origin IN ('electronic','paper')),
  sender TEXT, document_id BLOB,             -- of an electronic document: who sealed it, and its id
  day TEXT NOT NULL,                         -- incoming: ngày đến; outgoing: ngày chuyển
  author TEXT NOT NULL, notation TEXT NOT NULL, issue_day TEXT NOT NULL, type TEXT NOT NULL, subject TEXT NOT NULL,
  signer TEXT NOT NULL, places TEXT NOT NULL,   -- incoming: đơn vị, người nhận; outgoing: nơi nhận
  keeper TEXT NOT NULL,                      -- outgoing: đơn vị, người nhận bản lưu
  copies INTEGER NOT NULL, forwarded_day TEXT NOT NULL, receipt TEXT NOT NULL, note TEXT NOT NULL,
  made_ms INTEGER NOT NULL, made_by TEXT NOT NULL, changed_ms INTEGER, changed_by TEXT,
  struck TEXT,                               -- why it was struck out; NULL: it stands
  erased INTEGER NOT NULL DEFAULT 0,
  UNIQUE (book, series, number, suffix)
) STRICT;
CREATE UNIQUE INDEX entries_document ON entries (book, document_id, sender) WHERE document_id IS NOT NULL AND struck IS NULL;
CREATE INDEX entries_by_document ON entries (document_id) WHERE document_id IS NOT NULL;

-- Who is to do what with a document that came, until when. One row per person or desk.
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  unit TEXT NOT NULL, sender TEXT NOT NULL, document_id BLOB NOT NULL,
  person TEXT NOT NULL, desk TEXT NOT NULL,  -- one of the two: official e-mail, or a desk of the unit
  lead INTEGER NOT NULL,                     -- 1 chủ trì, 0 phối hợp
  instruction TEXT NOT NULL, due_ms INTEGER,
  state TEXT NOT NULL CHECK (state IN ('given','working','done','withdrawn')),
  progress TEXT NOT NULL, given_ms INTEGER NOT NULL, given_by TEXT NOT NULL, changed_ms INTEGER NOT NULL, changed_by TEXT NOT NULL
) STRICT;
CREATE INDEX tasks_document ON tasks (document_id, unit);
CREATE INDEX tasks_person ON tasks (unit, person, state);
CREATE UNIQUE INDEX tasks_open ON tasks (unit, sender, document_id, person, desk) WHERE state IN ('given','working');
CREATE INDEX tasks_due ON tasks (due_ms) WHERE state IN ('given','working');
-- What was said to it, oldest first; the last is in the row.
CREATE TABLE task_notes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, task INTEGER NOT NULL REFERENCES tasks (id), at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
  state TEXT NOT NULL, said TEXT NOT NULL
) STRICT;
CREATE INDEX task_notes_task ON task_notes (task);

CREATE TRIGGER office_erased AFTER UPDATE OF metadata ON inbox WHEN NEW.metadata IS NULL BEGIN
  UPDATE entries SET author = '', notation = '', issue_day = '', type = '', subject = '', signer = '', places = '', note = '', erased = 1
    WHERE document_id = NEW.document_id AND sender = NEW.sender;
  UPDATE task_notes SET said = '' WHERE task IN (SELECT id FROM tasks WHERE document_id = NEW.document_id AND sender = NEW.sender);
  UPDATE tasks SET instruction = '', progress = '', state = 'withdrawn' WHERE document_id = NEW.document_id AND sender = NEW.sender;
END;
CREATE TRIGGER office_sent_erased AFTER UPDATE OF metadata ON documents WHEN NEW.metadata IS NULL BEGIN
  UPDATE entries SET notation = '', issue_day = '', type = '', subject = '', signer = '', places = '', note = '', erased = 1
    WHERE document_id = NEW.document_id AND sender = NEW.unit;
END;
`;

/** What the list of deadlines looks for is a few rows of very many. */
export const dueIndexes = `
CREATE INDEX envelopes_unsent ON envelopes (document_seq) WHERE work <> 'done';
CREATE INDEX documents_answers ON documents (unit, seq) WHERE links LIKE '%"relation":5%';
CREATE INDEX documents_reply ON documents (unit, seq) WHERE reply_by_ms > 0;
CREATE INDEX received_unfinished ON received (unit, inbox_seq) WHERE code NOT IN ('02','06') AND recall = '';
`;

/** The term that a clerk gives a document at its acceptance, before anybody is charged with it. */
export const acceptedDue = `
ALTER TABLE received ADD COLUMN due_ms INTEGER;
CREATE INDEX received_due ON received (unit, due_ms) WHERE due_ms IS NOT NULL AND code NOT IN ('02','06');
`;
