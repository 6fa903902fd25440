// Wrapper bytes -> verified envelope, in a fixed order of checks. The hub runs it on what a peer submits and the receiving node runs
// it again on what the hub hands out: the hub is trusted for transport only. Nothing here decides who may submit or receive.
import { hash, type KeyObject } from 'node:crypto';
import { createChunkHasher, oneChunkDigests } from './chunks.ts';
import { headerCodec, hopCodec, wrapperCodec } from './codec.ts';
import { ExchangeError } from './errors.ts';
import { type DocumentId, type EnvelopeId, isUnitId, uuidFromBytes } from './ids.ts';
import { limits } from './limits.ts';
import { assertHeader, envelopeDigest, metadataDigest } from './seal.ts';
import type { Verifier } from './signature.ts';
import type { ResolveStatementSigner } from './statement.ts';
import type { Header, Hop, Signed, Wrapper } from './wire.ts';

/** Who a key id belongs to, decided by certificates and the directory at a time; throws signer-unknown or certificate-*. */
export type ResolveSealSigner = (
  keyId: Uint8Array,
  atMs: number,
) =>
  | { readonly unit: string; readonly publicKey: KeyObject }
  | Promise<{ readonly unit: string; readonly publicKey: KeyObject }>;

export type OpenedEnvelope = {
  readonly envelopeId: EnvelopeId;
  readonly documentId: DocumentId;
  /** SHA-256 of the signed header bytes. */
  readonly digest: Buffer;
  readonly header: Header;
  readonly signed: Signed;
  readonly wrapper: Wrapper;
};

export type OpenOptions = {
  readonly resolve: ResolveSealSigner;
  readonly verifier: Verifier;
  /** The time at which the seal's certificate must be good: the hub's acceptance. */
  readonly atMs: number;
};

/**
 * PROTOCOL.md 6.2. Throws the code of the first check that fails; allocates no more than the decoded message before a signature is
 * verified. Parts that do not ride along are checked when their content arrives.
 */
export async function openWrapper(bytes: Uint8Array, options: OpenOptions): Promise<OpenedEnvelope> {
  // 1 size and wire format of the wrapper.
  const wrapper = wrapperCodec.decode(bytes);
  return openDecoded(wrapper, options);
}

/** As `openWrapper`, for a wrapper that was decoded already. */
export async function openDecoded(
  wrapper: Wrapper,
  { resolve, verifier, atMs }: OpenOptions,
): Promise<OpenedEnvelope> {
  // 2 a sealed header is there.
  const { envelope: signed } = wrapper;
  if (!signed) throw new ExchangeError('envelope-malformed', 'no sealed header');
  if (signed.bytes.length > limits.headerBytesMax)
    throw new ExchangeError(
      'header-too-large',
      `${signed.bytes.length} bytes, at most ${limits.headerBytesMax}`,
    );
  if (!signed.signature) throw new ExchangeError('signature-invalid', 'no signature');
  // 3 the key, by hint; 4 the signature over the exact bytes, before anything inside is parsed.
  const signer = await resolve(signed.signature.keyId, atMs);
  await verifier.verify(signed, ['lienthong/header/1'], signer.publicKey);
  // 5 structure of the header.
  const header = headerCodec.decode(signed.bytes);
  assertHeader(header);
  // 6 identity comes from the certificate, never from the field.
  if (signer.unit !== header.sender) throw new ExchangeError('signer-not-sender', `sealed by ${signer.unit}`);
  // 7 the leg is a subset of the signed recipients.
  assertLeg(wrapper, header);
  // 8 the metadata block is the one that was sealed.
  assertMetadata(wrapper, header);
  // 9 the parts that ride along are the ones that were sealed.
  assertInlineParts(wrapper, header);
  // 10 the hop trace is one chain about this envelope; who signed it is `verifyHops`.
  const digest = envelopeDigest(signed.bytes);
  assertHops(wrapper.hops, digest);
  return {
    envelopeId: uuidFromBytes(header.envelopeId) as EnvelopeId,
    documentId: uuidFromBytes(header.documentId) as DocumentId,
    digest,
    header,
    signed,
    wrapper,
  };
}

function assertLeg({ recipients, hops }: Wrapper, header: Header): void {
  if (recipients.length === 0) throw new ExchangeError('recipients-none', 'the leg has no recipient');
  if (recipients.length > header.recipients.length)
    throw new ExchangeError('wrapper-recipient-unsigned', 'more recipients than signed');
  const seen = new Set<number>();
  for (const { index, unit } of recipients) {
    if (index >= header.recipients.length)
      throw new ExchangeError('wrapper-recipient-unsigned', `index ${index}`);
    if (seen.has(index)) throw new ExchangeError('recipients-repeated', `index ${index} of the leg`);
    seen.add(index);
    if (!isUnitId(unit)) throw new ExchangeError('wrapper-recipient-unsigned', 'not a unit id');
  }
  if (hops.length > limits.hopsMax) throw new ExchangeError('route-too-long', `${hops.length} hops`);
}

/** Each entry names this envelope and the entry before it. Returns the entries. */
function assertHops(hops: Wrapper['hops'], digest: Buffer): Hop[] {
  let previous: Uint8Array = Buffer.alloc(0);
  return hops.map((signed) => {
    if (signed.type !== 'lienthong/hop/1' || !signed.signature)
      throw new ExchangeError('envelope-malformed', 'a hop that is not one');
    const hop = hopCodec.decode(signed.bytes);
    if (!digest.equals(hop.envelopeDigest) || Buffer.compare(hop.previous, previous) !== 0)
      throw new ExchangeError('envelope-malformed', 'the hop trace is broken');
    previous = hash('sha256', signed.bytes, 'buffer');
    return hop;
  });
}

/**
 * PROTOCOL.md 6.4: every hop entry is signed by the hub that it names, by its receipts key, judged at the entry's own time. For whoever
 * routes by the trace or keeps it as evidence. Throws signature-*, signer-unknown, certificate-*, envelope-malformed.
 */
export async function verifyHops(
  { wrapper, digest }: Pick<OpenedEnvelope, 'wrapper' | 'digest'>,
  resolve: ResolveStatementSigner,
  verifier: Verifier,
): Promise<Hop[]> {
  const hops = assertHops(wrapper.hops, digest);
  for (const [i, { hub, atMs }] of hops.entries()) {
    const signed = wrapper.hops[i]!;
    const signer = resolve(signed.signature!.keyId, atMs);
    await verifier.verify(signed, ['lienthong/hop/1'], signer.publicKey);
    if (signer.kind !== 'hub' || signer.id !== hub)
      throw new ExchangeError('signature-invalid', 'a hop signed by another than the hub');
  }
  return hops;
}

function assertMetadata({ metadata }: Wrapper, header: Header): void {
  if (!metadata) return;
  if (metadata.salt.length !== 32 || metadata.block.length !== header.metadataLength)
    throw new ExchangeError('metadata-mismatch', 'length');
  if (!metadataDigest(metadata).equals(header.metadataDigest))
    throw new ExchangeError('metadata-mismatch', 'digest');
}

function assertInlineParts({ inlineParts, uploadedParts }: Wrapper, header: Header): void {
  const seen = new Set<number>();
  let total = 0;
  for (const { index, content } of inlineParts) {
    const part = header.parts[index];
    if (!part || seen.has(index)) throw new ExchangeError('envelope-malformed', `inline part ${index}`);
    seen.add(index);
    total += content.length;
    if (content.length > limits.inlinePartBytesMax || total > limits.inlineTotalBytesMax)
      throw new ExchangeError('envelope-too-large', 'inline parts');
    assertPartBytes(content, part);
  }
  for (const { index, uploadId } of uploadedParts) {
    if (!header.parts[index] || seen.has(index) || uploadId.length !== 16)
      throw new ExchangeError('envelope-malformed', `uploaded part ${index}`);
    seen.add(index);
  }
}

/** Length, SHA-256 and chunk tree of a part held in memory. Throws `part-mismatch`. */
export function assertPartBytes(content: Uint8Array, part: Header['parts'][number]): void {
  if (content.length !== part.length) throw new ExchangeError('part-mismatch', 'length');
  const { sha256, treeRoot } =
    content.length <= limits.inlinePartBytesMax ? oneChunkDigests(content) : hashed(content);
  if (Buffer.compare(sha256, part.sha256) !== 0) throw new ExchangeError('part-mismatch', 'sha256');
  if (Buffer.compare(treeRoot, part.treeRoot) !== 0) throw new ExchangeError('part-mismatch', 'tree root');
}

function hashed(content: Uint8Array): { readonly sha256: Uint8Array; readonly treeRoot: Uint8Array } {
  const hasher = createChunkHasher();
  hasher.update(content);
  return hasher.finish();
}
