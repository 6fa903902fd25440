// What the console's server and its pages say to each other: types only, shared by both. Times are UTC milliseconds; the pages show them in
// Vietnam's time. A page decides on codes and states, never on words.
import type { Act } from '../accounts/rights.ts';
import type { Alarm, EdgeStatus } from '../core.ts';

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
  /** Document that this one answers, replaces or relates to. */
  readonly answers: string;
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
  readonly lastError: string | undefined;
};
export type DraftRow = Pick<Draft, 'draft' | 'state' | 'by' | 'changedMs' | 'dueMs' | 'lastError'> & {
  readonly subject: string;
  readonly notation: string;
  readonly number: string;
  readonly recipients: number;
};

/** One line of the check list before sending. */
export type Check = {
  readonly name: string;
  readonly good: boolean;
  readonly stops: boolean;
  readonly words: string;
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
  | { readonly kind: 'link'; readonly state: string }
  | { readonly kind: 'nudge' }
  | { readonly kind: 'other' };

export type Overview = {
  /** Arrivals that wait to be accepted or returned. */
  readonly waiting: number;
  readonly oldestWaitingMs: number | undefined;
  /** Requests of senders that wait for an answer. */
  readonly requests: number;
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
  readonly drafts: number;
  readonly today: { readonly arrived: number; readonly sent: number };
  readonly alarms: number;
  readonly slots: readonly { readonly window: string; readonly state: string }[];
  /** Reminders that wait for the person. */
  readonly nudges: number;
};

export type Matched = { readonly found: readonly DraftRecipient[]; readonly missed: readonly string[] };

/** Alarms with the catalogue's words. */
export type StatusView = Omit<EdgeStatus, 'alarms'> & {
  readonly alarms: readonly (Alarm & {
    readonly titleVi: string | undefined;
    readonly remedyVi: string | undefined;
  })[];
};
