// `npm run soak-axis -- --seconds 60 [--seed N]`: a hub with a border to a stand-in axis whose faults come and go at random, the hub restarted in the
// middle, documents both ways all the time. At its end everything handed in on one side is compared with what arrived on the other. Prints one
// JSON line; 1 if anything is lost, duplicated or stuck. The axis's faults: failing, slow, repeating, losing answers, cutting messages off, an office
// that is locked for a while (what is for it arrives or is refused in the axis's words, one of both). A hub killed at each step: kill-points border.*.
import { parseArgs } from 'node:util';
import { received } from '../../bin/axis/practice.ts';
import type { FaultName } from '../../bin/axis/store.ts';
import { headerCodec, metadataCodec, wrapperCodec } from '../../protocol/codec.ts';
import { isExchangeError } from '../../protocol/errors.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { addBorder, startTestAxis } from '../support/axis.ts';
import { type BareNode, bareNode, deliveryReceipt, pollOnce, prepare, startTestHub } from '../support/hub.ts';
import { chance } from './random.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
console.error(`seed ${seed}`);
const random = chance(seed);
const drainMs = 240_000;

const axis = await startTestAxis();
const office = 'H08.15';
const locking = 'H08.16';
axis.office(office, { old: '000.00.15.H08' });
axis.office(locking);
const codes = ['H08.35.01', 'H08.35.02', 'H08.35.03'];
for (const code of codes) axis.office(code, { own: true });
const hub = await startTestHub({ code: 'H08.35' });
const nodes: BareNode[] = [];
for (const code of codes) nodes.push(await bareNode(hub.hub, code));
await addBorder(hub.hub, axis);
await hub.hub.borders.running('truc')!.syncOffices();
const unitOf = (code: string) => hub.hub.directory.current().byCode(code, systemClock.nowMs())!.unit;
const unit = unitOf(office);
/** Numbers of documents for the office that is locked at times. */
const toLocking = new Set<string>();

const out = new Set<string>();
const into = new Map<string, string>();
const arrived = new Map<string, number>();
const told = new Map<string, number>();
const counts = { restarts: 0, faults: 0 };
const startedMs = systemClock.monotonicMs();
let over = false;

/** The line of a node through restarts of the hub: what is temporary is tried again with the same bytes. */
async function persistent<T>(node: BareNode, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      await systemClock.sleep(100);
      if (isExchangeError(error, 'node-session-unknown', 'node-instance-superseded'))
        await node.session().catch(() => {});
    }
  }
}

async function receive(node: BareNode): Promise<void> {
  let taken: number[] = [];
  while (!over) {
    const { items } = await persistent(node, () => pollOnce(node, { taken }));
    taken = [];
    for (const { delivery, statement } of items) {
      if (statement) taken.push(statement.id);
      if (!delivery) continue;
      const wrapper = wrapperCodec.decode(delivery.wrapper);
      const header = headerCodec.decode(wrapper.envelope!.bytes);
      const { number, foreign } = metadataCodec.decode(wrapper.metadata!.block);
      const id = Buffer.from(header.envelopeId).toString('hex');
      if (!told.has(id))
        arrived.set(
          `${node.code} ${number}`,
          (arrived.get(`${node.code} ${number}`) ?? 0) + (foreign ? 1 : 0),
        );
      told.set(id, 1);
      await persistent(node, () =>
        node.link.statements([
          { deliveryIds: delivery.deliveryIds, statement: deliveryReceipt(node, delivery.wrapper) },
        ]),
      );
    }
    if (items.length === 0) await systemClock.sleep(50);
  }
}

async function traffic(): Promise<void> {
  for (let n = 1; systemClock.monotonicMs() - startedMs < seconds * 1000; n += 1) {
    const node = random.pick(nodes);
    const number = String(n);
    if (random.next() < 0.5) {
      const other = random.next() < 0.25;
      const [made] = prepare(node, [
        {
          to: [other ? unitOf(locking) : unit],
          metadata: {
            subject: `Văn bản ${number}`,
            number,
            notation: 'UBND',
            issueDate: '2026-11-25',
            type: 'Công văn',
          },
        },
      ]);
      const [result] = await persistent(node, () => node.link.submit([made!.wrapper]));
      if (result!.problem === '') (other ? toLocking : out).add(number);
    } else {
      await axis.send({ from: office, to: [node.code], number });
      into.set(`${node.code} ${number}`, number);
    }
    await systemClock.sleep(50 + random.next() * 200);
  }
}

const faults: readonly (readonly [FaultName, () => number])[] = [
  ['fail-chance', () => random.next() * 0.4],
  ['slow', () => random.next() * 150],
  ['duplicate', () => Math.round(random.next())],
  ['damage', () => Math.ceil(random.next() * 3)],
  ['lose-answer', () => Math.ceil(random.next() * 3)],
];
async function trouble(): Promise<void> {
  while (systemClock.monotonicMs() - startedMs < seconds * 1000) {
    const [name, value] = random.pick(faults);
    axis.store.setFault(name, value());
    counts.faults += 1;
    await systemClock.sleep(500 + random.next() * 2500);
    if (random.next() < 0.5) axis.store.setFault(name, 0);
    axis.store.lockAgency(locking, random.next() < 0.5);
    if (random.next() < 0.12) {
      await hub.restart();
      counts.restarts += 1;
    }
  }
  for (const [name] of faults) axis.store.setFault(name, 0);
  axis.store.lockAgency(locking, false);
}

const receiving = Promise.all(nodes.map(receive));
await Promise.all([traffic(), trouble()]);
const calmMs = systemClock.monotonicMs();
const there = async () => {
  const seen = new Map<string, number>();
  for (const { message } of await received(axis.store, office))
    if (message.what === 'document') seen.set(message.number, (seen.get(message.number) ?? 0) + 1);
  return seen;
};
/** Documents for the office that was locked at times: how many are there, were refused, were both or neither. */
async function lockedEnds() {
  const arrivedThere = new Map<string, number>();
  for (const { message } of await received(axis.store, locking))
    if (message.what === 'document')
      arrivedThere.set(message.number, (arrivedThere.get(message.number) ?? 0) + 1);
  const refusedRows = hub.hub.store.reader.all<{ edxml_id: string }>(
    "SELECT edxml_id FROM border_out WHERE state = 'refused' AND code = 'axis-recipient-locked'",
  );
  const refusedThere = new Set(refusedRows.map(({ edxml_id }) => /,(\d+)\/UBND/.exec(edxml_id)?.[1] ?? ''));
  const wrong = [...toLocking].filter(
    (number) => (arrivedThere.get(number) ?? 0) + (refusedThere.has(number) ? 1 : 0) !== 1,
  );
  return { arrived: arrivedThere.size, refused: refusedThere.size, wrong };
}
for (;;) {
  const seen = await there();
  const complete =
    (await lockedEnds()).wrong.length === 0 &&
    [...out].every((number) => seen.has(number)) &&
    [...into.keys()].every((key) => arrived.has(key));
  if (complete || systemClock.monotonicMs() - calmMs > drainMs) break;
  await hub.hub.control.inject({ method: 'POST', url: '/admin/v1/borders/truc/poll', payload: {} });
  await systemClock.sleep(500);
}
// What is to come twice comes now.
await systemClock.sleep(3000);
over = true;
await receiving;
const seen = await there();
const lost = [
  ...[...out].filter((number) => !seen.has(number)),
  ...[...into.keys()].filter((key) => !arrived.has(key)),
];
const twice = [
  ...[...seen].filter(([number, n]) => out.has(number) && n > 1).map(([number]) => number),
  ...[...arrived].filter(([key, n]) => into.has(key) && n > 1).map(([key]) => key),
];
const left = hub.hub.store.reader.get<{ n: number }>(
  "SELECT count(*) AS n FROM border_out WHERE state = 'made'",
)!.n;
const refused = hub.hub.store.reader.all(
  "SELECT code, said FROM border_in WHERE state IN ('refused','held')",
);
const rules = hub.hub.store.reader.get<{ n: number }>(
  "SELECT count(*) AS n FROM border_out WHERE rule = 'sent-list'",
)!.n;
const locked = await lockedEnds();
const good =
  locked.wrong.length === 0 && lost.length === 0 && twice.length === 0 && left === 0 && refused.length === 0;
console.log(
  JSON.stringify({
    good,
    out: out.size,
    in: into.size,
    lost: lost.length,
    twice: twice.length,
    left,
    refused: refused.length,
    foundInSentList: rules,
    lockedOffice: { arrived: locked.arrived, refused: locked.refused, wrong: locked.wrong.length },
    ...counts,
    seconds,
    drainSeconds: Math.round((systemClock.monotonicMs() - calmMs) / 1000),
    seed,
  }),
);
if (!good) console.error({ lost, twice, refused });
for (const node of nodes) await node.close();
await hub.close();
await axis.close();
process.exit(good ? 0 : 1);
