// Tables of trust over time: when a certificate was revoked, and revocations of certificates that a restored store does not hold.
export const trustSchema = `
-- When the decision was made; revoked_from_ms is since when the key is not believed.
ALTER TABLE certificates ADD COLUMN revoked_ms INTEGER;

-- A restored hub learns from nodes what was revoked after its backup, also for certificates that were issued after it.
CREATE TABLE lost_revocations (
  serial TEXT PRIMARY KEY, revoked_from_ms INTEGER NOT NULL, reason TEXT NOT NULL, learnt_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;
