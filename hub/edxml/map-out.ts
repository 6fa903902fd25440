// Our header and metadata → the meaning of an edXML message. Pure. docs/EDXML.md has the table. What leaves by our own will obeys the table
// of fields strictly: a value too long is refused with its name, nothing is cut. What has no place in the format is named in `notCarried`.
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { kinds, relations } from '../../protocol/seal.ts';
import type { Header, Metadata } from '../../protocol/wire.ts';
import { type Beyond, readBeyond, usual, usualReason } from './beyond.ts';
import { fieldFault } from './fields.ts';
import type {
  Attachment,
  Business,
  DocumentMessage,
  EdxmlMessage,
  Organ,
  ResponseFor,
  StatusMessage,
} from './model.ts';
import type { KnownDocument, Places } from './places.ts';
import { dateText, readDate, timeText, writeDate } from './times.ts';
import { headerTree, leaves } from './tree.ts';

export type Outgoing = {
  readonly header: Omit<Header, 'version' | 'metadataDigest' | 'metadataLength'>;
  readonly metadata: Metadata;
};
export type Written = { readonly message: EdxmlMessage; readonly notCarried: readonly string[] };

const refused = (path: string, why: string) => new ExchangeError('edxml-field-refused', `${path}: ${why}`);

const typeByKind: Readonly<Record<number, string>> = {
  [kinds.document]: '0',
  [kinds.recall]: '1',
  [kinds.update]: '2',
  [kinds.replacement]: '3',
};

function organ(unit: string, what: string, places: Places): Organ {
  const found = places.organOf(unit);
  if (!found) throw refused(what, `unit ${unit} has no national code in the directory`);
  return found;
}

/** "code,yyyy/mm/dd,number/notation": .NET clients match statuses by it; the bare UUID where a part is missing. */
export function edxmlDocumentId(documentId: Uint8Array, organId: string, metadata: Metadata): string {
  const { number, notation, issueDate } = metadata;
  if (number === '' || notation === '' || issueDate === '' || organId.includes(','))
    return uuidFromBytes(documentId);
  return `${organId},${writeDate(issueDate)},${number}/${notation}`;
}

function linked({ header }: Outgoing, relation: number, places: Places): KnownDocument[] {
  return header.links
    .filter((link) => link.relation === relation)
    .map(({ documentId }) => {
      const found = documentId.length === 16 ? places.documentOf(documentId) : undefined;
      if (!found) throw refused('links', 'a document that is not known by a name of the axis');
      return found;
    });
}
const aboutOf = ({ organId, code, edxmlId, date }: KnownDocument): ResponseFor => ({
  organId,
  code,
  documentId: edxmlId,
  date,
});

function business(outgoing: Outgoing, to: readonly Organ[], beyond: Beyond, places: Places): Business {
  const { header, metadata } = outgoing;
  const update = header.kind === kinds.update;
  const target =
    update || header.kind === kinds.recall ? (update ? relations.updates : relations.recalls) : undefined;
  const acted = target === undefined ? [] : linked(outgoing, target, places);
  if (target !== undefined && acted.length !== 1)
    throw refused('links', 'a recall or an update names exactly one document');
  const replaced = header.kind === kinds.replacement ? linked(outgoing, relations.replaces, places) : [];
  if (header.kind === kinds.replacement && replaced.length === 0 && !beyond.replacements)
    throw refused('links', 'a replacement names the documents it replaces');
  if (header.kind !== kinds.document && metadata.reason === '')
    throw refused(
      'TraceHeaderList/Bussiness/BussinessDocReason',
      'required for a recall, an update or a replacement',
    );
  const organIds = to.map(({ organId }) => organId);
  return {
    type: typeByKind[header.kind]!,
    reason: metadata.reason === '' ? usualReason : metadata.reason,
    documentId: acted[0]?.edxmlId ?? beyond.businessDocumentId ?? '',
    paper: metadata.paperFollows ? '1' : '0',
    documentInfo: beyond.documentInfo ?? (update ? '1' : ''),
    documentReceiver: beyond.documentReceiver ?? (update ? '0' : ''),
    receivers: beyond.receivers ?? [],
    replacements: beyond.replacements ?? replaced.map(({ edxmlId }) => ({ documentId: edxmlId, organIds })),
    staff: null,
  };
}

function attachments(metadata: Metadata, beyond: Beyond): Attachment[] {
  return metadata.parts.map(({ name, mediaType }, i) => ({
    contentId: String(i + 1),
    name,
    description: beyond.descriptions?.[i] ?? '',
    mediaType,
  }));
}

const count = (value: number) => (value === 0 ? '' : String(value));

function document(outgoing: Outgoing, places: Places): DocumentMessage {
  const { header, metadata } = outgoing;
  const { beyond } = readBeyond(metadata.extraJson);
  const from = organ(header.sender, 'MessageHeader/From', places);
  const units = [...new Set(header.recipients.map(({ unit }) => unit))];
  const to = units.map((unit, i) => organ(unit, `MessageHeader/To[${i + 1}]`, places));
  const known = places.documentOf(header.documentId);
  const [signer] = metadata.signers;
  return {
    what: 'document',
    kind: (['new', 'recall', 'update', 'replacement'] as const)[Number(typeByKind[header.kind])]!,
    from,
    to,
    documentId:
      known?.edxmlId ?? beyond.documentId ?? edxmlDocumentId(header.documentId, from.organId, metadata),
    number: metadata.number,
    notation: metadata.notation,
    place: beyond.place ?? '',
    date: metadata.issueDate,
    type: { code: beyond.typeCode ?? '', detail: beyond.typeDetail ?? '', name: metadata.type },
    subject: metadata.subject,
    content: metadata.note,
    signer: {
      competence: signer?.competence ?? '',
      position: signer?.position ?? '',
      name: signer?.name ?? '',
    },
    dueDate: header.replyByMs === 0 ? '' : dateText(header.replyByMs),
    otherPlaces: metadata.otherPlaces,
    other: {
      priority: String(header.urgency),
      sphere: metadata.sphere,
      typist: beyond.typist ?? '',
      copies: count(metadata.copies),
      pages: count(metadata.pages),
      direction: beyond.direction ?? usual.direction,
      appendixes: beyond.appendixes ?? [],
    },
    responseFor: beyond.responseFor ?? linked(outgoing, relations.answers, places).map(aboutOf),
    steeringType: beyond.steeringType ?? usual.steeringType,
    trace: beyond.trace ?? [{ organId: from.organId, at: timeText(header.createdMs) }],
    business: business(outgoing, to, beyond, places),
    attachments: attachments(metadata, beyond),
    extras: beyond.extras ?? [],
  };
}

function status(outgoing: Outgoing, places: Places): StatusMessage {
  const { header, metadata } = outgoing;
  const [recipient, ...others] = header.recipients;
  if (!recipient || others.length > 0)
    throw refused(
      'MessageHeader/ResponseFor/OrganId',
      'a status goes to one office; make one message for each',
    );
  const [about] = linked(outgoing, relations.statusOf, places);
  if (!about || !header.status) throw refused('MessageHeader/ResponseFor', 'a status names its document');
  if (!/^\d{2}$/.test(header.status.code))
    throw refused('MessageHeader/StatusCode', `"${header.status.code}" is not two digits`);
  return {
    what: 'status',
    from: organ(header.sender, 'MessageHeader/From', places),
    responseFor: {
      ...aboutOf(about),
      organId: organ(recipient.unit, 'MessageHeader/ResponseFor', places).organId,
    },
    staff: null,
    code: header.status.code,
    description: metadata.reason,
    at: timeText(header.status.atMs),
    extras: [],
  };
}

/** Losses that a person may want to know of before sending; those that are always lost stand in docs/EDXML.md only. */
function losses({ header, metadata }: Outgoing): string[] {
  const acts: Readonly<Record<number, number>> = {
    [kinds.recall]: relations.recalls,
    [kinds.update]: relations.updates,
    [kinds.replacement]: relations.replaces,
  };
  const carried =
    header.kind === kinds.status ? [relations.statusOf] : [relations.answers, acts[header.kind]];
  const said: readonly (readonly [string, boolean])[] = [
    ['recipients.desk', header.recipients.some(({ desk }) => desk !== '')],
    ['recipients.group', header.recipients.some(({ group }) => group !== '')],
    ['links', header.links.some(({ relation }) => !carried.includes(relation))],
    ['status.counter', (header.status?.counter ?? 0) > 0],
    ['signers after the first', metadata.signers.length > 1],
    ['client_reference', metadata.clientReference !== ''],
    ['origin', metadata.origin !== 0],
    ['parts of a status', header.kind === kinds.status && header.parts.length > 0],
    ...readBeyond(metadata.extraJson).others.map((key) => [`extra_json.${key}`, true] as const),
  ];
  return said.filter(([, lost]) => lost).map(([name]) => name);
}

/** Required by the format; the reader only warns of them. */
function assertComplete(message: DocumentMessage): void {
  const needed = {
    'MessageHeader/Code/CodeNumber': message.number,
    'MessageHeader/Code/CodeNotation': message.notation,
    'MessageHeader/PromulgationInfo/PromulgationDate': message.date,
    'MessageHeader/Subject': message.subject,
  };
  for (const [path, value] of Object.entries(needed))
    if (value.trim() === '') throw refused(path, 'required');
  if (readDate(message.date) !== message.date)
    throw refused('MessageHeader/PromulgationInfo/PromulgationDate', 'not a date');
}

/**
 * Codes: edxml-field-refused (a value that the format cannot hold, an office without a code, an unknown document), edxml-not-carried (a
 * kind or an encryption that edXML does not know).
 */
export function toEdxml(outgoing: Outgoing, places: Places): Written {
  const { header } = outgoing;
  if (header.parts.some(({ encryption }) => encryption !== 0))
    throw new ExchangeError('edxml-not-carried', 'an encrypted part');
  if (header.kind !== kinds.status && typeByKind[header.kind] === undefined)
    throw new ExchangeError('edxml-not-carried', `kind ${header.kind}`);
  const message = header.kind === kinds.status ? status(outgoing, places) : document(outgoing, places);
  if (message.what === 'document') assertComplete(message);
  for (const { path, value } of leaves(headerTree(message))) {
    const fault = fieldFault(path, value);
    if (fault) throw refused(path, fault.words);
  }
  return { message, notCarried: losses(outgoing) };
}
