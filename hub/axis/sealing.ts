// The border seals: a document of an office that is not in this exchange gets an envelope whose sender is the border's own unit, with its own
// key. Whom it seals for is said in the metadata and is the border's word; nobody pretends that the foreign office sealed (PROTOCOL.md 16).
import { randomBytes } from 'node:crypto';
import type { PartDigest } from '../../protocol/chunks.ts';
import { wrapperCodec } from '../../protocol/codec.ts';
import { newDocumentId, newEnvelopeId, uuidToBytes } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import type { ContentStore } from '../../protocol/node/content-store.ts';
import { buildMetadata, seal } from '../../protocol/seal.ts';
import type { SigningKey } from '../../protocol/signature.ts';
import type { Foreign } from '../../protocol/wire.ts';
import type { Incoming } from '../edxml/map-in.ts';
import type { HubStore } from '../store/store.ts';

export type ToSealForeign = {
  readonly incoming: Incoming;
  readonly digests: readonly PartDigest[];
  /** The border's unit. */
  readonly sender: string;
  readonly recipient: string;
  /** 16 bytes; undefined makes a new document. */
  readonly documentId: Uint8Array | undefined;
  readonly foreign: Foreign;
  readonly statusCounter: number;
};
export type SealedForeign = {
  readonly wrapper: Buffer;
  readonly envelopeId: Uint8Array;
  readonly documentId: Uint8Array;
};

/** Content of large parts is known as the border's own on return. Codes of protocol/seal.ts. */
export async function sealForeign(
  what: ToSealForeign,
  deps: {
    readonly key: SigningKey;
    readonly store: HubStore;
    readonly content: ContentStore;
    readonly nowMs: number;
  },
): Promise<SealedForeign> {
  const { incoming, digests, sender, recipient } = what;
  const { store, content, nowMs } = deps;
  const metadata = buildMetadata({ ...incoming.metadata, foreign: what.foreign }, randomBytes(32));
  const envelopeId = uuidToBytes(newEnvelopeId(nowMs, randomBytes(10)));
  const documentId = what.documentId ?? uuidToBytes(newDocumentId(nowMs, randomBytes(10)));
  const { header } = incoming;
  const [sealed] = seal(
    [
      {
        metadata,
        header: {
          envelopeId,
          documentId,
          kind: header.kind,
          sender,
          recipients: [{ unit: recipient, desk: '', group: '', groupDirectoryVersion: 0 }],
          createdMs: nowMs,
          deliverByMs: nowMs + limits.deliverByDefaultMs,
          replyByMs: header.replyByMs,
          urgency: header.urgency,
          parts: digests.map(({ lengthBytes, sha256, treeRoot }) => ({
            length: lengthBytes,
            sha256,
            treeRoot,
            encryption: 0,
          })),
          links: header.links,
          clockOffsetMs: 0,
          status: header.status && { ...header.status, counter: what.statusCounter },
        },
      },
    ],
    deps.key,
  );
  let left = limits.inlineTotalBytesMax;
  const inlineParts: { index: number; content: Uint8Array }[] = [];
  for (const [index, { lengthBytes, sha256 }] of digests.entries()) {
    if (lengthBytes <= limits.inlinePartBytesMax && lengthBytes <= left) {
      left -= lengthBytes;
      inlineParts.push({ index, content: await whole(content, sha256) });
    } else await store.rememberContent({ unit: sender, sha256, length: lengthBytes, nowMs });
  }
  const wrapper = wrapperCodec.encode({
    envelope: sealed!.signed,
    recipients: [{ index: 0, unit: recipient }],
    metadata,
    inlineParts,
  });
  return { wrapper, envelopeId, documentId };
}

async function whole(content: ContentStore, sha256: Uint8Array): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of await content.read(sha256)) pieces.push(piece);
  return Buffer.concat(pieces);
}
