// JSON schemas of the answers, for openapi.json and for the test that compares them with real answers; nothing is filtered by them.
// Must describe every field: a maker of office software has nothing else to go by.
// The types are those of core.ts.

type Field = { readonly [key: string]: unknown };
const object = (
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
const list = (description: string, items: Field) => ({ type: 'array', description, items });
const text = (description: string) => ({ type: 'string', description });
const whole = (description: string) => ({ type: 'integer', description });
const flag = (description: string) => ({ type: 'boolean', description });
const ms = (description: string) => ({
  type: 'integer',
  description: `${description} Milliseconds since 1970-01-01T00:00Z.`,
});

const words = object('The same in words for people.', {
  vi: text('In Vietnamese.'),
  en: text('In English.'),
});
const kind = whole('Kind: 1 document, 2 update, 3 replacement, 4 recall, 5 status; later ones are possible.');
const urgency = whole('Urgency: 0 normal, 1 khẩn, 2 thượng khẩn, 3 hỏa tốc, 4 hỏa tốc hẹn giờ.');
const state = text(
  'queued, accepted (the hub has it), relayed (the next hub has it), delivered, refused, undeliverable, expired or cancelled; received for an arrival. Of several recipients: the least advanced that still moves, else the worst end.',
);
const code = text('Code of the error catalogue, or empty.');
const part = object('One file.', {
  index: whole('Number of the part, from 0.'),
  name: text('File name; empty once erased.'),
  mediaType: text('Media type as declared by the sender.'),
  lengthBytes: whole('Length in bytes.'),
  sha256Hex: text('SHA-256 of the bytes, hex.'),
});

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

const filling = flag(
  'true: what was asked goes through the search, which is still being made after a start; older documents may be missing.',
);
const next = text('Give it as `after` to get the page that follows; absent on the last one.');
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
          recipients: {
            type: 'object',
            description: 'How many recipients stand where.',
            additionalProperties: whole('Recipients in this state.'),
          },
          lastError: text('Code of what stopped the last try, if it is waiting.'),
        },
        ['lastError'],
      ),
    ),
    next,
    filling,
  },
  ['next', 'filling'],
);
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
const safety = object(
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
export const inboxAnswer = object(
  'A page of the inbox, newest first.',
  {
    rows: list(
      'The arrivals.',
      object('One arrival.', {
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
      }),
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

const statusView = object(
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
const changeView = object(
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
const anyMetadata = (description: string) => ({ type: 'object', description, additionalProperties: true });
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
export const updateAnswer = object(
  'The update was taken.',
  {
    documentId: text('The document.'),
    updateId: text('Document id of the update itself; absent when only receivers changed.'),
    recallId: text('Document id of the recall to those removed.'),
  },
  ['updateId', 'recallId'],
);

const timelineEvent = object(
  'One line of the story.',
  {
    atMs: ms('When, on the clock of who states it.'),
    event: text(
      "Name after ETSI EN 319 522; 'Queued', 'Sealed', 'Cancelled', 'RecallAsked', 'UpdateAsked' for what happened here; 'Status' for the word of a receiving office.",
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
    timeline: list(
      'What is known, oldest first, each from a signed statement or from this node.',
      timelineEvent,
    ),
  },
  ['status', 'change'],
);
const envelope = object(
  'One sealing.',
  {
    envelopeId: text('Its id; absent until sealed.'),
    digestHex: text('SHA-256 of the signed header, hex.'),
    follows: text('Envelope that this one repeats.'),
    sealedMs: ms('When it was sealed.'),
    attempts: whole('Tries so far.'),
    lastError: text('Code of what stopped the last try.'),
    recipients: list('Every recipient with its timeline.', recipient),
  },
  ['envelopeId', 'digestHex', 'follows', 'sealedMs', 'lastError'],
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

const directoryEntries = list(
  'Best first.',
  object(
    'One unit.',
    {
      unit: text('Internal id.'),
      code: text('Present code.'),
      codes: list('All codes in force, present one first.', text('A code.')),
      name: text('Name.'),
      state: text('active, unconfirmed, suspended, closed or invited (no node yet).'),
      hub: text('Hub, internal id.'),
      parent: text('Parent unit, internal id; absent or empty if none.'),
      here: flag('True if this node serves it.'),
      kind: text('What it is: xã, thị trấn, phòng …; empty when not said.'),
      path: text('Names of the units above, the nearest first.'),
      desks: list(
        'Persons and desks that can be addressed; empty: it does not say.',
        object('A desk.', { desk: text('Before the @.'), name: text('Name.') }),
      ),
      formerNames: list('Names that it had.', text('A name.')),
      successors: list('Codes of those that took over from a closed one.', text('A code.')),
    },
    ['parent'],
  ),
);

export const directoryAnswer = object('What the signed directory knows.', { entries: directoryEntries });

export const unitsAnswer = object(
  'The units that this node serves.',
  {
    units: list(
      'The units.',
      object(
        'One unit.',
        {
          unit: text('Internal id.'),
          code: text('Code.'),
          name: text('Name.'),
          confirmed: flag('False: the hub has not compared the six words yet.'),
          sealDaysLeft: { type: 'number', description: 'Days until the seal certificate ends.' },
        },
        ['sealDaysLeft'],
      ),
    ),
    entries: directoryEntries,
  },
  ['entries'],
);

const placeUnit = object('A unit that a place names.', {
  unit: text('Internal id.'),
  code: text('Present code.'),
  name: text('Name.'),
  desk: text('Person or desk, or empty.'),
  group: text('Group through which it was found, or empty.'),
  paper: text('Empty when it is served here; else the code of why it is for paper.'),
});
export const matchAnswer = object('What a text names.', {
  places: list('Every place, in its order.', {
    type: 'object',
    description:
      'found: units (how, units), several (candidates: choose), nothing (candidates: similar), desk-unknown (code, desks), note (as-named, archive).',
    additionalProperties: true,
  }),
  served: list('Who can be served here, each once.', placeUnit),
  paper: list(
    'For paper.',
    object('A place.', {
      text: text('As written, or the name.'),
      code: text('Its code, if known.'),
      reason: text('Code of the reason.'),
    }),
  ),
  open: list('Places that a person must choose.', text('As written.')),
  elsewhere: list('Lines that point to places named elsewhere in the document.', text('As written.')),
  complete: flag('True when every place is served here.'),
});
export const groupAnswer = object('A group.', {
  code: text('Send to it as "group:CODE".'),
  name: text('Name.'),
  kept: text('hub: for everybody; unit: of this unit.'),
  members: list('Addresses.', text('As written.')),
});
export const groupsAnswer = object('Groups.', { groups: list('The unit’s own first.', groupAnswer) });

export const statusAnswer = {
  type: 'object',
  description:
    'How the node stands: hub (line, last contact, instance, epoch), outbox and receipts waiting, inbox, disk, clock offset, directory, certificates with days left, alarms.',
  additionalProperties: true,
} as const;

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

export const healthAnswer = object('The process is alive.', { ok: flag('Always true.') });
export const readyAnswer = object('Ready or not, with every check.', {
  ready: flag('False: at least one check failed.'),
  checks: list(
    'Each check.',
    object(
      'A check.',
      {
        name: text('hub, disk, clock, directory, certificates, store, safety, calendar, folders.'),
        result: text('ok, warn or fail.'),
        said: text('Why, in English.'),
        saidVi: text('Why, in Vietnamese.'),
      },
      ['said', 'saidVi'],
    ),
  ),
});
