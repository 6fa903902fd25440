// The stand-in axis over HTTP: the calls of VN-DOMAIN §2.2 and, under /v1, those of a provincial wrapper (§2.3). Plain HTTP on this machine: for tests,
// the demo and practice, never for a real exchange. Faults come from the store before each request.
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../../protocol/node/clock.ts';
import { Refusal, spool, takeIn } from './intake.ts';
import { MultipartError, readMultipart } from './multipart.ts';
import type { Agency, AxisStore, Copy } from './store.ts';
import { type Fields, kitText, verifyHeaders } from './verify.ts';

type Answer = { readonly status?: number; readonly body: unknown };
type Asked = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly system: string;
  readonly fields: Fields;
  readonly store: AxisStore;
  readonly clock: Clock;
  readonly random: () => number;
};

const JSON_BYTES_MAX = 256 * 1024;
const HOUR_MS = 3_600_000;
const ok = (more: Record<string, unknown> = {}): Answer => ({
  body: { status: 'OK', ErrorCode: '0', ErrorDesc: '', ...more },
});
const fail = ({ code, message }: Refusal): Answer => ({
  body: { status: 'FAIL', ErrorCode: code, ErrorDesc: message },
});

export type AxisServer = { readonly port: number; close(): Promise<void> };

export function startAxisServer(options: {
  readonly store: AxisStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly host: string;
  readonly port: number;
}): Promise<AxisServer> {
  const { store } = options;
  const server: Server = createServer(
    { requestTimeout: 0, headersTimeout: 30_000, maxHeaderSize: 64 * 1024 },
    (request, response) => {
      handle(request, response, options).catch((error: unknown) => {
        store.counted(request.url ?? '', `error ${error instanceof Error ? error.name : ''}`);
        if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ status: 'FAIL', ErrorCode: '20', ErrorDesc: 'Internal error' }));
      });
    },
  );
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address ? address.port : options.port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { store, clock, random }: { store: AxisStore; clock: Clock; random: () => number },
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0]!;
  const slow = store.fault('slow');
  if (slow > 0) await clock.sleep(slow);
  if (store.take('fail') || random() < store.fault('fail-chance')) {
    request.resume();
    store.counted(path, '500 on purpose');
    return send(response, { status: 500, body: 'the practice axis fails on purpose' });
  }
  const wrapper = path.startsWith('/v1/');
  const who = wrapper ? wrapperIdentity(request, store) : vxpIdentity(request, store, clock);
  if ('refused' in who) {
    request.resume();
    store.counted(path, `refused: ${who.refused.message}`);
    return send(response, wrapper ? wrapperAnswer(fail(who.refused)) : { ...fail(who.refused), status: 401 });
  }
  const asked: Asked = { request, response, store, clock, random, ...who };
  const call = (wrapper ? wrapperCalls : vxpCalls)[wrapper ? path.slice(3) : path];
  if (!call || request.method !== 'POST') {
    request.resume();
    return send(response, {
      status: 404,
      body: { status: 'FAIL', ErrorCode: '404', ErrorDesc: 'no such service' },
    });
  }
  let answer: Answer | undefined;
  try {
    answer = await call(asked);
  } catch (error) {
    if (error instanceof MultipartError) answer = fail(new Refusal('10', `Invalid file: ${error.message}`));
    else if (error instanceof Refusal) answer = fail(error);
    else throw error;
  }
  if (!answer) return store.counted(path, 'streamed or cut');
  const said = (answer.body as { ErrorCode?: string; ErrorDesc?: string }) ?? {};
  store.counted(
    path,
    said.ErrorCode === '0' || said.ErrorCode === undefined ? 'OK' : `${said.ErrorCode} ${said.ErrorDesc}`,
  );
  send(response, wrapper ? wrapperAnswer(answer) : answer);
}

function send(response: ServerResponse, { status = 200, body }: Answer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json' });
  response.end(text);
}

/** The wrapper names things its own way. */
function wrapperAnswer({ status, body }: Answer): Answer {
  const { ErrorCode, ErrorDesc, DocId, ...rest } = body as Record<string, unknown>;
  const refused = ErrorCode !== '0' && ErrorCode !== undefined;
  return {
    status: status ?? (refused ? 400 : 200),
    body: {
      errorCode: Number(ErrorCode ?? 0),
      errorDesc: ErrorDesc ?? '',
      ...(DocId === undefined ? {} : { docId: DocId }),
      ...rest,
    },
  };
}

type Identity = { readonly system: string; readonly fields: Fields } | { readonly refused: Refusal };

function vxpIdentity({ headers }: IncomingMessage, store: AxisStore, clock: Clock): Identity {
  const verdict = verifyHeaders(headers, store.secretOf, clock.nowMs());
  if (!verdict.ok) return { refused: new Refusal('15', `Unauthorized: ${verdict.why}`) };
  return { system: verdict.fields.systemid ?? '', fields: verdict.fields };
}

function wrapperIdentity({ headers }: IncomingMessage, store: AxisStore): Identity {
  const [system, secret] = [String(headers['x-systemid'] ?? ''), String(headers['x-secretkey'] ?? '')];
  return store.secretOf(system) === secret && secret !== ''
    ? { system, fields: {} }
    : { refused: new Refusal('15', 'SystemId or secret is wrong') };
}

async function jsonOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    bytes += (piece as Buffer).length;
    if (bytes > JSON_BYTES_MAX) throw new Refusal('10', 'the body is too large');
    pieces.push(piece as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8') || '{}') as Record<string, unknown>;
  } catch {
    throw new Refusal('10', 'the body is not JSON');
  }
}
const word = (value: unknown): string => (typeof value === 'string' ? value : '');

async function receive(
  asked: Asked,
  say: (fields: Readonly<Record<string, string>>) => {
    from: string;
    to: readonly string[] | undefined;
    type: string;
    hash: string | undefined;
  },
): Promise<Answer | undefined> {
  const { request, response, store, clock, random, system } = asked;
  const spooled = await spool(store);
  try {
    const { fields, file } = await readMultipart(
      String(request.headers['content-type'] ?? ''),
      request,
      spooled.write,
    );
    if (file === undefined) throw new Refusal('10', 'Invalid file: no file part');
    const { sha256, bytes } = await spooled.end();
    const { from, to, type, hash } = say(fields);
    if (hash !== undefined && hash !== kitText(sha256))
      throw new Refusal('21', 'hash-file does not match the file');
    if (type !== 'edoc' && type !== 'status') throw new Refusal('10', `messagetype ${type}`);
    const docId = await takeIn(store, {
      spooled: { path: spooled.path, sha256, bytes },
      type,
      system,
      from,
      to,
      nowMs: clock.nowMs(),
    });
    if (store.take('lose-answer') || random() < store.fault('lose-answer-chance')) {
      response.destroy();
      return undefined;
    }
    return ok({ DocId: docId });
  } finally {
    await spooled.drop();
  }
}

function toList(text: string | undefined): readonly string[] | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const list = JSON.parse(text) as unknown;
    return Array.isArray(list) ? list.map(String) : [String(list)];
  } catch {
    return [text];
  }
}

function ownCopy({ store, system }: Asked, id: string): Copy {
  const copy = store.copy(id);
  if (!copy || store.agencyByCode(copy.to_code)?.system_id !== system)
    throw new Refusal('404', `docId ${id} not found`);
  return copy;
}

function listed(
  { store, system, clock }: Asked,
  type: string,
  to?: string,
): readonly Record<string, unknown>[] {
  const again = store.fault('duplicate') > 0;
  const rows = store
    .waiting(system, type, again ? clock.nowMs() - HOUR_MS : undefined)
    .filter(({ to_code }) => to === undefined || to === '' || store.agencyByCode(to)?.code === to_code)
    .map((copy) => ({
      docId: copy.copy_id,
      serviceType: 'eDoc',
      messageType: copy.type,
      created_time: new Date(copy.created_ms).toISOString(),
      updated_time: new Date(copy.updated_ms).toISOString(),
      from: copy.from_code,
      to: copy.to_code,
      status: copy.state,
      status_desc: copy.words,
    }));
  return again ? [...rows, ...rows] : rows;
}

/** `data` between the other members, escaped while it is read; a damaged one ends in the middle. */
async function sendMessage(asked: Asked, id: string, head: Record<string, unknown>): Promise<undefined> {
  const { response, store, random } = asked;
  const copy = ownCopy(asked, id);
  const damaged = store.take('damage') || random() < store.fault('damage-chance');
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write(`${JSON.stringify(head).slice(0, -1)},"data":"`);
  const source = createReadStream(store.messagePath(copy.doc_id), {
    encoding: 'utf8',
    highWaterMark: 256 * 1024,
  });
  for await (const piece of source as AsyncIterable<string>) {
    const text = damaged ? piece.slice(0, Math.floor(piece.length * (0.1 + 0.8 * random()))) : piece;
    if (!response.write(JSON.stringify(text).slice(1, -1)))
      await new Promise((resolve) => response.once('drain', resolve));
    if (damaged) break;
  }
  response.end('"}');
  return undefined;
}

const states: ReadonlySet<string> = new Set([
  'inbox',
  'rejection',
  'acceptance',
  'assignment',
  'processing',
  'done',
  'fail',
  'cancellation',
]);
function update(asked: Asked, id: string, state: string): Answer {
  if (!states.has(state)) throw new Refusal('10', `status ${state} is not known`);
  ownCopy(asked, id);
  asked.store.setCopy(id, state, '', asked.clock.nowMs());
  return ok();
}

const agencyRow = (a: Agency) => ({ id: a.id, pid: '', code: a.code, name: a.name, mail: a.mail });
/** The protocol's own version has the same header; the version that is asked for takes its place. */
const versionOf = (fields: Fields) => Number(fields.version ?? 0) || 0;

const vxpCalls: Readonly<Record<string, (asked: Asked) => Promise<Answer | undefined>>> = {
  '/sendEdoc': (asked) =>
    receive(asked, () => ({
      from: asked.fields.from ?? '',
      to: toList(asked.fields.to),
      type: asked.fields.messagetype ?? '',
      hash: asked.fields['hash-file'] ?? '',
    })),
  '/getReceivedEdocList': async (asked) =>
    ok({ data: listed(asked, asked.fields.messagetype ?? '', toList(asked.fields.to)?.[0]) }),
  '/getEdoc': (asked) =>
    sendMessage(asked, asked.fields.docid ?? '', { status: 'OK', ErrorCode: '0', ErrorDesc: '' }),
  '/updateStatus': async (asked) => update(asked, asked.fields.docid ?? '', asked.fields.status ?? ''),
  '/getSentEdocList': async ({ store, fields, system }) => {
    const from = store.agencyByCode(fields.from ?? '');
    if (from?.system_id !== system) throw new Refusal('19', `Sender ${fields.from} is not registered`);
    return ok({
      data: store.sent(from.code, fields.messagetype ?? '').map((copy) => ({
        senderDocId: copy.doc_id,
        receiverDocId: copy.copy_id,
        fromCode: copy.from_code,
        toCode: copy.to_code,
        title: copy.title,
        notation: copy.notation,
        serviceType: 'eDoc',
        messageType: copy.type,
        sendStatus: 'done',
        sendStatusDesc: '',
        receiveStatus: copy.state,
        receiveStatusDesc: copy.words,
        sentTime: new Date(copy.created_ms).toISOString(),
        receivedTime: new Date(copy.updated_ms).toISOString(),
      })),
    });
  },
  '/getAgenciesList': async ({ store }) =>
    ok({ data: store.agencies().map((a) => ({ ...agencyRow(a), oldCode: a.code102 })) }),
  '/getAgenciesListQD20': async ({ store }) =>
    ok({ data: store.agencies().map((a) => ({ ...agencyRow(a), code102: a.code102 })) }),
  '/getSynchronizeUnit': async ({ store, fields }) =>
    ok({
      data: store.agenciesSince(versionOf(fields)).map((a) => ({
        ...agencyRow(a),
        version: a.version,
        centerCode: '',
        deleted: a.deleted === 1,
        modifyDate: '',
        isAgency: true,
      })),
    }),
  '/registerAgency': async ({ store, system, request }) => {
    const body = await jsonOf(request);
    if (word(body.pcode) !== store.centerOf(system))
      throw new Refusal('10', `pcode ${word(body.pcode)} is not the centre of this system`);
    const held = store.agencyByCode(word(body.code));
    if (held && held.id !== word(body.id)) throw new Refusal('10', `code ${word(body.code)} is taken`);
    if (word(body.id) === '' || word(body.code) === '') throw new Refusal('10', 'id and code are required');
    store.putAgency({
      id: word(body.id),
      systemId: system,
      code: word(body.code),
      code102: '',
      name: word(body.name),
      mail: word(body.mail),
    });
    return ok({ state: 'REGISTERED' });
  },
  '/deleteAgency': async ({ store, fields, system }) => {
    const agency = store.agencyByCode(fields.agencycode ?? '');
    if (agency?.system_id !== system) throw new Refusal('18', `agency ${fields.agencycode} does not exist`);
    store.removeAgency(agency.code);
    return ok();
  },
};

const wrapperCalls: Readonly<Record<string, (asked: Asked) => Promise<Answer | undefined>>> = {
  '/sendEdoc': (asked) =>
    receive(asked, (fields) => ({
      from: fields.from ?? '',
      to: fields.to === undefined || fields.to === '' ? undefined : [fields.to],
      type: fields.messageType ?? '',
      hash: undefined,
    })),
  '/getReceivedEdocList': async (asked) => {
    const body = await jsonOf(asked.request);
    return ok({ data: listed(asked, word(body.messageType), word(body.to)) });
  },
  '/getEdoc': async (asked) => {
    const body = await jsonOf(asked.request);
    return await sendMessage(asked, word(body.docId), { errorCode: 0, errorDesc: '' });
  },
  '/updateStatus': async (asked) => {
    const body = await jsonOf(asked.request);
    return update(asked, word(body.docId), word(body.status));
  },
};
