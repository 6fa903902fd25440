// The server certificate of a node's console, for the browsers of an office: what the node asks for, signed by its connection key, and what it
// checks before it uses the answer. PROTOCOL.md 12.6. The request travels as a file in people's hands; nothing on the net takes it.
// It must never let a name stand in a certificate that the node's own signature does not cover. Beside the document's path. Pure.
import { signedCodec } from '../protocol/codec.ts';
import { ExchangeError, isExchangeError } from '../protocol/errors.ts';
import { parseHubId, parseNodeId } from '../protocol/ids.ts';
import { type SigningKey, signOne } from '../protocol/signature.ts';
import type { Signed } from '../protocol/wire.ts';
import { isOuterHost } from './ca.ts';
import { parseCertificate } from './certificate.ts';
import type { HeldKey } from './keys.ts';
import { derToPem, pemBlocks } from './pem.ts';
import { internalName } from './profile.ts';
import { type CertificateFacts, type RootAnchor, verifyCertificate } from './trust.ts';
import { buildCsr } from './x509.ts';

const LABEL = 'LIENTHONG CONSOLE REQUEST';
const TYPE = 'lienthong/console/1';
/** One has about 1,200 bytes. */
const REQUEST_BYTES_MAX = 16 * 1024;

export type ConsoleRequest = {
  readonly hub: string;
  readonly node: string;
  /** As browsers call it: a host name of the outer world, or the console's internal name. */
  readonly name: string;
  /** PEM; proves possession of the console's key, no more. */
  readonly csr: string;
};

/** The name that needs nobody's leave beyond the hub's own name space; the office's DNS must know it. */
export const internalConsoleName = (hub: string, node: string): string =>
  internalName('node-console', hub, node);

/** The file that is carried to the hub (PEM). `current`: the connection key, whose certificate the hub knows. */
export async function buildConsoleRequest(draft: {
  readonly hub: string;
  readonly node: string;
  readonly name: string;
  readonly current: SigningKey;
  readonly key: HeldKey;
}): Promise<string> {
  const { hub, node, name, current, key } = draft;
  const request: ConsoleRequest = { hub, node, name, csr: await buildCsr(key.privateKey) };
  const signed = signOne(TYPE, Buffer.from(JSON.stringify(request)), current);
  return derToPem(LABEL, signedCodec.encode(signed));
}

export type ReadConsoleRequest = { readonly signed: Signed; readonly request: ConsoleRequest };

/**
 * Reads one without believing it: the caller looks the signing key up and verifies the signature over `signed`. Throws `request-malformed`
 * for anything that `buildConsoleRequest` would not have written.
 */
export function readConsoleRequest(text: string): ReadConsoleRequest {
  if (text.length > REQUEST_BYTES_MAX || !text.includes(`BEGIN ${LABEL}`))
    throw new ExchangeError('request-malformed', `no ${LABEL} in the file`);
  try {
    const [bytes] = pemBlocks(LABEL, text);
    const signed = signedCodec.decode(bytes!);
    const { hub, node, name, csr } = JSON.parse(Buffer.from(signed.bytes).toString()) as ConsoleRequest;
    const request = { hub: parseHubId(hub), node: parseNodeId(node), name, csr };
    const named = typeof name === 'string' && (isOuterHost(name) || name === internalConsoleName(hub, node));
    if (signed.type === TYPE && named && typeof csr === 'string') return { signed, request };
  } catch (cause) {
    if (!isExchangeError(cause) && !(cause instanceof SyntaxError) && !(cause instanceof TypeError))
      throw cause;
  }
  throw new ExchangeError('request-malformed', `the ${LABEL} is damaged or of another version`);
}

/** Beside its internal name: what `issue` takes. */
export const hostsOf = ({ hub, node, name }: ConsoleRequest): readonly string[] =>
  name === internalConsoleName(hub, node) ? [] : [name];

/**
 * Node's side, before anything of the answer is kept: path, role, hub, node, the name that was asked for and the key that was made. `pem`: the leaf and
 * the CAs above it. Throws `certificate-*`, `config-invalid` (for another node, hub or name), `key-file-invalid` (for another key).
 */
export function verifyConsoleCertificate(question: {
  readonly pem: string;
  readonly request: ConsoleRequest;
  readonly keyId: string;
  readonly rootsDer: readonly RootAnchor[];
  readonly nowMs: number;
}): CertificateFacts {
  const { pem, request, keyId, rootsDer, nowMs: atMs } = question;
  const [leafDer, ...intermediatesDer] = pemBlocks('CERTIFICATE', pem);
  if (!leafDer) throw new ExchangeError('certificate-malformed', 'no certificate in the file');
  const facts = verifyCertificate({ leafDer, intermediatesDer, rootsDer, atMs, role: 'node-console' });
  if (facts.hubId !== request.hub || facts.subjectId !== request.node)
    throw new ExchangeError('config-invalid', `it is for ${facts.subjectId} of ${facts.hubId}`);
  if (facts.keyId !== keyId)
    throw new ExchangeError('key-file-invalid', 'signed for a request that was not made here');
  const names = parseCertificate(leafDer).subjectAltName;
  if (!names.some((each) => each.kind === 'dns' && each.name === request.name))
    throw new ExchangeError('config-invalid', `it is not for the name ${request.name}`);
  return facts;
}
