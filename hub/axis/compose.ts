// An envelope as a message of the other system: meaning by hub/edxml/map-out.ts, bytes by write.ts. The same envelope gives the same bytes at each
// try, so that their digest names the message for ever although nobody keeps a copy of it.
import { createHash } from 'node:crypto';
import { ExchangeError } from '../../protocol/errors.ts';
import { kinds, relations } from '../../protocol/seal.ts';
import type { Header, Metadata } from '../../protocol/wire.ts';
import { toEdxml } from '../edxml/map-out.ts';
import type { DocumentMessage, EdxmlMessage, StatusMessage } from '../edxml/model.ts';
import { writeEdxml } from '../edxml/write.ts';
import type { ClaimedDelivery } from '../store/types.ts';
import type { BorderContext } from './context.ts';

type Envelope = {
  readonly header: Header;
  readonly metadata: Metadata;
  /** Of the one recipient that this message is for. */
  readonly index: number;
};

/** Codes: edxml-field-refused, edxml-not-carried. */
export function composeDocument(
  { header, metadata, index }: Envelope,
  { places }: BorderContext,
): { readonly message: DocumentMessage; readonly notCarried: readonly string[] } {
  const filled = { ...metadata, ...aboutTarget(header, metadata, places) };
  const { message, notCarried } = toEdxml({ header: forOne(header, index), metadata: filled }, places);
  return { message: message as DocumentMessage, notCarried };
}

/** Field by field: a spread would lose what the codec keeps on the prototype. */
function forOne(
  header: Header,
  index: number,
): Omit<Header, 'version' | 'metadataDigest' | 'metadataLength'> {
  const { envelopeId, documentId, kind, sender, createdMs, deliverByMs, replyByMs } = header;
  const { urgency, parts, links, clockOffsetMs, status } = header;
  const about = {
    kind,
    sender,
    createdMs,
    deliverByMs,
    replyByMs,
    urgency,
    parts,
    links,
    clockOffsetMs,
    status,
  };
  return { envelopeId, documentId, recipients: [header.recipients[index]!], ...about };
}

/** A request about a document says its number and date again on the other side, whose clerks find it by them. */
function aboutTarget(header: Header, metadata: Metadata, places: BorderContext['places']): Partial<Metadata> {
  if (header.kind !== kinds.recall && header.kind !== kinds.update) return {};
  const wanted = header.kind === kinds.recall ? relations.recalls : relations.updates;
  const link = header.links.find(
    ({ relation, documentId }) => relation === wanted && documentId.length === 16,
  );
  const target = link && places.documentOf(link.documentId);
  if (!target) return {};
  const [number = '', ...notation] = target.code.split('/');
  return {
    number: metadata.number || number,
    notation: metadata.notation || notation.join('/'),
    issueDate: metadata.issueDate || target.date,
    subject: metadata.subject || `Về văn bản số ${target.code}`,
    reason: metadata.reason || 'Theo yêu cầu của nơi gửi',
  };
}

/** `about`: the document of the other side of which the status speaks; it goes to the office that issued it. */
export function composeStatus(status: {
  readonly from: StatusMessage['from'];
  readonly about: StatusMessage['responseFor'];
  readonly code: string;
  readonly description: string;
  readonly at: string;
}): StatusMessage {
  return {
    what: 'status',
    from: status.from,
    responseFor: status.about,
    staff: null,
    code: status.code,
    description: status.description,
    at: status.at,
    extras: [],
  };
}

export async function digestOf(
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ readonly sha256: Uint8Array; readonly lengthBytes: number }> {
  const digest = createHash('sha256');
  let lengthBytes = 0;
  for await (const piece of bytes) {
    digest.update(piece);
    lengthBytes += piece.length;
  }
  return { sha256: digest.digest(), lengthBytes };
}

/** Streams the message with the parts of its envelope. Code: content-gone. */
export function openParts(
  message: EdxmlMessage,
  { header, claimed }: { readonly header: Header; readonly claimed: ClaimedDelivery },
  { content }: BorderContext,
): AsyncIterable<Buffer> {
  const inline = new Map(claimed.inlineParts.map(({ index, content: bytes }) => [index, bytes]));
  return writeEdxml(message, async function* (index) {
    const bytes = inline.get(index);
    if (bytes) return yield bytes;
    const part = header.parts[index];
    if (!part) throw new ExchangeError('content-gone', `part ${index}`);
    yield* await content.read(part.sha256);
  });
}
