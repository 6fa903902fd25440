// What the hub found in documents that it took over, and what was decided. Deliveries of an envelope whose row here is pending, held, refused or
// rejected stay in `held`; only passing or two persons' word makes them ready.
export const safetySchema = `
CREATE TABLE checks (
  envelope_seq INTEGER PRIMARY KEY REFERENCES envelopes (seq),
  state TEXT NOT NULL CHECK (state IN ('pending','passed','held','refused','released','rejected')),
  findings TEXT NOT NULL, parts TEXT NOT NULL DEFAULT '[]', policy TEXT NOT NULL,
  secret INTEGER NOT NULL DEFAULT 0,         -- 1: nobody releases it
  since_ms INTEGER NOT NULL, decided_ms INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL, waiting TEXT,
  first_by TEXT, first_ms INTEGER, first_why TEXT, ended_by TEXT, ended_ms INTEGER, ended_why TEXT
) STRICT;
CREATE INDEX checks_due ON checks (next_ms) WHERE state = 'pending';
CREATE INDEX checks_held ON checks (envelope_seq) WHERE state IN ('pending','held');
CREATE INDEX checks_ending ON checks (envelope_seq) WHERE state IN ('refused','rejected');
`;
