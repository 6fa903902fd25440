// What the rest of the node may ask of the office's own work: registers, acceptance, tasks, deadlines, calendar. Types only, a part of EdgeCore.
import type { DeadlineRule, DueState } from '../../protocol/calendar/deadlines.ts';
import type { CalendarYear } from '../../protocol/calendar/working-days.ts';
import type { Page } from '../core.ts';
import type { BookKind, EntryFields } from './entries.ts';

type Words = { readonly vi: string; readonly en: string };
type ByWhom = { readonly actor?: string };
export type BookName = {
  /** Our unit, id or code; may be left out on a node of one unit. */
  readonly unit?: string;
  readonly kind: BookKind;
  /** Default: this year in Vietnam. */
  readonly year?: number;
  /** '' is the common book. */
  readonly code?: string;
};
export type BookView = {
  readonly unit: string;
  readonly kind: BookKind;
  readonly year: number;
  readonly code: string;
  readonly name: string;
  readonly entries: number;
  readonly closedMs: number | undefined;
  readonly closedBy: string | undefined;
};
export type EntryView = EntryFields & {
  readonly entry: number;
  /** As it stands in the book: "07", "12a". */
  readonly registered: string;
  readonly series: string;
  readonly origin: 'electronic' | 'paper';
  readonly documentId: string | undefined;
  readonly madeMs: number;
  readonly madeBy: string;
  /** Why it was struck out. */
  readonly struck: string | undefined;
  /** Its document was recalled or taken down: the number stays, the text is gone. */
  readonly erased: boolean;
};
export type EnterRequest = BookName &
  ByWhom & {
    readonly number?: string;
    readonly series?: string;
    readonly fields: Partial<EntryFields>;
    /** A document that was sent and stands in no book. */
    readonly documentId?: string;
    readonly keepText?: boolean;
  };
export type EntryAnswer = { readonly entry: number; readonly registered: string; readonly year: number };
export type RegisterCheck = {
  readonly gaps: readonly { readonly series: string; readonly first: number; readonly last: number }[];
  readonly repeated: readonly {
    readonly author: string;
    readonly notation: string;
    readonly numbers: string;
  }[];
  /** Sent under a number that the book does not have, or has under another document. */
  readonly unregistered: readonly { readonly documentId: string; readonly notation: string }[];
};

export type AcceptRequest = ByWhom & {
  readonly unit?: string;
  readonly code?: string;
  /** Default: the next one. */
  readonly number?: string;
  /** Overrides what the metadata say. */
  readonly fields?: Partial<EntryFields>;
  /** Official e-mail of the clerk, whose name the sender sees. */
  readonly person?: string;
  readonly evenIfDuplicate?: boolean;
  readonly keepText?: boolean;
  /** Hạn xử lý of the document, RFC 3339, not before today; the term of an open task goes before it. */
  readonly due?: string;
};
export type ForwardRequest = ByWhom & {
  readonly unit?: string;
  /** Official e-mail, or a desk of the unit with `desk:` before it; `lead`: chủ trì. */
  readonly to: readonly { readonly who: string; readonly lead?: boolean }[];
  readonly instruction?: string;
  /** RFC 3339. */
  readonly due?: string;
};
export type TaskView = {
  readonly task: number;
  readonly documentId: string;
  readonly subject: string;
  readonly registered: string;
  readonly person: string;
  readonly personName: string;
  readonly desk: string;
  readonly lead: boolean;
  readonly instruction: string;
  readonly dueMs: number | undefined;
  readonly state: 'given' | 'working' | 'done' | 'withdrawn';
  readonly progress: string;
  readonly givenMs: number;
  readonly givenBy: string;
  readonly changedMs: number;
  readonly changedBy: string;
};
export type TaskStory = TaskView & {
  readonly notes: readonly {
    readonly atMs: number;
    readonly actor: string;
    readonly state: string;
    readonly said: string;
  }[];
};
export type DueView = {
  readonly rule: DeadlineRule;
  readonly words: Words;
  readonly clause: string;
  readonly state: DueState;
  readonly dueMs: number;
  /** The same in Asia/Ho_Chi_Minh, RFC 3339. */
  readonly due: string;
  readonly direction: 'out' | 'in';
  readonly unit: string;
  readonly documentId: string;
  readonly envelopeId: string | undefined;
  readonly subject: string;
  readonly notation: string;
  readonly urgency: number;
  /** Whose: of a task, its person or desk; of an answer that is waited for, the codes. */
  readonly who: string;
};
export type CalendarView = {
  readonly zone: string;
  readonly years: Readonly<Record<string, CalendarYear>>;
};
export type SheetFormat = 'csv' | 'xlsx' | 'pdf';
/** `followup`: sổ theo dõi giải quyết văn bản đến, derived from the incoming book and its tasks. */
export type SheetKind = BookKind | 'followup';
export type StampOptions = {
  readonly part?: number;
  readonly unit?: string;
  /** Upper left corner of the stamp, in mm from that of the page as it is read. */
  readonly at?: { readonly leftMm: number; readonly topMm: number };
};
export type SheetFile = { readonly name: string; readonly mediaType: string; readonly bytes: Uint8Array };

/** Every method rejects with an ExchangeError; codes are named where they are not those of the whole node. */
export type OfficeCore = {
  books(unit?: string): Promise<readonly BookView[]>;
  openBook(request: BookName & ByWhom & { readonly name?: string }): Promise<BookView>;
  /** From now on the book can only be read. */
  closeBook(request: BookName & ByWhom): Promise<BookView>;
  /** In the order of the numbers. `register-unknown`. */
  entries(request: BookName & { readonly limit?: number; readonly after?: string }): Promise<Page<EntryView>>;
  /** `register-entry-refused`, `register-number-taken`, `register-closed`, `register-unknown`, `text-legacy`. */
  enter(request: EnterRequest): Promise<EntryAnswer>;
  correct(
    entry: number,
    request: ByWhom & {
      readonly unit?: string;
      readonly fields: Partial<EntryFields>;
      readonly keepText?: boolean;
    },
  ): Promise<EntryAnswer>;
  strike(
    entry: number,
    request: ByWhom & { readonly unit?: string; readonly reason: string },
  ): Promise<EntryAnswer>;
  checkRegister(request: BookName): Promise<RegisterCheck>;
  /** The whole book as a file. */
  sheet(request: BookName & { readonly sheet: SheetKind; readonly format: SheetFormat }): Promise<SheetFile>;
  /** Chosen arrivals of a unit, by envelope id and in this order, in the columns of the incoming book. `document-unknown`. */
  chosen(request: {
    readonly unit: string;
    readonly ids: readonly string[];
    readonly format: SheetFormat;
  }): Promise<SheetFile>;

  /** Register entry and status 03 in one commit. `document-registered` says who was first. */
  accept(id: string, request: AcceptRequest): Promise<EntryAnswer & { readonly documentId: string }>;
  /** Tasks and status 04 in one commit. `person-unknown`, `task-refused`. */
  forward(id: string, request: ForwardRequest): Promise<{ readonly tasks: readonly number[] }>;
  /** 05 or 06 follow by themselves. */
  progress(
    task: number,
    request: ByWhom & { readonly unit?: string; readonly state: 'working' | 'done'; readonly said?: string },
  ): Promise<TaskStory>;
  withdraw(
    task: number,
    request: ByWhom & { readonly unit?: string; readonly reason: string },
  ): Promise<TaskStory>;
  task(task: number): Promise<TaskStory>;
  tasks(options: {
    readonly unit?: string;
    readonly person?: string;
    readonly id?: string;
    readonly openOnly?: boolean;
    readonly limit?: number;
  }): Promise<readonly TaskView[]>;

  /** Late first, then by time. `all` also what is not near. */
  due(options?: {
    readonly unit?: string;
    readonly all?: boolean;
    readonly limit?: number;
  }): Promise<readonly DueView[]>;
  calendar(): CalendarView;
  /** Years given replace the shipped ones. `calendar-invalid`. */
  setCalendar(data: unknown, by: ByWhom): Promise<CalendarView>;

  /** Phiếu xác nhận gửi nhận: what became of a document at each recipient, with the digests of its files. `document-unknown`. */
  receipt(id: string, options: { readonly direction: 'out' | 'in' }): Promise<SheetFile>;
  /** A copy of a received PDF with the ĐẾN stamp; the file of the document stays as it is. `pdf-not-printable`. */
  stamped(id: string, options: StampOptions): Promise<SheetFile>;
};
