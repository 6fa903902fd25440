// Schema of what the console keeps about work beside the documents: reminders from one person to another, lists that a person saved, passkeys,
// and the indexes of the monthly figures. Nothing here holds text of a document.

export const figuresSchema = `
-- A head or clerk reminds a person of what is open: once an hour at most, seen when the person says so.
CREATE TABLE nudges (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  unit TEXT NOT NULL REFERENCES units (unit),
  giver INTEGER NOT NULL REFERENCES persons (id), taker INTEGER NOT NULL REFERENCES persons (id),
  said TEXT NOT NULL, at_ms INTEGER NOT NULL, seen_ms INTEGER
) STRICT;
CREATE INDEX nudges_open ON nudges (taker, unit) WHERE seen_ms IS NULL;

-- A list as its person wants to see it again: filters by name, as the address of the page has them.
CREATE TABLE saved_views (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  unit TEXT NOT NULL REFERENCES units (unit), person INTEGER NOT NULL REFERENCES persons (id),
  list TEXT NOT NULL CHECK (list IN ('in','out')), name TEXT NOT NULL, query TEXT NOT NULL, made_ms INTEGER NOT NULL,
  UNIQUE (unit, person, list, name)
) STRICT;

-- Public keys of authenticators (WebAuthn), a second factor beside the codes. Ended, never deleted.
CREATE TABLE passkeys (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  credential TEXT NOT NULL UNIQUE,           -- base64url, as the authenticator named it
  person INTEGER NOT NULL REFERENCES persons (id), name TEXT NOT NULL,
  public_key BLOB NOT NULL,                  -- COSE
  counter INTEGER NOT NULL,                  -- of the authenticator; one that goes back is a copy
  transports TEXT NOT NULL, made_ms INTEGER NOT NULL, used_ms INTEGER, ended_ms INTEGER
) STRICT;
CREATE INDEX passkeys_person ON passkeys (person) WHERE ended_ms IS NULL;

CREATE INDEX documents_time ON documents (unit, created_ms);
CREATE INDEX inbox_time ON inbox (received_ms);
CREATE INDEX entries_paper ON entries (book, day) WHERE origin = 'paper';
`;
