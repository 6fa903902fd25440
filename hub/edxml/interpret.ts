// The tree of a message → its meaning, by the names of VN-DOMAIN §1.3 to §1.7. Decides what a message must have at least: whom it is from,
// whom it is for, which document it is or speaks of. Everything else that is missing or odd is a warning.
import { ExchangeError } from '../../protocol/errors.ts';
import { fieldFault } from './fields.ts';
import { type Group, hasContent, openGroup, type Reading } from './group.ts';
import {
  type Attachment,
  type Business,
  type DocumentMessage,
  type EdxmlMessage,
  type Extra,
  kindOf,
  type Organ,
  type ResponseFor,
  type Staff,
  type StatusMessage,
  statusNames,
  type Warning,
} from './model.ts';
import { attachmentPath, headerTree, leaves } from './tree.ts';
import { type Element, elementsOf } from './xml.ts';

/** What stood under AttachmentEncoded, before it is joined with the manifest. `cut`: number of its text, if it had any. */
export type Carried = Attachment & { readonly cut: number | undefined };
export type Interpreted = {
  readonly message: EdxmlMessage;
  /** One per attachment of the message, same order: the number of the text. */
  readonly cuts: readonly number[];
  readonly warnings: readonly Warning[];
};

const missing = (path: string, why = ''): never => {
  throw new ExchangeError('edxml-field-missing', why === '' ? path : `${path}: ${why}`);
};
const need = (text: string, path: string): string => (text === '' ? missing(path) : text);

function organ(group: Group): Organ {
  const read: Organ = {
    organId: need(group.text('OrganId'), `${group.path}/OrganId`),
    inCharge: group.text('OrganizationInCharge'),
    name: group.text('OrganName'),
    address: group.text('OrganAdd'),
    email: group.text('Email'),
    telephone: group.text('Telephone'),
    fax: group.text('Fax'),
    website: group.text('Website'),
  };
  group.rest();
  return read;
}

function responseFor(group: Group): ResponseFor {
  const read: ResponseFor = {
    organId: group.text('OrganId'),
    code: group.text('Code'),
    documentId: group.text('DocumentId'),
    date: group.date('PromulgationDate'),
  };
  group.rest();
  return read;
}
const says = (values: object): boolean => Object.values(values).some((value) => value !== '');

function staffOf(group: Group): Staff | null {
  if (!group.element) return null;
  const read: Staff = {
    department: group.text('Department'),
    departmentId: group.text('DepartmentId'),
    staff: group.text('Staff'),
    staffId: group.text('StaffId'),
    email: group.text('Email'),
    mobile: group.text('Mobile'),
  };
  group.rest();
  return says(read) ? read : null;
}

function from(header: Group): Organ {
  const group = header.group('From');
  return group.element ? organ(group) : missing(group.path);
}

function business(trace: Group, reading: Reading): Business | null {
  const spelled = trace.has('Bussiness') ? 'Bussiness' : trace.has('Business') ? 'Business' : undefined;
  trace.skip('Bussiness');
  if (spelled === undefined) return null;
  if (spelled === 'Business')
    reading.warn('spelling', `${trace.path}/Business`, 'read as Bussiness', 'đọc như Bussiness');
  const { element } = trace.group(spelled);
  if (!element || !hasContent(element)) return null;
  const group = openGroup(element, `${trace.path}/Bussiness`, reading);
  const name = (rest: string) => (group.has(`Business${rest}`) ? `Business${rest}` : `Bussiness${rest}`);
  const info = group.group(name('DocumentInfo'));
  const receivers = info.group('ReceiverList');
  const replacements = group.group('ReplacementInfoList');
  const read: Business = {
    type: group.text(name('DocType')),
    reason: group.text(name('DocReason')),
    documentId: group.text('DocumentId'),
    paper: group.text('Paper'),
    documentInfo: info.text('DocumentInfo'),
    documentReceiver: info.text('DocumentReceiver'),
    receivers: receivers.groups('Receiver').map((receiver) => {
      const change = { organId: receiver.text('OrganId'), type: receiver.text('ReceiverType') };
      receiver.rest();
      return change;
    }),
    replacements: replacements.groups('ReplacementInfo').map((replacement) => {
      const list = replacement.group('OrganIdList');
      const one = { documentId: replacement.text('DocumentId'), organIds: list.texts('OrganId') };
      list.rest();
      replacement.rest();
      return one;
    }),
    staff: staffOf(group.group('StaffInfo')),
  };
  for (const part of [receivers, info, replacements, group]) part.rest();
  return read;
}

function traceOf(envelopeHeader: Group, reading: Reading): Pick<DocumentMessage, 'trace' | 'business'> {
  const list = openGroup(envelopeHeader.group('TraceHeaderList').element, 'TraceHeaderList', reading);
  noAttributes(list, reading);
  const trace = list.groups('TraceHeader').map((hop) => {
    const organId = hop.text('OrganId');
    const at = hop.time('Timestamp');
    hop.rest();
    if (organId !== '' && organId !== 'null') return { organId, at };
    reading.warn('trace-without-organ', hop.path, 'a hop without its office', 'chặng không ghi cơ quan');
    return { organId: '', at };
  });
  const read = { trace: trace.filter(says), business: business(list, reading) };
  list.rest();
  if (!read.business)
    reading.warn(
      'no-business',
      'TraceHeaderList/Bussiness',
      'missing: read as a new document',
      'thiếu: hiểu là văn bản mới',
    );
  return read;
}

/** Attributes on elements of ours have no meaning that we know, and the strict layout has no place for them. */
function noAttributes(group: Group, reading: Reading): void {
  const names = (group.element?.attributes ?? [])
    .map(({ name }) => name)
    .filter((name) => name !== 'version');
  if (names.length > 0)
    reading.warn(
      'attribute-not-kept',
      group.path,
      `attributes ${names.join(', ')}`.slice(0, 200),
      'thuộc tính không giữ lại',
    );
}

function headerFields(
  header: Group,
): Omit<DocumentMessage, 'what' | 'kind' | 'trace' | 'business' | 'attachments' | 'extras'> {
  const [code, promulgation, type] = ['Code', 'PromulgationInfo', 'DocumentType'].map(header.group) as [
    Group,
    Group,
    Group,
  ];
  const [signer, places, other] = ['SignerInfo', 'ToPlaces', 'OtherInfo'].map(header.group) as [
    Group,
    Group,
    Group,
  ];
  const appendixes = other.group('Appendixes');
  const to = header.groups('To').map(organ);
  if (to.length === 0) missing(`${header.path}/To`, 'no receiver');
  const read = {
    from: from(header),
    to,
    documentId: need(header.text('DocumentId'), `${header.path}/DocumentId`),
    number: code.text('CodeNumber'),
    notation: code.text('CodeNotation'),
    place: promulgation.text('Place'),
    date: promulgation.date('PromulgationDate'),
    type: { code: type.text('Type'), detail: type.text('TypeDetail'), name: type.text('TypeName') },
    subject: need(header.text('Subject'), `${header.path}/Subject`),
    content: header.text('Content'),
    signer: {
      competence: signer.text('Competence'),
      position: signer.text('Position'),
      name: signer.text('FullName'),
    },
    dueDate: header.date('DueDate'),
    otherPlaces: places.texts('Place'),
    other: {
      priority: other.text('Priority'),
      sphere: other.text('SphereOfPromulgation'),
      typist: other.text('TyperNotation'),
      copies: other.text('PromulgationAmount'),
      pages: other.text('PageAmount'),
      direction: other.text('Direction'),
      appendixes: appendixes.texts('Appendix'),
    },
    responseFor: header.groups('ResponseFor').map(responseFor),
    steeringType: header.text('SteeringType'),
  };
  for (const group of [code, promulgation, type, signer, places, other, appendixes, header]) group.rest();
  return read;
}

function status(header: Group, extras: readonly Extra[]): StatusMessage {
  const read = {
    what: 'status' as const,
    from: from(header),
    responseFor: responseFor(header.group('ResponseFor')),
    staff: staffOf(header.group('StaffInfo')),
    code: need(header.text('StatusCode'), `${header.path}/StatusCode`),
    description: header.text('Description'),
    at: header.time('Timestamp'),
    extras,
  };
  header.rest();
  need(read.responseFor.organId, `${header.path}/ResponseFor/OrganId`);
  if (read.responseFor.documentId === '' && read.responseFor.code === '')
    missing(`${header.path}/ResponseFor/DocumentId`, 'a status names no document');
  return read;
}

const withoutCid = (id: string) => id.replace(/^cid:/i, '');

function attachmentOf(group: Group): Attachment {
  const href = group.element?.attributes.find(({ name }) => name === 'href')?.value ?? '';
  const read = {
    contentId: withoutCid(group.text('ContentId') || href),
    name: group.text('AttachmentName'),
    description: group.text('Description'),
    mediaType: group.text('ContentType'),
  };
  return read;
}

/** Joins manifest and attachments by id. Codes: edxml-attachment-missing, edxml-attachment-repeated, edxml-field-missing. */
function join(references: readonly Attachment[], carried: readonly Carried[], reading: Reading) {
  const byId = (list: readonly Attachment[], where: string): void => {
    const seen = new Set<string>();
    for (const { contentId } of list) {
      need(contentId, `${where}/ContentId`);
      if (seen.has(contentId))
        throw new ExchangeError('edxml-attachment-repeated', `${where}: ${contentId.slice(0, 100)}`);
      seen.add(contentId);
    }
  };
  byId(references, 'edXMLManifest/Reference');
  byId(carried, 'AttachmentEncoded/Attachment');
  const warn = (contentId: string, en: string, vi: string) =>
    reading.warn('not-in-manifest', contentId, en, vi);
  const joined = references.map((reference) => {
    const found = carried.find(({ contentId }) => contentId === reference.contentId);
    if (!found || found.cut === undefined)
      throw new ExchangeError(
        'edxml-attachment-missing',
        `${reference.contentId.slice(0, 100)} (${reference.name.slice(0, 100)})`,
      );
    if (found.name !== '' && reference.name !== '' && found.name !== reference.name)
      reading.warn(
        'names-differ',
        reference.contentId,
        'manifest and attachment name the file differently',
        'tên tệp ở hai nơi khác nhau',
      );
    const merged: Attachment = {
      contentId: reference.contentId,
      name: reference.name || found.name,
      description: reference.description || found.description,
      mediaType: reference.mediaType || found.mediaType,
    };
    return { merged, cut: found.cut };
  });
  const alone = carried.filter(
    ({ contentId }) => !references.some((reference) => reference.contentId === contentId),
  );
  for (const { cut, ...merged } of alone) {
    if (cut === undefined)
      throw new ExchangeError('edxml-attachment-missing', merged.contentId.slice(0, 100));
    warn(merged.contentId, 'the manifest does not list this attachment', 'tệp không có trong danh mục');
    joined.push({ merged, cut });
  }
  for (const { merged } of joined) need(merged.name, `AttachmentName of ${merged.contentId.slice(0, 100)}`);
  return joined;
}

/** References of the manifest and what the attachments carry. */
function files(envelope: Group, root: Group, reading: Reading): ReturnType<typeof join> {
  const body = openGroup(envelope.group('edXMLBody').element, 'edXMLBody', reading);
  const manifest = openGroup(body.group('edXMLManifest').element, 'edXMLManifest', reading);
  const references = manifest.groups('Reference').map((reference) => {
    const read = attachmentOf(reference);
    reference.rest();
    return read;
  });
  const places = (root === envelope ? [envelope] : [root, envelope]).flatMap((place) =>
    place.groups('AttachmentEncoded'),
  );
  const carried = places.flatMap((place, nth) => {
    const list = openGroup(
      place.element,
      nth === 0 ? 'AttachmentEncoded' : `AttachmentEncoded[${nth + 1}]`,
      reading,
    );
    const found = list.groups('Attachment').map((attachment) => {
      const read = attachmentOf(attachment);
      const content = attachment.group('ContentTransferEncoded').element;
      attachment.rest(attachmentPath(read.contentId));
      return { ...read, cut: content?.cut };
    });
    list.rest();
    return found;
  });
  manifest.rest();
  body.rest();
  return join(references, carried, reading);
}

function adviceOn(message: EdxmlMessage, reading: Reading): void {
  for (const { path, value } of leaves(headerTree(message))) {
    const fault = fieldFault(path, value);
    if (fault) reading.warn(fault.code, path, fault.words, 'giá trị ngoài quy định của QCVN 102');
  }
  const absent = (path: string, value: string) =>
    value === '' && reading.warn('missing', path, 'required by the format, missing', 'thiếu trường bắt buộc');
  if (message.what === 'status') {
    absent('MessageHeader/Timestamp', message.at);
    if (!statusNames[message.code])
      reading.warn('status-unknown', 'MessageHeader/StatusCode', 'a code we do not know', 'mã khác');
    return;
  }
  absent('MessageHeader/Code/CodeNumber', message.number);
  absent('MessageHeader/Code/CodeNotation', message.notation);
  absent('MessageHeader/PromulgationInfo/PromulgationDate', message.date);
  absent('MessageHeader/SteeringType', message.steeringType);
  if (message.kind !== 'new')
    absent('TraceHeaderList/Bussiness/BussinessDocReason', message.business?.reason ?? '');
  if (message.kind === 'recall' || message.kind === 'update')
    absent('TraceHeaderList/Bussiness/DocumentId', message.business?.documentId ?? '');
  if (message.kind === 'unknown')
    reading.warn(
      'kind-unknown',
      'TraceHeaderList/Bussiness/BussinessDocType',
      'not 0 to 3',
      'không phải 0 đến 3',
    );
  const seen = new Set<string>();
  for (const [i, { organId }] of message.to.entries()) {
    if (seen.has(organId.toUpperCase()))
      reading.warn('repeated-recipient', `MessageHeader/To[${i + 1}]`, 'named before', 'nơi nhận trùng');
    seen.add(organId.toUpperCase());
  }
  if (message.attachments.length === 0 && message.kind !== 'recall')
    reading.warn('no-attachment', 'AttachmentEncoded', 'the document has no file', 'văn bản không có tệp');
}

/** `root` is well-formed. Codes: edxml-root-unknown, edxml-field-missing, edxml-field-repeated, edxml-malformed, edxml-attachment-*. */
export function interpret(root: Element, reading: Reading, warnings: readonly Warning[]): Interpreted {
  const bare = root.local === 'edXMLEnvelope';
  const top = bare ? undefined : openGroup(root, root.local, reading);
  const envelopes = bare ? [root] : elementsOf(root).filter(({ local }) => local === 'edXMLEnvelope');
  if (!bare && !/^edxml$/i.test(root.local))
    throw new ExchangeError('edxml-root-unknown', `the root element is "${root.local.slice(0, 60)}"`);
  if (envelopes.length === 0) missing('edXMLEnvelope');
  if (envelopes.length > 1) throw new ExchangeError('edxml-field-repeated', 'edXMLEnvelope');
  const envelope = openGroup(envelopes[0], 'edXMLEnvelope', reading);
  const header = openGroup(envelope.group('edXMLHeader').element, 'edXMLHeader', reading);
  const fields = openGroup(header.group('MessageHeader').element, 'MessageHeader', reading);
  if (!fields.element) missing('edXMLEnvelope/edXMLHeader/MessageHeader');
  const finish = (): void => {
    header.rest();
    // Relics of .NET senders.
    top?.skip('edXMLEnvelope', 'AttachmentEncoded', 'Boundary', 'ContentId', 'ContentType');
    envelope.skip('edXMLBody', 'AttachmentEncoded');
    for (const group of [envelope, top]) group?.rest();
  };
  if (fields.has('StatusCode')) {
    const message = status(fields, reading.extras);
    finish();
    adviceOn(message, reading);
    return { message, cuts: [], warnings };
  }
  const read = headerFields(fields);
  const traced = traceOf(header, reading);
  const joined = files(envelope, top ?? envelope, reading);
  finish();
  const message: DocumentMessage = {
    what: 'document',
    kind: kindOf(traced.business?.type ?? ''),
    ...read,
    ...traced,
    attachments: joined.map(({ merged }) => merged),
    extras: reading.extras,
  };
  adviceOn(message, reading);
  return { message, cuts: joined.map(({ cut }) => cut), warnings };
}
