// Answers about statuses, recalls, updates and further recipients, for openapi.json and the test that compares them with real answers. Every field is
// described: a maker of office software has nothing else to go by.
import { anyMetadata, list, ms, object, text, whole, words } from './answer-forms.ts';

export const statusView = object(
  'What a receiving office says of the document.',
  {
    statusId: text('Names the signed status, for GET /v1/documents/{id}/proof; empty for 01.'),
    code: text(
      '01 arrived, 02 returned, 03 accepted, 04 assigned, 05 in process, 06 finished; later ones are possible.',
    ),
    words,
    atMs: ms('When, as the office says.'),
    reason: whole('Of 02: 1 to 8; 0 is not said.'),
    reasonWords: words,
    registeredNumber: text(
      'Of 03, and standing with 04 to 06: the number in its register of incoming documents.',
    ),
    person: text('Who acted there.'),
    text: text('Free text.'),
  },
  ['reasonWords'],
);

export const changeView = object(
  'The newest request of the sender to this recipient.',
  {
    kind: text('recall or update.'),
    state: text(
      'asked, agreed, refused, taken-back (the hub had not delivered it), not-sent or undelivered.',
    ),
    words,
    askedMs: ms('When it was asked.'),
    answeredMs: ms('When the recipient answered.'),
  },
  ['answeredMs'],
);

export const remindAnswer = object('Whom a reminder goes to.', {
  documentId: text('The document.'),
  reminded: list('Codes.', text('Code.')),
});

export const requestAnswer = object(
  'A request of a sender about a document that arrived here.',
  {
    requestId: text('Names it in POST /v1/requests/{id}.'),
    kind: text('recall or update.'),
    state: text('waiting, open, destroying, agreed, refused or superseded.'),
    unit: text('Our unit that is asked, internal id.'),
    unitCode: text('Its code.'),
    sender: text('Who sent the document, internal id.'),
    senderCode: text('Its code.'),
    documentId: text('The document.'),
    askedMs: ms('When it came.'),
    decidedMs: ms('When it was decided.'),
    reason: text('Why, as the sender says.'),
    before: anyMetadata('The document as it is shown now.'),
    after: anyMetadata('Of an update: as it would be shown.'),
  },
  ['decidedMs', 'before', 'after'],
);

export const requestsAnswer = object('Requests, newest first.', {
  rows: list('The requests.', requestAnswer),
});

export const statusAnswerSet = object('The status was taken and will be sent.', {
  documentId: text('The document.'),
  code: text('The status that stands now.'),
  statusId: text('Document id of the status itself.'),
});

export const recallAnswer = object(
  'The recall was taken.',
  {
    documentId: text('The document.'),
    cancelled: list('Recipients whose copy never left this node.', text('A code.')),
    asked: list('Recipients that a recall goes to.', text('A code.')),
    recallId: text('Document id of the recall itself.'),
  },
  ['recallId'],
);

export const extendAnswer = object('The further sending was taken.', {
  documentId: text('The document.'),
  added: list('Recipients that it goes to now.', text('A code.')),
  already: list('Recipients that have it or get it yet; nothing is sent to them again.', text('A code.')),
  paper: list('Members of groups that can be served on paper only.', text('Name and code.')),
});
export const updateAnswer = object(
  'The update was taken.',
  {
    documentId: text('The document.'),
    updateId: text('Document id of the update itself; absent when only receivers changed.'),
    recallId: text('Document id of the recall to those removed.'),
  },
  ['updateId', 'recallId'],
);
