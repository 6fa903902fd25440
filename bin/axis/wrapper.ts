// The stand-in of a provincial wrapper (VN-DOMAIN §2.3): the calls of the Lạng Sơn LGSP under /v1 with its own answers, over the store of the
// stand-in axis. Written from a public client of that wrapper; docs/AXIS.md says what of it is known. For tests and practice only.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { readEdxml } from '../../hub/edxml/read.ts';
import { isExchangeError } from '../../protocol/errors.ts';
import {
  type Answer,
  type Asked,
  jsonOf,
  ownCopy,
  receive,
  refusalsAsAnswers,
  sendMessage,
  update,
  word,
} from './acts.ts';
import { Refusal } from './intake.ts';
import type { AxisStore, Copy } from './store.ts';

type Plain = Omit<Asked, 'system' | 'fields'>;
export type Wrapper = (path: string, plain: Plain) => Promise<Answer | undefined>;

const TOKEN_MS = 30 * 60_000;
const WINDOW_MS_MAX = 8 * 86_400_000;
/** Of the files that stand beside a message a second time; larger ones by their name only. */
const FILE_BYTES_MAX = 1024 * 1024;
/** Transport words of the axis and business codes stand in one field. */
const states: ReadonlySet<string> = new Set([
  'done',
  'fail',
  '01',
  '02',
  '03',
  '04',
  '05',
  '06',
  '13',
  '15',
  '16',
]);

/** Inside it says ErrorCode as the axis does; outside `success`, and what is wrong in `data`. */
export function wrapperAnswer({ status, body }: Answer): Answer {
  const { ErrorCode, ErrorDesc, DocId, status: _status, ...rest } = body as Record<string, unknown>;
  if (ErrorCode === undefined) return { ...(status === undefined ? {} : { status }), body };
  if (ErrorCode === '0')
    return {
      body: { success: true, message: 'OK', ...(DocId === undefined ? {} : { docId: DocId }), ...rest },
    };
  return {
    status: status ?? 400,
    body: {
      success: false,
      message: 'Lỗi',
      data: { docId: null, status: 'error', errorCode: ErrorCode, errorDesc: ErrorDesc },
    },
  };
}

const refused = (status: number, message: string): Answer => ({ status, body: { success: false, message } });

export function createWrapper(): Wrapper {
  // Tokens end with the process.
  const key = randomBytes(32);
  const seal = (text: string) => createHmac('sha256', key).update(text).digest('base64url');

  async function login({ request, store, clock }: Plain): Promise<Answer> {
    const body = await jsonOf(request);
    const username = word(body.username);
    if (store.secretOf(username) === undefined || store.secretOf(username) !== word(body.password))
      return { status: 401, body: { code: 401, message: 'Sai tên đăng nhập hoặc mật khẩu' } };
    const untilMs = String(clock.nowMs() + TOKEN_MS);
    const data = { id: username, username, name: username, token: `${untilMs}.${seal(untilMs)}` };
    return { body: { code: 200, message: 'OK', data } };
  }

  function loggedIn(request: IncomingMessage, nowMs: number): boolean {
    const [untilMs = '', mark = ''] =
      /^Bearer (\d+)\.(\S+)$/.exec(request.headers.authorization ?? '')?.slice(1) ?? [];
    const wanted = Buffer.from(seal(untilMs));
    const given = Buffer.from(mark);
    return given.length === wanted.length && timingSafeEqual(given, wanted) && Number(untilMs) > nowMs;
  }

  return async (path, plain) => {
    const { request, store, clock } = plain;
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://wrapper');
    if (pathname === '/v1/auth/login') return await refusalsAsAnswers(() => login(plain));
    const system = systemOf(request, store);
    const call = calls[path.slice(3)];
    const away =
      store.fault('ask-login') > 0 && !loggedIn(request, clock.nowMs())
        ? refused(401, 'licenseInfo:invalid')
        : !call || request.method !== call.method
          ? refused(404, 'no such service')
          : undefined;
    if (away || system === undefined) request.resume();
    if (away) return away;
    return await refusalsAsAnswers(async () => {
      if (system === undefined) throw new Refusal('15', 'SystemId or secret is wrong');
      return await call!.answer({ ...plain, system, fields: Object.fromEntries(searchParams) });
    });
  };
}

function systemOf({ headers }: IncomingMessage, store: AxisStore): string | undefined {
  const [system, secret] = [String(headers['x-systemid'] ?? ''), String(headers['x-secretkey'] ?? '')];
  return secret !== '' && store.secretOf(system) === secret ? system : undefined;
}

const dayMs = (text: string): number =>
  /^\d{4}\/\d{2}\/\d{2}$/.test(text) ? Date.parse(`${text.replaceAll('/', '-')}T00:00:00+07:00`) : Number.NaN;

/** By the day it came; the last day does not belong to the window. What is done is listed too. */
function listed({ store, system, fields }: Asked): Answer {
  const [fromMs, toMs] = [dayMs(fields.fromDate ?? ''), dayMs(fields.toDate ?? '')];
  if (!(toMs >= fromMs) || toMs - fromMs > WINDOW_MS_MAX)
    return refused(400, 'fromDate, toDate: at most a week');
  const again = store.fault('duplicate') > 0;
  const rows = store
    .waiting(system, fields.messageType ?? '', 0)
    .filter(({ created_ms }) => created_ms >= fromMs && created_ms < toMs)
    .map((copy) => ({
      serviceType: 'eDoc',
      createdTime: new Date(copy.created_ms).toISOString(),
      updatedTime: new Date(copy.updated_ms).toISOString(),
      messageType: copy.type,
      docId: copy.copy_id,
      from: copy.from_code,
      to: copy.to_code,
      status: copy.state,
      statusDesc: copy.words,
    }));
  const data = again ? [...rows, ...rows] : rows;
  return { body: { success: true, message: 'OK', count: data.length, data } };
}

/** The files of a message once more, as the wrapper hands them out beside it. */
async function filesOf(store: AxisStore, { doc_id }: Copy): Promise<object[]> {
  const pieces = new Map<number, Buffer[]>();
  try {
    const { message } = await readEdxml(createReadStream(store.messagePath(doc_id)), {
      sink: (index) => {
        const kept: Buffer[] = [];
        let bytes = 0;
        pieces.set(index, kept);
        return {
          write(piece) {
            bytes += piece.length;
            if (bytes <= FILE_BYTES_MAX) kept.push(Buffer.from(piece));
            else kept.length = 0;
          },
        };
      },
    });
    if (message.what !== 'document') return [];
    return message.attachments.map(({ name }, i) => ({
      fileName: name,
      fileContent: Buffer.concat(pieces.get(i) ?? []).toString('base64'),
    }));
  } catch (error) {
    // What cannot be read is handed out as it is.
    if (!isExchangeError(error)) throw error;
    return [];
  }
}

type Call = {
  readonly method: 'GET' | 'POST';
  readonly answer: (asked: Asked) => Promise<Answer | undefined>;
};
const calls: Readonly<Record<string, Call>> = {
  '/sendEdoc': {
    method: 'POST',
    // Receivers are those that the message names.
    answer: (asked) =>
      receive(asked, (fields) => ({
        from: '',
        to: undefined,
        type: fields.messageType ?? '',
        hash: undefined,
      })),
  },
  '/syncReceivedEdocList': { method: 'GET', answer: async (asked) => listed(asked) },
  '/getEdoc': {
    method: 'GET',
    async answer(asked) {
      const copy = ownCopy(asked, asked.fields.docId ?? '');
      const head = JSON.stringify({
        docId: copy.copy_id,
        from: copy.from_code,
        fromName: asked.store.agencyByCode(copy.from_code)?.name ?? '',
        edocCode: copy.notation,
        edocAbstract: copy.title,
      });
      const files = JSON.stringify(await filesOf(asked.store, copy));
      return await sendMessage(asked, copy, {
        before: `{"success":true,"message":"OK","data":${head.slice(0, -1)},"edxml":"`,
        after: `","attachments":${files}}}`,
      });
    },
  },
  '/updateStatus': {
    method: 'POST',
    async answer(asked) {
      const body = await jsonOf(asked.request);
      return update(asked, word(body.docId), word(body.status), states);
    },
  },
  '/getAgenciesList': {
    method: 'GET',
    answer: async ({ store }) => ({
      body: {
        code: 200,
        message: 'OK',
        data: store.agencies().map(({ code, name, mail }) => ({
          orgCode: code,
          orgName: name,
          parentCode: null,
          address: null,
          email: mail,
          phone: null,
        })),
      },
    }),
  },
};
