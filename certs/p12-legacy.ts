// Opens PKCS#12 files of older signing tools (RC2, 3DES, SHA-1 MAC; RSA keys) that OpenSSL 3 refuses, so that what is in them can be written anew.
// The only door to node-forge: it reads, and nothing is verified or signed with it. Never a node's identity: our keys are P-256.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { ExchangeError } from '../protocol/errors.ts';
import type { P12, P12Entry } from './p12.ts';

const FILE_BYTES_MAX = 1024 * 1024;

/** RSA only. Throws `p12-refused`. */
export function readLegacyP12(bytes: Uint8Array, password: string): P12 {
  if (bytes.length > FILE_BYTES_MAX) throw new ExchangeError('p12-refused', 'larger than 1 MiB');
  try {
    return read(Buffer.from(bytes), password);
  } catch (cause) {
    if (cause instanceof ExchangeError) throw cause;
    throw new ExchangeError('p12-refused', 'not readable with this password', { cause });
  }
}

function read(bytes: Buffer, password: string): P12 {
  // Verifies the MAC, and throws when it does not hold.
  const p12 = forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(bytes.toString('binary')), true, password);
  const bags = p12.safeContents.flatMap(({ safeBags }) => safeBags);
  const certificates = bags.flatMap(({ cert, attributes }) =>
    cert
      ? [
          {
            name: attributes.friendlyName?.[0] ?? '',
            der: Buffer.from(forge.asn1.toDer(forge.pki.certificateToAsn1(cert)).getBytes(), 'binary'),
          },
        ]
      : [],
  );
  const keys = bags.flatMap(({ key }) => (key ? [createPrivateKey(forge.pki.privateKeyToPem(key))] : []));
  const held = new Set<Buffer>();
  const entries = keys.map((privateKey): P12Entry => {
    const own = certificates.find(({ der }) => new X509Certificate(der).checkPrivateKey(privateKey));
    if (!own) throw new ExchangeError('p12-refused', 'a key without its certificate');
    held.add(own.der);
    return { name: own.name, privateKey, certificateDer: own.der };
  });
  return {
    entries,
    authorities: certificates.filter(({ der }) => !held.has(der)).map(({ der }) => der),
    note: '',
  };
}
