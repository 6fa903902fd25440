// The one table of certificate profiles: what each may do, how it is named, how long it lives and why.
// It must never let one certificate do the work of another: a role is (usage OID AND form of name), both exact.
// Read by ca.ts when it issues and by trust.ts when it judges. Pure.

import { isExchangeError } from '../protocol/errors.ts';
import { parseHubId, parseNodeId, parseUnitId } from '../protocol/ids.ts';
import type { KeyUsage } from './certificate.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

/** ITU-T X.667: below 2.25 anybody may use a random UUID as an arc, without a registrar. This one is ours. */
const arc = '2.25.173102312551249597175952950707201876170';

/** The internal name space. `.internal` is reserved by ICANN for private use: no such name resolves outside. */
export const INTERNAL_DOMAIN = 'lienthong.internal';

export type CaRole = 'root' | 'issuing';
export type LeafRole = keyof typeof leafProfiles;
export type Role = LeafRole | 'issuing';

type CaProfile = { pathLength: number; keyUsage: readonly KeyUsage[]; lifetimeMs: number; why: string };
type LeafProfile = {
  readonly usageOid: string;
  /** What stands between subject id and hub id in the name, or the fixed first label of a hub's own certificate. */
  readonly label: string;
  readonly subject: 'hub' | 'node' | 'unit';
  /** How many host names and addresses of the outer world it may have beside its own name: only servers have any. */
  readonly hostsMax: number;
  readonly lifetimeMs: number;
  readonly why: string;
};

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

export const caProfiles = {
  root: {
    pathLength: 1,
    keyUsage: ['keyCertSign', 'cRLSign'],
    lifetimeMs: 20 * YEAR_MS,
    why: 'Kept offline and used a few times. Evidence of documents kept for 20 years must end in a root that is still named.',
  },
  issuing: {
    pathLength: 0,
    keyUsage: ['keyCertSign', 'cRLSign'],
    lifetimeMs: 5 * YEAR_MS,
    why: 'On a machine that is on the net, so shorter than the root; every renewal takes the root out of its safe.',
  },
} as const satisfies Record<CaRole, CaProfile>;

/** Every leaf: not a CA, key usage exactly this. */
export const leafKeyUsage: readonly KeyUsage[] = ['digitalSignature'];

export const leafProfiles = {
  'hub-tls': {
    usageOid: SERVER_AUTH,
    label: 'hub',
    subject: 'hub',
    hostsMax: Number.POSITIVE_INFINITY,
    lifetimeMs: 90 * DAY_MS,
    why: 'A node cannot look up its revocation before it has connected, so it is short; the hub renews it alone.',
  },
  'hub-link': {
    usageOid: CLIENT_AUTH,
    label: 'link',
    subject: 'hub',
    hostsMax: 0,
    lifetimeMs: 90 * DAY_MS,
    why: 'The hub renews it alone; the next hub sees revocations of a lower hub only after an exchange with it.',
  },
  'hub-receipts': {
    usageOid: `${arc}.1`,
    label: 'receipts',
    subject: 'hub',
    hostsMax: 0,
    lifetimeMs: 2 * YEAR_MS,
    why: 'Receipts are proof for years, but judged at their own time; two years bound what a stolen key is worth.',
  },
  'hub-directory': {
    usageOid: `${arc}.2`,
    label: 'directory',
    subject: 'hub',
    hostsMax: 0,
    lifetimeMs: 2 * YEAR_MS,
    why: 'The key may be kept offline: renewing is a ceremony with people.',
  },
  'hub-checkpoints': {
    usageOid: `${arc}.3`,
    label: 'checkpoints',
    subject: 'hub',
    hostsMax: 0,
    lifetimeMs: 2 * YEAR_MS,
    why: 'Witnesses must learn a new key; rare changes make an unexpected one visible.',
  },
  'node-tls': {
    usageOid: CLIENT_AUTH,
    label: 'node',
    subject: 'node',
    hostsMax: 0,
    lifetimeMs: YEAR_MS,
    why: 'Revocation is looked up on each request, so length costs nothing; a box that was off for months must still come back.',
  },
  'node-console': {
    usageOid: SERVER_AUTH,
    label: 'console',
    subject: 'node',
    hostsMax: 1,
    lifetimeMs: YEAR_MS,
    why: 'Browsers ask nobody about revocation, so no longer than a year; people carry request and answer, so no shorter.',
  },
  'unit-seal': {
    usageOid: `${arc}.4`,
    label: 'unit',
    subject: 'unit',
    hostsMax: 0,
    lifetimeMs: 2 * YEAR_MS,
    why: 'A new seal is an act of the office and its hub; validity is judged at acceptance, so old seals stay good.',
  },
} as const satisfies Record<string, LeafProfile>;

export const leafRoles = Object.keys(leafProfiles) as readonly LeafRole[];

/** notBefore lies this far back, for receivers whose clock is behind (DESIGN §5 Clock: 5 minutes). */
export const BACKDATE_MS = 5 * 60_000;

/** The host-name subtree that belongs to one hub. */
export const hubDomain = (hubId: string): string => `${hubId}.${INTERNAL_DOMAIN}`;

/** The one internal name of a certificate. For roles of a hub `subjectId` is the hub id itself. */
export function internalName(role: LeafRole, hubId: string, subjectId: string): string {
  const { label, subject } = leafProfiles[role];
  return subject === 'hub' ? `${label}.${hubDomain(hubId)}` : `${subjectId}.${label}.${hubDomain(hubId)}`;
}

export type NamedSubject = { readonly role: LeafRole; readonly hubId: string; readonly subjectId: string };

/** True for names inside `lienthong.internal`, and for that name and the names above it (which would contain it). */
export function touchesInternal(text: string): boolean {
  // Host names ignore case, and OpenSSL takes a constraint with a leading dot too.
  const name = text.toLowerCase().replace(/^\./, '');
  return (
    name === INTERNAL_DOMAIN || name.endsWith(`.${INTERNAL_DOMAIN}`) || INTERNAL_DOMAIN.endsWith(`.${name}`)
  );
}

/** The hub whose subtree `name` exactly is, else undefined. */
export function hubOfDomain(name: string): string | undefined {
  if (!name.endsWith(`.${INTERNAL_DOMAIN}`)) return undefined;
  return valid(parseHubId, name.slice(0, -INTERNAL_DOMAIN.length - 1));
}

/** Reads an internal name back: undefined unless it is exactly what `internalName` would write for some role. */
export function subjectOfName(name: string): NamedSubject | undefined {
  const labels = name.split('.');
  if (labels.length < 4 || labels.length > 5) return undefined;
  const hubId = hubOfDomain(labels.slice(-3).join('.'));
  const label = labels.at(-4);
  const role = leafRoles.find((candidate) => leafProfiles[candidate].label === label);
  if (!hubId || !role) return undefined;
  const { subject } = leafProfiles[role];
  if (labels.length === 4) return subject === 'hub' ? { role, hubId, subjectId: hubId } : undefined;
  if (subject === 'hub') return undefined;
  const subjectId = valid(subject === 'node' ? parseNodeId : parseUnitId, labels[0]!);
  return subjectId === undefined ? undefined : { role, hubId, subjectId };
}

function valid(parse: (text: unknown) => string, text: string): string | undefined {
  try {
    return parse(text);
  } catch (error) {
    if (isExchangeError(error, 'id-malformed')) return undefined;
    throw error;
  }
}

/** When the holder should ask for the next certificate: after two thirds of its life, so that a third is left for trouble. */
export function renewalDueMs(validity: { notBeforeMs: number; notAfterMs: number }): number {
  return validity.notBeforeMs + Math.floor(((validity.notAfterMs - validity.notBeforeMs) * 2) / 3);
}
