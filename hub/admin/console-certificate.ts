// A console's server certificate, from a request that people carried here: looked at first, signed when the operator says so. One act under the audit,
// in the ledger and among the certificates that are revoked. Must never sign a name that the asking node did not sign for, nor one
// under which this hub itself is called: nodes know their hub by its host name too.
import type { FastifyInstance } from 'fastify';
import { keyIdOf, parseCertificate } from '../../certs/certificate.ts';
import { type ConsoleRequest, hostsOf, readConsoleRequest } from '../../certs/console-request.ts';
import { certificatePem } from '../../certs/pem.ts';
import { publicKeyOfCsr } from '../../certs/x509.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { verifySigned } from '../../protocol/signature.ts';
import { recordOf } from '../enrolment/enrol.ts';
import type { OwnCertificates } from '../own-certificates.ts';
import type { Admin } from './acts.ts';

export type ConsoleAsked = {
  readonly name: string;
  readonly node: string;
  /** The units that this node serves. */
  readonly units: readonly { readonly code: string; readonly name: string }[];
};
export type ConsoleSigned = ConsoleAsked & {
  readonly serial: string;
  readonly notAfterMs: number;
  /** PEM: the certificate and the issuing CA above it. */
  readonly certificate: string;
};

type CertificateRow = {
  role: string;
  subject: string;
  der: Uint8Array;
  revoked_from_ms: number | null;
};
const byKey =
  'SELECT role, subject, der, revoked_from_ms FROM certificates WHERE key_id = ? ORDER BY not_after_ms DESC LIMIT 1';

const schema = {
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['request', 'sign'],
    properties: {
      request: { type: 'string', minLength: 64, maxLength: 16 * 1024 },
      sign: { type: 'boolean' },
    },
  },
} as const;

export function addConsoleCertificateRoutes(app: FastifyInstance, admin: Admin, own: OwnCertificates): void {
  app.post<{ Body: { request: string; sign: boolean } }>(
    '/admin/v1/ca/console',
    { schema },
    async ({ body }): Promise<ConsoleAsked | ConsoleSigned> => {
      const request = judgeRequest(body.request, admin, own);
      const asked = { name: request.name, node: request.node, units: unitsOf(admin, request.node) };
      return body.sign ? { ...asked, ...(await sign(request, admin, own)) } : asked;
    },
  );
}

/** Codes: request-malformed, signer-unknown, peer-not-sender, certificate-expired, certificate-revoked, signature-*, peer-*, config-invalid. */
function judgeRequest(text: string, admin: Admin, own: OwnCertificates): ConsoleRequest {
  const { signed, request } = readConsoleRequest(text);
  const { reader } = admin.store;
  const keyId = Buffer.from(signed.signature?.keyId ?? []).toString('hex');
  const row = reader.get<CertificateRow>(byKey, keyId);
  if (!row) throw new ExchangeError('signer-unknown', keyId.slice(0, 16));
  const { hubId, certificates } = own.identity();
  if (row.role !== 'node-tls' || row.subject !== request.node || request.hub !== hubId)
    throw new ExchangeError('peer-not-sender', 'a request in the name of another');
  const signer = parseCertificate(row.der);
  if (row.revoked_from_ms !== null) throw new ExchangeError('certificate-revoked', signer.serialHex);
  if (admin.clock.nowMs() >= signer.notAfterMs + 1000)
    throw new ExchangeError('certificate-expired', signer.serialHex);
  verifySigned(signed, ['lienthong/console/1'], signer.x509.publicKey);
  const state = reader.get<{ state: string }>('SELECT state FROM peers WHERE peer = ?', request.node)?.state;
  if (state === 'suspended') throw new ExchangeError('peer-suspended', request.node);
  if (state !== 'active') throw new ExchangeError('peer-unconfirmed', request.node);
  const names = parseCertificate(certificates.tls).subjectAltName;
  if (names.some((each) => each.kind === 'dns' && each.name === request.name))
    throw new ExchangeError('config-invalid', `${request.name} is a name of this hub`);
  return request;
}

const unitsOf = ({ store, directory }: Admin, node: string): ConsoleAsked['units'] =>
  store.reader
    .all<{ unit: string; name: string }>('SELECT unit, name FROM units WHERE node = ? ORDER BY unit', node)
    .map(({ unit, name }) => ({ code: directory.current().codeOf(unit), name }));

/** Durable on return. The same key gets the same certificate: an answer that was lost, or an act that waited for a second person. */
async function sign(
  request: ConsoleRequest,
  admin: Admin,
  own: OwnCertificates,
): Promise<Pick<ConsoleSigned, 'serial' | 'notAfterMs' | 'certificate'>> {
  const { issuer, former } = own.identity();
  const publicKeyDer = await publicKeyOfCsr(request.csr);
  const known = admin.store.reader.get<CertificateRow>(byKey, keyIdOf(publicKeyDer));
  if (known && (known.role !== 'node-console' || known.subject !== request.node))
    throw new ExchangeError('csr-invalid', 'the key is in use for something else');
  if (known && known.revoked_from_ms !== null) throw new ExchangeError('certificate-revoked', 'the key');
  const der = known?.der ?? (await issueNew(request, publicKeyDer, { admin, own }));
  const leaf = parseCertificate(der);
  const isOf = (candidate: Uint8Array) => leaf.x509.checkIssued(parseCertificate(candidate).x509);
  const above = [issuer.certificateDer, ...former.map(({ certificate }) => certificate.der)].find(isOf);
  const certificate = certificatePem(der) + certificatePem(above ?? issuer.certificateDer);
  return { serial: leaf.serialHex, notAfterMs: leaf.notAfterMs, certificate };
}

async function issueNew(
  request: ConsoleRequest,
  publicKeyDer: Uint8Array,
  { admin, own }: { readonly admin: Admin; readonly own: OwnCertificates },
): Promise<Uint8Array> {
  const nowMs = admin.clock.nowMs();
  const issued = await own.identity().issuer.issue({
    role: 'node-console',
    subjectId: request.node,
    key: { publicKeyDer },
    hosts: hostsOf(request),
    nowMs,
  });
  await admin.act('certificateRecord', { record: recordOf(issued), nowMs });
  admin.log.info({
    event: 'certificate.issued',
    serial: issued.serialHex,
    profile: issued.role,
    node: request.node,
  });
  return issued.der;
}
