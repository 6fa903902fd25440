// JSON schemas of what the office's software sends. They are the documentation of the API too: every field has a description.
// Unknown fields and wrong types are refused (validate.ts); what only the core can judge (codes, states) is judged there.
// First thing that an outgoing document meets.
import { documentProperties, text, time, uuidPattern } from '../../protocol/document/fields.ts';
import { limits } from '../../protocol/limits.ts';

/** Enough for the longest code, a desk and an "@". */
export const addressLengthMax = 200;
/** A part given in the request: base64 of at most 256 KiB. */
const base64LengthMax = 4 * Math.ceil(limits.inlinePartBytesMax / 3);

const part = {
  type: 'object',
  description: 'One file of the document: contentBase64 for a small one, or uploadId of POST /v1/uploads.',
  additionalProperties: false,
  required: ['name', 'mediaType'],
  properties: {
    name: {
      type: 'string',
      minLength: 1,
      maxLength: limits.partNameBytesMax,
      description:
        'File name shown to the receiver: no path, NFC, no control or direction-changing characters.',
    },
    mediaType: {
      type: 'string',
      pattern: '^[A-Za-z0-9!#$&^_.+-]{1,63}/[A-Za-z0-9!#$&^_.+-]{1,63}$',
      description: 'Media type, such as application/pdf. Declared, not believed.',
    },
    contentBase64: {
      type: 'string',
      maxLength: base64LengthMax,
      contentEncoding: 'base64',
      'x-base64': true,
      description: `The bytes in base64 (RFC 4648 §4, with padding): at most ${limits.inlinePartBytesMax / 1024} KiB of content. Larger ones are uploaded first.`,
    },
    uploadId: {
      type: 'string',
      minLength: 1,
      maxLength: 64,
      description: 'What POST /v1/uploads returned. It may be used by several documents of the same unit.',
    },
  },
  oneOf: [
    { required: ['contentBase64'], not: { required: ['uploadId'] } },
    { required: ['uploadId'], not: { required: ['contentBase64'] } },
  ],
} as const;

export const submitSchema = {
  type: 'object',
  // Judged beyond the schema by protocol/document/judge.ts.
  'x-document': true,
  additionalProperties: false,
  required: ['recipients', 'parts'],
  properties: {
    idempotencyKey: {
      type: 'string',
      minLength: 1,
      maxLength: 200,
      'x-max-bytes': 200,
      description:
        'Your own reference of this document, instead of the header Idempotency-Key. The same key with the same request gives the same document, for ever.',
    },
    unit: text(64, 'Sending unit (code or internal id). May be left out when the node serves one unit.'),
    recipients: {
      type: 'array',
      minItems: 1,
      maxItems: limits.recipientsMax,
      items: { type: 'string', minLength: 1, maxLength: addressLengthMax },
      description:
        'Codes as in GET /v1/directory, each with an optional desk: "H08.35.13" or "vanthu@H08.35.13".',
    },
    parts: {
      type: 'array',
      maxItems: limits.partsMax,
      items: part,
      description: `The files, in order; at most ${limits.partsMax}.`,
    },
    kind: {
      type: 'string',
      enum: ['document', 'replacement'],
      description:
        'Default document; a replacement names by links with relation replaces the documents whose place it takes. Recalls, updates and statuses have routes of their own.',
    },
    deliverBy: time('Transport deadline; default 30 days after sealing, at most 400 days.'),
    ...documentProperties,
    keepText: {
      type: 'boolean',
      description:
        'After text-legacy: a person has looked, the text is right as written and is not to be converted.',
    },
    evenIfDuplicate: {
      type: 'boolean',
      description:
        'True after document-duplicate-suspected was looked at: another document of the unit bears this number and notation in the year.',
    },
  },
} as const;

export const idParams = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string', pattern: uuidPattern, description: 'Document id or envelope id.' } },
} as const;

export const partParams = {
  type: 'object',
  required: ['id', 'index'],
  properties: {
    ...idParams.properties,
    index: { type: 'string', pattern: '^(0|[1-9][0-9]?)$', description: 'Number of the part, from 0.' },
  },
} as const;

export const noQuery = { type: 'object', additionalProperties: false, properties: {} } as const;
export const noBody = { type: ['object', 'null'], additionalProperties: false, properties: {} } as const;

const direction = {
  type: 'string',
  enum: ['out', 'in'],
  description: 'Of a document both sent and received by this node: which one.',
} as const;
export const directionQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { direction },
} as const;

export const proofQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    direction,
    metadata: {
      type: 'string',
      enum: ['true', 'false'],
      description: 'true: with the descriptive block (subject, file names); default false, only its digest.',
    },
  },
} as const;

export const page = {
  unit: text(64, 'Only of this unit of the node.'),
  text: text(200, 'Only those whose subject, notation or number contains this.'),
  since: time('Only those from this time on.'),
  until: time('Only those before this time.'),
  limit: {
    type: 'string',
    pattern: '^([1-9]|[1-9][0-9]|1[0-9]{2}|200)$',
    description: 'Rows, 1 to 200; default 50.',
  },
  after: text(200, '`next` of the page before.'),
  every: {
    type: 'string',
    enum: ['true', 'false'],
    description: 'true: also recalls, updates and statuses, which are no documents by themselves.',
  },
} as const;

export const outboxQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    ...page,
    state: {
      type: 'string',
      enum: [
        'queued',
        'accepted',
        'relayed',
        'delivered',
        'refused',
        'undeliverable',
        'expired',
        'cancelled',
      ],
      description: 'Only those in this state.',
    },
  },
} as const;

export const inboxQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { ...page, sender: text(64, 'Only from this unit (code or internal id).') },
} as const;

export const searchQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    q: text(300, 'Words of any field; the last one may be a beginning; "in this order" in quotation marks.'),
    direction: { type: 'string', enum: ['out', 'in'], description: 'Only sent, or only received.' },
    sort: {
      type: 'string',
      enum: ['newest', 'subject'],
      description: 'newest first (default), or by subject in Vietnamese order.',
    },
    unit: page.unit,
    since: page.since,
    until: page.until,
    limit: page.limit,
    after: page.after,
  },
} as const;

export const heldQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    limit: {
      type: 'string',
      pattern: '^([1-9]|[1-9][0-9]|[1-4][0-9][0-9]|500)$',
      description: 'Rows, 1 to 500; default 100.',
    },
  },
} as const;
export const judgeBody = {
  type: 'object',
  additionalProperties: false,
  required: ['reason'],
  properties: {
    reason: { type: 'string', minLength: 1, maxLength: 500, description: 'Why; recorded.' },
    by: {
      type: 'string',
      minLength: 1,
      maxLength: 200,
      description: 'Control socket only: who decides, official e-mail.',
    },
    direction,
  },
} as const;

export const directoryQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    q: text(200, 'Start of a code, or words of the name; case and diacritics do not matter.'),
    limit: {
      type: 'string',
      pattern: '^([1-9]|[1-9][0-9]|100)$',
      description: 'Entries, 1 to 100; default 20.',
    },
  },
} as const;

export const unitQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { unit: text(64, 'Sending unit, when the node serves several.') },
} as const;
export const codeParams = {
  type: 'object',
  required: ['code'],
  properties: { code: { type: 'string', minLength: 1, maxLength: 64, description: 'Code of the group.' } },
} as const;
export const matchBody = {
  type: 'object',
  additionalProperties: false,
  required: ['text'],
  properties: {
    text: {
      type: 'string',
      minLength: 1,
      maxLength: 60_000,
      description: 'The text of "Nơi nhận", or a list with one name, code or desk@code on each line.',
    },
    unit: text(64, 'Sending unit, when the node serves several.'),
  },
} as const;
export const groupBody = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'members'],
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 200, description: 'Name, such as "Khối trường học".' },
    members: {
      type: 'array',
      minItems: 1,
      maxItems: 1_024,
      items: { type: 'string', minLength: 1, maxLength: addressLengthMax },
      description: 'Addresses: codes, desk@code, or group:CODE of another group.',
    },
    unit: text(64, 'The unit whose group it is, when the node serves several.'),
  },
} as const;

export const uploadQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { unit: text(64, 'Unit that will send it; may be left out when the node serves one unit.') },
} as const;

export const idempotencyHeaders = {
  type: 'object',
  properties: {
    'idempotency-key': {
      type: 'string',
      minLength: 1,
      maxLength: 200,
      description: 'Your own reference of this document; or the field idempotencyKey.',
    },
  },
} as const;
