// What the rest of the node (local API, command line, console) may ask of its core: hand in, look, read, cancel, send again, and see
// how it stands. Types only; edge.ts makes one. Nobody above this line touches the store, the content folder or the line to the hub.

import type { Words } from '../protocol/document/statuses.ts';
import type { BackupState } from '../protocol/node/backup-record.ts';
import type { OutboxState } from '../protocol/states.ts';
import type { TextOffer } from '../protocol/text/judge.ts';
import type { Metadata } from '../protocol/wire.ts';
import type { AuditVerdict, People, SignIn } from './accounts/verbs.ts';
import type { SelfTest, SelfTestName } from './console/contract-figures.ts';
import type { Desk } from './console/verbs.ts';
import type { OfficeCore, SheetFile } from './office/core.ts';
import type { Completeness } from './recipients/completeness.ts';
import type { RecipientVerbs } from './recipients/core.ts';
import type { ChangeView, RequestView, StatusCore, StatusView } from './statuses/core.ts';

/** Content of a part: bytes of at most `limits.inlinePartBytesMax`, or the handle that `addContent` gave. */
export type SubmitPart = { readonly name: string; readonly mediaType: string } & (
  | { readonly content: Uint8Array }
  | { readonly handle: string }
);

export type SubmitLink = {
  /** protocol/seal.ts `relations`. */
  readonly relation: number;
  readonly envelopeId?: string;
  readonly documentId?: string;
};

export type SubmitRequest = {
  /** Sending unit: internal id or code. May be left out on a node of one unit. */
  readonly unit?: string;
  /** 1 to 200 bytes. The same key with the same request gives the same document, for ever. */
  readonly idempotencyKey: string;
  /** Codes, aliases, internal ids, each with an optional `desk@`. Already resolved groups only. */
  readonly to: readonly string[];
  readonly metadata: Partial<Omit<Metadata, 'parts' | 'clientReference'>>;
  readonly parts: readonly SubmitPart[];
  /** protocol/seal.ts `kinds`; default document. */
  readonly kind?: number;
  /** protocol/seal.ts `urgencies`; default normal. */
  readonly urgency?: number;
  readonly deliverByMs?: number;
  readonly replyByMs?: number;
  readonly links?: readonly SubmitLink[];
  readonly status?: { readonly code: string; readonly counter: number; readonly atMs: number };
  /** True: text that seems to be in an older encoding is right as written (`text-legacy`). */
  readonly keepText?: boolean;
  /** Who asked, for the audit: a user, a token's name, 'command line'. */
  readonly actor?: string;
  /** The sender has seen `document-duplicate-suspected` and goes on. */
  readonly evenIfDuplicate?: boolean;
};

export type SubmitAnswer = {
  readonly documentId: string;
  readonly state: DocumentState;
  /** True when the key was known and this is the document of then. */
  readonly duplicate: boolean;
};

/** Of all recipients together: the least advanced that still moves, else the worst failure, else delivered; cancelled when all were. A derived fact, never a column. */
export type DocumentState = OutboxState;

export type ContentHandle = {
  readonly handle: string;
  readonly lengthBytes: number;
  readonly sha256Hex: string;
};

export type UnitHere = {
  readonly unit: string;
  readonly code: string;
  readonly name: string;
  readonly confirmed: boolean;
  /** Days until the seal certificate ends, by the local clock; negative when it has; undefined when there is none. */
  readonly sealDaysLeft: number | undefined;
};

export type PageOptions = {
  readonly unit?: string;
  /** Text that subject, notation or number contains. Exact case; the console folds what it offers. */
  readonly text?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** 1 to 200, default 50. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
  /** Also recalls, updates and statuses, which are no documents by themselves. */
  readonly every?: boolean;
  /** As a person types into a search: all of them, in any field of the metadata, without regard to case and marks; together with every other filter. */
  readonly words?: string;
};
export type OutboxPageOptions = PageOptions & {
  /** Only where some recipient stands at one of these. */
  readonly state?: OutboxState | readonly OutboxState[];
  /** Leaves out failures that a person took care of in another way. */
  readonly unsettled?: boolean;
  /** Only what was asked back, from somebody. */
  readonly recalled?: boolean;
  /** Only what some office has since before this and has neither accepted nor returned; with `unit`, the newest. */
  readonly unansweredSinceMs?: number;
  /** Only what some office gave back since this, and nobody replaced or asked back; with `unit`, of the newest. */
  readonly returnedSinceMs?: number;
};
export type InboxPageOptions = PageOptions & {
  /** Least urgency, 0 to 4. */
  readonly urgency?: number;
  readonly sender?: string;
  /** Only where what the unit did stands at one of these (01 … 06); with `unit`. */
  readonly codes?: readonly string[];
  /** Kind of document (loại văn bản) as its sender names it. */
  readonly type?: string;
  /** Only what is not ended and has a term (an open task's, else the answer asked for): it is over, or still runs; with `unit`. */
  readonly due?: 'late' | 'running';
  /** `asked`: the sender asks for something (recall, update) that nobody has answered; `recalled`: destroyed after a recall, or being so; `reminded`: the sender reminded, and nothing was said since; with `unit`. */
  readonly only?: 'asked' | 'recalled' | 'reminded';
};
export type Page<Row> = {
  readonly rows: readonly Row[];
  readonly next: string | undefined;
  /** What was asked goes through the search, which is still being made after a start: older documents may be missing. */
  readonly filling?: true;
};

export type OutboxRow = {
  readonly documentId: string;
  readonly unit: string;
  readonly idempotencyKey: string;
  readonly kind: number;
  readonly urgency: number;
  readonly createdMs: number;
  readonly subject: string;
  readonly notation: string;
  readonly number: string;
  readonly state: DocumentState;
  /** How many recipients stand where. */
  readonly recipients: Partial<Record<OutboxState, number>>;
  /** How many recipients say what (01 to 06); those that only have it count under 01. */
  readonly statuses: Readonly<Record<string, number>>;
  /** One word for each recipient: `recalled` or `recall-asked`, else what its office says (01 to 06), else where the document is on its way to it. */
  readonly stands: Readonly<Record<string, number>>;
  readonly lastError: string | undefined;
  /** As of its newest sending (EnvelopeView). */
  readonly nextMs: number | undefined;
  readonly uploaded: Uploaded | undefined;
};
export type InboxRow = {
  /** Names the arrival: envelopes of one document are several rows. */
  readonly envelopeId: string;
  readonly documentId: string;
  readonly sender: string;
  readonly senderCode: string;
  readonly units: readonly string[];
  readonly kind: number;
  readonly urgency: number;
  readonly createdMs: number;
  readonly acceptedMs: number;
  readonly receivedMs: number;
  readonly replyByMs: number;
  /** State of its check; 'passed' where nothing had to be looked at. */
  readonly safety: SafetyView['state'];
  readonly subject: string;
  readonly notation: string;
  readonly number: string;
  /** Per unit of ours: the business status, and whether a recall destroys or destroyed it. */
  readonly standing: readonly {
    readonly unit: string;
    readonly code: string;
    readonly recall: '' | 'destroying' | 'destroyed';
  }[];
  /** A newer version took its place. */
  readonly replaced: boolean;
  /** A request of its sender waits for a decision: 'recall', 'update' or ''. */
  readonly request: string;
  /** The newest reminder of its sender. */
  readonly remindedMs: number | undefined;
};

export type FindOptions = Omit<PageOptions, 'text'> & {
  /** Words of any field, in any case, with or without marks; the last one may be a beginning; "in this order" in quotation marks. */
  readonly text?: string;
  readonly direction?: 'out' | 'in';
  /** Newest first, or by subject in Vietnamese order. */
  readonly sort?: 'newest' | 'subject';
};
export type FoundDocument = {
  readonly direction: 'out' | 'in';
  readonly documentId: string;
  /** Of an arrival. */
  readonly envelopeId: string | undefined;
  /** Handed in here, or received. */
  readonly atMs: number;
  readonly subject: string;
  readonly number: string;
  readonly notation: string;
  readonly urgency: number;
  /** Our units that sent it, or for which it came. */
  readonly units: readonly string[];
  /** Codes: of the sender, or of those it went to (at most 64). */
  readonly places: readonly string[];
};

/** One line of a recipient's story, derived from statements. */
export type TimelineEvent = {
  readonly atMs: number;
  /** ETSI EN 319 522 name; 'Queued', 'Sealed', 'Cancelled', 'RecallAsked', 'UpdateAsked' for what happened here; 'Status', 'Reminder'. */
  readonly event: string;
  readonly outcome: string;
  /** Who states: internal id and the words for people. */
  readonly by: string;
  readonly byName: string;
  readonly code: string;
  readonly words: { readonly vi: string; readonly en: string };
  /** Of event 'Status': what the receiving office said. */
  readonly status?: StatusView;
};
export type RecipientView = {
  readonly index: number;
  readonly unit: string;
  readonly code: string;
  readonly name: string;
  readonly desk: string;
  readonly state: OutboxState | 'received';
  /** What stands on the business axis: 01 once delivered, then what the office said. */
  readonly status: StatusView | undefined;
  /** The newest request of the sender to this recipient; only of sent documents. */
  readonly change: ChangeView | undefined;
  /** When the sender last asked it to look at the document again. */
  readonly remindedMs?: number | undefined;
  /** Its failure was taken care of in another way. */
  readonly settledMs?: number | undefined;
  /** Of an arrival: the term that the unit accepted it with. */
  readonly dueMs?: number | undefined;
  readonly timeline: readonly TimelineEvent[];
};
export type PartView = {
  readonly index: number;
  readonly name: string;
  readonly mediaType: string;
  readonly lengthBytes: number;
  readonly sha256Hex: string;
};
/** Of all large files of one sending: what the hub has acknowledged. */
export type Uploaded = { readonly doneBytes: number; readonly allBytes: number };
export type EnvelopeView = {
  readonly envelopeId: string | undefined;
  readonly digestHex: string | undefined;
  readonly follows: string | undefined;
  readonly sealedMs: number | undefined;
  readonly attempts: number;
  readonly lastError: string | undefined;
  readonly lastErrorWords: Words | undefined;
  /** While it waits after a try that failed: when the next one is. */
  readonly nextMs: number | undefined;
  /** While its large files go up: what the hub has of them all. */
  readonly uploaded: Uploaded | undefined;
  readonly recipients: readonly RecipientView[];
};
export type DocumentView = {
  readonly direction: 'out' | 'in';
  readonly documentId: string;
  readonly sender: string;
  readonly senderCode: string;
  readonly kind: number;
  readonly urgency: number;
  readonly createdMs: number;
  readonly receivedMs: number | undefined;
  /** Of an arrival whose sender's seal was withdrawn for a time before the hub accepted it: look at it with care. */
  readonly sealWithdrawn?: true;
  readonly state: DocumentState | 'received';
  /** As it is shown now, after updates; undefined once erased. */
  readonly metadata: Metadata | undefined;
  /** As it was sealed first, where an update changed it. */
  readonly originalMetadata: Metadata | undefined;
  /** Of an arrival: when a recall destroyed it. */
  readonly destroyedMs: number | undefined;
  /** Documents that took the place of this one, oldest first. */
  readonly replacedBy: readonly string[];
  /** Other documents here under the same number, or the same id of another sender. */
  readonly duplicates: readonly string[];
  /** Of an arrival: fields that seem to be in an older encoding, with what they would be in Unicode. A person decides; nothing is changed. */
  readonly textOffers: readonly TextOffer[];
  /** Of an arrival: what its sender asks and asked. */
  readonly requests: readonly RequestView[];
  readonly parts: readonly PartView[];
  readonly links: readonly SubmitLink[];
  readonly status: { readonly code: string; readonly counter: number; readonly atMs: number } | undefined;
  /** Newest first. An arrival has one. */
  readonly envelopes: readonly EnvelopeView[];
  /** Absent where nothing had to be looked at. */
  readonly safety: SafetyView | undefined;
  /** Of a document that was sent: were all places served? */
  readonly completeness?: Completeness | undefined;
};

export type PartStream = {
  readonly part: PartView;
  /** First byte and the byte after the last of `body`. */
  readonly from: number;
  readonly to: number;
  /** Must be read to its end or left by `return`. */
  readonly body: AsyncIterable<Uint8Array>;
};

/** What was found in a document, and what was decided about it. */
export type SafetyFinding = {
  readonly code: string;
  readonly part?: number;
  readonly said: string;
  readonly action: 'deliver' | 'hold' | 'refuse';
  readonly words: { readonly vi: string; readonly en: string };
};
type PersonsWord = { readonly by: string; readonly atMs: number; readonly why: string };
export type SafetyView = {
  readonly state: 'pending' | 'passed' | 'held' | 'refused' | 'released' | 'rejected';
  readonly words: { readonly vi: string; readonly en: string };
  /** Code of what it waits for while pending. */
  readonly waiting: string | undefined;
  readonly secret: boolean;
  readonly findings: readonly SafetyFinding[];
  readonly parts: readonly {
    readonly index: number;
    readonly type: string;
    readonly mediaType: string;
    readonly scan: 'clean' | 'infected' | 'too-large' | 'error' | 'not-scanned';
    readonly scanWords: { readonly vi: string; readonly en: string };
    readonly scanSaid: string;
    /** Whether page 1 of a PDF could be searched for secrecy stamps. */
    readonly firstPage: string | null;
    /** Of the signature report, as of `decidedMs`. */
    readonly verdict: string | undefined;
    readonly sentence: { readonly vi: string; readonly en: string } | undefined;
    readonly report: object | undefined;
  }[];
  /** Version of the policy that decided; empty for the built-in rules. */
  readonly policy: string;
  readonly sinceMs: number;
  readonly decidedMs: number | undefined;
  readonly first: PersonsWord | undefined;
  readonly ended: PersonsWord | undefined;
};
export type HeldRow = {
  /** Document id of what is sent, envelope id of what arrived. */
  readonly id: string;
  readonly direction: 'out' | 'in';
  readonly from: string;
  readonly sinceMs: number;
  readonly secret: boolean;
  readonly findings: readonly SafetyFinding[];
  readonly first: PersonsWord | undefined;
};

export type LinkState = 'starting' | 'connected' | 'unreachable' | 'superseded' | 'stopped';
export type EdgeStatus = {
  readonly hub: {
    readonly state: LinkState;
    readonly code: string | undefined;
    readonly detail: string | undefined;
    readonly words: { readonly vi: string; readonly en: string };
    readonly lastContactMs: number | undefined;
    readonly instance: number;
    readonly epoch: number;
  };
  readonly outbox: { readonly waiting: number; readonly oldestWaitingMs: number | undefined };
  readonly backup: BackupState;
  readonly receipts: { readonly waiting: number };
  /** Recalls and updates of senders that wait for a decision here. */
  readonly requests: { readonly waiting: number };
  readonly inbox: { readonly fetching: number; readonly aside: number };
  readonly disk: { readonly freeBytes: number; readonly floorBytes: number; readonly nearlyFull: boolean };
  readonly clock: { readonly offsetMs: number | undefined };
  readonly directory: {
    readonly stamp: string;
    readonly units: number;
    readonly expiresMs: number | undefined;
  };
  readonly certificates: readonly {
    readonly file: string;
    readonly daysLeft: number;
    readonly renewalDue: boolean;
    /** The console's: people carry request and answer, nothing renews it. */
    readonly byHand: boolean;
  }[];
  readonly recovering: boolean;
  readonly safety: {
    readonly held: number;
    readonly checking: number;
    readonly scanner: {
      readonly configured: boolean;
      readonly downSinceMs: number | undefined;
      readonly said: string;
    };
    readonly policy: {
      readonly from: string;
      readonly version: string;
      readonly mistake: { readonly line: number; readonly en: string; readonly vi: string } | undefined;
    };
  };
  /** Encryption of this disk: the mode of holding its key, and in words what that does not protect. */
  readonly atRest: {
    readonly mode: 'off' | 'tpm' | 'passphrase' | 'key-file';
    readonly recoveryConfirmed: boolean;
    readonly words: { readonly vi: string; readonly en: string };
  };
  /** What the calendar of working days knows of this year and of the next. */
  readonly calendar: {
    readonly year: string;
    readonly known: 'certain' | 'derived' | 'weekends';
    readonly next: 'certain' | 'derived' | 'weekends';
  };
  /** Watched folders of the configuration. */
  readonly folders: readonly FolderStatus[];
  readonly alarms: readonly Alarm[];
};
export type FolderStatus = {
  readonly path: string;
  /** Code of its unit. */
  readonly unit: string;
  /** Documents and files that lie there and are not taken yet; those whose mistakes are answered beside them. */
  readonly waiting: number;
  readonly mistakes: number;
  /** Why it cannot be used now; undefined when it can. */
  readonly trouble: string | undefined;
};
export type Alarm = {
  readonly id: number;
  readonly atMs: number;
  readonly code: string;
  readonly about: string;
  readonly said: string;
  readonly count: number;
};

export type DirectoryEntry = {
  readonly unit: string;
  readonly code: string;
  readonly codes: readonly string[];
  readonly name: string;
  readonly state: string;
  readonly hub: string;
  readonly parent: string;
  readonly here: boolean;
  readonly kind: string;
  /** Names of the units above, the nearest first. */
  readonly path: string;
  readonly desks: readonly { readonly desk: string; readonly name: string }[];
  readonly formerNames: readonly string[];
  /** Codes of those that took over from a closed one. */
  readonly successors: readonly string[];
};

export type AuditRow = {
  readonly id: number;
  readonly atMs: number;
  readonly actor: string;
  readonly act: string;
  readonly about: string;
  readonly said: string;
};

/** Told after the commit. What a listener throws is swallowed: a console that fell over may not stop the exchange. */
export type EdgeEvent =
  | { readonly kind: 'document'; readonly documentId: string; readonly unit: string }
  /** More of its large files is at the hub, or nothing goes up any more; no state has changed. At most one a second for a sending. */
  | {
      readonly kind: 'progress';
      readonly documentId: string;
      readonly unit: string;
      readonly uploaded: Uploaded | undefined;
    }
  | {
      readonly kind: 'arrived';
      readonly documentId: string;
      readonly envelopeId: string;
      readonly units: readonly string[];
    }
  | { readonly kind: 'statement'; readonly envelopeId: string }
  | { readonly kind: 'draft'; readonly draft: string }
  | { readonly kind: 'flash'; readonly code: string; readonly about: string }
  | { readonly kind: 'nudge'; readonly unit: string; readonly email: string }
  | { readonly kind: 'link'; readonly state: LinkState; readonly code: string | undefined }
  | { readonly kind: 'directory'; readonly stamp: string }
  | { readonly kind: 'disk'; readonly nearlyFull: boolean }
  | { readonly kind: 'backup' };

/** `to`: these recipients alone, by the addresses that `show` has ("code", "desk@code"); left out, all whom the act can reach. */
export type ActOptions = { readonly to?: readonly string[]; readonly actor?: string };

/** Every method rejects with an ExchangeError. Ids are UUID text; an id that is not here is `document-unknown`. */
export type EdgeCore = StatusCore & {
  /**
   * Returns only when document and content survive a power cut. Codes: those of protocol/seal.ts, `unit-unknown` (names the code),
   * `unit-closed`, `unit-suspended`, `unit-has-no-node`, `idempotency-conflict`, `content-gone` (handle), `disk-nearly-full`,
   * `store-recovering`, `peer-unconfirmed`, `overloaded`, `request-malformed`.
   */
  submit(request: SubmitRequest): Promise<SubmitAnswer>;
  /**
   * Streams a large part in, in bounded memory; durable on return. The handle belongs to the unit, holds for at least a week and may be
   * used by several documents. Codes: `part-too-large`, `disk-nearly-full`, or what the body threw.
   */
  addContent(
    body: AsyncIterable<Uint8Array>,
    options?: { readonly unit?: string; readonly signal?: AbortSignal },
  ): Promise<ContentHandle>;
  /** Newest first. */
  outbox(options?: OutboxPageOptions): Promise<Page<OutboxRow>>;
  /** Newest first. */
  inbox(options?: InboxPageOptions): Promise<Page<InboxRow>>;
  /** Over all metadata of outbox and inbox (search-words.ts). */
  find(options?: FindOptions): Promise<Page<FoundDocument>>;
  /** Whom a text names, and groups. */
  readonly recipients: RecipientVerbs;
  /** Registers, acceptance, tasks, deadlines. */
  readonly office: OfficeCore;
  /** Makes the search anew from the documents; answers how many. The node goes on working. */
  rebuildSearch(options?: { readonly actor?: string }): Promise<number>;
  /** By document id or envelope id; of a document both sent and received here, `direction` chooses (default out). */
  show(id: string, options?: { readonly direction?: 'out' | 'in' }): Promise<DocumentView>;
  /** `range` in bytes, `to` exclusive. Codes: `range-refused`, `content-gone`. */
  readPart(
    id: string,
    index: number,
    options?: { readonly direction?: 'out' | 'in'; readonly from?: number; readonly to?: number },
  ): Promise<PartStream>;
  /** A new envelope of the same document, to those whom it did not reach. `document-state-refused` when there is nobody. */
  resend(documentId: string, options?: ActOptions): Promise<SubmitAnswer>;
  /** Failures of a document are taken care of in another way: they wait for nobody any more, and are shown as before. `document-state-refused`: none. */
  settleFailures(documentId: string, options?: { readonly actor?: string }): Promise<void>;
  /** Only while nothing of it can have reached the hub; else `document-state-refused`. */
  cancel(documentId: string, options?: ActOptions): Promise<SubmitAnswer>;
  /** What of it waits for its next try is tried now. Codes: `document-state-refused` (nothing waits here), `document-held`. */
  retry(documentId: string, options?: { readonly actor?: string }): Promise<SubmitAnswer>;
  /** What waits for a person, oldest first. */
  held(options?: { readonly limit?: number }): Promise<readonly HeldRow[]>;
  /**
   * A person's word about a held document, with a reason; durable on return. `first`: one more person is needed. Codes:
   * `document-state-refused`, `same-person-refused`, `secrecy-refused`.
   */
  judgeHeld(
    id: string,
    how: {
      readonly act: 'release' | 'reject';
      readonly actor: string;
      readonly why: string;
      readonly direction?: 'out' | 'in';
    },
  ): Promise<'first' | 'released' | 'rejected'>;
  /**
   * A person says that a document holds a state secret (regulation Đ15.5): hidden here on return, the hub is told as soon as it is reached. Codes:
   * `document-unknown`, `request-malformed`.
   */
  reportSecret(
    id: string,
    how: { readonly actor: string; readonly why: string; readonly direction?: 'out' | 'in' },
  ): Promise<void>;
  status(): Promise<EdgeStatus>;
  units(): readonly UnitHere[];
  /** By code prefix or by words of the name, without regard to case and diacritics. At most `limit` (default 20), best first. */
  searchDirectory(text: string, options?: { readonly limit?: number }): readonly DirectoryEntry[];
  /** Bytes of a Proof (wire.proto) of the newest envelope of a document, or of the envelope named. */
  proof(
    id: string,
    options?: { readonly direction?: 'out' | 'in'; readonly withMetadata?: boolean },
  ): Promise<Uint8Array>;
  audit(options?: { readonly limit?: number; readonly after?: string }): Promise<Page<AuditRow>>;
  /** For acts of the API itself (log-in, download). Durable on return. */
  noteAudit(entry: {
    readonly actor: string;
    readonly act: string;
    readonly about: string;
    readonly said?: string;
  }): Promise<void>;
  /** A backup of this folder was made a moment ago: into the audit, and pages look at its state again. */
  noteBackup(entry: { readonly actor: string }): Promise<void>;
  alarmSeen(id: number, actor: string): Promise<void>;
  /** People of the units here, and who may sign in (accounts/). */
  readonly people: People;
  readonly signIn: SignIn;
  /** Walks the chain over the whole audit. */
  verifyAudit(): AuditVerdict;
  /** Tries a part of the machine now and says what was found. Ends by itself within a minute. */
  selfTest(name: SelfTestName): Promise<SelfTest>;
  /** A file for those who support the node; nothing of any document is in it. */
  supportBundle(actor: string): Promise<SheetFile>;
  /** Try the line now, whatever the back-off says: an operator has acted. */
  retryNow(): void;
  /** Certificates or units in the folder have changed (renewal, a further unit): read them again and use them for new connections. */
  reloadIdentity(): Promise<void>;
  /** Returns the function that ends the listening. */
  onEvent(listener: (event: EdgeEvent) => void): () => void;
};

export type Edge = EdgeCore & {
  /** Drafts, uploads and counts of the console. */
  readonly desk: Desk;
  /** Resolves when nothing that can be done now is left to do. For tests and for a clean stop. */
  drain(): Promise<void>;
  /** Says goodbye to the hub (bounded time), stops the workers, commits, closes, releases the lock. Idempotent. */
  close(): Promise<void>;
};
