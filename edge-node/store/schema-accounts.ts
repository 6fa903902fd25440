// Schema of the people of a unit: who they are, and what they are at which unit from when until when. Rows are ended, never deleted:
// the audit and the registers name people who left long ago. What proves who somebody is lies in schema-sign-in.ts.

export const accountsSchema = `
CREATE TABLE persons (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email TEXT NOT NULL UNIQUE,                -- the official address, lower case: the login name, and how other rooms name a person
  name TEXT NOT NULL, folded TEXT NOT NULL,  -- folded: without case and diacritics, for search
  -- invited: known and may be given work, has not signed in yet. disabled: left, or locked out by the unit.
  state TEXT NOT NULL CHECK (state IN ('invited','active','disabled')),
  emergency INTEGER NOT NULL DEFAULT 0,      -- signs in with a password here even where everybody else uses the province's sign-in
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL
) STRICT;

-- One row per stay of a person at a unit with the same position, desk and roles; a change ends one and begins the next.
CREATE TABLE memberships (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person INTEGER NOT NULL REFERENCES persons (id), unit TEXT NOT NULL REFERENCES units (unit),
  position TEXT NOT NULL, desk TEXT NOT NULL,
  roles TEXT NOT NULL,                       -- names of accounts/rights.ts, sorted, with a space between
  since_ms INTEGER NOT NULL, until_ms INTEGER,
  decision TEXT NOT NULL, decision_date TEXT NOT NULL,   -- number of the decision that ordered it, and its yyyy-MM-dd; empty for the first clerk
  actor TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX memberships_current ON memberships (person, unit) WHERE until_ms IS NULL;
CREATE INDEX memberships_unit ON memberships (unit, until_ms);
`;
