// Arguments and answers of the writer's operations: plain data that crosses to the writer thread by structured clone. No behaviour.
// Bytes are Uint8Array on both sides; ids of documents, envelopes and statements are their 16 bytes.

import type { AtRestContext } from '../../protocol/node/at-rest/open.ts';
import type { OutboxState } from '../../protocol/states.ts';
import type { Result } from '../../protocol/wire.ts';
import type { OutgoingEntry } from '../office/entries.ts';
import type { NewCheck } from './safety-ops.ts';

export type UnitKey = { readonly unit: string; readonly keyId: Uint8Array; readonly signer: string };
/** What the writer thread is started with. */
export type WriterContext = {
  readonly keys: readonly UnitKey[];
  readonly atRest?: AtRestContext | undefined;
};

export type PartRow = {
  readonly length: number;
  readonly sha256: Uint8Array;
  readonly treeRoot: Uint8Array;
  readonly name: string;
  readonly mediaType: string;
  /** null: in the content folder. */
  readonly content: Uint8Array | null;
};
export type RecipientRow = {
  readonly unit: string;
  readonly desk: string;
  readonly group: string;
  readonly groupVersion: number;
};
/** What lists show; null once erased. */
export type Titles = {
  readonly subject: string | null;
  readonly notation: string | null;
  readonly number: string | null;
};

export type NewDocument = Titles & {
  /** Its line in the outgoing register; absent: it has no number, or is no document by itself. */
  readonly entry?: OutgoingEntry | undefined;
  readonly documentId: Uint8Array;
  readonly unit: string;
  readonly idempotencyKey: string;
  readonly requestDigest: Uint8Array;
  readonly kind: number;
  readonly urgency: number;
  readonly nowMs: number;
  readonly deliverByMs: number | null;
  readonly replyByMs: number;
  readonly links: string;
  readonly status: string | null;
  readonly salt: Uint8Array;
  readonly metadata: Uint8Array;
  readonly bytes: number;
  readonly recipients: readonly RecipientRow[];
  readonly parts: readonly PartRow[];
  readonly actor: string;
  /** The sender has seen that another document of his bears this number, and goes on. */
  readonly evenIfDuplicate: boolean;
  /** Absent: there is nothing in it that needs looking at. */
  readonly check?: NewCheck | undefined;
};
export type SubmitOutcome = { readonly documentId: Uint8Array; readonly duplicate: boolean };

export type SealedRow = {
  readonly seq: number;
  readonly envelopeId: Uint8Array;
  readonly digest: Uint8Array;
  readonly signed: Uint8Array;
};

/** A verified statement with what the store needs of it. */
export type StatementRow = {
  readonly bytes: Uint8Array;
  readonly statementId: Uint8Array;
  readonly issuer: string;
  readonly event: number;
  readonly sender: string;
  readonly envelopeId: Uint8Array;
  readonly digest: Uint8Array;
  readonly atMs: number;
  readonly epoch: number;
  readonly ledgerSequence: number;
  readonly results: readonly Result[];
};

export type SendOutcome = { readonly seq: number } & (
  | { readonly kind: 'receipt'; readonly statement: StatementRow }
  | { readonly kind: 'refused'; readonly state: 'refused' | 'expired'; readonly code: string }
  /** Its seal wore out before it was ever accepted: a new envelope of the same document follows it. */
  | { readonly kind: 'seal-anew'; readonly code: string }
  | {
      readonly kind: 'later';
      readonly code: string;
      readonly nextMs: number;
      /** The hub does not have the large parts after all. */
      readonly uploadAnew: boolean;
    }
);

export type TakenRecipient = {
  readonly index: number;
  readonly unit: string;
  readonly desk: string;
  readonly deliveryId: number;
  /** Fresh random bytes for the statement that may be signed. */
  readonly statementId: Uint8Array;
};
/** The facts that a statement about an arrival binds. */
export type ArrivalFacts = {
  readonly sender: string;
  readonly envelopeId: Uint8Array;
  readonly documentId: Uint8Array;
  readonly digest: Uint8Array;
  readonly epoch: number;
  readonly ledgerSequence: number;
  readonly recipients: readonly TakenRecipient[];
};
export type TakenDelivery = ArrivalFacts &
  Titles & {
    readonly signed: Uint8Array;
    readonly hops: Uint8Array;
    readonly salt: Uint8Array | null;
    readonly metadata: Uint8Array | null;
    readonly receipt: Uint8Array;
    readonly acceptedMs: number;
    readonly kind: number;
    readonly urgency: number;
    readonly createdMs: number;
    readonly replyByMs: number;
    readonly bytes: number;
    readonly parts: readonly PartRow[];
    /** The sender, and units whose successor it is by the directory: for whom it may report, recall and update. */
    readonly standsFor: readonly string[];
    /** Absent: there is nothing in it that needs looking at. */
    readonly check?: NewCheck | undefined;
  };
/** Kept aside, with a signed refusal to the sender. */
export type RefusedDelivery = ArrivalFacts & {
  readonly code: string;
  readonly wrapper: Uint8Array;
  readonly wrapperDigest: Uint8Array;
  readonly receipt: Uint8Array;
};
/** Measured circumstances that delivery receipts carry. */
export type Circumstances = {
  readonly nowMs: number;
  readonly clockOffsetMs: number;
  readonly directoryVersion: number;
  readonly revocationNumber: number;
};
/** `again`: the same bytes had come before, the same receipt is offered; `conflict`: other bytes under the same id; `refused`: signed by one who may not say it. */
export type TakeOutcome = 'stored' | 'again' | 'conflict' | 'refused';

export type PostOutcome = {
  readonly id: number;
  /** `sign-anew`: its seal wore out before the hub took it; the unit's present one states the same. */
  readonly result: 'posted' | 'refused' | 'later' | 'sign-anew';
  readonly code: string;
  readonly nextMs: number;
};

export type FactName =
  | 'epoch'
  | 'commonLedgerSequence'
  | 'instance'
  | 'instanceToken'
  | 'ledgerSeen'
  | 'clockOffsetMs'
  | 'restoreCount'
  | 'recoveredCount'
  | 'sentAfter'
  | 'directoryStamp'
  | 'lastContactMs'
  | 'digestDay';
export type Facts = Partial<Record<FactName, string>>;

export type AsideRow = {
  readonly kind: 'delivery' | 'statement' | 'receipt';
  readonly code: string;
  readonly sender: string | null;
  readonly envelopeId: Uint8Array | null;
  readonly digest: Uint8Array;
  readonly bytes: Uint8Array;
  readonly hubReceipt: Uint8Array | null;
};

/** One envelope that the hub has of us, after a restore of this store. */
export type SentRow = {
  readonly document: Omit<NewDocument, 'salt' | 'metadata' | 'actor' | 'evenIfDuplicate'> & {
    readonly salt: Uint8Array | null;
    readonly metadata: Uint8Array | null;
  };
  readonly envelopeId: Uint8Array;
  readonly digest: Uint8Array;
  readonly signed: Uint8Array;
  readonly createdMs: number;
  readonly statements: readonly StatementRow[];
};

export type MoveTo = Exclude<OutboxState, 'queued'>;
