// Proof files and single files of the exchange, checked offline with nothing but the root: what a court or another office can rely on.
import fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { verifyProof } from '../certs/verify-proof.ts';
import { loadIdentity } from '../edge-node/identity.ts';
import { proofCodec, signedCodec, wrapperCodec } from '../protocol/codec.ts';
import { type ExchangeError, isExchangeError } from '../protocol/errors.ts';
import { decodeProof, encodeProof } from '../protocol/proof.ts';
import { signOne } from '../protocol/signature.ts';
import { buildStatement, outcomes } from '../protocol/statement.ts';
import { startTestHub, temporaryDir } from './support/hub.ts';
import { eventually, inviteUnit, openOffice, seeEachOther } from './support/office.ts';
import { cli } from './support/run-cli.ts';

const hub = await startTestHub();
const a = await openOffice(hub.hub, 'H08.35.12');
const b = await openOffice(hub.hub, 'H08.35.13');
// A recipient whose node is enrolled and never runs.
const silent = await openOffice(hub.hub, 'H08.35.14');
await silent.node.close();
t.teardown(async () => {
  await Promise.all([a.node.close(), b.node.close()]);
  await hub.close();
});
await seeEachOther([a, b], ['H08.35.12', 'H08.35.13', 'H08.35.14']);
const { documentId } = await a.node.edge.submit({
  idempotencyKey: 'e-1',
  to: ['H08.35.13', 'H08.35.14'],
  metadata: { subject: 'Quyết định \u202Eabc', number: '7' },
  parts: [
    { name: 'mot.txt', mediaType: 'text/plain', content: Buffer.from('một') },
    { name: 'hai.txt', mediaType: 'text/plain', content: Buffer.from('hai') },
  ],
});
await eventually(async () => {
  const [newest] = (await a.node.edge.show(documentId)).envelopes;
  return newest?.recipients[0]?.state === 'delivered' ? true : undefined;
});
const rootDer = loadIdentity(a.dir).rootDer;
const bytes = Buffer.from(await a.node.edge.proof(documentId, { withMetadata: true }));

const folder = temporaryDir('evidence');
const rootFile = join(a.dir, 'certs', 'root.pem');
const file = (name: string, content: Uint8Array): string => {
  const path = join(folder, name);
  fs.writeFileSync(path, content);
  return path;
};

t.test(
  'a proof says who sent what to whom, when it was accepted and received, and what is not proven',
  async (t) => {
    const { facts } = verifyProof(bytes, rootDer);
    t.equal(facts.documentId, documentId);
    t.equal(facts.header.sender, a.unit);
    t.match(facts.accepted, { hub: hub.hub.hubId });
    t.match(facts.recipients, [
      { unit: b.unit, accepted: 'accepted', receivedBy: b.unit },
      { unit: silent.unit, accepted: 'accepted', receivedMs: undefined },
    ]);
    t.strictSame(facts.notProven, [{ what: 'delivery', recipient: 1 }]);
    t.equal(facts.metadata?.number, '7');
    const bare = verifyProof(await a.node.edge.proof(documentId), rootDer).facts;
    t.ok(bare.notProven.some(({ what }) => what === 'metadata'));
    const arrival = (await b.node.edge.inbox()).rows[0]!;
    const other = verifyProof(
      await b.node.edge.proof(arrival.envelopeId, { direction: 'in' }),
      rootDer,
    ).facts;
    t.equal(other.digestHex, facts.digestHex, "the receiver's proof is about the same envelope");
    t.ok(other.recipients[0]?.receivedMs, 'it holds its own receipt');
  },
);

t.test('no byte of a proof can change unseen', async (t) => {
  const codes = new Map<string, number>();
  let unseen = 0;
  // Every byte takes two minutes; each run takes another eleventh of them.
  for (let at = bytes[40]! % 11; at < bytes.length; at += 11) {
    const changed = Buffer.from(bytes);
    changed[at] = changed[at]! ^ (1 << (at % 8));
    try {
      verifyProof(changed, rootDer);
      unseen += 1;
      t.comment(`byte ${at} of ${bytes.length}`);
    } catch (error) {
      if (!isExchangeError(error) || error.code === 'internal') throw error;
      codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
    }
  }
  t.equal(unseen, 0, `${bytes.length} bytes`);
  t.comment(JSON.stringify([...codes]));
  for (const cut of [0, 1, 100, bytes.length - 1])
    t.throws(() => verifyProof(bytes.subarray(0, cut), rootDer));
  t.throws(() => verifyProof(Buffer.concat([bytes, Buffer.from([0x7a, 0x01, 0x00])]), rootDer), {
    code: 'proof-invalid',
  });
});

const codeOf = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    return (error as ExchangeError).code;
  }
  return 'good';
};

t.test('well-formed lies are seen too', async (t) => {
  const proof = decodeProof(bytes);
  const change = (parts: Partial<typeof proof>) => encodeProof({ ...proof, ...parts });
  const other = decodeProof(
    await (async () => {
      const { documentId: id } = await a.node.edge.submit({
        idempotencyKey: 'e-2',
        to: ['H08.35.13'],
        metadata: {},
        parts: [],
      });
      await eventually(async () => ((await a.node.edge.show(id)).state === 'delivered' ? true : undefined));
      return await a.node.edge.proof(id);
    })(),
  );
  t.equal(
    codeOf(() => verifyProof(change({ statements: other.statements }), rootDer)),
    'statement-mismatch',
    'receipts of another envelope',
  );
  t.equal(
    codeOf(() => verifyProof(change({ envelope: other.envelope }), rootDer)),
    'statement-mismatch',
  );
  t.equal(
    codeOf(() => verifyProof(change({ directory: [] }), rootDer)),
    'proof-invalid',
    'no directory',
  );
  t.equal(
    codeOf(() =>
      verifyProof(change({ metadata: { salt: Buffer.alloc(32), block: proof.metadata!.block } }), rootDer),
    ),
    'metadata-mismatch',
  );
  const without = verifyProof(change({ statements: [] }), rootDer).facts;
  t.ok(
    without.notProven.some(({ what }) => what === 'acceptance'),
    'without receipts nothing is said to be accepted',
  );
  // The sender signs, as itself, that the recipient received.
  const { units } = loadIdentity(a.dir);
  const { facts } = verifyProof(bytes, rootDer);
  const forge = (issuer: string, unit: string) => {
    const { type, bytes: said } = buildStatement({
      event: 'ContentHandover',
      statementId: Buffer.alloc(16, 7),
      envelopeId: facts.header.envelopeId,
      documentId: facts.header.documentId,
      envelopeDigest: Buffer.from(facts.digestHex, 'hex'),
      sender: a.unit,
      issuer,
      results: [{ index: 1, unit, outcome: outcomes.delivered, code: '' }],
      atMs: facts.header.createdMs,
    });
    return change({
      statements: [...proof.statements, signedCodec.encode(signOne(type, said, units[0]!.key))],
    });
  };
  t.equal(
    codeOf(() => verifyProof(forge(silent.unit, silent.unit), rootDer)),
    'signature-invalid',
  );
  t.equal(
    codeOf(() => verifyProof(forge(a.unit, silent.unit), rootDer)),
    'statement-mismatch',
  );
  const strange = verifyProof(forge(a.unit, a.unit), rootDer).facts;
  t.equal(
    strange.recipients[1]?.receivedMs,
    undefined,
    'a unit that was not asked to receive proves nothing',
  );
  const foreign = await startTestHub({ code: 'H09' });
  t.teardown(() => foreign.close());
  t.equal(
    codeOf(() => verifyProof(bytes, foreign.hub.rootDer)),
    'certificate-unknown-issuer',
    'another root',
  );
  t.ok(await inviteUnit(foreign.hub, 'H09.1'));
});

t.test('the commands: exit codes, words and JSON', async (t) => {
  const good = file('good.ltproof', bytes);
  const said = await cli('verify', good, '--root', rootFile);
  t.equal(said.code, 0, said.err);
  t.match(said.out, /BẰNG CHỨNG HỢP LỆ[\s\S]*H08\.35\.12[\s\S]*đã nhận \/ received[\s\S]*chưa chứng minh/i);
  t.notOk(said.out.includes('\u202E'), 'no character that turns the text of the terminal');
  const json = JSON.parse((await cli('verify', good, '--root', rootFile, '--json')).out) as unknown;
  t.match(json, { good: true, documentId, sender: { code: 'H08.35.12' }, notProven: [{ what: 'delivery' }] });
  const changed = Buffer.from(bytes);
  changed[bytes.length >> 1] = changed[bytes.length >> 1]! ^ 1;
  const bad = await cli('verify', file('bad.ltproof', changed), '--root', rootFile, '--json');
  t.equal(bad.code, 65);
  t.match(JSON.parse(bad.out), { good: false, code: String });
  t.equal((await cli('verify', file('empty', Buffer.alloc(0)), '--root', rootFile)).code, 65);
  t.equal((await cli('verify', join(folder, 'none'), '--root', rootFile)).code, 66);
  t.equal((await cli('verify', good, '--root', good)).code, 66, 'the root is no certificate');
  t.equal((await cli('verify', good)).code, 2);
  t.equal((await cli('envelope', 'show', good, '--root', rootFile)).code, 0, 'a proof');

  const proof = decodeProof(bytes);
  const header = file('header.bin', proof.envelope);
  const directory = proof.directory.flatMap((part, i) => ['--directory', file(`directory-${i}`, part)]);
  t.equal((await cli('envelope', 'show', header, '--root', rootFile)).code, 65, 'nobody vouches for the key');
  const shown = await cli('envelope', 'show', header, '--root', rootFile, ...directory, '--json');
  t.match(
    JSON.parse(shown.out),
    { what: 'header', sender: a.unit, good: true, keysNamedByDirectory: true },
    shown.err,
  );
  const receipt = file('receipt.bin', proof.statements[0]!);
  t.match(
    JSON.parse((await cli('envelope', 'show', receipt, '--root', rootFile, ...directory, '--json')).out),
    { what: 'receipt' },
  );
  const wrapper = file(
    'wrapper.bin',
    wrapperCodec.encode({
      envelope: signedCodec.decode(proof.envelope),
      recipients: [{ index: 0, unit: b.unit }],
      metadata: proof.metadata!,
    }),
  );
  t.match(
    JSON.parse((await cli('envelope', 'show', wrapper, '--root', rootFile, ...directory, '--json')).out),
    {
      what: 'wrapper',
      leg: [{ unit: b.unit }],
    },
  );
  const part = await cli('envelope', 'show', directory[1]!, '--root', rootFile, '--json');
  t.match(JSON.parse(part.out), { what: 'directory', units: Array });
  t.ok(proofCodec.bytesMax > bytes.length);
});
