// Name constraints of every form (RFC 5280 §4.2.1.10): what a CA may certify below it. It must never let a form pass that it does not
// understand while a constraint on it is in force, nor be made to compare names without end.
import { childrenOf, type Der, expectTag, readDer, tags } from '../der.ts';
import { type GeneralName, type Name, readGeneralName, withinName } from './names.ts';
import { Refusal } from './refusal.ts';

export type NameConstraints = {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
};

/** Comparisons of one path; a certificate may bring a thousand names and its issuer a thousand limits. */
const CHECKS_MAX = 1 << 20;
/** RFC 9598 §5: limits on mail addresses hold for this form too, and it is not read here. */
const SMTP_UTF8_MAILBOX = 'otherName 1.3.6.1.5.5.7.8.9';

export function readNameConstraints(value: Uint8Array): NameConstraints {
  const parts = childrenOf(readDer(value, tags.sequence));
  const of = (tag: number) => parts.filter((part) => part.tag === tag);
  if (
    parts.length === 0 ||
    of(0xa0).length > 1 ||
    of(0xa1).length > 1 ||
    of(0xa0).length + of(0xa1).length !== parts.length
  )
    throw new Refusal('malformed', 'name constraints');
  const subtrees = (tag: number) => of(tag).flatMap((part) => childrenOf(part).map(readSubtree));
  return { permitted: subtrees(0xa0), excluded: subtrees(0xa1) };
}

function readSubtree(element: Der): GeneralName {
  const [base, ...limits] = childrenOf(expectTag(element, tags.sequence));
  // "minimum MUST be zero, and maximum MUST be absent": DER leaves both out.
  if (!base || limits.length > 0) throw new Refusal('malformed', 'name constraints with a distance');
  const name = readGeneralName(base);
  if (name.form === 'ip') assertRange(name.bytes);
  return name;
}

/** Address and mask of equal length, the mask's ones first (RFC 4632). */
function assertRange(bytes: Uint8Array): void {
  if (bytes.length !== 8 && bytes.length !== 32) throw new Refusal('malformed', 'an address range');
  const bits = [...bytes.subarray(bytes.length / 2)]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  if (!/^1*0*$/.test(bits)) throw new Refusal('malformed', 'an address mask with holes');
}

export type Named = {
  readonly subject: Name;
  /** Undefined when the extension is absent. */
  readonly altNames: readonly GeneralName[] | undefined;
};

export type ConstraintBudget = { checksLeft: number };
export const newBudget = (): ConstraintBudget => ({ checksLeft: CHECKS_MAX });

/**
 * Throws `name-not-permitted`, `name-form-unsupported`, `too-many-names`. The subject is a name of form directoryName unless it is empty;
 * its mail addresses count when there is no alternative name.
 */
export function assertNames(
  { subject, altNames }: Named,
  { permitted, excluded }: NameConstraints,
  budget: ConstraintBudget,
): void {
  const names: GeneralName[] = [...(altNames ?? [])];
  if (subject.rdns.length > 0) names.push({ form: 'directory', name: subject });
  if (altNames === undefined) for (const text of subject.emails) names.push({ form: 'email', text });
  for (const [group, some] of byGroup(names)) {
    const allowed = permitted.filter((base) => groupOf(base) === group);
    const refused = excluded.filter((base) => groupOf(base) === group);
    budget.checksLeft -= some.length * (allowed.length + refused.length);
    if (budget.checksLeft < 0)
      throw new Refusal('too-many-names', `more than ${CHECKS_MAX} comparisons`, subject.text);
    if (allowed.length + refused.length === 0) continue;
    for (const name of some) {
      if (refused.some((base) => within(name, base, true)))
        throw new Refusal('name-not-permitted', `${textOf(name)} is excluded`, subject.text);
      if (allowed.length > 0 && !allowed.some((base) => within(name, base, false)))
        throw new Refusal('name-not-permitted', `${textOf(name)} is outside what is permitted`, subject.text);
    }
  }
}

/** Constraints on mail reach the internationalised form as well. */
const groupOf = (name: GeneralName): string =>
  name.form === 'other' ? (name.kind === SMTP_UTF8_MAILBOX ? 'email' : name.kind) : name.form;

function byGroup(names: readonly GeneralName[]): Map<string, GeneralName[]> {
  const groups = new Map<string, GeneralName[]>();
  for (const name of names) {
    const group = groups.get(groupOf(name));
    if (group) group.push(name);
    else groups.set(groupOf(name), [name]);
  }
  return groups;
}

function textOf(name: GeneralName): string {
  if (name.form === 'directory') return name.name.text;
  if (name.form === 'ip') return `address ${[...name.bytes].join('.')}`;
  return name.form === 'other' ? name.kind : name.text;
}

/** `partly`: for exclusion, a wildcard that could become a name below the base is inside. */
function within(name: GeneralName, base: GeneralName, partly: boolean): boolean {
  if (name.form === 'other' || base.form === 'other')
    throw new Refusal('name-form-unsupported', name.form === 'other' ? name.kind : textOf(base));
  if (name.form === 'directory' && base.form === 'directory') return withinName(name.name, base.name);
  if (name.form === 'ip' && base.form === 'ip') return withinRange(name.bytes, base.bytes);
  if (name.form === 'dns' && base.form === 'dns') return withinHost(name.text, base.text, partly);
  if (name.form === 'email' && base.form === 'email') return withinMail(name.text, base.text);
  if (name.form === 'uri' && base.form === 'uri') return withinUri(name.text, base.text);
  return false;
}

function withinRange(bytes: Uint8Array, range: Uint8Array): boolean {
  if (range.length !== bytes.length * 2) return false;
  const mask = range.subarray(bytes.length);
  return bytes.every((byte, i) => (byte & mask[i]!) === (range[i]! & mask[i]!));
}

/** "Any DNS name that can be constructed by simply adding zero or more labels to the left-hand side of the name." */
function withinHost(host: string, given: string, partly: boolean): boolean {
  if (given === '') return true;
  // Not in the RFC, in wide use: a leading dot asks for at least one label more.
  const below = given.startsWith('.');
  const base = below ? given.slice(1) : given;
  const inside = (name: string) => (!below && name === base) || name.endsWith(`.${base}`);
  if (!host.startsWith('*.')) return inside(host);
  const parent = host.slice(2);
  // Every name that the wildcard stands for is inside when its parent is, or is the base of a leading dot.
  if (inside(parent) || (below && parent === base)) return true;
  return partly && (base === parent || base.endsWith(`.${parent}`));
}

function withinMail(mail: string, given: string): boolean {
  const at = mail.lastIndexOf('@');
  if (at < 1) throw new Refusal('name-form-unsupported', `not a mailbox: ${mail.slice(0, 64)}`);
  const host = mail.slice(at + 1).toLowerCase();
  if (given === '') return true;
  if (given.includes('@')) {
    const cut = given.lastIndexOf('@');
    return mail.slice(0, at) === given.slice(0, cut) && host === given.slice(cut + 1).toLowerCase();
  }
  const base = given.toLowerCase();
  return base.startsWith('.') ? host.endsWith(base) : host === base;
}

/** "The constraint applies to the host part of the name"; a URI without a host name MUST be refused when one is constrained. */
function withinUri(uri: string, given: string): boolean {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/i.exec(uri)?.[1] ?? '';
  const host = authority.toLowerCase();
  if (host === '' || host.startsWith('[') || /^[0-9.]+$/.test(host))
    throw new Refusal('name-not-permitted', `a URI without a host name: ${uri.slice(0, 100)}`);
  const base = given.toLowerCase();
  return base.startsWith('.') ? host.endsWith(base) : host === base;
}
