// TLS options of every listener and client, in one place. TLS 1.3 only.
// The exchange listener lets every handshake complete: the hook in front of all routes asks trust.identify() and answers 403
// with the catalogued reason; a strict listener could only say "socket hang up". Clients are strict, always.
// It must never be used for a listener that has a route in front of that hook.
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import { ExchangeError } from '../protocol/errors.ts';
import { parseCertificate } from './certificate.ts';
import { keyPem, type OwnKey } from './keys.ts';
import { certificatePem } from './pem.ts';
import { subjectOfName } from './profile.ts';

export type TlsIdentity = {
  readonly key: OwnKey;
  readonly certificateDer: Uint8Array;
  /** Sent along, so that the other side needs to know only the root. */
  readonly issuingDer: Uint8Array;
};

const tls13 = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

function own({ key, certificateDer, issuingDer }: TlsIdentity): SecureContextOptions {
  return { ...tls13, key: keyPem(key), cert: certificatePem(certificateDer) + certificatePem(issuingDer) };
}

/**
 * The exchange: asks every client for a certificate and judges none. Also complete for `server.setSecureContext` at renewal, which
 * needs all options each time. Node's `crl` is not used: an expired list would lock out everybody.
 */
export function exchangeListenerOptions(
  identity: TlsIdentity & { readonly rootDer: Uint8Array },
): TlsOptions {
  return {
    ...own(identity),
    ca: certificatePem(identity.rootDer),
    requestCert: true,
    rejectUnauthorized: false,
  };
}

/** Enrolment, console: no client certificate is asked for. */
export function publicListenerOptions(identity: TlsIdentity): TlsOptions {
  return { ...own(identity), requestCert: false };
}

/**
 * For clients of a hub, after chain and host name have held: the certificate says that it is a hub's. A console's is under the same root
 * and usage, and may one day hold the name of a machine that was a hub.
 */
export function refuseNoHub(certificateDer: Uint8Array): Error | undefined {
  const own = parseCertificate(certificateDer).subjectAltName.some(
    (name) => name.kind === 'dns' && subjectOfName(name.name)?.role === 'hub-tls',
  );
  return own ? undefined : new ExchangeError('certificate-wrong-usage', 'the server is no hub');
}

/** For undici's `connect` and tls.connect. Only the deployment's root is believed; the host name is checked as Node does by default. */
export type StrictClientOptions = SecureContextOptions & { readonly rejectUnauthorized: true };

/** A node or hub towards an exchange listener. */
export function exchangeClientOptions(
  identity: TlsIdentity & { readonly rootDer: Uint8Array },
): StrictClientOptions {
  return { ...own(identity), ca: certificatePem(identity.rootDer), rejectUnauthorized: true };
}

/** A box that enrols: it has no certificate, but after checkRootFingerprint it has the root. */
export function enrolmentClientOptions(rootDer: Uint8Array): StrictClientOptions {
  return { ...tls13, ca: certificatePem(rootDer), rejectUnauthorized: true };
}

/**
 * Only to fetch the root certificate, which is then compared with the invitation's fingerprint. Whoever answers may be anybody:
 * nothing secret may be sent over such a connection, and it is closed afterwards.
 */
export function rootFetchClientOptions(): SecureContextOptions & { readonly rejectUnauthorized: false } {
  return { ...tls13, rejectUnauthorized: false };
}
