// What crosses between the hub's main thread and its writer thread: plain, structured-cloneable values. Bytes arrive as Uint8Array.
import type { AtRestContext } from '../../protocol/node/at-rest/open.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { PayloadType } from '../../protocol/signature.ts';
import type { Actor } from './audit.ts';
import type { Ledger } from './ledger.ts';
import type { NewHubCheck } from './safety-ops.ts';
import type { Turns } from './turns.ts';

/** The keys with which the writer thread signs; they change when their certificates are renewed. */
export type HubKeyTexts = {
  /** PKCS#8 PEM of the key for receipts, notices and hops, and its key id in hex. */
  readonly receiptsKeyPem: string;
  readonly receiptsKeyId: string;
  /** PKCS#8 PEM of the key for the directory, and its key id in hex. */
  readonly directoryKeyPem: string;
  readonly directoryKeyId: string;
};

export type WriterContext = HubKeyTexts & {
  readonly hubId: string;
  /** How long a signed directory part may be used without the hub. */
  readonly directoryDays: number;
  readonly atRest?: AtRestContext | undefined;
  /** Kinds of acts that two operators must agree on; config.secondPerson.acts. */
  readonly secondPerson?: readonly string[];
  /** Bytes that may wait for one unit's recipients when its row names no quota; 0 is without bound. */
  readonly quotaBytesDefault: number;
};

export type Built = { readonly type: PayloadType; readonly bytes: Uint8Array };

/** A statement of this hub that waits for its ledger sequence and the batch's signature. */
export type Pending = {
  readonly kind: string;
  readonly atMs: number;
  build(sequence: number): Built;
  /** Signed in the same batch, without a ledger entry of its own. */
  readonly hop?: Built;
  /** Receives encoded Signed bytes. */
  commit(signed: Buffer, sequence: number, hop: Buffer | undefined): void;
};

export type Shared = {
  readonly db: Database;
  readonly context: WriterContext;
  readonly ledger: Ledger;
  readonly turns: Turns;
  readonly state: (item: Pending) => void;
  readonly epoch: () => number;
};

export type AcceptedPart = {
  readonly index: number;
  readonly length: number;
  readonly sha256: Uint8Array;
  readonly treeRoot: Uint8Array;
  /** Bytes of a small part; null when they lie in the content folder. */
  readonly content: Uint8Array | null;
};

export type RoutedDelivery = {
  readonly index: number;
  readonly unit: string;
  /** Node or hub that gets it; '' when refused. */
  readonly peer: string;
  /** outcomes.accepted, forwarded or refused of protocol/statement.ts. */
  readonly outcome: number;
  /** Of a refused one the reason; of an accepted one why it is held. */
  readonly code: string;
};

export type AcceptArgs = {
  /** Absent: there was nothing to look at. */
  readonly check?: NewHubCheck | undefined;
  readonly peer: string;
  readonly fromHub: boolean;
  readonly envelopeId: Uint8Array;
  readonly documentId: Uint8Array;
  readonly sender: string;
  readonly digest: Uint8Array;
  /** Encoded Signed of the header, as received. */
  readonly signed: Uint8Array;
  /** Encoded Wrapper with the hop trace so far, and the digest of its last entry (empty for none). */
  readonly hops: Uint8Array;
  readonly previousHopDigest: Uint8Array;
  readonly salt: Uint8Array | null;
  readonly metadata: Uint8Array | null;
  readonly kind: number;
  readonly urgency: number;
  readonly deliverByMs: number;
  readonly parts: readonly AcceptedPart[];
  readonly deliveries: readonly RoutedDelivery[];
  /** Documents of the same sender that this envelope takes back, or updates. */
  readonly recalls?: readonly Uint8Array[];
  readonly updates?: readonly Uint8Array[];
  readonly directoryVersion: number;
  readonly revocationNumber: number;
  /** 16 fresh random bytes. */
  readonly statementId: Uint8Array;
  readonly bytes: number;
  readonly nowMs: number;
};
/** `receipt` is encoded Signed. `nudge`: peers that have something waiting now. */
export type AcceptResult = {
  receipt: Uint8Array;
  duplicate: boolean;
  nudge: string[];
  /** There is something to take back: HubStore.takeBack. */
  recalled?: boolean;
  /** Of a row just made: its number, and the hop trace with ours. */
  kept?: { readonly seq: number; readonly hops: Uint8Array };
};

export type RefuseArgs = {
  readonly peer: string;
  readonly sender: string | null;
  readonly envelopeId: Uint8Array | null;
  readonly digest: Uint8Array | null;
  readonly code: string;
  readonly nowMs: number;
};

export type ClaimArgs = {
  readonly peer: string;
  /** Statement items that the peer holds durably by now: never handed out again, from this claim on. Idempotent. */
  readonly taken?: readonly number[];
  readonly instance: number;
  readonly itemsMax: number;
  readonly bytesMax: number;
  readonly nowMs: number;
  readonly leaseMs: number;
};
export type ClaimedDelivery = {
  readonly ids: readonly number[];
  readonly recipients: readonly { readonly index: number; readonly unit: string }[];
  readonly signed: Uint8Array;
  readonly hops: Uint8Array;
  readonly salt: Uint8Array | null;
  readonly metadata: Uint8Array | null;
  readonly inlineParts: readonly { readonly index: number; readonly content: Uint8Array }[];
  readonly receipt: Uint8Array;
  readonly attempt: number;
};
/** What the writer answers to a claim: which, under lease. The main side reads the bytes (hub/store/store.ts). */
export type LeasedDelivery = Pick<ClaimedDelivery, 'ids' | 'recipients' | 'attempt'> & {
  readonly seq: number;
};
export type Leased = {
  readonly deliveries: readonly LeasedDelivery[];
  readonly statements: readonly ClaimedStatement[];
  readonly more: boolean;
};
export type ClaimedStatement = { readonly id: number; readonly bytes: Uint8Array };
export type Claimed = {
  readonly deliveries: readonly ClaimedDelivery[];
  readonly statements: readonly ClaimedStatement[];
  readonly more: boolean;
};

export type SettleArgs = {
  /** The peer that brings it: deliveries must be routed to it. */
  readonly peer: string;
  readonly statementId: Uint8Array;
  readonly event: number;
  readonly envelopeId: Uint8Array;
  readonly digest: Uint8Array;
  readonly sender: string;
  readonly issuer: string;
  readonly results: readonly {
    readonly index: number;
    readonly unit: string;
    readonly outcome: number;
    readonly code: string;
  }[];
  readonly atMs: number;
  /** Inner signed bytes (what the ledger hashes) and the encoded Signed (what is kept). */
  readonly inner: Uint8Array;
  readonly bytes: Uint8Array;
  readonly nowMs: number;
};
export type SettleResult = { readonly nudge: readonly string[]; readonly duplicate: boolean };

export type SessionArgs = {
  readonly peer: string;
  readonly previousInstance: number;
  readonly previousToken: Uint8Array;
  readonly newToken: Uint8Array;
  readonly software: string;
  readonly restoreCount: number;
  readonly ledgerSeen: number;
  /** Epoch that `ledgerSeen` belongs to; default and 0: the present one. */
  readonly epochKnown?: number | undefined;
  /** True while another instance of the peer holds an open poll. */
  readonly live: boolean;
  readonly nowMs: number;
};

export type DeliveryChoice = {
  readonly ids?: readonly number[];
  readonly peer?: string;
  readonly nowMs: number;
  /** Who chose, for the audit; absent: the program itself. */
  readonly by?: Actor;
};
