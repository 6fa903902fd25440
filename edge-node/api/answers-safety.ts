// Answers about what the checks of documents found, and what waits for a person. Every field is described.
import { flag, list, ms, object, text, whole, words } from './answer-forms.ts';

const finding = object(
  'Something that was found.',
  {
    code: text(
      'What: infected, scan-error, scan-too-large, executables, macros, archive-…, pdf-…, secret-…, page-unreadable, name-mismatch, …',
    ),
    part: whole('Number of the file; absent for the whole document.'),
    said: text('Type, count, name of the find; never content.'),
    action: text('deliver (marked only), hold or refuse.'),
    words,
  },
  ['part'],
);

const personsWord = object('Who decided.', {
  by: text('Who.'),
  atMs: ms('When.'),
  why: text('The reason given.'),
});

export const safety = object(
  'What the checks of this node found, as of sending (out) or receiving (in). Absent where nothing had to be looked at.',
  {
    state: text('pending, passed, held, refused, released or rejected.'),
    words,
    waiting: text('Code of what it waits for while pending, e.g. scanner-unreachable.'),
    secret: flag('Marked as a state secret: nobody releases it.'),
    findings: list('Everything found.', finding),
    parts: list(
      'Each file.',
      object(
        'A file.',
        {
          index: whole('Number of the file.'),
          type: text('Type by content.'),
          mediaType: text('Media type by content.'),
          scan: text('clean, infected, too-large, error or not-scanned.'),
          scanWords: words,
          scanSaid: text('Name of the find, or why there is no verdict.'),
          firstPage: {
            type: ['string', 'null'],
            description: 'Of a PDF: read, or why page 1 could not be searched for secrecy stamps.',
          },
          verdict: text('Of a PDF: verdict of the signature report.'),
          sentence: words,
          report: {
            type: 'object',
            description: 'The whole signature report (docs/PDF.md).',
            additionalProperties: true,
          },
        },
        ['verdict', 'sentence', 'report'],
      ),
    ),
    policy: text('Version of the policy that decided; empty for the built-in rules.'),
    sinceMs: ms('When the check began.'),
    decidedMs: ms('When it was decided; the signature reports are of this moment.'),
    first: personsWord,
    ended: personsWord,
  },
  ['waiting', 'decidedMs', 'first', 'ended'],
);

export const heldAnswer = object('What waits for a person.', {
  rows: list(
    'Oldest first.',
    object(
      'A held document.',
      {
        id: text('Document id of what is sent, envelope id of what arrived.'),
        direction: text('out or in.'),
        from: text('Code of the sending unit.'),
        sinceMs: ms('Since when.'),
        secret: flag('Marked as a state secret.'),
        findings: list('Why.', finding),
        first: personsWord,
      },
      ['first'],
    ),
  ),
});

export const judgedAnswer = object('What the word came to.', {
  id: text('The document.'),
  result: text('first (one more person is needed), released, rejected or hidden.'),
});
