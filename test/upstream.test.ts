// Three hubs under one root in one process: two districts under a province. Documents go up and across, statements come all the way back and
// verify, content goes up once, and nothing goes up that can be delivered below. Hubs only dial up; nodes are bare exchange clients.
import { hash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { exchangeClientOptions } from '../certs/listen.ts';
import { createSigners } from '../certs/signers.ts';
import { loadHubIdentity } from '../hub/identity.ts';
import { headerCodec, hopCodec, signedStatementCodec, wrapperCodec } from '../protocol/codec.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { newUnitId } from '../protocol/ids.ts';
import { limits } from '../protocol/limits.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { createHttpClient } from '../protocol/node/http-client.ts';
import { createHubLink } from '../protocol/node/hub-link.ts';
import { loggerOver } from '../protocol/node/logger.ts';
import { uploadPart } from '../protocol/node/transfer.ts';
import { fromProblem } from '../protocol/problem.ts';
import { envelopeDigest } from '../protocol/seal.ts';
import { signOne } from '../protocol/signature.ts';
import { events, openStatementSync, outcomes } from '../protocol/statement.ts';
import type { Signed } from '../protocol/wire.ts';
import {
  type BareNode,
  bareNode,
  type Draft,
  deliveryReceipt,
  hang,
  type Prepared,
  partOf,
  pointAt,
  pollOnce,
  portOf,
  prepare,
  signingKey,
  startTestHub,
  type TestHub,
} from './support/hub.ts';

/** What the province writes into its log, by event. */
const provinceLog: string[] = [];
const province = await startTestHub({
  code: 'H08',
  log: listening(),
  config: { quotaBytesDefault: 11_000_000 },
});
function listening() {
  const write = (line: string) => provinceLog.push((JSON.parse(line) as { event: string }).event);
  return loggerOver({ write }, { level: 'info', clock: systemClock, program: 'test' });
}

const rootDir = join(province.dir, 'root');
const west = await startTestHub({ code: 'H08.35', rootDir });
const east = await startTestHub({ code: 'H08.36', rootDir });
/** Waits for what comes by itself; a test that waits for ever is stopped by tap. */
async function until(found: () => boolean): Promise<void> {
  while (!found()) await systemClock.sleep(5);
}
await hang(west, province);
await hang(east, province);
const [xa, xb] = [await bareNode(west.hub, 'H08.35.01'), await bareNode(west.hub, 'H08.35.02')];
const [ya, yb] = [await bareNode(east.hub, 'H08.36.01'), await bareNode(east.hub, 'H08.36.02')];
const top = await bareNode(province.hub, 'H08.01');
const nodes = [xa, xb, ya, yb, top];
const knows = ({ hub }: TestHub, node: BareNode) =>
  hub.directory.current().unit(node.unit)?.node === node.nodeId;
await until(() => [west, east, province].every((test) => nodes.every((node) => knows(test, node))));

t.teardown(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await Promise.all([west.close(), east.close()]);
  await province.close();
});

async function persistent<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isExchangeError(error) || error.row.retry !== 'later') throw error;
      await systemClock.sleep(10);
    }
  }
}
async function put(node: Pick<BareNode, 'link'>, ...prepared: readonly Pick<Prepared, 'wrapper'>[]) {
  const results = await persistent(() => node.link.submit(prepared.map(({ wrapper }) => wrapper)));
  return results.map(({ receipt, duplicate, problem }) => ({
    receipt,
    duplicate,
    code: problem === '' ? 'none' : fromProblem(400, JSON.parse(problem)).code,
  }));
}
const one = (node: BareNode, draft: Draft): Prepared => prepare(node, [draft])[0]!;
const keyOf = (wrapper: Uint8Array) =>
  envelopeDigest(wrapperCodec.decode(wrapper).envelope!.bytes).toString('hex');

/** Everything that arrives at a node while `more` says so: receipted, acknowledged. */
async function collect(
  node: BareNode,
  enough: (got: { wrappers: Buffer[]; statements: Buffer[] }) => boolean,
  look?: (wrapper: Buffer, ids: readonly number[]) => Promise<void>,
) {
  const got = { wrappers: [] as Buffer[], statements: [] as Buffer[] };
  let taken: number[] = [];
  for (;;) {
    const { items } = await persistent(() => pollOnce(node, { taken }));
    taken = [];
    for (const { delivery, statement } of items) {
      if (statement) {
        taken.push(statement.id);
        got.statements.push(Buffer.from(statement.statement));
      }
      if (!delivery) continue;
      const wrapper = Buffer.from(delivery.wrapper);
      got.wrappers.push(wrapper);
      await look?.(wrapper, delivery.deliveryIds);
      const offer = { deliveryIds: delivery.deliveryIds, statement: deliveryReceipt(node, wrapper) };
      const [result] = await persistent(() => node.link.statements([offer]));
      if (result!.problem !== '') throw new Error(result!.problem);
    }
    if (items.length > 0) continue;
    if (enough(got)) return got;
    await systemClock.sleep(10);
  }
}
const count = ({ hub }: TestHub, sql: string, ...values: (string | Uint8Array)[]) =>
  hub.store.reader.get<{ n: number }>(`SELECT count(*) AS n FROM ${sql}`, ...values)!.n;
const accepted = (test: TestHub, { sealed }: Prepared) =>
  count(test, 'envelopes WHERE digest = ?', sealed.digest);

/** Opens statements as the sender's node does: with nothing but the directory and the root. */
function verified(test: TestHub, statements: readonly Uint8Array[]) {
  const signers = createSigners({
    directory: () => test.hub.directory.current(),
    rootsDer: [test.hub.rootDer],
  });
  return statements.map((bytes) => openStatementSync(bytes, signers.statement).statement);
}

t.test(
  'a document goes to the same district, the province and another district; every statement comes back and verifies',
  async (t) => {
    const document = one(xa, { to: [xb.unit, top.unit, ya.unit, yb.unit, newUnitId(randomBytes(10))] });
    const [{ receipt, code } = { receipt: new Uint8Array(), code: '' }] = await put(xa, document);
    t.equal(code, 'none');
    const receivers = await Promise.all(
      [xb, top, ya, yb].map((node) => collect(node, ({ wrappers }) => wrappers.length > 0)),
    );
    for (const { wrappers } of receivers) t.equal(wrappers.length, 1);
    const hubsPassed = receivers.map(({ wrappers }) =>
      wrapperCodec.decode(wrappers[0]!).hops.map(({ bytes }) => hopCodec.decode(bytes).hub),
    );
    const [w, p, e] = [west.hub.hubId, province.hub.hubId, east.hub.hubId];
    t.strictSame(hubsPassed, [[w], [w, p], [w, p, e], [w, p, e]], 'each hub signs its hop');
    const stated = (bytes: readonly Uint8Array[]) => verified(west, bytes);
    const handedOver = (bytes: readonly Uint8Array[]) =>
      stated(bytes).filter(({ event }) => event === events.ContentHandover).length;
    const { statements } = await collect(xa, ({ statements }) => handedOver(statements) === 4);
    const all = stated([receipt, ...statements]);
    for (const each of all)
      t.strictSame([each.sender, Buffer.compare(each.envelopeDigest, document.sealed.digest)], [xa.unit, 0]);
    const by = (event: number) =>
      all
        .filter((each) => each.event === event)
        .map(({ issuer, results }) => [issuer, results.map(({ index, outcome }) => [index, outcome])]);
    t.strictSame(by(events.SubmissionAcceptance), [
      [
        w,
        [
          [0, 1],
          [1, 1],
          [2, 1],
          [3, 1],
          [4, outcomes.refused],
        ],
      ],
    ]);
    t.strictSame(
      by(events.RelayAcceptance),
      [
        [
          p,
          [
            [1, 1],
            [2, 1],
            [3, 1],
          ],
        ],
        [
          e,
          [
            [2, 1],
            [3, 1],
          ],
        ],
      ],
      'each leg has its receipt',
    );
    t.strictSame(
      new Set(by(events.ContentHandover).map(([issuer]) => issuer)),
      new Set([xb.unit, top.unit, ya.unit, yb.unit]),
    );
    t.equal(
      count(
        province,
        'deliveries d JOIN envelopes e ON e.seq = d.envelope_seq WHERE e.digest = ? AND d.idx = 0',
        document.sealed.digest,
      ),
      0,
      'what is delivered below never goes up',
    );
    for (const test of [west, province, east])
      t.equal(count(test, "deliveries WHERE state NOT IN ('delivered')"), 0, 'settled at every hub');
  },
);

t.test('local first: between communes of one district nothing goes up', async (t) => {
  const before = count(province, 'envelopes');
  const document = one(xb, { to: [xa.unit] });
  await put(xb, document);
  await collect(xa, ({ wrappers }) => wrappers.length === 1);
  await collect(xb, ({ statements }) => statements.length === 1);
  const up = one(xb, { to: [top.unit] });
  await put(xb, up);
  await collect(top, ({ wrappers }) => wrappers.length === 1);
  t.equal(count(province, 'envelopes'), before + 1);
  t.equal(accepted(province, document), 0);
  await collect(xb, ({ statements }) => statements.length === 2);
});

t.test(
  'a refusal by a receiver, a closed unit and a cancelled delivery reach the sender in another district',
  async (t) => {
    const unit = newUnitId(randomBytes(10));
    const nowMs = systemClock.nowMs();
    await east.hub.admin.act('unitAdd', {
      unit,
      name: 'Xã',
      codes: ['H08.36.09'],
      parent: '',
      documentBytesMax: 0,
      nowMs,
    });
    await until(() => west.hub.directory.current().unit(unit) !== undefined);
    t.equal(
      west.hub.directory.current().byCode('h08.36.09', nowMs)?.hub,
      east.hub.hubId,
      'a new unit is known in the other district',
    );
    const first = one(xa, { to: [unit, yb.unit] });
    await put(xa, first);
    await until(() => accepted(east, first) === 1);
    const { ids } = {
      ids: east.hub.store.reader
        .all<{ id: number }>("SELECT id FROM deliveries WHERE state = 'ready' AND unit = ?", yb.unit)
        .map(({ id }) => id),
    };
    const answer = await east.hub.control.inject({
      method: 'POST',
      url: '/admin/v1/cancel',
      payload: { ids },
    });
    t.equal(answer.statusCode, 200);
    const { statements } = await collect(xa, ({ statements }) =>
      verified(west, statements).some(({ results }) =>
        results.some(({ outcome }) => outcome === outcomes.cancelled),
      ),
    );
    const results = verified(west, statements).flatMap(({ issuer, results }) =>
      results.map(({ index, outcome, code }) => [issuer, index, outcome, code]),
    );
    t.match(results, [[province.hub.hubId, 0, outcomes.accepted, '']], 'the province took it');
    t.ok(
      results.some(
        ([issuer, index, outcome, code]) =>
          issuer === east.hub.hubId &&
          index === 0 &&
          outcome === outcomes.refused &&
          code === 'unit-has-no-node',
      ),
    );
    t.ok(
      results.some(
        ([issuer, index, outcome]) =>
          issuer === east.hub.hubId && index === 1 && outcome === outcomes.cancelled,
      ),
    );
    await east.hub.admin.act('unitClose', { unit, nowMs });
    const closed = () => west.hub.directory.current().unit(unit)?.state;
    const stateBefore = closed();
    await until(() => closed() !== stateBefore);
    const { receipt } = (await put(xa, one(xa, { to: [unit] })))[0]!;
    t.equal(
      verified(west, [receipt])[0]!.results[0]?.code,
      'unit-closed',
      'then refused at the first hub already',
    );
  },
);

/** Content at the hub of the sender, as its node would bring it. */
async function uploadFrom(node: BareNode, content: Buffer) {
  const part = partOf(content);
  const leaves: Buffer[] = [];
  for (let at = 0; at < content.length; at += limits.chunkBytes)
    leaves.push(
      hash(
        'sha256',
        Buffer.concat([Buffer.from([0]), content.subarray(at, at + limits.chunkBytes)]),
        'buffer',
      ),
    );
  const { length: lengthBytes, sha256, treeRoot } = part;
  const read = async ({ from, to }: { from: number; to: number }) =>
    (async function* () {
      yield content.subarray(from, to);
    })();
  const source = {
    unit: node.unit,
    lengthBytes,
    sha256,
    treeRoot,
    leaves: async () => Buffer.concat(leaves),
    read,
  };
  await uploadPart(node.link.uploads, source, { clock: systemClock });
  return part;
}
const withoutParts = (document: Prepared) => ({
  ...document,
  wrapper: wrapperCodec.encode({ ...wrapperCodec.decode(document.wrapper), inlineParts: [] }),
});

t.test('a part of 5 MB goes up once, whatever the number of recipients and documents', async (t) => {
  const content = randomBytes(5_000_000);
  const part = await uploadFrom(xa, content);
  const large = () => withoutParts(one(xa, { to: [top.unit, ya.unit, yb.unit], header: { parts: [part] } }));
  const documents = [large(), large()];
  const uploads = () => provinceLog.filter((event) => event === 'upload.finished').length;
  const before = uploads();
  await put(xa, ...documents);
  const fetch = (node: BareNode) =>
    collect(
      node,
      ({ wrappers }) => wrappers.length === 2,
      async (wrapper, ids) => {
        t.equal(wrapperCodec.decode(wrapper).inlineParts.length, 0);
        const pieces: Uint8Array[] = [];
        for await (const piece of await node.link.downloads.range(String(ids[0]), 0, {
          from: 0,
          to: part.length,
        }))
          pieces.push(piece);
        t.ok(Buffer.concat(pieces).equals(content), 'whole at the receiver');
      },
    );
  await Promise.all([top, ya, yb].map(fetch));
  t.equal(uploads() - before, 1, 'one upload for two documents of three recipients each');
  t.equal(count(east, 'parts WHERE sha256 = ?', part.sha256), 2);
  const done = (statements: readonly Uint8Array[]) =>
    verified(west, statements).filter(({ event }) => event === events.ContentHandover).length;
  await collect(xa, ({ statements }) => done(statements) === 6);
});

t.test('content that cannot go up does not hold up the documents behind it', async (t) => {
  // Over the quota of this sender at the province, which is a temporary refusal.
  const part = await uploadFrom(xa, randomBytes(12_000_000));
  const large = withoutParts(one(xa, { to: [ya.unit], header: { parts: [part] } }));
  const small = one(xa, { to: [ya.unit] });
  await put(xa, large);
  await put(xa, small);
  const { wrappers } = await collect(ya, ({ wrappers }) => wrappers.length > 0);
  t.strictSame(wrappers.map(keyOf), [small.sealed.digest.toString('hex')]);
  t.equal(accepted(province, large), 0);
  const ids = west.hub.store.reader
    .all<{ id: number }>(
      'SELECT d.id FROM deliveries d JOIN envelopes e ON e.seq = d.envelope_seq WHERE e.digest = ?',
      large.sealed.digest,
    )
    .map(({ id }) => id);
  await west.hub.control.inject({ method: 'POST', url: '/admin/v1/cancel', payload: { ids } });
  const cancelled = (statements: readonly Uint8Array[]) =>
    verified(west, statements).some(({ results }) =>
      results.some(({ outcome }) => outcome === outcomes.cancelled),
    );
  const handed = (statements: readonly Uint8Array[]) =>
    verified(west, statements).some(({ event }) => event === events.ContentHandover);
  const { statements } = await collect(xa, ({ statements }) => cancelled(statements) && handed(statements));
  t.ok(statements.length >= 2, 'the sender learns of both');
});

t.test(
  'the same envelope by two ways is delivered once, and a later leg gets a receipt of its own',
  async (t) => {
    const document = one(xa, { to: [ya.unit, yb.unit, top.unit] });
    const leg = (...indexes: number[]) => {
      const wrapper = wrapperCodec.decode(document.wrapper);
      return {
        wrapper: wrapperCodec.encode({
          ...wrapper,
          recipients: wrapper.recipients.filter(({ index }) => indexes.includes(index)),
        }),
      };
    };
    // The hub of the west, by hand: the same peer at the province, without its worker.
    await pointAt(west, {});
    const identity = loadHubIdentity(west.dir, { nowMs: systemClock.nowMs() });
    const client = createHttpClient({
      origin: `https://localhost:${portOf(province)}`,
      tls: exchangeClientOptions(identity.link) as never,
    });
    const link = createHubLink({ client, clock: systemClock });
    const session = async (previous: { instance: number; token: string }) => {
      const ask = {
        previousInstance: previous.instance,
        previousToken: Buffer.from(previous.token, 'base64'),
        software: 'test',
        restoreCount: 0,
        ledgerSeen: 0,
      };
      const opened = await persistent(() => link.session(ask));
      return { instance: opened.instance, token: Buffer.from(opened.token).toString('base64') };
    };
    const fact = () =>
      JSON.parse(west.hub.store.fact('upstreamInstance')!) as { instance: number; token: string };
    const taken = await session(fact());
    const byHand = { link };
    const [first] = await put(byHand, leg(0));
    t.equal(first!.code, 'none');
    t.equal(verified(province, [first!.receipt])[0]!.event, events.RelayAcceptance);
    const [again] = await put(byHand, leg(0));
    t.ok(again!.duplicate && Buffer.compare(again!.receipt, first!.receipt) === 0);
    const [later] = await put(byHand, leg(0, 1));
    t.strictSame(
      verified(province, [later!.receipt])[0]!.results.map(({ index }) => index),
      [1],
      'only what is new',
    );
    const twins = await put(byHand, leg(2), leg(2), leg(0), leg(1));
    t.strictSame(
      twins.map(({ code }) => code),
      ['none', 'none', 'none', 'none'],
    );
    t.ok(
      Buffer.compare(twins[0]!.receipt, twins[1]!.receipt) === 0 &&
        Buffer.compare(twins[3]!.receipt, later!.receipt) === 0,
    );
    const arrived = await Promise.all(
      [ya, yb, top].map((node) => collect(node, ({ wrappers }) => wrappers.length > 0)),
    );
    t.strictSame(
      arrived.map(({ wrappers }) => wrappers.length),
      [1, 1, 1],
    );
    t.equal(accepted(east, document), 1);
    // A unit of the other district, or of the province, is not the west's to speak for.
    const [foreign] = await put(byHand, one(ya, { to: [yb.unit] }));
    t.equal(foreign!.code, 'peer-not-sender');

    const hop = (hub: TestHub, previous: Uint8Array, to: Prepared): Signed => {
      const key = signingKey(loadHubIdentity(hub.dir, { nowMs: systemClock.nowMs() }).keys.receipts);
      const bytes = hopCodec.encode({
        hub: hub.hub.hubId,
        envelopeDigest: to.sealed.digest,
        previous,
        atMs: systemClock.nowMs(),
      });
      return signOne('lienthong/hop/1', bytes, key);
    };
    const withHops = (to: Prepared, hubs: readonly TestHub[]) => {
      const hops: Signed[] = [];
      for (const each of hubs)
        hops.push(
          hop(each, hops.length > 0 ? hash('sha256', hops.at(-1)!.bytes, 'buffer') : Buffer.alloc(0), to),
        );
      return { wrapper: wrapperCodec.encode({ ...wrapperCodec.decode(to.wrapper), hops }) };
    };
    const round = one(xa, { to: [ya.unit] });
    t.equal(
      (await put(byHand, withHops(round, [west, province, east])))[0]!.code,
      'route-loop',
      'what passed here comes no second time',
    );
    t.equal(
      (
        await put(
          byHand,
          withHops(
            round,
            Array.from({ length: 8 }, () => west),
          ),
        )
      )[0]!.code,
      'route-too-long',
    );
    const home = one(xa, { to: [xb.unit] });
    const [back] = await put(byHand, withHops(home, [west]));
    t.strictSame(
      verified(province, [back!.receipt])[0]!.results.map(({ code }) => code),
      ['route-none'],
      'nothing goes back to where it came from',
    );
    t.equal(verified(province, [back!.receipt])[0]!.event, events.RelayRejection);

    // Its statements wait at the province for the west and are handed to its worker, which knows nothing of the envelope and raises an alarm.
    await link.goodbye();
    await client.close();
    await west.hub.store.admin('factSet', { name: 'upstreamInstance', value: JSON.stringify(taken) });
    await pointAt(west, { hubId: province.hub.hubId, url: `https://localhost:${portOf(province)}` });
    const after = one(xa, { to: [ya.unit] });
    await put(xa, after);
    await collect(ya, ({ wrappers }) =>
      wrappers.some((wrapper) => keyOf(wrapper) === after.sealed.digest.toString('hex')),
    );
    await collect(xa, ({ statements }) =>
      verified(west, statements).some(({ event }) => event === events.ContentHandover),
    );
  },
);

t.test(
  'while the province is away the district works on, and what is for others goes when it is back',
  async (t) => {
    await province.hub.close();
    await province.hub.close();
    const [local, far] = [one(xa, { to: [xb.unit] }), one(xa, { to: [ya.unit, xb.unit] })];
    const receipts = await put(xa, local, far);
    t.strictSame(
      receipts.map(({ code }) => code),
      ['none', 'none'],
    );
    await collect(xb, ({ wrappers }) => wrappers.length === 2);
    await until(
      () =>
        west.hub.store.reader.get(
          "SELECT 1 FROM deliveries WHERE peer = ? AND state IN ('ready', 'leased')",
          province.hub.hubId,
        ) !== undefined,
    );
    await province.restart();
    await collect(ya, ({ wrappers }) =>
      wrappers.some((wrapper) => keyOf(wrapper) === far.sealed.digest.toString('hex')),
    );
    const { statements } = await collect(
      xa,
      ({ statements }) =>
        verified(west, statements).filter(({ event }) => event === events.ContentHandover).length === 3,
    );
    t.ok(verified(west, statements).some(({ issuer }) => issuer === ya.unit));
  },
);

t.test(
  'through restarts of every hub in the middle each document arrives and each receipt comes back',
  async (t) => {
    const documents = Array.from({ length: 30 }, () => one(xa, { to: [yb.unit, top.unit] }));
    let sent = 0;
    const sender = async () => {
      for (const each of documents) {
        t.equal((await put(xa, each))[0]!.code, 'none');
        sent += 1;
      }
    };
    const restarts = async () => {
      for (const [i, each] of [west, east, province, west].entries()) {
        await until(() => sent >= 3 + i * 6);
        await each.restart();
      }
    };
    const distinct = (wrappers: readonly Buffer[]) => new Set(wrappers.map(keyOf)).size;
    const handed = (statements: readonly Uint8Array[]) =>
      new Set(
        verified(west, statements)
          .filter(({ event }) => event === events.ContentHandover)
          .map(({ issuer, envelopeId }) => `${issuer} ${Buffer.from(envelopeId).toString('hex')}`),
      ).size;
    const [, , atYb, atTop, back] = await Promise.all([
      sender(),
      restarts(),
      collect(yb, ({ wrappers }) => distinct(wrappers) === documents.length),
      collect(top, ({ wrappers }) => distinct(wrappers) === documents.length),
      collect(xa, ({ statements }) => handed(statements) === 2 * documents.length),
    ]);
    t.equal(distinct(atYb.wrappers) + distinct(atTop.wrappers), 60);
    t.equal(handed(back.statements), 60, 'the sender knows of every hand-over');
    for (const each of documents) {
      const header = headerCodec.decode(each.sealed.headerBytes);
      t.equal(count(province, 'envelopes WHERE envelope_id = ?', header.envelopeId), 1);
    }
    for (const test of [west, province, east]) {
      const digests = documents.map(({ sealed }) => sealed.digest);
      const open = digests.filter(
        (digest) =>
          count(
            test,
            "deliveries d JOIN envelopes e ON e.seq = d.envelope_seq WHERE e.digest = ? AND d.state <> 'delivered'",
            digest,
          ) > 0,
      );
      t.equal(open.length, 0, 'settled at every hub');
      const alarmed = test.hub.store.reader.all<{ code: string }>(
        "SELECT code, about, said, count FROM alarms WHERE code LIKE 'node-instance%' OR code LIKE 'duplicate%'",
      );
      t.strictSame(alarmed, [], 'a restart is no alarm');
    }
    t.ok(signedStatementCodec.decode(back.statements[0]!).signature);
  },
);
