// What the server tells the pages about a unit's month, its people's looks into the console, and its backlog: types only, shared by both.

/** One direction of a month. */
export type Flow = {
  /** Through the system. */
  readonly electronic: number;
  /** Entered in the book by hand. */
  readonly paper: number;
  /** Electronic of all, in tenths of a percent; undefined where there is nothing. */
  readonly sharePermille: number | undefined;
  /** Sent: at the hub after the term of O6 to O8. Received: accepted after the term of O15, or still waiting beyond it. */
  readonly late: number;
  /** Electronic with paper after it. */
  readonly paperFollows: number;
  /** By urgency, thường to hỏa tốc hẹn giờ. */
  readonly byUrgency: readonly number[];
  /** Electronic and on paper together, most first; '' for documents that name no kind. */
  readonly byKind: readonly { readonly kind: string; readonly count: number }[];
  /** Units at the other end, most first. */
  readonly byUnit: readonly {
    readonly unit: string;
    readonly code: string;
    readonly name: string;
    readonly count: number;
    readonly late: number;
  }[];
};
export type PersonPresence = {
  readonly email: string;
  readonly name: string;
  readonly position: string;
  /** Windows looked in, of those that were over. */
  readonly done: number;
  readonly expected: number;
  /** Today's four windows. */
  readonly today: readonly { readonly window: string; readonly state: string }[];
};
export type Presence = {
  readonly from: string;
  readonly to: string;
  readonly workingDays: number;
  readonly people: readonly PersonPresence[];
  /** Of all people together. */
  readonly done: number;
  readonly expected: number;
};
export type MonthFigures = {
  /** yyyy-MM. */
  readonly month: string;
  readonly unit: { readonly unit: string; readonly code: string; readonly name: string };
  readonly sent: Flow & {
    /** Addressees of all documents, and what became of them. */
    readonly recipients: number;
    readonly delivered: number;
    readonly returned: number;
    readonly failed: number;
  };
  readonly received: Flow & {
    readonly accepted: number;
    readonly returned: number;
    readonly waiting: number;
  };
  readonly presence: Presence;
};

/** What waits at a unit at the end of a day, in numbers. */
export type DigestCounts = {
  readonly waiting: number;
  readonly requests: number;
  readonly open: number;
  readonly near: number;
  readonly late: number;
  /** Terms of documents (not of tasks) that are over. */
  readonly dueLate: number;
  readonly unsent: number;
  readonly failed: number;
  readonly held: number;
  readonly looked: number;
  readonly expected: number;
};

/** What lies with one person or desk. */
export type Load = {
  /** Official e-mail, or empty for a desk. */
  readonly person: string;
  readonly desk: string;
  readonly name: string;
  readonly open: number;
  readonly near: number;
  readonly late: number;
  /** The last reminder that was sent to this person. */
  readonly nudgedMs: number | undefined;
};
export type NudgeView = {
  readonly id: number;
  readonly from: string;
  readonly said: string;
  readonly atMs: number;
};
export type SavedView = {
  readonly id: number;
  readonly list: 'in' | 'out';
  readonly name: string;
  readonly query: string;
};

/** What a test button tried and found, step by step. */
export type SelfTestName = 'line' | 'clock' | 'certificate' | 'scanner';
export type SelfTest = {
  readonly name: SelfTestName;
  readonly atMs: number;
  readonly good: boolean;
  readonly steps: readonly {
    readonly name: string;
    readonly good: boolean;
    readonly found: string;
    /** Of the catalogue; empty where there is none. */
    readonly code: string;
    readonly remedyVi: string;
  }[];
};
