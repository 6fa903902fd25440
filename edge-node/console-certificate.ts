// The console's own certificate from the CA of the hub: the key is made here and stays here, the request is a file, the answer is checked and installed.
// Must never name a certificate in config.json that does not fit key, name and root, nor put the console on the network by itself.
// Beside the document's path; read by console/server.ts at its start, and whenever the two files change.
import fs from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Certificate } from '../certs/certificate.ts';
import {
  buildConsoleRequest,
  internalConsoleName,
  readConsoleRequest,
  verifyConsoleCertificate,
} from '../certs/console-request.ts';
import { loadKeyFile } from '../certs/keys.ts';
import { keepNext, nextKeyOf, takeNext } from '../certs/pair-files.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { renameDurableSync, writeFileDurable } from '../protocol/node/durable.ts';
import { defaultConsolePort, type EdgeConfig, loadEdgeConfig } from './config.ts';
import { consolePair, firstCertificate, loadIdentity } from './identity.ts';

/** What was asked last: the answer is compared with it. */
const requestFile = (dir: string): string => join(dir, 'certs', 'console-request.pem');

/**
 * Makes the next key of the console (mode 0600) unless one waits already, and the request that people carry to the hub (PEM); both durable on return.
 * Without `name` the internal one. Throws `dir-missing`, `key-file-*`, `request-malformed` (not a host name).
 */
export async function requestConsoleCertificate(
  dir: string,
  name?: string,
): Promise<{ readonly pem: string; readonly name: string; readonly node: string; readonly hub: string }> {
  const { hubId: hub, nodeId: node, tlsKey: current } = loadIdentity(dir);
  const asked = { hub, node, name: name ?? internalConsoleName(hub, node) };
  const pem = await buildConsoleRequest({ ...asked, current, key: nextKeyOf(consolePair(dir)) });
  // Read back: a name that the hub would refuse to read is refused here.
  readConsoleRequest(pem);
  writeFileDurable(requestFile(dir), pem, { mode: 0o644 });
  return { ...asked, pem };
}

export type InstalledConsole = {
  readonly name: string;
  readonly serial: string;
  readonly notAfterMs: number;
  readonly address: string;
  readonly port: number;
  /** False: config.json says what it said before, and a node that runs uses the certificate by itself. */
  readonly restart: boolean;
};

/**
 * Checks what the hub has signed and takes it into use: key, certificate, then config.json (`console.name`, `console.tls`, and `address` and `port` where
 * given); durable on return, idempotent, a cut one is completed by the same call. Throws `certificate-*`, `config-invalid`, `key-file-invalid`.
 */
export function installConsoleCertificate(
  dir: string,
  given: {
    readonly pem: string;
    readonly nowMs: number;
    readonly address?: string;
    readonly port?: number;
  },
): InstalledConsole {
  const { anchors } = loadIdentity(dir);
  const pair = consolePair(dir);
  if (!fs.existsSync(requestFile(dir)))
    throw new ExchangeError('key-file-missing', 'run "lienthong node console-request" first');
  const { request } = readConsoleRequest(fs.readFileSync(requestFile(dir), 'utf8'));
  const waits = fs.existsSync(pair.nextKey);
  const { keyId } = loadKeyFile(waits ? pair.nextKey : pair.key);
  const { pem, nowMs } = given;
  const facts = verifyConsoleCertificate({ pem, request, keyId, rootsDer: anchors, nowMs });
  keepNext(pair, pem);
  // Without a key that waits its certificate is the one of the present key: takeNext began before and was cut off, or this is said twice.
  if (waits) takeNext(pair);
  else renameDurableSync(pair.nextCertificate, pair.certificate);
  const named = nameInConfig(dir, request.name, given);
  return { name: request.name, serial: facts.serialHex, notAfterMs: facts.notAfterMs, ...named };
}

/** What a person wrote into config.json stays as it is; only the console's lines change. */
function nameInConfig(
  dir: string,
  name: string,
  { address, port }: { readonly address?: string; readonly port?: number },
): Pick<InstalledConsole, 'address' | 'port' | 'restart'> {
  const path = join(dir, 'config.json');
  // Judged before it is changed; what is written is what was there, not what it means.
  loadEdgeConfig(dir);
  const written = JSON.parse(fs.readFileSync(path, 'utf8')) as Partial<EdgeConfig>;
  const next = {
    ...written.console,
    address: address ?? written.console?.address ?? '127.0.0.1',
    port: port ?? written.console?.port ?? defaultConsolePort,
    name,
    // Relative to the folder of config.json, which may move.
    tls: { certificateFile: 'certs/console.pem', keyFile: 'keys/console.pem' },
  };
  const restart = !isDeepStrictEqual(written.console, next);
  if (restart) writeFileDurable(path, `${JSON.stringify({ ...written, console: next }, null, 2)}\n`);
  return { address: next.address, port: next.port, restart };
}

/** The certificate that the console shows, of ours or an imported one; undefined without TLS, or when it cannot be read (the start says so). */
export function shownCertificate({ console: pages }: EdgeConfig): Certificate | undefined {
  if (!pages?.tls) return undefined;
  try {
    return firstCertificate(fs.readFileSync(pages.tls.certificateFile, 'utf8'));
  } catch {
    return undefined;
  }
}
