// One kill at a step of the border: the hub dies by its own SIGKILL while a document comes in from, or leaves for, a stand-in axis; is looked at
// dead, started again, and each document must be exactly once on the other side. Shared as cases.ts is.
import { received } from '../../bin/axis/practice.ts';
import type { InboxRow } from '../../edge-node/core.ts';
import { controlRequest } from '../../protocol/node/control.ts';
import { startTestAxis, systemId, type TestAxis } from '../support/axis.ts';
import { type Office, type TestDistrict, until } from '../support/processes.ts';
import { damaged } from './cases.ts';

/** 1 and 2 on the way in (kept; committed and not acknowledged), 3 and 4 on the way out (before the first byte; taken and not noted). */
export const borderPoints = ['border.1', 'border.2', 'border.3', 'border.4'] as const;
const withinMs = 60_000;
const department = 'H08.915';

/** Its axis lives in this process: it is not what is killed. */
export async function openBorder({ hub, offices }: TestDistrict): Promise<TestAxis> {
  const axis = await startTestAxis();
  axis.office(department);
  for (const { code } of offices) axis.office(code, { own: true });
  const settings = { url: axis.url, systemId, parentCode: 'W00.TEST', pollSeconds: 1 };
  const body = {
    name: 'truc',
    connector: 'vxp',
    system: 'Trục',
    code: 'CONG.TRUC',
    unitName: 'Cổng',
    settings,
    secret: axis.secret,
  };
  await controlRequest(hub.dir, 'POST', '/admin/v1/borders', { body });
  await controlRequest(hub.dir, 'POST', '/admin/v1/borders/truc/sync', { body: {} });
  const known = async ({ node }: Office) =>
    ((await controlRequest(node.dir, 'GET', `/v1/directory?q=${department}`)).body as { entries: unknown[] })
      .entries.length > 0;
  for (const office of offices)
    await until(`${office.code} knows ${department}`, withinMs, () => known(office));
  return axis;
}

/** What went wrong; nothing if the list is empty. Afterwards every program runs, unarmed. */
export async function killAtBorder(
  { hub, offices }: TestDistrict,
  axis: TestAxis,
  point: (typeof borderPoints)[number],
): Promise<readonly string[]> {
  const [office] = offices as [Office];
  const wrong: string[] = [];
  const number = `9${borderPoints.indexOf(point) + 1}`;
  const into = point === 'border.1' || point === 'border.2';
  await hub.kill();
  await hub.start({ crashAt: point });
  if (into) await axis.send({ from: department, to: [office.code], number });
  else
    await until(`${point} is handed in`, withinMs, async () => {
      await controlRequest(office.node.dir, 'POST', '/v1/documents', { body: letter(number) });
      return true;
    });
  const end = await hub.ended(withinMs);
  if (end?.signal !== 'SIGKILL') {
    wrong.push('the point was never passed');
    if (hub.alive()) await hub.kill();
  }
  wrong.push(...(await damaged(hub)));
  await hub.start();
  const counted = async (): Promise<number> => {
    if (!into)
      return (await received(axis.store, department)).filter(
        ({ message }) => message.what === 'document' && message.number === number,
      ).length;
    const { rows } = (await controlRequest(office.node.dir, 'GET', '/v1/inbox?limit=100')).body as {
      rows: InboxRow[];
    };
    return rows.filter((row) => row.number === number).length;
  };
  await until(`${point}: ${number} is there`, withinMs, async () => (await counted()) > 0);
  await until(`${point}: nothing waits at the border`, withinMs, async () => {
    const { messages } = (await controlRequest(hub.dir, 'GET', '/admin/v1/border-messages?state=made'))
      .body as { messages: unknown[] };
    return messages.length === 0;
  });
  const n = await counted();
  if (n !== 1) wrong.push(`${number} is there ${n} times`);
  return wrong;
}

function letter(number: string): object {
  return {
    idempotencyKey: `border ${number}`,
    recipients: [department],
    parts: [
      { name: 'a.txt', mediaType: 'text/plain', contentBase64: Buffer.from(number).toString('base64') },
    ],
    subject: `Văn bản ${number}`,
    number,
    notation: 'UBND-VP',
    type: 'Công văn',
    issueDate: '2026-11-20',
    signers: [{ name: 'Trần Văn Mẫu', position: 'Chủ tịch' }],
  };
}
