// Schema of the search over documents: the folded words of every document's metadata, in full-text order. It is written in the transaction of
// the document and erased in the transaction that erases its metadata or row, by triggers, whoever does it: a recalled or taken-down
// document leaves no words behind (FTS5 secure-delete takes them out of the index, not only out of the answers).

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
