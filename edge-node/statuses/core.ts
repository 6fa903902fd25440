// What the rest of the node may ask about statuses and changes of documents: types only, a part of EdgeCore (core.ts).
import type { DocumentFields } from '../../protocol/document/fields.ts';
import type { Words } from '../../protocol/document/statuses.ts';
import type { Metadata } from '../../protocol/wire.ts';
import type { RequestKind, RequestState } from './request-ops.ts';

export type StatusRequest = {
  /** 02, 03, 04, 05 or 06. */
  readonly code: string;
  /** Our unit, id or code; may be left out when only one of ours received the document. */
  readonly unit?: string;
  readonly registeredNumber?: string;
  readonly person?: string;
  /** With 02: 1 to 8. */
  readonly reason?: number;
  readonly text?: string;
  readonly evenIfDuplicate?: boolean;
  readonly actor?: string;
};
export type StatusAnswer = { readonly documentId: string; readonly code: string; readonly statusId: string };

export type RecallRequest = {
  readonly reason: string;
  /** Codes; left out: from everybody who may have it. */
  readonly from?: readonly string[];
  readonly actor?: string;
};
export type RecallAnswer = {
  readonly documentId: string;
  /** Codes whose copy never left this node. */
  readonly cancelled: readonly string[];
  /** Codes that a recall goes to. */
  readonly asked: readonly string[];
  /** Document id of the recall; absent when nobody had to be asked. */
  readonly recallId: string | undefined;
};

export type UpdateRequest = {
  readonly reason: string;
  /** What changes; what is left out stays. */
  readonly fields?: DocumentFields;
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  /** Text that looks like an older encoding is right as it is. */
  readonly keepText?: boolean;
  readonly actor?: string;
};
export type UpdateAnswer = {
  readonly documentId: string;
  readonly updateId: string | undefined;
  readonly recallId: string | undefined;
};

export type ExtendRequest = {
  /** Addresses as for a first sending: units, desks, groups. */
  readonly to: readonly string[];
  readonly actor?: string;
};
export type ExtendAnswer = {
  readonly documentId: string;
  /** Codes that the document goes to now. */
  readonly added: readonly string[];
  /** Codes that have it or get it yet: nothing is sent to them again. */
  readonly already: readonly string[];
  /** Members of groups that can be served on paper only, as people write them. */
  readonly paper: readonly string[];
};

export type RemindRequest = {
  /** Recipients by the addresses that `show` has. */
  readonly to: readonly string[];
  readonly actor?: string;
};
export type RemindAnswer = {
  readonly documentId: string;
  /** Codes of those whom a reminder goes to now. */
  readonly reminded: readonly string[];
};

/** A sender's request about a document that arrived here, for one unit of ours. */
export type RequestView = {
  /** Envelope id of the request; names it in `decide`. */
  readonly requestId: string;
  readonly kind: RequestKind;
  readonly state: RequestState;
  readonly unit: string;
  readonly unitCode: string;
  readonly sender: string;
  readonly senderCode: string;
  readonly documentId: string;
  readonly askedMs: number;
  readonly decidedMs: number | undefined;
  readonly reason: string;
  /** The document as it is shown now, and as the update would have it; absent once destroyed, `after` of a recall. */
  readonly before: Metadata | undefined;
  readonly after: Metadata | undefined;
};
export type RequestDecision = {
  readonly agree: boolean;
  readonly unit?: string;
  readonly text?: string;
  readonly person?: string;
  readonly despiteWarning?: boolean;
  readonly actor?: string;
};

/** What a receiving unit says of a document. */
export type StatusView = {
  /** Document id of the status envelope: its proof file is the signed evidence. '' for 01, which is the delivery receipt. */
  readonly statusId: string;
  readonly code: string;
  readonly words: Words;
  readonly atMs: number;
  readonly reason: number;
  readonly reasonWords: Words | undefined;
  readonly registeredNumber: string;
  readonly person: string;
  readonly text: string;
};
/** How a request of the sender stands with one recipient. 'taken-back': the hub had not delivered it yet. */
export type ChangeState = 'asked' | 'agreed' | 'refused' | 'taken-back' | 'not-sent' | 'undelivered';
export type ChangeView = {
  readonly kind: RequestKind;
  readonly state: ChangeState;
  readonly words: Words;
  readonly askedMs: number;
  readonly answeredMs: number | undefined;
};

export type StatusCore = {
  /** Of a document that arrived, by document or envelope id. Codes: those of `setStatus` in status-ops.ts; `document-held` before its check has passed. */
  setStatus(id: string, request: StatusRequest): Promise<StatusAnswer>;
  /** Codes: `document-unknown`, `document-state-refused`, `unit-unknown`. */
  recall(id: string, request: RecallRequest): Promise<RecallAnswer>;
  /**
   * Gửi thêm nơi nhận: the same document as a further sending to those who do not have it, with its newest correction behind it. Idempotent. Codes:
   * those of a first sending's recipients, and of `extendDocument` in holders.ts.
   */
  extend(id: string, request: ExtendRequest): Promise<ExtendAnswer>;
  /**
   * Nhắc: asks recipients who have a document, and did not give it back or finish it, to look at it again; to all named, or to none. Codes:
   * `document-unknown`, `document-state-refused`, `reminder-too-soon` (once a working day for each).
   */
  remind(id: string, request: RemindRequest): Promise<RemindAnswer>;
  /** Codes: also `document-changed`, `document-held`, `secrecy-refused`, `request-malformed`. */
  update(id: string, request: UpdateRequest): Promise<UpdateAnswer>;
  /** What waits for a decision here, newest first; `all`: decided ones too. */
  requests(options?: {
    readonly all?: boolean;
    readonly limit?: number;
  }): Promise<{ readonly rows: readonly RequestView[] }>;
  /** Codes: `request-unknown`, `request-decided`, `recall-refusal-warning`. */
  decide(requestId: string, decision: RequestDecision): Promise<RequestView>;
};
