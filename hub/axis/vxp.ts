// Connector of the national axis: the VXP client protocol as its kit speaks it (VN-DOMAIN §2.2). Signed header fields, hash-file with the
// kit's hex, multipart upload, lists as JSON. Everything the axis says goes on as its words.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { ClientTls } from '../../protocol/node/http-client.ts';
import { type AxisHttp, axisWords, createAxisHttp } from './axis-http.ts';
import type { Agency, AgencyList, Connector, Listed, OutgoingMessage, SentFact } from './connector.ts';
import { jsonData } from './json-data.ts';
import { multipartFile } from './multipart-file.ts';
import { vxpRefusal } from './refusals.ts';
import { vxpFileHash, vxpHeaders } from './vxp-sign.ts';

export type VxpOptions = {
  readonly url: string;
  readonly systemId: string;
  readonly secret: string;
  readonly clock: Clock;
  readonly tls?: ClientTls;
  /** Until the head of an answer, and between its pieces. */
  readonly timeoutMs?: number;
};

/** A large message takes the axis minutes to store before it answers. */
const TIMEOUT_MS = 180_000;
const SERVICE = 'eDoc';

type Fields = Readonly<Record<string, string>>;
type Row = Readonly<Record<string, unknown>>;

const text = (row: Row, ...names: readonly string[]): string => {
  for (const name of names) {
    const value = row[name];
    if (typeof value === 'string') return value.trim();
    if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  }
  return '';
};
const truthy = (row: Row, name: string) => /^(1|true|y|yes)$/i.test(text(row, name)) || row[name] === true;

export function createVxp(options: VxpOptions): Connector {
  const { systemId, secret, clock } = options;
  const http = createAxisHttp({
    url: options.url,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    ...(options.tls ? { tls: options.tls } : {}),
  });
  const headers = (fields: Fields, contentType: string) =>
    vxpHeaders(fields, { systemId, secret, nowMs: clock.nowMs(), contentType });

  /** POST without a body; `OK` or the axis's refusal. */
  async function call(path: string, fields: Fields, signal: AbortSignal): Promise<Row> {
    const answer = await http.json({
      method: 'POST',
      path,
      headers: headers(fields, 'application/json'),
      body: '',
      signal,
    });
    return judged(answer);
  }

  async function rows(path: string, fields: Fields, signal: AbortSignal): Promise<readonly Row[]> {
    const { data } = await call(path, fields, signal);
    if (data === null || data === undefined) return [];
    if (!Array.isArray(data)) throw new ExchangeError('axis-answer-malformed', `${path}: data is no list`);
    return data.filter((each): each is Row => typeof each === 'object' && each !== null);
  }

  return {
    send: (message, signal) => send(message, { http, headers, signal }),
    async list(type, _offices, signal) {
      const found = await rows('/getReceivedEdocList', { servicetype: SERVICE, messagetype: type }, signal);
      return found.flatMap((row): Listed[] => {
        const foreignId = text(row, 'docId', 'docid', 'DocId');
        if (foreignId === '' || foreignId.length > 100) return [];
        return [{ foreignId, type, from: text(row, 'from'), to: text(row, 'to') }];
      });
    },
    get: ({ foreignId }, signal) => getEdoc(foreignId, { http, headers, signal }),
    async acknowledge({ foreignId }, as, signal) {
      await call('/updateStatus', { docId: foreignId, status: as }, signal);
    },
    report: undefined,
    async sent(from, type, signal) {
      const found = await rows('/getSentEdocList', { from, servicetype: SERVICE, messagetype: type }, signal);
      return found.map(sentFact);
    },
    agencies: (sinceVersion, signal) => agencies(sinceVersion, rows, signal),
    async register({ parentCode, ...office }, signal) {
      const body = JSON.stringify({ ...office, pcode: parentCode });
      const answer = await http.json({
        method: 'POST',
        path: '/registerAgency',
        headers: headers({}, 'application/json'),
        body,
        signal,
      });
      const done = judged(answer);
      return text(done, 'state', 'data', 'status');
    },
    async unregister(code, signal) {
      return text(await call('/deleteAgency', { AgencyCode: code }, signal), 'status');
    },
    close: () => http.close(),
  };
}

/** `status` OK or FAIL, `ErrorCode` "0" for success (VN-DOMAIN §2.2). An answer that says neither is none. */
function judged({ status, value }: { status: number; value: Record<string, unknown> }): Row {
  const code = text(value, 'ErrorCode', 'errorCode');
  const words = axisWords(value.ErrorDesc ?? value.errorDesc ?? value.message);
  const said = text(value, 'status');
  if (status === 401 || status === 403)
    throw new ExchangeError('axis-credentials-refused', axisWords(code, words));
  if (/^ok$/i.test(said) && (code === '' || code === '0')) return value;
  if (said === '' && code === '0') return value;
  if (said === '' && code === '' && status < 400 && 'data' in value) return value;
  if (said === '' && code === '') throw new ExchangeError('axis-answer-malformed', `HTTP ${status}`);
  throw vxpRefusal(code, words);
}

type With = {
  readonly http: AxisHttp;
  readonly headers: (fields: Fields, contentType: string) => Record<string, string>;
  readonly signal: AbortSignal;
};

async function send(message: OutgoingMessage, { http, headers, signal }: With): Promise<string> {
  const { contentType, lengthBytes, body } = multipartFile({
    name: 'file_doc',
    filename: 'edoc.edxml',
    lengthBytes: message.lengthBytes,
    open: message.open,
  });
  const fields = {
    from: message.from,
    to: JSON.stringify([message.to]),
    servicetype: SERVICE,
    messagetype: message.type,
    'hash-file': vxpFileHash(message.sha256),
  };
  // The kit signs application/octet-stream while the body is multipart; the axis expects both.
  const answer = await http.json({
    method: 'POST',
    path: '/sendEdoc',
    headers: {
      ...headers(fields, 'application/octet-stream'),
      'Content-Type': contentType,
      'Content-Length': String(lengthBytes),
    },
    body,
    signal,
  });
  const foreignId = text(judged(answer), 'DocId', 'docId', 'docid', 'data');
  if (foreignId === '' || foreignId.length > 100)
    throw new ExchangeError('axis-answer-malformed', 'sendEdoc without a DocId');
  return foreignId;
}

/** The refusal of the axis, if it is one, comes with the last byte: `data` may stand before it. */
async function getEdoc(
  foreignId: string,
  { http, headers, signal }: With,
): Promise<AsyncIterable<Uint8Array>> {
  const { status, body } = await http.stream({
    method: 'POST',
    path: '/getEdoc',
    headers: headers({ docId: foreignId, filePath: '' }, 'application/json'),
    body: '',
    signal,
  });
  return jsonData(body, (rest) => {
    judged({ status, value: rest });
  });
}

function sentFact(row: Row): SentFact {
  const received = text(row, 'receiveStatus').toLowerCase();
  const time = Date.parse(text(row, 'sentTime'));
  return {
    // What sendEdoc answered; the receiver's copy has an id of its own.
    foreignId: text(row, 'senderDocId', 'docId', 'receiverDocId'),
    to: text(row, 'toCode', 'to'),
    notation: text(row, 'notation'),
    title: text(row, 'title'),
    sentMs: Number.isNaN(time) ? 0 : time,
    received: received === 'done' ? 'done' : received === 'fail' ? 'fail' : 'open',
    words: axisWords(row.receiveStatusDesc),
  };
}

/** All of it the first time, in both code forms; then what changed since the version that was seen. */
async function agencies(
  sinceVersion: number,
  rows: (path: string, fields: Fields, signal: AbortSignal) => Promise<readonly Row[]>,
  signal: AbortSignal,
): Promise<AgencyList> {
  const changed = await rows('/getSynchronizeUnit', { version: String(sinceVersion) }, signal);
  const version = changed.reduce(
    (highest, row) => Math.max(highest, Number(text(row, 'version')) || 0),
    sinceVersion,
  );
  if (sinceVersion > 0 && changed.length === 0) return { rows: [], full: false, version };
  // The list of changes has one code form only; the other one comes from the full lists.
  const [byNew, byOld] = [
    await rows('/getAgenciesListQD20', { level: '' }, signal),
    await rows('/getAgenciesList', {}, signal),
  ];
  const oldOf = new Map<string, string>();
  for (const row of byOld) oldOf.set(text(row, 'id'), text(row, 'oldCode'));
  const listed = new Map<string, Agency>();
  for (const row of [...byOld, ...byNew]) {
    const agency = text(row, 'id');
    if (agency === '') continue;
    listed.set(agency, agencyOf(row, text(row, 'code102') || (oldOf.get(agency) ?? '')));
  }
  const gone = changed
    .filter((row) => truthy(row, 'deleted') && !listed.has(text(row, 'id')))
    .map((row) => ({ ...agencyOf(row, ''), deleted: true }));
  return { rows: [...listed.values(), ...gone], full: true, version };
}

function agencyOf(row: Row, oldCode: string): Agency {
  const code = text(row, 'code').toUpperCase();
  const old = oldCode.toUpperCase();
  return {
    agency: text(row, 'id').slice(0, 100),
    code: code.slice(0, 64),
    oldCode: old === code ? '' : old.slice(0, 64),
    name: text(row, 'name').normalize('NFC').slice(0, 140),
    mail: text(row, 'mail').slice(0, 100),
    deleted: truthy(row, 'deleted'),
  };
}
