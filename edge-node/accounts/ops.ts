// Writes about people: come, move, change roles, leave; lists of changes as one whole. Run in the writer thread, each act with its row of the
// audit in the same commit. Must never delete a person, nor leave a unit that has an administrator without one.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { fold } from '../../protocol/text/fold.ts';
import { noteAudit } from '../store/fact-ops.ts';
import type { ChangeLine } from './change-line.ts';
import type { Role } from './person.ts';

export type Ordered = {
  readonly actor: string;
  readonly nowMs: number;
  /** Number and yyyy-MM-dd of the decision that orders it; empty where none is needed. */
  readonly decision: string;
  readonly decisionDate: string;
};
export type Place = {
  readonly unit: string;
  readonly position: string;
  readonly desk: string;
  readonly roles: readonly Role[];
};
export type NewPerson = Ordered &
  Place & { readonly email: string; readonly name: string; readonly emergency: boolean };
export type PersonAct = Ordered & { readonly unit: string; readonly email: string };

type Row = { readonly id: number; readonly state: string };

export function personOps(db: Database) {
  const byEmail = (email: string) => db.get<Row>('SELECT id, state FROM persons WHERE email = ?', email);
  const known = (email: string): Row => {
    const found = byEmail(email);
    if (!found) throw new ExchangeError('person-unknown', email);
    return found;
  };

  const said = (o: Ordered, more = '') =>
    [more, o.decision && `QĐ ${o.decision}`, o.decisionDate].filter(Boolean).join('; ');

  function endSessions(person: number, why: string, nowMs: number): number {
    return db.run(
      'UPDATE sessions SET ended_ms = ?, ended_why = ? WHERE person = ? AND ended_ms IS NULL',
      nowMs,
      why,
      person,
    ).changes;
  }

  function begin(person: number, o: Ordered & Place): void {
    db.run(
      `INSERT INTO memberships (person, unit, position, desk, roles, since_ms, decision, decision_date, actor)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      person,
      o.unit,
      o.position,
      o.desk,
      [...new Set(o.roles)].sort().join(' '),
      o.nowMs,
      o.decision,
      o.decisionDate,
      o.actor,
    );
  }

  const end = (person: number, unit: string, nowMs: number): boolean =>
    db.run(
      'UPDATE memberships SET until_ms = ? WHERE person = ? AND unit = ? AND until_ms IS NULL',
      nowMs,
      person,
      unit,
    ).changes === 1;

  /** A role goes at once from everything that was given on the strength of it. */
  function endDelegations(person: number, unit: string, nowMs: number): void {
    db.run(
      'UPDATE delegations SET ended_ms = ? WHERE (giver = ?2 OR taker = ?2) AND unit = ?3 AND ended_ms IS NULL',
      nowMs,
      person,
      unit,
    );
  }

  function assertAdminLeft(unit: string): void {
    const left = db.get(
      `SELECT 1 FROM memberships m JOIN persons p ON p.id = m.person
       WHERE m.unit = ? AND m.until_ms IS NULL AND p.state <> 'disabled' AND ' ' || m.roles || ' ' LIKE '% admin %' LIMIT 1`,
      unit,
    );
    if (!left) throw new ExchangeError('person-last-admin');
  }

  function add(p: NewPerson): { readonly id: number } {
    let row = byEmail(p.email);
    if (row) {
      const here = db.get(
        'SELECT 1 FROM memberships WHERE person = ? AND unit = ? AND until_ms IS NULL',
        row.id,
        p.unit,
      );
      if (here) throw new ExchangeError('person-known', p.email);
      // Somebody who left and returns proves anew who he is.
      if (row.state === 'disabled')
        db.run("UPDATE persons SET state = 'invited', changed_ms = ? WHERE id = ?", p.nowMs, row.id);
    } else {
      db.run(
        `INSERT INTO persons (email, name, folded, state, emergency, created_ms, changed_ms) VALUES (?, ?, ?, 'invited', ?, ?, ?)`,
        p.email,
        p.name,
        fold(p.name),
        p.emergency ? 1 : 0,
        p.nowMs,
        p.nowMs,
      );
      row = byEmail(p.email)!;
    }
    begin(row.id, p);
    noteAudit(db, {
      atMs: p.nowMs,
      actor: p.actor,
      act: 'person-add',
      about: p.email,
      said: said(p, [...p.roles].sort().join(' ')),
    });
    return { id: row.id };
  }

  function change(o: Ordered & Place & { readonly email: string; readonly name?: string | undefined }): void {
    const { id } = known(o.email);
    if (!end(id, o.unit, o.nowMs)) throw new ExchangeError('person-unknown', o.email);
    begin(id, o);
    endDelegations(id, o.unit, o.nowMs);
    if (o.name !== undefined)
      db.run(
        'UPDATE persons SET name = ?, folded = ?, changed_ms = ? WHERE id = ?',
        o.name,
        fold(o.name),
        o.nowMs,
        id,
      );
    assertAdminLeft(o.unit);
    noteAudit(db, {
      atMs: o.nowMs,
      actor: o.actor,
      act: 'person-change',
      about: o.email,
      said: said(o, [...o.roles].sort().join(' ')),
    });
  }

  /** Ends the stay; a person who is nowhere else is disabled. Sessions end in the same commit. */
  function leave(o: PersonAct): void {
    const { id } = known(o.email);
    if (!end(id, o.unit, o.nowMs)) throw new ExchangeError('person-unknown', o.email);
    endDelegations(id, o.unit, o.nowMs);
    const elsewhere = db.get('SELECT 1 FROM memberships WHERE person = ? AND until_ms IS NULL LIMIT 1', id);
    if (!elsewhere) db.run("UPDATE persons SET state = 'disabled', changed_ms = ? WHERE id = ?", o.nowMs, id);
    endSessions(id, 'left', o.nowMs);
    assertAdminLeft(o.unit);
    noteAudit(db, { atMs: o.nowMs, actor: o.actor, act: 'person-leave', about: o.email, said: said(o) });
  }

  return {
    personAdd: add,
    personChange: change,
    personLeave: leave,
    /** Keeps the place at the unit: for a suspected misuse, or a long leave. */
    personDisable(o: PersonAct): void {
      const { id } = known(o.email);
      db.run("UPDATE persons SET state = 'disabled', changed_ms = ? WHERE id = ?", o.nowMs, id);
      endSessions(id, 'disabled', o.nowMs);
      assertAdminLeft(o.unit);
      noteAudit(db, { atMs: o.nowMs, actor: o.actor, act: 'person-disable', about: o.email, said: said(o) });
    },
    /** Back to `active` where a password is kept, else to `invited`. */
    personEnable(o: PersonAct): void {
      const { id } = known(o.email);
      db.run(
        `UPDATE persons SET changed_ms = ?, state = CASE WHEN EXISTS (SELECT 1 FROM credentials WHERE person = ?2 AND password IS NOT NULL)
         THEN 'active' ELSE 'invited' END WHERE id = ?2 AND state = 'disabled'`,
        o.nowMs,
        id,
      );
      noteAudit(db, { atMs: o.nowMs, actor: o.actor, act: 'person-enable', about: o.email, said: said(o) });
    },
    /** All lines or none. */
    changeListApply(o: Ordered & { unit: string; digest: Uint8Array; lines: readonly ChangeLine[] }): void {
      for (const line of o.lines) {
        const ordered = { ...o, ...line };
        if (line.change === 'leave') leave(ordered);
        else if (line.change === 'move') change({ ...ordered, ...line });
        else add({ ...ordered, ...line, emergency: false });
      }
      db.run(
        'INSERT INTO change_lists (unit, at_ms, actor, decision, decision_date, digest, lines) VALUES (?, ?, ?, ?, ?, ?, ?)',
        o.unit,
        o.nowMs,
        o.actor,
        o.decision,
        o.decisionDate,
        o.digest,
        JSON.stringify(o.lines),
      );
      noteAudit(db, {
        atMs: o.nowMs,
        actor: o.actor,
        act: 'change-list',
        about: o.unit,
        said: said(o, `${o.lines.length} dòng`),
      });
    },
    delegationGive(d: {
      unit: string;
      giver: number;
      taker: number;
      roles: readonly Role[];
      fromMs: number;
      untilMs: number;
      reason: string;
      actor: string;
      about: string;
      nowMs: number;
    }): void {
      db.run(
        `INSERT INTO delegations (unit, giver, taker, roles, from_ms, until_ms, reason, given_ms, actor) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        d.unit,
        d.giver,
        d.taker,
        [...d.roles].sort().join(' '),
        d.fromMs,
        d.untilMs,
        d.reason,
        d.nowMs,
        d.actor,
      );
      noteAudit(db, {
        atMs: d.nowMs,
        actor: d.actor,
        act: 'delegation-give',
        about: d.about,
        said: `${[...d.roles].sort().join(' ')}; ${new Date(d.fromMs).toISOString()}/${new Date(d.untilMs).toISOString()}`,
      });
    },
    delegationEnd(d: { id: number; unit: string; actor: string; nowMs: number }): void {
      const { changes } = db.run(
        'UPDATE delegations SET ended_ms = ? WHERE id = ? AND unit = ? AND ended_ms IS NULL',
        d.nowMs,
        d.id,
        d.unit,
      );
      if (changes !== 1) throw new ExchangeError('not-found', `delegation ${d.id}`);
      noteAudit(db, { atMs: d.nowMs, actor: d.actor, act: 'delegation-end', about: String(d.id) });
    },
    /** The first act of a person in a window counts; later ones change nothing. */
    checkIn(c: { person: number; unit: string; day: string; slot: number; nowMs: number }): boolean {
      return (
        db.run(
          'INSERT INTO check_ins (person, unit, day, slot, at_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
          c.person,
          c.unit,
          c.day,
          c.slot,
          c.nowMs,
        ).changes === 1
      );
    },
  };
}
