// Answers about one document: handed in, uploaded, shown with everything known about it. The types are those of core.ts. Every field is described.
import {
  anyMetadata,
  code,
  flag,
  kind,
  list,
  ms,
  object,
  part,
  state,
  text,
  uploaded,
  urgency,
  whole,
  words,
} from './answer-forms.ts';
import { safety } from './answers-safety.ts';
import { changeView, requestAnswer, statusView } from './answers-statuses.ts';

export const submitAnswer = object('The document.', {
  documentId: text('Names the document for ever; ask for its state with it.'),
  state,
  duplicate: flag('True when the idempotency key was known and this is the document of then.'),
});

export const uploadAnswer = object('A finished upload; it is on disk.', {
  uploadId: text('To be named in a part of POST /v1/documents within a week.'),
  lengthBytes: whole('Length in bytes as received.'),
  sha256Hex: text('SHA-256 of the bytes received, hex: compare it with yours.'),
});

const timelineEvent = object(
  'One line of the story.',
  {
    atMs: ms('When, on the clock of who states it.'),
    event: text(
      "Name after ETSI EN 319 522; 'Queued', 'Sealed', 'Cancelled', 'RecallAsked', 'UpdateAsked' for what happened here; 'Status' for the word of a receiving office, 'Reminder' for one of the sender.",
    ),
    outcome: text('Outcome that the statement gives.'),
    by: text('Who states it, internal id.'),
    byName: text('Who states it, for people.'),
    code,
    words,
    status: statusView,
  },
  ['status'],
);

const recipient = object(
  'One recipient.',
  {
    status: statusView,
    change: changeView,
    index: whole('Number in the signed list, from 0.'),
    unit: text('Internal id.'),
    code: text('Code by the signed directory.'),
    name: text('Name.'),
    desk: text('Person or desk; may be empty.'),
    state,
    remindedMs: ms('When the sender last reminded it to look at the document.'),
    settledMs: ms('When a person took care of its failure in another way.'),
    dueMs: ms('Of an arrival: the term that the unit accepted it with.'),
    timeline: list(
      'What is known, oldest first, each from a signed statement or from this node.',
      timelineEvent,
    ),
  },
  ['status', 'change', 'remindedMs', 'settledMs', 'dueMs'],
);

const envelope = object(
  'One sealing.',
  {
    envelopeId: text('Its id; absent until sealed.'),
    digestHex: text('SHA-256 of the signed header, hex.'),
    follows: text('Envelope that this one follows: sent again, or to further recipients.'),
    sealedMs: ms('When it was sealed.'),
    attempts: whole('Tries so far.'),
    lastError: text('Code of what stopped the last try.'),
    lastErrorWords: words,
    nextMs: ms('While it waits after a try that failed: when the next one is.'),
    uploaded,
    recipients: list('Every recipient with its timeline.', recipient),
  },
  ['envelopeId', 'digestHex', 'follows', 'sealedMs', 'lastError', 'lastErrorWords', 'nextMs', 'uploaded'],
);

const place = object('One recipient.', {
  code: text('Address.'),
  name: text('Name.'),
  state: text('State of its delivery.'),
  why: text('Code of the reason, or empty.'),
});

const completeness = object('Of a document that was sent: were all places served that it names?', {
  complete: flag('True when every recipient has signed for it and nothing is left for paper.'),
  served: whole('Recipients that have it.'),
  waiting: list('Still on the way, or held.', place),
  failed: list('Ended without delivery.', place),
  paper: list('Places named that are no recipients here (otherPlaces).', text('As written.')),
});

export const documentAnswer = object(
  'One document with everything known about it.',
  {
    completeness,
    direction: text('out: sent from here; in: arrived here.'),
    documentId: text('Id of the document.'),
    sender: text('Sending unit, internal id.'),
    senderCode: text('Its code.'),
    kind,
    urgency,
    createdMs: ms('When it was handed in, or sealed.'),
    receivedMs: ms('Of an arrival: when this node had it complete.'),
    sealWithdrawn: {
      type: 'boolean',
      description: 'Of an arrival: the seal was withdrawn for a time before the hub accepted it.',
    },
    state,
    metadata: {
      type: 'object',
      description:
        'What people read: subject, number, notation, type, issueDate, signers, parts, clientReference, sphere, note, origin (1 scan, 2 digital), paperFollows, pages, copies, otherPlaces, reason, extraJson. Absent once erased.',
      additionalProperties: true,
    },
    originalMetadata: anyMetadata('As it was sealed first, where an update changed it.'),
    destroyedMs: ms('When a recall destroyed it here.'),
    replacedBy: list('Documents that took its place, oldest first.', text('Id.')),
    duplicates: list('Other arrivals under the same number or id.', text('Id.')),
    textOffers: list(
      'Fields that seem to be in an older encoding. Nothing is changed: a person decides.',
      object('One field.', {
        field: text('JSON pointer into the metadata.'),
        encoding: text('tcvn3, vni, viscii …'),
        confidence: { type: 'number', description: '0 to 1.' },
        written: text('As it came.'),
        offered: text('As it would read in Unicode.'),
      }),
    ),
    requests: list('What its sender asks and asked.', requestAnswer),
    parts: list('The files.', part),
    links: list(
      'Relations to other documents.',
      object(
        'A relation.',
        {
          relation: whole(
            '1 follows, 2 replaces, 3 updates, 4 recalls, 5 answers, 6 relates to, 7 status of.',
          ),
          documentId: text('The other document.'),
          envelopeId: text('The other envelope.'),
        },
        ['documentId', 'envelopeId'],
      ),
    ),
    status: object('Facts of a status.', {
      code: text('Two digits.'),
      counter: whole('Counts up.'),
      atMs: ms('When it happened.'),
    }),
    envelopes: list('The sealings, newest first; an arrival has one.', envelope),
    safety,
  },
  [
    'receivedMs',
    'sealWithdrawn',
    'metadata',
    'originalMetadata',
    'destroyedMs',
    'status',
    'safety',
    'completeness',
  ],
);
