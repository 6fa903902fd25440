// One kill in the middle of a removal: the hub or the recipient dies by its own SIGKILL between two steps, is looked at dead, started again, and must
// end where it would have ended: nothing of the document on either disk, the signed word at the hub. Shared as cases.ts is.
import { generateKey, type OwnKey, signingKeyOf } from '../../certs/keys.ts';
import { parseDocumentId, uuidToBytes } from '../../protocol/ids.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { controlRequest } from '../../protocol/node/control.ts';
import { contentsDigestOf, removalActs, signAct } from '../../protocol/removal.ts';
import { filesHolding } from '../support/disk-search.ts';
import {
  bytesOfPart,
  isFinal,
  type Office,
  type Paper,
  type Program,
  type TestDistrict,
  until,
} from '../support/processes.ts';
import { acknowledged, damaged } from './cases.ts';

/** 1 ordered, 2 rows and files gone at the hub, 3 not yet said; 4 rows erased at the recipient, 5 not yet said. */
export const removalPoints = ['removal.1', 'removal.2', 'removal.3', 'removal.4', 'removal.5'] as const;
const withinMs = 60_000;
const names = ['mot', 'hai'] as const;
type Report = { act: string; doneHereMs: number | null; peers: { confirmedMs: number | null }[] };

/** Two operators whose keys the directory names. */
export async function nameOperators({ hub }: TestDistrict): Promise<Record<string, OwnKey>> {
  const keys = Object.fromEntries(names.map((name) => [name, generateKey()]));
  for (const name of names) {
    const body = { name, passphrase: `mật khẩu của ${name}` };
    await controlRequest(hub.dir, 'POST', '/admin/v1/operators', { body });
    const publicKey = Buffer.from(keys[name]!.publicKeyDer).toString('base64');
    await controlRequest(hub.dir, 'POST', `/admin/v1/operators/${name}/key`, { body: { publicKey } });
  }
  return keys;
}

/** What went wrong; nothing if the list is empty. Afterwards every program runs, unarmed. */
export async function killInRemoval(
  district: TestDistrict,
  point: (typeof removalPoints)[number],
  keys: Record<string, OwnKey>,
): Promise<readonly string[]> {
  const { hub } = district;
  const [sender, recipient] = district.offices as [Office, Office];
  const wrong: string[] = [];
  const parts = [{ seed: `mật ${point}`, lengthBytes: 900_000 }];
  const paper: Paper = {
    key: `removed at ${point}.`,
    from: sender,
    to: [recipient],
    parts,
    urgency: 'normal',
    documentId: undefined,
  };
  await acknowledged(paper);
  await until(`${paper.key} is final`, withinMs, () => isFinal(paper));
  const id = paper.documentId!;
  const order = async (name: string, act: 'hide' | 'destroy') => {
    const draft = (await controlRequest(hub.dir, 'GET', `/admin/v1/removals/${id}/draft`)).body as {
      hub: string;
      sender: string;
      contents: string[];
    };
    const contentsDigest =
      act === 'hide'
        ? new Uint8Array()
        : contentsDigestOf(draft.contents.map((hex) => Buffer.from(hex, 'hex')));
    const decision = {
      hub: draft.hub,
      sender: draft.sender,
      act: removalActs[act],
      documentId: uuidToBytes(parseDocumentId(id)),
      contentsDigest,
      reason: point,
      operator: name,
      atMs: systemClock.nowMs(),
    };
    const signed = signAct(decision, signingKeyOf(keys[name]!)).toString('base64');
    await controlRequest(hub.dir, 'POST', '/admin/v1/removals', { body: { signed } });
  };
  const target: Program = point <= 'removal.3' ? hub : recipient.node;
  await order('mot', 'hide');
  await target.kill();
  await target.start({ crashAt: point });
  // The hub that dies in the act does not answer; it is durable all the same.
  await order('hai', 'destroy').catch(() => {});
  const end = await target.ended(withinMs);
  if (end?.signal !== 'SIGKILL') {
    wrong.push('the point was never passed');
    if (target.alive()) await target.kill();
  }
  wrong.push(...(await damaged(target)));
  await target.start();
  await until(`${paper.key} is confirmed`, withinMs, async () => {
    const { body } = await controlRequest(hub.dir, 'GET', `/admin/v1/removals?document=${id}`);
    const done = (body as { removals: Report[] }).removals.find(({ act }) => act === 'destroy');
    return Boolean(done?.doneHereMs) && done!.peers.every(({ confirmedMs }) => confirmedMs !== null);
  });
  const bytes = bytesOfPart(parts[0]!).subarray(200_000, 200_064);
  for (const dir of [hub.dir, sender.node.dir, recipient.node.dir])
    wrong.push(...filesHolding(dir, bytes).map((path) => `still in ${path}`));
  wrong.push(...(await damaged(target)));
  return wrong;
}
