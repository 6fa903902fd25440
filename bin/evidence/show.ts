// One file of the exchange, whatever it is -> what it is, verified under a root: proof, wrapper, sealed header, receipt, notice, hop,
// epoch or directory part. It must never show the inside of something that does not verify as if it did.
// Behind "lienthong envelope show".
import { createEvidence, type Evidence, type EvidenceSources } from '../../certs/evidence.ts';
import { verifyProof } from '../../certs/verify-proof.ts';
import {
  directoryAnswerCodec,
  epochCodec,
  headerCodec,
  hopCodec,
  metadataCodec,
  signedCodec,
  signedStatementCodec,
  wrapperCodec,
} from '../../protocol/codec.ts';
import { createDirectory, type Directory } from '../../protocol/directory.ts';
import { readPart } from '../../protocol/directory-pages.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { openDecoded } from '../../protocol/open.ts';
import type { ProofSigner } from '../../protocol/proof.ts';
import { assertHeader, envelopeDigest } from '../../protocol/seal.ts';
import { createVerifier, type PayloadType, verifySigned } from '../../protocol/signature.ts';
import { openStatementSync } from '../../protocol/statement.ts';
import type { Epoch, Header, Signed } from '../../protocol/wire.ts';
import { kindName, proofJson, proofText, statementJson, urgencyName } from './words.ts';

export type ShowSources = {
  readonly rootDer: EvidenceSources['rootDer'];
  readonly certificates: readonly Uint8Array[];
  /** Bytes of Signed directory parts or of a DirectoryAnswer. */
  readonly directory: readonly Uint8Array[];
  /** Judge signers at this time instead of the one that the file itself names. */
  readonly atMs: number | undefined;
};

export type Shown = { readonly what: string; readonly json: Record<string, unknown>; readonly text?: string };

/** What the bytes claim to be. A Signed and a Proof begin with a text that says so; a wrapper begins with a nested message. */
export function formOf(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 66));
  if (head[0] !== 0x0a) return 'wrapper';
  const text = head.subarray(2, 2 + (head[1] ?? 0)).toString('latin1');
  if (text.startsWith('lienthong-proof/')) return 'proof';
  return text.startsWith('lienthong/') ? text : 'wrapper';
}

const isPart = (form: string) => form === 'lienthong/directory/1' || form === 'lienthong/directory/2';

/** A DirectoryAnswer (as a node caches and GET /v1/directory answers), or one Signed part. */
export function directoryParts(bytes: Uint8Array): readonly Uint8Array[] {
  return isPart(formOf(bytes)) ? [bytes] : directoryAnswerCodec.decode(bytes).parts;
}

/** Throws the code of what does not hold. */
export async function show(bytes: Uint8Array, sources: ShowSources): Promise<Shown> {
  const form = formOf(bytes);
  if (form === 'proof') {
    const { facts, directory } = verifyProof(bytes, sources.rootDer);
    return { what: 'proof', json: proofJson(facts, directory), text: proofText(facts, directory) };
  }
  const own = isPart(form) ? [bytes] : [];
  const evidence = createEvidence({
    rootDer: sources.rootDer,
    certificates: sources.certificates,
    directory: [...sources.directory.flatMap(directoryParts), ...own],
    directoryRequired: false,
  });
  const shown = await showWith(form, bytes, { evidence, atMs: sources.atMs });
  return { ...shown, json: { ...shown.json, good: true, keysNamedByDirectory: evidence.unnamed.size === 0 } };
}

type Under = { readonly evidence: Evidence; readonly atMs: number | undefined };

async function showWith(form: string, bytes: Uint8Array, under: Under): Promise<Shown> {
  const { evidence } = under;
  switch (form) {
    case 'wrapper':
      return await showWrapper(bytes, under);
    case 'lienthong/header/1': {
      const signed = signedCodec.decode(bytes);
      const header = headerCodec.decode(signed.bytes);
      const signer = judged(signed, under, header.createdMs);
      assertHeader(header);
      if (signer.kind !== 'unit' || signer.id !== header.sender)
        throw new ExchangeError('signer-not-sender', `sealed by ${signer.id}`);
      return { what: 'header', json: headerJson(header, signed, evidence.directory) };
    }
    case 'lienthong/receipt/1':
    case 'lienthong/notice/1': {
      const { statement } = openStatementSync(bytes, (keyId, atMs) =>
        evidence.signers(keyId, under.atMs ?? atMs),
      );
      return {
        what: form === 'lienthong/receipt/1' ? 'receipt' : 'notice',
        json: statementJson(statement),
      };
    }
    case 'lienthong/hop/1': {
      const signed = signedCodec.decode(bytes);
      const hop = hopCodec.decode(signed.bytes);
      assertHub(judged(signed, under, hop.atMs), hop.hub);
      return {
        what: 'hop',
        json: { hub: hop.hub, atMs: hop.atMs, envelopeDigest: hex(hop.envelopeDigest) },
      };
    }
    case 'lienthong/epoch/1': {
      const signed = signedStatementCodec.decode(bytes);
      const epoch = epochCodec.decode(signed.bytes);
      assertHub(judged(signed, under, epoch.startedMs), epoch.hub);
      return { what: 'epoch', json: epochJson(epoch) };
    }
    case 'lienthong/directory/1':
    case 'lienthong/directory/2':
      return { what: 'directory', json: directoryJson(bytes) };
    default:
      throw new ExchangeError('signature-type-mismatch', form.slice(0, 64));
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function judged(signed: Signed, { evidence, atMs }: Under, ownMs: number): ProofSigner {
  if (!signed.signature) throw new ExchangeError('signature-invalid', 'no signature');
  const signer = evidence.signers(signed.signature.keyId, atMs ?? ownMs);
  verifySigned(signed, [signed.type as PayloadType], signer.publicKey);
  return signer;
}

function assertHub(signer: ProofSigner, hub: string): void {
  if (signer.kind !== 'hub' || signer.id !== hub)
    throw new ExchangeError('signature-invalid', `signed by ${signer.id}`);
}

async function showWrapper(bytes: Uint8Array, { evidence, atMs }: Under): Promise<Shown> {
  const wrapper = wrapperCodec.decode(bytes);
  if (!wrapper.envelope) throw new ExchangeError('envelope-malformed', 'no sealed header');
  const ownMs = headerCodec.decode(wrapper.envelope.bytes).createdMs;
  const opened = await openDecoded(wrapper, {
    atMs: atMs ?? ownMs,
    verifier: createVerifier(),
    resolve: (keyId, at) => {
      const { kind, id, publicKey } = evidence.signers(keyId, at);
      if (kind !== 'unit') throw new ExchangeError('signer-not-sender', `sealed by ${id}`);
      return { unit: id, publicKey };
    },
  });
  const hops = wrapper.hops.map((signed) => {
    const hop = hopCodec.decode(signed.bytes);
    assertHub(judged(signed, { evidence, atMs }, hop.atMs), hop.hub);
    if (!opened.digest.equals(hop.envelopeDigest))
      throw new ExchangeError('envelope-malformed', 'a hop of another envelope');
    return { hub: hop.hub, atMs: hop.atMs };
  });
  const metadata = wrapper.metadata ? metadataCodec.decode(wrapper.metadata.block) : null;
  return {
    what: 'wrapper',
    json: {
      ...headerJson(opened.header, opened.signed, evidence.directory),
      leg: wrapper.recipients.map(({ index, unit }) => ({ index, unit })),
      hops,
      metadata,
      inlineParts: wrapper.inlineParts.map(({ index, content }) => ({
        index,
        lengthBytes: content.length,
      })),
    },
  };
}

function headerJson(header: Header, signed: Signed, directory: Directory): Record<string, unknown> {
  return {
    envelopeId: uuidFromBytes(header.envelopeId),
    documentId: uuidFromBytes(header.documentId),
    sha256: hex(envelopeDigest(signed.bytes)),
    kind: kindName(header.kind),
    urgency: urgencyName(header.urgency),
    sender: header.sender,
    senderCode: directory.codeOf(header.sender),
    createdMs: header.createdMs,
    deliverByMs: header.deliverByMs,
    replyByMs: header.replyByMs,
    recipients: header.recipients.map(({ unit, desk, group }) => ({
      unit,
      code: directory.codeOf(unit),
      desk,
      group,
    })),
    parts: header.parts.map(({ length, sha256 }) => ({ lengthBytes: length, sha256: hex(sha256) })),
    links: header.links.map(({ relation, envelopeId, documentId }) => ({
      relation,
      envelopeId: envelopeId.length === 16 ? uuidFromBytes(envelopeId) : null,
      documentId: documentId.length === 16 ? uuidFromBytes(documentId) : null,
    })),
    status: header.status,
  };
}

const epochJson = ({ hub, number, startedMs, commonLedgerSequence }: Epoch): Record<string, unknown> => ({
  hub,
  number,
  startedMs,
  commonLedgerSequence,
});

function directoryJson(bytes: Uint8Array): Record<string, unknown> {
  const { part } = readPart(bytes);
  const directory = createDirectory([part]);
  return {
    hub: part.hub,
    name: part.name,
    version: part.version,
    issuedMs: part.issuedMs,
    expiresMs: part.expiresMs,
    revocationNumber: part.revocationNumber,
    revocations: part.revocations.length,
    units: [...directory.units()].map(({ unit, name, state }) => ({
      unit,
      code: directory.codeOf(unit),
      name,
      state,
    })),
  };
}
