// One kill: arm a point in one program, hand documents in until it is dead by its own SIGKILL, look at the dead store, start again, and judge
// every document. Shared by kill-points.ts (all points) and crash.test.ts (some). The office software of these tests repeats with the
// same key until it is answered; it never gives up and never changes what it sends.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificateDer } from '../../certs/pem.ts';
import { verifyProof } from '../../certs/verify-proof.ts';
import { fsckNode } from '../../edge-node/fsck.ts';
import { fsckHub } from '../../hub/fsck.ts';
import { isExchangeError } from '../../protocol/errors.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { controlStream } from '../../protocol/node/control.ts';
import {
  bytesOf,
  command,
  exitOf,
  handIn,
  isFinal,
  judge,
  type Office,
  type Paper,
  type Program,
  type TestDistrict,
  until,
} from '../support/processes.ts';

export type KillCase = {
  readonly point: string;
  readonly where: 'hub' | 'sender' | 'recipient';
  readonly size: 'small' | 'large';
  /** The nth passing kills; later ones let the program start and work first. */
  readonly nth?: number;
};

/** Papers of one case; a point that they do not pass is not passed. */
const papersMax = 12;
const paceMs = 250;
const deadWithinMs = 30_000;
const finalWithinMs = 60_000;
/** Four chunks and a rest: several appends' worth of everything. */
const largeBytes = 3_400_000;

const all: Paper[] = [];

function paperOf(district: TestDistrict, size: KillCase['size'], name: string): Paper {
  const [from, to] = district.offices as [Office, Office];
  const parts = [{ seed: name, lengthBytes: size === 'small' ? 2_000 : largeBytes }];
  const paper: Paper = { key: name, from, to: [to], parts, urgency: 'normal', documentId: undefined };
  all.push(paper);
  return paper;
}

/** Repeats with the same key until the node answers. */
export async function acknowledged(paper: Paper, withinMs = 60_000): Promise<void> {
  await until(`${paper.key} is acknowledged`, withinMs, async () => {
    const { documentId } = await handIn(paper);
    if (paper.documentId !== undefined && paper.documentId !== documentId)
      throw new Error(`${paper.key}: acknowledged as ${paper.documentId}, now ${documentId}`);
    paper.documentId = documentId;
    return true;
  });
}

/** What went wrong; nothing if the list is empty. Afterwards every program of the district runs, unarmed. */
export async function killOnce(district: TestDistrict, one: KillCase): Promise<readonly string[]> {
  const { hub, offices } = district;
  const target = one.where === 'hub' ? hub : offices[one.where === 'sender' ? 0 : 1]!.node;
  const papers: Paper[] = [];
  const waiting: Promise<void>[] = [];
  const next = (): void => {
    const paper = paperOf(district, one.size, `${one.point} ${one.size} ${one.where} ${papers.length}.`);
    papers.push(paper);
    waiting.push(acknowledged(paper, deadWithinMs + 2 * finalWithinMs));
  };
  try {
    await target.kill();
    // Work is there before the program is, so that it meets the point with what a restart finds.
    if (one.where !== 'sender') next();
    const early = await target.start({ crashAt: one.nth ? `${one.point}:${one.nth}` : one.point });
    const end = early ?? (await dies(target, papers, next));
    if (end?.signal !== 'SIGKILL') {
      const wrong = end ? `it ended with code ${end.code} ${end.signal}` : 'the point was never passed';
      if (target.alive()) await target.kill();
      await target.start();
      await Promise.allSettled(waiting);
      return [wrong];
    }
    const damage = await damaged(target);
    await target.start();
    // At least one for a program that died before any came.
    if (papers.length === 0) next();
    await Promise.all(waiting);
    for (const paper of papers) await until(`${paper.key} is final`, finalWithinMs, () => isFinal(paper));
    return [...damage, ...(await Promise.all(papers.map(judge))).flat()];
  } catch (error) {
    await Promise.allSettled(waiting);
    if (!target.alive()) await target.start();
    return [error instanceof Error ? `${error.message} ${String(error.cause ?? '')}` : String(error)];
  }
}

async function dies(target: Program, papers: readonly Paper[], next: () => void) {
  const untilMs = systemClock.monotonicMs() + deadWithinMs;
  while (systemClock.monotonicMs() < untilMs) {
    if (papers.length < papersMax) next();
    const end = await target.ended(paceMs);
    if (end) return end;
  }
  return undefined;
}

/** The store as the crash left it, before anything repairs it. */
export async function damaged({ kind, dir }: Program): Promise<readonly string[]> {
  if (kind === 'hub') {
    const { findings } = await fsckHub({ dir, fast: true });
    return findings
      .filter(({ severity }) => severity === 'fault')
      .map(({ check, about, said }) => `fsck after the kill: ${check} ${about} ${said}`);
  }
  const { problems } = await fsckNode({ dir, clock: systemClock });
  return problems.map(({ about, what }) => `fsck after the kill: ${about} ${what}`);
}

/** Proofs of all documents so far; the first and the last also through the commands. One line each, empty when it verifies. */
export async function proofOf(district: TestDistrict): Promise<readonly string[]> {
  const rootDer = certificateDer(readFileSync(district.root, 'utf8'));
  let wrong = '';
  for (const { documentId, from, key } of all) {
    if (!documentId) continue;
    try {
      const path = `/v1/documents/${documentId}/proof`;
      const bytes = await controlStream(from.node.dir, { method: 'GET', path }, ({ body }) => bytesOf(body));
      verifyProof(bytes, rootDer);
    } catch (error) {
      wrong += `${key}: ${isExchangeError(error) ? `${error.code} ${error.detail}` : String(error)}; `;
    }
  }
  const lines = [wrong];
  for (const paper of new Set([all[0], all.at(-1)])) {
    if (!paper?.documentId) continue;
    const file = join(district.dir, `${paper.documentId}.ltproof`);
    await command(['proof', paper.documentId, '--dir', paper.from.node.dir, '--out', file]);
    const { code, err } = await exitOf(['verify', file, '--root', district.root, '--json']);
    lines.push(code === 0 ? '' : `${paper.key}: verify ends with ${code} ${err}`);
  }
  return lines;
}
