// Accepts one envelope. Nothing here talks HTTP. Ten numbered steps; before step 9 any failure leaves no trace but evidence of the
// refusal, after it the hub owns the document. The order is the security argument: nothing inside is parsed before its signature is
// verified, and a retry whose first answer was lost gets its receipt even past the deadline.
import { hash, randomBytes } from 'node:crypto';
import { headerCodec, wrapperCodec } from '../../protocol/codec.ts';
import type { Directory } from '../../protocol/directory.ts';
import { changeCodes } from '../../protocol/document/statuses.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import { type OpenedEnvelope, openDecoded, type ResolveSealSigner, verifyHops } from '../../protocol/open.ts';
import { envelopeDigest, kinds, relations } from '../../protocol/seal.ts';
import type { Verifier } from '../../protocol/signature.ts';
import type { ResolveStatementSigner } from '../../protocol/statement.ts';
import { hopsWrapper, rawFields } from '../../protocol/wire-splice.ts';
import { maySubstitute, route } from '../routing/route.ts';
import type { HubSafety } from '../safety/safety.ts';
import type { HubStore } from '../store/store.ts';
import type { AcceptedPart } from '../store/types.ts';
import { assertEntitled, type Submitter } from './entitled.ts';

export type AcceptDeps = {
  readonly hubId: string;
  /** Hub id above; '' at the top. */
  readonly upstream: () => string;
  readonly store: HubStore;
  readonly directory: () => Directory;
  readonly resolveSeal: ResolveSealSigner;
  /** For the hop trace. */
  readonly resolveStatement: ResolveStatementSigner;
  readonly verifier: Verifier;
  readonly clock: Clock;
  /**
   * The content folder holds this part with the length and chunk tree that were sealed: a digest alone does not say so. Throws `part-missing`,
   * `part-mismatch`.
   */
  readonly assertContent: (part: AcceptedPart) => Promise<void>;
  /** What is in it, at a glance. Throws `secrecy-refused`, `file-refused`; see hub/safety/safety.ts. */
  readonly safety: Pick<HubSafety, 'quick' | 'nudge'>;
  /** Throws `disk-nearly-full`. */
  readonly assertSpace: (lengthBytes: number) => void;
  /** By how much our clock is behind that of most peers, when it is wrong: nobody's document waits for our mistake. Default 0. */
  readonly clockBehindMs?: () => number;
  /** Something waits for these peers. */
  readonly nudge: (peers: readonly string[]) => void;
  /** A recall was accepted, or what was recalled before: the sweeper has work now. */
  readonly onRecall?: () => void;
};

/** The other end of the leg: a node, a hub below, or the hub above (when we fetch from it). */
export type Accepted = { readonly receipt: Uint8Array; readonly duplicate: boolean };

/**
 * Takes responsibility for one wrapper. Returns only when envelope, deliveries, receipt and ledger entry survive a power cut. The same
 * signed bytes give the same stored receipt, for ever. Codes: envelope-*, header-*, recipients-*, wrapper-*, metadata-*, part-*,
 * signature-*, signer-*, certificate-*, merkle-*, peer-*, duplicate-conflict, route-*, quota-exceeded, disk-nearly-full, secrecy-refused, file-refused.
 */
export async function accept(bytes: Uint8Array, peer: Submitter, deps: AcceptDeps): Promise<Accepted> {
  const nowMs = deps.clock.nowMs();
  // 1 and 2: size and wire format.
  const wrapper = wrapperCodec.decode(bytes);
  crashPoint('accept.1');
  crashPoint('accept.2');
  // 3: the seal over the exact bytes, then structure, leg, metadata, inline parts (protocol/open.ts).
  let envelope: OpenedEnvelope;
  try {
    envelope = await openDecoded(wrapper, {
      resolve: deps.resolveSeal,
      verifier: deps.verifier,
      atMs: nowMs,
    });
  } catch (error) {
    const receipt = sealEndedSince(error) ? receiptOfRetry(wrapper, peer, deps) : undefined;
    if (!receipt) throw error;
    return { receipt, duplicate: true };
  }
  crashPoint('accept.3');
  try {
    return await acceptOpened(envelope, bytes, { peer, deps, nowMs });
  } catch (error) {
    if (isExchangeError(error) && error.row.retry === 'never')
      await recordRefusal(envelope, error, { peer, deps, nowMs });
    throw error;
  }
}

const sealEndedSince = (error: unknown) =>
  isExchangeError(error, 'certificate-expired', 'certificate-revoked', 'signer-unknown');

/**
 * A retry whose first answer was lost gets its receipt although the seal has expired or was withdrawn since: exactly these signed bytes
 * were verified and accepted from this peer before. Nothing unverified is believed; the digest is compared with the stored one.
 */
function receiptOfRetry(
  { envelope: signed }: ReturnType<typeof wrapperCodec.decode>,
  peer: Submitter,
  { store }: AcceptDeps,
): Uint8Array | undefined {
  if (!signed || signed.bytes.length > limits.headerBytesMax) return undefined;
  const { sender, envelopeId } = headerCodec.decode(signed.bytes);
  return store.acceptedReceipt(peer.id, sender, envelopeId, envelopeDigest(signed.bytes));
}

type Context = { readonly peer: Submitter; readonly deps: AcceptDeps; readonly nowMs: number };

async function acceptOpened(
  envelope: OpenedEnvelope,
  bytes: Uint8Array,
  context: Context,
): Promise<Accepted> {
  const { deps, nowMs, peer } = context;
  const { header, wrapper } = envelope;
  // 4: this peer may bring envelopes of that unit; a unit sends its metadata along (PROTOCOL.md 5.3).
  assertEntitled(header.sender, context.peer, deps);
  if (peer.kind === 'node' && !wrapper.metadata)
    throw new ExchangeError('metadata-mismatch', 'no metadata block');
  crashPoint('accept.4');
  // 5: seen before? The same bytes go straight to their stored receipt; other bytes under the same id are refused.
  const known = deps.store.acceptedDigest(header.sender, header.envelopeId);
  if (known && Buffer.compare(known, envelope.digest) !== 0) throw new ExchangeError('duplicate-conflict');
  crashPoint('accept.5');
  // 6: time, on the hub's clock. Created in the past is never refused.
  if (!known) assertTime(header, nowMs, deps.clockBehindMs?.() ?? 0);
  crashPoint('accept.6');
  // 7: who gets it.
  const passed = (await verifyHops(envelope, deps.resolveStatement, deps.verifier)).map(({ hub }) => hub);
  const directory = deps.directory();
  assertLegUnits(envelope, directory);
  const deliveries = route({
    recipients: wrapper.recipients,
    directory,
    hubId: deps.hubId,
    upstream: deps.upstream(),
    fromPeer: peer.id,
    passed,
    lengthBytes: header.parts.reduce((sum, { length }) => sum + length, 0),
  });
  crashPoint('accept.7');
  // 8: the content is here, whole and verified, or rides along; and there is room.
  const parts = acceptedParts(envelope);
  const bytesHeld = header.parts.reduce((sum, { length }) => sum + length, 0) + header.metadataLength;
  if (!known) {
    deps.assertSpace(bytes.length);
    for (const part of parts) if (!part.content) await deps.assertContent(part);
  }
  const { sender, kind, documentId } = header;
  const check = known
    ? undefined
    : await deps.safety.quick({ sender, documentId, kind, metadata: wrapper.metadata?.block, parts });
  const own = directory.hub(deps.hubId);
  // 9: one transaction in the writer thread: envelope, deliveries, signed receipt, ledger entry (hub/store/accept-ops.ts).
  const [signed] = rawFields(bytes, 1);
  const result = await deps.store.accept({
    peer: peer.id,
    fromHub: peer.kind === 'hub',
    envelopeId: header.envelopeId,
    documentId: header.documentId,
    sender: header.sender,
    digest: envelope.digest,
    signed: signed!,
    hops: hopsWrapper(rawFields(bytes, 3)),
    previousHopDigest: previousHopDigest(wrapper.hops),
    salt: wrapper.metadata?.salt ?? null,
    metadata: wrapper.metadata?.block ?? null,
    kind: header.kind,
    urgency: header.urgency,
    deliverByMs: header.deliverByMs,
    parts,
    deliveries,
    ...changedBy(header),
    directoryVersion: own?.version ?? 0,
    revocationNumber: own?.revocationNumber ?? 0,
    statementId: randomBytes(16),
    bytes: bytesHeld,
    check,
    nowMs,
  });
  // 10: the answer may be lost; the receipt is not. Signal after commit, never before.
  crashPoint('accept.10');
  deps.nudge(result.nudge);
  if (check) deps.safety.nudge();
  if (result.recalled) deps.onRecall?.();
  return { receipt: result.receipt, duplicate: result.duplicate };
}

/** Documents of its own sender that an envelope takes back or updates: by its signed links alone, hubs read no metadata. */
function changedBy({ kind, status, links }: OpenedEnvelope['header']) {
  const named = (relation: number) =>
    links
      .filter((link) => link.relation === relation && link.documentId.length === 16)
      .map(({ documentId }) => documentId);
  if (kind === kinds.recall) return { recalls: named(relations.recalls) };
  if (kind === kinds.status && status?.code === changeCodes.asked)
    return { recalls: named(relations.statusOf) };
  return kind === kinds.update ? { updates: named(relations.updates) } : {};
}

/** The leg says where a copy goes; the seal says where it may go. protocol/open.ts has checked the indexes. */
function assertLegUnits({ header, wrapper }: OpenedEnvelope, directory: Directory): void {
  for (const { index, unit } of wrapper.recipients)
    if (!maySubstitute(directory, header.recipients[index]!.unit, unit))
      throw new ExchangeError('wrapper-recipient-unsigned', `recipient ${index} is not ${unit.slice(0, 64)}`);
}

function assertTime(header: OpenedEnvelope['header'], nowMs: number, behindMs: number): void {
  const aheadMs = header.createdMs - nowMs - behindMs;
  if (aheadMs > limits.aheadOfHubMsMax)
    throw new ExchangeError('envelope-from-future', `${Math.round(aheadMs / 1000)} s ahead of the hub`, {
      retryAfterMs: Math.min(aheadMs - limits.aheadOfHubMsMax + 1000, 3_600_000),
    });
  if (header.deliverByMs <= nowMs) throw new ExchangeError('envelope-expired');
}

function acceptedParts({ header, wrapper }: OpenedEnvelope): AcceptedPart[] {
  const inline = new Map(wrapper.inlineParts.map(({ index, content }) => [index, content]));
  return header.parts.map(({ length, sha256, treeRoot }, index) => ({
    index,
    length,
    sha256,
    treeRoot,
    content: inline.get(index) ?? null,
  }));
}

/** SHA-256 of the bytes of the newest hop entry; empty for the first hub. */
function previousHopDigest(hops: OpenedEnvelope['wrapper']['hops']): Uint8Array {
  const last = hops.at(-1);
  return last ? hash('sha256', last.bytes, 'buffer') : new Uint8Array();
}

/** Failed attempts are evidenced too. A conflict is an alarm: a cloned disk or an attack. */
async function recordRefusal(
  envelope: OpenedEnvelope,
  error: ExchangeError,
  { peer, deps, nowMs }: Context,
): Promise<void> {
  const { header, digest, envelopeId } = envelope;
  await deps.store.refuse({
    peer: peer.id,
    sender: header.sender,
    envelopeId: header.envelopeId,
    digest,
    code: error.code,
    nowMs,
  });
  if (error.code === 'duplicate-conflict')
    await deps.store.alarm({
      code: error.code,
      about: peer.id,
      said: `${header.sender} ${envelopeId}`,
      nowMs,
    });
}
