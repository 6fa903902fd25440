// Turns one enrolment request into certificates: invitation, keys, issue, one transaction, answer. Nothing here talks HTTP.
// The same keys get the same answer until the box has used its connection key; other keys are refused and raise an alarm.
// Must never hand out a certificate before it and its ledger entry are durable, nor take any name from the request.
import { randomBytes } from 'node:crypto';
import type { Issuer } from '../../certs/ca.ts';
import { keyIdOf } from '../../certs/certificate.ts';
import {
  certificatesOfAnswer,
  type EnrolAnswer,
  type EnrolRequest,
  keysOfRequest,
  type RequestedKeys,
} from '../../certs/enrol.ts';
import { hashSecret } from '../../certs/invitation.ts';
import type { CertificateFacts } from '../../certs/trust.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { newNodeId, parseNodeId, parseUnitId } from '../../protocol/ids.ts';
import type { Admin } from '../admin/acts.ts';
import type { CertificateRecord } from '../store/certificate-rows.ts';
import { type InvitationRow, invitationColumns, nodeOfTlsKey } from '../store/enrol-ops.ts';

export type EnrolmentDeps = {
  readonly admin: Admin;
  readonly issuer: Issuer;
  /** The issuing CA and the root under which a new box sees it (hub/identity.ts). */
  readonly shown: () => { readonly issuingDer: Uint8Array; readonly rootDer: Uint8Array };
  /** https address of the exchange listener as nodes reach it. */
  readonly exchangeUrl: () => string;
  /** Whether a person must compare the six words before the unit works. */
  readonly confirmUnits: boolean;
};

/**
 * A box that served other units before is seen all the time, so its first use proves nothing about this answer: it may be asked for
 * again for a day. Longer leaves an old paper of some use; shorter loses an enrolment over a night without line.
 */
const REPEAT_MS = 86_400_000;
/** Each round means that somebody else was faster; three of them are no accident. */
const ROUNDS_MAX = 3;

/** Codes: invitation-unknown, invitation-expired, invitation-used, csr-invalid, peer-revoked, peer-suspended, certificate-revoked, unit-closed. */
export async function enrol(
  request: Pick<EnrolRequest, 'secret' | 'tlsCsr' | 'sealCsr' | 'nodeVersion'>,
  deps: EnrolmentDeps,
): Promise<EnrolAnswer> {
  const { clock } = deps.admin;
  // The secret first: without one nobody may spend our time on signatures.
  findInvitation(deps.admin, request.secret);
  const keys = await keysOfRequest(request);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const row = findInvitation(deps.admin, request.secret);
    if (row.used_ms !== null) return await repeat(row, keys, deps);
    if (row.expires_ms <= clock.nowMs()) throw new ExchangeError('invitation-expired');
    const answer = await issue(row, keys, deps);
    if (answer) return answer;
  }
  throw new ExchangeError('overloaded', 'the invitation is being used', { retryAfterMs: 1_000 });
}

function findInvitation({ store }: Admin, secret: string): InvitationRow {
  const row = store.reader.get<InvitationRow>(
    `SELECT ${invitationColumns} FROM invitations WHERE secret_hash = ?`,
    Buffer.from(hashSecret(secret), 'hex'),
  );
  if (!row) throw new ExchangeError('invitation-unknown');
  if (row.closed_ms !== null)
    throw new ExchangeError(row.used_ms === null ? 'invitation-unknown' : 'invitation-used');
  return row;
}

async function repeat(
  row: InvitationRow,
  keys: RequestedKeys,
  { admin }: EnrolmentDeps,
): Promise<EnrolAnswer> {
  const { store, clock } = admin;
  const same =
    row.tls_key_id === keyIdOf(keys.tlsPublicKeyDer) && row.seal_key_id === keyIdOf(keys.sealPublicKeyDer);
  if (!same) {
    await store.alarm({
      code: 'invitation-used',
      about: row.unit,
      said: `a used invitation of ${admin.codeOf(row.unit)} came with other keys, words ${keys.words}`,
      nowMs: clock.nowMs(),
    });
    throw new ExchangeError('invitation-used');
  }
  const peer = store.reader.get<{ last_seen_ms: number | null; added_ms: number }>(
    'SELECT last_seen_ms, added_ms FROM peers WHERE peer = ?',
    row.node,
  );
  const usedMs = row.used_ms ?? 0;
  const newBox = peer?.added_ms === usedMs;
  const over = newBox ? (peer.last_seen_ms ?? 0) > usedMs : clock.nowMs() - usedMs > REPEAT_MS;
  if (over) throw new ExchangeError('invitation-used');
  return { ...(JSON.parse(row.answer ?? '{}') as EnrolAnswer), confirmed: row.confirmed_ms !== null };
}

/** What is kept of an issued certificate. */
export function recordOf(facts: CertificateFacts): CertificateRecord {
  const { serialHex: serial, role, subjectId: subject, keyId, der, notBeforeMs, notAfterMs } = facts;
  return { serial, role, subject, keyId, der, notBeforeMs, notAfterMs };
}

/** Undefined: the invitation or the key was used by another request in the meantime. */
async function issue(
  row: InvitationRow,
  keys: RequestedKeys,
  { admin, issuer, shown, exchangeUrl, confirmUnits }: EnrolmentDeps,
): Promise<EnrolAnswer | undefined> {
  const { store, clock, log } = admin;
  const nowMs = clock.nowMs();
  const known = nodeOfTlsKey(store.reader, keyIdOf(keys.tlsPublicKeyDer));
  const nodeId = known ? parseNodeId(known.node) : newNodeId(randomBytes(10));
  const unitId = parseUnitId(row.unit);
  const { tlsPublicKeyDer, sealPublicKeyDer, words } = keys;
  const tls = await issuer.issue({
    role: 'node-tls',
    subjectId: nodeId,
    key: { publicKeyDer: tlsPublicKeyDer },
    nowMs,
  });
  const seal = await issuer.issue({
    role: 'unit-seal',
    subjectId: unitId,
    key: { publicKeyDer: sealPublicKeyDer },
    nowMs,
  });
  const unit = admin.directory.own().units.find((each) => each.unit === unitId);
  const answer: EnrolAnswer = {
    hubId: issuer.hubId,
    nodeId,
    unitId,
    unitCode: unit?.aliases[0]?.code ?? unitId,
    unitName: unit?.name ?? unitId,
    ...certificatesOfAnswer({ ...shown(), tls, seal }),
    exchangeUrl: exchangeUrl(),
    words,
    confirmed: !confirmUnits,
  };
  const { outcome } = await admin.act('enrol', {
    invitation: row.id,
    node: nodeId,
    tls: recordOf(tls),
    seal: recordOf(seal),
    answer: JSON.stringify(answer),
    words,
    mustConfirm: confirmUnits,
    nowMs,
  });
  if (outcome === 'again') return undefined;
  for (const facts of [tls, seal])
    log.info({ event: 'certificate.issued', serial: facts.serialHex, profile: facts.role, unit: unitId });
  log.info({ event: 'unit.enrolled', unit: unitId, node: nodeId });
  return answer;
}
