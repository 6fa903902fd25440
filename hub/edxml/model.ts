// The meaning of an edXML message (QCVN 102:2016/BTTTT, SĐ1:2022): types only. An absent element is '' or an empty list.
// Dates are YYYY-MM-DD, times YYYY-MM-DDTHH:mm:ss+07:00 (Asia/Ho_Chi_Minh, as the format has no zone); a text that is no date stays as
// it came, so that nothing is lost. Codes stay raw: the sources contradict one another about their numbers (VN-DOMAIN §10).

/** An element that we do not interpret. `prefixed`: it was written with the prefix of the QCVN namespace. */
export type XmlNode = {
  readonly name: string;
  readonly uri: string;
  readonly prefixed: boolean;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly (XmlNode | string)[];
};
export type XmlAttribute = { readonly name: string; readonly uri: string; readonly value: string };

export type Organ = {
  readonly organId: string;
  readonly inCharge: string;
  readonly name: string;
  readonly address: string;
  readonly email: string;
  readonly telephone: string;
  readonly fax: string;
  readonly website: string;
};
export type ResponseFor = {
  readonly organId: string;
  /** "number/notation". */
  readonly code: string;
  readonly documentId: string;
  readonly date: string;
};
/** Personal data of a clerk: never in a log. */
export type Staff = {
  readonly department: string;
  readonly departmentId: string;
  readonly staff: string;
  readonly staffId: string;
  readonly email: string;
  readonly mobile: string;
};
export type Trace = { readonly organId: string; readonly at: string };
export type Replacement = { readonly documentId: string; readonly organIds: readonly string[] };
/** `type` 0: taken off the list of receivers, 1: added. */
export type ReceiverChange = { readonly organId: string; readonly type: string };
export type Business = {
  /** BussinessDocType as written: 0 new, 1 recall, 2 update, 3 replacement. */
  readonly type: string;
  readonly reason: string;
  readonly documentId: string;
  readonly paper: string;
  readonly documentInfo: string;
  readonly documentReceiver: string;
  readonly receivers: readonly ReceiverChange[];
  readonly replacements: readonly Replacement[];
  readonly staff: Staff | null;
};
export type Attachment = {
  /** Without "cid:". */
  readonly contentId: string;
  readonly name: string;
  readonly description: string;
  /** As declared in the manifest, or on the attachment where the manifest says nothing. Never believed: see types.ts. */
  readonly mediaType: string;
};
/** `at` is the path of the parent, such as "MessageHeader/To[1]". */
export type Extra = { readonly at: string; readonly node: XmlNode };

export type DocumentKind = 'new' | 'recall' | 'update' | 'replacement' | 'unknown';
export type DocumentMessage = {
  readonly what: 'document';
  readonly kind: DocumentKind;
  readonly from: Organ;
  readonly to: readonly Organ[];
  readonly documentId: string;
  readonly number: string;
  readonly notation: string;
  readonly place: string;
  readonly date: string;
  readonly type: { readonly code: string; readonly detail: string; readonly name: string };
  readonly subject: string;
  readonly content: string;
  readonly signer: { readonly competence: string; readonly position: string; readonly name: string };
  readonly dueDate: string;
  readonly otherPlaces: readonly string[];
  readonly other: {
    readonly priority: string;
    readonly sphere: string;
    readonly typist: string;
    readonly copies: string;
    readonly pages: string;
    readonly direction: string;
    readonly appendixes: readonly string[];
  };
  readonly responseFor: readonly ResponseFor[];
  readonly steeringType: string;
  readonly trace: readonly Trace[];
  /** null: the element is missing, as in messages received from the axis; the document is then a new one. */
  readonly business: Business | null;
  readonly attachments: readonly Attachment[];
  readonly extras: readonly Extra[];
};
export type StatusMessage = {
  readonly what: 'status';
  readonly from: Organ;
  /** `organId` is the addressee, also for 13 where the original sender writes. */
  readonly responseFor: ResponseFor;
  readonly staff: Staff | null;
  readonly code: string;
  readonly description: string;
  readonly at: string;
  readonly extras: readonly Extra[];
};
export type EdxmlMessage = DocumentMessage | StatusMessage;

/** What reading tolerated. `code` is stable; `at` a path or the id of an attachment. */
export type Warning = {
  readonly code: WarningCode;
  readonly at: string;
  readonly en: string;
  readonly vi: string;
};
export type WarningCode =
  | 'namespace'
  | 'prefix-unbound'
  | 'attribute-not-kept'
  | 'unknown-element'
  | 'missing'
  | 'too-long'
  | 'value'
  | 'date'
  | 'no-business'
  | 'spelling'
  | 'trace-without-organ'
  | 'repeated-recipient'
  | 'status-unknown'
  | 'kind-unknown'
  | 'not-in-manifest'
  | 'names-differ'
  | 'no-attachment'
  | 'type-differs'
  | 'type-dangerous'
  | 'not-zipped'
  | 'empty-file'
  | 'not-nfc'
  | 'more-warnings';

export const qcvnNamespace = 'http://www.mic.gov.vn/TBT/QCVN_102_2016';

const kindsByCode: Readonly<Record<string, DocumentKind>> = {
  '': 'new',
  '0': 'new',
  '1': 'recall',
  '2': 'update',
  '3': 'replacement',
};
/** Of BussinessDocType as written. */
export const kindOf = (type: string): DocumentKind => kindsByCode[type.replace(/^0+(?=.)/, '')] ?? 'unknown';

// One table of status codes for all: codes not listed are shown, never refused.
export { statusName, statusNames } from '../../protocol/document/statuses.ts';
