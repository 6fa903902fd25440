// The stand-in axis over HTTP: the calls of VN-DOMAIN §2.2 and, under /v1, a provincial wrapper (wrapper.ts). Plain HTTP on this machine: for tests,
// the demo and practice, never for a real exchange. Faults come from the store before each request.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../../protocol/node/clock.ts';
import {
  type Answer,
  type Asked,
  fail,
  jsonOf,
  ok,
  ownCopy,
  receive,
  refusalsAsAnswers,
  sendMessage,
  toList,
  update,
  word,
} from './acts.ts';
import { Refusal } from './intake.ts';
import type { Agency, AxisStore } from './store.ts';
import { type Fields, verifyHeaders } from './verify.ts';
import { createWrapper, type Wrapper, wrapperAnswer } from './wrapper.ts';

const HOUR_MS = 3_600_000;

export type AxisServer = { readonly port: number; close(): Promise<void> };

export function startAxisServer(options: {
  readonly store: AxisStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly host: string;
  readonly port: number;
}): Promise<AxisServer> {
  const { store } = options;
  const wrapper = createWrapper();
  /** The caller closes the store after us: nothing may still be writing to it. */
  const running = new Set<Promise<void>>();
  const server: Server = createServer(
    { requestTimeout: 0, headersTimeout: 30_000, maxHeaderSize: 64 * 1024 },
    (request, response) => {
      const handled = handle(request, response, { ...options, wrapper })
        .catch((error: unknown) => {
          store.counted(request.url ?? '', `error ${error instanceof Error ? error.name : ''}`);
          if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ status: 'FAIL', ErrorCode: '20', ErrorDesc: 'Internal error' }));
        })
        .finally(() => running.delete(handled));
      running.add(handled);
    },
  );
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address ? address.port : options.port,
        async close() {
          await new Promise<void>((done) => {
            server.close(() => done());
            server.closeAllConnections();
          });
          await Promise.all(running);
        },
      });
    });
  });
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  {
    store,
    clock,
    random,
    wrapper,
  }: { store: AxisStore; clock: Clock; random: () => number; wrapper: Wrapper },
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0]!;
  const slow = store.fault('slow');
  if (slow > 0) await clock.sleep(slow);
  if (store.take('fail') || random() < store.fault('fail-chance')) {
    request.resume();
    store.counted(path, '500 on purpose');
    return send(response, { status: 500, body: 'the practice axis fails on purpose' });
  }
  const wrapped = path.startsWith('/v1/');
  const answer = await (wrapped
    ? wrapper(path, { request, response, store, clock, random })
    : vxp(path, { request, response, store, clock, random }));
  if (!answer) return store.counted(path, 'streamed or cut');
  const said = (answer.body as { ErrorCode?: string; ErrorDesc?: string }) ?? {};
  store.counted(
    path,
    said.ErrorCode === '0' || said.ErrorCode === undefined ? 'OK' : `${said.ErrorCode} ${said.ErrorDesc}`,
  );
  send(response, wrapped ? wrapperAnswer(answer) : answer);
}

type Plain = Omit<Asked, 'system' | 'fields'>;

async function vxp(path: string, plain: Plain): Promise<Answer | undefined> {
  const { request, store, clock } = plain;
  const who = vxpIdentity(request, store, clock);
  const call = vxpCalls[path];
  if ('refused' in who || !call || request.method !== 'POST') request.resume();
  if ('refused' in who) return { ...fail(who.refused), status: 401 };
  if (!call || request.method !== 'POST')
    return { status: 404, body: { status: 'FAIL', ErrorCode: '404', ErrorDesc: 'no such service' } };
  return await refusalsAsAnswers(() => call({ ...plain, ...who }));
}

function send(response: ServerResponse, { status = 200, body }: Answer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json' });
  response.end(text);
}

type Identity = { readonly system: string; readonly fields: Fields } | { readonly refused: Refusal };

function vxpIdentity({ headers }: IncomingMessage, store: AxisStore, clock: Clock): Identity {
  const verdict = verifyHeaders(headers, store.secretOf, clock.nowMs());
  if (!verdict.ok) return { refused: new Refusal('15', `Unauthorized: ${verdict.why}`) };
  return { system: verdict.fields.systemid ?? '', fields: verdict.fields };
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
    sendMessage(asked, ownCopy(asked, asked.fields.docid ?? ''), {
      before: '{"status":"OK","ErrorCode":"0","ErrorDesc":"","data":"',
      after: '"}',
    }),
  '/updateStatus': async (asked) =>
    update(asked, asked.fields.docid ?? '', asked.fields.status ?? '', states),
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
