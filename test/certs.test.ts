// The CA, the profiles, enrolment and the one judgement of identity, with real files, real TLS and OpenSSL as second opinion.
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import Ajv from 'ajv';
import t from 'tap';
import { createIssuing, createRoot, type Issuer, loadIssuer } from '../certs/ca.ts';
import { parseCertificate } from '../certs/certificate.ts';
import * as enrol from '../certs/enrol.ts';
import * as extensions from '../certs/extensions.ts';
import {
  formatInvitation,
  hashSecret,
  parseInvitation,
  rootFingerprint,
  secretText,
} from '../certs/invitation.ts';
import { createKeyFile, generateKey, keyPem, loadKeyFile, type OwnKey } from '../certs/keys.ts';
import * as listen from '../certs/listen.ts';
import { findPath } from '../certs/path.ts';
import { certificatePem, derToPem } from '../certs/pem.ts';
import {
  internalName,
  type LeafRole,
  leafProfiles,
  leafRoles,
  renewalDueMs,
  subjectOfName,
} from '../certs/profile.ts';
import * as trust from '../certs/trust.ts';
import { wordList, wordsOfKeys } from '../certs/words.ts';
import { buildCertificate, buildCsr, publicKeyOfCsr } from '../certs/x509.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { type HubId, newHubId, newNodeId, newUnitId } from '../protocol/ids.ts';
import { sharedData } from './support/shared-data.ts';

const DAY_MS = 86_400_000;
const nowMs = Date.now();
/** Long ago, so that certificates issued then have expired by now under CAs that have not. */
const foundedMs = nowMs - 800 * DAY_MS;
const hubId = newHubId(randomBytes(10));
const otherHubId = newHubId(randomBytes(10));
const nodeId = newNodeId(randomBytes(10));
const unitId = newUnitId(randomBytes(10));
const dir = t.testdir();
const hosts = ['localhost', 'hub.example.vn'];
const ips = ['127.0.0.1', '::1'];

async function makeHub(rootDir: string, name: string, id: HubId): Promise<{ issuer: Issuer; key: OwnKey }> {
  const folder = join(dir, name);
  await createIssuing(rootDir, folder, { hubId: id, hosts, ips, nowMs: foundedMs });
  return { issuer: loadIssuer(folder, { nowMs }), key: loadKeyFile(join(folder, 'issuing.key')) };
}
const rootDir = join(dir, 'root');
const root = await createRoot(rootDir, { name: 'Gốc liên thông', nowMs: foundedMs });
const hub = await makeHub(rootDir, 'hub', hubId);
const otherHub = await makeHub(rootDir, 'hub-b', otherHubId);
const twinRootDir = join(dir, 'twin');
const twinRoot = await createRoot(twinRootDir, { name: 'Gốc liên thông', nowMs: foundedMs });
const twinHub = await makeHub(twinRootDir, 'twin-hub', hubId);

const subjects = { hub: hubId, node: nodeId, unit: unitId };
const subjectOf = (role: LeafRole): string => subjects[leafProfiles[role].subject];

async function issue(role: LeafRole, atMs = nowMs, by = hub.issuer) {
  const key = generateKey();
  const server = role === 'hub-tls' ? { hosts, ips } : {};
  const subjectId = leafProfiles[role].subject === 'hub' ? by.hubId : subjectOf(role);
  const facts = await by.issue({
    role,
    subjectId,
    key: { publicKeyDer: key.publicKeyDer },
    nowMs: atMs,
    ...server,
  });
  return { key, facts };
}

/** A certificate such as an attacker who holds an issuing key would make: every field is free. */
async function forge(options: {
  by: { certificateDer: Uint8Array; key: OwnKey };
  usage?: string;
  names: readonly string[];
  ips?: readonly string[];
  ca?: boolean;
  keyUsage?: 'digitalSignature' | 'keyCertSign';
  extra?: readonly extensions.ExtensionSpec[];
}) {
  const key = generateKey();
  const issuer = parseCertificate(options.by.certificateDer);
  const der = await buildCertificate({
    serialHex: '4000000000000001',
    subject: { commonName: 'forged', role: 'forged' },
    issuerDer: issuer.der,
    notBeforeMs: nowMs - DAY_MS,
    notAfterMs: nowMs + DAY_MS,
    publicKeyDer: key.publicKeyDer,
    signingKey: options.by.key.privateKey,
    extensions: [
      extensions.basicConstraints(options.ca ?? false),
      extensions.keyUsage([options.keyUsage ?? 'digitalSignature']),
      ...(options.usage ? [extensions.extendedKeyUsage(options.usage)] : []),
      extensions.subjectAltName(options.names, options.ips ?? []),
      extensions.subjectKeyIdentifier(key.publicKeyDer),
      extensions.authorityKeyIdentifier(issuer.publicKeyDer),
      ...(options.extra ?? []),
    ],
  });
  return { key, der };
}
const byHub = { certificateDer: hub.issuer.certificateDer, key: hub.key };

function verify(
  leafDer: Uint8Array,
  role: trust.CertificateQuestion['role'],
  change: Partial<trust.CertificateQuestion> = {},
) {
  return trust.verifyCertificate({
    leafDer,
    intermediatesDer: [hub.issuer.certificateDer],
    rootsDer: [root.certificateDer],
    atMs: nowMs,
    role,
    ...change,
  });
}

/** The code of the failure, or 'fine'. Anything but an ExchangeError is thrown on. */
function codeOf(run: () => unknown): string {
  try {
    run();
    return 'fine';
  } catch (error) {
    if (error instanceof ExchangeError) return error.code;
    throw error;
  }
}
const codeOfAsync = (run: () => Promise<unknown>): Promise<string> =>
  run().then(
    () => 'fine',
    (error: unknown) =>
      codeOf(() => {
        throw error;
      }),
  );

t.test('every profile does its own work and nobody else’s', async (t) => {
  for (const role of leafRoles) {
    const { facts, key } = await issue(role);
    t.match(verify(facts.der, role), { role, hubId, subjectId: subjectOf(role), keyId: key.keyId });
    t.match(facts.serialHex, /^[4-7][0-9a-f]{31}$/, 'a positive serial of 128 bits');
    for (const other of [...leafRoles, 'issuing'] as const)
      if (other !== role)
        t.equal(
          codeOf(() => verify(facts.der, other)),
          'certificate-wrong-usage',
          `${role} as ${other}`,
        );
    t.ok(renewalDueMs(facts) < facts.notAfterMs && renewalDueMs(facts) > nowMs);
  }
  const ca = verify(hub.issuer.certificateDer, 'issuing');
  t.match(ca, { role: 'issuing', hubId, subjectId: hubId });
  for (const role of leafRoles)
    t.equal(
      codeOf(() => verify(hub.issuer.certificateDer, role)),
      'certificate-wrong-usage',
    );
  t.equal(
    codeOf(() => verify(root.certificateDer, 'issuing')),
    'certificate-unknown-issuer',
    'the root is no leaf',
  );
});

t.test('usage of one role with the name of another is refused, for every pair', async (t) => {
  for (const named of leafRoles)
    for (const used of leafRoles) {
      const { der } = await forge({
        by: byHub,
        usage: leafProfiles[used].usageOid,
        names: [internalName(named, hubId, subjectOf(named))],
      });
      const fits = leafProfiles[used].usageOid === leafProfiles[named].usageOid;
      t.equal(
        codeOf(() => verify(der, used)),
        fits && named === used ? 'fine' : 'certificate-wrong-usage',
      );
      t.equal(
        codeOf(() => verify(der, named)),
        fits ? 'fine' : 'certificate-wrong-usage',
      );
    }
});

t.test('time is judged for the whole path', async (t) => {
  const { facts } = await issue('node-tls');
  t.equal(
    codeOf(() => verify(facts.der, 'node-tls', { atMs: facts.notAfterMs + 1000 })),
    'certificate-expired',
  );
  t.equal(
    codeOf(() => verify(facts.der, 'node-tls', { atMs: facts.notAfterMs })),
    'fine',
  );
  t.equal(
    codeOf(() => verify(facts.der, 'node-tls', { atMs: facts.notBeforeMs - 1 })),
    'certificate-not-yet-valid',
  );
  t.equal(
    codeOf(() => verify(facts.der, 'node-tls', { atMs: nowMs - 4 * 60_000 })),
    'fine',
    'a clock 4 min behind',
  );
  const ca = parseCertificate(hub.issuer.certificateDer);
  const late = await hub.issuer.issue({
    role: 'unit-seal',
    subjectId: unitId,
    key: { publicKeyDer: generateKey().publicKeyDer },
    nowMs: ca.notAfterMs - DAY_MS,
  });
  t.equal(late.notAfterMs, ca.notAfterMs, 'no certificate outlives its CA');
  t.equal(await codeOfAsync(() => issue('node-tls', ca.notAfterMs + DAY_MS)), 'certificate-expired');
});

t.test('other roots, other hubs and leaves that play CA are refused', async (t) => {
  const twin = await issue('node-tls', nowMs, twinHub.issuer);
  const unknown = 'certificate-unknown-issuer';
  t.equal(
    codeOf(() => verify(twin.facts.der, 'node-tls')),
    unknown,
    'same names, other keys',
  );
  t.equal(
    codeOf(() =>
      verify(twin.facts.der, 'node-tls', {
        intermediatesDer: [twinHub.issuer.certificateDer, twinRoot.certificateDer],
      }),
    ),
    unknown,
    'a root that the stranger brings along',
  );
  const mine = await issue('node-tls');
  t.equal(
    codeOf(() => verify(mine.facts.der, 'node-tls', { intermediatesDer: [] })),
    unknown,
    'without the CA',
  );
  t.equal(
    codeOf(() => verify(mine.facts.der, 'node-tls', { rootsDer: [] })),
    unknown,
    'without a root',
  );
  const foreign = await forge({
    by: byHub,
    usage: leafProfiles['node-tls'].usageOid,
    names: [internalName('node-tls', otherHubId, nodeId)],
  });
  t.equal(
    codeOf(() => verify(foreign.der, 'node-tls')),
    'certificate-wrong-usage',
    'a name of another hub',
  );
  const leafAsCa = await forge({
    by: { certificateDer: mine.facts.der, key: mine.key },
    usage: leafProfiles['node-tls'].usageOid,
    names: [internalName('node-tls', hubId, nodeId)],
  });
  const withLeaf = { intermediatesDer: [mine.facts.der, hub.issuer.certificateDer] };
  t.not(
    codeOf(() => verify(leafAsCa.der, 'node-tls', withLeaf)),
    'fine',
  );
  const subCa = await forge({
    by: byHub,
    names: [`x.${hubId}.lienthong.internal`],
    ca: true,
    keyUsage: 'keyCertSign',
  });
  const below = await forge({
    by: { certificateDer: subCa.der, key: subCa.key },
    usage: leafProfiles['node-tls'].usageOid,
    names: [internalName('node-tls', hubId, nodeId)],
  });
  const withSub = { intermediatesDer: [subCa.der, hub.issuer.certificateDer] };
  t.equal(
    codeOf(() => verify(below.der, 'node-tls', withSub)),
    'certificate-wrong-usage',
    'path length 0',
  );
});

t.test('names are exact: none added, none disguised', async (t) => {
  const usage = leafProfiles['node-tls'].usageOid;
  const good = internalName('node-tls', hubId, nodeId);
  const refused = async (names: string[], more: { ips?: string[] } = {}) => {
    const { der } = await forge({ by: byHub, usage, names, ...more });
    return codeOf(() => verify(der, 'node-tls'));
  };
  t.equal(await refused([good]), 'fine');
  for (const names of [
    [good, internalName('hub-link', hubId, hubId)],
    [good, 'localhost'],
    [good.toUpperCase()],
    [`${good}.`],
    [`x.${good}`],
    [`*.node.${hubId}.lienthong.internal`],
    [`${unitId}.node.${hubId}.lienthong.internal`],
    [hubId],
    [],
  ])
    t.not(await refused(names), 'fine', names.join(' '));
  t.not(await refused([good], { ips: ['127.0.0.1'] }), 'fine');
  const outside = await forge({
    by: byHub,
    usage: leafProfiles['hub-tls'].usageOid,
    names: [internalName('hub-tls', hubId, hubId), 'hub.other.vn'],
  });
  t.equal(
    codeOf(() => verify(outside.der, 'hub-tls')),
    'certificate-wrong-usage',
    'a host of somebody else',
  );
  const console = [internalName('node-console', hubId, nodeId), 'a.hub.example.vn'];
  const serving = { by: byHub, usage: leafProfiles['node-console'].usageOid };
  const [one, two] = await Promise.all([
    forge({ ...serving, names: console }),
    forge({ ...serving, names: [...console, 'b.hub.example.vn'] }),
  ]);
  t.equal(
    codeOf(() => verify(one.der, 'node-console')),
    'fine',
  );
  t.equal(
    codeOf(() => verify(two.der, 'node-console')),
    'certificate-wrong-usage',
    'one outer name',
  );
  t.match(listen.refuseNoHub(one.der), { code: 'certificate-wrong-usage' }, 'it is no hub');
  t.equal(listen.refuseNoHub((await issue('hub-tls')).facts.der), undefined);
  const critical = await forge({
    by: byHub,
    usage,
    names: [good],
    extra: [{ oid: '1.2.3.4', critical: true, value: Buffer.from([5, 0]) }],
  });
  t.equal(
    codeOf(() => verify(critical.der, 'node-tls')),
    'certificate-wrong-usage',
    'an unknown critical extension',
  );
  t.equal(subjectOfName(`hub.${hubId}.lienthong.internal`)?.role, 'hub-tls');
  t.equal(subjectOfName(`${nodeId}.hub.${hubId}.lienthong.internal`), undefined);
});

t.test('the issuing CA is limited, and the root limits it only to sane names', async (t) => {
  const bad = (name: string, more: { hosts?: string[]; ips?: string[] }) =>
    codeOfAsync(() => createIssuing(rootDir, join(dir, name), { hubId, hosts: [], ips: [], nowMs, ...more }));
  t.equal(await bad('x1', { hosts: ['internal'] }), 'config-invalid');
  t.equal(await bad('x2', { hosts: [`hub.${otherHubId}.lienthong.internal`] }), 'config-invalid');
  t.equal(await bad('x3', { hosts: ['*.vn'] }), 'config-invalid');
  t.equal(await bad('x4', { ips: ['10.0.0.0/8'] }), 'config-invalid');
  t.equal(await bad('x5', {}), 'fine');
  const bare = loadIssuer(join(dir, 'x5'), { nowMs });
  const serve = (more: { hosts?: string[]; ips?: string[] }) => {
    const key = { publicKeyDer: generateKey().publicKeyDer };
    return codeOfAsync(() => bare.issue({ role: 'hub-tls', subjectId: hubId, key, nowMs, ...more }));
  };
  t.equal(await serve({}), 'fine');
  t.equal(await serve({ hosts: ['hub.example.vn'] }), 'config-invalid');
  t.equal(
    await serve({ ips: ['10.1.2.3'] }),
    'config-invalid',
    'addresses are excluded, not merely unmentioned',
  );
  t.equal(await serve({ ips: ['fe80::1'] }), 'config-invalid');
  t.equal(await codeOfAsync(() => createRoot(rootDir, { name: 'x', nowMs })), 'dir-exists');
  t.throws(() => loadIssuer(join(dir, 'nowhere'), { nowMs }), { code: 'dir-missing' });
  t.equal(
    await codeOfAsync(() =>
      hub.issuer.issue({
        role: 'hub-link',
        subjectId: otherHubId,
        key: { publicKeyDer: generateKey().publicKeyDer },
        nowMs,
      }),
    ),
    'config-invalid',
    'a hub certifies no other hub',
  );
});

t.test('a request proves a P-256 key and brings nothing else', async (t) => {
  const key = generateKey();
  const csr = await buildCsr(key.privateKey);
  t.same(Buffer.from(await publicKeyOfCsr(csr)), Buffer.from(key.publicKeyDer));
  const facts = await hub.issuer.issue({ role: 'node-tls', subjectId: nodeId, key: { csr }, nowMs });
  t.equal(facts.keyId, key.keyId);
  const raw = Buffer.from(csr.replace(/-----.*-----|\n/g, ''), 'base64');
  const text = (bytes: Buffer) => derToPem('CERTIFICATE REQUEST', bytes);
  const tail = Buffer.from(raw);
  tail[tail.length - 1]! ^= 1;
  const other = generateKey().publicKeyDer;
  const swapped = Buffer.from(raw);
  Buffer.from(other).copy(swapped, raw.indexOf(Buffer.from(key.publicKeyDer)));
  for (const bad of [text(tail), text(swapped), text(raw.subarray(0, 80)), 'hello', ''])
    t.equal(await codeOfAsync(() => publicKeyOfCsr(bad)), 'csr-invalid');
  const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
  const wrongCurve = p384.publicKey.export({ type: 'spki', format: 'der' });
  t.equal(
    await codeOfAsync(() =>
      hub.issuer.issue({ role: 'node-tls', subjectId: nodeId, key: { publicKeyDer: wrongCurve }, nowMs }),
    ),
    'csr-invalid',
  );
});

t.test('malformed certificates are refused and never crash the reader', async (t) => {
  const { facts } = await issue('node-tls');
  const good = Buffer.from(facts.der);
  t.equal(
    codeOf(() => verify(Buffer.concat([good, Buffer.from([0])]), 'node-tls')),
    'certificate-malformed',
  );
  t.equal(
    codeOf(() => verify(Buffer.alloc(0), 'node-tls')),
    'certificate-malformed',
  );
  let survived = 0;
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good);
    bad[at]! ^= 0x41;
    if (codeOf(() => verify(bad, 'node-tls')) === 'fine') survived += 1;
    if (at % 16 === 0 && codeOf(() => verify(good.subarray(0, at), 'node-tls')) === 'fine') survived += 1;
  }
  t.equal(survived, 0, 'no flipped byte and no cut passes');
});

t.test('revocation counts from its time and reaches through the issuing CA', async (t) => {
  const { facts } = await issue('unit-seal');
  const ca = parseCertificate(hub.issuer.certificateDer);
  const revoke =
    (serial: string, issuerKeyId: string, fromMs: number): trust.RevokedFromMs =>
    (c) =>
      c.serialHex === serial && c.issuerKeyId === issuerKeyId ? fromMs : undefined;
  const code = (revoked: trust.RevokedFromMs) => codeOf(() => verify(facts.der, 'unit-seal', { revoked }));
  t.equal(code(revoke(facts.serialHex, ca.keyId, nowMs)), 'certificate-revoked');
  t.equal(code(revoke(facts.serialHex, ca.keyId, nowMs + 1)), 'fine', 'accepted before the compromise');
  t.equal(code(revoke(facts.serialHex, root.keyId, nowMs)), 'fine', 'the same serial of another issuer');
  t.equal(code(revoke(ca.serialHex, root.keyId, nowMs)), 'certificate-revoked', 'the CA is revoked');
});

t.test('signers are checked for key, name, role and time', async (t) => {
  const seal = await issue('unit-seal');
  const receipts = await issue('hub-receipts');
  const verifier: trust.Verifier = { verify: (q) => verify(q.leafDer, q.role, { atMs: q.atMs }) };
  const claim = { certificateDer: seal.facts.der, keyId: seal.key.keyId, atMs: nowMs, unitId };
  const code = (change: Partial<typeof claim>) =>
    codeOf(() => trust.verifySealSigner(verifier, { ...claim, ...change }));
  t.equal(code({}), 'fine');
  t.equal(code({ keyId: receipts.key.keyId }), 'signer-unknown');
  t.equal(code({ unitId: newUnitId(randomBytes(10)) }), 'signer-not-sender');
  t.equal(code({ certificateDer: receipts.facts.der }), 'certificate-wrong-usage');
  t.equal(code({ atMs: nowMs + 3 * 365 * DAY_MS }), 'certificate-expired');
  const hubClaim = { certificateDer: receipts.facts.der, keyId: receipts.key.keyId, atMs: nowMs };
  t.equal(trust.verifyHubSigner(verifier, { ...hubClaim, hubId, role: 'hub-receipts' }).hubId, hubId);
  t.throws(() => trust.verifyHubSigner(verifier, { ...hubClaim, hubId: otherHubId, role: 'hub-receipts' }), {
    code: 'signer-not-sender',
  });
  t.throws(() => trust.verifyHubSigner(verifier, { ...hubClaim, hubId, role: 'hub-checkpoints' }), {
    code: 'certificate-wrong-usage',
  });
});

t.test('a key file is private, durable and never overwritten', async (t) => {
  const path = join(dir, 'some.key');
  const key = createKeyFile(path);
  t.equal(fs.statSync(path).mode & 0o777, 0o600);
  t.equal(loadKeyFile(path).keyId, key.keyId);
  t.throws(() => createKeyFile(path), { code: 'dir-exists' });
  for (const mode of [0o640, 0o604, 0o660, 0o601]) {
    fs.chmodSync(path, mode);
    t.throws(() => loadKeyFile(path), { code: 'key-file-loose' }, mode.toString(8));
  }
  fs.chmodSync(path, 0o400);
  t.equal(loadKeyFile(path).keyId, key.keyId, 'read-only for the owner is fine');
  t.throws(() => loadKeyFile(join(dir, 'none.key')), { code: 'key-file-missing' });
  const write = (name: string, text: string) => {
    fs.writeFileSync(join(dir, name), text, { mode: 0o600 });
    return () => loadKeyFile(join(dir, name));
  };
  const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey;
  t.throws(write('p384.key', p384.export({ type: 'pkcs8', format: 'pem' }).toString()), {
    code: 'key-file-invalid',
  });
  t.throws(write('cut.key', keyPem(key).slice(0, 90)), { code: 'key-file-invalid' });
  t.equal(fs.statSync(join(rootDir, 'root.key')).mode & 0o777, 0o600);
  t.equal(fs.existsSync(join(dir, 'hub', 'root.key')), false, 'a hub’s folder holds no root key');
  fs.renameSync(join(dir, 'twin-hub', 'issuing.key'), join(dir, 'kept.key'));
  fs.copyFileSync(join(dir, 'hub', 'issuing.key'), join(dir, 'twin-hub', 'issuing.key'));
  t.throws(
    () => loadIssuer(join(dir, 'twin-hub'), { nowMs }),
    { code: 'key-file-invalid' },
    'key of another CA',
  );
  fs.renameSync(join(dir, 'kept.key'), join(dir, 'twin-hub', 'issuing.key'));
});

t.test('an invitation survives chat and mail, and damage has its own error', async (t) => {
  const invitation = {
    url: 'https://hub.example.vn:7443/',
    secret: randomBytes(20),
    rootFingerprint: rootFingerprint(root.certificateDer),
  };
  const text = formatInvitation(invitation);
  t.match(text, /^lienthong-[0-9a-z]{130,160}$/);
  const same = (pasted: string) => {
    const got = parseInvitation(pasted);
    return got.url === invitation.url && invitation.secret.equals(got.secret);
  };
  for (const pasted of [
    text,
    ` \n${text}\r\n`,
    `"${text}".`,
    `> ${text.slice(0, 76)}\n> ${text.slice(76)}`,
    text.toUpperCase(),
    text.replace('-', '\u2013'),
    `${text.slice(0, 30)}\u200b${text.slice(30)}`,
  ])
    t.ok(same(pasted), JSON.stringify(pasted));
  let passed = 0;
  for (let cut = 0; cut < text.length; cut++) {
    if (codeOf(() => parseInvitation(text.slice(0, cut))) !== 'invitation-damaged') passed += 1;
    if (cut > 0 && codeOf(() => parseInvitation(text.slice(cut))) !== 'invitation-damaged') passed += 1;
    const letter = text[cut] === 'x' ? 'y' : 'x';
    const changed = text.slice(0, cut) + letter + text.slice(cut + 1);
    if (cut !== 9 && cut < text.length - 1 && codeOf(() => parseInvitation(changed)) !== 'invitation-damaged')
      passed += 1;
  }
  t.equal(passed, 0, 'every cut and every changed letter is noticed');
  t.equal(
    codeOf(() => parseInvitation(text + text)),
    'invitation-damaged',
    'pasted twice',
  );
  t.equal(
    codeOf(() => parseInvitation('x'.repeat(5000))),
    'invitation-damaged',
  );
  t.equal(hashSecret(invitation.secret), hashSecret(secretText(invitation.secret)));
  t.not(hashSecret(invitation.secret), createHash('sha256').update(invitation.secret).digest('hex'));
  for (const url of ['http://hub.example.vn/', 'https://u:p@hub.vn/', 'https://hub.vn/?a=1', 'nonsense'])
    t.throws(() => formatInvitation({ ...invitation, url }), { code: 'config-invalid' });
  t.equal(
    codeOf(() => enrol.checkRootFingerprint(root.certificateDer, invitation)),
    'fine',
  );
  t.equal(
    codeOf(() => enrol.checkRootFingerprint(twinRoot.certificateDer, invitation)),
    'root-fingerprint-mismatch',
  );
});

t.test('six words are the same everywhere and for ever', async (t) => {
  t.equal(new Set(wordList).size, 1024);
  t.ok(wordList.every((word) => /^[a-z]{2,7}$/.test(word)));
  // A changed list makes versions disagree over the telephone: change it only with a new version of the words.
  t.equal(createHash('sha256').update(wordList.join(' ')).digest('hex').slice(0, 16), 'e517906711bea94a');
  const a = Buffer.from('key a');
  const b = Buffer.from('key b');
  t.equal(wordsOfKeys([a, b]), 'xuy-hot-cuc-hoan-tet-cuot');
  t.equal(wordsOfKeys([b, a, b]), wordsOfKeys([a, b]), 'order and repetition do not matter');
  t.not(wordsOfKeys([Buffer.from('key'), Buffer.from(' akey b')]), wordsOfKeys([a, b]));
  t.not(wordsOfKeys([a]), wordsOfKeys([b]));
});

t.test('an enrolment is believed only when root, subjects and keys are the agreed ones', async (t) => {
  const ajv = new Ajv.Ajv({ strict: true });
  const [tlsKey, sealKey] = [generateKey(), generateKey()];
  const invitation = {
    url: 'https://hub/',
    secret: randomBytes(20),
    rootFingerprint: rootFingerprint(root.certificateDer),
  };
  const request = await enrol.buildEnrolRequest({ invitation, tlsKey, sealKey, nodeVersion: '0.1.0' });
  t.ok(ajv.validate(enrol.enrolRequestSchema, request), ajv.errorsText());
  const keys = await enrol.keysOfRequest(request);
  t.equal(
    await codeOfAsync(() => enrol.keysOfRequest({ ...request, sealCsr: request.tlsCsr })),
    'csr-invalid',
  );
  const make = async (role: 'node-tls' | 'unit-seal', publicKeyDer: Uint8Array, by = hub.issuer) =>
    by.issue({ role, subjectId: subjectOf(role), key: { publicKeyDer }, nowMs });
  const tlsFacts = await make('node-tls', keys.tlsPublicKeyDer);
  const sealFacts = await make('unit-seal', keys.sealPublicKeyDer);
  const answer: enrol.EnrolAnswer = {
    ...enrol.certificatesOfAnswer({
      tls: tlsFacts,
      seal: sealFacts,
      issuingDer: hub.issuer.certificateDer,
      rootDer: hub.issuer.rootDer,
    }),
    hubId,
    nodeId,
    unitId,
    unitCode: 'H08.35.12',
    unitName: 'Xã Một',
    exchangeUrl: 'https://localhost:7444/',
    words: keys.words,
    confirmed: false,
  };
  t.ok(ajv.validate(enrol.enrolAnswerSchema, answer), ajv.errorsText());
  const own = { tlsPublicKeyDer: tlsKey.publicKeyDer, sealPublicKeyDer: sealKey.publicKeyDer };
  const code = (change: Partial<enrol.EnrolAnswer>, atMs = nowMs) =>
    codeOf(() =>
      enrol.verifyEnrolAnswer({ answer: { ...answer, ...change }, invitation, ...own, nowMs: atMs }),
    );
  t.equal(code({}), 'fine');
  t.equal(code({ root: certificatePem(twinRoot.certificateDer) }), 'root-fingerprint-mismatch');
  t.equal(code({ chain: [certificatePem(otherHub.issuer.certificateDer)] }), 'certificate-unknown-issuer');
  t.equal(code({ chain: [certificatePem(twinHub.issuer.certificateDer)] }), 'certificate-unknown-issuer');
  t.equal(code({ chain: [] }), 'enrol-answer-refused');
  t.equal(code({ hubId: otherHubId }), 'enrol-answer-refused');
  t.equal(code({ nodeId: newNodeId(randomBytes(10)) }), 'enrol-answer-refused');
  t.equal(code({ unitId: newUnitId(randomBytes(10)) }), 'enrol-answer-refused');
  t.equal(code({ words: wordsOfKeys([own.tlsPublicKeyDer]) }), 'enrol-answer-refused');
  t.equal(code({ tlsCertificate: answer.sealCertificate }), 'certificate-wrong-usage');
  t.equal(
    code({ tlsCertificate: certificatePem((await issue('node-tls')).facts.der) }),
    'enrol-answer-refused',
  );
  t.equal(
    code({ sealCertificate: certificatePem((await issue('unit-seal')).facts.der) }),
    'enrol-answer-refused',
  );
  t.equal(code({ sealCertificate: 'nonsense' }), 'certificate-malformed');
  t.equal(code({}, nowMs - DAY_MS), 'certificate-not-yet-valid', 'the clock of the box is wrong');
});

const openssl = (() => {
  try {
    return execFileSync('openssl', ['version'], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
})();

t.test('OpenSSL agrees', { skip: openssl ? false : 'openssl is not installed' }, async (t) => {
  const file = (name: string, text: string) => {
    fs.writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const rootPem = file('root.pem', certificatePem(root.certificateDer));
  const caPem = file('ca.pem', certificatePem(hub.issuer.certificateDer));
  const run = (...args: string[]) => {
    try {
      execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', rootPem, ...args], { stdio: 'pipe' });
      return 'OK';
    } catch (error) {
      return String((error as { stderr: Buffer }).stderr);
    }
  };
  t.equal(run(caPem), 'OK');
  const purposes: Partial<Record<LeafRole, string>> = {
    'hub-tls': 'sslserver',
    'hub-link': 'sslclient',
    'node-console': 'sslserver',
    'node-tls': 'sslclient',
  };
  for (const role of leafRoles) {
    const leaf = file(`${role}.pem`, certificatePem((await issue(role)).facts.der));
    t.equal(run('-untrusted', caPem, leaf), 'OK', role);
    for (const purpose of ['sslserver', 'sslclient'])
      t.equal(
        run('-untrusted', caPem, '-purpose', purpose, leaf) === 'OK',
        purposes[role] === purpose,
        `${role} as ${purpose}`,
      );
  }
  const foreign = await forge({
    by: byHub,
    usage: leafProfiles['node-tls'].usageOid,
    names: [internalName('node-tls', otherHubId, nodeId)],
  });
  t.match(
    run('-untrusted', caPem, file('foreign.pem', certificatePem(foreign.der))),
    /permitted subtree violation/,
  );
  const { facts } = await issue('node-tls');
  const crl = hub.issuer.revocationList({
    entries: [{ serialHex: facts.serialHex, revokedAtMs: nowMs }],
    number: 300n,
    thisUpdateMs: nowMs - 1000,
    nextUpdateMs: nowMs + DAY_MS,
  });
  t.match(crl, /^-----BEGIN X509 CRL-----\n[A-Za-z0-9+/=\n]+\n-----END X509 CRL-----\n$/);
  const list = ['-crl_check', '-CRLfile', file('crl.pem', crl), '-untrusted', caPem];
  t.match(run(...list, file('revoked.pem', certificatePem(facts.der))), /certificate revoked/);
  t.equal(run(...list, join(dir, 'node-tls.pem')), 'OK');
  tls.createSecureContext({ crl });
});

type Harness = {
  connect(
    options: tls.SecureContextOptions & { session?: Buffer; rejectUnauthorized: boolean },
  ): Promise<{ answer: string; resumed: boolean; session: Buffer }>;
  state: { nowMs: number; entries: Map<string, trust.RegisteredPeer>; revoked: Set<string> };
  judge: trust.Trust;
};

async function listenWithTrust(t: { teardown(run: () => void): unknown }): Promise<Harness> {
  const state: Harness['state'] = { nowMs, entries: new Map(), revoked: new Set() };
  const judge = trust.createTrust({
    rootsDer: [root.certificateDer],
    intermediatesDer: [hub.issuer.certificateDer],
    registry: { peerByKey: (keyId) => state.entries.get(keyId) },
    revoked: (c) => (state.revoked.has(c.serialHex) ? 0 : undefined),
    clock: { nowMs: () => state.nowMs },
  });
  const server = await issue('hub-tls');
  const identity = {
    key: server.key,
    certificateDer: server.facts.der,
    issuingDer: hub.issuer.certificateDer,
    rootDer: root.certificateDer,
  };
  const listener = tls.createServer(listen.exchangeListenerOptions(identity), (socket) => {
    socket.on('error', () => {});
    socket.on('data', () => {
      const first = codeOf(() => judge.identify(socket));
      // The second answer comes from the memory of the socket and must be the same.
      const second = codeOf(() => judge.identify(socket));
      socket.end(
        `${first === second ? first : 'differs'} ${socket.isSessionReused()} ${socket.getProtocol()}`,
      );
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.teardown(() => listener.close());
  const { port } = listener.address() as AddressInfo;
  return {
    state,
    judge,
    connect: (options) =>
      new Promise((resolve, reject) => {
        let session = Buffer.alloc(0);
        let text = '';
        const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ...options });
        socket.on('session', (ticket) => {
          session = ticket;
        });
        socket.on('secureConnect', () => socket.write('who am I?'));
        socket.on('data', (bytes) => {
          text += bytes;
        });
        socket.on('error', reject);
        socket.on('close', () => {
          const [answer = '', reused, version] = text.split(' ');
          if (version !== 'TLSv1.3') reject(new Error(`protocol ${version}`));
          resolve({ answer, resumed: reused === 'true', session });
        });
      }),
  };
}

t.test('identify() decides on real TLS, on full and on resumed sessions alike', async (t) => {
  const { connect, state, judge } = await listenWithTrust(t);
  const rootDer = root.certificateDer;
  const client = (
    made: { key: OwnKey; facts: { der: Uint8Array } },
    issuingDer = hub.issuer.certificateDer,
  ) => listen.exchangeClientOptions({ key: made.key, certificateDer: made.facts.der, issuingDer, rootDer });
  /** The answer on a full handshake; a second connection with its ticket must be resumed and answered alike. */
  const both = async (options: tls.SecureContextOptions & { rejectUnauthorized: boolean }) => {
    const full = await connect(options);
    t.equal(full.resumed, false);
    const again = await connect({ ...options, session: full.session });
    t.equal(again.resumed, true, 'resumed');
    t.equal(again.answer, full.answer, 'the same verdict on resumption');
    return full.answer;
  };
  const node = await issue('node-tls');
  const active: trust.RegisteredPeer = { kind: 'node', nodeId, hubId, state: 'active' };
  t.equal(await both(client(node)), 'peer-unknown');
  state.entries.set(node.key.keyId, active);
  t.equal(await both(client(node)), 'fine');
  t.equal(await both(listen.enrolmentClientOptions(rootDer)), 'certificate-missing');
  t.equal(await both(client(await issue('node-tls', nowMs - 400 * DAY_MS))), 'certificate-expired');
  t.equal(await both(client(await issue('node-tls', nowMs + DAY_MS))), 'certificate-not-yet-valid');
  t.equal(
    await both(client(await issue('node-tls', nowMs, twinHub.issuer), twinHub.issuer.certificateDer)),
    'certificate-unknown-issuer',
  );
  for (const role of ['hub-tls', 'hub-receipts', 'unit-seal'] as const)
    t.equal(await both(client(await issue(role))), 'certificate-wrong-usage', role);

  for (const name of ['unconfirmed', 'suspended', 'revoked', 'closed'] as const) {
    state.entries.set(node.key.keyId, { ...active, state: name });
    t.equal(await both(client(node)), `peer-${name}`);
  }
  state.entries.set(node.key.keyId, { kind: 'hub', hubId, state: 'active' });
  t.equal(await both(client(node)), 'peer-unknown', 'registered as another kind');
  state.entries.set(node.key.keyId, { ...active, nodeId: newNodeId(randomBytes(10)) });
  t.equal(await both(client(node)), 'peer-unknown', 'the key is registered for another node');
  state.entries.set(node.key.keyId, active);

  const link = await issue('hub-link', nowMs, otherHub.issuer);
  state.entries.set(link.key.keyId, { kind: 'hub', hubId: otherHubId, state: 'active' });
  const linked = client(link, otherHub.issuer.certificateDer);
  t.equal(await both(linked), 'certificate-unknown-issuer', 'an issuing CA that nobody told us of');
  judge.learnIssuing(otherHub.issuer.certificateDer);
  t.equal(await both(linked), 'fine');

  const before = await connect(client(node));
  t.equal(before.answer, 'fine');
  state.revoked.add(node.facts.serialHex);
  const revoked = await connect({ ...client(node), session: before.session });
  t.match(revoked, { answer: 'certificate-revoked', resumed: true }, 'revoked after the full handshake');
  state.revoked.clear();
  const fresh = await connect(client(node));
  t.equal(fresh.answer, 'fine');
  state.nowMs = node.facts.notAfterMs + 5000;
  const expired = await connect({ ...client(node), session: fresh.session });
  t.match(expired, { answer: 'certificate-expired', resumed: true }, 'expired after the full handshake');
  state.nowMs = nowMs;

  await t.rejects(
    connect(listen.enrolmentClientOptions(twinRoot.certificateDer)),
    'a client believes only its root',
  );
  const stranger = { ...client(node), servername: 'hub.other.vn' };
  await t.rejects(connect(stranger), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'and checks the host name');
  await t.rejects(
    connect({ ...client(node), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }),
    'TLS 1.2 is refused',
  );
});

t.test('identify() denies by default and judges an open connection anew each time', async (t) => {
  const node = await issue('node-tls');
  const state = {
    nowMs,
    revoked: false,
    peer: { kind: 'node', nodeId, hubId, state: 'active' } as trust.RegisteredPeer | undefined,
  };
  const judge = trust.createTrust({
    rootsDer: [root.certificateDer],
    intermediatesDer: [hub.issuer.certificateDer],
    registry: { peerByKey: () => state.peer },
    revoked: () => (state.revoked ? 0 : undefined),
    clock: { nowMs: () => state.nowMs },
  });
  const { x509 } = parseCertificate(node.facts.der);
  const socket = { authorized: false, getPeerX509Certificate: () => x509 };
  t.match(judge.identify(socket), {
    kind: 'node',
    nodeId,
    hubId,
    keyId: node.key.keyId,
    serialHex: node.facts.serialHex,
  });
  const code = () => codeOf(() => judge.identify(socket));
  state.revoked = true;
  t.equal(code(), 'certificate-revoked');
  state.revoked = false;
  state.nowMs = node.facts.notAfterMs + 1000;
  t.equal(code(), 'certificate-expired');
  state.nowMs = nowMs;
  state.peer = undefined;
  t.equal(code(), 'peer-unknown');
  const nobody = { authorized: true, getPeerX509Certificate: () => undefined };
  t.equal(
    codeOf(() => judge.identify(nobody)),
    'certificate-missing',
    'socket.authorized is not looked at',
  );
  t.equal(
    codeOf(() => judge.identify({})),
    'certificate-missing',
    'a socket without TLS',
  );
  const seal = await issue('unit-seal', nowMs, otherHub.issuer);
  const question = { leafDer: seal.facts.der, role: 'unit-seal', atMs: nowMs } as const;
  t.equal(
    codeOf(() => judge.verify(question)),
    'certificate-unknown-issuer',
  );
  t.equal(
    codeOf(() => judge.learnIssuing(twinHub.issuer.certificateDer)),
    'certificate-unknown-issuer',
  );
  t.equal(
    codeOf(() => judge.learnIssuing(seal.facts.der)),
    'certificate-unknown-issuer',
  );
  judge.learnIssuing(otherHub.issuer.certificateDer);
  t.equal(judge.verify(question).hubId, otherHubId);
  t.equal(
    codeOf(() => judge.verify({ ...question, role: 'hub-receipts' })),
    'certificate-wrong-usage',
    'remembered facts too',
  );
  t.equal(
    codeOf(() => judge.verify({ ...question, atMs: 0 })),
    'certificate-not-yet-valid',
  );
});

const chains = sharedData('x509/boringssl-chain');
const noChains = fs.existsSync(chains) ? false : `the folder ${chains} is not on this machine`;
t.test('no chain of BoringSSL that must fail passes', { skip: noChains }, async (t) => {
  type Case = {
    case: string;
    chain: string;
    utc_time: string;
    key_purpose: string;
    errors: string[];
    expected: string;
  };
  const cases: Case[] = JSON.parse(fs.readFileSync(join(chains, 'manifest.json'), 'utf8'));
  // Questions of another layer: the purpose is trust.ts (exact role), sizes and kinds of keys are its allow-list, the
  // trust store's own flags do not exist here, and counts of names are bounded by the 16 KiB of a certificate.
  const elsewhere =
    /key usage|KeyUsage|Unacceptable public key|trust store|trust anchor|Too many name|is a CA when/;
  const sha256 = /^1\.2\.840\.(113549\.1\.1\.11|10045\.4\.3\.[234])$/;
  let [clientCases, passed] = [0, 0];
  for (const one of cases) {
    const pem = fs.readFileSync(join(chains, one.case.split('/')[0]!, one.chain), 'utf8');
    const ders = [...pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END/g)].map((m) =>
      Buffer.from(m[1]!, 'base64'),
    );
    const time = one.utc_time.replace(/^(..)(..)(..)(..)(..)(..)Z$/, '20$1-$2-$3T$4:$5:$6Z');
    const atMs = one.utc_time === 'DEFAULT' ? Date.UTC(2021, 9, 5, 12) : Date.parse(time);
    const outcome = codeOf(() => {
      const [leaf, ...rest] = ders.map(parseCertificate);
      findPath({
        leaf: leaf!,
        intermediates: rest.slice(0, -1),
        roots: rest.slice(-1),
        atMs,
        algorithmsAllowed: (c) => sha256.test(c.signatureAlgorithm),
      });
    });
    if (one.expected === 'FAILURE' && !one.errors.every((error) => elsewhere.test(error)))
      t.not(outcome, 'fine', one.case);
    if (outcome === 'fine' && one.expected === 'SUCCESS') passed += 1;
    if (one.key_purpose.startsWith('CLIENT_AUTH')) {
      clientCases += 1;
      if (one.expected === 'SUCCESS' && !one.case.includes('sha1')) t.equal(outcome, 'fine', one.case);
    }
    // Under the house rules none of them is anybody.
    const leafDer = ders[0]!;
    const question = { leafDer, intermediatesDer: ders.slice(1, -1), rootsDer: ders.slice(-1), atMs };
    t.not(
      codeOf(() => trust.verifyCertificate({ ...question, role: 'node-tls' })),
      'fine',
      one.case,
    );
  }
  t.ok(passed >= 50, `${passed} good chains pass the generic path check`);
  t.ok(clientCases >= 20, `${clientCases} client cases`);
});
