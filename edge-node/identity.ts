// Who this node is, read from --dir: identity.json, the TLS key and certificate, and each unit's seal key and certificate, all written by
// enrolment and renewal. It must never write them but to complete a renewal that was cut off, and never hand a key to anything but the TLS client and the signer.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Certificate, parseCertificate } from '../certs/certificate.ts';
import { keyPem, loadHeldKey, loadKeyFile, signerText, signingKeyOf } from '../certs/keys.ts';
import { refuseNoHub } from '../certs/listen.ts';
import { completePair, type PairFiles, pairFiles } from '../certs/pair-files.ts';
import { certificateDer } from '../certs/pem.ts';
import { type Roots, readRoots, rootsPem } from '../certs/roots.ts';
import type { RootAnchor } from '../certs/trust.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { parseHubId, parseNodeId, parseUnitId } from '../protocol/ids.ts';
import type { ClientTls } from '../protocol/node/http-client.ts';
import type { SigningKey } from '../protocol/signature.ts';
import type { UnitKey } from './store/types.ts';

export type UnitIdentity = {
  readonly unit: string;
  readonly code: string;
  readonly name: string;
  readonly confirmed: boolean;
  readonly key: SigningKey;
  /** What the writer thread signs with (signerOf of certs/keys.ts). */
  readonly signer: string;
  readonly certificate: Certificate;
};
export type Identity = {
  readonly hubId: string;
  readonly nodeId: string;
  readonly exchangeUrl: string;
  /** Of the enrolment listener: time and hand-overs of roots, when no connection succeeds. Empty on a node of an earlier version. */
  readonly enrolUrl: string;
  /** The newest root believed. */
  readonly rootDer: Uint8Array;
  readonly roots: Roots;
  /** Every root believed, as certs/trust.ts takes them. */
  readonly anchors: readonly RootAnchor[];
  readonly tls: ClientTls;
  readonly tlsCertificate: Certificate;
  readonly tlsKey: SigningKey;
  readonly units: readonly UnitIdentity[];
};

type IdentityFile = {
  readonly hubId: string;
  readonly nodeId: string;
  readonly exchangeUrl: string;
  readonly enrolUrl?: string;
  readonly units: readonly {
    readonly unitId: string;
    readonly code: string;
    readonly name: string;
    readonly confirmed: boolean;
  }[];
};

/** Where the pair of the connection lies, and that of a unit's seal, with what follows them at a renewal. */
export const nodePair = (dir: string): PairFiles => pairFiles(join(dir, 'keys'), join(dir, 'certs'), 'node');
/** Of the console, where the hub's CA has certified it (console-certificate.ts). */
export const consolePair = (dir: string): PairFiles =>
  pairFiles(join(dir, 'keys'), join(dir, 'certs'), 'console');
export const sealPair = (dir: string, unit: string): PairFiles =>
  pairFiles(join(dir, 'keys'), join(dir, 'certs'), `seal-${unit}`);

/** A renewal that was cut off is completed first. Throws `dir-missing` (not enrolled), `key-file-*`, `certificate-malformed`, `config-invalid`. */
export function loadIdentity(dir: string): Identity {
  const file = readIdentityFile(join(dir, 'identity.json'));
  const certs = join(dir, 'certs');
  completePair(nodePair(dir));
  completePair(consolePair(dir));
  const roots = readRoots(certs, certificateDer(read(join(certs, 'root.pem'))));
  const nodePem = read(join(certs, 'node.pem'));
  const nodeKey = loadKeyFile(join(dir, 'keys', 'node.pem'));
  const tlsCertificate = firstCertificate(nodePem);
  // TLS would throw in the middle of a connection.
  if (tlsCertificate.keyId !== nodeKey.keyId)
    throw new ExchangeError('key-file-invalid', 'keys/node.pem is not the key of certs/node.pem');
  return {
    hubId: parseHubId(file.hubId),
    nodeId: parseNodeId(file.nodeId),
    exchangeUrl: file.exchangeUrl,
    enrolUrl: file.enrolUrl ?? '',
    rootDer: roots.newestDer,
    roots,
    anchors: roots.anchors,
    // A root that has handed over and ended is left out only by its own end: TLS judges it by the clock too.
    tls: {
      ca: rootsPem(roots.anchors.map((anchor) => (anchor instanceof Uint8Array ? anchor : anchor.der))),
      cert: nodePem,
      key: keyPem(nodeKey),
      refuseServer: refuseNoHub,
    },
    tlsCertificate,
    tlsKey: signingKeyOf(nodeKey),
    units: file.units.map((unit) => loadUnit(dir, unit)),
  };
}

function readIdentityFile(path: string): IdentityFile {
  if (!existsSync(path))
    throw new ExchangeError('dir-missing', `${path}: run "lienthong node init --invitation …" first`);
  try {
    return JSON.parse(read(path)) as IdentityFile;
  } catch (cause) {
    throw new ExchangeError('config-invalid', `${path} is not JSON`, { cause });
  }
}

function loadUnit(dir: string, given: IdentityFile['units'][number]): UnitIdentity {
  const unit = parseUnitId(given.unitId);
  completePair(sealPair(dir, unit));
  const own = loadHeldKey(join(dir, 'keys', `seal-${unit}.pem`));
  const certificate = firstCertificate(read(join(dir, 'certs', `seal-${unit}.pem`)));
  if (certificate.keyId !== own.keyId)
    throw new ExchangeError('key-file-invalid', `keys/seal-${unit}.pem is not the key of its certificate`);
  const { code, name, confirmed } = given;
  return {
    unit,
    code,
    name,
    confirmed,
    key: { keyId: Buffer.from(own.keyId, 'hex'), privateKey: own.privateKey },
    signer: signerText(own),
    certificate,
  };
}

/** For the writer thread, which signs receipts. */
export const unitKeys = (identity: Identity): UnitKey[] =>
  identity.units.map(({ unit, key, signer }) => ({ unit, keyId: key.keyId, signer }));

/** The first certificate of a PEM text: the holder's own, before those above it. */
export function firstCertificate(pem: string): Certificate {
  const end = '-----END CERTIFICATE-----';
  return parseCertificate(certificateDer(`${pem.slice(0, pem.indexOf(end) + end.length)}\n`));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ExchangeError('dir-missing', `${path} cannot be read`, { cause });
  }
}
