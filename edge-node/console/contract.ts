// What the console's server and its pages say to each other: types, and the draft with nothing in it, shared by both. Times are UTC milliseconds;
// the pages show them in Vietnam's time. A page decides on codes and states, never on words.
import type { Act } from '../accounts/rights.ts';
import type { Alarm, DirectoryEntry, EdgeStatus, Uploaded } from '../core.ts';

export type UnitName = { readonly unit: string; readonly code: string; readonly name: string };

/** Before anybody signed in. */
export type Start = {
  readonly units: readonly UnitName[];
  /** False: nobody has an account yet; the first comes from the machine itself. */
  readonly people: boolean;
  /** Words on the button of the shared sign-in; absent where there is none. */
  readonly outside: string | undefined;
};

export type Me = {
  readonly email: string;
  readonly name: string;
  readonly position: string;
  readonly unit: UnitName;
  readonly units: readonly UnitName[];
  readonly roles: readonly string[];
  /** Roles that another gave for a time. */
  readonly given: readonly string[];
  readonly may: readonly Act[];
  readonly secondFactor: boolean;
  readonly method: string;
  readonly nowMs: number;
};

export type DraftPart = {
  readonly handle: string;
  readonly name: string;
  readonly mediaType: string;
  readonly lengthBytes: number;
  readonly sha256Hex: string;
};
export type DraftRecipient = { readonly code: string; readonly name: string };
/** As typed; judged only when it is sent. */
export type DraftFields = {
  readonly type: string;
  readonly number: string;
  readonly notation: string;
  readonly issueDate: string;
  readonly subject: string;
  readonly signerName: string;
  readonly signerPosition: string;
  readonly signerCompetence: string;
  readonly urgency: string;
  readonly replyBy: string;
  readonly note: string;
  readonly pages: string;
  readonly copies: string;
  readonly paperFollows: boolean;
  readonly origin: string;
  readonly otherPlaces: string;
  readonly recipients: readonly DraftRecipient[];
  readonly parts: readonly DraftPart[];
  /** Document that this one answers. */
  readonly answers: string;
  /** Document of ours whose place this one takes, and why: its recipients read it. */
  readonly replaces: string;
  readonly reason: string;
  /** Document of ours that goes to the recipients named here too. Files and facts are its own: of this draft only the recipients count. */
  readonly furtherOf: string;
};
export const emptyFields: DraftFields = {
  type: '',
  number: '',
  notation: '',
  issueDate: '',
  subject: '',
  signerName: '',
  signerPosition: '',
  signerCompetence: '',
  urgency: 'normal',
  replyBy: '',
  note: '',
  pages: '',
  copies: '',
  paperFollows: false,
  origin: 'digital',
  otherPlaces: '',
  recipients: [],
  parts: [],
  answers: '',
  replaces: '',
  reason: '',
  furtherOf: '',
};
export type DraftState = 'open' | 'held' | 'sent' | 'dropped';
export type Draft = {
  readonly draft: string;
  readonly state: DraftState;
  readonly revision: number;
  readonly fields: DraftFields;
  readonly by: string;
  readonly changedMs: number;
  readonly dueMs: number | undefined;
  readonly documentId: string | undefined;
  /** Why the last sending failed, in words, with its code. */
  readonly lastError: string | undefined;
};
export type DraftRow = Pick<Draft, 'draft' | 'state' | 'by' | 'changedMs' | 'dueMs' | 'lastError'> & {
  readonly subject: string;
  readonly notation: string;
  readonly number: string;
  readonly recipients: number;
  /** It sends a document that was sent to further recipients. */
  readonly further: boolean;
};

/** One line of the check list before sending. */
export type Check = {
  readonly name: string;
  readonly good: boolean;
  readonly stops: boolean;
  readonly words: string;
};

/** What leaves, to whom: groups as the units that they are now, and what of them is for paper. */
export type SendingList = { readonly units: readonly DraftRecipient[]; readonly paper: readonly string[] };
export type DraftChecks = {
  readonly checks: readonly Check[];
  readonly goes: SendingList;
  /** When the unit sent this number and notation before, in this year. */
  readonly numberUsedMs?: number | undefined;
};

/** Fields that a file may say of itself. */
export type SuggestedField =
  | 'number'
  | 'notation'
  | 'issueDate'
  | 'type'
  | 'subject'
  | 'signerName'
  | 'signerPosition'
  | 'signerCompetence'
  | 'pages';
/** Read from the text of the pages, or from the certificate of the person who signed. Never filled in without a person. */
export type Suggestion = { readonly value: string; readonly from: 'text' | 'signature' };
export type PartLook = {
  readonly handle: string;
  /** Absent for what is no PDF. */
  readonly signature:
    | {
        readonly verdict: string;
        readonly sentence: string;
        readonly signers: readonly {
          readonly name: string;
          readonly organisation: string;
          readonly party: 'person' | 'organisation' | 'time-stamp' | null;
          readonly atMs: number | undefined;
        }[];
      }
    | undefined;
  /** What a check would say of the file, in words. */
  readonly findings: readonly { readonly code: string; readonly words: string }[];
  readonly suggestions: Partial<Record<SuggestedField, Suggestion>>;
  /** Lines below "Nơi nhận:". */
  readonly places: readonly string[];
};

export type UploadView = {
  readonly upload: string;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
};

/** What the live line tells; never content. */
export type LiveEvent =
  | { readonly kind: 'arrived'; readonly id: string; readonly urgency: number }
  | { readonly kind: 'document' | 'statement' | 'draft'; readonly id: string }
  /** Absent: nothing of it goes up any more. */
  | { readonly kind: 'progress'; readonly id: string; readonly uploaded?: Uploaded | undefined }
  | { readonly kind: 'link'; readonly state: string }
  | { readonly kind: 'nudge' }
  | { readonly kind: 'other' };

export type Overview = {
  /** Arrivals that wait to be accepted or returned. */
  readonly waiting: number;
  readonly oldestWaitingMs: number | undefined;
  /** Requests of senders that wait for an answer. */
  readonly requests: number;
  /** Arrivals of which the sender reminded, and nothing was said since. */
  readonly reminded: number;
  /** Own open tasks, and terms of the unit that are over or near. */
  readonly tasks: number;
  readonly late: number;
  readonly near: number;
  /** Held by a check, for a second person. */
  readonly held: number;
  /** Arrivals that nobody of the unit has opened. */
  readonly unread: number;
  readonly unreadUrgent: number;
  readonly oldestUnreadMs: number | undefined;
  /** Sendings that are not at the hub yet, or failed. */
  readonly unsent: number;
  readonly failed: number;
  /** Sendings that an office has since a working day or more and has neither accepted nor returned. */
  readonly unanswered: number;
  /** Sendings that an office gave back in the last seven days, and nobody replaced or asked back since. */
  readonly returned: number;
  /** Either: what Hộp gửi holds. */
  readonly outbox: number;
  readonly drafts: number;
  readonly today: { readonly arrived: number; readonly sent: number };
  readonly alarms: number;
  readonly slots: readonly { readonly window: string; readonly state: string }[];
  /** Reminders that wait for the person. */
  readonly nudges: number;
};

/** Places of a pasted text. `several`: a person chooses; `missed`: for paper. */
export type Matched = {
  readonly found: readonly DraftRecipient[];
  readonly several: readonly { readonly text: string; readonly candidates: readonly DraftRecipient[] }[];
  readonly missed: readonly string[];
};
/** A row of the directory. */
export type DirectoryRow = DirectoryEntry & {
  /** How many units lie directly below it. */
  readonly below: number;
  /** When the newest document or status of it came here; absent: none yet. */
  readonly heardMs?: number | undefined;
};
/** One level of the directory, or what was found; `way`: from the top down to the unit whose level it is. */
export type DirectoryLevel = { readonly way: readonly UnitName[]; readonly entries: readonly DirectoryRow[] };
export type GroupRow = {
  readonly code: string;
  readonly name: string;
  readonly units: number;
  /** The unit's own, which it may change. */
  readonly own: boolean;
};

/** Keys of the REST API by name. `here`: they are made and ended here; false where the node serves several units. */
export type KeyList = {
  readonly rows: readonly { readonly name: string; readonly addedMs: number }[];
  readonly here: boolean;
};

/** Alarms with the catalogue's words. */
export type StatusView = Omit<EdgeStatus, 'alarms'> & {
  /** Of the program. */
  readonly version: string;
  readonly alarms: readonly (Alarm & {
    readonly titleVi: string | undefined;
    readonly remedyVi: string | undefined;
  })[];
};
