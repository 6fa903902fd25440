// The contract of HubStore, over real SQLite in a writer thread. Every test sees only the interface and the few figures of `StoreUnderTest`,
// so a twin on PostgreSQL runs the same suite with a factory of its own.
import { createPublicKey, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { generateKey, keyPem } from '../certs/keys.ts';
import { chainHash, chainStart } from '../hub/store/ledger.ts';
import { migrations } from '../hub/store/migrations.ts';
import { type HubStore, sqliteHubStore } from '../hub/store/store.ts';
import type { AcceptArgs, Claimed, SettleArgs, WriterContext } from '../hub/store/types.ts';
import { signedStatementCodec } from '../protocol/codec.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { newHubId } from '../protocol/ids.ts';
import { migrate, openDatabase } from '../protocol/node/sqlite.ts';
import { startWriter } from '../protocol/node/writer.ts';
import { createVerifier } from '../protocol/signature.ts';
import { events, openStatement, outcomes, parseStatement } from '../protocol/statement.ts';

type LedgerRow = { sequence: number; leaf: Uint8Array; chain: Uint8Array; kind: string };
type StoreUnderTest = {
  readonly store: HubStore;
  readonly hubId: string;
  readonly receiptsKey: ReturnType<typeof generateKey>;
  /** The same data again, as after a restart. */
  restart(): Promise<void>;
  ledger(): LedgerRow[];
  /** Per envelope: what it says is open, and what is. */
  counts(): { seq: number; said: number; open: number; closed: number; bytes: number; sender: string }[];
  usage(unit: string): { bytes: number; envelopes: number };
  state(id: number): string;
  alarmCount(code: string): number;
  ids(envelopeId: Uint8Array): number[];
};
type StoreFactory = (t: Test, options?: { quotaBytes?: number }) => Promise<StoreUnderTest>;

const sqlite: StoreFactory = async (t, { quotaBytes = 0 } = {}) => {
  const dir = join(t.testdir(), 'store');
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'hub.sqlite');
  const db = openDatabase(path, { create: true });
  migrate(db, migrations);
  db.close();
  const receiptsKey = generateKey();
  const hubId = newHubId(randomBytes(10));
  const context: WriterContext = {
    hubId,
    receiptsKeyPem: keyPem(receiptsKey),
    receiptsKeyId: receiptsKey.keyId,
    directoryKeyPem: keyPem(receiptsKey),
    directoryKeyId: receiptsKey.keyId,
    directoryDays: 30,
    quotaBytesDefault: quotaBytes,
  };
  const operations = new URL('../hub/store/writer-ops.ts', import.meta.url);
  const open = async () =>
    sqliteHubStore(
      (await startWriter({ path, operations, context })) as never,
      openDatabase(path, { readOnly: true }),
    );
  const made = { store: await open(), hubId, receiptsKey };
  t.teardown(() => made.store.close());
  const rows = <Row>(sql: string, ...values: (string | number | Uint8Array)[]) =>
    made.store.reader.all<Row>(sql, ...values);
  const under: StoreUnderTest = Object.assign(made, {
    async restart() {
      await made.store.close();
      made.store = await open();
    },
    ledger: () => rows<LedgerRow>('SELECT sequence, leaf, chain, kind FROM ledger ORDER BY sequence'),
    counts: () =>
      rows<ReturnType<StoreUnderTest['counts']>[number]>(
        `SELECT e.seq, e.open_deliveries AS said, e.closed_ms IS NOT NULL AS closed, e.bytes, e.sender, (SELECT count(*) FROM deliveries d
           WHERE d.envelope_seq = e.seq AND d.state IN ('ready','deferred','leased','held','relayed')) AS open FROM envelopes e`,
      ),
    usage(unit: string) {
      const [row] = rows<{ bytes: number; envelopes: number }>(
        'SELECT open_bytes AS bytes, open_envelopes AS envelopes FROM unit_usage WHERE unit = ?',
        unit,
      );
      return { bytes: row?.bytes ?? 0, envelopes: row?.envelopes ?? 0 };
    },
    state: (id: number) =>
      rows<{ state: string }>('SELECT state FROM deliveries WHERE id = ?', id)[0]?.state ?? 'none',
    alarmCount: (code: string) =>
      rows<{ count: number }>('SELECT count FROM alarms WHERE code = ?', code)[0]?.count ?? 0,
    ids: (envelopeId: Uint8Array) =>
      rows<{ id: number }>(
        'SELECT d.id FROM deliveries d JOIN envelopes e ON e.seq = d.envelope_seq WHERE e.envelope_id = ? ORDER BY d.idx',
        envelopeId,
      ).map(({ id }) => id),
  });
  return under;
};

const start = 1_800_000_000_000;
const day = 86_400_000;
type Leg = {
  readonly unit: string;
  readonly peer: string;
  readonly index?: number;
  readonly outcome?: number;
};

function envelope(given: Partial<AcceptArgs> & { to?: readonly Leg[] } = {}): AcceptArgs {
  const { to = [{ unit: 'unit-b', peer: 'node-b' }], ...rest } = given;
  return {
    peer: 'node-a',
    fromHub: false,
    envelopeId: randomBytes(16),
    documentId: randomBytes(16),
    sender: 'unit-a',
    digest: randomBytes(32),
    signed: randomBytes(80),
    hops: new Uint8Array(),
    previousHopDigest: new Uint8Array(),
    salt: randomBytes(32),
    metadata: randomBytes(40),
    kind: 1,
    urgency: 0,
    deliverByMs: start + 30 * day,
    parts: [
      {
        index: 0,
        length: 5,
        sha256: randomBytes(32),
        treeRoot: randomBytes(32),
        content: Buffer.from('hello'),
      },
    ],
    deliveries: legs(to),
    directoryVersion: 1,
    revocationNumber: 0,
    statementId: randomBytes(16),
    bytes: 100,
    nowMs: start,
    ...rest,
  };
}
const legs = (to: readonly Leg[]) =>
  to.map(({ unit, peer, index, outcome = outcomes.accepted }, i) => ({
    index: index ?? i,
    unit,
    peer: outcome === outcomes.refused ? '' : peer,
    outcome,
    code: outcome === outcomes.refused ? 'unit-closed' : '',
  }));

function statementOf(e: AcceptArgs, index = 0, given: Partial<SettleArgs> = {}): SettleArgs {
  const { unit, peer } = e.deliveries.find((each) => each.index === index)!;
  const inner = randomBytes(60);
  return {
    peer,
    statementId: randomBytes(16),
    event: events.ContentHandover,
    envelopeId: e.envelopeId,
    digest: e.digest,
    sender: e.sender,
    issuer: unit,
    results: [{ index, unit, outcome: outcomes.delivered, code: '' }],
    atMs: start,
    inner,
    bytes: Buffer.concat([inner, randomBytes(20)]),
    nowMs: start,
    ...given,
  };
}
const refusedBy = (e: AcceptArgs, index = 0) => {
  const { unit } = e.deliveries.find((each) => each.index === index)!;
  return statementOf(e, index, {
    event: events.ConsignmentRejection,
    results: [{ index, unit, outcome: outcomes.refused, code: 'unit-closed' }],
  });
};
const claimOf = (peer: string, given: Partial<Parameters<HubStore['claim']>[0]> = {}) => ({
  peer,
  instance: 1,
  itemsMax: 128,
  bytesMax: 4_000_000,
  nowMs: start,
  leaseMs: 120_000,
  ...given,
});
const idsOf = ({ deliveries }: Claimed) => deliveries.flatMap(({ ids }) => ids);
const parsed = (bytes: Uint8Array) => parseStatement(signedStatementCodec.decode(bytes)).statement;
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (isExchangeError(error)) return error.code;
    throw error;
  }
}

function assertLedger(t: Test, { ledger }: StoreUnderTest): void {
  let chain: Uint8Array = chainStart;
  for (const [i, row] of ledger().entries()) {
    if (row.sequence !== i + 1) t.fail(`ledger sequence ${row.sequence} at place ${i + 1}`);
    chain = chainHash(chain, row.leaf);
    if (!same(chain, row.chain)) t.fail(`the chain is broken at ${row.sequence}`);
  }
  t.ok(true, 'the ledger is one chain');
}
function assertCounts(t: Test, under: StoreUnderTest): void {
  const waiting = new Map<string, { bytes: number; envelopes: number }>();
  for (const { seq, said, open, closed, bytes, sender } of under.counts()) {
    if (said !== open) t.fail(`envelope ${seq} says ${said} open deliveries and has ${open}`);
    if ((open === 0) !== Boolean(closed)) t.fail(`envelope ${seq} has ${open} open and closed is ${closed}`);
    const sum = waiting.get(sender) ?? { bytes: 0, envelopes: 0 };
    if (open > 0) waiting.set(sender, { bytes: sum.bytes + bytes, envelopes: sum.envelopes + 1 });
    else waiting.set(sender, sum);
  }
  for (const [sender, sum] of waiting) t.strictSame(under.usage(sender), sum, `usage of ${sender}`);
}

export function hubStoreContract(name: string, make: StoreFactory): void {
  t.test(
    `${name}: the same envelope gets the same receipt for ever, other bytes under its id are refused`,
    async (t) => {
      const under = await make(t);
      const e = envelope({
        to: [
          { unit: 'unit-b', peer: 'node-b' },
          { unit: 'unit-c', peer: '', outcome: outcomes.refused },
        ],
      });
      const first = await under.store.accept(e);
      t.strictSame(first.nudge, ['node-b']);
      t.notOk(first.duplicate);
      const { statement } = await openStatement(
        first.receipt,
        () => ({ kind: 'hub', id: under.hubId, publicKey: under.receiptsKey.privateKey as never }),
        { verify: async () => {} },
      );
      t.strictSame(
        statement.results.map(({ outcome }) => outcome),
        [outcomes.accepted, outcomes.refused],
      );
      t.equal(statement.ledgerSequence, 1);
      await under.restart();
      const again = await under.store.accept({
        ...e,
        statementId: randomBytes(16),
        nowMs: start + 400 * day,
      });
      t.ok(again.duplicate);
      t.ok(same(again.receipt, first.receipt), 'byte for byte');
      t.equal(await codeOf(under.store.accept({ ...e, digest: randomBytes(32) })), 'duplicate-conflict');
      t.equal(under.ids(e.envelopeId).length, 1, 'one delivery, whatever came again');
      t.ok(same(under.store.acceptedDigest(e.sender, e.envelopeId)!, e.digest));
      t.equal(under.store.acceptedDigest('unit-z', e.envelopeId), undefined);
      const other = await under.store.accept({ ...e, sender: 'unit-z', digest: randomBytes(32) });
      t.notOk(other.duplicate, 'the id is the sender’s own');
      const all = envelope({ to: [{ unit: 'unit-c', peer: '', outcome: outcomes.refused }] });
      t.equal(parsed((await under.store.accept(all)).receipt).event, events.SubmissionRejection);
      t.equal(
        parsed((await under.store.accept({ ...all, envelopeId: randomBytes(16), fromHub: true })).receipt)
          .event,
        events.RelayRejection,
      );
      assertLedger(t, under);
      assertCounts(t, under);
    },
  );

  t.test(`${name}: twins in one batch are one envelope, a false twin is refused alone`, async (t) => {
    const under = await make(t);
    const e = envelope();
    const good = envelope();
    const [a, b, c, d] = await Promise.allSettled([
      under.store.accept(e),
      under.store.accept({ ...e, statementId: randomBytes(16) }),
      under.store.accept({ ...e, digest: randomBytes(32) }),
      under.store.accept(good),
    ]);
    t.ok(a.status === 'fulfilled' && b.status === 'fulfilled' && same(a.value.receipt, b.value.receipt));
    t.ok(c.status === 'rejected' && isExchangeError(c.reason, 'duplicate-conflict'));
    t.equal(d.status, 'fulfilled');
    t.equal(under.ids(e.envelopeId).length, 1);
    t.equal(under.ledger().length, 2);
    assertLedger(t, under);
    assertCounts(t, under);
  });

  t.test(
    `${name}: recipients that came by no leg before are a later leg with a receipt of its own`,
    async (t) => {
      const under = await make(t);
      const e = envelope({ bytes: 70 });
      const first = await under.store.accept(e);
      await under.store.settle(statementOf(e));
      t.strictSame(under.usage('unit-a'), { bytes: 0, envelopes: 0 });
      const later = { ...e, deliveries: legs([{ unit: 'unit-c', peer: 'node-c', index: 1 }]) };
      // Two copies of the later leg and one of the first in one batch.
      const [x, y, z] = await Promise.all([
        under.store.accept({ ...later, statementId: randomBytes(16) }),
        under.store.accept({ ...later, statementId: randomBytes(16) }),
        under.store.accept(e),
      ]);
      t.ok(same(x!.receipt, y!.receipt), 'one receipt for the later leg');
      t.strictSame(
        parsed(x!.receipt).results.map(({ index }) => index),
        [1],
      );
      t.ok(same(z!.receipt, first.receipt));
      t.ok(same((await under.store.accept(later)).receipt, x!.receipt), 'for ever');
      t.equal(under.ids(e.envelopeId).length, 2);
      t.strictSame(under.usage('unit-a'), { bytes: 70, envelopes: 1 }, 'it waits again');
      const leg = { ...e, envelopeId: randomBytes(16) };
      const [one, two] = await Promise.allSettled([
        under.store.accept(leg),
        under.store.accept({ ...leg, deliveries: later.deliveries, statementId: randomBytes(16) }),
      ]);
      t.equal(one.status, 'fulfilled');
      t.ok(
        two.status === 'rejected' && isExchangeError(two.reason, 'overloaded'),
        'not answered with a receipt that does not name it',
      );
      t.ok(
        (await under.store.accept({ ...leg, deliveries: later.deliveries, statementId: randomBytes(16) }))
          .receipt.length > 0,
      );
      await under.store.settle(statementOf(later, 1));
      assertLedger(t, under);
      assertCounts(t, under);
    },
  );

  t.test(
    `${name}: the quota counts what waits, up and down, also within one batch and for the first document`,
    async (t) => {
      const under = await make(t, { quotaBytes: 250 });
      t.equal(await codeOf(under.store.accept(envelope({ bytes: 251 }))), 'quota-exceeded');
      const some = [envelope(), envelope(), envelope(), envelope()];
      const codes = await Promise.all(some.map((each) => codeOf(under.store.accept(each))));
      t.strictSame(codes.sort(), ['none', 'none', 'quota-exceeded', 'quota-exceeded']);
      t.strictSame(under.usage('unit-a'), { bytes: 200, envelopes: 2 });
      t.equal(
        await codeOf(under.store.accept(envelope({ sender: 'unit-z' }))),
        'none',
        'another unit has its own',
      );
      const taken = some.filter(({ envelopeId }) => under.ids(envelopeId).length > 0);
      t.equal(
        await codeOf(under.store.accept(taken[0]!)),
        'none',
        'a retry of what was accepted is never over the quota',
      );
      await under.store.settle(statementOf(taken[0]!));
      t.equal(await codeOf(under.store.accept(envelope())), 'none');
      assertCounts(t, under);
    },
  );

  t.test(`${name}: content may be absent only if this same unit has uploaded it`, async (t) => {
    const under = await make(t);
    const sha256 = randomBytes(32);
    const e = envelope({
      parts: [{ index: 0, length: 9, sha256, treeRoot: randomBytes(32), content: null }],
    });
    t.equal(await codeOf(under.store.accept(e)), 'part-missing');
    await under.store.rememberContent({ unit: 'unit-z', sha256, length: 9, nowMs: start });
    t.equal(await codeOf(under.store.accept(e)), 'part-missing', 'another unit’s upload is none');
    t.equal(under.ledger().length, 0);
    await under.store.rememberContent({ unit: 'unit-a', sha256, length: 9, nowMs: start });
    await under.store.rememberContent({ unit: 'unit-a', sha256, length: 9, nowMs: start });
    t.equal(await codeOf(under.store.accept(e)), 'none');
    const [id] = under.ids(e.envelopeId);
    t.equal(under.store.deliveredPart('node-b', id!, 0)?.content, null);
    t.equal(under.store.deliveredPart('node-c', id!, 0), undefined, 'of no other peer');
    t.equal(under.store.deliveredPart('node-b', id!, 1), undefined);
    t.equal(under.store.deliveredPart('node-b', Number.NaN, 0), undefined);
  });

  t.test(
    `${name}: urgent goes first, and a thousand documents of one sender do not delay one of another`,
    async (t) => {
      const under = await make(t);
      const flood = Array.from({ length: 1000 }, () => envelope());
      for (let at = 0; at < flood.length; at += 250)
        await Promise.all(flood.slice(at, at + 250).map((each) => under.store.accept(each)));
      await under.store.claim(claimOf('node-b', { itemsMax: 100 }));
      const single = envelope({ sender: 'unit-z' });
      await under.store.accept(single);
      const next = idsOf(await under.store.claim(claimOf('node-b', { itemsMax: 3 })));
      t.ok(next.includes(under.ids(single.envelopeId)[0]!), 'among the next few, not after 900');
      const flash = envelope({ urgency: 4 });
      const urgent = envelope({ urgency: 1 });
      const unheard = envelope({ urgency: 200 });
      for (const each of [urgent, flash, unheard]) await under.store.accept(each);
      const order = idsOf(await under.store.claim(claimOf('node-b', { itemsMax: 4 })));
      t.strictSame(
        order.slice(0, 3),
        [flash, unheard, urgent].flatMap(({ envelopeId }) => under.ids(envelopeId)),
      );
      const seen = new Set([...next, ...order]);
      for (;;) {
        const claimed = await under.store.claim(claimOf('node-b'));
        for (const id of idsOf(claimed)) seen.add(id);
        t.equal(claimed.more, claimed.deliveries.length === 128);
        if (claimed.deliveries.length === 0) break;
      }
      t.equal(seen.size, 904, 'each exactly once');
      await under.restart();
      t.equal((await under.store.claim(claimOf('node-b'))).deliveries.length, 0, 'leases survive a restart');
    },
  );

  t.test(
    `${name}: deliveries of one envelope to units of one peer go out together, within the bytes asked for`,
    async (t) => {
      const under = await make(t);
      const to = ['unit-b', 'unit-c', 'unit-d'].map((unit, i) => ({
        unit,
        peer: i === 1 ? 'node-z' : 'node-b',
      }));
      const e = envelope({ to });
      await under.store.accept(e);
      const { deliveries } = await under.store.claim(claimOf('node-b'));
      t.equal(deliveries.length, 1);
      t.strictSame(deliveries[0]!.recipients, [
        { index: 0, unit: 'unit-b' },
        { index: 2, unit: 'unit-d' },
      ]);
      t.equal(deliveries[0]!.ids.length, 2);
      t.equal(deliveries[0]!.attempt, 1);
      t.ok(same(deliveries[0]!.signed, e.signed));
      const large = Array.from({ length: 3 }, () => envelope({ metadata: randomBytes(60_000) }));
      for (const each of large) await under.store.accept(each);
      const one = await under.store.claim(claimOf('node-b', { bytesMax: 1000 }));
      t.equal(one.deliveries.length, 1, 'the first goes whatever its size');
      t.ok(one.more);
      t.equal((await under.store.claim(claimOf('node-b', { bytesMax: 130_000 }))).deliveries.length, 2);
      for (const each of large)
        await under.store.settle(statementOf(each, 0, { bytes: randomBytes(60_000) }));
      const statements = await under.store.claim(claimOf('node-a', { bytesMax: 130_000 }));
      t.equal(statements.statements.length, 2, 'statements are bounded by bytes as well');
      const told = () =>
        under.store.reader.all<{ about: string }>(
          "SELECT about FROM alarms WHERE code = 'statement-not-taken'",
        );
      for (let offer = 2; offer <= 60; offer++) {
        t.strictSame(told(), []);
        await under.store.endLeases({ peer: 'node-a' });
        await under.store.claim(claimOf('node-a', { bytesMax: 130_000 }));
      }
      t.equal(told().length, 2, 'what a peer never takes is an alarm');
    },
  );

  t.test(
    `${name}: deferred comes back at its time, released at once, and leases end, go on and run out`,
    async (t) => {
      const under = await make(t);
      const e = envelope();
      await under.store.accept(e);
      const [id] = under.ids(e.envelopeId) as [number];
      const claim = async (nowMs = start) => idsOf(await under.store.claim(claimOf('node-b', { nowMs })));
      t.strictSame(await claim(), [id]);
      await under.store.defer({ peer: 'node-x', ids: [id], code: 'disk-nearly-full', retryAtMs: start + 10 });
      t.equal(under.state(id), 'leased', 'only its own peer defers');
      await under.store.defer({ peer: 'node-b', ids: [id], code: 'disk-nearly-full', retryAtMs: start + 10 });
      t.strictSame(await claim(start + 9), []);
      t.strictSame(await claim(start + 10), [id]);
      await under.store.release({ peer: 'node-b', ids: [id], statementIds: [] });
      const { deliveries } = await under.store.claim(claimOf('node-b'));
      t.equal(deliveries[0]?.attempt, 2, 'an answer that never left is no attempt');
      t.ok(await under.store.extendLease({ id, nowMs: start + 100_000, leaseMs: 120_000 }));
      t.strictSame(
        await under.store.sweepLeases({ nowMs: start + 121_000, rowsMax: 10, attemptsMax: 30 }),
        [],
      );
      t.strictSame(await under.store.sweepLeases({ nowMs: start + 220_000, rowsMax: 10, attemptsMax: 30 }), [
        'node-b',
      ]);
      t.notOk(
        await under.store.extendLease({ id, nowMs: start, leaseMs: 1 }),
        'what is not leased is not extended',
      );
      await claim();
      await under.store.endLeases({ peer: 'node-b' });
      for (let attempt = 0; attempt < 30; attempt++) {
        if ((await claim()).length === 0) break;
        await under.store.sweepLeases({ nowMs: start + day, rowsMax: 10, attemptsMax: 30 });
      }
      t.equal(under.state(id), 'held', 'poison is set aside for a person');
      t.strictSame(await claim(start + day), []);
      t.strictSame(await under.store.redrive({ ids: [id], nowMs: start }), ['node-b']);
      t.strictSame(await claim(), [id]);
      assertCounts(t, under);
    },
  );

  t.test(
    `${name}: what becomes of a later leg goes back to the peer that brought that leg, of the first to its own`,
    async (t) => {
      const under = await make(t);
      const e = envelope({});
      await under.store.accept(e);
      const deliveries = legs([{ unit: 'unit-c', peer: 'node-c', index: 1 }]);
      const later = { ...e, peer: 'hub-z', fromHub: true, deliveries, statementId: randomBytes(16) };
      await under.store.accept(later);
      t.strictSame((await under.store.settle(statementOf(later, 1))).nudge, ['hub-z']);
      t.strictSame((await under.store.settle(statementOf(e))).nudge, ['node-a']);
      t.equal((await under.store.claim(claimOf('hub-z'))).statements.length, 1);
      t.equal((await under.store.claim(claimOf('node-a'))).statements.length, 1);
    },
  );

  t.test(
    `${name}: a receipt is taken whatever became of the lease, once, and only from its peer about its bytes`,
    async (t) => {
      const under = await make(t);
      const e = envelope({
        to: [
          { unit: 'unit-b', peer: 'node-b' },
          { unit: 'unit-c', peer: 'node-c' },
        ],
      });
      await under.store.accept(e);
      const [b, c] = under.ids(e.envelopeId) as [number, number];
      const receipt = statementOf(e);
      t.equal(await codeOf(under.store.settle({ ...receipt, peer: 'node-c' })), 'peer-not-recipient');
      t.equal(
        await codeOf(under.store.settle({ ...receipt, digest: randomBytes(32) })),
        'statement-mismatch',
      );
      t.equal(
        await codeOf(under.store.settle({ ...receipt, envelopeId: randomBytes(16) })),
        'statement-unknown-envelope',
      );
      t.equal(
        await codeOf(under.store.settle({ ...receipt, sender: 'unit-z' })),
        'statement-unknown-envelope',
      );
      t.equal(
        await codeOf(under.store.settle({ ...receipt, results: [{ ...receipt.results[0]!, index: 7 }] })),
        'peer-not-recipient',
      );
      t.equal(under.state(b), 'ready');
      await under.store.claim(claimOf('node-b'));
      // A restart of the node, a goodbye, or a lease that ran out: the row is ready again when its receipt comes.
      await under.store.endLeases({ peer: 'node-b' });
      const [one, two] = await Promise.all([under.store.settle(receipt), under.store.settle(receipt)]);
      t.strictSame([one!.duplicate, two!.duplicate], [false, true]);
      t.strictSame(one!.nudge, ['node-a']);
      t.equal(under.state(b), 'delivered');
      t.strictSame(idsOf(await under.store.claim(claimOf('node-b'))), [], 'not handed out again');
      t.equal(under.state(c), 'ready', 'others are not touched');
      const { statements } = await under.store.claim(claimOf('node-a'));
      t.equal(statements.length, 1, 'it goes on once');
      t.ok(same(statements[0]!.bytes, receipt.bytes), 'as it was signed');
      t.strictSame((await under.store.claim(claimOf('node-a'))).statements, [], 'under a lease');
      await under.store.taken({ peer: 'node-b', ids: [statements[0]!.id], nowMs: start });
      await under.store.sweepLeases({ nowMs: start + day, rowsMax: 10, attemptsMax: 30 });
      t.equal(
        (await under.store.claim(claimOf('node-a'))).statements.length,
        1,
        'a stranger’s word acknowledges nothing',
      );
      await under.store.endLeases({ peer: 'node-a' });
      const taken = [statements[0]!.id];
      await under.store.claim(claimOf('node-b', { taken }));
      t.strictSame(
        (await under.store.claim(claimOf('node-a', { taken }))).statements,
        [],
        'what is acknowledged with a claim is not in its answer',
      );
      await under.store.sweepLeases({ nowMs: start + day, rowsMax: 10, attemptsMax: 30 });
      t.strictSame((await under.store.claim(claimOf('node-a'))).statements, []);
      await under.store.settle(refusedBy(e, 1));
      t.equal(under.state(c), 'refused');
      assertLedger(t, under);
      assertCounts(t, under);
    },
  );

  t.test(
    `${name}: what ends without a hand-over ends in a signed notice, and a late receipt wins`,
    async (t) => {
      const under = await make(t);
      const notices = async () => {
        const { statements } = await under.store.claim(claimOf('node-a'));
        await under.store.taken({ peer: 'node-a', ids: statements.map(({ id }) => id), nowMs: start });
        return statements.map(({ bytes }) => bytes);
      };
      const e = envelope({
        deliverByMs: start + 1000,
        to: [
          { unit: 'unit-b', peer: 'node-b' },
          { unit: 'unit-c', peer: 'node-b' },
        ],
      });
      await under.store.accept(e);
      const [b, c] = under.ids(e.envelopeId) as [number, number];
      const at = { nowMs: start + 1000, rowsMax: 10 };
      t.strictSame(await under.store.expire({ ...at, nowMs: start + 999 }), []);
      await under.store.claim(claimOf('node-b'));
      t.strictSame(await under.store.expire(at), [], 'what is being fetched may still arrive');
      await under.store.endLeases({ peer: 'node-b' });
      t.strictSame(await under.store.expire(at), ['node-a']);
      t.strictSame(await under.store.expire(at), []);
      const [expired, ...none] = await notices();
      t.strictSame(none, []);
      const { issuer, results, event } = parsed(expired!);
      t.strictSame([issuer, event], [under.hubId, events.AcceptanceRejectionExpiry]);
      t.strictSame(
        results.map(({ index, outcome }) => [index, outcome]),
        [
          [0, outcomes.expired],
          [1, outcomes.expired],
        ],
      );
      t.equal(
        await codeOf(
          openStatement(
            expired!,
            () => ({ kind: 'hub', id: under.hubId, publicKey: publicOf(under.receiptsKey) }),
            createVerifier(),
          ),
        ),
        'none',
        'signed by the hub',
      );
      await under.store.settle(statementOf(e));
      t.strictSame([under.state(b), under.state(c)], ['delivered', 'expired']);
      await under.store.settle(refusedBy(e, 1));
      t.equal(under.state(c), 'expired', 'only a hand-over is stronger than the notice');
      await notices();

      const held = envelope();
      await under.store.accept(held);
      const [id] = under.ids(held.envelopeId) as [number];
      t.equal(await under.store.hold({ ids: [id], nowMs: start }), 1);
      t.equal(await under.store.hold({ ids: [id], nowMs: start }), 0);
      t.strictSame(idsOf(await under.store.claim(claimOf('node-b'))), []);
      const twice = await Promise.all([
        under.store.cancel({ ids: [id], nowMs: start }),
        under.store.cancel({ peer: 'node-b', nowMs: start }),
        under.store.expire({ nowMs: start + 90 * day, rowsMax: 10 }),
      ]);
      t.equal(twice.flat().length, 1, 'one of several acts in one batch ends it');
      t.equal((await notices()).length, 1, 'and one notice says so');
      t.equal(under.state(id), 'cancelled');

      const gone = envelope();
      await under.store.accept(gone);
      const [g] = under.ids(gone.envelopeId) as [number];
      await under.store.claim(claimOf('node-b'));
      t.strictSame(await under.store.undeliverable({ ids: [g], code: 'route-loop', nowMs: start }), [
        'node-a',
      ]);
      t.equal(parsed((await notices())[0]!).results[0]?.code, 'route-loop');

      const relayed = envelope({ deliverByMs: start + 1000 });
      await under.store.accept(relayed);
      const [r] = under.ids(relayed.envelopeId) as [number];
      const above = { event: events.RelayAcceptance, issuer: 'hub-p' };
      await under.store.settle(
        statementOf(relayed, 0, {
          ...above,
          results: [{ index: 0, unit: 'unit-b', outcome: outcomes.accepted, code: '' }],
        }),
      );
      t.equal(under.state(r), 'relayed');
      t.strictSame(await under.store.expire(at), [], 'the hub that has it says so first');
      t.strictSame(
        await under.store.expire({ ...at, nowMs: start + 1000 + day }),
        ['node-a'],
        'but silence ends too',
      );
      assertLedger(t, under);
      assertCounts(t, under);
    },
  );

  t.test(`${name}: a settlement and an act of the same batch never both end a delivery`, async (t) => {
    const under = await make(t);
    const e = envelope({ deliverByMs: start + 1 });
    await under.store.accept(e);
    await Promise.all([
      under.store.settle(statementOf(e)),
      under.store.expire({ nowMs: start + 10, rowsMax: 10 }),
      under.store.cancel({ peer: 'node-b', nowMs: start }),
    ]);
    const { statements } = await under.store.claim(claimOf('node-a'));
    t.equal(statements.length, 1, 'only the receipt');
    t.equal(under.ledger().length, 2);
    assertCounts(t, under);
  });

  t.test(`${name}: the ledger stays one chain when operations of the same batch fail`, async (t) => {
    const under = await make(t);
    const e = envelope({
      to: [
        { unit: 'unit-b', peer: 'node-b' },
        { unit: 'unit-c', peer: 'node-b' },
      ],
    });
    await under.store.accept(e);
    const lie = statementOf(e, 0, {
      results: [{ index: 0, unit: 'unit-q', outcome: outcomes.delivered, code: '' }],
      issuer: 'unit-q',
    });
    const halfLie = statementOf(e, 0, {
      issuer: 'unit-b',
      results: [0, 1].map((index) => ({ index, unit: 'unit-b', outcome: outcomes.delivered, code: '' })),
    });
    const outcomesOfBatch = await Promise.allSettled([
      under.store.settle(lie),
      under.store.accept(envelope()),
      under.store.settle(halfLie),
      under.store.refuse({
        peer: 'node-a',
        sender: 'unit-a',
        envelopeId: e.envelopeId,
        digest: e.digest,
        code: 'duplicate-conflict',
        nowMs: start,
      }),
      under.store.settle(lie),
      under.store.accept({ ...e, digest: randomBytes(32) }),
      under.store.admin('noSuchOperation', {}),
      under.store.settle(statementOf(e, 1)),
      under.store.cancel({ ids: [1], nowMs: start }),
    ]);
    t.strictSame(
      outcomesOfBatch.map(({ status }) => status),
      [
        'rejected',
        'fulfilled',
        'rejected',
        'fulfilled',
        'rejected',
        'rejected',
        'rejected',
        'fulfilled',
        'fulfilled',
      ],
    );
    const kinds = under.ledger().map(({ kind }) => kind);
    t.equal(kinds.length, 5, kinds.join(', '));
    t.equal(new Set(under.ledger().map(({ sequence }) => sequence)).size, 5);
    t.strictSame(under.ids(e.envelopeId).map(under.state), ['cancelled', 'delivered']);
    assertLedger(t, under);
    assertCounts(t, under);
    await under.restart();
    await under.store.accept(envelope());
    assertLedger(t, under);
  });

  t.test(
    `${name}: an instance follows its predecessor, a copy does not, a restored store does`,
    async (t) => {
      const under = await make(t);
      const peer = 'hub-below';
      await under.store.admin('peerAddHub', { hubId: peer, nowMs: start });
      const token = () => randomBytes(32);
      const ask = (previousInstance: number, previousToken: Uint8Array, newToken: Uint8Array, more = {}) =>
        under.store.session({
          peer,
          previousInstance,
          previousToken,
          newToken,
          software: 'test',
          restoreCount: 0,
          ledgerSeen: 0,
          live: false,
          nowMs: start,
          ...more,
        });
      const none = new Uint8Array();
      t.equal(
        await codeOf(
          under.store.session({
            peer: 'nobody',
            previousInstance: 0,
            previousToken: none,
            newToken: token(),
            software: '',
            restoreCount: 0,
            ledgerSeen: 0,
            live: false,
            nowMs: start,
          }),
        ),
        'peer-unknown',
      );
      const [lost, first, second, third] = [token(), token(), token(), token()];
      const { instance: i0 } = await ask(0, none, lost);
      const { instance: i1 } = await ask(0, none, first);
      t.ok(i1 > i0, 'a first start whose answer was lost gets a number of its own');
      const { instance: i2 } = await ask(i1, first, second);
      t.equal(await codeOf(ask(0, none, token())), 'node-instance-superseded', 'a wiped store is nobody');
      t.equal(
        await codeOf(ask(i2, randomBytes(32), token())),
        'node-instance-superseded',
        'a guessed token is nobody',
      );
      t.equal(await codeOf(ask(i0, lost, token())), 'node-instance-superseded', 'an old copy is behind');
      t.equal(await codeOf(ask(i2, second, token(), { live: true })), 'node-instance-live');
      t.equal(under.store.instanceOf(peer), i2, 'a refused start changes nothing');
      const { instance: i3 } = await ask(i1, first, third);
      t.ok(i3 > i2, 'the same start again, its answer lost');
      t.equal(
        await codeOf(ask(i2, second, token())),
        'node-instance-superseded',
        'the number that nobody heard of is gone',
      );
      const { instance: i4 } = await ask(i3, third, second);

      // Restored from the time of i1; its first answer is lost too.
      const restored = await ask(i1, first, token(), { restoreCount: 1 });
      t.ok(restored.restored);
      const kept = token();
      const again = await ask(i1, first, kept, { restoreCount: 1 });
      t.ok(again.instance > restored.instance);
      t.equal(
        await codeOf(ask(i4, second, token(), { restoreCount: 0 })),
        'node-instance-superseded',
        'the one before the restore is out',
      );
      t.ok((await ask(again.instance, kept, token(), { restoreCount: 1 })).instance > again.instance);
      t.equal(under.store.instanceOf('nobody'), 0);
    },
  );

  t.test(
    `${name}: a start ends leases, and a restored peer gets again what came after the point it knows`,
    async (t) => {
      const under = await make(t);
      const peer = 'hub-b';
      await under.store.admin('peerAddHub', { hubId: peer, nowMs: start });
      const made = [envelope(), envelope(), envelope()].map((e) => ({
        ...e,
        deliveries: legs([{ unit: 'unit-b', peer }]),
      }));
      for (const each of made) await under.store.accept(each);
      const ids = made.flatMap(({ envelopeId }) => under.ids(envelopeId));
      const session = (
        restoreCount: number,
        ledgerSeen: number,
        previousInstance = 0,
        previousToken: Uint8Array = new Uint8Array(),
      ) =>
        under.store.session({
          peer,
          previousInstance,
          previousToken,
          newToken: Buffer.alloc(32, previousInstance + 1),
          software: '',
          restoreCount,
          ledgerSeen,
          live: false,
          nowMs: start,
        });
      const { instance } = await session(0, 0);
      await under.store.claim(claimOf(peer, { instance, itemsMax: 2 }));
      await session(0, 0, instance, Buffer.alloc(32, 1));
      t.equal(
        (await under.store.claim(claimOf(peer))).deliveries.length,
        3,
        'leases of the start before are over',
      );
      await under.store.settle(statementOf(made[0]!));
      const known = under.ledger().length;
      await under.store.settle(statementOf(made[1]!));
      await session(1, known);
      const again = await under.store.claim(claimOf(peer));
      t.strictSame(
        new Set(idsOf(again)),
        new Set([ids[1], ids[2]]),
        'what it cannot know, and what was never settled',
      );
      t.strictSame((await under.store.claim(claimOf(peer))).deliveries, [], 'once, under a lease');
      const repeat = statementOf(made[1]!);
      await under.store.settle(repeat);
      await under.store.settle(repeat);
      t.strictSame(idsOf(await under.store.claim(claimOf(peer, { nowMs: start + day }))), []);
      t.equal(under.state(ids[1]!), 'delivered');
      assertCounts(t, under);
    },
  );

  t.test(
    `${name}: a peer reads back what it submitted, with everything that was stated about it`,
    async (t) => {
      const under = await make(t);
      const made = Array.from({ length: 5 }, () => envelope());
      for (const each of made) await under.store.accept(each);
      await under.store.accept(envelope({ peer: 'node-z', sender: 'unit-z' }));
      const receipt = statementOf(made[1]!);
      await under.store.settle(receipt);
      const all = under.store.sent('node-a', 0, 100);
      t.strictSame(
        all.map(({ sequence }) => sequence),
        [1, 2, 3, 4, 5],
      );
      t.ok(same(all[1]!.statements[0]!, receipt.bytes));
      t.ok(same(all[0]!.signed, made[0]!.signed));
      t.strictSame(
        under.store.sent('node-a', 2, 2).map(({ sequence }) => sequence),
        [3, 4],
      );
      t.strictSame(under.store.sent('node-b', 0, 100), []);
    },
  );

  t.test(
    `${name}: retention erases what is closed, keeps the evidence, and tells which files nobody needs`,
    async (t) => {
      const under = await make(t);
      const [shared, alone] = [randomBytes(32), randomBytes(32)];
      const part = (sha256: Uint8Array, index = 0) => ({
        index,
        length: 9,
        sha256,
        treeRoot: randomBytes(32),
        content: null,
      });
      for (const sha256 of [shared, alone])
        await under.store.rememberContent({ unit: 'unit-a', sha256, length: 9, nowMs: start });
      const done = envelope({ parts: [part(shared), part(alone, 1)] });
      const open = envelope({ parts: [part(shared)] });
      for (const each of [done, open]) await under.store.accept(each);
      await under.store.settle(statementOf(done));
      const erase = { closedBeforeMs: start + 1, metadata: false, rowsMax: 10 };
      t.equal((await under.store.erase({ ...erase, closedBeforeMs: start - 1 })).erased, 0);
      const { erased, orphans } = await under.store.erase(erase);
      t.equal(erased, 1);
      t.strictSame(
        orphans.map((each) => Buffer.from(each).toString('hex')),
        [alone.toString('hex')],
      );
      t.ok(under.store.contentReferenced(shared));
      t.notOk(under.store.contentReferenced(alone));
      t.notOk(under.store.knowsContent('unit-a', alone), 'who sends it again uploads it again');
      await under.store.rememberContent({ unit: 'unit-z', sha256: alone, length: 9, nowMs: start });
      t.ok(under.store.contentReferenced(alone), 'whoever uploaded it meanwhile counts on the file');
      t.equal((await under.store.erase(erase)).erased, 0);
      t.equal((await under.store.erase({ ...erase, metadata: true })).erased, 1);
      const [row] = under.store.sent('node-a', 0, 1);
      t.strictSame([row!.metadata, row!.salt], [null, null]);
      t.ok(row!.signed.length > 0 && row!.statements.length === 1, 'what was signed stays');
      t.ok((await under.store.accept(done)).duplicate);
      const later = {
        ...done,
        statementId: randomBytes(16),
        deliveries: legs([{ unit: 'unit-c', peer: 'node-c', index: 1 }]),
      };
      t.equal(
        await codeOf(under.store.accept(later)),
        'part-missing',
        'a later leg after erasure must bring the content',
      );
      await under.store.rememberContent({ unit: 'unit-a', sha256: alone, length: 9, nowMs: start });
      t.equal(await codeOf(under.store.accept(later)), 'none');
      t.ok(under.store.deliveredPart('node-c', under.ids(done.envelopeId)[1]!, 1));
      assertCounts(t, under);
    },
  );

  t.test(`${name}: open deliveries go with a unit to its new peer; alarms count`, async (t) => {
    const under = await make(t);
    const made = [envelope(), envelope()];
    for (const each of made) await under.store.accept(each);
    await under.store.claim(claimOf('node-b', { itemsMax: 1 }));
    t.equal(await under.store.reroute({ unit: 'unit-b', peer: 'node-n' }), 2);
    t.strictSame(idsOf(await under.store.claim(claimOf('node-b'))), []);
    t.equal((await under.store.claim(claimOf('node-n'))).deliveries.length, 2);
    t.equal(await codeOf(under.store.settle(statementOf(made[0]!))), 'peer-not-recipient');
    await under.store.settle(statementOf(made[0]!, 0, { peer: 'node-n' }));
    for (let i = 0; i < 3; i++)
      await under.store.alarm({ code: 'route-loop', about: 'x', said: `${i}`, nowMs: start });
    t.equal(under.alarmCount('route-loop'), 3);
    assertCounts(t, under);
  });

  t.test(
    `${name}: after any sequence of operations the counts are those of the rows and the ledger is one chain`,
    async (t) => {
      const under = await make(t);
      await under.store.admin('peerAddHub', { hubId: 'node-b', nowMs: start });
      const peers = ['node-b', 'node-c'] as const;
      const made: AcceptArgs[] = [];
      let nowMs = start;
      const pick = (n: number) => made[n % Math.max(1, made.length)];
      const legsOf = (n: number) =>
        [0, 1, 2].slice(0, 1 + (n % 3)).map((i) => ({
          unit: `unit-${i}`,
          peer: peers[(n + i) % 2]!,
          index: i,
          outcome: (n + i) % 7 === 0 ? outcomes.refused : outcomes.accepted,
        }));
      const idsNow = (e: AcceptArgs | undefined) => (e ? under.ids(e.envelopeId) : []);
      const acts: Record<string, (n: number) => Promise<unknown>> = {
        accept: (n) => {
          const e = envelope({
            to: legsOf(n),
            deliverByMs: nowMs + 1000 * (n % 50),
            nowMs,
            bytes: 1 + (n % 9),
            sender: `sender-${n % 3}`,
          });
          made.push(e);
          return under.store.accept(e);
        },
        again: async (n) => pick(n) && under.store.accept({ ...pick(n)!, statementId: randomBytes(16) }),
        later: async (n) => {
          const e = pick(n);
          return (
            e &&
            under.store.accept({
              ...e,
              statementId: randomBytes(16),
              deliveries: legs(legsOf(n + 5).map((leg) => ({ ...leg, index: leg.index + 3 }))),
            })
          );
        },
        claim: (n) => under.store.claim(claimOf(peers[n % 2]!, { nowMs, itemsMax: 1 + (n % 5) })),
        deliver: async (n) => {
          const e = pick(n);
          const leg = e?.deliveries.filter(({ peer }) => peer !== '')[n % 3];
          return e && leg && under.store.settle({ ...statementOf(e, leg.index), nowMs });
        },
        refuse: async (n) => {
          const e = pick(n);
          const leg = e?.deliveries.filter(({ peer }) => peer !== '')[n % 2];
          return e && leg && under.store.settle({ ...refusedBy(e, leg.index), nowMs });
        },
        relay: async (n) => {
          const e = pick(n);
          const leg = e?.deliveries.filter(({ peer }) => peer !== '')[n % 2];
          const results = leg && [{ index: leg.index, unit: leg.unit, outcome: outcomes.accepted, code: '' }];
          return (
            e &&
            results &&
            under.store.settle({
              ...statementOf(e, leg.index, { results, issuer: 'hub-p', event: events.RelayAcceptance }),
              nowMs,
            })
          );
        },
        defer: (n) =>
          under.store.defer({
            peer: peers[n % 2]!,
            ids: idsNow(pick(n)),
            code: 'overloaded',
            retryAtMs: nowMs + n,
          }),
        release: (n) => under.store.release({ peer: peers[n % 2]!, ids: idsNow(pick(n)), statementIds: [] }),
        endLeases: (n) => under.store.endLeases({ peer: peers[n % 2]! }),
        sweep: (n) =>
          under.store.sweepLeases({ nowMs: nowMs + (n % 2) * 200_000, rowsMax: 50, attemptsMax: 2 }),
        expire: () => under.store.expire({ nowMs, rowsMax: 50 }),
        cancel: (n) => under.store.cancel({ ids: idsNow(pick(n)), nowMs }),
        undeliverable: (n) => under.store.undeliverable({ ids: idsNow(pick(n)), code: 'route-none', nowMs }),
        hold: (n) => under.store.hold({ ids: idsNow(pick(n)), nowMs }),
        redrive: (n) => under.store.redrive({ ids: idsNow(pick(n)), nowMs }),
        reroute: (n) => under.store.reroute({ unit: `unit-${n % 3}`, peer: peers[n % 2]! }),
        erase: () => under.store.erase({ closedBeforeMs: nowMs - 20_000, metadata: true, rowsMax: 5 }),
        restored: (n) =>
          under.store.session({
            peer: 'node-b',
            previousInstance: 1,
            previousToken: randomBytes(32),
            newToken: randomBytes(32),
            software: '',
            restoreCount: nowMs,
            ledgerSeen: n % 40,
            live: false,
            nowMs,
          }),
        time: async (n) => {
          nowMs += n * 40;
        },
      };
      const names = Object.keys(acts);
      const act = fc.record({ name: fc.constantFrom(...names), n: fc.nat(1000) });
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(act, { minLength: 1, maxLength: 8 }), { minLength: 3, maxLength: 12 }),
          async (batches) => {
            // What stands in one array meets in one batch of the writer.
            for (const batch of batches) {
              const ended = await Promise.allSettled(batch.map(({ name, n }) => acts[name]!(n)));
              for (const each of ended)
                if (
                  each.status === 'rejected' &&
                  !(isExchangeError(each.reason) && each.reason.code !== 'internal')
                )
                  throw each.reason;
            }
            for (const { seq, said, open, closed } of under.counts()) {
              if (said !== open) throw new Error(`envelope ${seq} says ${said} and has ${open}`);
              if ((open === 0) !== Boolean(closed))
                throw new Error(`envelope ${seq}: ${open} open, closed ${closed}`);
            }
          },
        ),
        { numRuns: 40, endOnFailure: true },
      );
      assertCounts(t, under);
      assertLedger(t, under);
      const stated = new Map<string, number>();
      for (const { statements, receipt, sequence } of under.store.sent('node-a', 0, 10_000)) {
        t.ok(receipt.length > 0);
        for (const bytes of statements) {
          const draft = noticeOf(bytes);
          if (draft?.issuer !== under.hubId) continue;
          for (const { index } of draft.results) {
            const key = `${sequence} ${index}`;
            stated.set(key, (stated.get(key) ?? 0) + 1);
          }
        }
      }
      t.notOk(
        [...stated.values()].some((n) => n > 1),
        'the hub states once what became of a delivery',
      );
      t.ok(stated.size > 0, `${made.length} envelopes, ${stated.size} ended by notice`);
    },
  );
}

function publicOf({ publicKeyDer }: ReturnType<typeof generateKey>) {
  return createPublicKey({ key: Buffer.from(publicKeyDer), format: 'der', type: 'spki' });
}
/** Receipts of receivers are random bytes in this suite; only the hub's own words can be read. */
function noticeOf(bytes: Uint8Array) {
  try {
    return parsed(bytes);
  } catch (error) {
    if (isExchangeError(error)) return undefined;
    throw error;
  }
}

hubStoreContract('SQLite', sqlite);
