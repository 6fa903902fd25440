// The verbs about people of a unit: add, change, leave, codes, delegations, lists of changes. Thin over the store; who may call them is judged
// by the caller's roles in front (console) or by the control socket (the operator of the machine).
import { createHash } from 'node:crypto';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Store } from '../store/store.ts';
import { judgeChangeList } from './change-list.ts';
import { isRole, officialEmail, type Role } from './person.ts';
import { codeDigest, newCode } from './sign-in.ts';
import type { Code, People, PersonRequest } from './verbs.ts';

const dayMs = 86_400_000;
/** First sheet of paper, read on the day or the next working day after a weekend. */
export const codeValidMs = 3 * dayMs;
const delegationMsMax = 92 * dayMs;
const nameLengthMax = 100;

/** NFC, single spaces, no control or direction-changing characters. Throws `request-malformed`. */
export function personText(field: string, text: string, lengthMax: number): string {
  const clean = text.normalize('NFC').replace(/\s+/g, ' ').trim();
  if ([...clean].length > lengthMax || /[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/u.test(clean))
    throw new ExchangeError('request-malformed', `${field}: 0–${lengthMax} ký tự thường`);
  return clean;
}

export function rolesOf(names: readonly string[]): readonly Role[] {
  const odd = names.find((name) => !isRole(name));
  if (odd !== undefined || names.length === 0)
    throw new ExchangeError('request-malformed', `roles: ${odd?.slice(0, 40) ?? 'none'}`);
  return names as readonly Role[];
}

const dateForm = /^\d{4}-\d{2}-\d{2}$/;
function decisionOf({ decision = '', decisionDate = '' }: { decision?: string; decisionDate?: string }) {
  if (decisionDate !== '' && (!dateForm.test(decisionDate) || Number.isNaN(Date.parse(decisionDate))))
    throw new ExchangeError('request-malformed', 'decisionDate: yyyy-MM-dd');
  return { decision: personText('decision', decision, 60), decisionDate };
}

export function createPeople({ store, clock }: { readonly store: Store; readonly clock: Clock }): People {
  const placeOf = (p: PersonRequest) => ({
    unit: p.unit,
    email: officialEmail(p.email),
    position: personText('position', p.position ?? '', nameLengthMax),
    desk: personText('desk', p.desk ?? '', 60),
    roles: rolesOf(p.roles),
    ...decisionOf(p),
    actor: p.actor,
    nowMs: clock.nowMs(),
  });
  const nameOf = (name: string): string => {
    const clean = personText('name', name, nameLengthMax);
    if (clean === '') throw new ExchangeError('request-malformed', 'name: missing');
    return clean;
  };

  async function makeCode(unit: string, email: string, actor: string): Promise<Code> {
    const official = officialEmail(email);
    const person = store.personByEmail(official);
    if (!person || person.state === 'disabled' || !person.memberships.some((each) => each.unit === unit))
      throw new ExchangeError('person-unknown', official);
    const code = newCode();
    const nowMs = clock.nowMs();
    await store.write('codeMake', {
      digest: codeDigest(code, official),
      person: person.id,
      email: official,
      expiresMs: nowMs + codeValidMs,
      nowMs,
      actor,
    });
    return { email: official, code, expiresMs: nowMs + codeValidMs };
  }

  return {
    /** The person and the code for the first sign-in. Codes: `person-known`, `request-malformed`. */
    async add(p) {
      const place = placeOf(p);
      // The first person of a unit must be able to add the second.
      const roles = store.personsExist(p.unit)
        ? place.roles
        : ([...new Set([...place.roles, 'admin'])] as Role[]);
      await store.write('personAdd', {
        ...place,
        roles,
        name: nameOf(p.name),
        emergency: p.emergency === true,
      });
      return await makeCode(p.unit, place.email, p.actor);
    },
    async change(p) {
      await store.write('personChange', { ...placeOf(p), name: nameOf(p.name) });
    },
    async leave(p) {
      await store.write('personLeave', placeOf({ ...p, name: '', roles: ['clerk'] }));
    },
    async disable(p) {
      await store.write('personDisable', placeOf({ ...p, name: '', roles: ['clerk'] }));
    },
    async enable(p) {
      await store.write('personEnable', placeOf({ ...p, name: '', roles: ['clerk'] }));
    },
    /** For a first sign-in or a forgotten password: told once, kept as a digest. */
    code: makeCode,
    list: (unit: string) => {
      const seen = new Map(store.lastSeenOf(unit).map(({ email, seen_ms }) => [email, seen_ms]));
      return store.personsOfUnit(unit).map((person) => ({ ...person, lastSeenMs: seen.get(person.email) }));
    },
    /** What a list of changes would do, line by line; nothing is changed. */
    judge: (unit, bytes, name) =>
      judgeChangeList(bytes, name, { known: (email) => store.unitPerson(unit, email) }),
    /** All lines or none. Throws `request-malformed` when a line is bad, or no decision is named. */
    async apply(list) {
      const ordered = decisionOf(list);
      if (ordered.decision === '' || ordered.decisionDate === '')
        throw new ExchangeError('request-malformed', 'decision, decisionDate: missing');
      const { changes, faults } = await judgeChangeList(list.bytes, list.name, {
        known: (email) => store.unitPerson(list.unit, email),
      });
      if (faults.length > 0)
        throw new ExchangeError('request-malformed', `dòng ${faults[0]!.line}: ${faults[0]!.why}`);
      await store.write('changeListApply', {
        unit: list.unit,
        ...ordered,
        digest: createHash('sha256').update(list.bytes).digest(),
        lines: changes,
        actor: list.actor,
        nowMs: clock.nowMs(),
      });
      return { lines: changes.length };
    },
    /** Some of the giver's own roles, for at most a quarter. Codes: `person-unknown`, `right-missing`, `request-malformed`. */
    async delegate(d) {
      const here = (email: string) => {
        const person = store.personByEmail(officialEmail(email));
        const place = person?.memberships.find(({ unit }) => unit === d.unit);
        if (!person || !place || person.state === 'disabled')
          throw new ExchangeError('person-unknown', email);
        return { person, place };
      };
      const giver = here(d.giver);
      const taker = here(d.taker);
      const roles = rolesOf(d.roles);
      if (!roles.every((role) => giver.place.roles.includes(role)))
        throw new ExchangeError('right-missing', 'chỉ ủy quyền vai trò mình có');
      if (giver.person.id === taker.person.id) throw new ExchangeError('request-malformed', 'taker');
      if (!(d.untilMs > d.fromMs && d.untilMs > clock.nowMs() && d.untilMs - d.fromMs <= delegationMsMax))
        throw new ExchangeError('request-malformed', 'từ ngày đến ngày: nhiều nhất 92 ngày');
      await store.write('delegationGive', {
        unit: d.unit,
        giver: giver.person.id,
        taker: taker.person.id,
        roles,
        fromMs: d.fromMs,
        untilMs: d.untilMs,
        reason: personText('reason', d.reason, 300),
        actor: d.actor,
        about: `${giver.person.email} → ${taker.person.email}`,
        nowMs: clock.nowMs(),
      });
    },
    delegations: (unit: string) =>
      store.delegationsOf(unit, clock.nowMs() - 366 * dayMs).map((row) => ({
        id: row.id,
        giver: row.giver,
        taker: row.taker,
        roles: row.roles.split(' '),
        fromMs: row.from_ms,
        untilMs: row.until_ms,
        reason: row.reason,
        endedMs: row.ended_ms ?? undefined,
      })),
    async endDelegation(unit: string, id: number, actor: string): Promise<void> {
      await store.write('delegationEnd', { id, unit, actor, nowMs: clock.nowMs() });
    },
    history(email) {
      const person = store.personByEmail(officialEmail(email));
      if (!person) throw new ExchangeError('person-unknown', email);
      return store.membershipsOf(person.id);
    },
    checkIns: store.checkInsOf,
  };
}
