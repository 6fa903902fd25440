// The third act of the demo: the province is reached through the national message format. A stand-in axis runs beside the hubs, the province's hub
// has a border to it, and documents, statuses and recalls cross in both directions. Everything is done by the commands an administrator has.
import { spawn } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DocumentView, InboxRow } from '../../edge-node/core.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import type { Change } from './changes.ts';
import type { District, Office } from './district.ts';
import { command, freePorts, program } from './processes.ts';

type Say = (line: string) => void;
export type AxisDemo = {
  readonly changes: readonly Change[];
  readonly dir: string;
  readonly url: string;
  stop(): Promise<void>;
};

/** A sample code, as those of the communes: real ones come from the axis and are never invented. */
const department = { code: 'H08.915', old: '000.00.915.H08', name: 'Sở Tài chính (mẫu)' };
const systemId = 'MAU.H08';
const center = 'W00.H08';
const patienceMs = 60_000;

export async function playAxis(district: District, say: Say): Promise<AxisDemo> {
  const dir = join(district.dir, 'truc');
  const province = district.hubs[0]!;
  const { communeA, communeB } = district.offices;
  say('Trục liên thông (thực hành): tỉnh là một trục edXML, cổng đặt ở trung tâm tỉnh');
  const port = await freePorts();
  await command(['axis', 'init', '--dir', dir, '--port', String(port)]);
  const secret = join(district.dir, 'truc.mat-khau');
  await command([
    'axis',
    'system',
    'add',
    systemId,
    '--dir',
    dir,
    '--center',
    center,
    '--secret-file',
    secret,
  ]);
  await command([
    'axis',
    'agency',
    'add',
    department.code,
    '--dir',
    dir,
    '--name',
    department.name,
    '--old',
    department.old,
  ]);
  const server = await startAxis(dir, join(district.dir, 'logs', 'truc.log'));
  try {
    const changes = await acts({ dir, port, secret, province: province.dir, communeA, communeB }, say);
    return { changes, dir, url: `http://127.0.0.1:${port}`, stop: server.stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

type Stage = {
  readonly dir: string;
  readonly port: number;
  readonly secret: string;
  readonly province: string;
  readonly communeA: Office;
  readonly communeB: Office;
};

async function acts(stage: Stage, say: Say): Promise<Change[]> {
  const { dir, province, communeA, communeB } = stage;
  const changes: Change[] = [];
  const note = (what: string, who: string, seen: string | undefined): void => {
    changes.push({ what, who, seen: seen ?? 'không thấy trong thời hạn', good: seen !== undefined });
    say(`  ${seen === undefined ? '✗' : '✓'} ${what} — ${who}: ${seen ?? 'không thấy trong thời hạn'}`);
  };
  await command([
    ...[
      'hub',
      'upstream',
      'add',
      'truc',
      '--dir',
      province,
      '--url',
      `http://127.0.0.1:${stage.port}`,
      '--system-id',
      systemId,
    ],
    ...[
      '--secret-file',
      stage.secret,
      '--parent-code',
      center,
      '--code',
      'CONG.H08',
      '--system',
      'Trục liên thông (thực hành)',
      '--poll',
      '1',
    ],
  ]);
  for (const { code } of [communeA, communeB])
    await command(['hub', 'upstream', 'register', 'truc', code, '--dir', province]);
  await command(['hub', 'upstream', 'sync', 'truc', '--dir', province]);
  const known = await patiently(async () => {
    const { entries } = await communeA.running.ask<{ entries: { code: string }[] }>(
      'GET',
      `/v1/directory?q=${department.code}`,
    );
    return entries.some(({ code }) => code === department.code) ? department.name : undefined;
  });
  note('Danh bạ của trục tới xã', communeA.name, known);

  const sent = await handIn(communeA);
  const copy = await patiently(async () =>
    (await axisInbox(dir)).find(({ type, message }) => type === 'edoc' && message.number === '401'),
  );
  note('Văn bản của xã tới sở dạng edXML', department.name, copy && `số 401, docId ${copy.copy_id}`);
  if (copy) {
    await command(['axis', 'done', copy.copy_id, '--dir', dir]);
    await command([
      'axis',
      'answer',
      copy.copy_id,
      '--dir',
      dir,
      '--status',
      '03',
      '--reason',
      'Đã vào sổ số 1234',
    ]);
  }
  const status = await patiently(async () => {
    const view = await communeA.running.ask<DocumentView>('GET', `/v1/documents/${sent}`);
    const [recipient] = view.envelopes[0]!.recipients;
    return recipient?.status?.code === '03' ? `${recipient.state}, trạng thái 03` : undefined;
  });
  note('Trạng thái của sở về tới văn thư xã', communeA.name, status);

  const file = join(dir, 'cong-van-77.txt');
  writeFileSync(file, 'Sở Tài chính đề nghị báo cáo quyết toán năm.\n');
  const made = JSON.parse(
    await command([
      ...['axis', 'send', file, '--dir', dir, '--json', '--from', department.code, '--to', communeB.code],
      ...['--number', '77', '--notation', 'STC-NS', '--subject', 'Về việc báo cáo quyết toán năm'],
    ]),
  ) as { documentId: string };
  const arrived = await patiently(() => inInbox(communeB, '77'));
  note('Văn bản từ trục tới xã', communeB.name, arrived && `số 77 từ ${arrived.senderCode}`);
  const receipt = await patiently(async () =>
    (await axisInbox(dir)).find(({ message }) => message.code === '01'),
  );
  note('Xác nhận đã đến (01) về tới sở', department.name, receipt && 'trạng thái 01');

  await command([
    ...[
      'axis',
      'send',
      '--dir',
      dir,
      '--from',
      department.code,
      '--to',
      communeB.code,
      '--number',
      '77',
      '--notation',
      'STC-NS',
    ],
    ...[
      '--subject',
      'Thu hồi văn bản số 77',
      '--act',
      '1',
      '--target',
      made.documentId,
      '--reason',
      'Gửi nhầm nơi nhận',
    ],
  ]);
  const destroyed = await patiently(async () =>
    (await axisInbox(dir)).find(({ message }) => message.code === '15'),
  );
  note('Sở thu hồi, xã huỷ và trả lời 15', department.name, destroyed && 'trạng thái 15');

  await communeA.running.ask('POST', `/v1/documents/${sent}/recall`, { reason: 'Sai số liệu' });
  const recall = await patiently(async () =>
    (await axisInbox(dir)).find(({ message }) => message.kind === 'recall'),
  );
  note('Xã thu hồi văn bản đã gửi lên trục', department.name, recall && 'thông điệp thu hồi đã tới');
  if (copy)
    await command(['axis', 'answer', copy.copy_id, '--dir', dir, '--status', '15', '--reason', 'Đã huỷ']);
  const agreed = await patiently(async () => {
    const view = await communeA.running.ask<DocumentView>('GET', `/v1/documents/${sent}`);
    return view.envelopes[0]!.recipients[0]?.change?.state === 'agreed' ? 'sở đồng ý, đã huỷ' : undefined;
  });
  note('Trả lời thu hồi về tới xã', communeA.name, agreed);
  return changes;
}

async function handIn({ running }: Office): Promise<string> {
  const subject = 'Về việc xin ý kiến dự toán năm';
  const { documentId } = await running.ask<{ documentId: string }>('POST', '/v1/documents', {
    idempotencyKey: 'demo truc 401',
    recipients: [department.code],
    parts: [
      { name: '401.txt', mediaType: 'text/plain', contentBase64: Buffer.from(subject).toString('base64') },
    ],
    subject,
    number: '401',
    notation: 'UBND-TC',
    type: 'Công văn',
    issueDate: new Date(systemClock.nowMs() + 7 * 3_600_000).toISOString().slice(0, 10),
    signers: [{ name: 'Lê Thị Mẫu', position: 'Chủ tịch' }],
  });
  return documentId;
}

type AxisRow = {
  readonly copy_id: string;
  readonly type: string;
  readonly message: { readonly number?: string; readonly code?: string; readonly kind?: string };
};
async function axisInbox(dir: string): Promise<AxisRow[]> {
  return (
    JSON.parse(await command(['axis', 'inbox', department.code, '--dir', dir, '--json'])) as {
      messages: AxisRow[];
    }
  ).messages;
}

async function inInbox({ running }: Office, number: string): Promise<InboxRow | undefined> {
  const { rows } = await running.ask<{ rows: InboxRow[] }>('GET', '/v1/inbox?limit=50');
  return rows.find((row) => row.number === number);
}

async function patiently<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  const untilMs = systemClock.monotonicMs() + patienceMs;
  for (;;) {
    const found = await look();
    if (found !== undefined || systemClock.monotonicMs() > untilMs) return found;
    await systemClock.sleep(300);
  }
}

/** `lienthong axis start` as a program of its own; resolves when it listens. */
async function startAxis(dir: string, logFile: string): Promise<{ stop(): Promise<void> }> {
  const log = createWriteStream(logFile, { flags: 'a' });
  const child = spawn(process.execPath, [program, 'axis', 'start', '--dir', dir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  child.stderr.pipe(log);
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the axis ended with ${code}: see ${logFile}`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      log.write(text);
      if (text.includes('http://')) resolve();
    });
  });
  return {
    async stop() {
      if (child.exitCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}
