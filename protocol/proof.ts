// One proof file -> what it proves, step by step, and what it does not. Pure: keys come in through `ProofSigners`, judged by certs/.
// It must never call anything proven that no signature in the file covers, and must never pass a file with a byte changed.
// At the end of a document's path: made by a node (EdgeCore.proof), read by anyone, offline, years later. PROTOCOL.md 11.
import type { KeyObject } from 'node:crypto';
import { hash } from 'node:crypto';
import {
  headerCodec,
  hopCodec,
  metadataCodec,
  proofCodec,
  signedCodec,
  signedStatementCodec,
} from './codec.ts';
import { ExchangeError } from './errors.ts';
import { uuidFromBytes } from './ids.ts';
import { limits } from './limits.ts';
import { assertHeader, envelopeDigest, metadataDigest } from './seal.ts';
import { verifySigned } from './signature.ts';
import { eventName, issuerKind, outcomeName, parseStatement, statementType } from './statement.ts';
import type { Header, Metadata, Proof, Signed, Statement } from './wire.ts';

export const proofFormat = 'lienthong-proof/1';

export type ProofSigner = {
  readonly kind: 'unit' | 'hub';
  readonly id: string;
  /** The hub that certified the key; for a hub itself. */
  readonly hub: string;
  readonly publicKey: KeyObject;
  readonly serialHex: string;
};
/** Who a key belongs to at a time, by certificates, directory and revocations. Throws signer-unknown or certificate-*. */
export type ProofSigners = (keyId: Uint8Array, atMs: number) => ProofSigner;

export type ProofParts = Omit<Proof, 'format'>;

/** Bytes of a proof file. What is given is not verified here: give it to the verifier before it leaves. */
export function encodeProof(parts: ProofParts): Buffer {
  return proofCodec.encode({ ...parts, format: proofFormat });
}

/**
 * The form is canonical (fields in the order of their numbers, nothing unknown), so that no byte of a file can change without
 * being seen. Throws `proof-invalid`.
 */
export function decodeProof(bytes: Uint8Array): Proof {
  const proof = proofCodec.decode(bytes);
  if (proof.format !== proofFormat)
    throw new ExchangeError('proof-invalid', `format ${proof.format.slice(0, 40)}, expected ${proofFormat}`);
  if (Buffer.compare(proofCodec.encode(proof), bytes) !== 0)
    throw new ExchangeError('proof-invalid', 'fields that are unknown, repeated or out of order');
  return proof;
}

export type ProvenStatement = {
  readonly event: string;
  readonly issuer: string;
  readonly issuerKind: 'unit' | 'hub';
  readonly atMs: number;
  readonly epoch: number;
  readonly ledgerSequence: number;
  readonly clockOffsetMs: number;
  readonly results: readonly {
    index: number;
    unit: string;
    outcome: string;
    code: string;
    words?: string;
    foreignId?: string;
  }[];
  /** SHA-256 of the message handed to another system, in hex; '' for every other statement. */
  readonly foreignMessage: string;
  /** Indexes of parts whose digests the receiver states to have checked itself. */
  readonly verifiedParts: readonly number[];
};

export type ProvenRecipient = {
  readonly index: number;
  readonly unit: string;
  readonly desk: string;
  /** The hub's word for this recipient at acceptance: accepted, forwarded or refused; undefined without a receipt. */
  readonly accepted: string | undefined;
  /** Time of the receiving unit's own receipt, on its clock. */
  readonly receivedMs: number | undefined;
  /** The unit that signed it: a successor when forwarded. */
  readonly receivedBy: string | undefined;
  /** Its clock minus the hub's, as it had measured. */
  readonly clockOffsetMs: number;
  /** A border's word that another system reports delivery; the recipient itself signed nothing. */
  readonly reportedMs: number | undefined;
  /** The last that went wrong: refused, expired, undeliverable, cancelled. */
  readonly failed: { readonly outcome: string; readonly code: string; readonly atMs: number } | undefined;
};

/** Named, so that programs need not read words. */
export type NotProven =
  | { readonly what: 'acceptance' }
  | { readonly what: 'metadata' }
  | { readonly what: 'delivery'; readonly recipient: number }
  | { readonly what: 'parts-checked'; readonly recipient: number; readonly parts: readonly number[] }
  | { readonly what: 'seal-named-by-directory' };

export type ProvenFacts = {
  readonly envelopeId: string;
  readonly documentId: string;
  readonly digestHex: string;
  readonly header: Header;
  readonly sealSerialHex: string;
  readonly metadata: Metadata | null;
  /** The receipt of the sender's own hub. */
  readonly accepted:
    | { readonly hub: string; readonly atMs: number; readonly ledgerSequence: number; readonly epoch: number }
    | undefined;
  readonly recipients: readonly ProvenRecipient[];
  readonly statements: readonly ProvenStatement[];
  readonly hops: readonly { readonly hub: string; readonly atMs: number }[];
  readonly notProven: readonly NotProven[];
};

/**
 * Every signature, digest and binding of the file. Throws the code of the first thing that does not hold: proof-invalid, signature-*,
 * signer-*, certificate-*, statement-*, metadata-mismatch, header-*. Directory parts and certificates were judged by the caller.
 */
export function judgeProof(proof: Proof, signers: ProofSigners): ProvenFacts {
  const signed = signedCodec.decode(proof.envelope);
  const draft = readHeader(signed);
  const digest = envelopeDigest(signed.bytes);
  const statements = proof.statements.map((bytes) => judgeStatement(bytes, draft, { digest, signers }));
  // The acceptance that counts is that of the hub which certified the sender: another hub may not move the time at which the seal is
  // judged. Which hub that is, the seal's certificate says, so the seal is looked at twice.
  const accepted = acceptanceOf(statements, sealHub(signed, statements, signers, draft));
  const sealer = judgeSeal(signed, draft, { signers, atMs: accepted?.atMs ?? draft.createdMs });
  const metadata = judgeMetadata(proof, draft);
  const hops = judgeHops(proof.hops, digest, signers);
  const recipients = draft.recipients.map((_, index) =>
    recipientOf(index, draft, { statements, acceptor: accepted?.issuer }),
  );
  return {
    envelopeId: uuidFromBytes(draft.envelopeId),
    documentId: uuidFromBytes(draft.documentId),
    digestHex: digest.toString('hex'),
    header: draft,
    sealSerialHex: sealer.serialHex,
    metadata,
    accepted: accepted && {
      hub: accepted.issuer,
      atMs: accepted.atMs,
      ledgerSequence: accepted.ledgerSequence,
      epoch: accepted.epoch,
    },
    recipients,
    statements,
    hops,
    notProven: missing({ accepted, metadata, recipients, statements, header: draft }),
  };
}

/** Read before it is verified, only to learn the time at which the seal is to be judged; nothing else is used until `judgeSeal`. */
function readHeader(signed: Signed): Header {
  if (!signed.signature) throw new ExchangeError('signature-invalid', 'the envelope has no signature');
  if (signed.bytes.length > limits.headerBytesMax) throw new ExchangeError('header-too-large');
  const header = headerCodec.decode(signed.bytes);
  assertHeader(header);
  return header;
}

function judgeSeal(
  signed: Signed,
  header: Header,
  { signers, atMs }: { signers: ProofSigners; atMs: number },
): ProofSigner {
  const sealer = signers(signed.signature!.keyId, atMs);
  verifySigned(signed, ['lienthong/header/1'], sealer.publicKey);
  if (sealer.kind !== 'unit' || sealer.id !== header.sender)
    throw new ExchangeError('signer-not-sender', `sealed by ${sealer.id}`);
  return sealer;
}

/** The hub that certified the sender's seal, tried at each time that a hub claims to have accepted it; undefined without one. */
function sealHub(
  { signature }: Signed,
  statements: readonly ProvenStatement[],
  signers: ProofSigners,
  { sender }: Header,
): string | undefined {
  let refused: unknown;
  for (const { event, atMs, issuer } of statements) {
    if (event !== 'SubmissionAcceptance') continue;
    try {
      const { id, hub } = signers(signature!.keyId, atMs);
      if (hub === issuer && id === sender) return hub;
    } catch (error) {
      // Not good at this time; perhaps at that of another receipt. If at none, this is the verdict.
      refused = error;
    }
  }
  if (refused) throw refused;
  return undefined;
}

function acceptanceOf(
  statements: readonly ProvenStatement[],
  hub: string | undefined,
): ProvenStatement | undefined {
  return statements
    .filter(({ event, issuer }) => event === 'SubmissionAcceptance' && issuer === hub)
    .sort((a, b) => a.atMs - b.atMs)[0];
}

function judgeStatement(
  bytes: Uint8Array,
  header: Header,
  { digest, signers }: { digest: Buffer; signers: ProofSigners },
): ProvenStatement {
  const { signed, statement } = parseStatement(signedStatementCodec.decode(bytes));
  const signer = signers(signed.signature!.keyId, statement.atMs);
  verifySigned(signed, [statementType(statement.event)], signer.publicKey);
  if (signer.kind !== issuerKind(statement.event) || signer.id !== statement.issuer)
    throw new ExchangeError('signature-invalid', 'signed by another than the issuer');
  if (!bindsTo(statement, header, digest))
    throw new ExchangeError('statement-mismatch', 'about another envelope');
  if (statement.results.some(({ index }) => index >= header.recipients.length))
    throw new ExchangeError('statement-mismatch', 'a recipient that was not signed');
  if (signer.kind === 'unit' && statement.results.some(({ unit }) => unit !== signer.id))
    throw new ExchangeError('statement-mismatch', 'a unit states about another unit');
  for (const { index, sha256 } of statement.parts)
    if (Buffer.compare(header.parts[index]?.sha256 ?? Buffer.alloc(0), sha256) !== 0)
      throw new ExchangeError('statement-mismatch', `digest of part ${index}`);
  return {
    event: eventName(statement.event),
    issuer: statement.issuer,
    issuerKind: signer.kind,
    atMs: statement.atMs,
    epoch: statement.epoch,
    ledgerSequence: statement.ledgerSequence,
    clockOffsetMs: statement.clockOffsetMs,
    results: statement.results.map(({ index, unit, outcome, code, words, foreignId }) => ({
      index,
      unit,
      outcome: outcomeName(outcome),
      code,
      ...(words ? { words } : {}),
      ...(foreignId ? { foreignId } : {}),
    })),
    foreignMessage: Buffer.from(statement.foreignMessage ?? []).toString('hex'),
    verifiedParts: statement.parts.map(({ index }) => index),
  };
}

function bindsTo(statement: Statement, header: Header, digest: Buffer): boolean {
  return (
    digest.equals(statement.envelopeDigest) &&
    Buffer.compare(statement.envelopeId, header.envelopeId) === 0 &&
    Buffer.compare(statement.documentId, header.documentId) === 0 &&
    statement.sender === header.sender
  );
}

function judgeMetadata({ metadata }: Proof, header: Header): Metadata | null {
  if (!metadata) return null;
  if (metadata.salt.length !== 32 || metadata.block.length !== header.metadataLength)
    throw new ExchangeError('metadata-mismatch', 'length');
  if (!metadataDigest(metadata).equals(header.metadataDigest))
    throw new ExchangeError('metadata-mismatch', 'digest');
  return metadataCodec.decode(metadata.block);
}

function judgeHops(
  hops: readonly Uint8Array[],
  digest: Buffer,
  signers: ProofSigners,
): { hub: string; atMs: number }[] {
  let previous: Uint8Array = Buffer.alloc(0);
  return hops.map((bytes) => {
    const signed = signedCodec.decode(bytes);
    if (!signed.signature) throw new ExchangeError('signature-invalid', 'a hop has no signature');
    const hop = hopCodec.decode(signed.bytes);
    const signer = signers(signed.signature.keyId, hop.atMs);
    verifySigned(signed, ['lienthong/hop/1'], signer.publicKey);
    if (signer.kind !== 'hub' || signer.id !== hop.hub || !digest.equals(hop.envelopeDigest))
      throw new ExchangeError('proof-invalid', 'a hop of another hub or envelope');
    if (Buffer.compare(hop.previous, previous) !== 0)
      throw new ExchangeError('proof-invalid', 'the hop trace is broken');
    previous = hash('sha256', signed.bytes, 'buffer');
    return { hub: hop.hub, atMs: hop.atMs };
  });
}

const failures: ReadonlySet<string> = new Set(['refused', 'expired', 'undeliverable', 'cancelled']);

function recipientOf(
  index: number,
  { recipients }: Header,
  { statements, acceptor }: { statements: readonly ProvenStatement[]; acceptor: string | undefined },
): ProvenRecipient {
  const { unit, desk } = recipients[index]!;
  const about = statements.flatMap((statement) =>
    statement.results.filter((result) => result.index === index).map((result) => ({ statement, result })),
  );
  // A unit's receipt counts for the signed recipient, or for the successor that a hub's signed word names.
  const mayReceive = new Set([
    unit,
    ...about
      .filter(({ statement, result }) => statement.issuerKind === 'hub' && result.outcome === 'forwarded')
      .map(({ result }) => result.unit),
  ]);
  const received = about.find(
    ({ statement, result }) =>
      statement.event === 'ContentHandover' && result.outcome === 'delivered' && mayReceive.has(result.unit),
  );
  // Another hub's word about acceptance is not the one that the proof stands on.
  const accepted = about.find(
    ({ statement }) => statement.event === 'SubmissionAcceptance' && statement.issuer === acceptor,
  );
  const failed = about.findLast(({ result }) => failures.has(result.outcome));
  const reported = about.find(
    ({ statement, result }) => statement.event === 'RelayToNonERDS' && result.outcome === 'reported',
  );
  return {
    index,
    unit,
    desk,
    accepted: accepted?.result.outcome,
    receivedMs: received?.statement.atMs,
    receivedBy: received?.result.unit,
    clockOffsetMs: received?.statement.clockOffsetMs ?? 0,
    reportedMs: reported?.statement.atMs,
    failed: failed && {
      outcome: failed.result.outcome,
      code: failed.result.code,
      atMs: failed.statement.atMs,
    },
  };
}

function missing(facts: {
  accepted: ProvenStatement | undefined;
  metadata: Metadata | null;
  recipients: readonly ProvenRecipient[];
  statements: readonly ProvenStatement[];
  header: Header;
}): NotProven[] {
  const out: NotProven[] = [];
  if (!facts.accepted) out.push({ what: 'acceptance' });
  if (!facts.metadata) out.push({ what: 'metadata' });
  for (const { index, receivedMs, receivedBy } of facts.recipients) {
    if (receivedMs === undefined) {
      out.push({ what: 'delivery', recipient: index });
      continue;
    }
    const checked = new Set(
      facts.statements
        .filter((each) => each.event === 'ContentHandover' && each.issuer === receivedBy)
        .flatMap((each) => each.verifiedParts),
    );
    const unchecked = facts.header.parts.map((_, i) => i).filter((i) => !checked.has(i));
    if (unchecked.length > 0) out.push({ what: 'parts-checked', recipient: index, parts: unchecked });
  }
  return out;
}
