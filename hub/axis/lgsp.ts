// Connector of a provincial wrapper of the axis (VN-DOMAIN §2.3, the Lạng Sơn LGSP): system id and secret in headers, codes 0 and 10 to 23.
// Two of its calls are known from its guide (sendEdoc, updateStatus); the others stand here as that guide would have them by the names of
// the axis, and docs/AXIS.md says so. The wrapper asks for one office at a time.
import { ExchangeError } from '../../protocol/errors.ts';
import type { ClientTls } from '../../protocol/node/http-client.ts';
import { axisWords, createAxisHttp } from './axis-http.ts';
import type { Connector, Listed } from './connector.ts';
import { jsonData } from './json-data.ts';
import { multipartFile } from './multipart-file.ts';
import { lgspRefusal } from './refusals.ts';

export type LgspOptions = {
  readonly url: string;
  readonly systemId: string;
  readonly secret: string;
  readonly tls?: ClientTls;
  readonly timeoutMs?: number;
};

/** As its guide has it. */
const TIMEOUT_MS = 60_000;

type Row = Readonly<Record<string, unknown>>;
const text = (row: Row, ...names: readonly string[]): string => {
  const found = names
    .map((name) => row[name])
    .find((value) => typeof value === 'string' || typeof value === 'number');
  return found === undefined ? '' : String(found).trim();
};

function judged({ status, value }: { status: number; value: Row }): Row {
  const code = text(value, 'errorCode', 'ErrorCode', 'code');
  const words = axisWords(value.errorDesc ?? value.ErrorDesc ?? value.message);
  if (code === '0' || (code === '' && status < 400 && ('data' in value || 'docId' in value))) return value;
  if (code !== '') throw lgspRefusal(code, words);
  throw new ExchangeError(
    status === 401 || status === 403 ? 'axis-credentials-refused' : 'axis-answer-malformed',
    axisWords(`HTTP ${status}`, words),
  );
}

export function createLgsp(options: LgspOptions): Connector {
  const http = createAxisHttp({
    url: options.url,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    ...(options.tls ? { tls: options.tls } : {}),
  });
  const identity = { 'X-SystemId': options.systemId, 'X-SecretKey': options.secret };
  const post = async (path: string, body: unknown, signal: AbortSignal): Promise<Row> =>
    judged(
      await http.json({
        method: 'POST',
        path,
        headers: { ...identity, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
        signal,
      }),
    );

  return {
    async send(message, signal) {
      const { contentType, lengthBytes, body } = multipartFile({
        name: 'edocFile',
        filename: 'edoc.edxml',
        lengthBytes: message.lengthBytes,
        open: message.open,
        fields: [
          { name: 'messageType', value: message.type },
          { name: 'from', value: message.from },
          { name: 'to', value: message.to },
        ],
      });
      const answer = await http.json({
        method: 'POST',
        path: '/v1/sendEdoc',
        headers: { ...identity, 'Content-Type': contentType, 'Content-Length': String(lengthBytes) },
        body,
        signal,
      });
      const foreignId = text(judged(answer), 'docId', 'DocId', 'data');
      if (foreignId === '' || foreignId.length > 100)
        throw new ExchangeError('axis-answer-malformed', 'no docId');
      return foreignId;
    },
    async list(type, offices, signal) {
      const listed: Listed[] = [];
      for (const office of offices) {
        const { data } = await post('/v1/getReceivedEdocList', { messageType: type, to: office }, signal);
        if (!Array.isArray(data)) throw new ExchangeError('axis-answer-malformed', 'data is no list');
        for (const row of data as Row[]) {
          const foreignId = text(row, 'docId');
          if (foreignId !== '' && foreignId.length <= 100)
            listed.push({ foreignId, type, from: text(row, 'from'), to: text(row, 'to') || office });
        }
      }
      return listed;
    },
    async get({ foreignId }, signal) {
      const { status, body } = await http.stream({
        method: 'POST',
        path: '/v1/getEdoc',
        headers: { ...identity, 'Content-Type': 'application/json' },
        body: JSON.stringify({ docId: foreignId }),
        signal,
      });
      return jsonData(body, (rest) => {
        judged({ status, value: rest });
      });
    },
    async acknowledge({ foreignId, to }, as, signal) {
      await post('/v1/updateStatus', { docId: foreignId, to, status: as }, signal);
    },
    sent: undefined,
    agencies: undefined,
    register: () =>
      Promise.reject(new ExchangeError('axis-refused', 'the province registers offices by hand')),
    unregister: () =>
      Promise.reject(new ExchangeError('axis-refused', 'the province registers offices by hand')),
    close: () => http.close(),
  };
}
