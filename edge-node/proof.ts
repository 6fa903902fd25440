// One file that proves what became of an envelope: sealed header, statements, the certificates and directory parts needed to check them
// offline, and the metadata only if the caller wants it shown. Gathers; verifying is certs/verify-proof.ts.
import { issuingOf } from '../certs/signers.ts';
import { signedCodec, signedStatementCodec, wrapperCodec } from '../protocol/codec.ts';
import type { Directory } from '../protocol/directory.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { parseDocumentId, uuidToBytes } from '../protocol/ids.ts';
import { encodeProof } from '../protocol/proof.ts';
import type { EdgeContext } from './context.ts';
import type { Found } from './views.ts';

/** Of a document that went out in several sendings: of the one whose envelope `id` names, else of the newest. */
export function buildProof(
  found: Found,
  { id, withMetadata }: { readonly id: string; readonly withMetadata: boolean },
  context: EdgeContext,
): Uint8Array {
  const { store } = context;
  const { envelopeId, signed, receipt, hops } = sealedOf(found, id, context);
  const known = store.statementsOf(envelopeId).map(({ bytes }) => bytes);
  // An arrival keeps the hub's receipt with its row; a sender keeps it among the statements.
  const statements = receipt ? [receipt, ...known] : known;
  const directory = context.directory.current();
  const keyIds = [
    signedCodec.decode(signed),
    ...statements.map((bytes) => signedStatementCodec.decode(bytes)),
  ]
    .map(({ signature }) => signature?.keyId)
    .filter((keyId) => keyId !== undefined);
  const { hubs, units, certificates } = evidenceFor(keyIds, directory);
  const { salt, metadata } = found.row;
  return encodeProof({
    envelope: signed,
    metadata: withMetadata && salt && metadata ? { salt, block: metadata } : null,
    statements,
    certificates,
    directory: store.directoryPartsOf([...hubs], [...units]),
    hops: hops && hops.length > 0 ? wrapperCodec.decode(hops).hops.map((hop) => signedCodec.encode(hop)) : [],
  });
}

function sealedOf({ direction, row }: Found, id: string, { store }: EdgeContext) {
  if (direction === 'in')
    return { envelopeId: row.envelope_id, signed: row.signed, receipt: row.receipt, hops: row.hops };
  const sealed = store.envelopesOf(row.seq).filter(({ signed }) => signed !== null);
  const named = uuidToBytes(parseDocumentId(id));
  const newest =
    sealed.find(({ envelope_id }) => envelope_id && Buffer.compare(envelope_id, named) === 0) ?? sealed[0];
  if (!newest?.signed || !newest.envelope_id)
    throw new ExchangeError('document-state-refused', 'it has not been sealed yet');
  return { envelopeId: newest.envelope_id, signed: newest.signed, receipt: undefined, hops: undefined };
}

/** The signers' own certificates and the CAs above them; the root is the reader's. */
function evidenceFor(keyIds: readonly Uint8Array[], directory: Directory) {
  const hubs = new Set<string>();
  const units = new Set<string>();
  const certificates = new Map<string, Uint8Array>();
  const add = (der: Uint8Array) => certificates.set(Buffer.from(der).toString('base64'), der);
  for (const keyId of keyIds) {
    const named = directory.key(keyId);
    if (!named) continue;
    add(named.certificateDer);
    if (named.kind === 'unit') units.add(named.id);
    const part = directory.hub(named.hub);
    if (part) {
      hubs.add(part.hub);
      for (const der of issuingOf(part)) add(der);
    }
  }
  return { hubs, units, certificates: [...certificates.values()] };
}
