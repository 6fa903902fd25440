// Schema of how people prove who they are: passwords, second factors, one-time codes, sessions, delegations, lists of changes, and the
// chain over the audit. A session, code or delegation is ended in its row, never deleted; the row says when and why.

export const signInSchema = `
CREATE TABLE credentials (
  person INTEGER PRIMARY KEY REFERENCES persons (id),
  password TEXT,                             -- argon2id, PHC form; NULL: signs in elsewhere, or not yet
  password_ms INTEGER,
  totp TEXT,                                 -- base32 secret in force
  totp_next TEXT,                            -- offered, not yet proven by a code
  totp_step INTEGER NOT NULL DEFAULT 0,      -- newest time step that was used: a code counts once
  failures INTEGER NOT NULL DEFAULT 0        -- since the last good sign-in; told to the person then
) STRICT;

CREATE TABLE one_time_codes (
  digest BLOB PRIMARY KEY,                   -- SHA-256; the code itself was shown once
  person INTEGER NOT NULL REFERENCES persons (id),
  made_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, used_ms INTEGER, actor TEXT NOT NULL
) STRICT;
CREATE INDEX one_time_codes_person ON one_time_codes (person);

-- Sign-in elsewhere: who a subject of an issuer is here. Bound at the first sign-in by the official e-mail, then by the subject alone.
CREATE TABLE outside_subjects (
  issuer TEXT NOT NULL, subject TEXT NOT NULL, person INTEGER NOT NULL REFERENCES persons (id), at_ms INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
) STRICT;

CREATE TABLE sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE,               -- SHA-256 of the cookie's value
  person INTEGER NOT NULL REFERENCES persons (id), unit TEXT NOT NULL REFERENCES units (unit),
  method TEXT NOT NULL CHECK (method IN ('password','code','outside')),
  address TEXT NOT NULL, browser TEXT NOT NULL,
  begun_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
  ended_ms INTEGER, ended_why TEXT
) STRICT;
CREATE INDEX sessions_person ON sessions (person, ended_ms);

-- Instead of lending a password: some roles of one person, for another, from when until when.
CREATE TABLE delegations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  unit TEXT NOT NULL REFERENCES units (unit),
  giver INTEGER NOT NULL REFERENCES persons (id), taker INTEGER NOT NULL REFERENCES persons (id),
  roles TEXT NOT NULL, from_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, reason TEXT NOT NULL,
  given_ms INTEGER NOT NULL, ended_ms INTEGER, actor TEXT NOT NULL
) STRICT;
CREATE INDEX delegations_taker ON delegations (taker, unit, until_ms);

-- Lists of people who came, moved or left, as the unit sent them, with what became of each line.
CREATE TABLE change_lists (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  unit TEXT NOT NULL REFERENCES units (unit), at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
  decision TEXT NOT NULL, decision_date TEXT NOT NULL, digest BLOB NOT NULL, lines TEXT NOT NULL
) STRICT;

-- Four windows a day (accounts/presence.ts): the first act of a person in a window.
CREATE TABLE check_ins (
  person INTEGER NOT NULL REFERENCES persons (id), unit TEXT NOT NULL, day TEXT NOT NULL, slot INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (unit, day, person, slot)
) STRICT, WITHOUT ROWID;

-- SHA-256 over the digest of the row before and this row; NULL in rows that are older than the chain.
ALTER TABLE audit ADD COLUMN digest BLOB;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
`;
