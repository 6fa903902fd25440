// Renewal of a certificate by its own key: what the holder signs, what the hub reads, what the holder checks. PROTOCOL.md 12.5.
// It must never take a subject from anything but the certificate that is renewed, nor a key that was not proven to be held.
// Between the invitation, which begins a life, and the next invitation, which is needed only when a life has ended. Pure.
import { renewalCodec, signedCodec } from '../protocol/codec.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { type SigningKey, signOne } from '../protocol/signature.ts';
import type { Renewal, Signed } from '../protocol/wire.ts';
import type { HeldKey } from './keys.ts';
import { derToPem, pemToDer } from './pem.ts';
import { BACKDATE_MS } from './profile.ts';
import { type CertificateFacts, type RootAnchor, verifyCertificate } from './trust.ts';
import { buildCsr } from './x509.ts';

/** What nodes may renew by themselves. A hub renews its own certificates with its own CA. */
export type RenewableRole = 'node-tls' | 'unit-seal';
const CSR_LABEL = 'CERTIFICATE REQUEST';

export type RenewalDraft = {
  readonly hub: string;
  readonly role: RenewableRole;
  /** Node id or unit id. */
  readonly subject: string;
  /** The key whose certificate is renewed: it signs. */
  readonly current: SigningKey;
  readonly next: HeldKey;
  readonly nowMs: number;
};

/** Bytes of a Signed "lienthong/renewal/1". The same next key always asks for the same thing, whatever the time in it. */
export async function buildRenewal(draft: RenewalDraft): Promise<Buffer> {
  const { hub, role, subject, current, next, nowMs } = draft;
  const request = pemToDer(CSR_LABEL, await buildCsr(next.privateKey));
  const bytes = renewalCodec.encode({ hub, role, subject, request, atMs: nowMs });
  return signedCodec.encode(signOne('lienthong/renewal/1', bytes, current));
}

export type ReadRenewal = { readonly signed: Signed; readonly renewal: Renewal; readonly csr: string };

/**
 * Reads one without believing it: the caller looks the key up, verifies the signature over `signed`, and only then uses the rest.
 * Throws `batch-malformed`, `signature-type-mismatch`, `certificate-wrong-usage` (a role that is not renewed so).
 */
export function readRenewal(bytes: Uint8Array): ReadRenewal & { readonly role: RenewableRole } {
  const signed = signedCodec.decode(bytes);
  if (signed.type !== 'lienthong/renewal/1')
    throw new ExchangeError('signature-type-mismatch', `type ${signed.type.slice(0, 64)}`);
  const renewal = renewalCodec.decode(signed.bytes);
  if (renewal.role !== 'node-tls' && renewal.role !== 'unit-seal')
    throw new ExchangeError('certificate-wrong-usage', 'this role is not renewed on request');
  return { signed, renewal, role: renewal.role, csr: derToPem(CSR_LABEL, renewal.request) };
}

/**
 * Holder's side, before anything of the answer is kept: the path hangs under a root that is believed, the role, hub and subject are the
 * present ones, and the key is the one that was made for it. Throws `certificate-*`, `renewal-answer-refused`.
 */
export function verifyRenewed(options: {
  readonly certificateDer: Uint8Array;
  readonly issuingDer: Uint8Array;
  readonly rootsDer: readonly RootAnchor[];
  readonly expected: { readonly hub: string; readonly role: RenewableRole; readonly subject: string };
  readonly next: HeldKey;
  readonly nowMs: number;
}): CertificateFacts {
  const { certificateDer: leafDer, issuingDer, rootsDer, expected, nowMs: atMs } = options;
  const facts = verifyCertificate({
    leafDer,
    intermediatesDer: [issuingDer],
    rootsDer,
    atMs,
    role: expected.role,
  });
  if (facts.hubId !== expected.hub || facts.subjectId !== expected.subject)
    throw new ExchangeError('renewal-answer-refused', `it names ${facts.subjectId} of ${facts.hubId}`);
  if (facts.keyId !== options.next.keyId)
    throw new ExchangeError('renewal-answer-refused', 'it holds a key that is not ours');
  return facts;
}

/**
 * How long a new seal or a hub's new signing key waits after it was certified before it signs: by then the directory that names it has
 * reached whoever is on line. Longer only delays; shorter makes receivers ask for the directory in the middle of a delivery.
 */
const SETTLE_MS = 10 * 60_000;

/** When a certificate that was just issued may sign. Issue time is `notBeforeMs` plus what certificates are backdated by. */
export const settledMs = ({ notBeforeMs }: { readonly notBeforeMs: number }): number =>
  notBeforeMs + BACKDATE_MS + SETTLE_MS;
