// The one way to the server: JSON over same-origin requests, failures as Problem with the server's words. Must never retry an act by itself, nor
// show a code without its sentence. A session that ended is told to whoever listens, so that the page asks to sign in over what is being written.

import { heardTime } from './clock.ts';

export type ProblemBody = {
  readonly code: string;
  readonly titleVi: string;
  readonly remedyVi: string;
  readonly retry: string;
  /** In Vietnamese. */
  readonly detail?: string;
  /** What only programs and who looks after the machine read. */
  readonly technical?: string;
  readonly retryAfterMs?: number;
};

export class Problem extends Error {
  readonly body: ProblemBody;
  constructor(body: ProblemBody) {
    super(body.titleVi);
    this.body = body;
  }
}

const unreachable: ProblemBody = {
  code: 'console-unreachable',
  titleVi: 'Không nối được tới nút của cơ quan',
  remedyVi: 'Kiểm tra máy chạy nút và mạng nội bộ. Những gì đã lưu vẫn còn; trang tự thử lại.',
  retry: 'later',
};

type Listener = () => void;
const listeners = new Set<Listener>();
/** Told when a request finds that the session is over. */
export function onSessionEnded(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const entering = new Set<Listener>();
/** Told when somebody has signed in over what was being written. */
export function onEntered(listener: Listener): () => void {
  entering.add(listener);
  return () => entering.delete(listener);
}
export const tellEntered = (): void => {
  for (const listener of entering) listener();
};

export const problemOf = (error: unknown): ProblemBody =>
  error instanceof Problem
    ? error.body
    : {
        code: 'page-fault',
        titleVi: 'Trang gặp lỗi không ngờ tới',
        remedyVi: 'Tải lại trang; nếu lặp lại, báo người quản trị kèm mã này.',
        retry: 'never',
        technical: error instanceof Error ? error.message.slice(0, 200) : '',
      };

async function failed(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => undefined)) as ProblemBody | undefined;
  if (body?.code === 'session-ended') for (const listener of listeners) listener();
  return new Problem(body?.code ? body : { ...unreachable, code: `status-${response.status}` });
}

type Options = { readonly body?: unknown; readonly raw?: Blob; readonly signal?: AbortSignal };

async function ask(method: string, path: string, { body, raw, signal }: Options = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`/c/v1${path}`, {
      method,
      headers: {
        'x-lienthong': 'console',
        ...(raw ? { 'content-type': 'application/octet-stream' } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(raw ? { body: raw } : body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
      // A save on leaving outlives the page; the browser bounds such bodies.
      keepalive: method === 'PUT' && JSON.stringify(body ?? '').length < 60_000,
    });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new Problem(unreachable);
  }
  const said = Number(response.headers.get('x-lienthong-now'));
  if (said > 0) heardTime(said);
  if (!response.ok) throw await failed(response);
  return response;
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
  (await (await ask('GET', path, signal ? { signal } : {})).json()) as T;
export const post = async <T>(path: string, body: unknown = {}): Promise<T> =>
  (await (await ask('POST', path, { body })).json()) as T;
export const put = async <T>(path: string, body: unknown): Promise<T> =>
  (await (await ask('PUT', path, { body })).json()) as T;
export const remove = async (path: string): Promise<void> => void (await ask('DELETE', path));
export const patchBytes = async <T>(path: string, raw: Blob, signal?: AbortSignal): Promise<T> =>
  (await (await ask('PATCH', path, { raw, ...(signal ? { signal } : {}) })).json()) as T;

export const queryOf = (values: Readonly<Record<string, string | number | undefined>>): string => {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  return given.length === 0
    ? ''
    : `?${given.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join('&')}`;
};
