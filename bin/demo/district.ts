// A whole district on one machine, in separate processes: the province's hub, the district's hub, four offices. Made the way an
// operator makes it: init, add unit, invite, enrol, compare the six words, confirm.
import { join } from 'node:path';
import { systemClock } from '../../protocol/node/clock.ts';
import { command, freePorts, type Running, start } from './processes.ts';

export type Office = {
  readonly key: 'communeA' | 'communeB' | 'district' | 'province';
  readonly code: string;
  readonly name: string;
  readonly running: Running;
  readonly apiUrl: string;
  /** Where the clerk's browser goes, and the first login. */
  readonly consoleUrl: string;
  readonly clerk: { readonly email: string; readonly code: string };
  readonly token: string;
};
export type District = {
  readonly dir: string;
  readonly root: string;
  readonly hubs: readonly Running[];
  readonly offices: Readonly<Record<Office['key'], Office>>;
  stop(): Promise<void>;
};

type Say = (line: string) => void;

const provinceCode = 'H08';
const districtCode = 'H08.35';

/** Names and codes below the district are samples: the real codes come from the national directory and are never invented. */
const communes = [
  { key: 'communeA', code: 'H08.35.901', name: 'UBND xã Bình Mẫu (mẫu)' },
  { key: 'communeB', code: 'H08.35.902', name: 'UBND xã Tây Mẫu (mẫu)' },
] as const;

export async function startDistrict(
  dir: string,
  say: Say,
  how: { /** As `init --at-rest`. */ readonly atRest?: string } = {},
): Promise<District> {
  atRest = how.atRest ?? 'key-file';
  const root = join(dir, 'root-ca');
  const running: Running[] = [];
  const nodes: Running[] = [];
  try {
    const province = await startHubAt(
      { dir, name: 'trung-tam-tinh', code: provinceCode, title: 'UBND tỉnh (mẫu)', root },
      say,
    );
    running.push(province.running);
    const district = await startHubAt(
      { dir, name: 'trung-tam-huyen', code: districtCode, title: 'UBND huyện Tây Sơn (mẫu)', root },
      say,
    );
    running.push(district.running);
    await linkUp(province, district, say);
    const offices: Partial<Record<Office['key'], Office>> = {};
    for (const commune of communes) {
      await district.running.ask('POST', '/admin/v1/units', { name: commune.name, codes: [commune.code] });
      offices[commune.key] = await enrolOffice({ dir, hub: district.running, nodes, ...commune }, say);
    }
    offices.district = await enrolOffice(
      {
        dir,
        hub: district.running,
        nodes,
        key: 'district',
        code: districtCode,
        name: 'UBND huyện Tây Sơn (mẫu)',
      },
      say,
    );
    offices.province = await enrolOffice(
      { dir, hub: province.running, nodes, key: 'province', code: provinceCode, name: 'UBND tỉnh (mẫu)' },
      say,
    );
    const all = offices as Record<Office['key'], Office>;
    await everyoneKnown(all, say);
    return {
      dir,
      root: join(root, 'root.crt'),
      hubs: running,
      offices: all,
      async stop() {
        await Promise.all(Object.values(all).map(({ running: node }) => node.stop()));
        await Promise.all(running.map((hub) => hub.stop()));
      },
    };
  } catch (error) {
    await Promise.all([...nodes, ...running].map((each) => each.stop()));
    throw error;
  }
}

/** How the folders of the district that is being started keep their data. */
let atRest = 'key-file';

type HubAt = { readonly running: Running; readonly hubId: string; readonly url: string };

async function startHubAt(
  hub: { dir: string; name: string; code: string; title: string; root: string },
  say: Say,
): Promise<HubAt> {
  const at = join(hub.dir, hub.name);
  const port = await freePorts();
  const made = JSON.parse(
    await command([
      'hub',
      'init',
      '--dir',
      at,
      '--name',
      hub.title,
      '--code',
      hub.code,
      '--root',
      hub.root,
      '--at-rest',
      atRest,
      '--port',
      String(port),
      '--json',
    ]),
  ) as { hubId: string };
  const running = await start('hub', hub.name, { dir: at, logs: join(hub.dir, 'logs') });
  say(`Trung tâm ${hub.title}: mã ${made.hubId}, cổng ${port}`);
  return { running, hubId: made.hubId, url: `https://localhost:${port}` };
}

/** The district's hub is a node of the province's hub. */
async function linkUp(province: HubAt, district: HubAt, say: Say): Promise<void> {
  const { answer } = await district.running.ask<{ answer: string }>('GET', '/admin/v1/directory');
  await province.running.ask('POST', '/admin/v1/peers/hub', { hubId: district.hubId, part: answer });
  await district.running.ask('POST', '/admin/v1/upstream', { hubId: province.hubId, url: province.url });
  say('Trung tâm huyện đã nối lên trung tâm tỉnh');
}

async function enrolOffice(
  office: { dir: string; hub: Running; nodes: Running[]; key: Office['key']; code: string; name: string },
  say: Say,
): Promise<Office> {
  const { invitation } = await office.hub.ask<{ invitation: string }>(
    'POST',
    `/admin/v1/units/${office.code}/invite`,
    {},
  );
  const at = join(office.dir, `nut-${office.code}`);
  const port = await freePorts();
  const enrolled = JSON.parse(
    await command([
      'node',
      'init',
      '--dir',
      at,
      '--invitation',
      invitation,
      '--at-rest',
      atRest,
      '--port',
      String(port),
      '--console-port',
      String(port + 1),
      '--json',
    ]),
  ) as {
    units: { words: string }[];
  };
  const words = enrolled.units[0]!.words;
  // An operator reads these over the telephone; the demo compares them itself.
  await office.hub.ask('POST', `/admin/v1/units/${office.code}/confirm`, { words });
  const { token } = JSON.parse(await command(['node', 'token', 'add', '--dir', at, 'demo', '--json'])) as {
    token: string;
  };
  const clerk = await firstClerk(at, office.code);
  const running = await start('node', `nut-${office.code}`, { dir: at, logs: join(office.dir, 'logs') });
  office.nodes.push(running);
  say(`Nút ${office.name} (${office.code}): ghi danh, sáu từ "${words}" khớp, đã xác nhận`);
  return {
    key: office.key,
    code: office.code,
    name: office.name,
    running,
    apiUrl: `http://127.0.0.1:${port}`,
    consoleUrl: `http://localhost:${port + 1}`,
    clerk,
    token,
  };
}

/** As the installer does it: the account, and the code by which the clerk chooses a password. */
async function firstClerk(dir: string, code: string): Promise<Office['clerk']> {
  const email = `vanthu.${code.toLowerCase().replaceAll('.', '-')}@tayson.gov.vn`;
  const made = await command([
    'node',
    'user',
    'add',
    email,
    '--dir',
    dir,
    '--name',
    `Văn thư ${code}`,
    '--json',
  ]);
  return { email, code: (JSON.parse(made) as { code: string }).code };
}

const knownWithinMs = 120_000;

/** Until every node's directory names every office: parts travel up and down with the polls. */
async function everyoneKnown(offices: Record<Office['key'], Office>, say: Say): Promise<void> {
  const untilMs = systemClock.monotonicMs() + knownWithinMs;
  const wanted = Object.values(offices).map(({ code }) => code);
  for (const { running, name } of Object.values(offices)) {
    for (;;) {
      const { entries: units } = await running.ask<{ entries: { code: string; state: string }[] }>(
        'GET',
        `/v1/directory?limit=100&q=${provinceCode}`,
      );
      const active = new Set(units.filter(({ state }) => state === 'active').map(({ code }) => code));
      if (wanted.every((code) => active.has(code))) break;
      if (systemClock.monotonicMs() > untilMs)
        throw new Error(`${name} does not know every office after ${knownWithinMs / 1000} s`);
      await systemClock.sleep(100);
    }
  }
  say('Danh bạ đã tới mọi nút');
}
