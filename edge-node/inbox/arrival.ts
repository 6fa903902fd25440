// One delivery item -> what to do with it: take it, fetch its large parts first, refuse it for ever, or defer it. Verifies everything
// again; the hub is trusted for transport only. Must never refuse a sender's document for a fault of the hub, of this node or of the
// line: those are deferred and come again.
import { hash } from 'node:crypto';
import { metadataCodec, signedCodec, wrapperCodec } from '../../protocol/codec.ts';
import { foreignSender, heirsOf } from '../../protocol/directory.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { assertDistinctNames, assertPartName } from '../../protocol/names.ts';
import { type OpenedEnvelope, openDecoded } from '../../protocol/open.ts';
import { envelopeDigest, kinds } from '../../protocol/seal.ts';
import { events } from '../../protocol/statement.ts';
import type { DeliveryItem, Metadata, PartName, Statement, Wrapper } from '../../protocol/wire.ts';
import type { EdgeContext } from '../context.ts';
import { openKnownStatement } from '../statement-row.ts';
import type { ArrivalFacts, RefusedDelivery, TakenDelivery, TakenRecipient } from '../store/types.ts';

export type ArrivalVerdict =
  | { readonly kind: 'take'; readonly delivery: TakenDelivery; readonly large: readonly number[] }
  | { readonly kind: 'refuse'; readonly refusal: RefusedDelivery }
  | { readonly kind: 'defer'; readonly deliveryIds: readonly number[]; readonly error: ExchangeError };

export async function openArrival(item: DeliveryItem, context: EdgeContext): Promise<ArrivalVerdict> {
  const defer = (error: ExchangeError): ArrivalVerdict => ({
    kind: 'defer',
    deliveryIds: item.deliveryIds,
    error,
  });
  let facts: ArrivalFacts;
  let wrapper: Wrapper;
  let receipt: Statement;
  try {
    // 1 The hub's receipt: what it accepted, and when. 2 The wrapper carries exactly that.
    receipt = await openReceipt(item, context);
    wrapper = wrapperCodec.decode(item.wrapper);
    facts = factsOf(item, wrapper, receipt, context);
  } catch (error) {
    if (!isExchangeError(error)) throw error;
    // None of this is signed by the sender: the hub, or the line, is at fault.
    return defer(
      error.row.retry === 'never'
        ? new ExchangeError('hub-answer-malformed', error.code, { cause: error })
        : error,
    );
  }
  if (facts.recipients.length === 0) return defer(new ExchangeError('unit-has-no-node', 'no unit of ours'));
  try {
    // 3 Seal, header, leg, metadata, small parts, at the accepted time.
    const opened = await openSealed(wrapper, receipt.atMs, context);
    assertSuccession(opened, facts.recipients, context);
    const delivery = {
      ...takenOf(opened, item, receipt, facts),
      standsFor: standsFor(opened, context),
    };
    return {
      kind: 'take',
      delivery,
      large: delivery.parts.flatMap(({ content }, i) => (content ? [] : [i])),
    };
  } catch (error) {
    if (!isExchangeError(error)) throw error;
    if (error.row.retry !== 'never') return defer(error);
    const { wrapper: bytes } = item;
    return {
      kind: 'refuse',
      refusal: {
        ...facts,
        code: error.code,
        wrapper: bytes,
        wrapperDigest: hash('sha256', bytes, 'buffer'),
        receipt: item.receipt,
      },
    };
  }
}

async function openReceipt(item: DeliveryItem, context: EdgeContext): Promise<Statement> {
  const { statement } = await openKnownStatement(item.receipt, context);
  if (statement.event !== events.SubmissionAcceptance && statement.event !== events.RelayAcceptance)
    throw new ExchangeError('statement-mismatch', `event ${statement.event} as proof of acceptance`);
  return statement;
}

function factsOf(
  item: DeliveryItem,
  wrapper: Wrapper,
  receipt: Statement,
  context: EdgeContext,
): ArrivalFacts {
  if (!wrapper.envelope) throw new ExchangeError('envelope-malformed', 'no sealed header');
  const digest = envelopeDigest(wrapper.envelope.bytes);
  if (!digest.equals(receipt.envelopeDigest)) throw new ExchangeError('statement-mismatch', 'digest');
  if (item.deliveryIds.length !== wrapper.recipients.length)
    throw new ExchangeError('envelope-malformed', 'deliveries and recipients differ in number');
  const ours = new Set(context.identity().units.map(({ unit }) => unit));
  const recipients = wrapper.recipients.flatMap(({ index, unit }, i): TakenRecipient[] =>
    ours.has(unit)
      ? [{ index, unit, desk: '', deliveryId: item.deliveryIds[i]!, statementId: context.randomBytes(16) }]
      : [],
  );
  const { sender, envelopeId, documentId, epoch, ledgerSequence } = receipt;
  return { sender, envelopeId, documentId, digest, epoch, ledgerSequence, recipients };
}

async function openSealed(wrapper: Wrapper, atMs: number, context: EdgeContext): Promise<OpenedEnvelope> {
  const { signers, verifier, directory, link } = context;
  const options = { resolve: signers.seal, verifier, atMs };
  try {
    return await openDecoded(wrapper, options);
  } catch (error) {
    if (!isExchangeError(error, 'signer-unknown')) throw error;
    if (!(await directory.refreshForSigner(link))) throw error;
    return openDecoded(wrapper, options);
  }
}

/** The unit that gets it is the signed one, or its successor by the signed directory: the wrapper itself is nobody's word. */
function assertSuccession(
  { header }: OpenedEnvelope,
  recipients: readonly TakenRecipient[],
  context: EdgeContext,
): void {
  const directory = context.directory.current();
  for (const { index, unit } of recipients) {
    const signed = header.recipients[index]!.unit;
    if (unit !== signed && !heirsOf(directory, signed).has(unit))
      throw new ExchangeError('wrapper-recipient-unsigned', `${unit} is not the signed recipient`);
  }
}

/**
 * The sender, and those concerned units that it succeeds by the directory, or seals for as their border: a merged office reports on, and
 * recalls, what its predecessor received or sent. Only of a kind that speaks of another document.
 */
function standsFor({ header, wrapper }: OpenedEnvelope, context: EdgeContext): string[] {
  const concerned =
    header.kind === kinds.document
      ? []
      : header.links.flatMap(({ documentId }) => context.store.unitsConcerned(documentId));
  const directory = context.directory.current();
  const foreign = foreignSender(
    directory,
    header.sender,
    wrapper.metadata ? metadataCodec.decode(wrapper.metadata.block) : undefined,
  );
  // A border speaks for the office that it names, and for no other behind it.
  const behind = (unit: string) =>
    foreign !== undefined &&
    directory.unit(unit)?.border === header.sender &&
    directory.byCode(foreign.code, context.clock.nowMs())?.unit === unit;
  const spokenFor = concerned.filter(
    (unit) => unit === header.sender || heirsOf(directory, unit).has(header.sender) || behind(unit),
  );
  return [...new Set([header.sender, ...spokenFor])];
}

function takenOf(
  opened: OpenedEnvelope,
  item: DeliveryItem,
  receipt: Statement,
  facts: ArrivalFacts,
): Omit<TakenDelivery, 'standsFor'> {
  const { header, wrapper, signed } = opened;
  const metadata = wrapper.metadata ? metadataCodec.decode(wrapper.metadata.block) : undefined;
  const names = partNames(metadata, header.parts.length);
  const inline = new Map(wrapper.inlineParts.map(({ index, content }) => [index, content]));
  return {
    ...facts,
    // From the sealed header, now that it is verified.
    sender: header.sender,
    envelopeId: header.envelopeId,
    documentId: header.documentId,
    recipients: facts.recipients.map((r) => ({ ...r, desk: header.recipients[r.index]!.desk })),
    signed: signedCodec.encode(signed),
    hops: wrapper.hops.length > 0 ? wrapperCodec.encode({ hops: wrapper.hops }) : new Uint8Array(0),
    salt: wrapper.metadata?.salt ?? null,
    metadata: wrapper.metadata?.block ?? null,
    subject: metadata?.subject ?? null,
    notation: metadata?.notation ?? null,
    number: metadata?.number ?? null,
    receipt: item.receipt,
    acceptedMs: receipt.atMs,
    kind: header.kind,
    urgency: header.urgency,
    createdMs: header.createdMs,
    replyByMs: header.replyByMs,
    bytes: header.parts.reduce((sum, { length }) => sum + length, 0),
    parts: header.parts.map(({ length, sha256, treeRoot }, i) => ({
      length,
      sha256,
      treeRoot,
      name: names[i]!.name,
      mediaType: names[i]!.mediaType,
      content: inline.get(i) ?? null,
    })),
  };
}

/** A name that deceives is refused here too: the sender's node may be dishonest. Erased metadata leaves numbers. */
function partNames(metadata: Metadata | undefined, count: number): readonly PartName[] {
  if (!metadata) return Array.from({ length: count }, (_, i) => ({ name: `part-${i + 1}`, mediaType: '' }));
  if (metadata.parts.length !== count)
    throw new ExchangeError('metadata-malformed', `${metadata.parts.length} names for ${count} parts`);
  for (const { name } of metadata.parts) assertPartName(name);
  assertDistinctNames(metadata.parts.map(({ name }) => name));
  return metadata.parts;
}
