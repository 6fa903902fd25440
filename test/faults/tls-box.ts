// A box that inspects TLS, as offices buy them: ends every connection with a certificate of its own CA, reads what passes in the clear and
// passes it on to the hub over a connection of its own. Keeps all it saw, so that a test can say what it did not see.
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import {
  authorityKeyIdentifier,
  basicConstraints,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../certs/extensions.ts';
import { generateKey, keyPem } from '../../certs/keys.ts';
import { certificatePem } from '../../certs/pem.ts';
import { buildCertificate } from '../../certs/x509.ts';

export type TlsBox = {
  readonly port: number;
  /** What the box calls itself. */
  readonly issuer: string;
  readonly count: { connections: number };
  /** Everything that came from the office in the clear. */
  seen(): Buffer;
  /** Where the office wanted to go. */
  passOnTo(port: number): void;
  close(): Promise<void>;
};

const HOUR_MS = 3_600_000;
const serial = () => `40${randomBytes(15).toString('hex')}`;

async function material(issuer: string) {
  const [caKey, key] = [generateKey(), generateKey()];
  const times = { notBeforeMs: Date.now() - HOUR_MS, notAfterMs: Date.now() + 24 * HOUR_MS };
  const ca = await buildCertificate({
    serialHex: serial(),
    subject: { commonName: issuer, role: 'root' },
    ...times,
    publicKeyDer: caKey.publicKeyDer,
    signingKey: caKey.privateKey,
    extensions: [basicConstraints(true), keyUsage(['keyCertSign']), subjectKeyIdentifier(caKey.publicKeyDer)],
  });
  const leaf = await buildCertificate({
    serialHex: serial(),
    subject: { commonName: 'localhost', role: 'hub-tls' },
    issuerDer: ca,
    ...times,
    publicKeyDer: key.publicKeyDer,
    signingKey: caKey.privateKey,
    extensions: [
      basicConstraints(false),
      keyUsage(['digitalSignature']),
      subjectAltName(['localhost'], ['127.0.0.1']),
      authorityKeyIdentifier(caKey.publicKeyDer),
    ],
  });
  return { key: keyPem(key), cert: certificatePem(leaf) + certificatePem(ca) };
}

export async function createTlsBox(issuer: string): Promise<TlsBox> {
  const pieces: Buffer[] = [];
  const count = { connections: 0 };
  const sockets = new Set<tls.TLSSocket>();
  let target = 0;
  const keep = (socket: tls.TLSSocket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  const server = tls.createServer(
    {
      ...(await material(issuer)),
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    },
    (office) => {
      count.connections += 1;
      keep(office);
      // The box has no certificate that the hub would know.
      const hub = tls.connect({ host: '127.0.0.1', port: target, rejectUnauthorized: false });
      keep(hub);
      office.on('data', (piece) => {
        pieces.push(piece);
        hub.write(piece);
      });
      hub.on('data', (piece) => office.write(piece));
      hub.on('close', () => office.destroy());
      office.on('close', () => hub.destroy());
    },
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    issuer,
    count,
    seen: () => Buffer.concat(pieces),
    passOnTo(port) {
      target = port;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
