// JSON schemas of what the office's software says about documents that were sent or arrived: statuses, recalls, updates, further recipients, decisions.
// As in schemas-requests.ts they are the documentation too, and unknown fields are refused.
import { documentProperties, text } from '../../protocol/document/fields.ts';
import { limits } from '../../protocol/limits.ts';
import { addressLengthMax, page } from './schemas-requests.ts';

const ownUnit = text(64, 'Unit of this node (code or internal id), when several received the document.');
const person = text(200, 'Name of who acted, shown to the other office; may be left out.');

export const statusSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['code'],
  properties: {
    code: {
      type: 'string',
      enum: ['02', '03', '04', '05', '06'],
      description:
        '02 returned, 03 accepted and registered, 04 assigned, 05 in process, 06 finished. 01 is the delivery receipt itself.',
    },
    unit: ownUnit,
    registeredNumber: text(80, 'With 03: the number in the register of incoming documents.'),
    reason: {
      type: 'integer',
      minimum: 1,
      maximum: 8,
      description:
        'With 02, needed: 1 signature, 2 unreadable, 3 enclosure missing, 4 wrong recipient, 5 metadata contradicts the file, 6 duplicate, 7 secret content, 8 wrong form.',
    },
    text: text(4000, 'Free text for the sender.'),
    person,
    evenIfDuplicate: {
      type: 'boolean',
      description: 'With 03: true after document-duplicate-suspected was looked at.',
    },
  },
} as const;

const codes = (description: string) => ({
  type: 'array',
  minItems: 1,
  maxItems: limits.recipientsMax,
  items: { type: 'string', minLength: 1, maxLength: addressLengthMax },
  description,
});
const changeReason = { ...text(4000, 'Why; the recipients read it.'), minLength: 1 };

export const recallSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['reason'],
  properties: {
    reason: changeReason,
    from: codes('Codes of the recipients to take it back from; left out: everybody.'),
  },
} as const;

export const remindSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['to'],
  properties: { to: codes('Recipients as the document names them (code, desk@code).') },
} as const;

/** Of sending again and of stopping: no body, or these recipients. */
export const someSchema = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {
    to: codes('Addresses of the recipients that it is for, as the document shows them; left out: all.'),
  },
} as const;

export const extendSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['to'],
  properties: {
    to: codes('Addresses as in POST /v1/documents: codes, desks, groups.'),
  },
} as const;

const { reason: _reason, links: _links, ...updatable } = documentProperties;
export const updateSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['reason'],
  properties: {
    reason: changeReason,
    add: codes('Addresses that get the document from now on.'),
    remove: codes('Codes of recipients that lose it: a recall goes to them.'),
    keepText: {
      type: 'boolean',
      description:
        'After text-legacy: a person has looked, the text is right as written and is not to be converted.',
    },
    fields: {
      type: 'object',
      'x-document': true,
      additionalProperties: false,
      properties: updatable,
      description:
        'Fields of the description that change; those left out stay. Files never change: replace the document.',
    },
  },
} as const;

export const decisionSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['agree'],
  properties: {
    agree: { type: 'boolean', description: 'true: agree (15); of a recall, destroy. false: refuse (16).' },
    unit: ownUnit,
    text: text(4000, 'Free text for the sender.'),
    person,
    despiteWarning: {
      type: 'boolean',
      description: 'A recall may be refused only with this: the law gives a receiver no right to it.',
    },
  },
} as const;

export const requestsQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    all: { type: 'string', enum: ['true', 'false'], description: 'true: decided ones too.' },
    limit: page.limit,
  },
} as const;
