// Schema of the audit of administration, of operators, and of acts that wait for a second person. Listed in migrations.ts.
// The audit is append-only like the ledger: triggers forbid what audit.ts never does.

export const auditSchema = `
-- One row per act on units, certificates, directory. entry is the JSON text whose bytes are hashed; the columns beside it are read out of it,
-- so that no column can say something else. chain = SHA-256(previous chain || leaf); the same leaf is a ledger entry of kind 'admin'.
CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY, entry TEXT NOT NULL, chain BLOB NOT NULL, ledger_sequence INTEGER NOT NULL UNIQUE,
  at_ms INTEGER AS (json_extract(entry, '$.atMs')) VIRTUAL, who TEXT AS (json_extract(entry, '$.who')) VIRTUAL,
  act TEXT AS (json_extract(entry, '$.act')) VIRTUAL, about TEXT AS (json_extract(entry, '$.about')) VIRTUAL
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE INDEX ledger_admin ON ledger (sequence) WHERE kind = 'admin';
-- The newest head, signed with the directory key in the transaction of the act: encoded Signed.
CREATE TABLE audit_head (id INTEGER PRIMARY KEY CHECK (id = 1), signed BLOB NOT NULL) STRICT;

-- Persons who can prove to the hub that they are themselves. verifier: scrypt parameters, salt and hash; never a passphrase.
CREATE TABLE operators (name TEXT PRIMARY KEY, verifier TEXT NOT NULL, added_ms INTEGER NOT NULL, removed_ms INTEGER) STRICT;

-- Acts that wait for a second person. args: JSON, bytes as {"$base64": …}.
CREATE TABLE proposals (
  id INTEGER PRIMARY KEY AUTOINCREMENT, act TEXT NOT NULL, about TEXT NOT NULL, args TEXT NOT NULL,
  who TEXT NOT NULL, made_from TEXT NOT NULL, made_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open','done','refused','expired')), ended_ms INTEGER
) STRICT;
CREATE INDEX proposals_open ON proposals (expires_ms) WHERE state = 'open';
CREATE TABLE proposal_yes (
  proposal INTEGER NOT NULL REFERENCES proposals (id), operator TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (proposal, operator)
) STRICT, WITHOUT ROWID;
`;
