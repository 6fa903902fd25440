// What crosses between the border (hub/axis) and its operations in the writer thread: plain values. Column names of schema-border.ts.

export type InState = 'sealed' | 'accepted' | 'noted' | 'duplicate' | 'refused' | 'held';
export type Ack = 'done' | 'fail';

/** One message of the other system for one addressee, judged; its bytes are in the content folder under `messageSha256`. */
export type InMessage = {
  readonly border: string;
  readonly foreignId: string;
  readonly what: 'edoc' | 'status';
  readonly fromCode: string;
  readonly toCode: string;
  /** `sealed`: with `wrapper`; `noted`: nothing to deliver (a status that only settles a delivery); `refused`, `held`: with `code`. */
  readonly state: 'sealed' | 'noted' | 'refused' | 'held';
  readonly ack: Ack;
  readonly messageKey: string;
  readonly meaning: Uint8Array | null;
  readonly messageSha256: Uint8Array;
  readonly messageBytes: number;
  /** SHA-256 of each unzipped file, in hex, in the order of the message. */
  readonly parts: readonly string[];
  readonly code: string;
  readonly said: string;
  readonly rule: string;
  readonly edxmlId: string;
  readonly documentId: Uint8Array | null;
  readonly envelopeId: Uint8Array | null;
  readonly wrapper: Uint8Array | null;
  /** A document that is new here, to be known by the name that the other side gives it. */
  readonly document: NewDocument | null;
  /** Our delivery of which the message is the other system's word; it counts as reported in the same transaction. */
  readonly reports: { readonly outId: number; readonly words: string } | null;
  readonly nowMs: number;
};
export type NewDocument = {
  readonly organ: string;
  readonly edxmlId: string;
  readonly documentId: Uint8Array;
  readonly code: string;
  readonly date: string;
  /** Our unit that issued it; '' for one that came in. */
  readonly sender: string;
};
export type InKept = {
  readonly id: number;
  readonly state: InState;
  readonly ack: Ack;
  readonly nudge: readonly string[];
  /** A state secret: its bytes are to be destroyed, the row does not count on them. */
  readonly secret: boolean;
};

export type OutMessage = {
  readonly border: string;
  /** `d<delivery>`, `s<statement row>`, `i<row of border_in>`: each causes one message, whatever repeats. */
  readonly source: string;
  readonly what: 'edoc' | 'status';
  readonly statusCode: string;
  readonly delivery: number | null;
  readonly envelopeSeq: number | null;
  readonly documentId: Uint8Array;
  readonly fromCode: string;
  readonly toCode: string;
  readonly edxmlId: string;
  /** Of a status: it is kept until it left. Null for a document, which its envelope holds. */
  readonly message: Uint8Array | null;
  readonly messageSha256: Uint8Array;
  readonly messageBytes: number;
  readonly parts: readonly string[];
  readonly notCarried: readonly string[];
  readonly document: NewDocument | null;
  readonly nowMs: number;
};
export type OutState = 'made' | 'sent' | 'reported' | 'refused' | 'given-up';
export type OutKept = {
  readonly id: number;
  readonly state: OutState;
  readonly foreignId: string;
  readonly attempts: number;
  /** A try may have arrived without our knowing. */
  readonly doubtful: boolean;
  readonly madeMs: number;
};
