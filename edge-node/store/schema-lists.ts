// Indexes of the two lists of the console, so that a filter walks what it asks for and not two years of documents. The column for the kind of a
// document is gone again since version 17: like every word of the metadata it is looked up in memory (search-index.ts).
export const listsSchema = `
ALTER TABLE inbox ADD COLUMN type TEXT;      -- '': none; NULL: from before this column (find.ts fills it), or erased
CREATE INDEX inbox_type ON inbox (type);
CREATE INDEX inbox_untyped ON inbox (seq) WHERE type IS NULL AND metadata IS NOT NULL;
CREATE TRIGGER inbox_type_erased AFTER UPDATE OF metadata ON inbox WHEN NEW.metadata IS NULL
  BEGIN UPDATE inbox SET type = NULL WHERE seq = NEW.seq; END;
CREATE INDEX inbox_sender ON inbox (sender);
CREATE INDEX outbox_undelivered ON outbox_recipients (state, envelope_seq) WHERE state <> 'delivered';
`;

export const rareIndexes = `
CREATE INDEX inbox_reply ON inbox (reply_by_ms) WHERE reply_by_ms > 0;
CREATE INDEX received_recalled ON received (unit, inbox_seq) WHERE recall <> '';
`;

/** A failure that a person took care of in another way, on paper or by telephone: it stays as it was, and waits for nobody any more. */
export const settledFailures = 'ALTER TABLE outbox_recipients ADD COLUMN settled_ms INTEGER;';
