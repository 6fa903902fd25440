// `lienthong hub upstream add|list|…` and `lienthong hub border list|show`: gateways to another system, and the evidence of what crossed them.
// Requests to admin/border-routes.ts. A secret is read from a file, never from an argument that others see.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { readable, runCommand, wrongUse } from '../bin/output.ts';
import { catalogue, isErrorCode } from '../protocol/errors.ts';
import { checkSecret } from '../protocol/node/secret-file.ts';
import type { BorderDetail, BorderLine } from './axis/show.ts';
import { borderOfficeCommands } from './commands-border-offices.ts';
import { leaf, pathPart, stateText, timeOf, timeText, wholeNumber } from './commands-shared.ts';
import { withHub } from './offline.ts';

type Common = { dir: string; json?: boolean };
type BorderView = {
  name: string;
  connector: string;
  system: string;
  code: string;
  state: string;
  running: boolean;
  settings: { url: string; systemId: string; pollSeconds: number };
  lastContactMs: number | null;
  lastError: { code: string; said: string } | null;
  offices: number;
  waiting: number;
  sent: number;
  received: number;
  refusedIn: number;
  refusedOut: number;
  held: number;
};

/** Adds below `hub upstream`, which by itself links to a hub above, and `hub border`. */
export function borderCommands(hub: Command, upstream: Command, software: string): void {
  addCommand(upstream, software);
  changeCommands(upstream, software);
  officeCommands(upstream, software);
  borderOfficeCommands(upstream, software);
  evidenceCommands(hub, software);
}

type AddOptions = Common & {
  kind: string;
  connector: string;
  url: string;
  systemId: string;
  parentCode: string;
  secretFile: string;
  code: string;
  title?: string;
  system: string;
  ca?: string;
  poll?: number;
  maxMegabytes?: number;
};

function addCommand(upstream: Command, software: string): void {
  leaf(
    upstream,
    'add <name>',
    'Thêm cổng ra trục liên thông văn bản (edXML).\nAdds a border to the national axis or a provincial wrapper of it.',
  )
    .option(
      '--kind <kind>',
      'edxml; trung tâm cấp trên thì dùng --hub; the only other kind is a hub above',
      'edxml',
    )
    .option('--connector <name>', 'vxp: trục quốc gia; lgsp: nền tảng tỉnh; the protocol', 'vxp')
    .requiredOption('--url <url>', 'địa chỉ dịch vụ; address of its service')
    .requiredOption('--system-id <id>', 'mã hệ thống được cấp; system id')
    .requiredOption(
      '--secret-file <file>',
      'tệp chứa mật khẩu được cấp (dòng đầu), hoặc JSON của lgsp; file whose first line is the secret, or JSON',
    )
    .option(
      '--parent-code <code>',
      'mã trung tâm để đăng ký đơn vị; centre code under which offices are registered',
      '',
    )
    .requiredOption(
      '--code <code>',
      'mã của cổng trong danh bạ ở đây, vd CONG.H08; code of the border in our directory',
    )
    .option('--title <name>', 'tên cổng cho người đọc; its name for people')
    .option(
      '--system <name>',
      'tên hệ thống bên kia; name of the other system',
      'Trục liên thông văn bản quốc gia',
    )
    .option('--ca <file>', 'CA của máy chủ bên kia (PEM); CAs of its TLS certificate')
    .option('--poll <seconds>', 'hỏi văn bản mới sau mỗi (giây); how often it is asked', wholeNumber)
    .option(
      '--max-megabytes <n>',
      'cỡ thông điệp lớn nhất được gửi; largest message that leaves',
      wholeNumber,
    )
    .action((name: string, options: AddOptions) =>
      runCommand(async (out) => {
        if (options.kind !== 'edxml')
          throw wrongUse(
            '--kind is edxml; a hub above is linked by "hub upstream --hub ID --url URL"',
            '--kind là edxml; trung tâm cấp trên: "hub upstream --hub MÃ --url ĐỊA-CHỈ"',
          );
        const body = {
          name,
          connector: options.connector,
          system: options.system,
          code: options.code,
          unitName: options.title ?? `Cổng liên thông: ${options.system}`,
          settings: {
            url: options.url,
            systemId: options.systemId,
            parentCode: options.parentCode,
            ...(options.ca === undefined
              ? {}
              : { ca: await readable(options.ca, () => readFileSync(options.ca!, 'utf8')) }),
            ...(options.poll === undefined ? {} : { pollSeconds: options.poll }),
            ...(options.maxMegabytes === undefined
              ? {}
              : { messageBytesMax: options.maxMegabytes * 1_000_000 }),
          },
          secret: await secretOf(options.secretFile),
        };
        const made = await withHub({ dir: options.dir, software }, (request) =>
          request<BorderView>('POST', '/admin/v1/borders', body),
        );
        out.say(`Đã thêm cổng ${name} (${made.code}) tới ${made.settings.url}. Added.`);
        out.say(
          'Mật khẩu đã được mã hoá cất trong keys/; xoá tệp đã đưa vào. The secret is kept encrypted; destroy the file you gave.',
        );
        if (!made.running)
          out.say('Cổng chạy khi trung tâm chạy ("hub start"). It works while the hub runs.');
        out.answer(made);
      }, options),
    );
}

/** The first line, or the whole of a file in JSON; the file is the operator's to destroy. */
async function secretOf(path: string): Promise<string> {
  const text = await readable(path, () => readFileSync(path, 'utf8'));
  checkSecret(path);
  return text.trimStart().startsWith('{') ? text.trim() : text.split(/\r?\n/, 1)[0]!.trim();
}

function changeCommands(upstream: Command, software: string): void {
  leaf(upstream, 'list', 'Các cổng ra ngoài và tình trạng.\nBorders and how they stand.').action(
    (options: Common) =>
      runCommand(async (out) => {
        const answer = await withHub({ dir: options.dir, software }, (request) =>
          request<{ borders: BorderView[] }>('GET', '/admin/v1/borders'),
        );
        if (answer.borders.length === 0)
          out.say('Chưa có cổng nào; thêm bằng "hub upstream add". No border yet.');
        else
          out.table(
            [
              'Cổng',
              'Giao thức',
              'Địa chỉ',
              'Tình trạng',
              'Liên lạc lúc',
              'Đơn vị',
              'Chờ gửi',
              'Đã gửi',
              'Đã nhận',
              'Từ chối',
              'Giữ lại',
            ],
            answer.borders.map((b) => [
              b.name,
              b.connector,
              b.settings.url,
              b.state === 'paused'
                ? 'tạm dừng (paused)'
                : b.running
                  ? b.lastError
                    ? `lỗi: ${b.lastError.code}`
                    : 'đang chạy (running)'
                  : 'không chạy (not running)',
              timeText(b.lastContactMs),
              ...[b.offices, b.waiting, b.sent, b.received, b.refusedIn + b.refusedOut, b.held].map(String),
            ]),
          );
        for (const { name, lastError } of answer.borders)
          if (lastError) out.warn(`${name}: ${lastError.code} ${lastError.said}`.trim());
        out.answer(answer);
      }, options),
  );
  const acts: Readonly<Record<string, [string, string]>> = {
    pause: [
      'Tạm dừng cổng; văn bản chờ ở đây, không mất.\nStops a border; what is for the other side waits.',
      'đã tạm dừng (paused)',
    ],
    resume: ['Cho cổng chạy lại.\nStarts it again.', 'đang chạy (active)'],
    poll: ['Hỏi và gửi ngay.\nAsks and sends now.', 'đang hỏi (asking)'],
  };
  for (const [act, [description, said]] of Object.entries(acts))
    leaf(upstream, `${act} <name>`, description).action((name: string, options: Common) =>
      runCommand(async (out) => {
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request('POST', `/admin/v1/borders/${pathPart(name)}/${act}`, {}),
        );
        out.say(`${name}: ${said}`);
        out.answer(done);
      }, options),
    );
  leaf(upstream, 'secret <name>', 'Thay mật khẩu của cổng.\nReplaces its secret.')
    .requiredOption('--secret-file <file>', 'tệp chứa mật khẩu mới; file whose first line is the secret')
    .action((name: string, options: Common & { secretFile: string }) =>
      runCommand(async (out) => {
        const body = { secret: await secretOf(options.secretFile) };
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request('POST', `/admin/v1/borders/${pathPart(name)}/secret`, body),
        );
        out.say(`${name}: đã thay mật khẩu (replaced)`);
        out.answer(done);
      }, options),
    );
}

function officeCommands(upstream: Command, software: string): void {
  leaf(upstream, 'sync <name>', 'Lấy danh bạ đơn vị của trục ngay.\nFetches its list of offices now.').action(
    (name: string, options: Common) =>
      runCommand(async (out) => {
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<{ added: number; changed: number; closed: number; conflicts: number }>(
            'POST',
            `/admin/v1/borders/${pathPart(name)}/sync`,
            {},
          ),
        );
        out.say(`Thêm (added) ${done.added}, đổi (changed) ${done.changed}, đóng (closed) ${done.closed}`);
        if (done.conflicts > 0)
          out.warn(`${done.conflicts} đơn vị mâu thuẫn, xem "hub alarms". Conflicts: see "hub alarms".`);
        out.answer(done);
      }, options),
  );
  leaf(
    upstream,
    'register <name> <code>',
    'Đăng ký một đơn vị ở đây với trục.\nRegisters a unit of ours on the axis.',
  )
    .option('--mail <mail>', 'thư điện tử công vụ; official e-mail', '')
    .action((name: string, code: string, options: Common & { mail: string }) =>
      runCommand(async (out) => {
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<{ said: string }>('POST', `/admin/v1/borders/${pathPart(name)}/register`, {
            code,
            mail: options.mail,
          }),
        );
        out.say(`${code}: ${done.said || 'đã gửi đăng ký (asked)'}`);
        out.answer(done);
      }, options),
    );
  leaf(
    upstream,
    'unregister <name> <code>',
    'Xoá đăng ký một đơn vị trên trục.\nTakes a unit off the axis.',
  ).action((name: string, code: string, options: Common) =>
    runCommand(async (out) => {
      const done = await withHub({ dir: options.dir, software }, (request) =>
        request('POST', `/admin/v1/borders/${pathPart(name)}/unregister`, { code }),
      );
      out.say(`${code}: đã xoá đăng ký (taken off)`);
      out.answer(done);
    }, options),
  );
}

const borderStates: Readonly<Record<string, string>> = {
  made: 'chờ gửi',
  sent: 'trục đã nhận',
  reported: 'trục báo đã đến',
  refused: 'bị từ chối',
  sealed: 'đã nhận, đang chuyển',
  accepted: 'đã vào hệ thống',
  noted: 'đã ghi nhận',
  duplicate: 'trùng',
  held: 'giữ lại',
};
/** What we say of it in words, and what the axis said. */
const wordsOf = ({ code, words }: BorderLine): string =>
  [isErrorCode(code) ? `${catalogue[code].title.vi} (${code})` : code, words].filter(Boolean).join(': ');
const stateWords = (state: string): string =>
  borderStates[state] ? `${borderStates[state]} (${state})` : stateText(state);

function evidenceCommands(hub: Command, software: string): void {
  const border = hub
    .command('border')
    .description(
      'Bằng chứng ở cổng: những gì đã ra, đã vào.\nEvidence at the border: what left and what came in.',
    );
  leaf(border, 'list', 'Những gì đã qua cổng, mới nhất trước.\nWhat crossed, newest first.')
    .option('--name <name>', 'một cổng; one border')
    .option('--in', 'chỉ những gì vào; only what came in')
    .option('--out', 'chỉ những gì ra; only what left')
    .option('--state <state>', 'made, sent, reported, refused, sealed, accepted, noted, duplicate, held')
    .option('--document <id>', 'một văn bản (mã ở đây); one document by its id here')
    .option('--from <date>', 'từ ngày; since', timeOf)
    .action(
      (
        options: Common & {
          name?: string;
          in?: boolean;
          out?: boolean;
          state?: string;
          document?: string;
          from?: number;
        },
      ) =>
        runCommand(async (out) => {
          const query = new URLSearchParams();
          if (options.name) query.set('border', options.name);
          if (options.in !== options.out) query.set('direction', options.in ? 'in' : 'out');
          if (options.state) query.set('state', options.state);
          if (options.document) query.set('document', options.document);
          if (options.from !== undefined) query.set('sinceMs', String(options.from));
          const answer = await withHub({ dir: options.dir, software }, (request) =>
            request<{ messages: BorderLine[] }>('GET', `/admin/v1/border-messages?${query}`),
          );
          if (answer.messages.length === 0) out.say('Chưa có gì qua cổng. Nothing.');
          else
            out.table(
              ['Số', 'Lúc', 'Loại', 'Từ', 'Tới', 'DocumentId', 'Trạng thái', 'Mã trên trục', 'Lời của trục'],
              answer.messages.map((m) => [
                `${m.direction === 'in' ? 'vào' : 'ra'} ${m.id}`,
                timeText(m.atMs),
                m.what === 'status' ? `trạng thái ${m.status}`.trim() : 'văn bản',
                m.from,
                m.to,
                m.edxmlId,
                stateWords(m.state),
                m.foreignId,
                wordsOf(m),
              ]),
            );
          out.answer(answer);
        }, options),
    );
  leaf(
    border,
    'show <direction> <id>',
    'Tất cả về một lượt qua cổng: giờ, mã, giá trị băm, lời của trục.\nAll that is known of one message: in 12, out 7.',
  ).action((direction: string, id: string, options: Common) =>
    runCommand(async (out) => {
      const which =
        direction === 'in' || direction === 'vào' || direction === 'vao'
          ? 'in'
          : direction === 'out' || direction === 'ra'
            ? 'out'
            : undefined;
      if (!which || !/^\d+$/.test(id))
        throw wrongUse('as "show out 7" or "show in 12"', 'viết "show out 7" (ra) hoặc "show in 12" (vào)');
      const found = await withHub({ dir: options.dir, software }, (request) =>
        request<BorderDetail>('GET', `/admin/v1/border-messages/${which}/${id}`),
      );
      out.table(['', ''], detailRows(found));
      out.answer(found);
    }, options),
  );
}

const timeNames: Readonly<Record<string, string>> = {
  made: 'Tạo lúc (made)',
  tried: 'Gửi lần cuối (tried)',
  sent: 'Trục nhận lúc (sent)',
  ended: 'Kết thúc (ended)',
  received: 'Nhận lúc (received)',
  acknowledged: 'Trục biết lúc (acknowledged)',
};

function detailRows(m: BorderDetail): string[][] {
  return [
    ['Chiều (direction)', m.direction === 'in' ? 'vào (in)' : 'ra (out)'],
    ['Từ → tới', `${m.from} → ${m.to}`],
    ['DocumentId', m.edxmlId],
    ['Văn bản ở đây', m.documentId ?? '-'],
    ['Mã trên trục (axis id)', m.foreignId || '-'],
    ['Trạng thái', stateWords(m.state)],
    ...(m.rule ? [['Nhận ra bằng (rule)', m.rule]] : []),
    ...(m.code || m.words ? [['Lời của trục (words)', wordsOf(m)]] : []),
    ...Object.entries(m.times).map(([name, ms]) => [timeNames[name] ?? name, timeText(ms)]),
    ['Thông điệp SHA-256', `${m.messageSha256} (${m.messageBytes} B)`],
    ...m.parts.map((sha256, i) => [`Tệp ${i + 1} SHA-256`, sha256]),
    ...(m.notCarried.length > 0 ? [['Không mang được', m.notCarried.join(', ')]] : []),
    ...m.statements.map(({ event, atMs, ledgerSequence }) => [
      `Xác nhận có ký ${event}`,
      `${timeText(atMs)}, sổ cái (ledger) ${ledgerSequence}`,
    ]),
  ];
}
