// What a person is to the rest of the node: official e-mail, name, and at each unit position, desk and roles. Pure.
// Other rooms name people by the e-mail and by nothing else; a person who left keeps it, so that old entries stay readable.
import { ExchangeError } from '../../protocol/errors.ts';

/** Văn thư, lãnh đạo, chuyên viên, quản trị, giám sát. What each may do: rights.ts. */
export const roles = ['clerk', 'leader', 'officer', 'admin', 'overseer'] as const;
export type Role = (typeof roles)[number];
export const isRole = (text: string): text is Role => (roles as readonly string[]).includes(text);

export const roleWords: Readonly<Record<Role, string>> = {
  clerk: 'văn thư',
  leader: 'lãnh đạo',
  officer: 'chuyên viên',
  admin: 'quản trị',
  overseer: 'giám sát',
};

export type PersonState = 'invited' | 'active' | 'disabled';

export type Membership = {
  readonly unit: string;
  readonly position: string;
  /** Part of the unit, as in `desk@code`; empty: the unit itself. */
  readonly desk: string;
  readonly roles: readonly Role[];
  readonly sinceMs: number;
  /** undefined: still there. */
  readonly untilMs: number | undefined;
  readonly decision: string;
  readonly decisionDate: string;
};

export type Person = {
  readonly id: number;
  readonly email: string;
  readonly name: string;
  readonly state: PersonState;
  readonly emergency: boolean;
  /** Stays that have not ended. */
  readonly memberships: readonly Membership[];
};

/** A person as the people of one unit see them. */
export type UnitPerson = Omit<Person, 'memberships' | 'id'> & Membership;

// RFC 5321 dot-string and a domain of at least two labels; official addresses have no quotes, comments or literals.
const emailForm = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9-]+\.)+[a-z]{2,}$/;
const emailLengthMax = 254;

/** The one spelling under which a person is stored and compared. Throws `request-malformed`. */
export function officialEmail(text: string): string {
  const email = text.normalize('NFKC').trim().toLowerCase();
  if (email.length > emailLengthMax || !emailForm.test(email))
    throw new ExchangeError('request-malformed', 'an official e-mail address, such as vanthu@tayson.gov.vn');
  return email;
}
