// What the console's server asks beside EdgeCore: drafts, uploads, readings, counts. Types only, and pure; desk.ts makes them.
import type { Caller } from '../accounts/verbs.ts';
import type { ContentHandle, DocumentView } from '../core.ts';
import type { Figures } from '../figures/core.ts';
import type {
  DirectoryLevel,
  Draft,
  DraftChecks,
  DraftFields,
  DraftPart,
  DraftRow,
  Overview,
  PartLook,
  UploadView,
} from './contract.ts';
import type { Pages } from './pages.ts';

export type Who = { readonly unit: string; readonly personId: number; readonly email: string };

export type Drafts = {
  list(unit: string): readonly DraftRow[];
  /** Throws `draft-unknown`. */
  get(draft: string, unit: string): Draft;
  /** Durable on return. `revision` 0 makes it. Throws `draft-changed`, `request-malformed`. */
  save(
    who: Who,
    d: { readonly draft: string; readonly revision: number; readonly fields: DraftFields },
  ): Promise<{ readonly revision: number }>;
  drop(who: Who, draft: string): Promise<void>;
  /** What a person should see before it leaves. `stops`: it cannot be sent so. */
  check(draft: string, unit: string): Promise<Pick<DraftChecks, 'checks' | 'goes'>>;
  /** Returns when it will be handed in. `flash` at once, everything else after the thirty seconds. */
  send(who: Who, draft: string, revision: number): Promise<{ readonly dueMs: number }>;
  undo(who: Who, draft: string): Promise<void>;
  drain(): Promise<void>;
  stop(): Promise<void>;
};

export type Uploads = {
  /** Codes: `part-too-large`, `disk-nearly-full`, `rate-limited` (too many that were not finished). */
  begin(person: number, lengthBytes: number): Promise<UploadView>;
  look(person: number, upload: string): Promise<UploadView>;
  /** From exactly the offset reached (`upload-offset-wrong` otherwise: ask `look`). What arrived before a cut is kept. */
  append(
    person: number,
    piece: {
      readonly upload: string;
      readonly offsetBytes: number;
      readonly body: AsyncIterable<Uint8Array>;
    },
  ): Promise<UploadView>;
  /** Hands the whole file to the content store; durable on return, the piecemeal file is gone. */
  finish(person: number, upload: string, unit: string): Promise<ContentHandle>;
};

export type Desk = {
  readonly drafts: Drafts;
  readonly uploads: Uploads;
  readonly figures: Figures;
  readonly pages: Pages;
  /** What a file of a draft is and says of itself. Codes: `content-gone`, `overloaded`. */
  look(part: Pick<DraftPart, 'handle' | 'name'>, unit: string): Promise<PartLook>;
  /** The bytes of a file that a draft of the unit may name. Code: `content-gone`. */
  draftFile(
    handle: string,
    unit: string,
  ): {
    readonly lengthBytes: number;
    readonly sha256Hex: string;
    readonly read: () => AsyncIterable<Uint8Array>;
  };
  overview(caller: Caller): Promise<Overview>;
  /** A person opens a document: an audit row, and the first look of a person counts. Live refreshes of what is open are one opening. */
  noteOpening(caller: Caller, view: DocumentView, refresh: boolean): Promise<void>;
  isRead(envelopeId: string): boolean;
  /** For the list of arrivals: files, and until when the unit has to act (an open task's term, else the answer that the sender asks for; 0: neither). */
  besideArrival(row: { readonly envelopeId: string; readonly unit: string; readonly replyByMs: number }): {
    readonly parts: number;
    readonly dueMs: number;
  };
  /** Who sends to the unit, by name. */
  sendersOf(unit: string): readonly { readonly unit: string; readonly name: string }[];
  /** Kinds of documents (loại văn bản) that have arrived. */
  arrivalTypes(): readonly string[];
  /** Units below one, or at the top (''), and the way there; or what a text finds. Throws `unit-unknown`. */
  directoryLevel(
    asked: { readonly under: string } | { readonly text: string; readonly limit: number },
  ): DirectoryLevel;
  /** The unit above, by the directory; '' at the top. */
  aboveOf(unit: string): string;
  /** Of a unit, by the directory; empty when it names none. */
  nameOf(unit: string): string;
  /** What an office has since before this should have been accepted or returned by now. */
  confirmDue(): number;
  /** What was given back since then is work of today, until it is replaced or asked back. */
  returnedSince(): number;
  /** The code by which people know it. */
  codeOf(unit: string): string;
  /** When the unit last sent this number and notation in this year. */
  numberUsed(unit: string, number: string, notation: string): number | undefined;
  /** Flash documents older than `ageMs` that nobody opened. */
  flashUnread(
    ageMs: number,
  ): readonly { readonly envelopeId: string; readonly unit: string; readonly receivedMs: number }[];
  stop(): Promise<void>;
};
