// A province with a border to a stand-in axis in this process, a district below it and two communes below that: the set-up of the tests of the
// border. What a test waits for is asked for at once (the border polls when told so), never by the clock. Nothing here asserts.
import { hash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { received } from '../../bin/axis/practice.ts';
import { createSigners } from '../../certs/signers.ts';
import type { BorderLine } from '../../hub/axis/show.ts';
import { headerCodec, metadataCodec, wrapperCodec } from '../../protocol/codec.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { loggerOver } from '../../protocol/node/logger.ts';
import { eventName, openStatementSync, outcomeName } from '../../protocol/statement.ts';
import type { Header, Metadata, Statement } from '../../protocol/wire.ts';
import { addBorder, startTestAxis } from './axis.ts';
import {
  type BareNode,
  bareNode,
  type Draft,
  deliveryReceipt,
  pollOnce,
  prepare,
  startTestHub,
  type TestHub,
} from './hub.ts';

export const finance = 'H08.15';
export const home = 'H08.16';
export type Arrived = { header: Header; metadata: Metadata; files: string[] };
export type Mail = { arrived: Arrived[]; statements: Statement[]; taken: number[] };
export type AtOffice = Awaited<ReturnType<typeof received>>[number];

export const isDocument = (number: string) => (row: AtOffice) =>
  row.message.what === 'document' && row.message.number === number && row.message.kind === 'new';
export const about = (documentId: Uint8Array) => (s: Statement) =>
  Buffer.compare(s.documentId, documentId) === 0;
export const outcomesOf = ({ statements }: Mail, documentId: Uint8Array) =>
  statements
    .filter(about(documentId))
    .flatMap(({ event, results }) =>
      results.map(({ outcome }) => `${eventName(event)} ${outcomeName(outcome)}`),
    );
export const signersOf = ({ hub }: TestHub) =>
  createSigners({ directory: () => hub.directory.current(), rootsDer: [hub.rootDer] });

export async function ask<T>(
  { hub }: TestHub,
  method: 'GET' | 'POST',
  url: string,
  payload?: object,
): Promise<T> {
  const answer = await hub.control.inject({ method, url, ...(payload ? { payload } : {}) });
  if (answer.statusCode >= 300) throw new Error(answer.body);
  return answer.json() as T;
}

/** Waits for what comes by itself; a test that waits for ever is stopped by tap. */
export async function until(found: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await found())) await systemClock.sleep(20);
}

/** At most ten times a second: more would only keep the processor from the work. */
export function hurried(work: () => void): () => void {
  let lastMs = 0;
  return () => {
    const nowMs = systemClock.monotonicMs();
    if (nowMs - lastMs < 100) return;
    lastMs = nowMs;
    work();
  };
}

/** A document for `to` that the format can carry. */
export function paperFor(to: readonly string[], number: string, more: Partial<Draft> = {}): Draft {
  return {
    to: [...to],
    ...more,
    metadata: {
      subject: `Về việc số ${number}`,
      number,
      notation: 'UBND-TH',
      issueDate: '2026-11-25',
      type: 'Công văn',
      ...more.metadata,
    },
  };
}

/** Hands it in at the node's hub; answers the sealed header. */
export async function put(node: BareNode, draft: Draft): Promise<Header> {
  const [prepared] = prepare(node, [draft]);
  const [result] = await node.link.submit([prepared!.wrapper]);
  if (result!.problem !== '') throw new Error(result!.problem);
  return headerCodec.decode(prepared!.sealed.headerBytes);
}

/** What came to nodes: taken, receipted, and all of it kept. */
export function mailbox(signers: ReturnType<typeof signersOf>, hurry: () => void) {
  const mail = new Map<string, Mail>();
  async function read(node: BareNode): Promise<Mail> {
    const kept = mail.get(node.unit) ?? { arrived: [], statements: [], taken: [] };
    mail.set(node.unit, kept);
    const { items } = await pollOnce(node, { taken: kept.taken });
    kept.taken = [];
    for (const { delivery, statement } of items) {
      if (statement) {
        kept.taken.push(statement.id);
        kept.statements.push(openStatementSync(statement.statement, signers.statement).statement);
      }
      if (!delivery) continue;
      const wrapper = wrapperCodec.decode(delivery.wrapper);
      kept.arrived.push({
        header: headerCodec.decode(wrapper.envelope!.bytes),
        metadata: metadataCodec.decode(wrapper.metadata!.block),
        files: wrapper.inlineParts.map(({ content }) => Buffer.from(content).toString()),
      });
      await node.link.statements([
        { deliveryIds: delivery.deliveryIds, statement: deliveryReceipt(node, delivery.wrapper) },
      ]);
    }
    return kept;
  }
  async function readUntil(node: BareNode, enough: (mail: Mail) => boolean): Promise<Mail> {
    let kept = await read(node);
    while (!enough(kept)) {
      hurry();
      await systemClock.sleep(30);
      kept = await read(node);
    }
    return kept;
  }
  return { mail, read, readUntil };
}

export type BorderWorld = Awaited<ReturnType<typeof borderWorld>>;

export async function borderWorld() {
  const logged: string[] = [];
  const log = loggerOver(
    { write: (line: string) => void logged.push(line) },
    { level: 'info', clock: systemClock, program: 'test' },
  );
  const axis = await startTestAxis();
  axis.office(finance, { old: '000.00.15.H08', name: 'Sở Tài chính' });
  axis.office(home, { old: '000.00.16.H08', name: 'Sở Nội vụ' });
  axis.office('H08.35.13', { own: true, name: 'UBND xã Bình Tân' });
  axis.office('H08.35.14', { own: true, name: 'UBND xã Tây Thuận' });

  const province = await startTestHub({ code: 'H08', log });
  const district = await startTestHub({ code: 'H08.35', rootDir: join(province.dir, 'root') });
  await district.hub.directory.offerAnswer(province.hub.directory.answer());
  await province.hub.directory.offerAnswer(district.hub.directory.answer());
  await province.hub.admin.act('peerAddHub', { hubId: district.hub.hubId, nowMs: systemClock.nowMs() });
  await ask(district, 'POST', '/admin/v1/upstream', {
    hubId: province.hub.hubId,
    url: `https://localhost:${province.hub.at.exchange!.port}`,
  });
  const commune = await bareNode(district.hub, 'H08.35.13');
  const other = await bareNode(district.hub, 'H08.35.14');
  await until(
    () => province.hub.directory.current().byCode('H08.35.14', systemClock.nowMs())?.node === other.nodeId,
  );
  await addBorder(province.hub, axis);
  const border = () => province.hub.borders.running('truc')!;
  await border().syncOffices();
  await until(() => district.hub.directory.current().byCode(finance, systemClock.nowMs()) !== undefined);
  const unitOf = (code: string) => district.hub.directory.current().byCode(code, systemClock.nowMs())!.unit;
  const units = { finance: unitOf(finance), home: unitOf(home), border: border().record.unit };
  const hurry = hurried(() => province.hub.borders.running('truc')?.pollNow());

  return {
    logged,
    axis,
    province,
    district,
    commune,
    other,
    units,
    border,
    hurry,
    /** As `until`; the border has work in every round. */
    async until(found: () => boolean | Promise<boolean>): Promise<void> {
      while (!(await found())) {
        hurry();
        await systemClock.sleep(30);
      }
    },
    ...mailbox(signersOf(district), hurry),
    paper: (number: string, more: Partial<Draft> = {}) => paperFor([units.finance], number, more),
    messages: async (query = ''): Promise<BorderLine[]> =>
      (await ask<{ messages: BorderLine[] }>(province, 'GET', `/admin/v1/border-messages${query}`)).messages,
    /** Waits until something of the kind is at an office of the axis. */
    async atOffice(code: string, fits: (row: AtOffice) => boolean = () => true): Promise<AtOffice> {
      for (;;) {
        const found = (await received(axis.store, code)).find(fits);
        if (found) return found;
        hurry();
        await systemClock.sleep(30);
      }
    },
    /** Puts bytes into the axis that it would never have let in; answers the id under which they wait for `to`. */
    smuggle(bytes: Buffer, type: 'edoc' | 'status', to = 'H08.35.13'): string {
      const docId = randomBytes(12).toString('hex');
      writeFileSync(axis.store.messagePath(docId), bytes);
      axis.store.addMessage({
        docId,
        type,
        from: finance,
        to: [to],
        edxmlId: '',
        title: '',
        notation: '',
        statusCode: '',
        sha256: hash('sha256', bytes),
        bytes: bytes.length,
        nowMs: systemClock.nowMs(),
      });
      return axis.store.copiesFor(to).find((copy) => copy.doc_id === docId)!.copy_id;
    },
    async close() {
      await Promise.all([commune.close(), other.close()]);
      await district.close();
      await province.close();
      await axis.close();
    },
  };
}
