// Fields of edXML that the envelope has no field for: they ride in Metadata.extra_json under the key "edxml", so that a document that passes
// through us leaves as it came. Personal data of clerks is left out. Only what differs from the usual value is kept.
import {
  type DocumentMessage,
  kindOf,
  type ReceiverChange,
  type Replacement,
  type ResponseFor,
  type Trace,
} from './model.ts';

/** 16 KiB is the bound of extra_json. */
const EXTRA_BYTES_MAX = 16 * 1024;

export type Beyond = {
  readonly documentId?: string;
  readonly place?: string;
  readonly typeCode?: string;
  readonly typeDetail?: string;
  readonly typist?: string;
  readonly direction?: string;
  readonly appendixes?: readonly string[];
  readonly steeringType?: string;
  readonly trace?: readonly Trace[];
  /** Bussiness/DocumentId of a message that is neither recall nor update. */
  readonly businessDocumentId?: string;
  /** All of them, if one names a document that was not known here. */
  readonly responseFor?: readonly ResponseFor[];
  readonly documentInfo?: string;
  readonly documentReceiver?: string;
  readonly receivers?: readonly ReceiverChange[];
  readonly replacements?: readonly Replacement[];
  readonly descriptions?: readonly string[];
  readonly extras?: DocumentMessage['extras'];
};

/** What the writer puts where nothing is said; the values of the sample that is known to be accepted. */
export const usual = { direction: 'false', steeringType: '1' } as const;
export const usualReason = 'Văn bản điện tử mới';

const kept = (record: Record<string, unknown>): Beyond =>
  Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== '' && (!Array.isArray(value) || value.length > 0)),
  );
const unless = (value: string, usually: string) => (value === usually ? '' : value);

/** `unknown`: a document that the message speaks of is not known here, so that no link carries it. */
export function beyondOf(message: DocumentMessage, unknown: boolean): Beyond {
  const { business, other, type } = message;
  const receivers = message.to.map(({ organId }) => organId);
  const plain = (business?.replacements ?? []).every(({ organIds }) => organIds.join() === receivers.join());
  return kept({
    documentId: message.documentId,
    place: message.place,
    typeCode: type.code,
    typeDetail: type.detail,
    typist: other.typist,
    direction: unless(other.direction, usual.direction),
    appendixes: other.appendixes,
    steeringType: unless(message.steeringType, usual.steeringType),
    // The first hop is the sender itself and travels as the time of making.
    trace:
      message.trace.length > 1 || message.trace[0]?.organId !== message.from.organId ? message.trace : [],
    businessDocumentId: /^(recall|update)$/.test(message.kind) ? '' : (business?.documentId ?? ''),
    responseFor: unknown ? message.responseFor : [],
    documentInfo: unless(business?.documentInfo ?? '', kindOf(business?.type ?? '') === 'update' ? '1' : ''),
    documentReceiver: unless(
      business?.documentReceiver ?? '',
      kindOf(business?.type ?? '') === 'update' ? '0' : '',
    ),
    receivers: business?.receivers ?? [],
    replacements: plain && !unknown ? [] : (business?.replacements ?? []),
    descriptions: message.attachments.some(({ description }) => description !== '')
      ? message.attachments.map(({ description }) => description)
      : [],
    // A signature over bytes that nobody will see again proves nothing.
    extras: message.extras.filter(({ node }) => !/Signature$/.test(node.name)),
  });
}

/** JSON for extra_json; what does not fit is left out, the bulkiest first, and named. */
export function beyondJson(beyond: Beyond): { readonly json: string; readonly left: readonly string[] } {
  const left: string[] = [];
  let rest: Record<string, unknown> = { ...beyond };
  const text = () => JSON.stringify({ edxml: rest });
  for (const name of ['extras', 'trace', 'receivers', 'replacements', 'descriptions', 'appendixes']) {
    if (Buffer.byteLength(text()) <= EXTRA_BYTES_MAX) break;
    if (!(name in rest)) continue;
    left.push(name);
    rest = Object.fromEntries(Object.entries(rest).filter(([key]) => key !== name));
  }
  return { json: Object.keys(rest).length === 0 ? '' : text(), left };
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const shapes: Readonly<Record<keyof Beyond, (value: unknown) => boolean>> = {
  ...(Object.fromEntries(
    [
      'documentId',
      'place',
      'typeCode',
      'typeDetail',
      'typist',
      'direction',
      'steeringType',
      'documentInfo',
      'businessDocumentId',
      'documentReceiver',
    ].map((name) => [name, isText]),
  ) as Record<keyof Beyond, typeof isText>),
  appendixes: (value) => list(value, isText),
  descriptions: (value) => list(value, isText),
  trace: (value) => list(value, (one) => isRecord(one) && isText(one.organId) && isText(one.at)),
  responseFor: (value) =>
    list(
      value,
      (one) =>
        isRecord(one) &&
        isText(one.organId) &&
        isText(one.code) &&
        isText(one.documentId) &&
        isText(one.date),
    ),
  receivers: (value) => list(value, (one) => isRecord(one) && isText(one.organId) && isText(one.type)),
  replacements: (value) =>
    list(value, (one) => isRecord(one) && isText(one.documentId) && list(one.organIds, isText)),
  extras: (value) => list(value, (one) => isRecord(one) && isText(one.at) && isNode(one.node, 0)),
};
const list = (value: unknown, fits: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(fits);

/** A name that XML allows, so that nothing written by others can break out of its element. */
const isName = (value: unknown): boolean => isText(value) && /^[\p{L}_][\p{L}\p{N}._-]*$/u.test(value);
function isNode(value: unknown, depth: number): boolean {
  if (!isRecord(value) || depth > 16 || !isName(value.name) || !isText(value.uri)) return false;
  if (typeof value.prefixed !== 'boolean') return false;
  const attribute = (one: unknown) =>
    isRecord(one) && isName(one.name) && isText(one.uri) && isText(one.value);
  return (
    list(value.attributes, attribute) &&
    list(value.children, (child) => isText(child) || isNode(child, depth + 1))
  );
}

/** Of extra_json as it arrives: made by anybody, so each field is looked at. `others`: keys that are not ours. */
export function readBeyond(extraJson: string): {
  readonly beyond: Beyond;
  readonly others: readonly string[];
} {
  let parsed: unknown = {};
  try {
    parsed = extraJson === '' ? {} : JSON.parse(extraJson);
  } catch {
    // Text that is no JSON is nobody's field.
    return { beyond: {}, others: ['extra_json'] };
  }
  if (!isRecord(parsed)) return { beyond: {}, others: ['extra_json'] };
  const mine = isRecord(parsed.edxml) ? parsed.edxml : {};
  const beyond = Object.fromEntries(
    Object.entries(mine).filter(
      ([name, value]) => Object.hasOwn(shapes, name) && shapes[name as keyof Beyond](value),
    ),
  );
  return { beyond, others: Object.keys(parsed).filter((key) => key !== 'edxml') };
}
