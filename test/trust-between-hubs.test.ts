// What one hub, or a seal that was stolen, cannot do to the others: take over units, codes and keys of another hub, sign a directory with a key that
// ended, date a statement before a revocation. And what a withdrawn seal does not undo: receipts that were given.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { openDirectoryParts } from '../certs/signers.ts';
import { loadHubIdentity } from '../hub/identity.ts';
import { directoryPartCodec, signedDirectoryCodec, wrapperCodec } from '../protocol/codec.ts';
import { createDirectory } from '../protocol/directory.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { signOne } from '../protocol/signature.ts';
import type { DirectoryPart, DirectoryUnit } from '../protocol/wire.ts';
import {
  bareNode,
  deliveryReceipt,
  pollOnce,
  prepare,
  signingKey,
  startTestHub,
  type TestHub,
} from './support/hub.ts';

const province = await startTestHub({ code: 'H08' });
const district = await startTestHub({ code: 'H08.35', rootDir: join(province.dir, 'root') });
const victim = await bareNode(province.hub, 'H08.01');
const [a, b] = [await bareNode(district.hub, 'H08.35.01'), await bareNode(district.hub, 'H08.35.02')];
t.teardown(async () => {
  await Promise.all([victim, a, b].map((node) => node.close()));
  await district.close();
  await province.close();
});

const ownPart = ({ hub }: TestHub): DirectoryPart => hub.directory.own();
const known = createDirectory([ownPart(province), ownPart(district)]);
const rootsDer = [province.hub.rootDer];

/** The district's own directory key signs a changed part of the district. */
function signedByDistrict(change: (part: DirectoryPart) => Partial<DirectoryPart>): Buffer {
  const nowMs = systemClock.nowMs();
  const part = { ...ownPart(district), version: ownPart(district).version + 1, issuedMs: nowMs };
  const key = signingKey(loadHubIdentity(district.dir, { nowMs }).keys.directory);
  const bytes = directoryPartCodec.encode({ ...part, ...change(part), pageDigests: [] });
  return signedDirectoryCodec.encode(signOne('lienthong/directory/1', bytes, key));
}
const offered = (bytes: Buffer, nowMs = systemClock.nowMs()) =>
  openDirectoryParts([bytes], { rootsDer, nowMs, known });
const mine = (): DirectoryUnit => ownPart(district).units.find(({ unit }) => unit === a.unit)!;
const theirs = (): DirectoryUnit => ownPart(province).units.find(({ unit }) => unit === victim.unit)!;

t.test('a hub adds units of its own', async (t) => {
  t.equal(offered(signedByDistrict(() => ({}))).parts.length, 1);
});

t.test(
  'a hub that lists a unit, a code or a key of another hub is refused with its whole part',
  async (t) => {
    const units = (added: DirectoryUnit) => (part: DirectoryPart) => ({ units: [...part.units, added] });
    const newUnit = { ...mine(), unit: 'u0000000000000000', aliases: [], sealCertificates: [] };
    for (const [what, added] of [
      ['unit', { ...theirs(), sealCertificates: mine().sealCertificates }],
      ['code', { ...newUnit, aliases: theirs().aliases }],
      ['key', { ...newUnit, sealCertificates: theirs().sealCertificates }],
    ] as const) {
      const { parts, refused } = offered(signedByDistrict(units(added)));
      t.equal(parts.length, 0, what);
      t.equal(refused[0]?.code, 'statement-mismatch', what);
    }
  },
);

t.test('a directory key that has ended signs nothing new, whatever time it gives itself', async (t) => {
  const inTenYears = systemClock.nowMs() + 10 * 365 * 86_400_000;
  const { parts, refused } = offered(
    signedByDistrict(() => ({})),
    inTenYears,
  );
  t.equal(parts.length, 0);
  t.equal(refused[0]?.code, 'certificate-expired');
  const older = offered(signedByDistrict(() => ({ issuedMs: ownPart(district).issuedMs - 1 })));
  t.strictSame(older.refused, [], 'which is newer says the version: a clock that was set right goes on');
});

t.test('a document without its metadata is not accepted from a unit', async (t) => {
  const [document] = prepare(a, [{ to: [b.unit] }]);
  const bare = wrapperCodec.encode({ ...wrapperCodec.decode(document!.wrapper), metadata: null });
  const [result] = await a.link.submit([bare]);
  t.equal(JSON.parse(result!.problem).code, 'metadata-mismatch');
});

t.test('a withdrawn seal', async (t) => {
  const [first, second] = prepare(a, [{ to: [b.unit] }, { to: [b.unit] }]);
  const [accepted] = await a.link.submit([first!.wrapper]);
  t.equal(accepted!.problem, '');
  const item = (await pollOnce(b)).items.find(({ delivery }) => delivery)!.delivery!;
  const beforeMs = systemClock.nowMs();
  const backdated = deliveryReceipt(b, item.wrapper, beforeMs - 60_000);
  for (const unit of [a.unit, b.unit])
    await district.hub.admin.act('certificateRevoke', {
      what: { unit },
      fromMs: systemClock.nowMs(),
      reason: 'stolen',
      nowMs: systemClock.nowMs(),
    } as never);

  t.test('cannot date a receipt before its withdrawal', async (t) => {
    const [result] = await b.link.statements([{ deliveryIds: item.deliveryIds, statement: backdated }]);
    t.equal(JSON.parse(result!.problem).code, 'certificate-revoked');
  });
  t.test('seals nothing new', async (t) => {
    const [result] = await a.link.submit([second!.wrapper]);
    t.equal(JSON.parse(result!.problem).code, 'certificate-revoked');
  });
  t.test('still gets the receipt of what it sent before, by the same bytes', async (t) => {
    const [again] = await a.link.submit([first!.wrapper]);
    t.equal(again!.problem, '');
    t.ok(again!.duplicate);
    t.same(Buffer.from(again!.receipt), Buffer.from(accepted!.receipt));
  });
});

t.test(
  'content that was uploaded and named by no envelope is forgotten in time, and counted until then',
  async (t) => {
    const { store } = district.hub;
    const sha256 = randomBytes(32);
    await store.rememberContent({ unit: b.unit, sha256, length: 1234, nowMs: 1000 });
    t.equal(store.usage(b.unit).unusedBytes, 1234);
    t.same((await store.forgetUnused({ olderThanMs: 999, rowsMax: 10 })).length, 0);
    const forgotten = await store.forgetUnused({ olderThanMs: 1000, rowsMax: 10 });
    t.same(
      forgotten.map((digest) => Buffer.from(digest)),
      [sha256],
    );
    t.notOk(store.knowsContent(b.unit, sha256));
    t.equal(store.usage(b.unit).unusedBytes, 0);
  },
);
