// A hub alone, over real mutual TLS with bare exchange clients: every refusal has its code and leaves nothing behind, nobody learns what is
// not theirs, and what was accepted is delivered whatever happens in between. The hub's links to other hubs are in upstream.test.ts.
import { createPublicKey, hash, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import tls from 'node:tls';
import t from 'tap';
import { createIssuing, createRoot, type Issuer, loadIssuer } from '../certs/ca.ts';
import { generateKey } from '../certs/keys.ts';
import { enrolmentClientOptions, exchangeClientOptions } from '../certs/listen.ts';
import type { LeafRole } from '../certs/profile.ts';
import { loadHubIdentity } from '../hub/identity.ts';
import { instanceHeader, partialUploadType, paths, protobufType } from '../protocol/api.ts';
import {
  headerCodec,
  hopCodec,
  pollResponseCodec,
  signedCodec,
  signedStatementCodec,
  statementCodec,
  submitRequestCodec,
  wrapperCodec,
} from '../protocol/codec.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { newHubId, newNodeId, newUnitId } from '../protocol/ids.ts';
import { limits } from '../protocol/limits.ts';
import { type Clock, manualClock, systemClock } from '../protocol/node/clock.ts';
import { createHttpClient } from '../protocol/node/http-client.ts';
import { createHubLink } from '../protocol/node/hub-link.ts';
import { uploadPart } from '../protocol/node/transfer.ts';
import { fromProblem } from '../protocol/problem.ts';
import { envelopeDigest } from '../protocol/seal.ts';
import { type SigningKey, signMany, signOne, verifySigned } from '../protocol/signature.ts';
import { events, outcomes, parseStatement } from '../protocol/statement.ts';
import type { Header, Signed, Wrapper } from '../protocol/wire.ts';
import { rawFields } from '../protocol/wire-splice.ts';
import {
  type BareNode,
  bareNode,
  type Draft,
  deliveryReceipt,
  enrolBare,
  partOf,
  pollOnce,
  prepare,
  rawRequest,
  signingKey,
  startTestHub,
  type TestHub,
  temporaryDir,
} from './support/hub.ts';
import { eventually } from './support/office.ts';
import { sharedData } from './support/shared-data.ts';

const day = 86_400_000;

/** The wall clock, moved by hand: what a hub of another date would say to the same clients. */
function movedClock(): Clock & { offsetMs: number } {
  const clock = { ...systemClock, offsetMs: 0, nowMs: () => systemClock.nowMs() + clock.offsetMs };
  return clock;
}
const clock = movedClock();
const main = await startTestHub({ clock });
const [a, b, c] = [
  await bareNode(main.hub, 'XA.01'),
  await bareNode(main.hub, 'XA.02'),
  await bareNode(main.hub, 'XA.03'),
];
t.teardown(async () => {
  await Promise.all([a.close(), b.close(), c.close()]);
  await main.close();
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (isExchangeError(error)) return error.code;
    throw error;
  }
}
/** What a node does with a line that breaks: the same bytes once more. */
async function persistent<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isExchangeError(error) || error.row.retry !== 'later') throw error;
      await systemClock.sleep(5);
    }
  }
}

async function submitOne(node: Pick<BareNode, 'link'>, wrapper: Uint8Array) {
  const [result] = await node.link.submit([wrapper]);
  const { receipt, duplicate, problem } = result!;
  const refused = problem === '' ? undefined : fromProblem(400, JSON.parse(problem));
  return { receipt, duplicate, refused, code: refused?.code ?? 'none' };
}
const send = async (node: BareNode, draft: Draft) => submitOne(node, prepare(node, [draft])[0]!.wrapper);
const count = (test: TestHub, table: string) =>
  test.hub.store.reader.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)!.n;
const alarms = (test: TestHub, code: string) =>
  test.hub.store.reader.get<{ n: number | null }>('SELECT sum(count) AS n FROM alarms WHERE code = ?', code)
    ?.n ?? 0;
/** What a refusal must not change. */
const held = (test: TestHub) =>
  ['envelopes', 'deliveries', 'parts', 'statements', 'outgoing'].map((table) => count(test, table)).join(' ');
const parsed = (bytes: Uint8Array) => parseStatement(signedStatementCodec.decode(bytes)).statement;
const rewrap = (wrapper: Uint8Array, change: Partial<Wrapper>) =>
  wrapperCodec.encode({ ...wrapperCodec.decode(wrapper), ...change });

/** Everything that waits for a node, acknowledged and receipted. */
async function drain(node: BareNode): Promise<{ wrappers: Buffer[]; statements: Buffer[] }> {
  const wrappers: Buffer[] = [];
  const statements: Buffer[] = [];
  let taken: number[] = [];
  for (;;) {
    const { items } = await pollOnce(node, { taken });
    if (items.length === 0) return { wrappers, statements };
    taken = items.flatMap(({ statement }) => (statement ? [statement.id] : []));
    for (const { statement } of items) if (statement) statements.push(Buffer.from(statement.statement));
    const deliveries = items.flatMap(({ delivery }) => (delivery ? [delivery] : []));
    wrappers.push(...deliveries.map(({ wrapper }) => Buffer.from(wrapper)));
    const answers = await node.link.statements(
      deliveries.map(({ deliveryIds, wrapper }) => ({
        deliveryIds,
        statement: deliveryReceipt(node, wrapper),
      })),
    );
    for (const { problem } of answers) if (problem !== '') throw new Error(problem);
  }
}
/** A wrapper around a header that no honest sealing would make. */
function craft(
  node: Pick<BareNode, 'unit' | 'sealKey'>,
  change: Partial<Header>,
  options: { to?: readonly string[]; leg?: Wrapper['recipients']; tail?: Uint8Array } = {},
) {
  const [honest] = prepare(node, [{ to: options.to ?? [b.unit] }]);
  const header = headerCodec.decode(honest!.sealed.headerBytes);
  const bytes = Buffer.concat([
    headerCodec.encode({ ...header, envelopeId: randomBytes(16), ...change }),
    options.tail ?? Buffer.alloc(0),
  ]);
  const envelope = signOne('lienthong/header/1', bytes, node.sealKey);
  const recipients = options.leg ?? header.recipients.map(({ unit }, index) => ({ index, unit }));
  return wrapperCodec.encode({ ...wrapperCodec.decode(honest!.wrapper), envelope, recipients });
}
const post = (node: BareNode, path: string, body: Uint8Array) =>
  node.client.requestProtobuf({
    method: 'POST',
    path,
    headers: { [instanceHeader]: String(node.link.instance()) },
    body,
    answerBytesMax: pollResponseCodec.bytesMax,
  });
const exchangePort = (test: TestHub) => test.hub.at.exchange!.port;

t.test('malformed messages are refused by name, at every depth, and leave nothing behind', async (t) => {
  const before = held(main);
  const [good] = prepare(a, [{ to: [b.unit] }]);
  const { wrapper } = good!;
  const signed = rawFields(wrapper, 1)[0]!;
  const field = (number: number, bytes: Uint8Array) =>
    Buffer.concat([Buffer.from([number * 8 + 2, 0x80 | (bytes.length & 0x7f), bytes.length >> 7]), bytes]);
  const hostile: Readonly<Record<string, readonly [Uint8Array, string]>> = {
    truncated: [wrapper.subarray(0, -1), 'envelope-malformed'],
    'with an overlong varint': [
      Buffer.concat([wrapper, Buffer.from([0xfa, 0x80, 0x00, 0x00])]),
      'envelope-malformed',
    ],
    'with the sealed header twice': [Buffer.concat([wrapper, field(1, signed)]), 'envelope-malformed'],
    'with a trailing byte': [Buffer.concat([wrapper, Buffer.from([0])]), 'envelope-malformed'],
    'of ten thousand groups': [Buffer.alloc(10_000, 0x0b), 'envelope-malformed'],
    'with a length beyond its end': [
      Buffer.concat([wrapper, Buffer.from([0x0a, 0xff, 0x7f])]),
      'envelope-malformed',
    ],
    'of another wire type': [Buffer.from([0x08, 0x01]), 'envelope-malformed'],
    empty: [Buffer.alloc(0), 'envelope-malformed'],
    oversized: [Buffer.concat([wrapper, Buffer.alloc(limits.wrapperBytesMax)]), 'envelope-too-large'],
    'without a signature': [
      rewrap(wrapper, { envelope: { ...good!.sealed.signed, signature: null } }),
      'signature-invalid',
    ],
  };
  for (const [name, [bytes, code]] of Object.entries(hostile)) {
    const { refused } = await submitOne(a, bytes);
    t.equal(refused?.code, code, `a wrapper ${name}`);
    t.equal(refused?.row.retry, 'never', `${name}: not to be sent again`);
  }
  const batch = submitRequestCodec.encode({ wrappers: [wrapper] });
  for (const body of [
    batch.subarray(0, -1),
    Buffer.concat([batch, Buffer.from([0])]),
    Buffer.from([0x0a, 0xff]),
    Buffer.alloc(4000, 0x0b),
  ])
    t.equal(await codeOf(post(a, paths.envelopes, body)), 'batch-malformed');
  t.equal(await codeOf(post(a, paths.envelopes, Buffer.alloc(limits.batchBytesMax + 1))), 'batch-too-large');
  t.equal(
    await codeOf(a.link.submit(Array.from({ length: limits.batchItemsMax + 1 }, () => Buffer.alloc(1)))),
    'batch-too-large',
  );
  t.equal(
    await codeOf(
      a.link.defer(
        Array.from({ length: limits.batchItemsMax + 1 }, () => ({
          deliveryIds: [1],
          code: '',
          retryAfterMs: 1,
        })),
      ),
    ),
    'batch-too-large',
  );
  t.equal(held(main), before);
  const mixed = await a.link.submit([hostile.truncated![0], wrapper, hostile.oversized![0].subarray(0, 100)]);
  t.strictSame(
    mixed.map(({ problem }) => problem === ''),
    [false, true, false],
    'a bad one does not refuse its neighbours',
  );
  await drain(b);
  await drain(a);
});

const rawFolder = sharedData('protobuf/raw');
const absent = existsSync(rawFolder)
  ? false
  : `hostile protobuf files are not on this machine (${rawFolder})`;
t.test('hostile protobuf files over the wire get ordinary answers', { skip: absent }, async (t) => {
  const d = await bareNode(main.hub, 'XA.04');
  t.teardown(() => d.close());
  const before = held(main);
  const prototype = Object.getOwnPropertyNames(Object.prototype).join();
  const targets = [paths.session, paths.envelopes, paths.poll, paths.statements, paths.defer, paths.sent];
  let answers = 0;
  for (const name of readdirSync(rawFolder)) {
    const bytes = readFileSync(join(rawFolder, name));
    const wrapped = await codeOf(
      submitOne(a, bytes).then(({ refused }) => {
        if (!refused) throw new Error(name);
        throw refused;
      }),
    );
    if (!/^(envelope|signature|signer|recipients)-/.test(wrapped)) t.fail(`${name} as a wrapper: ${wrapped}`);
    for (const path of targets) {
      const code = await codeOf(post(d, path, bytes));
      // An empty or unknown-field message is a valid one with nothing in it.
      if (!/^(none|batch-|node-instance-superseded|statement-|request-)/.test(code))
        t.fail(`${name} to ${path}: ${code}`);
      answers += 1;
    }
  }
  t.equal(Object.getOwnPropertyNames(Object.prototype).join(), prototype);
  t.equal(held(main), before);
  t.equal((await pollOnce(a)).items.length, 0, `still in order after ${answers} answers`);
});

t.test(
  'only the sealing unit’s own signature in its own context, by its own node, is believed',
  async (t) => {
    const before = held(main);
    const [good] = prepare(a, [{ to: [b.unit] }]);
    const { signed, headerBytes } = good!.sealed;
    const signature = signed.signature!;
    const withSigned = (change: Partial<Signed>) =>
      rewrap(good!.wrapper, { envelope: { ...signed, ...change } });
    const flipped = Buffer.from(signature.value);
    flipped[10]! ^= 1;
    const changed = Buffer.from(headerBytes);
    changed[changed.length - 1]! ^= 1;
    const wrongContext = signOne('lienthong/receipt/1', headerBytes, a.sealKey).signature;
    const many = signMany(
      [
        { type: 'lienthong/header/1', bytes: headerBytes },
        { type: 'lienthong/header/1', bytes: changed },
      ],
      a.sealKey,
    );
    const path = many[0]!.signature!;
    const cases: readonly (readonly [string, Uint8Array, string])[] = [
      [
        'a changed signature',
        withSigned({ signature: { ...signature, value: flipped } }),
        'signature-invalid',
      ],
      ['a changed header', withSigned({ bytes: changed }), 'signature-invalid'],
      [
        'a signature made in the context of receipts',
        withSigned({ signature: wrongContext }),
        'signature-invalid',
      ],
      ['another payload type', withSigned({ type: 'lienthong/receipt/1' }), 'signature-type-mismatch'],
      [
        'an algorithm that is not allowed',
        withSigned({ signature: { ...signature, algorithm: 3 } }),
        'signature-algorithm-refused',
      ],
      [
        'algorithm none',
        withSigned({ signature: { ...signature, algorithm: 0 } }),
        'signature-algorithm-refused',
      ],
      [
        'a short value',
        withSigned({ signature: { ...signature, value: signature.value.subarray(1) } }),
        'signature-invalid',
      ],
      [
        'a path of another leaf',
        withSigned({ signature: { ...path, merkle: { ...path.merkle!, index: 1 } } }),
        'signature-invalid',
      ],
      [
        'a path that is too short',
        withSigned({ signature: { ...path, merkle: { ...path.merkle!, path: [] } } }),
        'merkle-proof-invalid',
      ],
      [
        'an unknown key',
        withSigned({ signature: { ...signature, keyId: randomBytes(32) } }),
        'signer-unknown',
      ],
      [
        'the seal of another unit',
        prepare({ unit: a.unit, sealKey: b.sealKey }, [{ to: [b.unit] }])[0]!.wrapper,
        'signer-not-sender',
      ],
      [
        'a seal by a hub key',
        prepare({ unit: a.unit, sealKey: receiptsKeyOf(main) }, [{ to: [b.unit] }])[0]!.wrapper,
        'certificate-wrong-usage',
      ],
    ];
    for (const [name, wrapper, code] of cases) t.equal((await submitOne(a, wrapper)).code, code, name);
    t.equal((await submitOne(b, good!.wrapper)).code, 'peer-not-sender', 'another node does not bring it');
    t.equal(
      (await submitOne(a, withSigned(many[0]!))).code,
      'none',
      'the same header in a batch signature is good',
    );
    t.equal((await submitOne(b, good!.wrapper)).code, 'peer-not-sender', 'nor a second time');
    t.not(held(main), before);
    await drain(b);
    await drain(a);
  },
);

function receiptsKeyOf({ dir }: TestHub): SigningKey {
  return signingKey(loadHubIdentity(dir, { nowMs: systemClock.nowMs() }).keys.receipts);
}

t.test('recipients are the signed ones, each once, at least one, at most 1,024', async (t) => {
  const before = held(main);
  const [good] = prepare(a, [{ to: [b.unit, c.unit] }]);
  const leg = (...recipients: Wrapper['recipients']) => rewrap(good!.wrapper, { recipients });
  const unit = (n: number) => newUnitId(hash('sha256', `unit ${n}`, 'buffer').subarray(0, 10));
  const recipientOf = (id: string) => ({ unit: id, desk: '', group: '', groupDirectoryVersion: 0 });
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['a leg without recipients', leg(), 'recipients-none'],
    ['an index outside', leg({ index: 2, unit: b.unit }), 'wrapper-recipient-unsigned'],
    ['another unit under a signed index', leg({ index: 0, unit: a.unit }), 'wrapper-recipient-unsigned'],
    [
      'the units of two indexes exchanged',
      leg({ index: 0, unit: c.unit }, { index: 1, unit: b.unit }),
      'wrapper-recipient-unsigned',
    ],
    ['one index twice', leg({ index: 0, unit: b.unit }, { index: 0, unit: b.unit }), 'recipients-repeated'],
    [
      'more than signed',
      leg({ index: 0, unit: b.unit }, { index: 1, unit: c.unit }, { index: 0, unit: b.unit }),
      'wrapper-recipient-unsigned',
    ],
    ['what is no unit', leg({ index: 0, unit: '' }), 'wrapper-recipient-unsigned'],
    [
      'no signed recipient',
      craft(a, { recipients: [] }, { leg: [{ index: 0, unit: b.unit }] }),
      'recipients-none',
    ],
    [
      'a signed recipient twice',
      craft(a, { recipients: [recipientOf(b.unit), recipientOf(b.unit)] }),
      'recipients-repeated',
    ],
    [
      '1,025 signed recipients',
      craft(a, { recipients: Array.from({ length: 1025 }, (_, n) => recipientOf(unit(n))) }),
      'recipients-too-many',
    ],
  ];
  for (const [name, wrapper, code] of cases) t.equal((await submitOne(a, wrapper)).code, code, name);
  t.equal(held(main), before);
  const many = Array.from({ length: 1024 }, (_, n) => (n === 500 ? b.unit : unit(n)));
  const all = await send(a, { to: many });
  t.equal(all.code, 'none', '1,024 are taken');
  t.strictSame(
    parsed(all.receipt)
      .results.filter(({ outcome }) => outcome === outcomes.accepted)
      .map(({ index }) => index),
    [500],
  );
  t.equal((await drain(b)).wrappers.length, 1);
  await drain(a);
});

t.test('metadata, digests, chunk trees and lengths must be those that were sealed', async (t) => {
  const before = held(main);
  const content = Buffer.from('nội dung');
  const [good] = prepare(a, [{ to: [b.unit], parts: [{ name: 'a.txt', content }] }]);
  const block = wrapperCodec.decode(good!.wrapper).metadata!;
  const flip = (bytes: Uint8Array) => Buffer.from(bytes.map((byte, i) => (i === 3 ? byte ^ 1 : byte)));
  const part = partOf(content);
  const sealedPart = (change: object) =>
    rewrap(craft(a, { parts: [{ ...part, ...change }] }), { inlineParts: [{ index: 0, content }] });
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    [
      'another metadata block',
      rewrap(good!.wrapper, { metadata: { ...block, block: flip(block.block) } }),
      'metadata-mismatch',
    ],
    [
      'another salt',
      rewrap(good!.wrapper, { metadata: { ...block, salt: flip(block.salt) } }),
      'metadata-mismatch',
    ],
    [
      'a short salt',
      rewrap(good!.wrapper, { metadata: { ...block, salt: block.salt.subarray(1) } }),
      'metadata-mismatch',
    ],
    [
      'a longer block',
      rewrap(good!.wrapper, {
        metadata: { ...block, block: Buffer.concat([block.block, Buffer.from([0])]) },
      }),
      'metadata-mismatch',
    ],
    [
      'other content',
      rewrap(good!.wrapper, { inlineParts: [{ index: 0, content: flip(content) }] }),
      'part-mismatch',
    ],
    [
      'shorter content',
      rewrap(good!.wrapper, { inlineParts: [{ index: 0, content: content.subarray(1) }] }),
      'part-mismatch',
    ],
    ['another digest', sealedPart({ sha256: flip(part.sha256) }), 'part-mismatch'],
    ['another tree', sealedPart({ treeRoot: flip(part.treeRoot) }), 'part-mismatch'],
    ['another length', sealedPart({ length: part.length + 1 }), 'part-mismatch'],
    ['a short digest', sealedPart({ sha256: part.sha256.subarray(1) }), 'digest-malformed'],
    [
      'a part that is not there',
      rewrap(good!.wrapper, { inlineParts: [{ index: 1, content }] }),
      'envelope-malformed',
    ],
    [
      'a part twice',
      rewrap(good!.wrapper, { inlineParts: [0, 0].map((index) => ({ index, content })) }),
      'envelope-malformed',
    ],
    ['no content at all', rewrap(good!.wrapper, { inlineParts: [] }), 'part-missing'],
    [
      'a part over 64 GiB',
      craft(a, { parts: [{ ...part, length: limits.partBytesMax + 1 }] }),
      'part-too-large',
    ],
    ['65 parts', craft(a, { parts: Array.from({ length: 65 }, () => part) }), 'parts-too-many'],
    ['a version that does not exist', craft(a, { version: 2 }), 'envelope-version-unsupported'],
  ];
  for (const [name, wrapper, code] of cases) t.equal((await submitOne(a, wrapper)).code, code, name);
  t.equal(held(main), before);
});

t.test(
  'the same id with other bytes is refused with an alarm, the same bytes get the same receipt even past the deadline',
  async (t) => {
    const nowMs = clock.nowMs();
    const [good] = prepare(a, [{ to: [b.unit] }]);
    const first = await submitOne(a, good!.wrapper);
    t.equal(first.code, 'none');
    const { envelopeId } = headerCodec.decode(good!.sealed.headerBytes);
    const before = alarms(main, 'duplicate-conflict');
    t.equal((await submitOne(a, craft(a, { envelopeId }))).code, 'duplicate-conflict');
    t.equal(alarms(main, 'duplicate-conflict'), before + 1);
    const row = main.hub.store.reader.get<{ code: string }>(
      'SELECT code FROM refusals ORDER BY id DESC LIMIT 1',
    );
    t.equal(row?.code, 'duplicate-conflict', 'the refusal is evidence');
    clock.offsetMs = 2 * day;
    const again = await submitOne(a, good!.wrapper);
    t.ok(Buffer.compare(again.receipt, first.receipt) === 0 && again.duplicate);
    t.equal(
      (await submitOne(a, prepare(a, [{ to: [b.unit] }], nowMs)[0]!.wrapper)).code,
      'envelope-expired',
      'a new one is too late',
    );
    clock.offsetMs = 0;
    await drain(b);
    await drain(a);
    await main.restart();
    const afterRestart = await persistent(() => submitOne(a, good!.wrapper));
    t.ok(Buffer.compare(afterRestart.receipt, first.receipt) === 0, 'also after a restart');
    verifySigned(
      signedStatementCodec.decode(first.receipt),
      ['lienthong/receipt/1'],
      receiptsPublicKey(main),
    );
  },
);

function receiptsPublicKey({ hub }: TestHub) {
  const identity = loadHubIdentity(main.dir, { nowMs: systemClock.nowMs() });
  t.equal(identity.hubId, hub.hubId);
  return createPublicKey({
    key: Buffer.from(identity.keys.receipts.publicKeyDer),
    format: 'der',
    type: 'spki',
  });
}

t.test('a clock ahead is held with a time, a clock behind is never refused', async (t) => {
  const nowMs = systemClock.nowMs();
  const { refused } = await submitOne(a, prepare(a, [{ to: [b.unit] }], nowMs + 10 * 60_000)[0]!.wrapper);
  t.equal(refused?.code, 'envelope-from-future');
  t.equal(refused?.row.retry, 'later');
  t.ok((refused?.retryAfterMs ?? 0) > 0);
  t.equal((await submitOne(a, prepare(a, [{ to: [b.unit] }], nowMs + 4 * 60_000)[0]!.wrapper)).code, 'none');
  const old = prepare(a, [
    { to: [b.unit], header: { createdMs: nowMs - 300 * day, deliverByMs: nowMs + day } },
  ]);
  t.equal((await submitOne(a, old[0]!.wrapper)).code, 'none', 'a box that was offline for most of a year');
  t.equal((await drain(b)).wrappers.length, 2);
  await drain(a);
});

const exchangeRoutes: readonly (readonly [string, string])[] = [
  ...Object.values(paths),
  `${paths.uploads}/${randomUUID()}`,
  `${paths.deliveries}/1/parts/0`,
  `${paths.deliveries}/1/parts/0/leaves`,
  '/',
  '/healthz',
  '/metrics',
  '/admin/v1/units',
  '/v1/nothing',
  `/v1/${'x'.repeat(300)}`,
].flatMap((path) =>
  ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'].map((method) => [method, path] as const),
);

t.test('without a certificate every route and method answers 403 before a body byte is read', async (t) => {
  const secure = { ...enrolmentClientOptions(main.hub.rootDer), host: 'localhost', port: exchangePort(main) };
  const ask = ([method, path]: readonly [string, string]) =>
    new Promise<string>((resolve, reject) => {
      const socket = tls.connect(secure);
      let heard = '';
      socket.on('data', (piece) => {
        heard += piece;
      });
      socket.on('error', reject);
      // A body is announced and never sent: whoever reads it would wait.
      socket.write(
        `${method} ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${protobufType}\r\ncontent-length: 1000000\r\n\r\n`,
      );
      socket.on('close', () => resolve(heard));
    });
  for (let at = 0; at < exchangeRoutes.length; at += 20)
    await Promise.all(
      exchangeRoutes.slice(at, at + 20).map(async (route) => {
        const heard = await ask(route);
        if (!heard.startsWith('HTTP/1.1 403 ')) t.fail(`${route.join(' ')}: ${heard.slice(0, 100)}`);
        if (route[0] !== 'HEAD' && !heard.includes('"code":"certificate-missing"'))
          t.fail(`${route.join(' ')} says no code`);
      }),
    );
  t.ok(exchangeRoutes.length > 100, `${exchangeRoutes.length} routes`);
});

t.test(
  'a certificate of another role, another CA, another time or nobody’s key is refused with its reason',
  async (t) => {
    const identity = loadHubIdentity(main.dir, { nowMs: systemClock.nowMs() });
    const certificate = async (issuer: Issuer, role: LeafRole, subjectId: string) => {
      const key = generateKey();
      const { der } = await issuer.issue({
        role,
        subjectId,
        key: { publicKeyDer: key.publicKeyDer },
        nowMs: systemClock.nowMs(),
      });
      return exchangeClientOptions({
        key,
        certificateDer: der,
        issuingDer: issuer.certificateDer,
        rootDer: identity.rootDer,
      });
    };
    const strangerDir = temporaryDir('stranger');
    await createRoot(join(strangerDir, 'root'), { name: 'Other root', nowMs: systemClock.nowMs() });
    await createIssuing(join(strangerDir, 'root'), join(strangerDir, 'ca'), {
      hubId: identity.hubId,
      hosts: ['localhost'],
      ips: [],
      nowMs: systemClock.nowMs(),
    });
    const stranger = loadIssuer(join(strangerDir, 'ca'), { nowMs: systemClock.nowMs() });
    const other = newHubId(randomBytes(10));
    t.not(other, identity.hubId);
    const cases: readonly (readonly [string, object, string])[] = [
      [
        'a seal certificate',
        await certificate(identity.issuer, 'unit-seal', a.unit),
        'certificate-wrong-usage',
      ],
      [
        'a receipts certificate',
        await certificate(identity.issuer, 'hub-receipts', identity.hubId),
        'certificate-wrong-usage',
      ],
      ['the hub’s own link certificate', exchangeClientOptions(identity.link), 'peer-unknown'],
      [
        'a node that was never enrolled',
        await certificate(identity.issuer, 'node-tls', newNodeId(randomBytes(10))),
        'peer-unknown',
      ],
      [
        'the name of a node with another key',
        await certificate(identity.issuer, 'node-tls', a.nodeId),
        'peer-unknown',
      ],
      ['another root', await certificate(stranger, 'node-tls', a.nodeId), 'certificate-unknown-issuer'],
      ['no certificate', enrolmentClientOptions(main.hub.rootDer), 'certificate-missing'],
    ];
    for (const [name, secure, code] of cases) {
      const answer = await rawRequest(exchangePort(main), secure, {
        method: 'POST',
        path: paths.session,
        body: Buffer.alloc(0),
        headers: { 'content-type': protobufType },
      });
      t.equal(answer.status, 403, name);
      const problem = JSON.parse(answer.body.toString()) as {
        code: string;
        titleVi: string;
        remedyVi: string;
      };
      t.equal(problem.code, code, name);
      t.ok(problem.titleVi.length > 0 && problem.remedyVi.length > 0, 'in words for people');
      const client = createHttpClient({
        origin: `https://localhost:${exchangePort(main)}`,
        tls: secure as never,
      });
      t.equal(
        await codeOf(createHubLink({ client, clock: systemClock }).directory([])),
        code,
        'the client reads the code',
      );
      await client.close();
    }
    // That time is judged on open connections too is in certs.test.ts. Here peers have told the time: the machine's clock stops nobody.
    for (const days of [1000, -1000, 0]) {
      clock.offsetMs = days * day;
      t.equal(await codeOf(pollOnce(a)), 'none', `${days} days off`);
    }
  },
);

t.test('one closed, one unknown, one suspended and one moved unit do not refuse the others', async (t) => {
  const nowMs = clock.nowMs();
  const add = async (code: string) => {
    const unit = newUnitId(randomBytes(10));
    await main.hub.admin.act('unitAdd', {
      unit,
      name: code,
      codes: [code],
      parent: '',
      documentBytesMax: 0,
      nowMs,
    });
    return unit;
  };
  const [closed, suspended, merged, invited] = [
    await add('XA.91'),
    await add('XA.92'),
    await add('XA.93'),
    await add('XA.94'),
  ];
  await main.hub.admin.act('unitClose', { unit: closed, nowMs });
  await main.hub.admin.act('unitSuspend', { unit: suspended, nowMs });
  await main.hub.admin.act('unitMerge', { units: [merged], into: c.unit, untilMs: 0, nowMs });
  const unknown = newUnitId(randomBytes(10));
  const { receipt, code } = await send(a, {
    to: [b.unit, closed, unknown, suspended, merged, invited, c.unit],
  });
  t.equal(code, 'none');
  const { results, event } = parsed(receipt);
  t.equal(event, events.SubmissionAcceptance);
  t.strictSame(
    results.map(({ outcome, code }) => [outcome, code]),
    [
      [outcomes.accepted, ''],
      [outcomes.refused, 'unit-closed'],
      [outcomes.refused, 'unit-unknown'],
      [outcomes.refused, 'unit-suspended'],
      [outcomes.forwarded, ''],
      [outcomes.refused, 'unit-has-no-node'],
      [outcomes.accepted, ''],
    ],
  );
  t.equal(results[4]!.unit, c.unit);
  const { items } = await pollOnce(c);
  const legs = wrapperCodec.decode(items[0]!.delivery!.wrapper).recipients;
  t.strictSame(
    legs.map(({ index, unit }) => [index, unit]),
    [
      [4, c.unit],
      [6, c.unit],
    ],
    'both for one node in one item',
  );
  await c.link.goodbye();
  await drain(b);
  const none = await send(a, { to: [closed, unknown] });
  t.equal(parsed(none.receipt).event, events.SubmissionRejection, 'nobody at all is a signed answer too');
});

t.test('unknown fields, an unknown kind and an unknown urgency arrive byte for byte', async (t) => {
  await c.session();
  await drain(c);
  // Field 90, length-delimited, and field 91, varint: a later version.
  const tail = Buffer.from([0xd2, 0x05, 0x03, 0x61, 0x62, 0x63, 0xd8, 0x05, 0x2a]);
  const wrapper = craft(a, { kind: 777, urgency: 200, replyByMs: 1 }, { to: [c.unit], tail });
  const sent = rawFields(wrapper, 1)[0]!;
  // One more unknown field in the outer Signed.
  const outer = Buffer.concat([sent, Buffer.from([0xa2, 0x06, 0x01, 0x7a])]);
  const decoded = wrapperCodec.decode(wrapper);
  const rest = wrapperCodec.encode({ ...decoded, envelope: null });
  const lengthOf = (n: number) => Buffer.from([0x0a, (n & 0x7f) | 0x80, n >> 7]);
  t.equal((await submitOne(a, Buffer.concat([lengthOf(outer.length), outer, rest]))).code, 'none');
  await main.restart();
  const { wrappers } = await persistent(() => drain(c));
  t.equal(wrappers.length, 1);
  const arrived = rawFields(wrappers[0]!, 1)[0]!;
  t.ok(Buffer.compare(arrived, outer) === 0, 'the sealed bytes are the sender’s');
  t.ok(Buffer.compare(signedCodec.decode(arrived).bytes.subarray(-tail.length), tail) === 0);
  const hops = wrapperCodec.decode(wrappers[0]!).hops;
  t.equal(hops.length, 1);
  t.equal(hopCodec.decode(hops[0]!.bytes).hub, main.hub.hubId, 'with the hub’s own signed hop');
  await drain(a);
});

t.test(
  'an envelope that passed this hub before, or too many hubs, or a forged trace is refused',
  async (t) => {
    const before = held(main);
    const key = receiptsKeyOf(main);
    const [good] = prepare(a, [{ to: [b.unit] }]);
    const hop = (
      signer: SigningKey,
      previous: Uint8Array,
      digest = envelopeDigest(good!.sealed.headerBytes),
    ) =>
      signOne(
        'lienthong/hop/1',
        hopCodec.encode({ hub: main.hub.hubId, envelopeDigest: digest, previous, atMs: clock.nowMs() }),
        signer,
      );
    const chain = (n: number) => {
      const hops: Signed[] = [];
      for (let i = 0; i < n; i++)
        hops.push(hop(key, i === 0 ? Buffer.alloc(0) : hash('sha256', hops[i - 1]!.bytes, 'buffer')));
      return hops;
    };
    const withHops = (hops: Signed[]) => rewrap(good!.wrapper, { hops });
    t.equal((await submitOne(a, withHops(chain(1)))).code, 'route-loop');
    t.equal((await submitOne(a, withHops(chain(9)))).code, 'route-too-long');
    t.equal((await submitOne(a, withHops([hop(a.sealKey, Buffer.alloc(0))]))).code, 'signature-invalid');
    t.equal(
      (await submitOne(a, withHops([hop(key, Buffer.alloc(0), randomBytes(32))]))).code,
      'envelope-malformed',
      'a hop of another envelope',
    );
    t.equal(
      (await submitOne(a, withHops(chain(2).slice(1)))).code,
      'envelope-malformed',
      'a trace without its beginning',
    );
    t.equal(held(main), before);
  },
);

t.test('no unit learns whether content exists, nor reads what was not addressed to it', async (t) => {
  const content = randomBytes(700_000);
  const { length: lengthBytes, sha256, treeRoot } = partOf(content);
  const leaf = hash('sha256', Buffer.concat([Buffer.from([0]), content]), 'buffer');
  const source = (unit: string) => ({
    unit,
    lengthBytes,
    sha256,
    treeRoot,
    leaves: async () => leaf,
    read: async ({ from, to }: { from: number; to: number }) =>
      (async function* () {
        yield content.subarray(from, to);
      })(),
  });
  await uploadPart(a.link.uploads, source(a.unit), { clock: systemClock });
  const create = { unit: b.unit, lengthBytes, sha256, treeRoot, leaves: leaf };
  const foreign = await b.link.uploads.create(create);
  t.strictSame([foreign.offsetBytes, foreign.complete], [0, false], 'content of another unit is not there');
  t.ok((await a.link.uploads.create({ ...create, unit: a.unit })).complete, 'one’s own is');
  t.equal(await codeOf(b.link.uploads.create({ ...create, unit: a.unit })), 'peer-not-sender');
  t.equal(
    await codeOf(b.link.uploads.create({ ...create, unit: newUnitId(randomBytes(10)) })),
    'peer-not-sender',
  );
  const sealedPart = { header: { parts: [{ length: lengthBytes, sha256, treeRoot, encryption: 0 }] } };
  const stolen = rewrap(prepare(b, [{ to: [b.unit], ...sealedPart }])[0]!.wrapper, { inlineParts: [] });
  t.equal((await submitOne(b, stolen)).code, 'part-missing', 'a digest is no right to the content');
  const large = rewrap(prepare(a, [{ to: [c.unit], ...sealedPart }])[0]!.wrapper, { inlineParts: [] });
  t.equal((await submitOne(a, large)).code, 'none');
  const { items } = await pollOnce(c);
  const delivery = items.find(({ delivery }) => delivery)!.delivery!;
  const [id] = delivery.deliveryIds;
  await send(a, { to: [b.unit] });
  const [own] = (await pollOnce(b)).items.flatMap(({ delivery }) => delivery?.deliveryIds ?? []);

  type Question = {
    readonly method: string;
    readonly path: string;
    readonly headers?: Record<string, string>;
  };
  const asked = async (question: Question) => {
    const headers = { [instanceHeader]: String(b.link.instance()), ...question.headers };
    const {
      status,
      headers: heard,
      body,
    } = await rawRequest(exchangePort(main), b.tls as object, { ...question, headers });
    const { 'x-request-id': _id, date: _date, ...kept } = heard;
    const { instance: _instance, ...problem } = JSON.parse(body.toString() || '{}') as Record<
      string,
      unknown
    >;
    return JSON.stringify([status, kept, problem]);
  };
  const append = { 'upload-offset': '0', 'upload-complete': '?0', 'content-type': partialUploadType };
  const aUpload = await a.link.uploads.create({ ...create, unit: a.unit, sha256: randomBytes(32) });
  for (const [method, headers] of [
    ['GET', {}],
    ['PATCH', append],
    ['DELETE', {}],
    ['HEAD', {}],
  ] as const) {
    const path = (uploadId: string) => `${paths.uploads}/${uploadId}`;
    const answers = await Promise.all(
      [aUpload.uploadId, randomUUID(), 'x', '..%2f..%2fhub.sqlite'].map((uploadId) =>
        asked({ method, path: path(uploadId), headers }),
      ),
    );
    t.equal(
      new Set(answers).size,
      1,
      `${method} of a foreign, a random and a malformed upload: ${answers[0]!.slice(0, 60)}`,
    );
    t.match(answers[0], /^\[404/);
  }
  for (const [suffix, headers] of [
    ['', {}],
    ['', { range: 'bytes=0-9' }],
    ['/leaves', {}],
  ] as const) {
    const path = (delivery: string, part: string) => `${paths.deliveries}/${delivery}/parts/${part}${suffix}`;
    const questions = [
      path(String(id), '0'),
      path('99999999', '0'),
      path('nothing', '0'),
      path(String(own), '7'),
      path(String(id), '1000'),
    ];
    const answers = await Promise.all(questions.map((each) => asked({ method: 'GET', path: each, headers })));
    t.equal(new Set(answers).size, 1, `parts of another’s delivery${suffix}`);
    t.match(answers[0], /"delivery-unknown"/);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of await c.link.downloads.range(String(id), 0, { from: 0, to: lengthBytes }))
    pieces.push(piece);
  t.ok(Buffer.concat(pieces).equals(content), 'the recipient reads it');
  const stale = { [instanceHeader]: '0' };
  for (const path of [`${paths.deliveries}/${id}/parts/0`, `${paths.uploads}/${randomUUID()}`]) {
    const { status, body } = await rawRequest(exchangePort(main), c.tls as object, {
      method: 'GET',
      path,
      headers: stale,
    });
    t.equal(status, 409);
    t.match(body.toString(), /node-instance-superseded/, 'content moves only under the present instance');
  }
  await c.link.goodbye();
  await c.session();
  await b.link.goodbye();
  await b.session();
  await drain(b);
  await drain(c);
  await drain(a);
});

t.test('a statement settles only what its issuer may state', async (t) => {
  await drain(a);
  await send(a, { to: [b.unit, c.unit] });
  const { items } = await pollOnce(b);
  const wrapper = items[0]!.delivery!.wrapper;
  const offer = async (node: BareNode, statement: Uint8Array) => {
    const [result] = await node.link.statements([{ deliveryIds: [], statement }]);
    return result!.problem === '' ? 'none' : (JSON.parse(result!.problem) as { code: string }).code;
  };
  const receipt = deliveryReceipt(b, wrapper);
  const inner = statementCodec.decode(signedStatementCodec.decode(receipt).bytes);
  const forged = (
    change: Partial<typeof inner>,
    key = b.sealKey,
    type: 'lienthong/receipt/1' | 'lienthong/notice/1' = 'lienthong/receipt/1',
  ) =>
    signedStatementCodec.encode(
      signOne(type, statementCodec.encode({ ...inner, statementId: randomBytes(16), ...change }), key),
    );
  const result = inner.results[0]!;
  const cases: readonly (readonly [string, BareNode, Uint8Array, string])[] = [
    ['another node brings it', c, receipt, 'peer-not-recipient'],
    ['the key of another unit', b, forged({}, a.sealKey), 'signature-invalid'],
    [
      'about another unit',
      b,
      forged({ results: [{ ...result, index: 1, unit: c.unit }] }),
      'statement-mismatch',
    ],
    ['about the index of another', b, forged({ results: [{ ...result, index: 1 }] }), 'peer-not-recipient'],
    ['with another digest', b, forged({ envelopeDigest: randomBytes(32) }), 'statement-mismatch'],
    ['about an unknown envelope', b, forged({ envelopeId: randomBytes(16) }), 'statement-unknown-envelope'],
    [
      'a refusal signed as a receipt',
      b,
      forged({ event: events.ConsignmentRejection, results: [{ ...result, outcome: outcomes.refused }] }),
      'signature-type-mismatch',
    ],
    [
      'accepted in place of delivered',
      b,
      forged({ results: [{ ...result, outcome: outcomes.accepted }] }),
      'statement-malformed',
    ],
    [
      'a hub’s word signed by a unit',
      b,
      forged(
        { event: events.AcceptanceRejectionExpiry, results: [{ ...result, outcome: outcomes.expired }] },
        b.sealKey,
        'lienthong/notice/1',
      ),
      'signature-invalid',
    ],
    [
      'the hub’s own key from a node',
      b,
      forged(
        {
          event: events.AcceptanceRejectionExpiry,
          issuer: main.hub.hubId,
          results: [{ ...result, outcome: outcomes.expired }],
        },
        receiptsKeyOf(main),
        'lienthong/notice/1',
      ),
      'peer-not-recipient',
    ],
    ['nonsense', b, randomBytes(40), 'statement-malformed'],
  ];
  for (const [name, node, statement, code] of cases) t.equal(await offer(node, statement), code, name);
  t.equal(await offer(b, receipt), 'none');
  t.equal(await offer(b, receipt), 'none', 'a repetition is taken');
  const { statements } = await drain(a);
  t.equal(statements.length, 1);
  t.ok(Buffer.compare(statements[0]!, receipt) === 0, 'the sender gets the receiver’s own words');
  await drain(c);
  await drain(a);
});

t.test('a unit or peer that is unconfirmed, suspended or revoked is told so', async (t) => {
  const strict = await startTestHub({ config: { confirmUnits: true }, code: 'H09' });
  t.teardown(() => strict.close());
  const { hub } = strict;
  const nowMs = systemClock.nowMs();
  const unit = newUnitId(randomBytes(10));
  await hub.admin.act('unitAdd', {
    unit,
    name: 'Xã',
    codes: ['XA.11'],
    parent: '',
    documentBytesMax: 0,
    nowMs,
  });
  const { invitation } = await hub.admin.invite({ unit, validMs: day });
  const node = await enrolBare(invitation, 'XA.11', hub.rootDer);
  t.teardown(() => node.close());
  t.equal(await codeOf(node.session()), 'peer-unconfirmed');
  await hub.admin.act('unitConfirm', { unit, nowMs });
  await node.session();
  t.equal((await send(node, { to: [unit] })).code, 'none');
  await hub.admin.act('unitSuspend', { unit, nowMs });
  t.equal((await send(node, { to: [unit] })).code, 'peer-suspended');
  t.equal(await codeOf(pollOnce(node)), 'none', 'it still learns what became of its documents');
  await hub.admin.act('unitResume', { unit, nowMs });
  const stamp = hub.directory.stamp();
  await node.link.goodbye();
  await node.session();
  await drain(node);
  await drain(node);
  const waiting = node.link.poll({
    itemsMax: 1,
    bytesMax: 1,
    epochKnown: 1,
    directoryKnown: stamp,
    statementsTaken: [],
    holdMs: 20_000,
  });
  const ended = codeOf(waiting);
  const act = (path: string) =>
    hub.control.inject({ method: 'POST', url: `/admin/v1/peers/${node.nodeId}/${path}` });
  t.equal((await act('suspend')).statusCode, 200);
  t.not(await ended, 'none', 'an open poll is cut');
  t.equal(await codeOf(persistent(() => pollOnce(node))), 'peer-suspended');
  t.equal((await act('resume')).statusCode, 200);
  t.equal(await codeOf(persistent(() => pollOnce(node))), 'none');
  await hub.admin.act('certificateRevoke', {
    what: { node: node.nodeId },
    fromMs: nowMs,
    reason: 'stolen',
    nowMs,
  });
  t.match(await codeOf(persistent(() => pollOnce(node))), /^(certificate|peer)-revoked$/);
  await strict.restart();
  t.match(
    await codeOf(persistent(() => pollOnce(node))),
    /^(certificate|peer)-revoked$/,
    'also after a restart',
  );
});

t.test('over its rate a unit is told when to come back, and the others go on', async (t) => {
  const still = manualClock(systemClock.nowMs());
  const slow = await startTestHub({
    clock: still,
    config: { rate: { documentsPerSecond: 1, burst: 3 } },
    code: 'H10',
  });
  const [x, y] = [await bareNode(slow.hub, 'XA.21'), await bareNode(slow.hub, 'XA.22')];
  const answer = async (node: BareNode) => {
    try {
      return (await submitOne(node, prepare(node, [{ to: [y.unit] }], still.nowMs())[0]!.wrapper)).code;
    } catch (error) {
      if (isExchangeError(error, 'rate-limited')) return error.retryAfterMs ?? 0;
      throw error;
    }
  };
  t.strictSame([await answer(x), await answer(x), await answer(x)], ['none', 'none', 'none']);
  t.equal(await answer(x), 1000, 'with the time until then');
  const body = submitRequestCodec.encode({ wrappers: [Buffer.alloc(0)] });
  const headers = { [instanceHeader]: String(x.link.instance()), 'content-type': protobufType };
  const raw = await rawRequest(exchangePort(slow), x.tls as object, {
    method: 'POST',
    path: paths.envelopes,
    headers,
    body,
  });
  t.equal(raw.status, 429);
  t.equal(raw.headers['retry-after'], '1');
  t.equal(await answer(y), 'none', 'another unit is not slowed');
  await still.advance(1000);
  t.equal(await answer(x), 'none');
  await Promise.all([x.close(), y.close()]);
  // A manual clock does not move while the hub drains; nothing is open.
  await slow.close();
});

t.test('polls: one at a time, woken at once, and an urgent document passes a backlog of 5,000', async (t) => {
  // This hub’s clock stands still: only a nudge can end a held poll.
  const still = manualClock(systemClock.nowMs());
  const stopped = await startTestHub({ clock: still, code: 'H11' });
  const [x, y] = [await bareNode(stopped.hub, 'XA.31'), await bareNode(stopped.hub, 'XA.32')];
  const hold = (node: BareNode) =>
    node.link.poll({
      itemsMax: 128,
      bytesMax: 4_000_000,
      epochKnown: 1,
      directoryKnown: stopped.hub.directory.stamp(),
      statementsTaken: [],
      holdMs: 20_000,
    });
  const settled = (work: Promise<unknown>) => codeOf(work);
  const put = (draft: Draft) => submitOne(x, prepare(x, [draft], still.nowMs())[0]!.wrapper);
  const asleep = async (atLeast: number) => {
    while (still.sleepers() < atLeast) await systemClock.sleep(2);
  };
  const idle = still.sleepers();
  const first = hold(y);
  await asleep(idle + 1);
  t.equal((await put({ to: [y.unit] })).code, 'none');
  t.equal((await first).items.length, 1, 'a sleeping poll wakes when something arrives');
  const old = hold(y);
  const ended = settled(old);
  await asleep(idle + 1);
  const next = hold(y);
  t.equal(await ended, 'poll-replaced', 'a new poll ends the old');
  await asleep(idle + 1);
  await stopped.hub.admin.act('unitRename', {
    unit: x.unit,
    name: 'Tên mới',
    oldCodeUntilMs: 0,
    nowMs: still.nowMs(),
  });
  t.not((await next).directory, '', 'a new directory wakes everybody');
  const racing = hold(y);
  await asleep(idle + 1);
  // While two polls change places a document arrives: one of them brings it, the other gives nothing away.
  const both = [racing, hold(y)];
  const brought = Promise.any(both.map(async (poll) => (await poll).items.length));
  await put({ to: [y.unit] });
  t.equal(await brought, 1);
  const left = Promise.allSettled(both);
  await y.link.goodbye();
  await left;
  await y.session();
  const seen = new Set<string>();
  const note = (wrapper: Uint8Array) =>
    seen.add(
      Buffer.from(headerCodec.decode(wrapperCodec.decode(wrapper).envelope!.bytes).envelopeId).toString(
        'hex',
      ),
    );
  const backlog = Array.from({ length: 40 }, () =>
    prepare(
      x,
      Array.from({ length: 125 }, () => ({ to: [y.unit], parts: [] })),
      still.nowMs(),
    ),
  );
  for (let at = 0; at < backlog.length; at += 4)
    await Promise.all(
      backlog.slice(at, at + 4).map(async (batch) => {
        const results = await x.link.submit(batch.map(({ wrapper }) => wrapper));
        for (const { problem } of results) if (problem !== '') throw new Error(problem);
      }),
    );
  await pollOnce(y);
  const flash = prepare(x, [{ to: [y.unit], header: { urgency: 3 } }], still.nowMs())[0]!;
  t.equal((await submitOne(x, flash.wrapper)).code, 'none');
  const [foremost] = (await pollOnce(y)).items;
  t.equal(note(foremost!.delivery!.wrapper).size, 1);
  t.ok(
    Buffer.compare(rawFields(foremost!.delivery!.wrapper, 1)[0]!, flash.sealed.bytes) === 0,
    'the flash document is the first of the next answer',
  );
  await Promise.all([x.close(), y.close()]);
  await stopped.close();
});

t.test(
  'a second live instance is refused with an alarm, and a start that was taken over is told',
  async (t) => {
    const clone = createHttpClient({ origin: `https://localhost:${exchangePort(main)}`, tls: b.tls! });
    t.teardown(() => clone.close());
    const link = createHubLink({ client: clone, clock: systemClock });
    const start = (previous: object) =>
      link.session({
        previousInstance: 0,
        previousToken: new Uint8Array(),
        software: 'clone',
        restoreCount: 0,
        ledgerSeen: 0,
        ...previous,
      });
    await drain(b);
    await b.link.goodbye();
    await b.session();
    const before = [alarms(main, 'node-instance-live'), alarms(main, 'node-instance-superseded')];
    const waiting = b.link.poll({
      itemsMax: 1,
      bytesMax: 1,
      epochKnown: 1,
      directoryKnown: main.hub.directory.stamp(),
      statementsTaken: [],
      holdMs: 20_000,
    });
    const ended = codeOf(waiting);
    while ((await codeOf(start(b.previous()))) !== 'node-instance-live') {
      // The poll had not arrived; the clone took over and the node must start anew.
      await ended;
      t.fail('the clone came first');
      return;
    }
    t.equal(alarms(main, 'node-instance-live'), before[0]! + 1);
    t.equal(await codeOf(start({})), 'node-instance-superseded', 'a wiped copy is nobody');
    t.equal(alarms(main, 'node-instance-superseded'), before[1]! + 1);
    await send(a, { to: [b.unit] });
    t.equal(await ended, 'none', 'the living one works on');
    await b.link.goodbye();
    await start(b.previous());
    t.equal(await codeOf(pollOnce(b)), 'node-instance-superseded', 'the one that was taken over hears it');
    t.equal(
      (await submitOne({ link }, prepare(b, [{ to: [a.unit] }])[0]!.wrapper)).code,
      'none',
      'the new one works',
    );
    await eventually(async () =>
      alarms(main, 'node-instance-superseded') > before[1]! + 1 ? true : undefined,
    );
    t.pass('and the operator too');
  },
);

t.test(
  'through restarts of the hub in the middle every document arrives once and every receipt comes back',
  async (t) => {
    const test = await startTestHub({ code: 'H12' });
    const [x, y] = [await bareNode(test.hub, 'XA.41'), await bareNode(test.hub, 'XA.42')];
    const drafts = Array.from({ length: 12 }, () =>
      prepare(
        x,
        Array.from({ length: 5 }, () => ({ to: [y.unit] })),
      ),
    ).flat();
    const receipts = new Map<number, Uint8Array>();
    async function sender() {
      for (let at = 0; at < drafts.length; at += 5) {
        const batch = drafts.slice(at, at + 5);
        const results = await persistent(() => x.link.submit(batch.map(({ wrapper }) => wrapper)));
        for (const [i, { receipt, problem }] of results.entries()) {
          t.equal(problem, '');
          receipts.set(at + i, receipt);
        }
      }
    }
    const arrived = new Map<string, number>();
    const told = new Set<string>();
    async function receiver() {
      while (told.size < drafts.length) {
        const { items } = await persistent(() => pollOnce(y));
        for (const { delivery } of items) {
          const key = rawFields(delivery!.wrapper, 1)[0]!.toString('hex');
          arrived.set(key, (arrived.get(key) ?? 0) + 1);
          const statement = deliveryReceipt(y, delivery!.wrapper);
          const [result] = await persistent(() =>
            y.link.statements([{ deliveryIds: delivery!.deliveryIds, statement }]),
          );
          if (result!.problem !== '') throw new Error(result!.problem);
        }
        const back = await persistent(() => pollOnce(x));
        const ids = back.items.flatMap(({ statement }) => (statement ? [statement.id] : []));
        for (const { statement } of back.items)
          if (statement) told.add(Buffer.from(parsed(statement.statement).envelopeId).toString('hex'));
        if (ids.length > 0) await persistent(() => pollOnce(x, { taken: ids }));
      }
    }
    async function restarts() {
      for (let i = 0; i < 3; i++) {
        while (receipts.size < 10 + i * 15) await systemClock.sleep(1);
        await test.restart();
      }
    }
    await Promise.all([sender(), restarts(), receiver()]);
    t.equal(arrived.size, drafts.length);
    t.equal(receipts.size, drafts.length);
    t.equal(count(test, 'envelopes'), drafts.length, 'each accepted once');
    const open = test.hub.store.reader.get<{ n: number }>(
      "SELECT count(*) AS n FROM deliveries WHERE state <> 'delivered'",
    )!.n;
    t.equal(open, 0, 'each delivered');
    const again = await x.link.submit(drafts.slice(0, 50).map(({ wrapper }) => wrapper));
    t.ok(
      again.every(
        ({ receipt, duplicate }, i) => duplicate && Buffer.compare(receipt, receipts.get(i)!) === 0,
      ),
      'the same receipts still',
    );
    await Promise.all([x.close(), y.close()]);
    await test.close();
  },
);

t.test('health is told on the local listener only', async (t) => {
  const ask = (path: string) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      get({ host: '127.0.0.1', port: main.hub.at.local!.port, path }, (answer) => {
        let body = '';
        answer.on('data', (piece) => {
          body += piece;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      }).on('error', reject);
    });
  t.strictSame(await ask('/healthz'), { status: 200, body: '{"alive":true}' });
  const ready = await ask('/readyz');
  t.equal(ready.status, 200);
  t.match(JSON.parse(ready.body), {
    checks: [
      { name: 'store', state: 'ok' },
      { name: 'disk', state: 'ok' },
    ],
  });
  const metrics = await ask('/metrics');
  t.match(metrics.body, /lienthong_hub_ledger_sequence \d+/);
  t.match(metrics.body, /lienthong_hub_deliveries\{state="ready"\} \d+/);
  t.notMatch(metrics.body, /XA\.0|u[0-9a-z]{16}/, 'no unit and no document is named');
  t.equal((await ask('/v1/poll')).status, 404);
  for (const path of ['/healthz', '/metrics', '/admin/v1/units']) {
    const { status } = await rawRequest(exchangePort(main), a.tls as object, { method: 'GET', path });
    t.equal(status, 404, `${path} is not on the exchange listener`);
  }
  const full = await startTestHub({ config: { diskReserveBytes: Number.MAX_SAFE_INTEGER }, code: 'H13' });
  const node = await bareNode(full.hub, 'XA.51');
  const { refused } = await send(node, { to: [node.unit] });
  t.equal(refused?.code, 'disk-nearly-full');
  t.equal(refused?.row.retry, 'later', 'a full disk is temporary');
  const status = await full.hub.control.inject({ method: 'GET', url: '/readyz' });
  t.equal(status.statusCode, 503);
  await node.close();
  await full.close();
});
