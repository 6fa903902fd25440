// A message → the elements of its header, in the one order that is known to be accepted (sample pvn__edoc_new_bak.edxml; for a status
// pvn__status.edxml). Empty values make no element. Pure. What an element is called and where it stands is said here and nowhere else.

import type {
  Attachment,
  DocumentMessage,
  EdxmlMessage,
  Extra,
  Organ,
  ResponseFor,
  Staff,
  StatusMessage,
  XmlNode,
} from './model.ts';
import { writeDate, writeTime } from './times.ts';

/** `path` is that of extras and of the table of fields. */
export type Branch = {
  readonly name: string;
  readonly path: string;
  readonly children: readonly Branch[];
  readonly text: string;
  readonly extras: readonly XmlNode[];
  readonly attributes?: Readonly<Record<string, string>>;
};
type Child = Branch | readonly Branch[] | undefined;
type Build = {
  /** undefined if there would be nothing in it. */
  group(name: string, path: string, children: readonly Child[]): Branch | undefined;
  leaf(path: string, text: string): Branch | undefined;
};

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1).replace(/\[\d+\]$/, '');

function builder(extras: readonly Extra[]): Build {
  return {
    group(name, path, children) {
      const inside = children.flat().filter((child): child is Branch => child !== undefined);
      const mine = extras.filter(({ at }) => at === path).map(({ node }) => node);
      if (inside.length === 0 && mine.length === 0) return undefined;
      return { name, path, children: inside, text: '', extras: mine };
    },
    leaf: (path, text) =>
      text === '' ? undefined : { name: nameOf(path), path, children: [], text, extras: [] },
  };
}

function organ(build: Build, path: string, of: Organ): Branch | undefined {
  const leaf = (name: string, text: string) => build.leaf(`${path}/${name}`, text);
  return build.group(nameOf(path), path, [
    leaf('OrganId', of.organId),
    leaf('OrganizationInCharge', of.inCharge),
    leaf('OrganName', of.name),
    leaf('OrganAdd', of.address),
    leaf('Email', of.email),
    leaf('Telephone', of.telephone),
    leaf('Fax', of.fax),
    leaf('Website', of.website),
  ]);
}

function responseFor(build: Build, path: string, of: ResponseFor): Branch | undefined {
  return build.group('ResponseFor', path, [
    build.leaf(`${path}/OrganId`, of.organId),
    build.leaf(`${path}/Code`, of.code),
    build.leaf(`${path}/DocumentId`, of.documentId),
    build.leaf(`${path}/PromulgationDate`, writeDate(of.date)),
  ]);
}

function staff(build: Build, path: string, of: Staff | null): Branch | undefined {
  return build.group('StaffInfo', path, [
    build.leaf(`${path}/Department`, of?.department ?? ''),
    build.leaf(`${path}/DepartmentId`, of?.departmentId ?? ''),
    build.leaf(`${path}/Staff`, of?.staff ?? ''),
    build.leaf(`${path}/StaffId`, of?.staffId ?? ''),
    build.leaf(`${path}/Email`, of?.email ?? ''),
    build.leaf(`${path}/Mobile`, of?.mobile ?? ''),
  ]);
}

/** Of the repeated element `name` the nth, counting from 0. */
const nth = (parent: string, name: string, i: number) => `${parent}/${name}[${i + 1}]`;

function messageHeader(build: Build, of: DocumentMessage): Branch {
  const root = 'MessageHeader';
  const leaf = (path: string, text: string) => build.leaf(`${root}/${path}`, text);
  const group = (path: string, ...children: Child[]) =>
    build.group(nameOf(path), `${root}/${path}`, children);
  const many = (path: string, texts: readonly string[]) =>
    texts.map((text, i) => build.leaf(`${root}/${path}[${i + 1}]`, text)).filter((one) => one !== undefined);
  const each = <T>(items: readonly T[], make: (item: T, i: number) => Branch | undefined) =>
    items.map(make).filter((one) => one !== undefined);
  const { other, signer, type } = of;
  return build.group(root, root, [
    organ(build, `${root}/From`, of.from),
    each(of.to, (to, i) => organ(build, nth(root, 'To', i), to)),
    leaf('DocumentId', of.documentId),
    group('Code', leaf('Code/CodeNumber', of.number), leaf('Code/CodeNotation', of.notation)),
    group(
      'PromulgationInfo',
      leaf('PromulgationInfo/Place', of.place),
      leaf('PromulgationInfo/PromulgationDate', writeDate(of.date)),
    ),
    group(
      'DocumentType',
      leaf('DocumentType/Type', type.code),
      leaf('DocumentType/TypeDetail', type.detail),
      leaf('DocumentType/TypeName', type.name),
    ),
    leaf('Subject', of.subject),
    leaf('Content', of.content),
    group(
      'SignerInfo',
      leaf('SignerInfo/Competence', signer.competence),
      leaf('SignerInfo/Position', signer.position),
      leaf('SignerInfo/FullName', signer.name),
    ),
    leaf('DueDate', writeDate(of.dueDate)),
    group(
      'OtherInfo',
      leaf('OtherInfo/Priority', other.priority),
      leaf('OtherInfo/SphereOfPromulgation', other.sphere),
      leaf('OtherInfo/TyperNotation', other.typist),
      leaf('OtherInfo/PromulgationAmount', other.copies),
      leaf('OtherInfo/PageAmount', other.pages),
      leaf('OtherInfo/Direction', other.direction),
      group('OtherInfo/Appendixes', many('OtherInfo/Appendixes/Appendix', other.appendixes)),
    ),
    each(of.responseFor, (one, i) => responseFor(build, nth(root, 'ResponseFor', i), one)),
    leaf('SteeringType', of.steeringType),
    group('ToPlaces', many('ToPlaces/Place', of.otherPlaces)),
  ])!;
}

function businessOf(build: Build, of: DocumentMessage): Branch | undefined {
  const path = 'TraceHeaderList/Bussiness';
  if (!of.business) return undefined;
  const { business } = of;
  const leaf = (name: string, text: string) => build.leaf(`${path}/${name}`, text);
  const info = `${path}/BussinessDocumentInfo`;
  const receivers = business.receivers.map((receiver, i) => {
    const at = nth(`${info}/ReceiverList`, 'Receiver', i);
    return build.group('Receiver', at, [
      build.leaf(`${at}/OrganId`, receiver.organId),
      build.leaf(`${at}/ReceiverType`, receiver.type),
    ]);
  });
  const list = `${path}/ReplacementInfoList`;
  const replacements = business.replacements.map((replacement, i) => {
    const at = nth(list, 'ReplacementInfo', i);
    const ids = replacement.organIds.map((id, j) => build.leaf(nth(`${at}/OrganIdList`, 'OrganId', j), id));
    return build.group('ReplacementInfo', at, [
      build.leaf(`${at}/DocumentId`, replacement.documentId),
      build.group('OrganIdList', `${at}/OrganIdList`, ids),
    ]);
  });
  return build.group('Bussiness', path, [
    leaf('DocumentId', business.documentId),
    leaf('BussinessDocType', business.type),
    leaf('BussinessDocReason', business.reason),
    leaf('Paper', business.paper),
    build.group('BussinessDocumentInfo', info, [
      build.leaf(`${info}/DocumentInfo`, business.documentInfo),
      build.leaf(`${info}/DocumentReceiver`, business.documentReceiver),
      build.group('ReceiverList', `${info}/ReceiverList`, receivers),
    ]),
    build.group('ReplacementInfoList', list, replacements),
    staff(build, `${path}/StaffInfo`, business.staff),
  ]);
}

function traceList(build: Build, of: DocumentMessage): Branch | undefined {
  const hops = of.trace.map((hop, i) => {
    const at = nth('TraceHeaderList', 'TraceHeader', i);
    return build.group('TraceHeader', at, [
      build.leaf(`${at}/OrganId`, hop.organId),
      build.leaf(`${at}/Timestamp`, writeTime(hop.at)),
    ]);
  });
  return build.group('TraceHeaderList', 'TraceHeaderList', [...hops, businessOf(build, of)]);
}

function manifest(build: Build, attachments: readonly Attachment[]): Branch | undefined {
  const references = attachments.map((of, i) => {
    const at = nth('edXMLManifest', 'Reference', i);
    return build.group('Reference', at, [
      build.leaf(`${at}/ContentId`, `cid:${of.contentId}`),
      build.leaf(`${at}/ContentType`, of.mediaType),
      build.leaf(`${at}/Description`, of.description),
      build.leaf(`${at}/AttachmentName`, of.name),
    ]);
  });
  const list = build.group('edXMLManifest', 'edXMLManifest', references);
  return build.group('edXMLBody', 'edXMLBody', [list && { ...list, attributes: { version: '1.0' } }]);
}

function statusHeader(build: Build, of: StatusMessage): Branch {
  const root = 'MessageHeader';
  return build.group(root, root, [
    organ(build, `${root}/From`, of.from),
    responseFor(build, `${root}/ResponseFor`, of.responseFor),
    staff(build, `${root}/StaffInfo`, of.staff),
    build.leaf(`${root}/StatusCode`, of.code),
    build.leaf(`${root}/Description`, of.description),
    build.leaf(`${root}/Timestamp`, writeTime(of.at)),
  ])!;
}

/** The envelope, without attachments. */
export function headerTree(message: EdxmlMessage): Branch {
  const build = builder(message.extras);
  const document = message.what === 'document';
  const header = document ? messageHeader(build, message) : statusHeader(build, message);
  return build.group('edXMLEnvelope', 'edXMLEnvelope', [
    build.group('edXMLHeader', 'edXMLHeader', [header, document ? traceList(build, message) : undefined]),
    document ? manifest(build, message.attachments) : undefined,
  ])!;
}

/** Path of extras inside one attachment; its place in the list may change. */
export const attachmentPath = (contentId: string): string => `Attachment(${contentId})`;

/** Every value with its path. */
export function* leaves(branch: Branch): Generator<{ readonly path: string; readonly value: string }> {
  if (branch.text !== '') yield { path: branch.path, value: branch.text };
  for (const child of branch.children) yield* leaves(child);
}
