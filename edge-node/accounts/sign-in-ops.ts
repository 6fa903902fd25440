// Writes about proving who one is: codes used once, passwords set, second factors, sessions begun and ended. Run in the writer thread.
// A code, a time step and a session each change hands by one compare-and-swap, so that two requests at once cannot both win.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { noteAudit } from '../store/fact-ops.ts';

export type NewSession = {
  readonly digest: Uint8Array;
  readonly person: number;
  readonly unit: string;
  readonly method: 'password' | 'code' | 'outside';
  readonly address: string;
  readonly browser: string;
  readonly nowMs: number;
  readonly expiresMs: number;
  readonly email: string;
};

export function signInOps(db: Database) {
  const note = (nowMs: number, actor: string, act: string, about = '', said = '') =>
    noteAudit(db, { atMs: nowMs, actor, act, about, said });

  const endAll = (person: number, except: Uint8Array | null, why: string, nowMs: number): number =>
    db.run(
      'UPDATE sessions SET ended_ms = ?1, ended_why = ?2 WHERE person = ?3 AND ended_ms IS NULL AND (?4 IS NULL OR digest <> ?4)',
      nowMs,
      why,
      person,
      except,
    ).changes;

  function setPassword(person: number, password: string, nowMs: number): void {
    db.run(
      `INSERT INTO credentials (person, password, password_ms) VALUES (?, ?, ?)
       ON CONFLICT (person) DO UPDATE SET password = excluded.password, password_ms = excluded.password_ms, failures = 0`,
      person,
      password,
      nowMs,
    );
  }

  return {
    /** Older codes of the person end: only the newest sheet of paper counts. */
    codeMake(c: {
      digest: Uint8Array;
      person: number;
      email: string;
      expiresMs: number;
      nowMs: number;
      actor: string;
    }): void {
      db.run('UPDATE one_time_codes SET used_ms = ? WHERE person = ? AND used_ms IS NULL', c.nowMs, c.person);
      db.run(
        'INSERT INTO one_time_codes (digest, person, made_ms, expires_ms, actor) VALUES (?, ?, ?, ?, ?)',
        c.digest,
        c.person,
        c.nowMs,
        c.expiresMs,
        c.actor,
      );
      note(c.nowMs, c.actor, 'code-make', c.email);
    },
    /** Uses the code, sets the password, drops second factors (the phone may be what was lost), ends every session. */
    codeUse(c: { digest: Uint8Array; password: string; nowMs: number; from: string }): void {
      const row = db.get<{ person: number; email: string }>(
        `UPDATE one_time_codes SET used_ms = ?1 WHERE digest = ?2 AND used_ms IS NULL AND expires_ms > ?1
         AND EXISTS (SELECT 1 FROM persons p WHERE p.id = person AND p.state <> 'disabled')
         RETURNING person, (SELECT email FROM persons WHERE id = person) AS email`,
        c.nowMs,
        c.digest,
      );
      if (!row) throw new ExchangeError('code-refused');
      setPassword(row.person, c.password, c.nowMs);
      db.run('UPDATE credentials SET totp = NULL, totp_next = NULL WHERE person = ?', row.person);
      db.run('UPDATE passkeys SET ended_ms = ? WHERE person = ? AND ended_ms IS NULL', c.nowMs, row.person);
      db.run("UPDATE persons SET state = 'active', changed_ms = ? WHERE id = ?", c.nowMs, row.person);
      endAll(row.person, null, 'code-used', c.nowMs);
      note(c.nowMs, row.email, 'code-use', row.email, c.from);
    },
    passwordSet(c: {
      person: number;
      email: string;
      password: string;
      keep: Uint8Array;
      nowMs: number;
    }): void {
      setPassword(c.person, c.password, c.nowMs);
      endAll(c.person, c.keep, 'password-changed', c.nowMs);
      note(c.nowMs, c.email, 'password-change', c.email);
    },
    signInFailed(f: { person: number | null; email: string; from: string; nowMs: number }): void {
      if (f.person !== null)
        db.run('UPDATE credentials SET failures = failures + 1 WHERE person = ?', f.person);
      note(f.nowMs, f.email, 'sign-in-failed', f.email, f.from);
    },
    /** Returns how many sign-ins had failed since the last good one. */
    sessionBegin(s: NewSession): { readonly failures: number } {
      const failures =
        db.get<{ failures: number }>('SELECT failures FROM credentials WHERE person = ?', s.person)
          ?.failures ?? 0;
      db.run('UPDATE credentials SET failures = 0 WHERE person = ?', s.person);
      db.run(
        "UPDATE persons SET state = 'active', changed_ms = ? WHERE id = ? AND state = 'invited'",
        s.nowMs,
        s.person,
      );
      db.run(
        `INSERT INTO sessions (digest, person, unit, method, address, browser, begun_ms, seen_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        s.digest,
        s.person,
        s.unit,
        s.method,
        s.address,
        s.browser,
        s.nowMs,
        s.nowMs,
        s.expiresMs,
      );
      note(s.nowMs, s.email, 'sign-in', s.email, `${s.method}; ${s.address}`);
      return { failures };
    },
    sessionSeen(s: { digest: Uint8Array; nowMs: number }): void {
      db.run('UPDATE sessions SET seen_ms = ? WHERE digest = ? AND ended_ms IS NULL', s.nowMs, s.digest);
    },
    sessionUnit(s: { digest: Uint8Array; unit: string }): void {
      db.run('UPDATE sessions SET unit = ? WHERE digest = ? AND ended_ms IS NULL', s.unit, s.digest);
    },
    /** By id; `person` null: whoever's it is (an administrator). False when it had ended. */
    sessionEnd(s: { id: number; person: number | null; why: string; actor: string; nowMs: number }): boolean {
      const { changes } = db.run(
        'UPDATE sessions SET ended_ms = ?1, ended_why = ?2 WHERE id = ?3 AND (?4 IS NULL OR person = ?4) AND ended_ms IS NULL',
        s.nowMs,
        s.why,
        s.id,
        s.person,
      );
      if (changes === 1) note(s.nowMs, s.actor, 'session-end', String(s.id), s.why);
      return changes === 1;
    },
    totpOffer(c: { person: number; secret: string }): void {
      db.run('UPDATE credentials SET totp_next = ? WHERE person = ?', c.secret, c.person);
    },
    /** The offered secret comes into force with the step that proved it. */
    totpConfirm(c: { person: number; email: string; secret: string; step: number; nowMs: number }): void {
      const { changes } = db.run(
        'UPDATE credentials SET totp = totp_next, totp_next = NULL, totp_step = ? WHERE person = ? AND totp_next = ?',
        c.step,
        c.person,
        c.secret,
      );
      if (changes !== 1) throw new ExchangeError('second-factor-needed');
      note(c.nowMs, c.email, 'second-factor-on', c.email);
    },
    /** Throws `second-factor-needed` when the step, or a later one, was used. */
    totpUse(c: { person: number; step: number }): void {
      const { changes } = db.run(
        'UPDATE credentials SET totp_step = ?1 WHERE person = ?2 AND totp_step < ?1',
        c.step,
        c.person,
      );
      if (changes !== 1) throw new ExchangeError('second-factor-needed');
    },
    totpOff(c: { person: number; email: string; actor: string; nowMs: number }): void {
      db.run('UPDATE credentials SET totp = NULL, totp_next = NULL WHERE person = ?', c.person);
      note(c.nowMs, c.actor, 'second-factor-off', c.email);
    },
    /** The same authenticator belongs to one person. */
    passkeyAdd(c: {
      person: number;
      email: string;
      credential: string;
      publicKey: Uint8Array;
      counter: number;
      transports: string;
      name: string;
      nowMs: number;
    }): void {
      const { changes } = db.run(
        `INSERT INTO passkeys (credential, person, name, public_key, counter, transports, made_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (credential) DO NOTHING`,
        c.credential,
        c.person,
        c.name,
        c.publicKey,
        c.counter,
        c.transports,
        c.nowMs,
      );
      if (changes !== 1) throw new ExchangeError('passkey-refused', 'khóa này đã có');
      note(c.nowMs, c.email, 'passkey-add', c.email, c.name);
    },
    /** A counter that does not go up is a copy; many authenticators keep none and always say 0. */
    passkeyUse(c: { id: number; counter: number; nowMs: number }): void {
      const { changes } = db.run(
        `UPDATE passkeys SET counter = ?1, used_ms = ?2 WHERE id = ?3 AND ended_ms IS NULL AND (counter < ?1 OR (counter = 0 AND ?1 = 0))`,
        c.counter,
        c.nowMs,
        c.id,
      );
      if (changes !== 1) throw new ExchangeError('passkey-refused');
    },
    passkeyEnd(c: { id: number; person: number; email: string; nowMs: number }): void {
      const { changes } = db.run(
        'UPDATE passkeys SET ended_ms = ? WHERE id = ? AND person = ? AND ended_ms IS NULL',
        c.nowMs,
        c.id,
        c.person,
      );
      if (changes !== 1) throw new ExchangeError('not-found', `passkey ${c.id}`);
      note(c.nowMs, c.email, 'passkey-end', c.email);
    },
    outsideBind(o: { issuer: string; subject: string; person: number; email: string; nowMs: number }): void {
      db.run(
        'INSERT INTO outside_subjects (issuer, subject, person, at_ms) VALUES (?, ?, ?, ?)',
        o.issuer,
        o.subject,
        o.person,
        o.nowMs,
      );
      note(o.nowMs, o.email, 'outside-bind', o.email, o.issuer);
    },
  };
}
