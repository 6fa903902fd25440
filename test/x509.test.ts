// Chains of any authority, judged by others' cases (BoringSSL, Wycheproof, the national authorities' certificates) and by cases of our own for
// what those do not hold: revocation lists of every kind, forms of names, hostile files. The command is asked as a person would.
import { execFile } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { der, derInteger, derOid, derSequence } from '../certs/der.ts';
import { derToPem } from '../certs/pem.ts';
import { algorithmOfDer, readKey, signatureHolds } from '../certs/rfc5280/algorithms.ts';
import { readBundle } from '../certs/rfc5280/bundle.ts';
import type { Purpose } from '../certs/rfc5280/purpose.ts';
import { type ChainQuestion, verifyChain } from '../certs/rfc5280/verify.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { verifyInput } from '../protocol/signature.ts';
import { authority, ext, general, type ListShape, list, make, nowMs, type Party } from './support/pki.ts';
import { sharedData } from './support/shared-data.ts';

// The whole file on a busy machine; tap counts from the start of the process.
t.setTimeout(300_000);
const DAY_MS = 86_400_000;

const missing = (folder: string) =>
  fs.existsSync(folder) ? false : `the folder ${folder} is not on this machine`;
const json = <T>(path: string): T => JSON.parse(fs.readFileSync(path, 'utf8')) as T;

const chains = sharedData('x509/boringssl-chain');
type Case = {
  case: string;
  chain: string;
  last_cert_trust: string;
  utc_time: string;
  key_purpose: string;
  errors: string[];
  expected: 'SUCCESS' | 'FAILURE';
  digest_policy?: string;
};
/** Stated otherwise than RFC 5280 asks, each with the reason why ours stands. */
const contradicts: Readonly<Record<string, string>> = {
  'many-names/ok-all-types.test':
    't171.test to t340.test are outside the permitted t0.test to t170.test (§4.2.1.10)',
};

t.test(
  'every chain of BoringSSL gets the verdict that is stated for it',
  { skip: missing(chains) },
  async (t) => {
    const purposes: Readonly<Record<string, Purpose>> = {
      SERVER_AUTH: 'tls-server',
      CLIENT_AUTH: 'tls-client',
      ANY_EKU: 'any',
    };
    const counted = { judged: 0, elsewhere: 0, contradicting: 0 };
    for (const one of json<Case[]>(join(chains, 'manifest.json'))) {
      const purpose = purposes[one.key_purpose];
      const trust = one.last_cert_trust;
      // Other products' purposes and stricter modes, leaves trusted by themselves, a demand that roots carry an extension: not asked here.
      if (!purpose || /LEAF|REQUIRE_BASIC/.test(trust)) {
        counted.elsewhere += 1;
        continue;
      }
      const file = join(chains, one.case.split('/')[0]!, one.chain);
      const chain = readBundle(fs.readFileSync(file), 'CERTIFICATE') as readonly Uint8Array[];
      const time = one.utc_time.replace(/^(..)(..)(..)(..)(..)(..)Z$/, '20$1-$2-$3T$4:$5:$6Z');
      const { verdict, reason } = verifyChain({
        chain,
        anchors: trust.startsWith('TRUSTED_ANCHOR') ? chain.slice(-1) : [],
        purpose,
        atMs: time === 'DEFAULT' ? Date.UTC(2021, 9, 5, 12) : Date.parse(time),
        // The corpus allows SHA-1 unless a case says that it does not.
        weak: !fs.readFileSync(join(chains, one.case), 'utf8').includes('digest_policy: STRONG'),
        anchorRules: { validity: trust.includes('EXPIRATION'), constraints: trust.includes('CONSTRAINTS') },
      });
      if (contradicts[one.case]) {
        counted.contradicting += 1;
        t.equal(verdict, 'refused', contradicts[one.case] ?? '');
        continue;
      }
      counted.judged += 1;
      t.equal(
        verdict === 'valid',
        one.expected === 'SUCCESS',
        `${one.case}: ${verdict} ${reason?.code} ${one.errors}`,
      );
      if (one.errors.includes('Unconsumed critical extension') && one.errors.length === 1)
        t.match({ verdict, reason }, { verdict: 'unsupported', reason: { code: 'critical-extension' } });
    }
    t.ok(counted.judged >= 135, `judged ${counted.judged}, not asked here ${counted.elsewhere}`);
    t.equal(counted.contradicting, 1);
  },
);

const wycheproof = sharedData('wycheproof/testvectors_v1');
type Group = {
  publicKeyDer?: string;
  publicKey?: { uncompressed?: string };
  sha?: string;
  mgfSha?: string;
  sLen?: number;
  tests: { tcId: number; msg: string; sig: string; result: 'valid' | 'invalid' | 'acceptable' }[];
};
const hashOids: Readonly<Record<string, string>> = {
  'SHA-1': '1.3.14.3.2.26',
  'SHA-256': '2.16.840.1.101.3.4.2.1',
  'SHA-384': '2.16.840.1.101.3.4.2.2',
  'SHA-512': '2.16.840.1.101.3.4.2.3',
};
const ecdsa: Readonly<Record<string, string>> = { 'SHA-256': '2', 'SHA-384': '3', 'SHA-512': '4' };
const rsa: Readonly<Record<string, string>> = { 'SHA-256': '11', 'SHA-384': '12', 'SHA-512': '13' };

/** The AlgorithmIdentifier that a certificate would carry; undefined where the corpus asks for what no identifier of ours names. */
function identifier(file: string, { sha = '', mgfSha = sha, sLen = 0 }: Group): Uint8Array | undefined {
  if (file.startsWith('ed25519')) return derSequence(derOid('1.3.101.112'));
  if (file.startsWith('ed448')) return derSequence(derOid('1.3.101.113'));
  if (file.startsWith('ecdsa') && ecdsa[sha]) return derSequence(derOid(`1.2.840.10045.4.3.${ecdsa[sha]}`));
  if (file.startsWith('rsa_signature') && rsa[sha])
    return derSequence(derOid(`1.2.840.113549.1.1.${rsa[sha]}`), der(0x05));
  const [hash, mask] = [hashOids[sha], hashOids[mgfSha]];
  if (!file.startsWith('rsa_pss') || !hash || !mask) return undefined;
  const of = (oid: string) => derSequence(derOid(oid), der(0x05));
  const mgf = derSequence(derOid('1.2.840.113549.1.1.8'), of(mask));
  const params = derSequence(der(0xa0, of(hash)), der(0xa1, mgf), der(0xa2, derInteger(BigInt(sLen))));
  return derSequence(derOid('1.2.840.113549.1.1.10'), params);
}

t.test('every signature vector of Wycheproof gets its result', { skip: missing(wycheproof) }, async (t) => {
  const counted: Record<string, number> = { agreed: 0, refused: 0 };
  const files = fs.readdirSync(wycheproof).filter((name) => /^(ecdsa|ed25519|ed448|rsa)/.test(name));
  for (const file of files)
    for (const group of json<{ testGroups: Group[] }>(join(wycheproof, file)).testGroups) {
      const spki = Buffer.from(group.publicKeyDer ?? '', 'hex');
      const raw = file.includes('p1363');
      for (const { tcId, msg, sig, result } of group.tests) {
        const [signed, signature] = [Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex')];
        let outcome: boolean | undefined;
        try {
          if (raw)
            outcome = verifyInput(
              signed,
              signature,
              createPublicKey({ key: spki, format: 'der', type: 'spki' }),
            );
          else {
            const id = identifier(file, group);
            if (!id) throw new Error(`${file} has no identifier`);
            outcome = signatureHolds(
              { algorithm: algorithmOfDer(id), key: readKey(spki), signed, signature },
              { weak: true },
            );
          }
        } catch (error) {
          // Refused by name (another curve than P-256 for r || s, two hashes in PSS, SHA-512/256): never a wrong yes.
          const code = isExchangeError(error) ? error.code : (error as { code?: string }).code;
          counted[code ?? 'no identifier'] = (counted[code ?? 'no identifier'] ?? 0) + 1;
          counted.refused! += 1;
        }
        if (outcome === undefined) continue;
        counted.agreed! += 1;
        if (result !== 'acceptable' && outcome !== (result === 'valid'))
          t.fail(`${file} ${tcId}: ${outcome}, ${result}`);
      }
    }
  t.comment(JSON.stringify(counted));
  t.ok(counted.agreed! > 3000, JSON.stringify(counted));
  t.ok(counted.refused! < 500, 'what is refused by name is counted apart');
});

const national = sharedData('vn-ca-certs');
t.test(
  'the national authorities stand under their own roots, and SHA-1 only on demand',
  { skip: missing(national) },
  async (t) => {
    const read = (name: string) =>
      readBundle(fs.readFileSync(join(national, name)), 'CERTIFICATE') as readonly Uint8Array[];
    const judge = (chain: string, anchor: string, more: Partial<ChainQuestion> = {}) => {
      const question = {
        chain: read(chain),
        anchors: read(anchor),
        purpose: 'any' as const,
        atMs: nowMs,
        ...more,
      };
      const { verdict, reason } = verifyChain(question);
      return reason?.code ?? verdict;
    };
    t.equal(judge('g2/cpcag2.crt', 'g2/rootcag2.crt'), 'valid');
    t.equal(judge('g2/vnpt-ca-sha2.crt', 'g2/vnrca256.crt'), 'valid');
    t.equal(judge('g2/vnpt-ca-sha2.crt', 'g2/rootcag2.crt'), 'unknown-issuer', 'two roots of one country');
    for (const name of fs.readdirSync(join(national, 'vgca-2010s'))) {
      const file = `vgca-2010s/${name}`;
      if (/ROOTCA|MIC_BIN/.test(name)) {
        t.equal(judge(file, file), 'valid', `${name} is an anchor`);
        continue;
      }
      const root = ['vgca-2010s/MIC_BIN.cer', 'vgca-2010s/VGCA_ROOTCA_BIN.cer'];
      const anchors = root.flatMap(read);
      const atMs = Date.UTC(2018, 0, 1);
      t.equal(judge(file, root[0]!, { anchors, atMs }), 'algorithm-refused', name);
      t.equal(judge(file, root[0]!, { anchors, atMs, weak: true }), 'valid', `${name} at its time`);
    }
    const old = { atMs: nowMs, weak: true };
    t.equal(judge('vgca-2010s/VIETTELCA_BIN.cer', 'vgca-2010s/MIC_BIN.cer', old), 'expired');
  },
);

const root = authority('Root');
const ca = authority('CA', root);
const leafOf = (more: Partial<Parameters<typeof make>[0]> = {}) =>
  make({ name: 'Leaf', issuer: ca, serial: 7, extensions: [ext.usage(0x80)], ...more });
const judge = (chain: readonly Party[], more: Partial<ChainQuestion> = {}) => {
  const ders = chain.map((one) => one.der);
  const result = verifyChain({ chain: ders, anchors: [root.der], purpose: 'any', atMs: nowMs, ...more });
  return result.reason?.code ?? result.verdict;
};

t.test('signatures of every accepted kind hold, in any order of the chain', async (t) => {
  for (const kind of ['p256', 'p384', 'p521', 'rsa', 'pss', 'ed25519'] as const) {
    const own = authority(`Root ${kind}`, undefined, { kind });
    const inner = authority(`CA ${kind}`, own, { kind });
    const leaf = make({ name: 'Leaf', issuer: inner, kind });
    t.equal(judge([leaf, own, inner], { anchors: [own.der] }), 'valid', kind);
    const changed = Buffer.from(leaf.der);
    changed[changed.length - 1]! ^= 1;
    t.equal(judge([{ ...leaf, der: changed }, inner], { anchors: [own.der] }), 'signature-invalid', kind);
  }
  const old = authority('Old', undefined, { kind: 'rsa' });
  const weak = make({ name: 'Leaf', issuer: { ...old, kind: 'sha1' } });
  t.equal(judge([weak], { anchors: [old.der] }), 'algorithm-refused');
  t.equal(judge([leafOf()]), 'unknown-issuer');
});

t.test('times, authorities, lengths, usages and critical extensions are judged', async (t) => {
  t.equal(judge([leafOf(), ca]), 'valid');
  t.equal(judge([leafOf({ toMs: nowMs }), ca]), 'valid', 'the last second counts');
  t.equal(judge([leafOf({ toMs: nowMs - 1000 }), ca]), 'expired');
  t.equal(judge([leafOf({ fromMs: nowMs + 1000 }), ca]), 'not-yet-valid');
  const noCa = make({ name: 'CA', issuer: root, extensions: [ext.usage(0x06)] });
  t.equal(judge([leafOf({ issuer: noCa }), noCa]), 'issuer-not-ca');
  const noSign = authority('CA', root, { extensions: [ext.ca(), ext.usage(0x80)] });
  t.equal(judge([leafOf({ issuer: noSign }), noSign]), 'issuer-key-usage');
  const short = authority('CA', root, { extensions: [ext.ca(0), ext.usage(0x06)] });
  const below = authority('Below', short);
  t.equal(judge([leafOf({ issuer: short }), short]), 'valid');
  t.equal(judge([leafOf({ issuer: below }), below, short]), 'path-too-long');
  const own = authority('CA', short);
  t.equal(judge([leafOf({ issuer: own }), own, short]), 'valid', 'self-issued authorities do not count');
  const unknown = ext.raw('1.2.3.4.5', der(0x05), true);
  t.equal(judge([leafOf({ extensions: [unknown] }), ca]), 'critical-extension');
  t.equal(judge([leafOf({ extensions: [ext.usage(0x80), ext.usage(0x80)] }), ca]), 'malformed', 'twice');
  const [server, client] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
  const clientOnly = leafOf({ extensions: [ext.usages(client)] });
  t.equal(judge([clientOnly, ca], { purpose: 'tls-client' }), 'valid');
  t.equal(judge([clientOnly, ca], { purpose: 'tls-server' }), 'purpose');
  t.equal(judge([clientOnly, ca], { purpose: 'seal' }), 'purpose');
  t.equal(judge([leafOf({ extensions: [ext.usage(0x20)] }), ca], { purpose: 'seal' }), 'key-usage');
  const limited = authority('CA', root, { extensions: [ext.ca(), ext.usage(0x06), ext.usages(client)] });
  t.equal(
    judge([leafOf({ issuer: limited, extensions: [ext.usages(server)] }), limited], {
      purpose: 'tls-server',
    }),
    'purpose',
  );
});

t.test(
  'constraints on every form of name hold, and a form that is not understood is never passed',
  async (t) => {
    const cases: [Uint8Array, Uint8Array, boolean][] = [
      [general.dns('gov.vn'), general.dns('a.gov.vn'), true],
      [general.dns('gov.vn'), general.dns('A.GOV.VN'), true],
      [general.dns('gov.vn'), general.dns('evilgov.vn'), false],
      [general.dns('.gov.vn'), general.dns('gov.vn'), false],
      [general.dns('gov.vn'), general.dns('*.gov.vn'), true],
      [general.dns('a.gov.vn'), general.dns('*.gov.vn'), false],
      [general.mail('gov.vn'), general.mail('a@gov.vn'), true],
      [general.mail('gov.vn'), general.mail('a@x.gov.vn'), false],
      [general.mail('.gov.vn'), general.mail('a@x.gov.vn'), true],
      [general.mail('a@gov.vn'), general.mail('b@gov.vn'), false],
      [general.uri('.gov.vn'), general.uri('https://x.gov.vn/y'), true],
      [general.uri('gov.vn'), general.uri('https://gov.vn.evil.test/'), false],
      [general.uri('gov.vn'), general.uri('urn:x'), false],
      [general.ip(10, 0, 0, 0, 255, 0, 0, 0), general.ip(10, 1, 2, 3), true],
      [general.ip(10, 0, 0, 0, 255, 0, 0, 0), general.ip(11, 1, 2, 3), false],
      [general.directory('Leaf'), general.directory('LEAF'), true],
      [general.directory('Other'), general.directory('Leaf'), false],
    ];
    for (const [i, [base, name, inside]] of cases.entries()) {
      const limited = authority('CA', root, {
        extensions: [ext.ca(), ext.usage(0x06), ext.constraints([base])],
      });
      const leaf = leafOf({ issuer: limited, extensions: [ext.altNames(name)] });
      t.equal(judge([leaf, limited]), inside ? 'valid' : 'name-not-permitted', `permitted ${i}`);
      const without = authority('CA', root, {
        extensions: [ext.ca(), ext.usage(0x06), ext.constraints([], [base])],
      });
      const excluded = leafOf({ issuer: without, extensions: [ext.altNames(name)] });
      if (inside) t.equal(judge([excluded, without]), 'name-not-permitted', `excluded ${i}`);
    }
    const partly = authority('CA', root, {
      extensions: [ext.ca(), ext.constraints([], [general.dns('a.gov.vn')])],
    });
    const wild = leafOf({ issuer: partly, extensions: [ext.altNames(general.dns('*.gov.vn'))] });
    t.equal(judge([wild, partly]), 'name-not-permitted', 'a wildcard that could be an excluded name');
    const strange = authority('CA', root, { extensions: [ext.ca(), ext.constraints([general.other()])] });
    t.equal(judge([leafOf({ issuer: strange }), strange]), 'valid', 'no name of that form is there');
    const named = leafOf({ issuer: strange, extensions: [ext.altNames(general.other())] });
    t.equal(judge([named, strange]), 'name-form-unsupported');
  },
);

t.test(
  'revocation lists are believed only from who may sign them, about what they cover, while they are current',
  async (t) => {
    const by = (lists: readonly Uint8Array[], more: Partial<ChainQuestion> = {}, leaf = leafOf()) =>
      judge([leaf, ca], { crls: lists, ...more });
    const of = (more: Partial<ListShape> = {}) => list({ issuer: ca, ...more });
    t.equal(by([of()]), 'valid');
    t.equal(by([of({ revoked: [{ serial: 8 }] })]), 'valid');
    t.equal(by([of({ revoked: [{ serial: 7 }] })]), 'revoked');
    t.equal(by([]), 'crl-missing');
    t.equal(
      by([list({ issuer: root })]),
      'crl-missing',
      'a list about the issuer says nothing about the leaf',
    );
    t.equal(by([of()], { crlAll: true }), 'crl-missing');
    t.equal(by([of(), list({ issuer: root })], { crlAll: true }), 'valid');
    t.equal(by([of(), list({ issuer: root, revoked: [{ serial: 1000 }] })]), 'revoked', 'the authority');
    t.equal(by([of({ toMs: nowMs - 2000 })]), 'crl-expired');
    t.equal(by([of({ toMs: null })]), 'crl-expired', 'without an end');
    t.equal(by([of({ fromMs: nowMs + 1000 })]), 'crl-not-yet-valid');
    t.equal(by([of({ toMs: nowMs - 2000, revoked: [{ serial: 7 }] })]), 'revoked', 'also from an old list');
    t.equal(by([of({ signer: root })]), 'crl-signature-invalid');
    const unsigning = authority('CA', root, { extensions: [ext.ca(), ext.usage(0x04)] });
    t.equal(
      judge([leafOf({ issuer: unsigning }), unsigning], { crls: [list({ issuer: unsigning })] }),
      'crl-issuer',
    );
    const unknown = ext.raw('1.2.3.4', der(0x05), true);
    t.equal(by([of({ extensions: [unknown] })]), 'crl-unsupported');
    t.equal(by([of({ revoked: [{ serial: 9, extensions: [unknown] }] })]), 'crl-unsupported');
    // Invalidity before the revocation: judged between the two it is revoked.
    const invalid = ext.raw('2.5.29.24', der(0x18, Buffer.from('20260525000000Z')));
    const entry = { serial: 7, atMs: nowMs + 3600_000, extensions: [invalid] };
    t.equal(by([of({ revoked: [entry] })]), 'revoked');

    const scope = (...parts: Uint8Array[]) => ext.raw('2.5.29.28', derSequence(...parts), true);
    const full = (name: Uint8Array) => der(0xa0, der(0xa0, name));
    const yes = (tag: number) => der(tag, Buffer.from([0xff]));
    t.equal(by([of({ extensions: [scope(yes(0x81))] })]), 'valid', 'users only');
    t.equal(by([of({ extensions: [scope(yes(0x82))] })]), 'crl-scope', 'authorities only');
    t.equal(by([of({ extensions: [scope(yes(0x85))] })]), 'crl-scope', 'attribute certificates only');
    const here = full(general.uri('http://x.vn/1.crl'));
    const pointed = leafOf({ extensions: [ext.points(here)] });
    t.equal(by([of({ extensions: [scope(here)] })], {}, pointed), 'valid');
    t.equal(
      by([of({ extensions: [scope(full(general.uri('http://x.vn/2.crl')))] })], {}, pointed),
      'crl-scope',
    );
    t.equal(by([of({ extensions: [scope(here)] })]), 'crl-scope', 'the certificate names no point');
    const some = (bits: number) => der(0x83, Buffer.from([0, bits]));
    const half = scope(some(0x40));
    t.equal(by([of({ extensions: [half] })]), 'crl-scope', 'some reasons only');
    const rest = scope(der(0x83, Buffer.from([7, 0x3f, 0x80])));
    t.equal(by([of({ extensions: [half] }), of({ extensions: [rest] })]), 'valid', 'together all reasons');

    const delta = (base: number) => ext.raw('2.5.29.27', derInteger(BigInt(base)), true);
    const newer = { fromMs: nowMs - 3600_000, toMs: nowMs + DAY_MS, number: 5 };
    t.equal(by([of({ ...newer, extensions: [delta(1)] })]), 'crl-unsupported', 'a delta alone');
    t.equal(by([of({ number: 2 }), of({ ...newer, extensions: [delta(1)] })]), 'valid');
    t.equal(
      by([of({ number: 2 }), of({ ...newer, extensions: [delta(1)], revoked: [{ serial: 7 }] })]),
      'revoked',
    );
    const held = { serial: 7, extensions: [ext.raw('2.5.29.21', der(0x0a, Buffer.from([6])))] };
    const freed = { serial: 7, extensions: [ext.raw('2.5.29.21', der(0x0a, Buffer.from([8])))] };
    t.equal(by([of({ number: 2, revoked: [held] })]), 'revoked', 'on hold');
    t.equal(
      by([of({ number: 2, revoked: [held] }), of({ ...newer, extensions: [delta(1)], revoked: [freed] })]),
      'valid',
    );
    t.equal(
      by([of({ number: 2, revoked: [held] }), of({ ...newer, extensions: [delta(3)], revoked: [freed] })]),
      'revoked',
      'a base that is not here',
    );

    // An indirect list: another issuer, named by the certificate, under the same anchor.
    const central = make({ name: 'Lists', issuer: root, extensions: [ext.usage(0x02)] });
    const point = derSequence(here, der(0xa2, general.directory('Lists')));
    const indirect = leafOf({ extensions: [ext.raw('2.5.29.31', derSequence(point))] });
    const about = ext.raw('2.5.29.29', derSequence(general.directory('CA')), true);
    const ofLists = (more: Partial<ListShape>) =>
      list({ issuer: central, extensions: [scope(here, yes(0x84))], ...more });
    const byIndirect = (lists: readonly Uint8Array[], chain = [indirect, ca, central]) =>
      judge(chain, { crls: lists });
    t.equal(byIndirect([ofLists({})]), 'valid');
    t.equal(byIndirect([ofLists({ revoked: [{ serial: 7, extensions: [about] }] })]), 'revoked');
    t.equal(byIndirect([ofLists({ revoked: [{ serial: 7 }] })]), 'valid', 'serial 7 of another authority');
    t.equal(byIndirect([ofLists({ extensions: [scope(here)] })]), 'crl-scope', 'not indirect');
    const stranger = { ...make({ name: 'Lists', extensions: [ext.usage(0x02)] }) };
    t.equal(
      byIndirect(
        [list({ issuer: stranger, extensions: [scope(here, yes(0x84))] })],
        [indirect, ca, stranger],
      ),
      'unknown-issuer',
    );
  },
);

t.test('hostile files end quickly with a reason, at any cut', async (t) => {
  const good = leafOf();
  for (let at = 0; at < good.der.length; at += 7) {
    const cut = judge([{ ...good, der: good.der.subarray(0, at) }, ca]);
    t.equal(cut, 'malformed');
  }
  for (let at = 0; at < good.der.length; at += 5) {
    const changed = Buffer.from(good.der);
    changed[at]! ^= 0x41;
    if (judge([{ ...good, der: changed }, ca]) === 'valid') t.fail(`byte ${at} changed and valid`);
  }
  const many = Array.from({ length: 60 }, () => authority('CA', root));
  t.equal(judge([leafOf(), ...many]), 'signature-invalid', 'sixty authorities of one name');
  // Cross-certified in a ring: no end without a bound.
  const keys = Array.from({ length: 8 }, (_, i) => authority(`R${i}`));
  const ring = keys.flatMap((one) =>
    keys.map((other) => authority(one.name, other, { keys: one, issuer: other })),
  );
  t.not(judge([leafOf({ issuer: keys[0]! }), ...ring]), 'valid');
  t.equal(judge([good, ...Array.from({ length: 101 }, () => ca)]), 'too-large');
  const crl = list({
    issuer: ca,
    revoked: Array.from({ length: 20_000 }, (_, serial) => ({ serial: serial + 10 })),
  });
  t.equal(judge([good, ca], { crls: [crl] }), 'valid', 'twenty thousand entries');
  t.equal(judge([good, ca], { crls: [crl.subarray(0, crl.length - 9)] }), 'malformed');
  t.equal(judge([good, ca], { crls: [new Uint8Array(17 * 1024 * 1024)] }), 'too-large');
});

const run = promisify(execFile);
const program = fileURLToPath(new URL('../bin/lienthong', import.meta.url));
t.test('the command answers with words, JSON and the exit codes of the house', async (t) => {
  const dir = t.testdir({ 'no.txt': 'hello', 'cut.pem': '-----BEGIN CERTIFICATE-----\nAAAA' });
  const write = (name: string, text: string) => {
    fs.writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const pem = (...all: Party[]) => all.map((one) => derToPem('CERTIFICATE', one.der)).join('');
  const chain = write('chain.pem', pem(leafOf(), ca, root));
  const anchors = write('anchors.pem', pem(root));
  const bad = write('bad.pem', derToPem('X509 CRL', list({ issuer: ca, revoked: [{ serial: 7 }] })));
  const verify = async (...args: string[]) =>
    await run('env', ['-u', 'NODE_OPTIONS', process.execPath, program, 'certs', 'verify', ...args]).then(
      ({ stdout }) => ({ code: 0, out: stdout }),
      (error: { code: number; stdout: string }) => ({ code: error.code, out: error.stdout }),
    );
  const at = ['--at', '2026-06-01T00:00:00Z'];
  const all = await Promise.all([
    verify(chain, '--anchors', anchors, '--purpose', 'any', ...at, '--json'),
    verify(chain, '--anchors', anchors, '--crl', bad, '--purpose', 'any', ...at, '--json'),
    verify(chain, '--anchors', anchors, '--purpose', 'any', '--at', '2030-01-01'),
    verify(chain, '--anchors', join(dir, 'nowhere.pem'), '--purpose', 'any'),
    verify(join(dir, 'no.txt'), '--anchors', anchors),
    verify(join(dir, 'cut.pem'), '--anchors', anchors),
    verify(dir, '--anchors', anchors),
    verify(chain, '--purpose', 'any'),
    verify(chain, '--anchors', anchors, '--purpose', 'email'),
    verify(chain, '--anchors', anchors, '--at', 'hôm qua'),
    verify(chain, '--anchors', anchors, '--at', '260601000000Z'),
    verify(chain, '--anchors', anchors, '--at', '1780272000'),
    verify(write('empty.pem', ''), '--anchors', anchors),
    verify(write('large.pem', `${pem(ca)}${' '.repeat(10_000_000)}`), '--anchors', anchors),
    verify(write('many.pem', pem(leafOf()) + pem(ca).repeat(4000)), '--anchors', anchors, ...at),
    verify(
      chain,
      '--anchors',
      anchors,
      '--crl',
      write('garbage.crl', derToPem('X509 CRL', Buffer.alloc(900, 7))),
      ...at,
    ),
    verify(chain, '--anchors', anchors, '--crl', chain, ...at),
    verify(write('order.pem', pem(ca, root, leafOf())), '--anchors', anchors, ...at, '--json'),
  ]);
  t.same(
    all.map(({ code }) => code),
    [0, 65, 65, 66, 66, 66, 66, 2, 2, 2, 0, 0, 66, 66, 65, 65, 66, 0],
  );
  t.match(all[14]!.out, /too-large/);
  t.match(all[15]!.out, /malformed/);
  t.match(
    JSON.parse(all[17]!.out),
    { warnings: [/above .*Leaf.*leaf first/] },
    'a file in another order is told',
  );
  t.match(JSON.parse(all[0]!.out), { valid: true, verdict: 'valid', path: [{}, {}, {}] });
  t.match(JSON.parse(all[1]!.out), { valid: false, reason: { code: 'revoked', clause: /RFC 5280/ } });
  t.match(all[2]!.out, /Đã hết hạn.*\n.*expired/);
});
