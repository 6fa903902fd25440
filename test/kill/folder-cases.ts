// One kill around a watched folder: the sender dies by its own SIGKILL between two steps of taking a document out of it, or the recipient between
// two steps of giving one into it; started again, the document was sent once and lies there once. Shared as cases.ts is.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Office, type TestDistrict, until } from '../support/processes.ts';
import { damaged } from './cases.ts';

export const folderPoints = ['folder.1', 'folder.2', 'folder.3', 'folder.4', 'folder.5', 'folder.6'] as const;
const withinMs = 60_000;

const folderOf = (office: Office): string => join(office.node.dir, '..', `folder-${office.node.name}`);

/** Gives an office a watched folder, from its next start on. */
function watch(office: Office): void {
  mkdirSync(folderOf(office), { recursive: true });
  const path = join(office.node.dir, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(
    path,
    JSON.stringify({ ...config, folders: [{ path: folderOf(office), quietSeconds: 0.2 }] }),
  );
}

/** What went wrong; nothing if the list is empty. Afterwards every program runs, unarmed. */
export async function killAtFolder(
  district: TestDistrict,
  point: (typeof folderPoints)[number],
  form: 'folder' | 'side' = 'folder',
): Promise<readonly string[]> {
  const [sender, recipient] = district.offices as [Office, Office];
  const wrong: string[] = [];
  const giving = point === 'folder.5' || point === 'folder.6';
  const target = giving ? recipient : sender;
  for (const office of [sender, recipient]) {
    await office.node.kill();
    watch(office);
    await office.node.start(office === target ? { crashAt: point } : {});
  }
  const name = `${point} ${form}`;
  const out = join(folderOf(sender), 'out');
  await until('the folder is made', withinMs, async () => existsSync(out));
  const body = JSON.stringify({
    recipients: [recipient.code],
    subject: name,
    parts: [{ name: 'a b.txt' }, { name: 'lớn.bin' }],
  });
  const made = join(folderOf(sender), 'made');
  mkdirSync(made);
  writeFileSync(join(made, 'a b.txt'), name);
  writeFileSync(join(made, 'lớn.bin'), Buffer.alloc(600_000, name));
  if (form === 'folder') {
    writeFileSync(join(made, 'document.json'), body);
    renameSync(made, join(out, name));
  } else {
    cpSync(made, out, { recursive: true });
    renameSync(made, join(folderOf(sender), `done ${name}`));
    writeFileSync(join(out, `${name}.json`), body);
  }
  if ((await target.node.ended(withinMs))?.signal !== 'SIGKILL') {
    wrong.push('the point was never passed');
    if (target.node.alive()) await target.node.kill();
  }
  wrong.push(...(await damaged(target.node)));
  await target.node.start();
  const given = () =>
    readdirSync(join(folderOf(recipient), 'in')).filter((one) => {
      const path = join(folderOf(recipient), 'in', one, 'document.json');
      return existsSync(path) && readFileSync(path, 'utf8').includes(`"${name}"`);
    });
  await until(`${name} is given`, withinMs, async () => given().length > 0);
  const results = () =>
    readdirSync(join(folderOf(sender), 'sent')).filter((one) => one.startsWith(`${name}--`));
  const delivered = () =>
    results().some(
      (one) =>
        one.endsWith('.json') &&
        (JSON.parse(readFileSync(join(folderOf(sender), 'sent', one), 'utf8')) as { state: string }).state ===
          'delivered',
    );
  await until(`${name} is told`, withinMs, async () => delivered());
  if (results().filter((one) => one.endsWith('.json')).length !== 1) wrong.push('not one result');
  if (given().length !== 1) wrong.push(`given ${given().length} times`);
  const file = join(folderOf(recipient), 'in', given()[0]!, 'files', 'lớn.bin');
  if (!readFileSync(file).equals(Buffer.alloc(600_000, name))) wrong.push('a file differs');
  await until(`${name} is out`, withinMs, async () => readdirSync(out).length === 0);
  if (readdirSync(join(folderOf(sender), '.taking')).length > 0) wrong.push('something is left behind');
  return wrong;
}
