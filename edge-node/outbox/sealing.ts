// Sealing of what waits in the outbox, and the wrapper of one envelope. A document is sealed once, just before its first send, so that
// it can be cancelled until then; one signature covers all that a unit has waiting. The kept bytes are what every try sends.
import { signedCodec, wrapperCodec } from '../../protocol/codec.ts';
import { type ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { newEnvelopeId, uuidToBytes } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { type HeaderDraft, relations, seal, type ToSeal } from '../../protocol/seal.ts';
import type { SigningKey } from '../../protocol/signature.ts';
import type { Link, Status } from '../../protocol/wire.ts';
import type { EnvelopeToSend } from '../store/outbox-reads.ts';
import type { SealedRow } from '../store/types.ts';

export type SealingOptions = {
  readonly nowMs: number;
  readonly clockOffsetMs: number;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly keyOf: (unit: string) => SigningKey;
};
export type SealResult = {
  readonly sealed: readonly SealedRow[];
  readonly refused: readonly { readonly seq: number; readonly error: ExchangeError }[];
};

/** What `documents.links` and `documents.status` hold. */
export type StoredLink = {
  readonly relation: number;
  readonly envelopeId?: string;
  readonly documentId?: string;
};
const noId = new Uint8Array(0);

export function wireLinks(text: string): Link[] {
  return (JSON.parse(text) as StoredLink[]).map(({ relation, envelopeId, documentId }) => ({
    relation,
    envelopeId: envelopeId ? uuidToBytes(envelopeId) : noId,
    documentId: documentId ? uuidToBytes(documentId) : noId,
  }));
}

function draftOf(e: EnvelopeToSend, options: SealingOptions): ToSeal {
  const { nowMs, clockOffsetMs, randomBytes } = options;
  const links = wireLinks(e.links);
  if (e.follows) links.push({ relation: relations.follows, envelopeId: e.follows, documentId: e.documentId });
  const header: HeaderDraft = {
    envelopeId: uuidToBytes(newEnvelopeId(nowMs, randomBytes(10))),
    documentId: e.documentId,
    kind: e.kind,
    sender: e.unit,
    recipients: e.recipients.map(({ unit, desk, grp, grp_version }) => ({
      unit,
      desk,
      group: grp,
      groupDirectoryVersion: grp_version,
    })),
    createdMs: nowMs,
    deliverByMs: termOf(e, nowMs),
    replyByMs: e.replyByMs,
    urgency: e.urgency,
    parts: e.parts.map(({ length, sha256, tree_root }) => ({
      length,
      sha256,
      treeRoot: tree_root,
      encryption: 0,
    })),
    links,
    clockOffsetMs,
    status: e.status === null ? null : (JSON.parse(e.status) as Status),
  };
  return { header, metadata: { salt: e.salt ?? noId, block: e.metadata ?? noId } };
}

/** A term that was over when a further sending was asked for was that of the sending before; a person who sends again knows it. */
const termOf = ({ deliverByMs, queuedMs }: EnvelopeToSend, nowMs: number): number =>
  deliverByMs === null || deliverByMs <= queuedMs ? nowMs + limits.deliverByDefaultMs : deliverByMs;

/** Seals all of one unit under one signature; a draft that cannot be sealed is refused alone. */
export function sealWaiting(envelopes: readonly EnvelopeToSend[], options: SealingOptions): SealResult {
  const sealed: SealedRow[] = [];
  const refused: { seq: number; error: ExchangeError }[] = [];
  const byUnit = Map.groupBy(envelopes, ({ unit }) => unit);
  const sealSome = (unit: string, some: readonly EnvelopeToSend[]): void => {
    try {
      const drafts = some.map((e) => draftOf(e, options));
      const done = seal(drafts, options.keyOf(unit));
      for (const [i, { digest, bytes }] of done.entries())
        sealed.push({ seq: some[i]!.seq, envelopeId: drafts[i]!.header.envelopeId, digest, signed: bytes });
    } catch (error) {
      if (!isExchangeError(error) || error.row.retry !== 'never') throw error;
      if (some.length > 1) for (const one of some) sealSome(unit, [one]);
      else refused.push({ seq: some[0]!.seq, error });
    }
  };
  for (const [unit, some] of byUnit) sealSome(unit, some);
  return { sealed, refused };
}

/** The submission wrapper: the sealed header as kept, metadata, small parts; large ones by the id of their finished upload. */
export function buildWrapper(e: EnvelopeToSend, signed: Uint8Array): Uint8Array {
  const uploads = new Map(e.uploads.map(({ idx, uploadId }) => [idx, uploadId]));
  return wrapperCodec.encode({
    envelope: signedCodec.decode(signed),
    recipients: e.recipients.map(({ idx, unit }) => ({ index: idx, unit })),
    ...(e.salt && e.metadata ? { metadata: { salt: e.salt, block: e.metadata } } : {}),
    inlineParts: e.parts.flatMap(({ idx, content }) => (content ? [{ index: idx, content }] : [])),
    uploadedParts: e.parts.flatMap(({ idx, content }) => {
      const uploadId = content ? undefined : uploads.get(idx);
      return uploadId ? [{ index: idx, uploadId: uuidToBytes(uploadId) }] : [];
    }),
  });
}

/** What the wrapper will take on the line, from above. */
export function wrapperSize(e: EnvelopeToSend): number {
  const inline = e.parts.reduce((sum, { content }) => sum + (content ? content.length + 16 : 0), 0);
  return 2048 + inline + (e.metadata?.length ?? 0) + e.recipients.length * 160 + e.parts.length * 160;
}
