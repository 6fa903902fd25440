// Reads about sessions, credentials and delegations. Secrets leave only to sign-in.ts, never to a view.
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Role } from './person.ts';

export type CredentialRow = {
  readonly password: string | null;
  readonly totp: string | null;
  readonly totp_next: string | null;
  readonly totp_step: number;
};
export type SessionRow = {
  readonly id: number;
  readonly digest: Uint8Array;
  readonly person: number;
  readonly unit: string;
  readonly method: 'password' | 'code' | 'outside';
  readonly address: string;
  readonly browser: string;
  readonly begun_ms: number;
  readonly seen_ms: number;
  readonly expires_ms: number;
  readonly ended_ms: number | null;
  readonly ended_why: string | null;
};
export type PasskeyRow = {
  readonly id: number;
  readonly credential: string;
  readonly name: string;
  readonly public_key: Uint8Array;
  readonly counter: number;
  readonly made_ms: number;
  readonly used_ms: number | null;
};
export type DelegationRow = {
  readonly id: number;
  readonly giver: string;
  readonly taker: string;
  readonly roles: string;
  readonly from_ms: number;
  readonly until_ms: number;
  readonly reason: string;
  readonly ended_ms: number | null;
};

export function signInReads(db: Database) {
  return {
    credential: (person: number): CredentialRow | undefined =>
      db.get<CredentialRow>(
        'SELECT password, totp, totp_next, totp_step FROM credentials WHERE person = ?',
        person,
      ),
    sessionByDigest: (digest: Uint8Array): SessionRow | undefined =>
      db.get<SessionRow>('SELECT * FROM sessions WHERE digest = ?', digest),
    /** Not ended, newest first. */
    sessionsOf: (person: number): readonly SessionRow[] =>
      db.all<SessionRow>(
        'SELECT * FROM sessions WHERE person = ? AND ended_ms IS NULL ORDER BY id DESC LIMIT 50',
        person,
      ),
    /** True when the person has signed in from a browser that calls itself so before. */
    browserKnown: (person: number, browser: string): boolean =>
      db.get('SELECT 1 FROM sessions WHERE person = ? AND browser = ? LIMIT 1', person, browser) !==
      undefined,
    /** Roles that others gave to the person, in force at this time: only what the giver has himself. */
    rolesGiven: (person: number, unit: string, atMs: number): readonly Role[] =>
      db
        .all<{ roles: string; own: string }>(
          `SELECT d.roles, m.roles AS own FROM delegations d
           JOIN memberships m ON m.person = d.giver AND m.unit = d.unit AND m.until_ms IS NULL
           JOIN persons g ON g.id = d.giver AND g.state <> 'disabled'
           WHERE d.taker = ?1 AND d.unit = ?2 AND d.ended_ms IS NULL AND d.from_ms <= ?3 AND d.until_ms > ?3`,
          person,
          unit,
          atMs,
        )
        .flatMap(({ roles, own }) => {
          const has = own.split(' ');
          return roles.split(' ').filter((role) => has.includes(role)) as Role[];
        }),
    /** In force, oldest first. */
    passkeysOf: (person: number): readonly PasskeyRow[] =>
      db.all<PasskeyRow>(
        `SELECT id, credential, name, public_key, counter, made_ms, used_ms FROM passkeys
         WHERE person = ? AND ended_ms IS NULL ORDER BY id`,
        person,
      ),
    /** Running and coming ones of the unit, and those that ended within the year. */
    delegationsOf: (unit: string, afterMs: number): readonly DelegationRow[] =>
      db.all<DelegationRow>(
        `SELECT d.id, g.email AS giver, t.email AS taker, d.roles, d.from_ms, d.until_ms, d.reason, d.ended_ms FROM delegations d
         JOIN persons g ON g.id = d.giver JOIN persons t ON t.id = d.taker
         WHERE d.unit = ? AND d.until_ms > ? ORDER BY d.id DESC LIMIT 500`,
        unit,
        afterMs,
      ),
    outsidePerson: (issuer: string, subject: string): number | undefined =>
      db.get<{ person: number }>(
        'SELECT person FROM outside_subjects WHERE issuer = ? AND subject = ?',
        issuer,
        subject,
      )?.person,
    /** Windows in which each person of the unit looked in, from one day to another (yyyy-MM-dd, both included). */
    checkInsOf: (unit: string, from: string, to: string) =>
      db.all<{ email: string; day: string; slot: number; at_ms: number }>(
        `SELECT p.email, c.day, c.slot, c.at_ms FROM check_ins c JOIN persons p ON p.id = c.person
         WHERE c.unit = ? AND c.day BETWEEN ? AND ? ORDER BY c.day, p.email, c.slot`,
        unit,
        from,
        to,
      ),
    lastSeenOf: (unit: string) =>
      db.all<{ email: string; seen_ms: number }>(
        `SELECT p.email, max(s.seen_ms) AS seen_ms FROM sessions s JOIN persons p ON p.id = s.person WHERE s.unit = ? GROUP BY p.id`,
        unit,
      ),
  };
}
