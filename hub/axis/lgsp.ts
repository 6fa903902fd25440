// Connector of a provincial wrapper of the axis (VN-DOMAIN §2.3, the Lạng Sơn LGSP), as a public client of that very wrapper speaks to it: login, send,
// list by day, get, updateStatus, list of offices. docs/AXIS.md says of each call whether it is known or assumed. Business statuses are words about
// a message that came in, not messages.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { ClientTls } from '../../protocol/node/http-client.ts';
import { dateText } from '../edxml/times.ts';
import { axisWords, createAxisHttp } from './axis-http.ts';
import type { Agency, Connector, Listed, MessageType } from './connector.ts';
import { jsonData } from './json-data.ts';
import { lgspAccess, lgspSecrets } from './lgsp-access.ts';
import { multipartFile } from './multipart-file.ts';
import { lgspRefusal } from './refusals.ts';

export type LgspOptions = {
  readonly url: string;
  readonly systemId: string;
  /** See lgsp-access.ts. */
  readonly secret: string;
  readonly clock: Clock;
  readonly tls?: ClientTls;
  readonly timeoutMs?: number;
};

/** As its guide has it. */
const TIMEOUT_MS = 60_000;
const DAY_MS = 86_400_000;
/** Its list is asked by days, and windows of more than a week are said to be refused. Windows overlap: whether their ends belong to them varies. */
const WINDOW_MS = 7 * DAY_MS;
const WINDOW_STEP_MS = 6 * DAY_MS;
/** The first question after a start looks back so many windows: a border that stood still for a month misses nothing. */
const FIRST_WINDOWS = 5;

type Row = Readonly<Record<string, unknown>>;
const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (row: Row, name: string): string => {
  const value = row[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
};

/** Success is `success: true`; login and lists of offices say `code: 200`. Failures hold errorCode and errorDesc in `data`, or beside it. */
function judged({ status, value }: { readonly status: number; readonly value: Row }): Row {
  const inside = isRow(value.data) ? value.data : {};
  const code = text(inside, 'errorCode') || text(value, 'errorCode');
  const words = axisWords(text(inside, 'errorDesc') || text(value, 'errorDesc') || text(value, 'message'));
  const good = value.success === true || (value.success === undefined && text(value, 'code') === '200');
  if (good && status < 400 && (code === '' || code === '0')) return value;
  if (code !== '' && code !== '0') throw lgspRefusal(code, words);
  if (status === 401 || status === 403)
    throw new ExchangeError('axis-credentials-refused', axisWords(`HTTP ${status}`, words));
  if (status === 429) throw new ExchangeError('axis-busy', axisWords('HTTP 429', words));
  if (value.success === false || status >= 400)
    throw new ExchangeError('axis-refused', axisWords(`HTTP ${status}`, words));
  throw new ExchangeError('axis-answer-malformed', `HTTP ${status}`);
}

const slashed = (ms: number): string => dateText(ms).replaceAll('-', '/');

export function createLgsp(options: LgspOptions): Connector {
  const { clock } = options;
  const http = createAxisHttp({
    url: options.url,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    ...(options.tls ? { tls: options.tls } : {}),
  });
  const access = lgspAccess(lgspSecrets(options.secret, options.systemId), { http, clock });
  const lookedBack = new Set<string>();

  /** A token that the wrapper forgot is asked for anew, once. */
  async function withToken<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const refused = error instanceof ExchangeError && error.code === 'axis-credentials-refused';
      if (!refused || !access.forget()) throw error;
      return await work();
    }
  }
  const ask = (
    { office, path, body }: { readonly office: string; readonly path: string; readonly body?: object },
    signal: AbortSignal,
  ): Promise<Row> =>
    withToken(async () =>
      judged(
        await http.json({
          method: body ? 'POST' : 'GET',
          path,
          headers: {
            ...(await access.headers(office, signal)),
            ...(body ? { 'Content-Type': 'application/json' } : {}),
          },
          ...(body ? { body: JSON.stringify(body) } : {}),
          signal,
        }),
      ),
    );

  /** The end of a window does not belong to it: tomorrow is named to have today. */
  async function window(
    type: MessageType,
    office: string,
    {
      fromMs,
      toMs,
      signal,
    }: { readonly fromMs: number; readonly toMs: number; readonly signal: AbortSignal },
  ): Promise<readonly Row[]> {
    const query = new URLSearchParams({
      messageType: type,
      fromDate: slashed(fromMs),
      toDate: slashed(toMs),
    });
    const { data } = await ask({ office, path: `/v1/syncReceivedEdocList?${query}` }, signal);
    if (data === null || data === undefined) return [];
    if (!Array.isArray(data)) throw new ExchangeError('axis-answer-malformed', 'data is no list');
    return data.filter(isRow);
  }

  async function list(type: MessageType, offices: readonly string[], signal: AbortSignal): Promise<Listed[]> {
    const listed: Listed[] = [];
    for (const { office, of } of access.groups(offices)) {
      const key = `${type} ${office}`;
      const windows = lookedBack.has(key) ? 1 : FIRST_WINDOWS;
      const endMs = clock.nowMs() + DAY_MS;
      for (let i = windows - 1; i >= 0; i -= 1) {
        const toMs = endMs - i * WINDOW_STEP_MS;
        const rows = await window(type, office, { fromMs: toMs - WINDOW_MS, toMs, signal });
        for (const row of rows) {
          const foreignId = text(row, 'docId');
          if (foreignId === '' || foreignId.length > 100) continue;
          // One office asks for itself only; a row without an addressee is its.
          const to = text(row, 'to') || (of.length === 1 ? office : '');
          const answered = !/^(|initial)$/i.test(text(row, 'status'));
          listed.push({ foreignId, type, from: text(row, 'from'), to, answered });
        }
      }
      lookedBack.add(key);
    }
    return listed;
  }

  const tell = async (foreignId: string, office: string, status: string, signal: AbortSignal) =>
    void (await ask({ office, path: '/v1/updateStatus', body: { docId: foreignId, status } }, signal));

  return {
    async send({ type, from, lengthBytes: bytes, open }, signal) {
      const answer = await withToken(async () => {
        const { contentType, lengthBytes, body } = multipartFile({
          name: 'edocFile',
          filename: 'edoc.edxml',
          contentType: 'application/xml',
          lengthBytes: bytes,
          open,
          fields: [{ name: 'messageType', value: type }],
        });
        return judged(
          await http.json({
            method: 'POST',
            path: '/v1/sendEdoc',
            headers: {
              ...(await access.headers(from, signal)),
              'Content-Type': contentType,
              'Content-Length': String(lengthBytes),
            },
            body,
            signal,
          }),
        );
      });
      const foreignId = text(answer, 'docId') || (isRow(answer.data) ? text(answer.data, 'docId') : '');
      if (foreignId === '' || foreignId.length > 100)
        throw new ExchangeError('axis-answer-malformed', 'sendEdoc without a docId');
      return foreignId;
    },
    async list(type, offices, signal) {
      try {
        return await list(type, offices, signal);
      } catch (error) {
        // Whether it lists statuses at all is not known: its refusal of that question may not hold up the documents.
        const refused =
          error instanceof ExchangeError && error.code.startsWith('axis-') && error.row.retry !== 'later';
        if (type === 'status' && refused && error.code !== 'axis-credentials-refused') return [];
        throw error;
      }
    },
    get: ({ foreignId, to }, signal) =>
      withToken(async () => {
        const { status, body } = await http.stream({
          method: 'GET',
          path: `/v1/getEdoc?docId=${encodeURIComponent(foreignId)}`,
          headers: await access.headers(to, signal),
          signal,
        });
        // Its files stand beside the message a second time, in base64: they are passed over.
        return jsonData(body, (rest) => void judged({ status, value: rest }), {
          path: ['data', 'edxml'],
          dropLong: true,
        });
      }),
    acknowledge: ({ foreignId, to }, as, signal) => tell(foreignId, to, as, signal),
    report: ({ foreignId, office, code }, signal) => tell(foreignId, office, code, signal),
    sent: undefined,
    async agencies(_sinceVersion, signal) {
      const { data } = await ask({ office: '', path: '/v1/getAgenciesList' }, signal);
      const rows = (Array.isArray(data) ? data : []).filter(isRow).map(agencyOf);
      const named = rows.filter(({ code }) => code !== '');
      // An empty list is a trouble over there, not the end of all offices.
      return { rows: named, full: named.length > 0, version: 0 };
    },
    register: () =>
      Promise.reject(new ExchangeError('axis-refused', 'the province registers offices by hand')),
    unregister: () =>
      Promise.reject(new ExchangeError('axis-refused', 'the province registers offices by hand')),
    close: () => http.close(),
  };
}

/** It gives one code and no id of its own: an office whose code changes is another office. */
function agencyOf(row: Row): Agency {
  const code = text(row, 'orgCode').toUpperCase().slice(0, 64);
  return {
    agency: code,
    code,
    oldCode: '',
    name: text(row, 'orgName').normalize('NFC').slice(0, 140),
    mail: text(row, 'email').slice(0, 100),
    deleted: false,
  };
}
