// A document is handed in: everything that a hub or a receiver would refuse is refused here with the remedy, then content and row become
// durable in one commit; only then is it answered. The same key with the same request gives the same document. Must never take work
// that the disk has no room for, nor before a restored outbox is rebuilt.
import { hash } from 'node:crypto';
import { createChunkHasher } from '../../protocol/chunks.ts';
import { metadataCodec } from '../../protocol/codec.ts';
import { violation } from '../../protocol/document/violations.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { newDocumentId, parseDocumentId, parseEnvelopeId, uuidToBytes } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { assertHeader, buildMetadata, kinds, urgencies } from '../../protocol/seal.ts';
import type { EdgeContext } from '../context.ts';
import type { SubmitLink, SubmitPart, SubmitRequest } from '../core.ts';
import { sentEntry } from '../office/entries.ts';
import { resolveRecipients } from '../recipients/resolve.ts';
import { assertNoSecret, checkForSending } from '../safety/quick.ts';
import { isDocumentKind } from '../statuses/change-rows.ts';
import type { NewDocument, PartRow, RecipientRow, SubmitOutcome } from '../store/types.ts';
import { metadataText } from './metadata-text.ts';
import { wireLinks } from './sealing.ts';

export async function submitDocument(request: SubmitRequest, context: EdgeContext): Promise<SubmitOutcome> {
  const { store, clock, disk, line, randomBytes } = context;
  if (line.recovering()) throw new ExchangeError('store-recovering', '', { retryAfterMs: 5_000 });
  disk.assertRoom();
  const unit = sendingUnit(request.unit, context);
  const key = request.idempotencyKey;
  const keyBytes = Buffer.byteLength(key);
  if (keyBytes < 1 || keyBytes > 200)
    throw new ExchangeError('request-malformed', 'idempotencyKey has 1 to 200 bytes');
  const nowMs = clock.nowMs();
  const names = request.parts.map(({ name }) => name);
  const { recipients, paper } = resolveRecipients(request.to, unit, context);
  // Members of a group that cannot be reached here stand in the document as places for paper.
  const places = [...(request.metadata.otherPlaces ?? []), ...paper];
  const said = metadataText(
    { ...request.metadata, ...(places.length > 0 ? { otherPlaces: places } : {}) },
    names,
    request.keepText === true,
  );
  // A document of before is answered as it was, whatever the rules are today. Nearly all are new, so it is asked only of what these refuse.
  const unlessKnown = (error: unknown): undefined => {
    if (!store.keyKnown(unit, key)) throw error;
  };
  try {
    assertNoSecret({ ...request.metadata, parts: request.parts });
  } catch (error) {
    unlessKnown(error);
  }
  const parts = await storeParts(request.parts, unit, context);
  try {
    assertFilled(parts);
  } catch (error) {
    unlessKnown(error);
  }
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  assertTaken(recipients, { bytes, kind: request.kind ?? kinds.document }, context);
  const links = JSON.stringify((request.links ?? []).map(checkedLink));
  const metadata = buildMetadata(
    {
      ...said,
      clientReference: key,
      parts: parts.map(({ name, mediaType }) => ({ name, mediaType })),
    },
    randomBytes(32),
  );
  const asked =
    paper.length === 0
      ? metadata.block
      : buildMetadata(
          {
            ...metadataText(request.metadata, names, request.keepText === true),
            clientReference: key,
            parts: parts.map(({ name, mediaType }) => ({ name, mediaType })),
          },
          metadata.salt,
        ).block;
  assertMetadata(request);
  const documentId = uuidToBytes(newDocumentId(nowMs, randomBytes(10)));
  const { kind = kinds.document, urgency = urgencies.normal, replyByMs = 0 } = request;
  const status = request.status ?? null;
  assertHeader({
    version: 1,
    envelopeId: documentId,
    documentId,
    kind,
    sender: unit,
    recipients: recipients.map(({ unit: to, desk, group, groupVersion }) => ({
      unit: to,
      desk,
      group,
      groupDirectoryVersion: groupVersion,
    })),
    createdMs: nowMs,
    deliverByMs: request.deliverByMs ?? nowMs + limits.deliverByDefaultMs,
    replyByMs,
    urgency,
    parts: parts.map(({ length, sha256, treeRoot }) => ({ length, sha256, treeRoot, encryption: 0 })),
    metadataDigest: new Uint8Array(32),
    metadataLength: metadata.block.length,
    // One more may come: the sending that a later one follows.
    links: [...wireLinks(links), ...wireLinks(links).slice(0, 1)],
    clockOffsetMs: 0,
    status,
  });
  const actor = request.actor ?? '';
  const check = await checkForSending({ unit, kind, actor, parts }, context).catch(unlessKnown);
  const document: NewDocument = {
    documentId,
    unit,
    idempotencyKey: key,
    // Of what was asked: who of a group is for paper may change until it is asked again.
    requestDigest: digestOf(request, parts, asked),
    kind,
    urgency,
    nowMs,
    deliverByMs: request.deliverByMs ?? null,
    replyByMs,
    links,
    status: status === null ? null : JSON.stringify(status),
    salt: metadata.salt,
    metadata: metadata.block,
    subject: said.subject ?? '',
    notation: said.notation ?? '',
    number: said.number ?? '',
    ...bookEntry(kind, metadata.block, recipients, context),
    bytes,
    recipients,
    parts,
    actor,
    evenIfDuplicate: request.evenIfDuplicate ?? false,
    check,
  };
  let taken = false;
  store.fresh.keepSent(document);
  try {
    const outcome = await store.write('submitDocument', document);
    taken = !outcome.duplicate;
    if (check?.state === 'pending') context.safety.nudge();
    return outcome;
  } finally {
    if (!taken) store.fresh.forgetSent(document);
  }
}

/** What the outgoing register says of it; only those with a number are registered by themselves. */
function bookEntry(
  kind: number,
  block: Uint8Array,
  recipients: readonly RecipientRow[],
  context: EdgeContext,
) {
  if (!isDocumentKind(kind)) return {};
  const metadata = metadataCodec.decode(block);
  const directory = context.directory.current();
  const places = recipients.map(({ unit }) => directory.unit(unit)?.name || directory.codeOf(unit));
  return { entry: sentEntry(metadata, places, context.clock.nowMs()) };
}

/** Internal id of one of our units, by id or code. */
export function sendingUnit(given: string | undefined, context: EdgeContext): string {
  const { units } = context.identity();
  if (given === undefined) {
    if (units.length === 1) return units[0]!.unit;
    throw new ExchangeError('request-malformed', 'this node serves several units: name the sending one');
  }
  const upper = given.toUpperCase();
  const own = units.find(({ unit, code }) => unit === given || code.toUpperCase() === upper);
  if (own) return own.unit;
  const named = context.directory.current().byCode(given, context.clock.nowMs());
  if (named && units.some(({ unit }) => unit === named.unit)) return named.unit;
  throw new ExchangeError('peer-not-sender', given.slice(0, 64));
}

/** A unit that takes only smaller documents says so in the directory: the sender learns it now and not after a day of upload. */
export function assertTaken(
  recipients: readonly RecipientRow[],
  { bytes, kind }: { readonly bytes: number; readonly kind: number },
  context: EdgeContext,
): void {
  const directory = context.directory.current();
  const units = recipients.flatMap(({ unit }) => directory.unit(unit) ?? []);
  const tooSmall = units.find(({ documentBytesMax }) => documentBytesMax > 0 && bytes > documentBytesMax);
  if (tooSmall)
    throw new ExchangeError(
      'part-too-large',
      `${directory.codeOf(tooSmall.unit)} takes at most ${tooSmall.documentBytesMax} bytes`,
    );
  const other = units.find(({ acceptedKinds }) => acceptedKinds?.length && !acceptedKinds.includes(kind));
  if (other) throw new ExchangeError('kind-not-taken', `${directory.codeOf(other.unit)}: kind ${kind}`);
}

function assertMetadata({ metadata }: SubmitRequest): void {
  if (Buffer.byteLength(metadata.subject ?? '') > limits.subjectBytesMax)
    throw new ExchangeError('metadata-malformed', `subject: at most ${limits.subjectBytesMax} bytes`);
}

/** Throws `id-malformed`. */
function checkedLink({ relation, envelopeId, documentId }: SubmitLink): SubmitLink {
  if (!Number.isSafeInteger(relation) || relation < 1)
    throw new ExchangeError('request-malformed', 'relation');
  return {
    relation,
    ...(envelopeId ? { envelopeId: parseEnvelopeId(envelopeId) } : {}),
    ...(documentId ? { documentId: parseDocumentId(documentId) } : {}),
  };
}

/** The protocol carries empty parts; an office that sends one has chosen the wrong file, or lost what was in it. */
function assertFilled(parts: readonly PartRow[]): void {
  const violations = parts.flatMap(({ length }, i) =>
    length > 0 ? [] : [violation(`/parts/${i}`, 'rỗng (0 byte).', 'no content (0 bytes)')],
  );
  const [first] = violations;
  if (first) throw new ExchangeError('file-empty', first.field, { violations });
}

/** Small parts stay in memory for the row; what is larger than may ride along goes to the content folder, durable on return. */
async function storeParts(
  given: readonly SubmitPart[],
  unit: string,
  context: EdgeContext,
): Promise<PartRow[]> {
  if (given.length > limits.partsMax) throw new ExchangeError('parts-too-many', `${given.length}`);
  const rows: PartRow[] = [];
  let inlineBytes = 0;
  for (const part of given) {
    const { name, mediaType } = part;
    if (Buffer.byteLength(mediaType) > 127)
      throw new ExchangeError('metadata-malformed', 'media type: at most 127 bytes');
    if ('handle' in part) {
      rows.push({ name, mediaType, content: null, ...(await stagedPart(part.handle, unit, context)) });
      continue;
    }
    const { content } = part;
    const rides =
      content.length <= limits.inlinePartBytesMax &&
      inlineBytes + content.length <= limits.inlineTotalBytesMax;
    if (rides) {
      inlineBytes += content.length;
      const hasher = createChunkHasher();
      hasher.update(content);
      const { lengthBytes: length, sha256, treeRoot } = hasher.finish();
      rows.push({ name, mediaType, length, sha256, treeRoot, content });
    } else {
      context.disk.assertRoom(content.length);
      const { lengthBytes: length, sha256, treeRoot } = await context.content.addStream(once(content));
      rows.push({ name, mediaType, length, sha256, treeRoot, content: null });
    }
  }
  return rows;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function stagedPart(handle: string, unit: string, { store, content }: EdgeContext) {
  const staged = store.staged(handle);
  // The handle of another unit is unknown here: its existence is nobody's business.
  if (staged?.unit !== unit || !(await content.touch(staged.sha256)))
    throw new ExchangeError('content-gone', 'no such handle');
  return { length: staged.length, sha256: staged.sha256, treeRoot: staged.tree_root };
}

/** SHA-256 over everything that the caller said; addresses as written, so that a directory change is not another request. */
function digestOf(request: SubmitRequest, parts: readonly PartRow[], metadata: Uint8Array): Uint8Array {
  const said = JSON.stringify([
    'lienthong submit 1',
    request.to,
    request.kind ?? kinds.document,
    request.urgency ?? urgencies.normal,
    request.deliverByMs ?? 0,
    request.replyByMs ?? 0,
    (request.links ?? []).map((l) => [l.relation, l.envelopeId ?? '', l.documentId ?? '']),
    request.status ? [request.status.code, request.status.counter, request.status.atMs] : [],
    parts.map(({ length, sha256 }) => [length, Buffer.from(sha256).toString('base64')]),
    hash('sha256', metadata, 'base64'),
  ]);
  return hash('sha256', said, 'buffer');
}
