// The test buttons of the console: the line to the hub step by step, the clock, the certificates, the scanner. Each is tried now and answers with what was
// done, what was found, and a remedy from the catalogue. Must never send anything of a document, nor change how the node works.
import { lookup } from 'node:dns/promises';
import { catalogue, type ErrorCode, isExchangeError } from '../protocol/errors.ts';
import { clockBounds } from '../protocol/grace.ts';
import type { Clock } from '../protocol/node/clock.ts';
import { connector, type ProxyOptions } from '../protocol/node/connector.ts';
import { proxyOf } from './config.ts';
import type { SelfTest, SelfTestName } from './console/contract-figures.ts';
import type { EdgeContext } from './context.ts';
import { unverifiedTime } from './enrol-fetch.ts';

type Step = SelfTest['steps'][number];
const connectMs = 10_000;
const exchangeMs = 20_000;
const dayMs = 86_400_000;

const good = (name: string, found: string): Step => ({ name, good: true, found, code: '', remedyVi: '' });
function bad(name: string, code: ErrorCode, found: string): Step {
  const { title, remedy } = catalogue[code];
  return { name, good: false, found: found || title.vi, code, remedyVi: remedy.vi };
}
const failed = (name: string, error: unknown): Step =>
  isExchangeError(error)
    ? bad(name, error.code, [catalogue[error.code].title.vi, error.detail].filter(Boolean).join(': '))
    : bad(name, 'internal', '');

/** Name, way, then a true exchange with the hub under both certificates: what a node does all day, once. */
async function line(context: EdgeContext, nudge: () => void): Promise<readonly Step[]> {
  const { config, identity, link, clock } = context;
  const hub = new URL(identity().exchangeUrl);
  const proxy = proxyOf(config);
  const target = proxy ? new URL(proxy.url) : hub;
  const port = target.port || (target.protocol === 'http:' ? '80' : '443');
  const place = proxy ? `máy proxy ${target.hostname}` : target.hostname;
  const steps: Step[] = [];
  try {
    const { address } = await lookup(target.hostname.replace(/^\[|\]$/g, ''));
    steps.push(good('Tìm địa chỉ máy', `${place} → ${address}`));
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    return [
      bad(
        'Tìm địa chỉ máy',
        'hub-unreachable',
        `Không tìm thấy ${place} (${code}). Kiểm tra máy chủ tên miền (DNS).`,
      ),
    ];
  }
  try {
    steps.push(
      await reach(
        { hostname: hub.hostname, port: hub.port || '443' },
        { proxy, clock, place, proxyPort: port },
      ),
    );
  } catch (error) {
    return [...steps, failed('Nối tới máy', error)];
  }
  const startedMs = clock.monotonicMs();
  try {
    // The smallest question that the hub answers: nothing is newer than this.
    await link.removals(
      { after: Number.MAX_SAFE_INTEGER, done: [], reports: [] },
      AbortSignal.timeout(exchangeMs),
    );
    steps.push(
      good(
        'Trao đổi thử với trung tâm',
        `trả lời sau ${Math.round(clock.monotonicMs() - startedMs)} ms; hai bên đã nhận chứng thư của nhau`,
      ),
    );
  } catch (error) {
    steps.push(failed('Trao đổi thử với trung tâm', error));
  }
  nudge();
  return steps;
}

async function reach(
  to: { readonly hostname: string; readonly port: string },
  {
    proxy,
    clock,
    place,
    proxyPort,
  }: {
    readonly proxy: ProxyOptions | undefined;
    readonly clock: Clock;
    readonly place: string;
    readonly proxyPort: string;
  },
): Promise<Step> {
  const open = connector({ connectMs, ...(proxy ? { proxy } : {}) });
  const startedMs = clock.monotonicMs();
  await new Promise<void>((resolve, reject) =>
    open({ ...to, protocol: 'http:' }, (error, socket) => {
      socket?.destroy();
      if (socket) resolve();
      else reject(error);
    }),
  );
  return good(
    'Nối tới máy',
    `${place}, cổng ${proxy ? proxyPort : to.port}: ${Math.round(clock.monotonicMs() - startedMs)} ms`,
  );
}

async function clockTest({ config, identity, link, clock }: EdgeContext): Promise<readonly Step[]> {
  const { enrolUrl } = identity();
  const proxy = proxyOf(config);
  const asked =
    enrolUrl === '' ? undefined : await unverifiedTime({ url: enrolUrl, ...(proxy ? { proxy } : {}) });
  const offsetMs = asked === undefined ? link.clockOffsetMs() : clock.nowMs() - asked;
  const name = 'So đồng hồ với trung tâm';
  if (offsetMs === undefined)
    return [bad(name, 'hub-unreachable', 'Chưa so được: trung tâm chưa trả lời. Thử đường truyền trước.')];
  const seconds = (Math.abs(offsetMs) / 1000).toFixed(1).replace('.', ',');
  const said = `máy này ${offsetMs >= 0 ? 'nhanh' : 'chậm'} ${seconds} giây so với trung tâm`;
  return [Math.abs(offsetMs) > clockBounds.nodeFailMs ? bad(name, 'clock-wrong', said) : good(name, said)];
}

function certificates({ identity, clock, directory }: EdgeContext): readonly Step[] {
  const { tlsCertificate, units } = identity();
  const nowMs = clock.nowMs();
  const one = (
    name: string,
    { notBeforeMs, notAfterMs }: { readonly notBeforeMs: number; readonly notAfterMs: number },
  ): Step => {
    const days = Math.floor((notAfterMs - nowMs) / dayMs);
    if (nowMs < notBeforeMs) return bad(name, 'clock-wrong', 'chưa có hiệu lực theo đồng hồ máy này');
    return nowMs > notAfterMs
      ? bad(name, 'certificate-expired', `hết hạn ${-days} ngày trước`)
      : good(name, `còn hạn ${days} ngày`);
  };
  return [
    one('Chứng thư của máy (đường truyền)', tlsCertificate),
    ...units.map(({ unit, name, certificate }) =>
      one(`Con dấu số của ${directory.current().unit(unit)?.name ?? name}`, certificate),
    ),
  ];
}

async function scanner({ safety }: EdgeContext): Promise<readonly Step[]> {
  const name = 'Hỏi bộ quét mã độc';
  const { configured, downSinceMs, said } = await safety.scanner.look();
  if (!configured)
    return [
      {
        name,
        good: false,
        found: 'Chưa cài bộ quét: văn bản được chuyển và ghi "chưa quét".',
        code: '',
        remedyVi: 'Người quản trị máy khai báo clamd ở "safety.scanner" của config.json.',
      },
    ];
  return [downSinceMs === undefined ? good(name, 'đang trả lời') : bad(name, 'scanner-unreachable', said)];
}

/** Every test ends by itself: each step has a limit of time. */
export function createSelfTests(
  context: EdgeContext,
  retryNow: () => void,
): (name: SelfTestName) => Promise<SelfTest> {
  return async (name) => {
    const steps =
      name === 'line'
        ? await line(context, retryNow)
        : name === 'clock'
          ? await clockTest(context)
          : name === 'certificate'
            ? certificates(context)
            : await scanner(context);
    return { name, atMs: context.clock.nowMs(), good: steps.every((step) => step.good), steps };
  };
}
