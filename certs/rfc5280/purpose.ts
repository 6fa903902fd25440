// What a validated chain may be used for: usages (RFC 5280 §4.2.1.3, §4.2.1.12) of any authority, or, under a root of this system, exactly our
// own profiles through trust.ts. It must never make a certificate of another authority a peer: only trust.ts says who is who.
import { isExchangeError } from '../../protocol/errors.ts';
import { parseCertificate } from '../certificate.ts';
import { caProfiles, type Role } from '../profile.ts';
import { verifyCertificate } from '../trust.ts';
import { isP256 } from '../x509.ts';
import type { KeyUsageBit, Parsed } from './parse.ts';
import { Refusal } from './refusal.ts';

export const purposes = ['tls-client', 'tls-server', 'seal', 'any'] as const;
export type Purpose = (typeof purposes)[number];

const ANY_USAGE = '2.5.29.37.0';
const usages: Readonly<Record<Exclude<Purpose, 'any'>, readonly string[]>> = {
  'tls-client': ['1.3.6.1.5.5.7.3.2'],
  'tls-server': ['1.3.6.1.5.5.7.3.1'],
  // Document signing (RFC 9336), mail protection, and what Microsoft and Adobe wrote before that RFC.
  seal: ['1.3.6.1.5.5.7.3.36', '1.3.6.1.5.5.7.3.4', '1.3.6.1.4.1.311.10.3.12', '1.2.840.113583.1.1.5'],
};
/** RFC 5280 §4.2.1.12: bits that are consistent with the purpose. */
const bits: Readonly<Record<Exclude<Purpose, 'any'>, readonly KeyUsageBit[]>> = {
  'tls-client': ['digitalSignature', 'keyAgreement'],
  'tls-server': ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
  seal: ['digitalSignature', 'nonRepudiation'],
};
const roles: Readonly<Record<Exclude<Purpose, 'any'>, readonly Role[]>> = {
  'tls-client': ['node-tls', 'hub-link'],
  'tls-server': ['hub-tls', 'node-console'],
  seal: ['unit-seal'],
};

/** True for a root of this system, by the name and the profile that ca.ts gives it. Another authority's root may look so: then our rules refuse. */
function isOwnRoot({ subject, basicConstraints, der }: Parsed): boolean {
  const own = subject.text.startsWith('O=lien thong, OU=root, ');
  return own && basicConstraints?.pathLength === caProfiles.root.pathLength && readsAsOurs(der);
}

function readsAsOurs(der: Uint8Array): boolean {
  try {
    return isP256(parseCertificate(der).publicKeyDer);
  } catch (error) {
    if (isExchangeError(error, 'certificate-malformed')) return false;
    throw error;
  }
}

export type PurposeVerdict = { readonly profile: 'house' | 'rfc5280'; readonly warnings: readonly string[] };

/** Throws `purpose`, `key-usage`, `profile`. The path is valid already. */
export function assertPurpose(
  path: readonly Parsed[],
  anchor: Parsed,
  {
    purpose,
    atMs,
    anchorLimits,
  }: {
    readonly purpose: Purpose;
    readonly atMs: number;
    /** The anchor's own usages bind as well (AnchorRules.constraints). */
    readonly anchorLimits: boolean;
  },
): PurposeVerdict {
  if (purpose === 'any') return { profile: 'rfc5280', warnings: [] };
  if (isOwnRoot(anchor)) {
    assertProfile(path, anchor, { purpose, atMs });
    return { profile: 'house', warnings: [] };
  }
  const wanted = usages[purpose];
  // Authorities above bound what is below them by the same extension: not in the RFC, done by every TLS library.
  for (const { extendedKeyUsage: found, subject } of anchorLimits ? [...path, anchor] : path)
    if (found && !found.includes(ANY_USAGE) && !found.some((oid) => wanted.includes(oid)))
      throw new Refusal('purpose', `usages ${found.join(' ')}`, subject.text);
  const [leaf] = path;
  const usage = leaf?.keyUsage;
  const consistent = !usage || bits[purpose].some((bit) => usage.has(bit));
  if (!consistent && purpose === 'seal')
    throw new Refusal('key-usage', [...usage].join(' '), leaf!.subject.text);
  const warnings: string[] = [];
  // TLS libraries look at it when the key is used, not when the chain is judged.
  if (!consistent) warnings.push(`key usage ${[...usage].join(' ') || 'empty'} does not fit ${purpose}`);
  if (leaf?.extendedKeyUsage?.includes(ANY_USAGE))
    warnings.push('anyExtendedKeyUsage instead of the purpose');
  if (leaf?.basicConstraints?.isCa) warnings.push('the certificate is one of an authority');
  return { profile: 'rfc5280', warnings };
}

function assertProfile(
  path: readonly Parsed[],
  anchor: Parsed,
  { purpose, atMs }: { readonly purpose: Exclude<Purpose, 'any'>; readonly atMs: number },
): void {
  let last: Refusal | undefined;
  for (const role of roles[purpose])
    try {
      verifyCertificate({
        leafDer: path[0]!.der,
        intermediatesDer: path.slice(1).map(({ der }) => der),
        rootsDer: [anchor.der],
        atMs,
        role,
      });
      return;
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      last = new Refusal(
        'profile',
        `${error.code}${error.detail ? `: ${error.detail}` : ''}`,
        path[0]!.subject.text,
      );
    }
  throw last!;
}
