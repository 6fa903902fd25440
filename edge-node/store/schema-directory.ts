// Schema of the signed directory on the node: of each hub the newest part, as a head and its pages, or whole as older hubs send it
// (directory_parts). Verified again at each start.
export const directorySchema = `
CREATE TABLE directory_heads (
  hub TEXT PRIMARY KEY, version INTEGER NOT NULL, bytes BLOB NOT NULL,   -- encoded Signed directory/2, without its pages
  at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE directory_pages (hub TEXT NOT NULL, page INTEGER NOT NULL, digest BLOB NOT NULL, bytes BLOB NOT NULL, UNIQUE (hub, page)) STRICT;

-- Groups that a unit keeps for itself; those of the hub are in the directory. members: JSON list of addresses as written.
CREATE TABLE own_groups (
  unit TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, members TEXT NOT NULL, changed_ms INTEGER NOT NULL, actor TEXT NOT NULL,
  PRIMARY KEY (unit, code)
) STRICT, WITHOUT ROWID;
`;
