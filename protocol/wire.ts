// The types of wire.proto, by hand: what decoded messages look like. Scalars that were absent are zero, empty or false; absent
// messages are null. Nothing here has behaviour.
import type { RelatedDocument } from './document/related.ts';

type Bytes = Uint8Array;

export type Signed = { readonly type: string; readonly bytes: Bytes; readonly signature: Signature | null };
export type Signature = {
  readonly algorithm: number;
  readonly keyId: Bytes;
  readonly value: Bytes;
  readonly merkle: MerklePath | null;
};
export type MerklePath = { readonly index: number; readonly count: number; readonly path: readonly Bytes[] };

export type Header = {
  readonly version: number;
  readonly envelopeId: Bytes;
  readonly documentId: Bytes;
  readonly kind: number;
  readonly sender: string;
  readonly recipients: readonly Recipient[];
  readonly createdMs: number;
  readonly deliverByMs: number;
  readonly replyByMs: number;
  readonly urgency: number;
  readonly parts: readonly Part[];
  readonly metadataDigest: Bytes;
  readonly metadataLength: number;
  readonly links: readonly Link[];
  readonly clockOffsetMs: number;
  readonly status: Status | null;
};
export type Recipient = {
  readonly unit: string;
  readonly desk: string;
  readonly group: string;
  readonly groupDirectoryVersion: number;
};
export type Part = {
  readonly length: number;
  readonly sha256: Bytes;
  readonly treeRoot: Bytes;
  readonly encryption: number;
};
export type Link = { readonly relation: number; readonly envelopeId: Bytes; readonly documentId: Bytes };
export type Status = {
  readonly code: string;
  readonly counter: number;
  readonly atMs: number;
  /** Makers may leave it out; decoded it is there. */
  readonly reason?: number;
};

export type MetadataBlock = { readonly salt: Bytes; readonly block: Bytes };
export type Metadata = {
  readonly subject: string;
  readonly number: string;
  readonly notation: string;
  readonly type: string;
  readonly issueDate: string;
  readonly signers: readonly Signer[];
  readonly parts: readonly PartName[];
  readonly clientReference: string;
  readonly sphere: string;
  readonly note: string;
  readonly origin: number;
  readonly paperFollows: boolean;
  readonly pages: number;
  readonly copies: number;
  readonly otherPlaces: readonly string[];
  readonly reason: string;
  readonly extraJson: string;
  readonly urgentAtMs: number;
  readonly reportPeriod: string;
  readonly related: readonly RelatedDocument[];
  readonly registeredNumber: string;
  readonly person: string;
  readonly foreign?: Foreign | null;
};
export type Foreign = {
  readonly code: string;
  readonly name: string;
  readonly documentId: string;
  readonly system: string;
  readonly messageId: string;
  readonly messageSha256: Bytes;
  readonly receivedMs: number;
  readonly sentMs: number;
};
export type Signer = { readonly name: string; readonly position: string; readonly competence: string };
export type PartName = { readonly name: string; readonly mediaType: string };

export type Wrapper = {
  readonly envelope: Signed | null;
  readonly recipients: readonly LegRecipient[];
  readonly hops: readonly Signed[];
  readonly metadata: MetadataBlock | null;
  readonly inlineParts: readonly InlinePart[];
  readonly uploadedParts: readonly UploadedPart[];
};
export type LegRecipient = { readonly index: number; readonly unit: string };
export type InlinePart = { readonly index: number; readonly content: Bytes };
export type UploadedPart = { readonly index: number; readonly uploadId: Bytes };
export type Hop = {
  readonly hub: string;
  readonly envelopeDigest: Bytes;
  readonly previous: Bytes;
  readonly atMs: number;
};

export type Statement = {
  readonly version: number;
  readonly event: number;
  readonly statementId: Bytes;
  readonly envelopeId: Bytes;
  readonly documentId: Bytes;
  readonly envelopeDigest: Bytes;
  readonly sender: string;
  readonly issuer: string;
  readonly results: readonly Result[];
  readonly epoch: number;
  readonly atMs: number;
  readonly directoryVersion: number;
  readonly revocationNumber: number;
  readonly ledgerSequence: number;
  readonly parts: readonly VerifiedPart[];
  readonly clockOffsetMs: number;
  readonly foreignMessage?: Bytes;
};
export type Result = {
  readonly index: number;
  readonly unit: string;
  readonly outcome: number;
  readonly code: string;
  readonly words?: string;
  readonly foreignId?: string;
};
export type VerifiedPart = { readonly index: number; readonly sha256: Bytes };

export type SubmitRequest = { readonly wrappers: readonly Bytes[] };
export type SubmitResponse = { readonly results: readonly SubmitResult[] };
export type SubmitResult = { readonly receipt: Bytes; readonly problem: string; readonly duplicate: boolean };

export type SessionRequest = {
  readonly previousInstance: number;
  readonly previousToken: Bytes;
  readonly software: string;
  readonly restoreCount: number;
  readonly ledgerSeen: number;
  readonly nowMs: number;
  readonly epochKnown: number;
  readonly revocationKnown: number;
};
export type SessionResponse = {
  readonly instance: number;
  readonly token: Bytes;
  readonly epoch: Bytes;
  readonly nowMs: number;
  readonly units: readonly string[];
};
export type Epoch = {
  readonly hub: string;
  readonly number: number;
  readonly startedMs: number;
  readonly commonLedgerSequence: number;
  readonly previous: number;
};

export type PollRequest = {
  readonly itemsMax: number;
  readonly bytesMax: number;
  readonly epochKnown: number;
  readonly directoryKnown: string;
  readonly statementsTaken: readonly number[];
  readonly holdMs: number;
  readonly answerLost: boolean;
  readonly revocationKnown: number;
  readonly nowMs: number;
  readonly removalKnown?: number;
};
export type PollResponse = {
  readonly items: readonly Item[];
  readonly nowMs: number;
  readonly epoch: Bytes;
  readonly directory: string;
  readonly more: boolean;
  readonly removal?: number;
};
export type Item = { readonly delivery: DeliveryItem | null; readonly statement: StatementItem | null };
export type DeliveryItem = {
  readonly deliveryIds: readonly number[];
  readonly wrapper: Bytes;
  readonly receipt: Bytes;
  readonly attempt: number;
};
export type StatementItem = { readonly id: number; readonly statement: Bytes };

export type StatementsRequest = { readonly statements: readonly StatementOffer[] };
export type StatementOffer = { readonly deliveryIds: readonly number[]; readonly statement: Bytes };
export type StatementsResponse = { readonly results: readonly StatementResult[] };
export type StatementResult = { readonly problem: string };
export type DeferRequest = { readonly deferrals: readonly Deferral[] };
export type Deferral = {
  readonly deliveryIds: readonly number[];
  readonly code: string;
  readonly retryAfterMs: number;
};

export type SentRequest = { readonly afterSequence: number; readonly itemsMax: number };
export type SentResponse = { readonly items: readonly SentItem[]; readonly more: boolean };
export type SentItem = {
  readonly wrapper: Bytes;
  readonly statements: readonly Bytes[];
  readonly ledgerSequence: number;
};

export type DirectoryPart = {
  readonly hub: string;
  readonly version: number;
  readonly issuedMs: number;
  readonly expiresMs: number;
  readonly units: readonly DirectoryUnit[];
  readonly hubCertificates: readonly Bytes[];
  readonly issuingCertificate: Bytes;
  readonly parent: string;
  readonly revocationNumber: number;
  readonly revocations: readonly Revocation[];
  readonly name: string;
  readonly formerIssuingCertificates: readonly Bytes[];
  readonly pageDigests?: readonly Bytes[];
  readonly groups?: readonly DirectoryGroup[];
  readonly planned?: readonly PlannedChange[];
  readonly operators?: readonly OperatorKey[];
};
export type OperatorKey = {
  readonly name: string;
  readonly publicKey: Bytes;
  readonly fromMs: number;
  readonly untilMs: number;
};
export type DirectoryUnit = {
  readonly unit: string;
  readonly aliases: readonly UnitAlias[];
  readonly name: string;
  readonly state: number;
  readonly sealCertificates: readonly Bytes[];
  readonly successors: readonly string[];
  readonly documentBytesMax: number;
  readonly node: string;
  readonly parent: string;
  readonly border?: string;
  readonly kind?: string;
  readonly groups?: readonly string[];
  readonly acceptedKinds?: readonly number[];
  readonly desks?: readonly UnitDesk[];
  readonly formerNames?: readonly UnitName[];
  readonly endedBy?: number;
  readonly endedMs?: number;
  readonly movedTo?: string;
  readonly movedFrom?: string;
};
export type UnitDesk = { readonly desk: string; readonly name: string };
export type UnitName = { readonly name: string; readonly fromMs: number; readonly untilMs: number };
export type DirectoryGroup = {
  readonly code: string;
  readonly name: string;
  readonly kinds: readonly string[];
  readonly includes: readonly string[];
};
export type PlannedChange = {
  readonly unit: string;
  readonly kind: number;
  readonly atMs: number;
  readonly into: readonly string[];
  readonly name: string;
};
export type DirectoryPage = { readonly units: readonly DirectoryUnit[] };
export type SignedDirectory = Signed & { readonly pages: readonly Bytes[] };
export type DirectoryRequest = { readonly known: readonly KnownPart[] };
export type KnownPart = { readonly hub: string; readonly version: number };
export type UnitAlias = { readonly code: string; readonly fromMs: number; readonly untilMs: number };
export type Revocation = { readonly serialHex: string; readonly fromMs: number; readonly reason: string };
export type DirectoryAnswer = {
  readonly stamp: string;
  readonly parts: readonly Bytes[];
  readonly rootHandovers: readonly Bytes[];
};
export type RootHandover = {
  readonly from: Bytes;
  readonly rootCertificate: Bytes;
  readonly issuedMs: number;
  readonly oldUntilMs: number;
};

export type RenewRequest = { readonly renewal: Bytes };
export type Renewal = {
  readonly hub: string;
  readonly role: string;
  readonly subject: string;
  readonly request: Bytes;
  readonly atMs: number;
};
export type RenewResponse = { readonly certificate: Bytes; readonly issuingCertificate: Bytes };

export type Proof = {
  readonly format: string;
  readonly envelope: Bytes;
  readonly metadata: MetadataBlock | null;
  readonly statements: readonly Bytes[];
  readonly certificates: readonly Bytes[];
  readonly directory: readonly Bytes[];
  readonly hops: readonly Bytes[];
};

export type RemovalRequest = {
  readonly after: number;
  readonly done: readonly Bytes[];
  readonly reports: readonly Bytes[];
  readonly orders?: readonly Bytes[];
  readonly wordsAfter?: number;
};
export type RemovalAnswer = {
  readonly orders: readonly Bytes[];
  readonly done?: readonly Bytes[];
  readonly wordsLast?: number;
};
export type RemovalAct = {
  readonly hub: string;
  readonly act: number;
  readonly documentId: Bytes;
  readonly sender: string;
  readonly contentsDigest: Bytes;
  readonly reason: string;
  readonly operator: string;
  readonly atMs: number;
};
export type RemovalOrder = {
  readonly number: number;
  readonly hub: string;
  readonly act: number;
  readonly documentId: Bytes;
  readonly sender: string;
  readonly contents: readonly Bytes[];
  readonly reason: string;
  readonly operators: readonly string[];
  readonly atMs: number;
  readonly acts?: readonly Bytes[];
};
export type RemovalDone = {
  readonly number: number;
  readonly hub: string;
  readonly act: number;
  readonly documentId: Bytes;
  readonly unit: string;
  readonly found: boolean;
  readonly atMs: number;
};
export type SecretReport = {
  readonly documentId: Bytes;
  readonly sender: string;
  readonly unit: string;
  readonly person: string;
  readonly reason: string;
  readonly atMs: number;
};
