// Receipts and notices: signed statements by one party about one envelope. They are never receipted and never cause a notice.
// A receipt says that someone took responsibility; a notice says that something did not happen. PROTOCOL.md 8.
import type { KeyObject } from 'node:crypto';
import { signedStatementCodec, statementCodec } from './codec.ts';
import { ExchangeError } from './errors.ts';
import { type DocumentId, type EnvelopeId, uuidFromBytes } from './ids.ts';
import { limits } from './limits.ts';
import { type PayloadType, type Verifier, verifySigned } from './signature.ts';
import type { Result, Signed, Statement } from './wire.ts';

/** Numbers on the wire; names after ETSI EN 319 522-1 §6. */
export const events = {
  SubmissionAcceptance: 1,
  SubmissionRejection: 2,
  RelayAcceptance: 3,
  RelayRejection: 4,
  RelayFailure: 5,
  ContentHandover: 10,
  ContentHandoverFailure: 11,
  AcceptanceRejectionExpiry: 12,
  ConsignmentRejection: 13,
  /** Handed to a system outside this exchange, and what it says since. */
  RelayToNonERDS: 14,
  RelayToNonERDSFailure: 15,
} as const;
export type EventName = keyof typeof events;

const receipts: ReadonlySet<number> = new Set([
  events.SubmissionAcceptance,
  events.RelayAcceptance,
  events.ContentHandover,
]);
const fromUnits: ReadonlySet<number> = new Set([events.ContentHandover, events.ConsignmentRejection]);

export const outcomes = {
  accepted: 1,
  forwarded: 2,
  refused: 3,
  delivered: 4,
  expired: 5,
  undeliverable: 6,
  relayed: 7,
  cancelled: 8,
  /** Another system says that the recipient has it; the recipient has signed nothing. */
  reported: 9,
} as const;
export type OutcomeName = keyof typeof outcomes;

/** What each event may say of a recipient. Above all: delivered is a receiving unit's own word, never a hub's. PROTOCOL.md 8.1. */
const outcomesOf: Readonly<Record<number, readonly number[]>> = {
  [events.SubmissionAcceptance]: [outcomes.accepted, outcomes.forwarded, outcomes.refused],
  [events.SubmissionRejection]: [outcomes.refused],
  [events.RelayAcceptance]: [outcomes.accepted, outcomes.forwarded, outcomes.refused],
  [events.RelayRejection]: [outcomes.refused],
  [events.RelayFailure]: [outcomes.undeliverable],
  [events.ContentHandover]: [outcomes.delivered],
  [events.ContentHandoverFailure]: [outcomes.undeliverable, outcomes.cancelled],
  [events.AcceptanceRejectionExpiry]: [outcomes.expired],
  [events.ConsignmentRejection]: [outcomes.refused],
  [events.RelayToNonERDS]: [outcomes.relayed, outcomes.reported],
  [events.RelayToNonERDSFailure]: [outcomes.refused, outcomes.undeliverable],
};
const lastOutcome = outcomes.reported;

/** Name of an event number; a later one is `event-<n>`. */
export function eventName(event: number): EventName | `event-${number}` {
  const found = (Object.keys(events) as EventName[]).find((name) => events[name] === event);
  return found ?? `event-${event}`;
}
/** Name of an outcome number; a later one is `outcome-<n>`. */
export function outcomeName(outcome: number): OutcomeName | `outcome-${number}` {
  const found = (Object.keys(outcomes) as OutcomeName[]).find((name) => outcomes[name] === outcome);
  return found ?? `outcome-${outcome}`;
}

/** The payload type under which an event is signed. An unknown event is a notice: it never takes responsibility over. */
export function statementType(event: number): PayloadType {
  return receipts.has(event) ? 'lienthong/receipt/1' : 'lienthong/notice/1';
}

/** Receiving units state hand-over and refusal; everything else is a hub's word. */
export function issuerKind(event: number): 'unit' | 'hub' {
  return fromUnits.has(event) ? 'unit' : 'hub';
}

export type StatementFacts = {
  readonly event: EventName;
  readonly statementId: Uint8Array;
  readonly envelopeId: Uint8Array;
  readonly documentId: Uint8Array;
  readonly envelopeDigest: Uint8Array;
  readonly sender: string;
  readonly issuer: string;
  readonly results: readonly Result[];
  readonly atMs: number;
  readonly epoch?: number;
  readonly directoryVersion?: number;
  readonly revocationNumber?: number;
  readonly ledgerSequence?: number;
  readonly parts?: Statement['parts'];
  readonly clockOffsetMs?: number;
  readonly foreignMessage?: Uint8Array;
};

/** Bytes to sign, with the payload type under which to sign them. */
export function buildStatement(facts: StatementFacts): { type: PayloadType; bytes: Buffer } {
  const event = events[facts.event];
  return { type: statementType(event), bytes: statementCodec.encode({ ...facts, version: 1, event }) };
}

export type OpenedStatement = {
  readonly signed: Signed;
  readonly statement: Statement;
  readonly envelopeId: EnvelopeId;
  readonly documentId: DocumentId;
};

/** Who a key id belongs to at a time. Throws signer-unknown or certificate-*. */
export type ResolveStatementSigner = (
  keyId: Uint8Array,
  atMs: number,
) => {
  readonly kind: 'unit' | 'hub';
  readonly id: string;
  readonly publicKey: KeyObject;
  /** From when the signer's certificate is not believed any more, where that is known. */
  readonly revokedFromMs?: number;
};

/**
 * Verifies, then parses, then checks that the signer may state this: a hub its own events, a unit hand-over or refusal of its own
 * delivery. The signer is judged at the statement's own time, which for a hub is bounded by its ledger. Codes: statement-*,
 * signature-*, signer-unknown, certificate-*.
 */
export async function openStatement(
  bytes: Uint8Array,
  resolve: ResolveStatementSigner,
  verifier: Verifier,
): Promise<OpenedStatement> {
  const signed = signedStatementCodec.decode(bytes);
  const draft = parseStatement(signed);
  const signer = resolve(signed.signature?.keyId ?? new Uint8Array(0), draft.statement.atMs);
  await verifier.verify(signed, [statementType(draft.statement.event)], signer.publicKey);
  return assertIssuer(draft, signer);
}

/** As `openStatement`, on the calling thread. */
export function openStatementSync(bytes: Uint8Array, resolve: ResolveStatementSigner): OpenedStatement {
  const signed = signedStatementCodec.decode(bytes);
  const draft = parseStatement(signed);
  const signer = resolve(signed.signature?.keyId ?? new Uint8Array(0), draft.statement.atMs);
  verifySigned(signed, [statementType(draft.statement.event)], signer.publicKey);
  return assertIssuer(draft, signer);
}

/**
 * Reads without verifying: only for bytes of our own store, or to learn the time at which the signer is to be judged. The decoder is
 * strict and bounded, and nothing read here is used before the signature over the same bytes has been verified.
 */
export function parseStatement(signed: Signed): OpenedStatement {
  if (!signed.signature) throw new ExchangeError('signature-invalid', 'no signature');
  const statement = statementCodec.decode(signed.bytes);
  if (statement.version !== 1) throw new ExchangeError('statement-malformed', `version ${statement.version}`);
  if (statement.envelopeDigest.length !== 32)
    throw new ExchangeError('statement-malformed', 'envelope_digest');
  if (statement.statementId.length !== 16) throw new ExchangeError('statement-malformed', 'statement_id');
  assertResults(statement);
  return {
    signed,
    statement,
    envelopeId: uuidFromBytes(statement.envelopeId) as EnvelopeId,
    documentId: uuidFromBytes(statement.documentId) as DocumentId,
  };
}

/** Outcomes of a later version are carried; those of this one stand only under their events. */
function assertResults({ event, results, parts, foreignMessage }: Statement): void {
  if (results.length === 0) throw new ExchangeError('statement-malformed', 'no results');
  if (results.length > limits.recipientsMax) throw new ExchangeError('statement-malformed', 'results');
  const seen = new Set<number>();
  for (const { index, outcome, code, words = '', foreignId = '' } of results) {
    if (seen.has(index)) throw new ExchangeError('statement-malformed', `result ${index} twice`);
    seen.add(index);
    if (outcome === 0 || (outcome <= lastOutcome && !mayConclude(event, outcome)))
      throw new ExchangeError('statement-malformed', `outcome ${outcome} under event ${event}`);
    if (Buffer.byteLength(code) > 64) throw new ExchangeError('statement-malformed', 'code');
    if (Buffer.byteLength(words) > limits.foreignWordsBytesMax || Buffer.byteLength(foreignId) > 100)
      throw new ExchangeError('statement-malformed', 'words of another system');
  }
  if (parts.length > limits.partsMax || parts.some(({ sha256 }) => sha256.length !== 32))
    throw new ExchangeError('statement-malformed', 'parts');
  if (foreignMessage && foreignMessage.length !== 0 && foreignMessage.length !== 32)
    throw new ExchangeError('statement-malformed', 'foreign_message');
}

/**
 * A hub speaks for another system only about units that the directory says are reached through a border of that very hub: else any hub
 * could say of anybody that he has a document. PROTOCOL.md 16. Code: statement-mismatch.
 */
export function assertBorderWord(
  { event, issuer, results }: Statement,
  unitOf: (id: string) => { readonly hub: string; readonly border?: string } | undefined,
): void {
  if (event !== events.RelayToNonERDS && event !== events.RelayToNonERDSFailure) return;
  for (const { unit } of results) {
    const found = unitOf(unit);
    if (!found?.border || found.hub !== issuer)
      throw new ExchangeError('statement-mismatch', `${issuer} speaks for another system about ${unit}`);
  }
}

/** An event of a later version takes no responsibility over and delivers nothing. */
function mayConclude(event: number, outcome: number): boolean {
  const known = outcomesOf[event];
  if (known) return known.includes(outcome);
  const taken: readonly number[] = [
    outcomes.accepted,
    outcomes.forwarded,
    outcomes.delivered,
    outcomes.reported,
  ];
  return !taken.includes(outcome);
}

function assertIssuer(
  opened: OpenedStatement,
  signer: { kind: 'unit' | 'hub'; id: string },
): OpenedStatement {
  const { statement } = opened;
  if (signer.id !== statement.issuer || signer.kind !== issuerKind(statement.event))
    throw new ExchangeError('signature-invalid', 'signed by another than the issuer');
  if (signer.kind === 'unit' && statement.results.some(({ unit }) => unit !== signer.id))
    throw new ExchangeError('statement-mismatch', 'a unit states about another unit');
  return opened;
}
