// Wrappers, good and hostile, for test/vectors/envelopes.json. Only generate.ts imports it.
import { type KeyObject, sign } from 'node:crypto';
import { createChunkHasher } from '../../protocol/chunks.ts';
import { headerCodec, hopCodec, signedCodec, wrapperCodec } from '../../protocol/codec.ts';
import { limits } from '../../protocol/limits.ts';
import { buildMetadata, envelopeDigest, metadataDigest } from '../../protocol/seal.ts';
import { type SigningKey, signingInput, signMany, signOne } from '../../protocol/signature.ts';
import type { Header, LegRecipient, Signature, Signed } from '../../protocol/wire.ts';
import {
  atMs,
  bytesField,
  fixedBytes,
  hub,
  nextHub,
  numberField,
  type Outcome,
  recipient,
  sender,
  stranger,
  toBytes,
  type Vector,
  type VectorFile,
} from '../support/vectors.ts';

const content = Buffer.from('Nội dung văn bản thử\n');
const hasher = createChunkHasher();
hasher.update(content);
const digest = hasher.finish();
const part = { length: content.length, sha256: digest.sha256, treeRoot: digest.treeRoot, encryption: 0 };

export const metadata = buildMetadata(
  {
    subject: 'Về việc thử nghiệm liên thông',
    number: '12',
    notation: '12/TB-UBND',
    parts: [{ name: 'Thông báo.txt', mediaType: 'text/plain' }],
  },
  fixedBytes('salt', 32),
);

export const header: Header = {
  version: 1,
  envelopeId: Buffer.from('019bbf62a6007abc8def001122334455', 'hex'),
  documentId: Buffer.from('019bbf62a5ff7abc8def66778899aabb', 'hex'),
  kind: 1,
  sender: sender.id,
  recipients: [
    { unit: recipient.id, desk: '', group: '', groupDirectoryVersion: 0 },
    { unit: stranger.id, desk: 'vanthu', group: 'g1', groupDirectoryVersion: 7 },
  ],
  createdMs: atMs - 60_000,
  deliverByMs: atMs + limits.deliverByDefaultMs,
  replyByMs: 0,
  urgency: 2,
  parts: [part],
  metadataDigest: metadataDigest(metadata),
  metadataLength: metadata.block.length,
  links: [{ relation: 5, envelopeId: new Uint8Array(0), documentId: fixedBytes('answered', 16) }],
  clockOffsetMs: -250,
  status: null,
};
const leg: LegRecipient[] = [{ index: 0, unit: recipient.id }];

type Pieces = {
  readonly header?: Partial<Header>;
  /** Instead of a header: the bytes that are sealed. */
  readonly sealed?: Uint8Array;
  readonly signed?: (good: Signed) => Signed;
  readonly key?: SigningKey;
  readonly recipients?: readonly LegRecipient[];
  readonly hops?: (digest: Buffer) => Signed[];
  readonly metadata?: typeof metadata | null;
  readonly inline?: readonly { index: number; content: Uint8Array }[];
  readonly uploaded?: readonly { index: number; uploadId: Uint8Array }[];
};

const headerBytes = (change: Partial<Header> = {}): Buffer => headerCodec.encode({ ...header, ...change });

function wrapperOf(pieces: Pieces = {}): Buffer {
  const bytes = pieces.sealed ?? headerBytes(pieces.header);
  const good = signOne('lienthong/header/1', bytes, pieces.key ?? sender.signing);
  return wrapperCodec.encode({
    envelope: pieces.signed ? pieces.signed(good) : good,
    recipients: pieces.recipients ?? leg,
    hops: pieces.hops?.(envelopeDigest(bytes)) ?? [],
    ...(pieces.metadata === null ? {} : { metadata: pieces.metadata ?? metadata }),
    inlineParts: pieces.inline ?? [{ index: 0, content }],
    uploadedParts: pieces.uploaded ?? [],
  });
}

const withSignature = (change: (signature: Signature) => Signature) => (good: Signed) => ({
  ...good,
  signature: change(good.signature!),
});

/** The seal of `bytes` under any context and type, as a signer with other ideas would make it. */
function sealedUnder(context: string, type: string) {
  return (good: Signed): Signed => ({
    ...good,
    signature: {
      ...good.signature!,
      value: sign('sha256', signingInput(context, type, good.bytes), {
        key: (sender.signing.privateKey as KeyObject),
        dsaEncoding: 'ieee-p1363',
      }),
    },
  });
}

/** The header as leaf 4 of 7. */
function inBatch(change: (signature: Signature) => Signature = (same) => same) {
  return (good: Signed): Signed => {
    const items = Array.from({ length: 7 }, (_, i) => ({
      type: 'lienthong/header/1' as const,
      bytes: i === 4 ? good.bytes : Buffer.from(`neighbour ${i}`),
    }));
    return withSignature(change)(signMany(items, sender.signing)[4]!);
  };
}
const inBatchPath = (change: (merkle: NonNullable<Signature['merkle']>) => object) =>
  inBatch((signature) => ({
    ...signature,
    merkle: { ...signature.merkle!, ...change(signature.merkle!) },
  }));

function hopOf(by: typeof hub, envelope: Uint8Array, previous: Signed | undefined, signing = by.signing): Signed {
  const bytes = hopCodec.encode({
    hub: by.id,
    envelopeDigest: envelope,
    previous: previous ? envelopeDigest(previous.bytes) : new Uint8Array(0),
    atMs: atMs - 1000,
  });
  return signOne('lienthong/hop/1', bytes, signing);
}
const twoHops = (envelope: Buffer): Signed[] => {
  const first = hopOf(hub, envelope, undefined);
  return [first, hopOf(nextHub, envelope, first)];
};

const manyRecipients = (count: number): Header['recipients'] =>
  Array.from({ length: count }, (_, i) => ({
    unit: recipient.id,
    desk: `d${i}`,
    group: '',
    groupDirectoryVersion: 0,
  }));

const flipped = (bytes: Uint8Array, at: number): Buffer => {
  const out = Buffer.from(bytes);
  out[at]! ^= 1;
  return out;
};

type Case = readonly [name: string, clause: string, expect: Outcome, bytes: Buffer];

function signatureCases(): Case[] {
  return [
    ['good, p256', '6.2', 'ok', wrapperOf()],
    ['good, merkle-p256: leaf 4 of 7', '4.3', 'ok', wrapperOf({ signed: inBatch() })],
    ['one bit of the signature value', '4.2', 'signature-invalid', wrapperOf({ signed: withSignature((s) => ({ ...s, value: flipped(s.value, 40) })) })],
    ['one bit of the sealed bytes', '4.1', 'signature-invalid', wrapperOf({ signed: (g) => ({ ...g, bytes: flipped(g.bytes, 3) }) })],
    ['signed for the receipt context', '4.1', 'signature-invalid', wrapperOf({ signed: sealedUnder('lienthong v1 receipt', 'lienthong/header/1') })],
    ['signed with another type in the input', '4.1', 'signature-invalid', wrapperOf({ signed: sealedUnder('lienthong v1 seal', 'lienthong/header/2') })],
    ['signed without context and type', '4.1', 'signature-invalid', wrapperOf({ signed: (g) => ({ ...g, signature: { ...g.signature!, value: sign('sha256', g.bytes, { key: (sender.signing.privateKey as KeyObject), dsaEncoding: 'ieee-p1363' }) } }) })],
    ['type of a receipt', '4.1', 'signature-type-mismatch', wrapperOf({ signed: (g) => ({ ...g, type: 'lienthong/receipt/1' }) })],
    ['type of a later version', '14', 'signature-type-mismatch', wrapperOf({ signed: (g) => ({ ...g, type: 'lienthong/header/2' }) })],
    ['no type', '4.1', 'signature-type-mismatch', wrapperOf({ signed: (g) => ({ ...g, type: '' }) })],
    ['algorithm 3', '4.2', 'signature-algorithm-refused', wrapperOf({ signed: withSignature((s) => ({ ...s, algorithm: 3 })) })],
    ['algorithm 0', '4.2', 'signature-algorithm-refused', wrapperOf({ signed: withSignature((s) => ({ ...s, algorithm: 0 })) })],
    ['p256 with a path', '4.2', 'signature-algorithm-refused', wrapperOf({ signed: withSignature((s) => ({ ...s, merkle: { index: 0, count: 1, path: [] } })) })],
    ['merkle-p256 without a path', '4.3', 'merkle-proof-invalid', wrapperOf({ signed: withSignature((s) => ({ ...s, algorithm: 2 })) })],
    ['p256 value called merkle-p256 of one leaf', '4.3', 'signature-invalid', wrapperOf({ signed: withSignature((s) => ({ ...s, algorithm: 2, merkle: { index: 0, count: 1, path: [] } })) })],
    ['value of 63 bytes', '4.2', 'signature-invalid', wrapperOf({ signed: withSignature((s) => ({ ...s, value: s.value.subarray(1) })) })],
    ['value of 65 bytes', '4.2', 'signature-invalid', wrapperOf({ signed: withSignature((s) => ({ ...s, value: Buffer.concat([s.value, Buffer.alloc(1)]) })) })],
    ['value in DER', '4.2', 'signature-invalid', wrapperOf({ signed: (g) => ({ ...g, signature: { ...g.signature!, value: sign('sha256', signingInput('lienthong v1 seal', 'lienthong/header/1', g.bytes), (sender.signing.privateKey as KeyObject)) } }) })],
    ['value of zeros', '4.2', 'signature-invalid', wrapperOf({ signed: withSignature((s) => ({ ...s, value: Buffer.alloc(64) })) })],
    ['no signature', '4', 'signature-invalid', wrapperOf({ signed: (g) => ({ ...g, signature: null }) })],
    ['key id of 31 bytes', '4.2', 'signer-unknown', wrapperOf({ signed: withSignature((s) => ({ ...s, keyId: s.keyId.subarray(1) })) })],
    ['key id that nobody has', '4.2', 'signer-unknown', wrapperOf({ signed: withSignature((s) => ({ ...s, keyId: flipped(s.keyId, 0) })) })],
    ['key id of another unit', '4.2', 'signature-invalid', wrapperOf({ signed: withSignature((s) => ({ ...s, keyId: stranger.signing.keyId })) })],
    ['sealed by another unit', '6.2', 'signer-not-sender', wrapperOf({ key: stranger.signing })],
    ['merkle, index of a neighbour', '4.3', 'signature-invalid', wrapperOf({ signed: inBatchPath(() => ({ index: 5 })) })],
    ['merkle, index 0 of 7 (longer path asked for the same number of hashes)', '4.3', 'signature-invalid', wrapperOf({ signed: inBatchPath(() => ({ index: 0 })) })],
    ['merkle, count 8', '4.3', 'signature-invalid', wrapperOf({ signed: inBatchPath(() => ({ count: 8 })) })],
    ['merkle, count 0', '4.3', 'merkle-proof-invalid', wrapperOf({ signed: inBatchPath(() => ({ count: 0 })) })],
    ['merkle, count 1,025', '4.3', 'merkle-proof-invalid', wrapperOf({ signed: inBatchPath(() => ({ count: 1025 })) })],
    ['merkle, index equal to count', '4.3', 'merkle-proof-invalid', wrapperOf({ signed: inBatchPath(() => ({ index: 7 })) })],
    ['merkle, path one too short', '4.3', 'merkle-proof-invalid', wrapperOf({ signed: inBatchPath(({ path }) => ({ path: path.slice(1) })) })],
    ['merkle, path one too long', '4.3', 'merkle-proof-invalid', wrapperOf({ signed: inBatchPath(({ path }) => ({ path: [...path, path[0]!] })) })],
    ['merkle, a hash of 31 bytes', '4.3', 'merkle-proof-invalid', wrapperOf({ signed: inBatchPath(({ path }) => ({ path: [path[0]!.subarray(1), ...path.slice(1)] })) })],
    ['merkle, two hashes of the path swapped', '4.3', 'signature-invalid', wrapperOf({ signed: inBatchPath(({ path }) => ({ path: [path[1], path[0], ...path.slice(2)] })) })],
  ];
}

function formCases(): Case[] {
  const good = wrapperOf();
  const signed = signedCodec.encode(signOne('lienthong/header/1', headerBytes(), sender.signing));
  const rest = wrapperCodec.encode({ recipients: leg, metadata, inlineParts: [{ index: 0, content }] });
  const asWrapper = (bytes: Uint8Array) => Buffer.concat([bytesField(1, bytes), rest]);
  return [
    ['nothing', '6', 'envelope-malformed', Buffer.alloc(0)],
    ['no sealed header', '6.2', 'envelope-malformed', rest],
    ['last byte missing', '1.3', 'envelope-malformed', good.subarray(0, -1)],
    ['a byte after the end', '1.3', 'envelope-malformed', Buffer.concat([good, Buffer.of(0)])],
    ['sealed header twice', '1.3', 'envelope-malformed', Buffer.concat([bytesField(1, signed), asWrapper(signed)])],
    ['type twice in Signed', '1.3', 'envelope-malformed', asWrapper(Buffer.concat([bytesField(1, 'lienthong/header/1'), signed]))],
    ['overlong varint: index 00 as 80 00', '1.3', 'envelope-malformed', Buffer.concat([asWrapper(signed), bytesField(2, Buffer.concat([Buffer.of(0x08, 0x80, 0x00), bytesField(2, stranger.id)]))])],
    ['leg index above 32 bits', '1.3', 'envelope-malformed', Buffer.concat([bytesField(1, signed), bytesField(2, Buffer.concat([numberField(1, 2 ** 32), bytesField(2, recipient.id)]))])],
    ['wrong wire type of a known field', '1.3', 'envelope-malformed', Buffer.concat([good, numberField(4, 1)])],
    ['a group', '1.3', 'envelope-malformed', Buffer.concat([good, Buffer.of(0x7b, 0x7c)])],
    ['field number 0', '1.3', 'envelope-malformed', Buffer.concat([good, Buffer.of(0x02, 0x00)])],
    ['string that is not UTF-8', '1.3', 'envelope-malformed', Buffer.concat([bytesField(1, signed), bytesField(2, bytesField(2, Buffer.from('c080', 'hex')))])],
    ['unknown field in the wrapper', '14', 'ok', Buffer.concat([good, bytesField(99, 'later')])],
    ['unknown field in Signed', '14', 'ok', asWrapper(Buffer.concat([signed, bytesField(99, 'later')]))],
    ['unknown field in the header', '14', 'ok', wrapperOf({ sealed: Buffer.concat([headerBytes(), bytesField(99, 'later'), numberField(100, 7)]) })],
    ['unknown field in a nested message of the header', '14', 'ok', wrapperOf({ sealed: Buffer.concat([headerBytes({ recipients: header.recipients.slice(0, 1) }), bytesField(6, Buffer.concat([bytesField(1, stranger.id), bytesField(99, 'later')]))]) })],
    ['header of more than 256 KiB', '9', 'header-too-large', wrapperOf({ sealed: Buffer.concat([headerBytes(), bytesField(99, Buffer.alloc(limits.headerBytesMax))]) })],
    ['wrapper of more than 1,536 KiB', '9', 'envelope-too-large', Buffer.concat([good, bytesField(99, Buffer.alloc(limits.wrapperBytesMax))])],
    ['sealed bytes that are no header', '5', 'header-malformed', wrapperOf({ sealed: Buffer.from('0a', 'hex') })],
    ['sealed bytes empty', '5', 'envelope-version-unsupported', wrapperOf({ sealed: Buffer.alloc(0) })],
    ['version twice in the header', '1.3', 'header-malformed', wrapperOf({ sealed: Buffer.concat([headerBytes(), numberField(1, 1)]) })],
    ['version 2^32 + 1', '1.3', 'header-malformed', wrapperOf({ sealed: Buffer.concat([numberField(1, 2 ** 32 + 1), headerBytes().subarray(2)]) })],
    ['created before 1970', '1.3', 'header-malformed', wrapperOf({ sealed: negativeCreated() })],
  ];
}

/** created_ms as the ten-byte varint of −1. */
function negativeCreated(): Buffer {
  const without = headerBytes({ createdMs: 0 });
  const tagged = without.indexOf(Buffer.from('3800', 'hex'));
  return Buffer.concat([without.subarray(0, tagged), Buffer.from('38ffffffffffffffffff01', 'hex'), without.subarray(tagged + 2)]);
}

function headerCases(): Case[] {
  const one = header.recipients[0]!;
  return [
    ['version 2', '14', 'envelope-version-unsupported', wrapperOf({ header: { version: 2 } })],
    ['version absent', '5.2', 'envelope-version-unsupported', wrapperOf({ header: { version: 0 } })],
    ['kind of a later version', '14', 'ok', wrapperOf({ header: { kind: 77 } })],
    ['kind absent', '5.2', 'header-malformed', wrapperOf({ header: { kind: 0 } })],
    ['urgency 255', '5.2', 'ok', wrapperOf({ header: { urgency: 255 } })],
    ['urgency 256', '5.2', 'header-malformed', wrapperOf({ header: { urgency: 256 } })],
    ['encryption of a later version', '14', 'ok', wrapperOf({ header: { parts: [{ ...part, encryption: 1 }] } })],
    ['status envelope', '5.2', 'ok', wrapperOf({ header: { kind: 5, status: { code: '03', counter: 2, atMs } } })],
    ['status code of 9 bytes', '5.2', 'header-malformed', wrapperOf({ header: { kind: 5, status: { code: '030303030', counter: 2, atMs } } })],
    ['envelope id of 15 bytes', '5.2', 'id-malformed', wrapperOf({ header: { envelopeId: header.envelopeId.subarray(1) } })],
    ['document id absent', '5.2', 'id-malformed', wrapperOf({ header: { documentId: new Uint8Array(0) } })],
    ['sender is not a unit id', '5.2', 'header-malformed', wrapperOf({ header: { sender: hub.id } })],
    ['recipient in capitals', '5.2', 'header-malformed', wrapperOf({ header: { recipients: [{ ...one, unit: recipient.id.toUpperCase() }] } })],
    ['recipient desk of 65 bytes', '5.2', 'header-malformed', wrapperOf({ header: { recipients: [{ ...one, desk: 'a'.repeat(65) }] } })],
    ['no recipients', '5.2', 'recipients-none', wrapperOf({ header: { recipients: [] } })],
    ['the same unit and desk twice', '5.2', 'recipients-repeated', wrapperOf({ header: { recipients: [one, one] } })],
    ['the same unit with two desks', '5.2', 'ok', wrapperOf({ header: { recipients: [one, { ...one, desk: 'b' }] } })],
    ['1,024 recipients', '9', 'ok', wrapperOf({ header: { recipients: manyRecipients(1024) } })],
    ['1,025 recipients', '9', 'recipients-too-many', wrapperOf({ header: { recipients: manyRecipients(1025) } })],
    ['no parts', '5.2', 'ok', wrapperOf({ header: { parts: [] }, inline: [] })],
    ['65 parts', '9', 'parts-too-many', wrapperOf({ header: { parts: Array(65).fill(part) } })],
    ['part of 64 GiB + 1', '9', 'part-too-large', wrapperOf({ header: { parts: [{ ...part, length: limits.partBytesMax + 1 }] } })],
    ['part digest of 31 bytes', '5.2', 'digest-malformed', wrapperOf({ header: { parts: [{ ...part, sha256: part.sha256.subarray(1) }] } })],
    ['tree root absent', '5.2', 'digest-malformed', wrapperOf({ header: { parts: [{ ...part, treeRoot: new Uint8Array(0) }] } })],
    ['metadata digest of 20 bytes', '5.2', 'digest-malformed', wrapperOf({ header: { metadataDigest: Buffer.alloc(20) } })],
    ['metadata length above 128 KiB', '9', 'header-malformed', wrapperOf({ header: { metadataLength: limits.metadataBytesMax + 1 } })],
    ['deliver by equal to created', '5.2', 'header-malformed', wrapperOf({ header: { deliverByMs: header.createdMs } })],
    ['deliver by 400 days and 1 ms after created', '9', 'header-malformed', wrapperOf({ header: { deliverByMs: header.createdMs + limits.deliverByMaxMs + 1 } })],
    ['created absent', '5.2', 'header-malformed', wrapperOf({ header: { createdMs: 0 } })],
    ['17 links', '9', 'header-malformed', wrapperOf({ header: { links: Array(17).fill(header.links[0]) } })],
    ['link id of 5 bytes', '5.2', 'id-malformed', wrapperOf({ header: { links: [{ relation: 5, envelopeId: Buffer.alloc(5), documentId: Buffer.alloc(0) }] } })],
  ];
}

function legCases(): Case[] {
  return [
    ['leg without recipients', '6.2', 'recipients-none', wrapperOf({ recipients: [] })],
    ['leg index outside the signed recipients', '6.2', 'wrapper-recipient-unsigned', wrapperOf({ recipients: [{ index: 2, unit: recipient.id }] })],
    ['leg index repeated', '6.2', 'recipients-repeated', wrapperOf({ recipients: [leg[0]!, leg[0]!] })],
    ['more leg recipients than signed', '6.2', 'wrapper-recipient-unsigned', wrapperOf({ recipients: [0, 1, 0].map((index) => ({ index, unit: recipient.id })) })],
    ['leg unit that is no unit id', '6.2', 'wrapper-recipient-unsigned', wrapperOf({ recipients: [{ index: 0, unit: '../etc/passwd' }] })],
    ['leg in another order', '6.2', 'ok', wrapperOf({ recipients: [{ index: 1, unit: stranger.id }, { index: 0, unit: recipient.id }] })],
    ['metadata absent (erased)', '5.3', 'ok', wrapperOf({ metadata: null })],
    ['metadata of another length', '5.3', 'metadata-mismatch', wrapperOf({ metadata: { ...metadata, block: metadata.block.subarray(1) } })],
    ['metadata with one bit changed', '5.3', 'metadata-mismatch', wrapperOf({ metadata: { ...metadata, block: flipped(metadata.block, 2) } })],
    ['salt with one bit changed', '5.3', 'metadata-mismatch', wrapperOf({ metadata: { ...metadata, salt: flipped(metadata.salt, 2) } })],
    ['salt of 31 bytes, its last byte moved into the block', '5.3', 'metadata-mismatch', wrapperOf({ metadata: { salt: metadata.salt.subarray(0, 31), block: Buffer.concat([metadata.salt.subarray(31), metadata.block]) }, header: { metadataLength: header.metadataLength + 1 } })],
    ['no inline parts', '6.2', 'ok', wrapperOf({ inline: [] })],
    ['part uploaded before', '6.2', 'ok', wrapperOf({ inline: [], uploaded: [{ index: 0, uploadId: fixedBytes('upload', 16) }] })],
    ['part inline and uploaded', '6.2', 'envelope-malformed', wrapperOf({ uploaded: [{ index: 0, uploadId: fixedBytes('upload', 16) }] })],
    ['upload id of 15 bytes', '6.2', 'envelope-malformed', wrapperOf({ inline: [], uploaded: [{ index: 0, uploadId: fixedBytes('upload', 15) }] })],
    ['inline part with one bit changed', '6.2', 'part-mismatch', wrapperOf({ inline: [{ index: 0, content: flipped(content, 0) }] })],
    ['inline part one byte short', '6.2', 'part-mismatch', wrapperOf({ inline: [{ index: 0, content: content.subarray(1) }] })],
    ['tree root of other content', '7.1', 'part-mismatch', wrapperOf({ header: { parts: [{ ...part, treeRoot: part.sha256 }] } })],
    ['inline part that the header does not have', '6.2', 'envelope-malformed', wrapperOf({ inline: [{ index: 1, content }] })],
    ['inline part twice', '6.2', 'envelope-malformed', wrapperOf({ inline: [0, 0].map((index) => ({ index, content })) })],
    ['inline part of more than 256 KiB', '9', 'envelope-too-large', wrapperOf({ inline: [{ index: 0, content: Buffer.alloc(limits.inlinePartBytesMax + 1) }] })],
  ];
}

type HopCase = readonly [name: string, clause: string, expect: Outcome, expectHops: Outcome, bytes: Buffer];

function hopCases(): HopCase[] {
  const nine = (envelope: Buffer) => {
    const out: Signed[] = [];
    for (let i = 0; i < 9; i++) out.push(hopOf(i % 2 ? nextHub : hub, envelope, out.at(-1)));
    return out;
  };
  const second = (make: (envelope: Buffer, first: Signed) => Signed) => (envelope: Buffer) => {
    const [first] = twoHops(envelope);
    return [first!, make(envelope, first!)];
  };
  return [
    ['good, two hops', '6.4', 'ok', 'ok', wrapperOf({ hops: twoHops })],
    ['hops in another order', '6.4', 'envelope-malformed', 'envelope-malformed', wrapperOf({ hops: (d) => twoHops(d).reverse() })],
    ['first hop missing', '6.4', 'envelope-malformed', 'envelope-malformed', wrapperOf({ hops: (d) => twoHops(d).slice(1) })],
    ['last hop missing (cannot be seen)', '6.4', 'ok', 'ok', wrapperOf({ hops: (d) => twoHops(d).slice(0, 1) })],
    ['hops of another envelope', '6.4', 'envelope-malformed', 'envelope-malformed', wrapperOf({ hops: () => twoHops(fixedBytes('another', 32)) })],
    ['hop signed by another hub', '6.4', 'ok', 'signature-invalid', wrapperOf({ hops: second((d, first) => hopOf(nextHub, d, first, hub.signing)) })],
    ['hop signed by a unit', '6.4', 'ok', 'signature-invalid', wrapperOf({ hops: second((d, first) => hopOf(nextHub, d, first, sender.signing)) })],
    ['hop with one bit of its signature changed', '6.4', 'ok', 'signature-invalid', wrapperOf({ hops: second((d, first) => withSignature((s) => ({ ...s, value: flipped(s.value, 9) }))(hopOf(nextHub, d, first))) })],
    ['hop without signature', '6.4', 'envelope-malformed', 'envelope-malformed', wrapperOf({ hops: second((d, first) => ({ ...hopOf(nextHub, d, first), signature: null })) })],
    ['hop of another type', '6.4', 'envelope-malformed', 'envelope-malformed', wrapperOf({ hops: second((d, first) => ({ ...hopOf(nextHub, d, first), type: 'lienthong/epoch/1' })) })],
    ['hop of more than 1 KiB', '9', 'envelope-too-large', 'envelope-too-large', wrapperOf({ hops: second(() => signOne('lienthong/hop/1', Buffer.alloc(1025), hub.signing)) })],
    ['nine hops', '9', 'route-too-long', 'route-too-long', wrapperOf({ hops: nine })],
  ];
}

const none = new Uint8Array(0);
const about = (relation: number) => ({ relation, documentId: fixedBytes('the document', 16), envelopeId: none });
const noParts = { parts: [], recipients: [header.recipients[0]!], replyByMs: 0 } as const;
const words = (fields: Parameters<typeof buildMetadata>[0]) => buildMetadata(fields, fixedBytes('salt', 32));
/** A header with its block, and what a reader must find in it. */
function sayingCase(
  name: string,
  clause: string,
  change: Partial<Header>,
  fields: Parameters<typeof buildMetadata>[0],
) {
  const block = words(fields);
  const full: Header = {
    ...header,
    ...noParts,
    ...change,
    metadataDigest: metadataDigest(block),
    metadataLength: block.block.length,
  };
  const bytes = wrapperOf({ header: full, metadata: block, inline: [] });
  return {
    name,
    clause,
    expect: 'ok' as const,
    bytes: toBytes(bytes),
    says: {
      kind: full.kind,
      status: full.status && { reason: 0, ...full.status },
      links: full.links.map(({ relation, documentId, envelopeId }) => ({
        relation,
        documentId: Buffer.from(documentId).toString('hex'),
        envelopeId: Buffer.from(envelopeId).toString('hex'),
      })),
      metadata: fields,
    },
  };
}

/** What offices say of a document and ask of it: statuses, recall, update, replacement (clauses 5.5 to 5.7). */
export function changeFiles(): Record<string, VectorFile<object>> {
  const status = (code: string, counter: number, reason = 0) => ({ code, counter, atMs, reason });
  const of = [{ ...about(7), envelopeId: fixedBytes('its envelope', 16) }];
  const answer = [...of, { relation: 5, documentId: fixedBytes('the request', 16), envelopeId: fixedBytes('its request envelope', 16) }];
  const cases = [
    sayingCase('accepted, with the registered number', '5.5', { kind: 5, status: status('03', atMs), links: of }, { registeredNumber: '214', person: 'Nguyễn Thị Bình', clientReference: 'status 1' }),
    sayingCase('returned, with one of the eight reasons', '5.6', { kind: 5, status: status('02', atMs + 1, 4), links: of }, { reason: 'Gửi nhầm nơi nhận' }),
    sayingCase('assigned', '5.5', { kind: 5, status: status('04', atMs + 2), links: of }, { person: 'Phòng Nội vụ' }),
    sayingCase('in process', '5.5', { kind: 5, status: status('05', atMs + 3), links: of }, {}),
    sayingCase('finished', '5.5', { kind: 5, status: status('06', atMs + 4), links: of }, {}),
    sayingCase('a code of a later version', '14', { kind: 5, status: status('77', atMs + 5), links: of }, {}),
    sayingCase('recall', '5.7', { kind: 4, urgency: 1, status: status('13', atMs), links: [about(4)] }, { reason: 'Ban hành nhầm' }),
    sayingCase('recall without a counter, as another system sends it', '5.7', { kind: 4, urgency: 1, links: [about(4)] }, { reason: 'Ban hành nhầm' }),
    sayingCase('agreed: destroyed, or updated', '5.5', { kind: 5, status: status('15', atMs + 6), links: answer }, { person: 'Lê Văn Dũng' }),
    sayingCase('refused', '5.5', { kind: 5, status: status('16', atMs + 7), links: answer }, { reason: 'Đang dùng làm căn cứ' }),
    sayingCase('update: the whole description anew, no files', '5.7', { kind: 2, urgency: 1, status: status('13', atMs), links: [about(3)] }, { subject: 'Trích yếu mới', number: '31', notation: 'BC-UBND', type: 'Báo cáo', pages: 3, reason: 'Sai trích yếu' }),
    sayingCase('replacement of two documents', '5.7', { kind: 3, links: [about(2), { ...about(2), documentId: fixedBytes('another document', 16) }] }, { subject: 'Bản thay thế', number: '32', notation: 'BC-UBND', reason: 'Sai nội dung' }),
  ];
  return {
    changes: {
      about: `Bytes of a Wrapper, judged as those of envelopes.json. says: what a reader finds in it; of metadata the fields named, ids in hex.`,
      vectors: cases,
    },
  };
}

export function envelopeFiles(): Record<string, VectorFile<object>> {
  const cases = [...signatureCases(), ...formCases(), ...headerCases(), ...legCases()];
  const vector = ([name, clause, expect, bytes]: Case): Vector => ({ name, clause, expect, bytes: toBytes(bytes) });
  return {
    envelopes: {
      about: `Bytes of a Wrapper, judged by clause 6.2 at ${atMs} with the keys of keys.json. expect is ok or the code of the first check that fails; expectHops that of clause 6.4 after it.`,
      vectors: [
        ...cases.map(vector),
        ...hopCases().map(([name, clause, expect, expectHops, bytes]) => ({
          ...vector([name, clause, expect, bytes]),
          expectHops,
        })),
      ],
    },
  };
}
