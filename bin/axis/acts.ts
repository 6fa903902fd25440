// What both protocols of the stand-in axis do with a request: bodies read within bounds, messages taken in and handed out, faults on the way. The
// calls themselves are in server.ts (the axis) and wrapper.ts (a province's wrapper of it).
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../protocol/node/clock.ts';
import { Refusal, spool, takeIn } from './intake.ts';
import { MultipartError, readMultipart } from './multipart.ts';
import type { AxisStore, Copy } from './store.ts';
import { type Fields, kitText } from './verify.ts';

export type Answer = { readonly status?: number; readonly body: unknown };
export type Asked = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly system: string;
  readonly fields: Fields;
  readonly store: AxisStore;
  readonly clock: Clock;
  readonly random: () => number;
};

const JSON_BYTES_MAX = 256 * 1024;
export const ok = (more: Record<string, unknown> = {}): Answer => ({
  body: { status: 'OK', ErrorCode: '0', ErrorDesc: '', ...more },
});
export const fail = ({ code, message }: Refusal): Answer => ({
  body: { status: 'FAIL', ErrorCode: code, ErrorDesc: message },
});

export async function jsonOf(request: IncomingMessage): Promise<Record<string, unknown>> {
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
export const word = (value: unknown): string => (typeof value === 'string' ? value : '');

export async function receive(
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

export function toList(text: string | undefined): readonly string[] | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const list = JSON.parse(text) as unknown;
    return Array.isArray(list) ? list.map(String) : [String(list)];
  } catch {
    return [text];
  }
}

export function ownCopy({ store, system }: Asked, id: string): Copy {
  const copy = store.copy(id);
  if (!copy || store.agencyByCode(copy.to_code)?.system_id !== system)
    throw new Refusal('404', `docId ${id} not found`);
  return copy;
}

/** The text of a message between `before` and `after`, escaped for JSON while it is read; a damaged one ends in the middle. */
export async function sendMessage(
  { response, store, random }: Asked,
  copy: Copy,
  { before, after }: { readonly before: string; readonly after: string },
): Promise<undefined> {
  const damaged = store.take('damage') || random() < store.fault('damage-chance');
  response.writeHead(200, { 'content-type': 'application/json' });
  const source = createReadStream(store.messagePath(copy.doc_id), {
    encoding: 'utf8',
    highWaterMark: 256 * 1024,
  });
  const pieces = async function* () {
    yield before;
    for await (const piece of source as AsyncIterable<string>) {
      const text = damaged ? piece.slice(0, Math.floor(piece.length * (0.1 + 0.8 * random()))) : piece;
      yield JSON.stringify(text).slice(1, -1);
      if (damaged) break;
    }
    yield after;
  };
  // Ends too when the other side goes away in the middle, which no "drain" would tell.
  await pipeline(pieces, response).catch((error: unknown) => {
    if (!response.destroyed) throw error;
  });
  return undefined;
}

export function update(asked: Asked, id: string, state: string, known: ReadonlySet<string>): Answer {
  if (!known.has(state)) throw new Refusal('10', `status ${state} is not known`);
  ownCopy(asked, id);
  asked.store.setCopy(id, state, '', asked.clock.nowMs());
  return ok();
}

/** A refusal of the axis, or a body that is none, is an answer. */
export async function refusalsAsAnswers(
  work: () => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MultipartError) return fail(new Refusal('10', `Invalid file: ${error.message}`));
    if (error instanceof Refusal) return fail(error);
    throw error;
  }
}
