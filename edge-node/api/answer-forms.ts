// Words of which the schemas of the answers are made, and the shapes that several of them share. Nothing is filtered by a schema of an answer.

type Field = { readonly [key: string]: unknown };

export const object = (
  description: string,
  properties: Record<string, Field>,
  optional: readonly string[] = [],
) => ({
  type: 'object',
  description,
  additionalProperties: false,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  properties,
});

export const list = (description: string, items: Field) => ({ type: 'array', description, items });

export const text = (description: string) => ({ type: 'string', description });

export const whole = (description: string) => ({ type: 'integer', description });

export const flag = (description: string) => ({ type: 'boolean', description });

export const ms = (description: string) => ({
  type: 'integer',
  description: `${description} Milliseconds since 1970-01-01T00:00Z.`,
});

export const words = object('The same in words for people.', {
  vi: text('In Vietnamese.'),
  en: text('In English.'),
});

export const kind = whole(
  'Kind: 1 document, 2 update, 3 replacement, 4 recall, 5 status; later ones are possible.',
);

export const urgency = whole('Urgency: 0 normal, 1 khẩn, 2 thượng khẩn, 3 hỏa tốc, 4 hỏa tốc hẹn giờ.');

export const state = text(
  'queued, accepted (the hub has it), relayed (the next hub has it), delivered, refused, undeliverable, expired or cancelled; received for an arrival. Of several recipients: the least advanced that still moves, else the worst failure, else delivered; cancelled only when all of them were. How many stand where is told beside it.',
);

export const uploaded = object('While its large files go up.', {
  doneBytes: whole('What the hub has of them.'),
  allBytes: whole('All of them together.'),
});

export const code = text('Code of the error catalogue, or empty.');

export const part = object('One file.', {
  index: whole('Number of the part, from 0.'),
  name: text('File name; empty once erased.'),
  mediaType: text('Media type as declared by the sender.'),
  lengthBytes: whole('Length in bytes.'),
  sha256Hex: text('SHA-256 of the bytes, hex.'),
});

export const filling = flag(
  'true: what was asked goes through the search, which is still being made after a start; older documents may be missing.',
);

export const next = text('Give it as `after` to get the page that follows; absent on the last one.');

export const anyMetadata = (description: string) => ({
  type: 'object',
  description,
  additionalProperties: true,
});

export const problemAnswer = {
  type: 'object',
  description: 'RFC 9457. Decide on `code`; it never changes its meaning.',
  additionalProperties: true,
  required: ['type', 'title', 'status', 'code', 'retry', 'who', 'remedy', 'remedyVi', 'titleVi'],
  properties: {
    type: text('URI of the code.'),
    title: text('What happened, in English.'),
    titleVi: text('What happened, in Vietnamese.'),
    status: whole('HTTP status.'),
    detail: text('Names fields, sizes and ids.'),
    instance: text('Id of the request, for the log.'),
    code: text('Stable code of the error catalogue.'),
    retry: text(
      'never, later (the same request again after a while), operator (again after a person has acted).',
    ),
    who: text('Who must act: clerk, software, node-operator, hub-operator, nobody.'),
    remedy: text('What to do, in English.'),
    remedyVi: text('What to do, in Vietnamese.'),
    retryAfterMs: whole('Wait at least this long.'),
  },
} as const;
