// The meaning of an edXML message → a draft for our header and metadata. Pure. docs/EDXML.md has the table. Offices and documents that
// nobody here knows are named, not invented: whoever imports decides. A part name that could deceive is changed and said to be.
import { ExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { nameFault } from '../../protocol/names.ts';
import { kinds, relations } from '../../protocol/seal.ts';
import type { Header, Link, Metadata } from '../../protocol/wire.ts';
import { beyondJson, beyondOf, usualReason } from './beyond.ts';
import type { DocumentMessage, EdxmlMessage, ResponseFor, StatusMessage } from './model.ts';
import type { MatchRule, Places } from './places.ts';
import { readDate, timeMs } from './times.ts';

export type Incoming = {
  /** createdMs and status.atMs are 0 where the message states no time that can be read. */
  readonly header: Pick<
    Header,
    'kind' | 'sender' | 'recipients' | 'createdMs' | 'replyByMs' | 'urgency' | 'links' | 'status'
  >;
  readonly metadata: Metadata;
  /** undefined: a document that is new here; the importer gives it an id and remembers `edxmlId`. */
  readonly documentId: Uint8Array | undefined;
  readonly edxmlId: string;
  /** How the document of a status was found. */
  readonly rule: MatchRule | undefined;
  /** National codes and document ids that nobody here knows, and fields that were cut or changed. */
  readonly unknownOrgans: readonly string[];
  readonly unknownDocuments: readonly string[];
  readonly changed: readonly string[];
};

const noBytes = new Uint8Array();
const DAY_MS = 86_400_000;
const kindsByName = {
  new: kinds.document,
  recall: kinds.recall,
  update: kinds.update,
  replacement: kinds.replacement,
} as const;

/** At most `max` bytes of UTF-8, cut between letters; a cut is named. */
function fit(text: string, max: number, name: string, changed: string[]): string {
  if (Buffer.byteLength(text) <= max) return text;
  changed.push(name);
  let cut = text.slice(0, max);
  while (Buffer.byteLength(cut) > max) cut = cut.slice(0, -1);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}

const wholeOf = (text: string) => (/^\d{1,6}$/.test(text) ? Number(text) : 0);

const emptyMetadata: Metadata = {
  subject: '',
  number: '',
  notation: '',
  type: '',
  issueDate: '',
  signers: [],
  parts: [],
  clientReference: '',
  sphere: '',
  note: '',
  origin: 0,
  paperFollows: false,
  pages: 0,
  copies: 0,
  otherPlaces: [],
  reason: '',
  extraJson: '',
  urgentAtMs: 0,
  reportPeriod: '',
  related: [],
  registeredNumber: '',
  person: '',
};

type Found = { readonly links: Link[]; readonly unknown: string[] };

function linksOf(message: DocumentMessage, places: Places): Found {
  const links: Link[] = [];
  const unknown: string[] = [];
  const add = (relation: number, about: ResponseFor): void => {
    const found = places.find(about, [about.organId, message.from.organId]);
    if (found) links.push({ relation, envelopeId: noBytes, documentId: found.document.documentId });
    else unknown.push(about.documentId || about.code);
  };
  const byId = (documentId: string): ResponseFor => ({ organId: '', code: '', date: '', documentId });
  const { business, kind, responseFor } = message;
  const acts = kind === 'recall' ? relations.recalls : kind === 'update' ? relations.updates : undefined;
  // The sample recall names its document in ResponseFor only.
  const target = business?.documentId
    ? byId(business.documentId)
    : acts === undefined
      ? undefined
      : responseFor[0];
  if (acts !== undefined && target) add(acts, target);
  for (const { documentId } of business?.replacements ?? []) add(relations.replaces, byId(documentId));
  for (const about of responseFor) if (about !== target) add(relations.answers, about);
  return { links, unknown };
}

function partNames(message: DocumentMessage, changed: string[]): Metadata['parts'] {
  const seen = new Set<string>();
  return message.attachments.map(({ name, mediaType }, i) => {
    let use = name.normalize('NFC');
    const fold = () => use.normalize('NFKC').toLowerCase();
    if (nameFault(use) !== undefined || seen.has(fold())) {
      const ending = /\.([A-Za-z0-9]{1,10})$/.exec(name)?.[1];
      use = `tep-${i + 1}${ending ? `.${ending}` : ''}`;
    }
    if (use !== name) changed.push(`parts[${i}].name`);
    seen.add(fold());
    return { name: use, mediaType: /^[\x20-\x7e]{0,127}$/.test(mediaType) ? mediaType : '' };
  });
}

function metadataOf(message: DocumentMessage, unknown: boolean, changed: string[]): Metadata {
  const { business, other, signer, kind } = message;
  const reason = business?.reason ?? '';
  const { json, left } = beyondJson(beyondOf(message, unknown));
  changed.push(...left.map((name) => `extra_json.edxml.${name}`));
  return {
    ...emptyMetadata,
    subject: fit(message.subject, limits.subjectBytesMax, 'subject', changed),
    number: fit(message.number, 40, 'number', changed),
    notation: fit(message.notation, 80, 'notation', changed),
    type: fit(message.type.name, 100, 'type', changed),
    issueDate: readDate(message.date) === message.date ? message.date : '',
    signers: Object.values(signer).every((value) => value === '')
      ? []
      : [
          {
            name: fit(signer.name, 200, 'signer.name', changed),
            position: fit(signer.position, 200, 'signer.position', changed),
            competence: fit(signer.competence, 40, 'signer.competence', changed),
          },
        ],
    parts: partNames(message, changed),
    sphere: fit(other.sphere, 200, 'sphere', changed),
    note: fit(message.content, 4000, 'note', changed),
    paperFollows: wholeOf(business?.paper ?? '') > 0,
    pages: wholeOf(other.pages),
    copies: wholeOf(other.copies),
    otherPlaces: message.otherPlaces
      .slice(0, 256)
      .map((place, i) => fit(place, 200, `other_places[${i}]`, changed)),
    reason: kind === 'new' && reason === usualReason ? '' : fit(reason, 4000, 'reason', changed),
    extraJson: json,
  };
}

const recipient = (unit: string) => ({ unit, desk: '', group: '', groupDirectoryVersion: 0 });

function document(message: DocumentMessage, places: Places): Incoming {
  if (message.kind === 'unknown')
    throw new ExchangeError('edxml-not-carried', `BussinessDocType "${message.business?.type.slice(0, 20)}"`);
  const changed: string[] = [];
  const organs = [...new Set(message.to.map(({ organId }) => organId))];
  const units = organs.map((organId) => places.unitOf(organId));
  const sender = places.unitOf(message.from.organId);
  const { links, unknown } = linksOf(message, places);
  const due = timeMs(message.dueDate);
  const own = places.find({ organId: '', code: '', date: '', documentId: message.documentId }, [
    message.from.organId,
  ]);
  return {
    header: {
      kind: kindsByName[message.kind],
      sender: sender ?? '',
      recipients: [...new Set(units.filter((unit) => unit !== undefined))].map(recipient),
      createdMs: timeMs(message.trace[0]?.at ?? '') ?? 0,
      // The last moment of that day in Vietnam.
      replyByMs: due === undefined ? 0 : due + DAY_MS - 1,
      urgency: /^[0-4]$/.test(message.other.priority) ? Number(message.other.priority) : 0,
      links,
      status: null,
    },
    metadata: metadataOf(message, unknown.length > 0, changed),
    documentId: own?.document.documentId,
    edxmlId: message.documentId,
    rule: own?.rule,
    unknownOrgans: [
      ...(sender === undefined ? [message.from.organId] : []),
      ...organs.filter((_, i) => units[i] === undefined),
    ],
    unknownDocuments: unknown,
    changed,
  };
}

function status(message: StatusMessage, places: Places): Incoming {
  const { responseFor: about, from } = message;
  const found = places.find(about, [about.organId, from.organId]);
  if (!found)
    throw new ExchangeError(
      'edxml-document-unknown',
      `${about.code} ${about.date} (${about.documentId})`.slice(0, 200),
    );
  if (Buffer.byteLength(message.code) > 8)
    throw new ExchangeError('edxml-not-carried', 'a status code of more than 8 bytes');
  const changed: string[] = [];
  const [sender, addressee] = [places.unitOf(from.organId), places.unitOf(about.organId)];
  const atMs = timeMs(message.at) ?? 0;
  return {
    header: {
      kind: kinds.status,
      sender: sender ?? '',
      recipients: addressee === undefined ? [] : [recipient(addressee)],
      createdMs: atMs,
      replyByMs: 0,
      urgency: 0,
      links: [{ relation: relations.statusOf, envelopeId: noBytes, documentId: found.document.documentId }],
      status: { code: message.code, counter: 0, atMs },
    },
    metadata: { ...emptyMetadata, reason: fit(message.description, 4000, 'reason', changed) },
    documentId: undefined,
    edxmlId: '',
    rule: found.rule,
    unknownOrgans: [
      ...(sender === undefined ? [from.organId] : []),
      ...(addressee === undefined ? [about.organId] : []),
    ],
    unknownDocuments: [],
    changed,
  };
}

/** Codes: edxml-document-unknown (a status of a document that is not known), edxml-not-carried (an unknown kind). */
export function fromEdxml(message: EdxmlMessage, places: Places): Incoming {
  return message.what === 'status' ? status(message, places) : document(message, places);
}
