// The files that enrolment writes and identity.ts reads: keys/node.pem, keys/seal-UNIT.pem, certs/{root,node,seal-UNIT}.pem, identity.json.
// Must never overwrite a connection key that is good, nor leave identity.json naming a file that is not there.
// A key is made under the name of its invitation, since the unit is known only from the hub's answer; it stays under that name until
// everything else is on disk, so that a cut enrolment is repeated with the same keys.
import fs from 'node:fs';
import { join } from 'node:path';
import type { EnrolAnswer, VerifiedEnrolment } from '../certs/enrol.ts';
import { hashSecret, type Invitation } from '../certs/invitation.ts';
import {
  type HeldKey,
  keyFileText,
  loadKeyFile,
  loadOrCreateHeldKey,
  loadOrCreateKeyFile,
  type OwnKey,
} from '../certs/keys.ts';
import { dropNext, pairFiles } from '../certs/pair-files.ts';
import { certificatePem } from '../certs/pem.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { removeDurable, writeFileDurable } from '../protocol/node/durable.ts';

export const enrolFiles = (dir: string) => ({
  config: join(dir, 'config.json'),
  identity: join(dir, 'identity.json'),
  keys: join(dir, 'keys'),
  certs: join(dir, 'certs'),
  nodeKey: join(dir, 'keys', 'node.pem'),
  root: join(dir, 'certs', 'root.pem'),
  nodeCertificate: join(dir, 'certs', 'node.pem'),
  /** A new connection key, made because the hub has revoked the one before. */
  pendingNodeKey: (invitation: string) => join(dir, 'keys', `pending-node-${invitation}.pem`),
  pendingKey: (invitation: string) => join(dir, 'keys', `pending-${invitation}.pem`),
  sealKey: (unit: string) => join(dir, 'keys', `seal-${unit}.pem`),
  sealCertificate: (unit: string) => join(dir, 'certs', `seal-${unit}.pem`),
});

export type EnrolledUnit = {
  readonly unitId: string;
  readonly code: string;
  readonly name: string;
  readonly confirmed: boolean;
  /** The six words of its enrolment, for the telephone. */
  readonly words: string;
  /** Which invitation it came from: the secret cannot be had from it. */
  readonly invitation: string;
  readonly enrolledMs: number;
};
export type EnrolledFile = {
  readonly nodeId: string;
  readonly hubId: string;
  readonly exchangeUrl: string;
  readonly enrolUrl: string;
  readonly units: readonly EnrolledUnit[];
};

/** Names an invitation in file names: the same invitation finds the same key again. */
export const invitationName = (invitation: Invitation): string => hashSecret(invitation.secret).slice(0, 16);

/** Undefined before the first enrolment was finished. Throws `config-invalid`. */
export function readEnrolled(dir: string): EnrolledFile | undefined {
  const { identity } = enrolFiles(dir);
  if (!fs.existsSync(identity)) return undefined;
  try {
    return JSON.parse(fs.readFileSync(identity, 'utf8')) as EnrolledFile;
  } catch (cause) {
    throw new ExchangeError('config-invalid', `${identity} cannot be read`, { cause });
  }
}

/** One connection key for the node, one seal key for each invitation. Durable on return. */
export function keysFor(dir: string, invitation: string): { tlsKey: OwnKey; sealKey: HeldKey } {
  const files = enrolFiles(dir);
  const enrolled = fs.existsSync(files.identity);
  const replacement = files.pendingNodeKey(invitation);
  const tlsKey = () =>
    // Of an enrolled node it must be there: a new one would make it a stranger to its hub.
    enrolled ? loadKeyFile(files.nodeKey) : loadOrCreateKeyFile(files.nodeKey);
  return {
    tlsKey: fs.existsSync(replacement) ? loadKeyFile(replacement) : tlsKey(),
    sealKey: loadOrCreateHeldKey(files.pendingKey(invitation)),
  };
}

/**
 * The connection key for a node whose own the hub has revoked: a revoked key never comes back, but what the office has handed in must
 * still go out after a fresh invitation. Durable; takes the place of keys/node.pem only with its certificate.
 */
export function replacementKey(dir: string, invitation: string): OwnKey {
  return loadOrCreateKeyFile(enrolFiles(dir).pendingNodeKey(invitation));
}

export type ToStore = {
  readonly dir: string;
  readonly invitation: string;
  readonly tlsKey: OwnKey;
  readonly sealKey: HeldKey;
  readonly answer: EnrolAnswer;
  readonly verified: VerifiedEnrolment;
  readonly enrolUrl: string;
  readonly nowMs: number;
};

/** Everything that was verified, durably; identity.json after what it names. True when the unit was here before. */
export function storeEnrolment({
  dir,
  invitation,
  tlsKey,
  sealKey,
  answer,
  verified,
  enrolUrl,
  nowMs,
}: ToStore): boolean {
  const files = enrolFiles(dir);
  const before = readEnrolled(dir);
  const root = certificatePem(verified.rootDer);
  assertSameHub(files.root, before, answer, root);
  const issuing = certificatePem(verified.issuing.der);
  const { unitId, unitCode: code, unitName: name, words, confirmed } = answer;
  const publicFile = { mode: 0o644 };
  writeFileDurable(files.root, root, publicFile);
  // A crash between key and certificate: identity.ts refuses the pair, and the same "node init" again completes it.
  writeFileDurable(files.sealKey(unitId), keyFileText(sealKey));
  writeFileDurable(files.sealCertificate(unitId), certificatePem(verified.seal.der) + issuing, publicFile);
  // As with the seal: between these two the node does not start, and the same "node init" again completes it.
  if (fs.existsSync(files.pendingNodeKey(invitation))) writeFileDurable(files.nodeKey, keyFileText(tlsKey));
  writeFileDurable(files.nodeCertificate, certificatePem(verified.tls.der) + issuing, publicFile);
  const others = (before?.units ?? []).filter((each) => each.unitId !== unitId);
  const file: EnrolledFile = {
    nodeId: answer.nodeId,
    hubId: answer.hubId,
    exchangeUrl: answer.exchangeUrl,
    enrolUrl,
    units: [...others, { unitId, code, name, confirmed, words, invitation, enrolledMs: nowMs }],
  };
  writeFileDurable(files.identity, `${JSON.stringify(file, null, 2)}\n`);
  removeDurable(files.pendingKey(invitation));
  removeDurable(files.pendingNodeKey(invitation));
  // A renewal that was under way is overtaken.
  for (const name of ['node', `seal-${unitId}`]) dropNext(pairFiles(files.keys, files.certs, name));
  return others.length !== (before?.units.length ?? 0);
}

function assertSameHub(
  rootFile: string,
  before: EnrolledFile | undefined,
  { hubId }: EnrolAnswer,
  root: string,
): void {
  if (!before) return;
  // Another hub under the same root: enrol.ts has seen the old hub's word for it (rehome.ts).
  if (fs.readFileSync(rootFile, 'utf8') !== root)
    throw new ExchangeError(
      'config-invalid',
      `this node belongs to hub ${before.hubId}; use another --dir for hub ${hubId}`,
    );
}
