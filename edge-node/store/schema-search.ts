// Schema of the search over documents. Its words are no longer in the database: search-index.ts makes them in memory. What stays is `search_changes`, by
// which it learns of documents that were changed, erased or deleted, whoever did it.

/** Version 4 to 15: words on disk. */
export const searchSchema = `
-- id: time of arrival or submission in ms, times 1,000, and a running number: the newest have the highest, in both tables.
CREATE TABLE search_rows (
  id INTEGER PRIMARY KEY,
  direction TEXT NOT NULL CHECK (direction IN ('out','in')), seq INTEGER NOT NULL,   -- documents.seq or inbox.seq
  sort_key TEXT NOT NULL,                    -- protocol/text/fold.ts sortKey of the subject
  UNIQUE (direction, seq)
) STRICT;
CREATE INDEX search_rows_sort ON search_rows (sort_key, id);
-- Folded before they come here (protocol/text/fold.ts): the tokenizer only cuts at spaces.
CREATE VIRTUAL TABLE search_words USING fts5 (subject, notation, people, places, files, rest,
  tokenize = 'unicode61 remove_diacritics 0', prefix = '1 2 3');
INSERT INTO search_words (search_words, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER search_row_deleted AFTER DELETE ON search_rows BEGIN DELETE FROM search_words WHERE rowid = OLD.id; END;
CREATE TRIGGER search_document_erased AFTER UPDATE OF metadata ON documents WHEN NEW.metadata IS NULL
  BEGIN DELETE FROM search_rows WHERE direction = 'out' AND seq = NEW.seq; END;
CREATE TRIGGER search_document_deleted AFTER DELETE ON documents
  BEGIN DELETE FROM search_rows WHERE direction = 'out' AND seq = OLD.seq; END;
CREATE TRIGGER search_arrival_erased AFTER UPDATE OF metadata ON inbox WHEN NEW.metadata IS NULL
  BEGIN DELETE FROM search_rows WHERE direction = 'in' AND seq = NEW.seq; END;
CREATE TRIGGER search_arrival_deleted AFTER DELETE ON inbox
  BEGIN DELETE FROM search_rows WHERE direction = 'in' AND seq = OLD.seq; END;
`;

/** Takes the words off the disk, freed pages overwritten. Rows of `search_changes` are of one run of the node: cleared when it opens. */
export const searchInMemory = `
PRAGMA secure_delete = ON;
DROP TRIGGER search_document_erased;
DROP TRIGGER search_document_deleted;
DROP TRIGGER search_arrival_erased;
DROP TRIGGER search_arrival_deleted;
DROP TABLE search_rows;
DROP TABLE search_words;
DROP TRIGGER inbox_type_erased;
DROP INDEX inbox_type;
DROP INDEX inbox_untyped;
ALTER TABLE inbox DROP COLUMN type;
CREATE TABLE search_changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, direction TEXT NOT NULL CHECK (direction IN ('out','in')), seq INTEGER NOT NULL
) STRICT;
CREATE TRIGGER search_document_changed AFTER UPDATE OF metadata, subject ON documents
  WHEN NEW.metadata IS NOT OLD.metadata OR NEW.subject IS NOT OLD.subject
  BEGIN INSERT INTO search_changes (direction, seq) VALUES ('out', NEW.seq); END;
CREATE TRIGGER search_document_deleted AFTER DELETE ON documents
  BEGIN INSERT INTO search_changes (direction, seq) VALUES ('out', OLD.seq); END;
CREATE TRIGGER search_arrival_changed AFTER UPDATE OF metadata, subject, updated_by ON inbox
  WHEN NEW.metadata IS NOT OLD.metadata OR NEW.subject IS NOT OLD.subject OR NEW.updated_by IS NOT OLD.updated_by
  BEGIN INSERT INTO search_changes (direction, seq) VALUES ('in', NEW.seq); END;
CREATE TRIGGER search_arrival_deleted AFTER DELETE ON inbox
  BEGIN INSERT INTO search_changes (direction, seq) VALUES ('in', OLD.seq); END;
PRAGMA secure_delete = FAST;
`;
