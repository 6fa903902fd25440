// One kill in the middle of a recall: the recipient dies by its own SIGKILL between two steps of destroying, is looked at dead, started again,
// and must end where it would have ended: nothing of the document left, one signed answer at the sender. Shared as cases.ts is.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DocumentView } from '../../edge-node/core.ts';
import { controlRequest } from '../../protocol/node/control.ts';
import { isFinal, type Office, type Paper, type TestDistrict, until } from '../support/processes.ts';
import { acknowledged, damaged } from './cases.ts';

export const recallPoints = ['recall.1', 'recall.2', 'recall.3', 'recall.4'] as const;
const withinMs = 60_000;
/** Large enough to lie in the content folder. */
const lengthBytes = 900_000;

const view = async ({ node }: Office, path: string): Promise<DocumentView> =>
  (await controlRequest(node.dir, 'GET', path)).body as DocumentView;

/** What went wrong; nothing if the list is empty. Afterwards every program runs, unarmed. */
export async function killInRecall(
  district: TestDistrict,
  point: (typeof recallPoints)[number],
): Promise<readonly string[]> {
  const [sender, recipient] = district.offices as [Office, Office];
  const wrong: string[] = [];
  const paper: Paper = {
    key: `recalled at ${point}.`,
    from: sender,
    to: [recipient],
    parts: [{ seed: point, lengthBytes }],
    urgency: 'normal',
    documentId: undefined,
  };
  await acknowledged(paper);
  await until(`${paper.key} is final`, withinMs, () => isFinal(paper));
  const id = paper.documentId!;
  const hex = (await view(recipient, `/v1/inbox/${id}`)).parts[0]!.sha256Hex;
  const file = join(recipient.node.dir, 'content', 'sha256', hex.slice(0, 2), hex);
  if (!existsSync(file)) wrong.push('the content was never there');
  await recipient.node.kill();
  await recipient.node.start({ crashAt: point });
  await controlRequest(sender.node.dir, 'POST', `/v1/documents/${id}/recall`, { body: { reason: point } });
  const end = await recipient.node.ended(withinMs);
  if (end?.signal !== 'SIGKILL') {
    wrong.push('the point was never passed');
    if (recipient.node.alive()) await recipient.node.kill();
  }
  wrong.push(...(await damaged(recipient.node)));
  await recipient.node.start();
  const seen = async () => (await view(sender, `/v1/documents/${id}`)).envelopes[0]!.recipients[0]!;
  await until(`${paper.key} is answered`, withinMs, async () => (await seen()).change?.state === 'agreed');
  const answers = (await seen()).timeline;
  if (answers.filter(({ status }) => status?.code === '15').length !== 1) wrong.push('not one answer');
  await until(`${paper.key} is gone`, withinMs, async () => !existsSync(file));
  const left = await view(recipient, `/v1/inbox/${id}`);
  if (left.metadata !== undefined || left.parts.length > 0) wrong.push('something is left');
  wrong.push(...(await damaged(recipient.node)));
  return wrong;
}
