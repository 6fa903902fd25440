// Schema of watched folders (edge-node/folder/): how far each has been served, what was taken from it and by which name its result lies there,
// and what was given into it. Paths of an office's own disk, never content.
export const folderSchema = `
CREATE TABLE folders (
  folder TEXT PRIMARY KEY,                   -- real path
  given_seq INTEGER NOT NULL,                -- every inbox row up to here is given, or is none of its unit's
  statements_seen INTEGER NOT NULL, statuses_seen INTEGER NOT NULL   -- results tell what these rows and those before them say
) STRICT;
CREATE TABLE folder_taken (
  document_id BLOB PRIMARY KEY, folder TEXT NOT NULL, name TEXT NOT NULL, at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX folder_taken_folder ON folder_taken (folder, at_ms);
-- 'ready': complete beside the folder of arrivals, about to be renamed into it; 'given'; 'gone': destroyed after a recall or a removal, or never given.
CREATE TABLE folder_given (
  folder TEXT NOT NULL, inbox_seq INTEGER NOT NULL REFERENCES inbox (seq), name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('ready','given','gone')), at_ms INTEGER NOT NULL,
  PRIMARY KEY (folder, inbox_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX folder_given_inbox ON folder_given (inbox_seq) WHERE state <> 'gone';
`;
