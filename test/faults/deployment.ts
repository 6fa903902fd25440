// A deployment in a temp folder for tests: root, one hub with its keys, and enrolled node folders, as enrolment would leave them.
import { createPrivateKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIssuing, createRoot, loadIssuer } from '../../certs/ca.ts';
import { generateKey, keyPem, type OwnKey } from '../../certs/keys.ts';
import { certificatePem } from '../../certs/pem.ts';
import { createStore } from '../../edge-node/store/store.ts';
import { directoryPartCodec, signedDirectoryCodec } from '../../protocol/codec.ts';
import { unitStates } from '../../protocol/directory.ts';
import { newHubId, newNodeId, newUnitId } from '../../protocol/ids.ts';
import { type SigningKey, signOne } from '../../protocol/signature.ts';
import type { DirectoryUnit } from '../../protocol/wire.ts';

export type HubKey = { readonly key: SigningKey; readonly own: OwnKey; readonly der: Uint8Array };
export type TestUnit = {
  readonly unit: string;
  readonly code: string;
  readonly name: string;
  readonly sealDer: Uint8Array;
  readonly key: SigningKey;
};
export type TestNode = { readonly nodeId: string; readonly dir: string; readonly units: readonly TestUnit[] };
export type Deployment = Awaited<ReturnType<typeof createDeployment>>;

export const signingKey = (own: OwnKey): SigningKey => ({
  keyId: Buffer.from(own.keyId, 'hex'),
  privateKey: createPrivateKey(keyPem(own)),
});

let serial = 0;
const fresh = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  bytes[0] = serial++;
  return bytes;
};

export async function createDeployment(nowMs = Date.now()) {
  const dir = mkdtempSync(join(tmpdir(), 'lt-edge-'));
  const hubId = newHubId(fresh());
  await createRoot(join(dir, 'root'), { name: 'Test root', nowMs });
  const hubDir = join(dir, 'ca');
  await createIssuing(join(dir, 'root'), hubDir, { hubId, hosts: ['localhost'], ips: ['127.0.0.1'], nowMs });
  const issuer = loadIssuer(hubDir, { nowMs });
  const hubKey = async (role: 'hub-tls' | 'hub-receipts' | 'hub-directory'): Promise<HubKey> => {
    const own = generateKey();
    const hosts = role === 'hub-tls' ? { hosts: ['localhost'], ips: ['127.0.0.1'] } : {};
    const facts = await issuer.issue({
      role,
      subjectId: hubId,
      key: { publicKeyDer: own.publicKeyDer },
      nowMs,
      ...hosts,
    });
    return { key: signingKey(own), own, der: facts.der };
  };
  const keys = {
    tls: await hubKey('hub-tls'),
    receipts: await hubKey('hub-receipts'),
    directory: await hubKey('hub-directory'),
  };
  const units: DirectoryUnit[] = [];
  let version = 0;
  let nodes = 0;

  return {
    dir,
    hubId,
    issuer,
    keys,
    tlsPem: {
      key: keyPem(keys.tls.own),
      cert: certificatePem(keys.tls.der) + certificatePem(issuer.certificateDer),
      ca: certificatePem(issuer.rootDer),
    },
    /** Signed directory part with all units so far; a new version each time something was added. */
    directoryPart(): { stamp: string; bytes: Uint8Array } {
      const bytes = directoryPartCodec.encode({
        hub: hubId,
        version,
        issuedMs: nowMs,
        expiresMs: nowMs + 30 * 86_400_000,
        units,
        hubCertificates: [keys.receipts.der, keys.directory.der],
        issuingCertificate: issuer.certificateDer,
        name: 'Trung tâm huyện',
      });
      return {
        stamp: `${hubId}.${version}`,
        bytes: signedDirectoryCodec.encode(signOne('lienthong/directory/1', bytes, keys.directory.key)),
      };
    },
    async addNode(given: readonly { code: string; name: string }[], exchangeUrl: string): Promise<TestNode> {
      nodes += 1;
      const nodeId = newNodeId(fresh());
      const nodeDir = join(dir, `node-${nodes}`);
      for (const sub of ['keys', 'certs']) mkdirSync(join(nodeDir, sub), { recursive: true });
      const write = (path: string, text: string) => writeFileSync(join(nodeDir, path), text, { mode: 0o600 });
      const tls = generateKey();
      const tlsFacts = await issuer.issue({
        role: 'node-tls',
        subjectId: nodeId,
        key: { publicKeyDer: tls.publicKeyDer },
        nowMs,
      });
      write('keys/node.pem', keyPem(tls));
      write('certs/node.pem', certificatePem(tlsFacts.der) + certificatePem(issuer.certificateDer));
      write('certs/root.pem', certificatePem(issuer.rootDer));
      write('config.json', '{}');
      const made: TestUnit[] = [];
      for (const { code, name } of given) {
        const unit = newUnitId(fresh());
        const seal = generateKey();
        const sealFacts = await issuer.issue({
          role: 'unit-seal',
          subjectId: unit,
          key: { publicKeyDer: seal.publicKeyDer },
          nowMs,
        });
        write(`keys/seal-${unit}.pem`, keyPem(seal));
        write(`certs/seal-${unit}.pem`, certificatePem(sealFacts.der));
        units.push({
          unit,
          aliases: [{ code, fromMs: 0, untilMs: 0 }],
          name,
          state: unitStates.active,
          sealCertificates: [sealFacts.der],
          successors: [],
          documentBytesMax: 0,
          node: nodeId,
          parent: '',
        });
        made.push({ unit, code, name, sealDer: sealFacts.der, key: signingKey(seal) });
      }
      version += 1;
      write(
        'identity.json',
        JSON.stringify({
          hubId,
          nodeId,
          exchangeUrl,
          enrolUrl: exchangeUrl,
          units: made.map(({ unit, code, name }) => ({ unitId: unit, code, name, confirmed: true })),
        }),
      );
      createStore(nodeDir);
      return { nodeId, dir: nodeDir, units: made };
    },
    nodeOf: (unit: string): string => units.find((each) => each.unit === unit)?.node ?? '',
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}
