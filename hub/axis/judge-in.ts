// What a message that came in means for this exchange: which document, for which of our units, whether its sender may say so. Sealed on success;
// every refusal carries the reason. Pure of the network; the store is only read.
import { hash } from 'node:crypto';
import { ExchangeError } from '../../protocol/errors.ts';
import { kinds, relations } from '../../protocol/seal.ts';
import type { Foreign } from '../../protocol/wire.ts';
import { fromEdxml, type Incoming } from '../edxml/map-in.ts';
import type { DocumentMessage, EdxmlMessage, StatusMessage } from '../edxml/model.ts';
import { timeMs } from '../edxml/times.ts';
import type { InMessage } from '../store/border-types.ts';
import type { Listed } from './connector.ts';
import type { BorderContext } from './context.ts';
import type { Raw, ReadMessage } from './reading.ts';
import { sealForeign } from './sealing.ts';

export type Judged = Omit<
  InMessage,
  'border' | 'nowMs' | 'foreignId' | 'what' | 'toCode' | 'messageSha256' | 'messageBytes' | 'fromCode'
>;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Repetitions of the axis differ in hops and in their ZIPs, not in this. */
function meaningOf(message: EdxmlMessage, files: readonly { readonly sha256: string }[]): Buffer {
  const { extras: _extras, ...said } = message;
  const kept = said.what === 'document' ? { ...said, trace: [] } : { ...said, staff: null };
  return hash('sha256', JSON.stringify([kept, files.map(({ sha256 }) => sha256)]), 'buffer');
}

/** Codes: edxml-*, unit-unknown, route-loop, border-not-the-sender, and those of sealing. */
export async function judgeDocument(
  { listed, raw, read, toUnit }: { listed: Listed; raw: Raw; read: ReadMessage; toUnit: string },
  context: BorderContext,
): Promise<Judged> {
  const message = read.message as DocumentMessage;
  const { places, record } = context;
  const incoming = fromEdxml(message, places);
  const from = places.unitOf(message.from.organId);
  if (from !== undefined && context.directory().unit(from)?.border !== record.unit)
    throw new ExchangeError('route-loop', `${message.from.organId} is an office of this exchange`);
  assertActsOnOwn(incoming, from, message, context);
  const isNew = incoming.header.kind === kinds.document || incoming.header.kind === kinds.replacement;
  const sealed = await sealForeign(
    {
      incoming,
      digests: read.digests,
      sender: record.unit,
      recipient: toUnit,
      // One document for all its addressees; a request about it is a document of its own.
      documentId: isNew ? incoming.documentId : undefined,
      foreign: foreignOf(message, { listed, raw, context }),
      statusCounter: 0,
    },
    { ...context, nowMs: context.clock.nowMs() },
  );
  return {
    state: 'sealed',
    ack: 'done',
    messageKey: [message.documentId, message.from.organId.toUpperCase(), toUnit, incoming.header.kind].join(
      '|',
    ),
    meaning: meaningOf(message, read.files),
    parts: read.digests.map(({ sha256 }) => hex(sha256)),
    code: '',
    said: notes(incoming),
    rule: incoming.rule ?? '',
    edxmlId: message.documentId,
    documentId: sealed.documentId,
    envelopeId: sealed.envelopeId,
    wrapper: sealed.wrapper,
    document: {
      organ: message.from.organId,
      edxmlId: message.documentId,
      documentId: sealed.documentId,
      code: `${message.number}/${message.notation}`,
      date: message.date,
      sender: '',
    },
    reports: null,
  };
}

/** A recall, an update or a replacement acts on documents of the same issuer; behind a border all have one sender, so it is checked here. */
function assertActsOnOwn(
  { header, metadata }: Incoming,
  from: string | undefined,
  message: DocumentMessage,
  { places }: BorderContext,
): void {
  const acts: readonly number[] = [relations.recalls, relations.updates, relations.replaces];
  const targets = header.links.filter(({ relation }) => acts.includes(relation));
  const mustName = header.kind === kinds.recall || header.kind === kinds.update;
  if (mustName && targets.length === 0)
    throw new ExchangeError(
      'edxml-document-unknown',
      message.business?.documentId || metadata.subject.slice(0, 100),
    );
  for (const { documentId } of targets) {
    const known = places.documentOf(documentId);
    const issuer = known && places.unitOf(known.organId);
    const same =
      known?.organId.toUpperCase() === message.from.organId.toUpperCase() ||
      (issuer !== undefined && issuer === from);
    if (!same)
      throw new ExchangeError(
        'border-not-the-sender',
        `${message.from.organId}: ${known?.edxmlId ?? ''}`.slice(0, 200),
      );
  }
}

function foreignOf(
  message: EdxmlMessage,
  { listed, raw, context }: { listed: Listed; raw: Raw; context: BorderContext },
): Foreign {
  const cut = (text: string, bytesMax: number) => {
    let use = text.slice(0, bytesMax);
    while (Buffer.byteLength(use) > bytesMax) use = use.slice(0, -1);
    return use.isWellFormed() ? use : use.slice(0, -1);
  };
  const sent = message.what === 'document' ? (message.trace[0]?.at ?? '') : message.at;
  return {
    code: cut(message.from.organId, 64),
    name: cut(message.from.name, 300),
    documentId: cut(message.what === 'document' ? message.documentId : message.responseFor.documentId, 500),
    system: cut(context.record.system, 64),
    messageId: cut(listed.foreignId, 100),
    messageSha256: raw.sha256,
    receivedMs: context.clock.nowMs(),
    sentMs: timeMs(sent) ?? 0,
  };
}

const notes = ({ unknownOrgans, unknownDocuments, changed }: Incoming): string =>
  [
    ...unknownOrgans.map((each) => `office ${each}`),
    ...unknownDocuments.map((each) => `document ${each}`),
    ...changed.map((each) => `changed ${each}`),
  ]
    .join('; ')
    .slice(0, 500);

/** 01 settles the delivery and travels no further: inside it is the receipt itself. 13 asks a document of the other side back. */
export async function judgeStatus(
  { listed, raw, read, toUnit }: { listed: Listed; raw: Raw; read: ReadMessage; toUnit: string },
  context: BorderContext,
): Promise<Judged> {
  const message = read.message as StatusMessage;
  const { places, border, record } = context;
  const { responseFor: about, from } = message;
  const found = places.match(about, [about.organId, from.organId]);
  if (!found)
    throw new ExchangeError(
      'edxml-document-unknown',
      `${about.code} ${about.date} (${about.documentId})`.slice(0, 200),
    );
  const { document, rule } = found;
  const fromUnit = places.unitOf(from.organId);
  if (fromUnit !== undefined && context.directory().unit(fromUnit)?.border !== record.unit)
    throw new ExchangeError('route-loop', `${from.organId} is an office of this exchange`);
  const asksBack = message.code === '13';
  const ours = document.sender !== '';
  if (asksBack === ours) throw new ExchangeError('border-not-the-sender', `${from.organId}: ${message.code}`);
  // Only who got a document may say what became of it; only who issued it may ask for it back.
  const out = ours
    ? border
        .outAbout(document.documentId)
        .find(({ to_code }) => places.unitOf(to_code) === fromUnit || to_code === from.organId.toUpperCase())
    : undefined;
  const entitled = ours
    ? out !== undefined
    : places.unitOf(document.organId) === fromUnit || document.organId === from.organId;
  if (!entitled)
    throw new ExchangeError('border-not-the-sender', `${from.organId}: ${document.edxmlId}`.slice(0, 200));
  const atMs = timeMs(message.at) ?? context.clock.nowMs();
  const incoming = ofStatus(fromEdxml(message, places), {
    asksBack,
    documentId: document.documentId,
    atMs,
    request:
      out && /^1[56]$/.test(message.code)
        ? border.requestAbout(document.documentId, document.edxmlId, out.to_code)
        : undefined,
  });
  const base = {
    ack: 'done' as const,
    messageKey: [
      'status',
      hex(document.documentId),
      from.organId.toUpperCase(),
      toUnit,
      message.code,
      message.at,
    ].join('|'),
    meaning: meaningOf(message, []),
    parts: [],
    code: '',
    said: `${message.code} ${message.description}`.slice(0, 300),
    rule,
    edxmlId: document.edxmlId,
    document: null,
    reports: out ? { outId: out.id, words: `${message.code} ${message.at}` } : null,
  };
  if (message.code === '01')
    return { ...base, state: 'noted', documentId: document.documentId, envelopeId: null, wrapper: null };
  const sealed = await sealForeign(
    {
      incoming,
      digests: [],
      sender: record.unit,
      recipient: toUnit,
      documentId: undefined,
      foreign: foreignOf(message, { listed, raw, context }),
      // Rises with the receiver's own times; two of one second in the order of their codes. The format has no counter.
      statusCounter: atMs + (Number(message.code) || 0),
    },
    { ...context, nowMs: context.clock.nowMs() },
  );
  return {
    ...base,
    state: 'sealed',
    documentId: sealed.documentId,
    envelopeId: sealed.envelopeId,
    wrapper: sealed.wrapper,
  };
}

const noBytes = new Uint8Array();

/** 13 is a recall: the same request that a message of type 1 brings. */
function ofStatus(
  incoming: Incoming,
  {
    asksBack,
    documentId,
    atMs,
    request,
  }: { asksBack: boolean; documentId: Uint8Array; atMs: number; request: Uint8Array | undefined },
): Incoming {
  const { header } = incoming;
  if (!asksBack)
    return {
      ...incoming,
      header: {
        ...header,
        status: header.status && { ...header.status, atMs },
        // 15 and 16 answer a request; the format names only the document that it was about.
        links: [
          ...header.links,
          ...(request ? [{ relation: relations.answers, envelopeId: noBytes, documentId: request }] : []),
        ],
      },
    };
  const links = [{ relation: relations.recalls, envelopeId: noBytes, documentId }];
  return { ...incoming, header: { ...header, kind: kinds.recall, status: null, links } };
}
