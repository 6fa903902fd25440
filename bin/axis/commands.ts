// `lienthong axis …`: a stand-in of the national axis to practise with. It speaks the axis's protocol to a hub (lienthong hub upstream add), keeps what
// passes, plays offices on the other side, and fails on purpose. Never for a real exchange: it listens on this machine alone.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../protocol/node/clock.ts';
import { lockDir } from '../../protocol/node/lock.ts';
import { CommandError, exitCodes, runCommand } from '../output.ts';
import { answerPaper, officeOf, received, sendPaper } from './practice.ts';
import { startAxisServer } from './server.ts';
import { type AxisStore, type FaultName, faultNames, openAxisStore } from './store.ts';

type Common = { readonly dir: string; readonly json?: boolean };

const HOST = '127.0.0.1';

function leaf(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .requiredOption('--dir <dir>', 'thư mục của trục thực hành; the folder of the practice axis')
    .option('--json', 'kết quả JSON; machine-readable answer');
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new InvalidArgumentError('a port');
  return value;
}
function number(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('a number, 0 switches off');
  return value;
}

async function withStore<T>(dir: string, work: (store: AxisStore) => Promise<T> | T): Promise<T> {
  if (!fs.existsSync(join(dir, 'axis.sqlite')))
    throw new CommandError(
      'unreadable',
      { vi: `${dir} không phải thư mục của trục thực hành`, en: `${dir} is no folder of a practice axis` },
      { vi: 'Tạo bằng "lienthong axis init --dir …".', en: 'Make one with "lienthong axis init --dir …".' },
    );
  const store = openAxisStore(dir);
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

export function axisCommands(program: Command): void {
  const axis = program
    .command('axis')
    .description(
      'Trục liên thông để thực hành, trên máy này.\nA stand-in of the national axis, on this machine, to practise with.',
    );
  makingCommands(axis);
  officeCommands(axis);
  paperCommands(axis);
}

function makingCommands(axis: Command): void {
  leaf(axis, 'init', 'Tạo trục thực hành.\nMakes a practice axis.')
    .option('--port <port>', 'cổng; the port', port, 9480)
    .action((options: Common & { port: number }) =>
      runCommand(async (out) => {
        if (fs.existsSync(join(options.dir, 'axis.sqlite')))
          throw new CommandError('failed', {
            vi: `${options.dir} đã có trục`,
            en: `${options.dir} holds an axis already`,
          });
        const store = openAxisStore(options.dir, { create: true });
        store.setSetting('port', String(options.port));
        store.close();
        out.say(`Đã tạo trục thực hành ở ${options.dir}, cổng ${options.port}. Made.`);
        out.say(
          'Tiếp theo (next): lienthong axis system add MÃ --dir … ; lienthong axis agency add MÃ --name "…" --dir … ; lienthong axis start --dir …',
        );
        out.answer({ dir: options.dir, port: options.port });
      }, options),
    );
  leaf(axis, 'start', 'Chạy trục thực hành tới khi bị dừng.\nRuns until stopped.')
    .option('--port <port>', 'cổng khác; another port', port)
    .action((options: Common & { port?: number }) =>
      runCommand(async (out) => {
        await withStore(options.dir, async (store) => {
          const lock = lockDir(options.dir);
          try {
            const server = await startAxisServer({
              store,
              clock: systemClock,
              random: Math.random,
              host: HOST,
              port: options.port ?? Number(store.setting('port') ?? 0),
            });
            out.say(`Trục thực hành đang chạy: http://${HOST}:${server.port} (Ctrl+C để dừng). Running.`);
            out.answer({ url: `http://${HOST}:${server.port}` });
            await new Promise<void>((resolve) => {
              process.once('SIGINT', () => resolve());
              process.once('SIGTERM', () => resolve());
            });
            await server.close();
          } finally {
            lock.release();
          }
        });
      }, options),
    );
  const system = axis
    .command('system')
    .description('Hệ thống nối vào trục (mỗi trung tâm một).\nSystems that connect: one for each hub.');
  leaf(system, 'add <id>', 'Thêm hệ thống; in mật khẩu một lần.\nAdds one; its secret is printed once.')
    .option('--name <name>', 'tên; name', '')
    .option('--center <code>', 'mã trung tâm để đăng ký đơn vị; centre code under which it registers offices')
    .option('--secret-file <file>', 'ghi mật khẩu vào tệp này thay vì in ra; writes the secret there instead')
    .action((id: string, options: Common & { name: string; center?: string; secretFile?: string }) =>
      runCommand(async (out) => {
        const secret = randomBytes(24).toString('base64url');
        const centerCode = options.center ?? `W-${id}`;
        await withStore(options.dir, (store) =>
          store.addSystem({ systemId: id, secret, name: options.name || id, centerCode }),
        );
        if (options.secretFile) fs.writeFileSync(options.secretFile, `${secret}\n`, { mode: 0o600 });
        out.say(`Hệ thống ${id}, mã trung tâm ${centerCode}`);
        out.say(options.secretFile ? `Mật khẩu ở ${options.secretFile}` : `Mật khẩu (secret): ${secret}`);
        out.answer({ systemId: id, centerCode, ...(options.secretFile ? {} : { secret }) });
      }, options),
    );
  leaf(
    axis,
    'status',
    'Trục đang có gì: hệ thống, đơn vị, văn bản, lỗi đang bật, các lượt gọi.\nWhat it holds and how it was called.',
  ).action((options: Common) =>
    runCommand(async (out) => {
      const found = await withStore(options.dir, (store) => ({
        port: Number(store.setting('port') ?? 0),
        systems: store.systems(),
        agencies: store.agencies().map(({ code, code102, name, system_id, locked }) => ({
          code,
          code102,
          name,
          system: system_id,
          locked: locked === 1,
        })),
        copies: store.all(),
        faults: store.faults(),
        calls: store.calls(),
      }));
      out.say(
        `Cổng ${found.port}; hệ thống: ${found.systems.map(({ system_id }) => system_id).join(', ') || 'chưa có'}`,
      );
      out.table(
        ['Mã', 'Mã cũ', 'Đơn vị', 'Hệ thống', ''],
        found.agencies.map((each) => [
          each.code,
          each.code102,
          each.name,
          each.system ?? '(đóng vai bằng lệnh)',
          each.locked ? 'ĐANG KHOÁ' : '',
        ]),
      );
      if (found.copies.length > 0)
        out.table(
          ['docId', 'Loại', 'Từ', 'Tới', 'Số, ký hiệu', 'Trạng thái'],
          found.copies.map((copy) => [
            copy.copy_id,
            copy.type === 'status' ? `status ${copy.status_code}` : 'edoc',
            copy.from_code,
            copy.to_code,
            copy.notation,
            copy.state,
          ]),
        );
      for (const { name, value } of found.faults) out.say(`Lỗi đang bật (fault): ${name} = ${value}`);
      if (found.calls.length > 0)
        out.table(
          ['Lời gọi', 'Kết quả', 'Số lần'],
          found.calls.map(({ path, outcome, n }) => [path, outcome, String(n)]),
        );
      out.answer(found);
    }, options),
  );
  leaf(
    axis,
    'fault [name] [value]',
    'Bật, tắt lỗi để thực hành; không có tên thì liệt kê.\nSwitches faults on and off; without a name lists them.',
  )
    .addHelpText(
      'after',
      `\n${Object.entries(faultNames)
        .map(([name, what]) => `  ${name.padEnd(20)} ${what}`)
        .join('\n')}`,
    )
    .action((name: string | undefined, value: string | undefined, options: Common) =>
      runCommand(async (out) => {
        await withStore(options.dir, (store) => {
          if (name !== undefined) {
            if (!Object.hasOwn(faultNames, name))
              throw new CommandError('wrongUse', {
                vi: `Không có lỗi "${name}"; có: ${Object.keys(faultNames).join(', ')}`,
                en: `There is no fault "${name}"; there are: ${Object.keys(faultNames).join(', ')}`,
              });
            store.setFault(name as FaultName, number(value ?? '1'));
          }
          const faults = store.faults();
          if (faults.length === 0) out.say('Không lỗi nào đang bật. No fault is on.');
          for (const fault of faults) out.say(`${fault.name} = ${fault.value}`);
          out.answer({ faults });
        });
      }, options),
    );
}

function officeCommands(axis: Command): void {
  const agency = axis.command('agency').description('Đơn vị trên trục.\nOffices on the axis.');
  leaf(agency, 'add <code>', 'Thêm hoặc sửa đơn vị.\nAdds or changes an office.')
    .requiredOption('--name <name>', 'tên; name')
    .option('--old <code>', 'mã 13 ký tự cũ; older code', '')
    .option('--mail <mail>', 'thư điện tử; e-mail', '')
    .option(
      '--system <id>',
      'thuộc hệ thống; không có: do lệnh đóng vai; of which system, else played by commands',
    )
    .option(
      '--id <id>',
      'mã nội bộ, giữ nguyên khi đổi mã định danh; internal id, which stays when the code changes',
    )
    .action(
      (
        code: string,
        options: Common & { name: string; old: string; mail: string; system?: string; id?: string },
      ) =>
        runCommand(async (out) => {
          await withStore(options.dir, (store) => {
            const id = options.id ?? store.agencyByCode(code)?.id ?? `vxp-${code}`;
            store.putAgency({
              id,
              systemId: options.system ?? null,
              code,
              code102: options.old,
              name: options.name,
              mail: options.mail,
            });
            out.say(`${code} ${options.name}`);
            out.answer({ id, code });
          });
        }, options),
    );
  const acts: Readonly<Record<string, [string, (store: AxisStore, code: string) => boolean]>> = {
    lock: [
      'Khoá: ai gửi tới sẽ bị trục từ chối.\nLocks: whoever sends to it is refused.',
      (store, code) => store.lockAgency(code, true),
    ],
    unlock: ['Mở khoá.\nUnlocks.', (store, code) => store.lockAgency(code, false)],
    remove: [
      'Xoá khỏi danh bạ của trục.\nRemoves it from the list.',
      (store, code) => store.removeAgency(code),
    ],
  };
  for (const [name, [description, act]] of Object.entries(acts))
    leaf(agency, `${name} <code>`, description).action((code: string, options: Common) =>
      runCommand(async (out) => {
        const done = await withStore(options.dir, (store) => act(store, officeOf(store, code).code));
        out.say(done ? `${code}: xong (done)` : `${code}: không có gì thay đổi (unchanged)`);
        out.answer({ code, done });
        return done ? exitCodes.done : exitCodes.failed;
      }, options),
    );
}

type PaperOptions = Common & {
  readonly from: string;
  readonly to: readonly string[];
  readonly number: string;
  readonly notation: string;
  readonly date: string;
  readonly type: string;
  readonly subject: string;
  readonly act: '0' | '1' | '2' | '3';
  readonly reason?: string;
  readonly target?: string;
};

function paperCommands(axis: Command): void {
  leaf(
    axis,
    'send [files...]',
    'Một đơn vị trên trục gửi văn bản.\nAn office of the axis sends a document, a recall, an update or a replacement.',
  )
    .requiredOption('--from <code>', 'nơi gửi; sender')
    .requiredOption('--to <codes>', 'nơi nhận, cách bằng dấu phẩy; receivers', (text: string) =>
      text.split(',').map((code) => code.trim()),
    )
    .requiredOption('--number <number>', 'số')
    .requiredOption('--notation <notation>', 'ký hiệu')
    .requiredOption('--subject <text>', 'trích yếu')
    .option('--date <date>', 'ngày ban hành, YYYY-MM-DD; hôm nay; today', '')
    .option('--type <name>', 'loại văn bản', 'Công văn')
    .addOption(
      new Option('--act <act>', 'new 0, recall 1, update 2, replacement 3')
        .choices(['0', '1', '2', '3'])
        .default('0'),
    )
    .option('--reason <text>', 'lý do của thu hồi, cập nhật, thay thế')
    .option('--target <DocumentId>', 'DocumentId của văn bản bị thu hồi, cập nhật, thay thế')
    .action((files: string[], options: PaperOptions) =>
      runCommand(async (out) => {
        const { dir: _dir, json: _json, ...paper } = options;
        const done = await withStore(options.dir, (store) =>
          sendPaper(store, { ...paper, files }, systemClock),
        );
        out.say(`Trục đã nhận: docId ${done.docId}, DocumentId ${done.documentId}`);
        out.answer(done);
      }, options),
    );
  leaf(
    axis,
    'inbox <code>',
    'Văn bản và trạng thái tới một đơn vị trên trục.\nWhat came for an office of the axis.',
  ).action((code: string, options: Common) =>
    runCommand(async (out) => {
      const rows = await withStore(options.dir, (store) => received(store, code));
      if (rows.length === 0) out.say('Chưa có gì. Nothing.');
      else
        out.table(
          ['docId', 'Từ', 'Nội dung', 'Tệp'],
          rows.map(({ copy_id, from_code, message, files }) => [
            copy_id,
            from_code,
            message.what === 'status'
              ? `${message.code} ${message.description}`.trim()
              : `${message.kind} ${message.number}/${message.notation} ${message.subject}`,
            files.map(({ name }) => name).join(', '),
          ]),
        );
      out.answer({ messages: rows });
    }, options),
  );
  leaf(
    axis,
    'answer <docId>',
    'Nơi nhận báo trạng thái về văn bản (03, 06, 02 …).\nThe receiver reports a status; with 13 the sender asks back.',
  )
    .requiredOption('--status <code>', 'hai chữ số; two digits')
    .option('--reason <text>', 'lý do, nội dung', '')
    .action((docId: string, options: Common & { status: string; reason: string }) =>
      runCommand(async (out) => {
        const id = await withStore(options.dir, (store) =>
          answerPaper(
            store,
            { copyId: docId, code: options.status, description: options.reason },
            systemClock,
          ),
        );
        out.say(`Trục đã nhận trạng thái ${options.status}: docId ${id}`);
        out.answer({ docId: id });
      }, options),
    );
  leaf(
    axis,
    'done <docId>',
    'Nơi nhận xác nhận đã lưu (updateStatus done).\nThe receiver acknowledges as its software would.',
  )
    .option('--fail <words>', 'không nhận được, với lời giải thích; could not be taken')
    .action((docId: string, options: Common & { fail?: string }) =>
      runCommand(async (out) => {
        await withStore(options.dir, (store) => {
          if (!store.copy(docId))
            throw new CommandError('failed', { vi: `Không có ${docId}`, en: `No ${docId}` });
          store.setCopy(
            docId,
            options.fail === undefined ? 'done' : 'fail',
            options.fail ?? '',
            systemClock.nowMs(),
          );
        });
        out.say(`${docId}: ${options.fail === undefined ? 'done' : 'fail'}`);
        out.answer({ docId });
      }, options),
    );
}
