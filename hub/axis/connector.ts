// What the border asks of another system, whatever protocol it speaks: send, list, get, acknowledge, look what became of what was sent, list
// offices. One file per protocol stands behind it (vxp.ts, lgsp.ts); each maps the other side's failures to the codes below and hands its
// words on as they are. Nothing here decides about documents.

/** 'edoc': documents, recalls, updates, replacements. 'status': status messages. */
export type MessageType = 'edoc' | 'status';

/** A message to send; `open` gives the same bytes each time. */
export type OutgoingMessage = {
  readonly type: MessageType;
  readonly from: string;
  readonly to: string;
  readonly lengthBytes: number;
  /** 32 bytes. */
  readonly sha256: Uint8Array;
  readonly open: () => AsyncIterable<Uint8Array>;
};
/** One message that waits for one office. */
export type Listed = {
  readonly foreignId: string;
  readonly type: MessageType;
  readonly from: string;
  readonly to: string;
  /** The other system says that it has our word about it and lists it all the same. */
  readonly answered?: boolean;
};
/** Our word about a message that came in: a business status of an office of ours. */
export type Report = {
  /** Id under which the message was listed. */
  readonly foreignId: string;
  /** Code of our office that reports. */
  readonly office: string;
  readonly code: string;
};
export type SentFact = {
  readonly foreignId: string;
  readonly to: string;
  readonly notation: string;
  readonly title: string;
  /** 0: the other side said nothing that can be read. */
  readonly sentMs: number;
  /** What the receiver's own system has said: nothing yet, took it, could not take it. */
  readonly received: 'open' | 'done' | 'fail';
  readonly words: string;
};
export type Agency = {
  readonly agency: string;
  readonly code: string;
  readonly oldCode: string;
  readonly name: string;
  readonly mail: string;
  readonly deleted: boolean;
};
export type AgencyList = {
  readonly rows: readonly Agency[];
  readonly full: boolean;
  /** Highest version seen; ask with it the next time. */
  readonly version: number;
};
export type Registration = {
  readonly id: string;
  readonly parentCode: string;
  readonly code: string;
  readonly name: string;
  readonly mail: string;
  readonly mobile: string;
  readonly fax: string;
};

/**
 * Every method rejects with an ExchangeError whose `detail` holds the words of the other system. Temporary: axis-unreachable, axis-busy,
 * axis-answer-malformed. A person must act: axis-credentials-refused, axis-sender-unknown, axis-refused. For good: axis-recipient-unknown,
 * axis-recipient-locked, axis-message-refused. After axis-unreachable, axis-busy and axis-answer-malformed of `send` the message may have arrived.
 */
export type Connector = {
  /** The id under which the other system took the message. */
  send(message: OutgoingMessage, signal: AbortSignal): Promise<string>;
  /** What is not acknowledged yet; rows may repeat, and come again until acknowledged. `offices`: codes of ours, for systems that ask by office. */
  list(type: MessageType, offices: readonly string[], signal: AbortSignal): Promise<readonly Listed[]>;
  /** The bytes as they come; the stream fails if they are cut off. */
  get(listed: Listed, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** `done` only for what is durable here; `fail` for what can never be taken. May be repeated. */
  acknowledge(listed: Listed, as: 'done' | 'fail', signal: AbortSignal): Promise<void>;
  /** Undefined where statuses go as messages of their own. */
  readonly report: ((report: Report, signal: AbortSignal) => Promise<void>) | undefined;
  /** Undefined where the other system has no such question. */
  readonly sent:
    | ((from: string, type: MessageType, signal: AbortSignal) => Promise<readonly SentFact[]>)
    | undefined;
  readonly agencies: ((sinceVersion: number, signal: AbortSignal) => Promise<AgencyList>) | undefined;
  register(office: Registration, signal: AbortSignal): Promise<string>;
  unregister(code: string, signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
};
