// Look-ups of people for every room of the node: by e-mail, by unit. Short, indexed reads; nothing here changes anything.
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Membership, Person, PersonState, Role, UnitPerson } from './person.ts';

type PersonRow = {
  readonly id: number;
  readonly email: string;
  readonly name: string;
  readonly state: PersonState;
  readonly emergency: number;
};
type MembershipRow = {
  readonly person: number;
  readonly unit: string;
  readonly position: string;
  readonly desk: string;
  readonly roles: string;
  readonly since_ms: number;
  readonly until_ms: number | null;
  readonly decision: string;
  readonly decision_date: string;
};

const membershipOf = (row: MembershipRow): Membership => ({
  unit: row.unit,
  position: row.position,
  desk: row.desk,
  roles: row.roles.split(' ').filter(Boolean) as Role[],
  sinceMs: row.since_ms,
  untilMs: row.until_ms ?? undefined,
  decision: row.decision,
  decisionDate: row.decision_date,
});

export function accountReads(db: Database) {
  const personOf = (row: PersonRow | undefined): Person | undefined =>
    row && {
      id: row.id,
      email: row.email,
      name: row.name,
      state: row.state,
      emergency: row.emergency === 1,
      memberships: db
        .all<MembershipRow>(
          'SELECT * FROM memberships WHERE person = ? AND until_ms IS NULL ORDER BY id',
          row.id,
        )
        .map(membershipOf),
    };
  return {
    /** By official e-mail in its stored spelling (person.ts `officialEmail`); people who left are found too. */
    personByEmail: (email: string): Person | undefined =>
      personOf(db.get<PersonRow>('SELECT * FROM persons WHERE email = ?', email)),
    personById: (id: number): Person | undefined =>
      personOf(db.get<PersonRow>('SELECT * FROM persons WHERE id = ?', id)),
    /** The person at this unit now, and not disabled: may be given work there. */
    unitPerson: (unit: string, email: string): UnitPerson | undefined =>
      db
        .all<PersonRow & MembershipRow>(
          `SELECT p.*, m.* FROM memberships m JOIN persons p ON p.id = m.person
           WHERE m.unit = ? AND p.email = ? AND m.until_ms IS NULL AND p.state <> 'disabled'`,
          unit,
          email,
        )
        .map(unitPersonOf)[0],
    /** Everybody at the unit now, disabled ones last, by name in order of the folded spelling. At most 2,000. */
    personsOfUnit: (unit: string): readonly UnitPerson[] =>
      db
        .all<PersonRow & MembershipRow>(
          `SELECT p.*, m.* FROM memberships m JOIN persons p ON p.id = m.person
           WHERE m.unit = ? AND m.until_ms IS NULL ORDER BY p.state = 'disabled', p.folded, p.id LIMIT 2000`,
          unit,
        )
        .map(unitPersonOf),
    /** All stays of a person, newest first. */
    membershipsOf: (id: number): readonly Membership[] =>
      db
        .all<MembershipRow>('SELECT * FROM memberships WHERE person = ? ORDER BY id DESC', id)
        .map(membershipOf),
    personsExist: (unit: string): boolean =>
      db.get('SELECT 1 FROM memberships WHERE unit = ? LIMIT 1', unit) !== undefined,
  };
}

const unitPersonOf = (row: PersonRow & MembershipRow): UnitPerson => ({
  email: row.email,
  name: row.name,
  state: row.state,
  emergency: row.emergency === 1,
  ...membershipOf(row),
});
