// Schema of the directory in pages: what was signed last for each hub, and its pages. Of our own part, rows that changed mark the units whose
// page must be made anew, by triggers, so that no act can forget it. Acts of reform that take force later wait in `reforms`.
export const directory = `
CREATE TABLE directory_heads (
  hub TEXT PRIMARY KEY, version INTEGER NOT NULL, pages INTEGER NOT NULL,
  bytes BLOB NOT NULL,                       -- encoded Signed directory/2, without its pages
  at_ms INTEGER NOT NULL
) STRICT;
-- version: of the part in which this content came first to us; a difference is the pages above a version.
CREATE TABLE directory_pages (
  hub TEXT NOT NULL, page INTEGER NOT NULL, version INTEGER NOT NULL, digest BLOB NOT NULL, bytes BLOB NOT NULL, UNIQUE (hub, page)
) STRICT;
CREATE INDEX directory_pages_version ON directory_pages (hub, version);

CREATE TABLE directory_dirty (unit TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
INSERT INTO directory_dirty SELECT unit FROM units;

ALTER TABLE units ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE units ADD COLUMN accepted_kinds TEXT NOT NULL DEFAULT '';   -- numbers with blanks between; '' is all
ALTER TABLE units ADD COLUMN ended_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE units ADD COLUMN ended_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE units ADD COLUMN moved_to TEXT NOT NULL DEFAULT '';
CREATE INDEX units_node ON units (node) WHERE node IS NOT NULL;
CREATE INDEX unit_aliases_unit ON unit_aliases (unit);
CREATE INDEX invitations_unit ON invitations (unit);
CREATE INDEX unit_successors_successor ON unit_successors (successor);
CREATE INDEX unit_successors_until ON unit_successors (until_ms) WHERE until_ms <> 0;

CREATE TABLE unit_desks (
  unit TEXT NOT NULL REFERENCES units (unit), desk TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (unit, desk)
) STRICT, WITHOUT ROWID;
CREATE TABLE unit_names (
  unit TEXT NOT NULL REFERENCES units (unit), until_ms INTEGER NOT NULL, from_ms INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (unit, until_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE unit_groups (
  unit TEXT NOT NULL REFERENCES units (unit), grp TEXT NOT NULL, PRIMARY KEY (unit, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE directory_groups (
  code TEXT PRIMARY KEY, name TEXT NOT NULL, kinds TEXT NOT NULL, includes TEXT NOT NULL   -- JSON lists
) STRICT;

CREATE TABLE reforms (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL CHECK (kind IN ('rename','merge','split','close','move','handover')),
  state TEXT NOT NULL CHECK (state IN ('planned','done','cancelled','refused')),
  act TEXT NOT NULL,                         -- JSON: what the operation gets
  effective_ms INTEGER NOT NULL, made_ms INTEGER NOT NULL, done_ms INTEGER, said TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX reforms_due ON reforms (effective_ms) WHERE state = 'planned';

CREATE TRIGGER units_added AFTER INSERT ON units BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.unit); END;
CREATE TRIGGER units_changed AFTER UPDATE ON units BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.unit); END;
CREATE TRIGGER aliases_added AFTER INSERT ON unit_aliases BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.unit); END;
CREATE TRIGGER aliases_changed AFTER UPDATE ON unit_aliases BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.unit); END;
CREATE TRIGGER aliases_gone AFTER DELETE ON unit_aliases BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (old.unit); END;
CREATE TRIGGER successors_added AFTER INSERT ON unit_successors BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.unit); END;
CREATE TRIGGER successors_changed AFTER UPDATE ON unit_successors BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.unit); END;
CREATE TRIGGER successors_gone AFTER DELETE ON unit_successors BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (old.unit); END;
CREATE TRIGGER desks_added AFTER INSERT ON unit_desks BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.unit); END;
CREATE TRIGGER desks_changed AFTER UPDATE ON unit_desks BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.unit); END;
CREATE TRIGGER desks_gone AFTER DELETE ON unit_desks BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (old.unit); END;
CREATE TRIGGER names_added AFTER INSERT ON unit_names BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.unit); END;
CREATE TRIGGER groups_added AFTER INSERT ON unit_groups BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.unit); END;
CREATE TRIGGER groups_gone AFTER DELETE ON unit_groups BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (old.unit); END;
CREATE TRIGGER seals_added AFTER INSERT ON certificates WHEN new.role = 'unit-seal' BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.subject); END;
CREATE TRIGGER seals_changed AFTER UPDATE ON certificates WHEN new.role = 'unit-seal' BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.subject); END;
CREATE TRIGGER invitations_changed AFTER UPDATE ON invitations BEGIN INSERT OR IGNORE INTO directory_dirty VALUES (new.unit); END;
`;
