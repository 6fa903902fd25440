// The judgement of the soak: every paper that was acknowledged, against every arrival and every receipt. Knows nothing of the faults.
import { readFileSync } from 'node:fs';
import { certificateDer } from '../../certs/pem.ts';
import { verifyProof } from '../../certs/verify-proof.ts';
import type { InboxRow } from '../../edge-node/core.ts';
import { fsckNode } from '../../edge-node/fsck.ts';
import { fsckHub } from '../../hub/fsck.ts';
import { isExchangeError } from '../../protocol/errors.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { controlRequest, controlStream } from '../../protocol/node/control.ts';
import {
  arrivedPart,
  bytesOf,
  digestOfPart,
  type Office,
  showSent,
  type TestDistrict,
} from '../support/processes.ts';
import type { Tracked } from './traffic.ts';

export type Counts = {
  handedIn: number;
  acknowledged: number;
  deliveries: number;
  lost: number;
  duplicated: number;
  corrupted: number;
  stuck: number;
  unproven: number;
};

/** Papers compared at once. */
const atOnce = 6;

/** While everything runs and nothing moves any more. */
export async function checkAll(
  district: TestDistrict,
  papers: readonly Tracked[],
  wrong: (line: string) => void,
): Promise<Counts> {
  const counts: Counts = {
    handedIn: papers.length,
    acknowledged: 0,
    deliveries: 0,
    lost: 0,
    duplicated: 0,
    corrupted: 0,
    stuck: 0,
    unproven: 0,
  };
  const rootDer = certificateDer(readFileSync(district.root, 'utf8'));
  const inboxes = new Map<Office, Map<string, InboxRow[]>>();
  for (const office of district.offices) inboxes.set(office, await inboxOf(office));
  const keys = new Set(papers.map(({ key }) => key));
  for (const [office, byKey] of inboxes)
    for (const [key, rows] of byKey)
      if (!keys.has(key)) {
        counts.duplicated += rows.length;
        wrong(`${office.code} got "${key}", which nobody handed in`);
      }
  const left = [...papers];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let paper = left.shift(); paper; paper = left.shift()) await checkPaper(paper);
    }),
  );
  return counts;

  async function checkPaper(paper: Tracked): Promise<void> {
    if (paper.documentId === undefined) {
      counts.stuck += 1;
      wrong(`${paper.key} was never acknowledged: ${paper.lastError}`);
      return;
    }
    counts.acknowledged += 1;
    for (const office of paper.to)
      await checkArrival(paper, office, inboxes.get(office)!.get(paper.key) ?? []);
    for (const [office, byKey] of inboxes)
      if (!paper.to.includes(office) && byKey.has(paper.key)) {
        counts.duplicated += 1;
        wrong(`${paper.key} came to ${office.code}, to which it was not sent`);
      }
    await checkSender(paper);
  }

  async function checkArrival(paper: Tracked, office: Office, rows: readonly InboxRow[]): Promise<void> {
    if (rows.length === 0) {
      counts.lost += 1;
      wrong(
        `${paper.key} is lost: ${office.code} has nothing; at its sender ${paper.ids.join(', ')} ${paper.lastError}`,
      );
    }
    if (rows.length > 1) {
      counts.duplicated += rows.length - 1;
      const said = rows.map(({ documentId, envelopeId }) => `${documentId}/${envelopeId}`).join(' and ');
      wrong(
        `${paper.key} came ${rows.length} times to ${office.code}: ${said}; acknowledged as ${paper.ids.join(', ')}`,
      );
    }
    for (const row of rows) {
      counts.deliveries += 1;
      for (const [i, part] of paper.parts.entries()) {
        if ((await arrivedPart(office, row.envelopeId, i)) === digestOfPart(part)) continue;
        counts.corrupted += 1;
        wrong(`${paper.key}: part ${i} differs at ${office.code}`);
      }
    }
  }

  async function checkSender(paper: Tracked): Promise<void> {
    const view = await showSent(paper.from, paper.documentId!);
    for (const { code, state, timeline } of view.envelopes[0]?.recipients ?? []) {
      if (state === 'delivered') continue;
      counts.stuck += 1;
      const last = timeline.at(-1);
      wrong(
        `${paper.key} to ${code} is ${state} at its sender (${view.envelopes[0]?.lastError ?? ''}; last ${last?.event} ${last?.code})`,
      );
    }
    try {
      const path = `/v1/documents/${paper.documentId}/proof`;
      const bytes = await controlStream(paper.from.node.dir, { method: 'GET', path }, ({ body }) =>
        bytesOf(body),
      );
      verifyProof(bytes, rootDer);
    } catch (error) {
      counts.unproven += 1;
      wrong(
        `${paper.key}: its proof ${isExchangeError(error) ? `${error.code} ${error.detail}` : String(error)}`,
      );
    }
  }
}

async function inboxOf({ node }: Office): Promise<Map<string, InboxRow[]>> {
  const byKey = new Map<string, InboxRow[]>();
  let after = '';
  for (;;) {
    const { body } = await controlRequest(
      node.dir,
      'GET',
      `/v1/inbox?limit=200${after && `&after=${after}`}`,
    );
    const { rows, next } = body as { rows: InboxRow[]; next?: string };
    for (const row of rows) byKey.set(row.subject, [...(byKey.get(row.subject) ?? []), row]);
    if (!next) return byKey;
    after = next;
  }
}

/** After a clean stop. Lines of what is damaged. */
export async function fsckAll({ hub, offices }: TestDistrict): Promise<string[]> {
  const lines: string[] = [];
  const { findings } = await fsckHub({ dir: hub.dir });
  for (const { severity, check, about, said } of findings)
    if (severity === 'fault') lines.push(`fsck of the hub: ${check} ${about} ${said}`);
  for (const { node } of offices) {
    const { problems } = await fsckNode({ dir: node.dir, clock: systemClock });
    for (const { about, what } of problems) lines.push(`fsck of ${node.name}: ${about} ${what}`);
  }
  return lines;
}
