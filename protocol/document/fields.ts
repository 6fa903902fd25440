// The one schema of what a sender says of a document (Decree 30/2020 Appendix VI and the national message format), as JSON Schema and as a
// type: the API, the command line, watched folders and the console all hand in exactly this. Bounds are those of wire.proto, in bytes of
// UTF-8 (`x-max-bytes`). What a schema cannot say is in judge.ts; words for people about what is wrong in violations.ts.
import { relations, urgencies } from '../seal.ts';
import { exceptionTags } from './kinds.ts';

export const uuidPattern = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
const datePattern = '^(\\d{4}-\\d{2}-\\d{2})?$';

/** At most `bytesMax` bytes of UTF-8. */
export const text = (bytesMax: number, description: string) => ({
  type: 'string',
  maxLength: bytesMax,
  'x-max-bytes': bytesMax,
  description,
});
export const time = (description: string) => ({
  type: 'string',
  format: 'date-time',
  description: `${description} RFC 3339 with a time zone, such as 2026-11-30T17:00:00+07:00.`,
});
const date = (description: string) => ({ type: 'string', pattern: datePattern, description });

const signer = {
  type: 'object',
  description: 'One signer as printed on the document.',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: text(200, 'Full name.'),
    position: text(200, 'Position (chức vụ).'),
    competence: text(40, 'Competence as written: TM., KT., TL., TUQ. …'),
  },
} as const;

const link = {
  type: 'object',
  description: 'A relation to another document or envelope that travelled here. At least one of the two ids.',
  additionalProperties: false,
  required: ['relation'],
  anyOf: [{ required: ['documentId'] }, { required: ['envelopeId'] }],
  properties: {
    relation: { type: 'string', enum: Object.keys(relations), description: 'What the relation is.' },
    documentId: { type: 'string', pattern: uuidPattern, description: 'Id of the other document.' },
    envelopeId: { type: 'string', pattern: uuidPattern, description: 'Id of the other envelope.' },
  },
} as const;

const related = {
  type: 'object',
  description: 'A relation to a document known only by its number, on paper or in another system.',
  additionalProperties: false,
  required: ['relation'],
  anyOf: [{ required: ['number'] }, { required: ['notation'] }, { required: ['foreignId'] }],
  properties: {
    relation: { type: 'string', enum: Object.keys(relations), description: 'What the relation is.' },
    number: text(40, 'Số, as written.'),
    notation: text(80, 'Ký hiệu, as written.'),
    issueDate: date('Date of issue, YYYY-MM-DD.'),
    issuer: text(64, 'Code of the issuing office.'),
    issuerName: text(300, 'Its name.'),
    foreignId: text(200, 'Identifier in another system.'),
  },
} as const;

/** Properties of the schema; the request around them (recipients, parts, keys) belongs to the API. */
export const documentProperties = {
  subject: text(2000, 'Trích yếu. At most 2,000 bytes.'),
  number: text(40, 'Số, as written.'),
  notation: text(80, 'Ký hiệu, as written: QĐ-UBND. Never repaired.'),
  type: text(100, 'Loại văn bản, as written; any kind is taken.'),
  issueDate: date('Date of issue, YYYY-MM-DD; not in the future.'),
  signers: { type: 'array', maxItems: 16, items: signer, description: 'Who signed, as printed.' },
  urgency: {
    type: 'string',
    enum: Object.keys(urgencies),
    description:
      'normal, urgent (khẩn), veryUrgent (thượng khẩn), flash (hỏa tốc), flashTimed (hỏa tốc hẹn giờ). Left out: what the kind asks for.',
  },
  urgentAt: time('With flashTimed, and only with it: the time by which it must be there.'),
  replyBy: time('Deadline for the reply (hạn trả lời). Business only.'),
  sphere: text(200, 'Lĩnh vực.'),
  note: text(4000, 'Free note to the receiving clerk.'),
  origin: {
    type: 'string',
    enum: ['scan', 'digital'],
    description: 'scan: digitised paper; digital: born digital.',
  },
  paperFollows: { type: 'boolean', description: 'True if paper copies follow.' },
  pages: { type: 'integer', minimum: 0, maximum: 1_000_000, description: 'Pages; 0 is not said.' },
  copies: { type: 'integer', minimum: 0, maximum: 1_000_000, description: 'Copies; 0 is not said.' },
  otherPlaces: {
    type: 'array',
    maxItems: 256,
    items: { type: 'string', maxLength: 200, 'x-max-bytes': 200 },
    description: 'Places named in "nơi nhận" that are not addressees here.',
  },
  reportPeriod: {
    type: 'string',
    pattern: '^(\\d{4}(-(0[1-9]|1[0-2]|Q[1-4]|H[12]))?)?$',
    description: 'Of a regular report: 2026, 2026-11, 2026-Q4 or 2026-H2.',
  },
  links: {
    type: 'array',
    maxItems: 16,
    items: link,
    description: 'Relations to documents that travelled here.',
  },
  related: {
    type: 'array',
    maxItems: 16,
    items: related,
    description: 'Relations to other documents, by number.',
  },
  exception: {
    type: 'string',
    enum: Object.keys(exceptionTags),
    description:
      'Say it when the content concerns security, defence or order: such a document may not be sent here, and is refused before anything is kept.',
  },
  reason: text(4000, 'Reason of a recall, an update or a replacement.'),
  extra: {
    type: 'object',
    additionalProperties: true,
    description: 'Fields of your own, carried as they are; at most 16 KiB of JSON.',
  },
} as const;

type Relation = keyof typeof relations;
/** What the schema lets through. */
export type DocumentFields = {
  subject?: string;
  number?: string;
  notation?: string;
  type?: string;
  issueDate?: string;
  signers?: { name: string; position?: string; competence?: string }[];
  urgency?: keyof typeof urgencies;
  urgentAt?: string;
  replyBy?: string;
  sphere?: string;
  note?: string;
  origin?: 'scan' | 'digital';
  paperFollows?: boolean;
  pages?: number;
  copies?: number;
  otherPlaces?: string[];
  reportPeriod?: string;
  links?: { relation: Relation; documentId?: string; envelopeId?: string }[];
  related?: {
    relation: Relation;
    number?: string;
    notation?: string;
    issueDate?: string;
    issuer?: string;
    issuerName?: string;
    foreignId?: string;
  }[];
  exception?: keyof typeof exceptionTags;
  reason?: string;
  extra?: Record<string, unknown>;
};
