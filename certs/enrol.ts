// The wire shapes of enrolment and its pure logic for both sides: what a box sends, what a hub answers, what a box checks.
// It must never accept an answer that names another subject, another root or another key than those agreed.
// Between the invitation and the first connection to the exchange; the routes are hub/ and edge-node/.
import { ExchangeError } from '../protocol/errors.ts';
import type { HubId, NodeId, UnitId } from '../protocol/ids.ts';
import { checkRootFingerprint, type Invitation, secretText } from './invitation.ts';
import type { HeldKey, OwnKey } from './keys.ts';
import { certificateDer, certificatePem } from './pem.ts';
import { type CertificateFacts, verifyCertificate } from './trust.ts';
import { wordsOfKeys } from './words.ts';
import { buildCsr, publicKeyOfCsr } from './x509.ts';

export { checkRootFingerprint } from './invitation.ts';

export type EnrolRequest = {
  /** 40 hex letters. */
  readonly secret: string;
  readonly tlsCsr: string;
  readonly sealCsr: string;
  readonly nodeVersion: string;
};

export type EnrolAnswer = {
  readonly hubId: HubId;
  readonly nodeId: NodeId;
  readonly unitId: UnitId;
  readonly unitCode: string;
  readonly unitName: string;
  readonly tlsCertificate: string;
  readonly sealCertificate: string;
  /** The issuing CA of the hub; no more, no less. */
  readonly chain: readonly string[];
  readonly root: string;
  readonly exchangeUrl: string;
  readonly words: string;
  /** False: the operator has not compared the words yet, the exchange answers `peer-unconfirmed`. */
  readonly confirmed: boolean;
};

const pem = { type: 'string', minLength: 64, maxLength: 8192 } as const;
const id = { type: 'string', minLength: 17, maxLength: 17 } as const;

export const enrolRequestSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['secret', 'tlsCsr', 'sealCsr', 'nodeVersion'],
  properties: {
    secret: { type: 'string', pattern: '^[0-9a-f]{40}$' },
    tlsCsr: pem,
    sealCsr: pem,
    nodeVersion: { type: 'string', minLength: 1, maxLength: 64 },
  },
} as const;

/** Further properties are allowed: a hub of a later version may say more. */
export const enrolAnswerSchema = {
  type: 'object',
  required: [
    'hubId',
    'nodeId',
    'unitId',
    'unitCode',
    'unitName',
    'tlsCertificate',
    'sealCertificate',
    'chain',
    'root',
    'exchangeUrl',
    'words',
    'confirmed',
  ],
  properties: {
    hubId: id,
    nodeId: id,
    unitId: id,
    unitCode: { type: 'string', minLength: 1, maxLength: 64 },
    unitName: { type: 'string', minLength: 1, maxLength: 1000 },
    tlsCertificate: pem,
    sealCertificate: pem,
    chain: { type: 'array', minItems: 1, maxItems: 1, items: pem },
    root: pem,
    exchangeUrl: { type: 'string', pattern: '^https://', maxLength: 300 },
    words: { type: 'string', minLength: 11, maxLength: 64 },
    confirmed: { type: 'boolean' },
  },
} as const;

/** Box side. The same keys give a request that the hub answers alike, so a lost answer is simply asked for again. */
export async function buildEnrolRequest(options: {
  invitation: Invitation;
  tlsKey: OwnKey;
  sealKey: HeldKey;
  nodeVersion: string;
}): Promise<EnrolRequest> {
  return {
    secret: secretText(options.invitation.secret),
    tlsCsr: await buildCsr(options.tlsKey.privateKey),
    sealCsr: await buildCsr(options.sealKey.privateKey),
    nodeVersion: options.nodeVersion,
  };
}

export type RequestedKeys = {
  readonly tlsPublicKeyDer: Uint8Array;
  readonly sealPublicKeyDer: Uint8Array;
  /** What the operator compares. */
  readonly words: string;
};

/** Hub side: the two keys whose possession the request proves. They must differ. Throws `csr-invalid`. */
export async function keysOfRequest(
  request: Pick<EnrolRequest, 'tlsCsr' | 'sealCsr'>,
): Promise<RequestedKeys> {
  const tlsPublicKeyDer = await publicKeyOfCsr(request.tlsCsr);
  const sealPublicKeyDer = await publicKeyOfCsr(request.sealCsr);
  if (Buffer.compare(tlsPublicKeyDer, sealPublicKeyDer) === 0)
    throw new ExchangeError('csr-invalid', 'one key for connection and seal');
  return { tlsPublicKeyDer, sealPublicKeyDer, words: wordsOfKeys([tlsPublicKeyDer, sealPublicKeyDer]) };
}

/** Hub side: the certificate fields of the answer from what was issued. */
export function certificatesOfAnswer(issued: {
  tls: CertificateFacts;
  seal: CertificateFacts;
  issuingDer: Uint8Array;
  rootDer: Uint8Array;
}): Pick<EnrolAnswer, 'tlsCertificate' | 'sealCertificate' | 'chain' | 'root'> {
  return {
    tlsCertificate: certificatePem(issued.tls.der),
    sealCertificate: certificatePem(issued.seal.der),
    chain: [certificatePem(issued.issuingDer)],
    root: certificatePem(issued.rootDer),
  };
}

export type VerifiedEnrolment = {
  readonly tls: CertificateFacts;
  readonly seal: CertificateFacts;
  readonly issuing: CertificateFacts;
  readonly rootDer: Uint8Array;
};

/**
 * Box side, before anything of the answer is stored: the root is the invited one, every certificate hangs under it, names the
 * subject that the answer names, and holds our keys. Throws `root-fingerprint-mismatch`, `certificate-*` (also for a wrong clock
 * of this box), `enrol-answer-refused`.
 */
export function verifyEnrolAnswer(options: {
  answer: EnrolAnswer;
  invitation: Pick<Invitation, 'rootFingerprint'>;
  tlsPublicKeyDer: Uint8Array;
  sealPublicKeyDer: Uint8Array;
  nowMs: number;
}): VerifiedEnrolment {
  const { answer, nowMs: atMs } = options;
  const rootDer = certificateDer(answer.root);
  checkRootFingerprint(rootDer, options.invitation);
  const [issuingDer, ...more] = answer.chain.map(certificateDer);
  if (!issuingDer || more.length > 0) throw refused('the chain is one issuing CA');
  const rootsDer = [rootDer];
  const issuing = verifyCertificate({
    leafDer: issuingDer,
    intermediatesDer: [],
    rootsDer,
    atMs,
    role: 'issuing',
  });
  const leaf = (text: string, role: 'node-tls' | 'unit-seal', subjectId: string, key: Uint8Array) => {
    const leafDer = certificateDer(text);
    const facts = verifyCertificate({ leafDer, intermediatesDer: [issuingDer], rootsDer, atMs, role });
    if (facts.hubId !== answer.hubId || facts.subjectId !== subjectId)
      throw refused(`${role} names ${facts.subjectId} of ${facts.hubId}`);
    if (Buffer.compare(facts.publicKeyDer, key) !== 0) throw refused(`${role} holds a key that is not ours`);
    return facts;
  };
  const tls = leaf(answer.tlsCertificate, 'node-tls', answer.nodeId, options.tlsPublicKeyDer);
  const seal = leaf(answer.sealCertificate, 'unit-seal', answer.unitId, options.sealPublicKeyDer);
  if (answer.words !== wordsOfKeys([options.tlsPublicKeyDer, options.sealPublicKeyDer]))
    throw refused('the six words are not those of our keys');
  return { tls, seal, issuing, rootDer };
}

function refused(why: string): ExchangeError {
  return new ExchangeError('enrol-answer-refused', why);
}
