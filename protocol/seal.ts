// Document -> sealed header. The sealing unit signs facts for routing and proof; what people read goes into a salted block bound by
// its digest. Pure: salt, ids and time come in. A node seals once and keeps the bytes: every retry sends the same. PROTOCOL.md 5.
import { hash } from 'node:crypto';
import { headerCodec, metadataCodec, signedCodec } from './codec.ts';
import { ExchangeError } from './errors.ts';
import { type EnvelopeId, isUnitId, uuidFromBytes } from './ids.ts';
import { limits } from './limits.ts';
import { assertDistinctNames, assertPartName } from './names.ts';
import { type SigningKey, signMany } from './signature.ts';
import type { Header, Metadata, MetadataBlock, Signed } from './wire.ts';

export const kinds = { document: 1, update: 2, replacement: 3, recall: 4, status: 5 } as const;
export const urgencies = { normal: 0, urgent: 1, veryUrgent: 2, flash: 3, flashTimed: 4 } as const;
export const relations = {
  follows: 1,
  replaces: 2,
  updates: 3,
  recalls: 4,
  answers: 5,
  relates: 6,
  statusOf: 7,
  corrects: 8,
} as const;

/** SHA-256 over salt || block: what the header carries of the metadata. PROTOCOL.md 5.3. */
export function metadataDigest({ salt, block }: MetadataBlock): Buffer {
  return hash('sha256', Buffer.concat([salt, block]), 'buffer');
}

/** SHA-256 of the signed header bytes: what receipts, the ledger and the duplicate key bind. */
export function envelopeDigest(headerBytes: Uint8Array): Buffer {
  return hash('sha256', headerBytes, 'buffer');
}

/**
 * Encodes and salts metadata. `salt` is 32 fresh random bytes. Part names are checked here, at the sending node. Codes:
 * metadata-malformed, part-name-refused.
 */
export function buildMetadata(metadata: Partial<Metadata>, salt: Uint8Array): MetadataBlock {
  const names = (metadata.parts ?? []).map((part) => part.name);
  for (const name of names) assertPartName(name);
  assertDistinctNames(names);
  const block = metadataCodec.encode(metadata);
  if (block.length > limits.metadataBytesMax)
    throw new ExchangeError(
      'metadata-malformed',
      `${block.length} bytes, at most ${limits.metadataBytesMax}`,
    );
  // What a receiver could not read (half of a surrogate pair is no UTF-8) must not be sealed.
  metadataCodec.decode(block);
  return { salt, block };
}

export type HeaderDraft = Omit<Header, 'version' | 'metadataDigest' | 'metadataLength'>;
export type ToSeal = { readonly header: HeaderDraft; readonly metadata: MetadataBlock };
export type Sealed = {
  readonly envelopeId: EnvelopeId;
  readonly headerBytes: Buffer;
  readonly digest: Buffer;
  readonly signed: Signed;
  /** Encoded Signed: these bytes are kept and sent at every try. */
  readonly bytes: Buffer;
};

/** Seals 1 to 1,024 drafts of one unit under one signature. Structural mistakes throw the code that a hub would answer with. */
export function seal(drafts: readonly ToSeal[], key: SigningKey): Sealed[] {
  const headers = drafts.map(({ header, metadata }) => {
    const full: Header = {
      ...header,
      version: 1,
      metadataDigest: metadataDigest(metadata),
      metadataLength: metadata.block.length,
    };
    assertHeader(full);
    const bytes = headerCodec.encode(full);
    if (bytes.length > limits.headerBytesMax)
      throw new ExchangeError('header-too-large', `${bytes.length} bytes`);
    return { id: uuidFromBytes(full.envelopeId) as EnvelopeId, bytes };
  });
  const signed = signMany(
    headers.map(({ bytes }) => ({ type: 'lienthong/header/1', bytes })),
    key,
  );
  return headers.map(({ id, bytes }, i) => ({
    envelopeId: id,
    headerBytes: bytes,
    digest: envelopeDigest(bytes),
    signed: signed[i]!,
    bytes: signedCodec.encode(signed[i]!),
  }));
}

const wholeNumber = (value: number, max = Number.MAX_SAFE_INTEGER) =>
  Number.isSafeInteger(value) && value >= 0 && value <= max;

/**
 * Structure of a header, the same check when sealing and when opening. Codes: header-malformed, envelope-version-unsupported,
 * recipients-none, recipients-too-many, recipients-repeated, parts-too-many, part-too-large, digest-malformed, id-malformed.
 */
export function assertHeader(header: Header): void {
  if (header.version !== 1)
    throw new ExchangeError('envelope-version-unsupported', `version ${header.version}`);
  if (header.envelopeId.length !== 16 || header.documentId.length !== 16)
    throw new ExchangeError('id-malformed', 'envelope or document id');
  if (!isUnitId(header.sender)) throw new ExchangeError('header-malformed', 'sender');
  if (!wholeNumber(header.kind, 65_535) || header.kind === 0)
    throw new ExchangeError('header-malformed', 'kind');
  if (!wholeNumber(header.urgency, 255)) throw new ExchangeError('header-malformed', 'urgency');
  for (const [name, at] of [
    ['created_ms', header.createdMs],
    ['deliver_by_ms', header.deliverByMs],
    ['reply_by_ms', header.replyByMs],
  ] as const)
    if (!wholeNumber(at)) throw new ExchangeError('header-malformed', name);
  if (header.createdMs === 0 || header.deliverByMs <= header.createdMs)
    throw new ExchangeError('header-malformed', 'deliver_by_ms is not after created_ms');
  if (header.deliverByMs - header.createdMs > limits.deliverByMaxMs)
    throw new ExchangeError('header-malformed', 'deliver_by_ms is more than 400 days after created_ms');
  assertRecipients(header.recipients);
  assertParts(header);
  assertLinks(header);
}

const absentOrId = ({ length }: Uint8Array) => length === 0 || length === 16;

function assertLinks({ links, status }: Header): void {
  if (links.length > 16) throw new ExchangeError('header-malformed', 'more than 16 links');
  for (const { relation, envelopeId, documentId } of links) {
    if (relation === 0) throw new ExchangeError('header-malformed', 'a link without a relation');
    if (!absentOrId(envelopeId) || !absentOrId(documentId)) throw new ExchangeError('id-malformed', 'link');
  }
  if (status && Buffer.byteLength(status.code) > 8)
    throw new ExchangeError('header-malformed', 'status code is longer than 8 bytes');
}

/** Codes: `recipients-none`, `recipients-too-many`, `recipients-repeated`, `header-malformed`. */
export function assertRecipients(recipients: Header['recipients']): void {
  if (recipients.length === 0) throw new ExchangeError('recipients-none');
  if (recipients.length > limits.recipientsMax)
    throw new ExchangeError('recipients-too-many', `${recipients.length}, at most ${limits.recipientsMax}`);
  const seen = new Set<string>();
  for (const { unit, desk, group } of recipients) {
    if (!isUnitId(unit)) throw new ExchangeError('header-malformed', 'recipient unit');
    if (Buffer.byteLength(desk) > 64 || Buffer.byteLength(group) > 64)
      throw new ExchangeError('header-malformed', 'desk or group is longer than 64 bytes');
    if (!desk.isWellFormed() || !group.isWellFormed())
      throw new ExchangeError('header-malformed', 'desk or group is not well-formed Unicode');
    const address = `${desk}@${unit}`;
    if (seen.has(address)) throw new ExchangeError('recipients-repeated', unit);
    seen.add(address);
  }
}

function assertParts({ parts, metadataDigest: digest, metadataLength }: Header): void {
  if (parts.length > limits.partsMax)
    throw new ExchangeError('parts-too-many', `${parts.length}, at most ${limits.partsMax}`);
  for (const part of parts) {
    if (!wholeNumber(part.length)) throw new ExchangeError('header-malformed', 'part length');
    if (part.length > limits.partBytesMax) throw new ExchangeError('part-too-large', `${part.length} bytes`);
    if (part.sha256.length !== 32 || part.treeRoot.length !== 32)
      throw new ExchangeError('digest-malformed', 'part');
  }
  if (digest.length !== 32) throw new ExchangeError('digest-malformed', 'metadata_digest');
  if (!wholeNumber(metadataLength, limits.metadataBytesMax))
    throw new ExchangeError('header-malformed', 'metadata_length');
}
