// Answers of the lists: outbox, inbox, what a search found. Every field is described.
import {
  filling,
  flag,
  kind,
  list,
  ms,
  next,
  object,
  state,
  text,
  uploaded,
  urgency,
  whole,
} from './answer-forms.ts';

const common = {
  documentId: text('Id of the document.'),
  kind,
  urgency,
  subject: text('Trích yếu; empty once erased.'),
  notation: text('Ký hiệu.'),
  number: text('Số.'),
};

export const outboxAnswer = object(
  'A page of the outbox, newest first.',
  {
    rows: list(
      'The documents.',
      object(
        'One document handed in.',
        {
          ...common,
          unit: text('Sending unit, internal id.'),
          idempotencyKey: text('The key it was handed in with.'),
          createdMs: ms('When it was handed in.'),
          state,
          statuses: {
            type: 'object',
            description: 'How many recipients say what (01 to 06).',
            additionalProperties: whole('Recipients with this status.'),
          },
          stands: {
            type: 'object',
            description:
              'One word for each recipient: recalled or recall-asked, else its status (01 to 06), else its state.',
            additionalProperties: whole('Recipients that stand so.'),
          },
          recipients: {
            type: 'object',
            description: 'How many recipients stand where.',
            additionalProperties: whole('Recipients in this state.'),
          },
          lastError: text('Code of what stopped the last try, if it is waiting.'),
          nextMs: ms('While it waits after a try that failed: when the next one is.'),
          uploaded,
        },
        ['lastError', 'nextMs', 'uploaded'],
      ),
    ),
    next,
    filling,
  },
  ['next', 'filling'],
);

export const inboxAnswer = object(
  'A page of the inbox, newest first.',
  {
    rows: list(
      'The arrivals.',
      object(
        'One arrival.',
        {
          envelopeId: text('Names the arrival: envelopes of one document are several rows.'),
          ...common,
          sender: text('Sending unit, internal id.'),
          senderCode: text('Its code by the signed directory.'),
          units: list('Units of this node that it is for, internal ids.', text('Internal id.')),
          createdMs: ms("When it was sealed, by the sender's clock."),
          acceptedMs: ms("When the hub accepted it, by the hub's clock."),
          receivedMs: ms('When this node had it complete and signed the receipt.'),
          replyByMs: ms('Deadline for a reply; 0 is none.'),
          standing: list(
            'What each of our units did with it.',
            object('One unit.', {
              unit: text('Internal id.'),
              code: text('01 to 06.'),
              recall: text('Empty, destroying or destroyed.'),
            }),
          ),
          replaced: flag('A newer version took its place.'),
          request: text('What its sender asks and waits for: recall, update or empty.'),
          safety: text(
            'passed, pending, held, refused, released or rejected. Files are readable when passed or released.',
          ),
          remindedMs: ms('When its sender last reminded of it.'),
        },
        ['remindedMs'],
      ),
    ),
    next,
    filling,
  },
  ['next', 'filling'],
);

export const foundAnswer = object(
  'A page of what was found.',
  {
    rows: list(
      'The documents.',
      object(
        'One document.',
        {
          direction: text('out: sent here; in: received here.'),
          documentId: text('Id of the document.'),
          envelopeId: text('Of an arrival: names it.'),
          atMs: ms('When it was handed in here, or received.'),
          subject: text('Trích yếu.'),
          number: text('Số.'),
          notation: text('Ký hiệu.'),
          urgency: whole('0 to 4.'),
          units: list('Our units, internal ids.', text('Internal id.')),
          places: list('Codes of the sender, or of those it went to (at most 64).', text('Code.')),
        },
        ['envelopeId'],
      ),
    ),
    next,
    filling,
  },
  ['next', 'filling'],
);
