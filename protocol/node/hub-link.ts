// The exchange API (PROTOCOL.md 10) as typed calls: used by a node, and by a hub towards the next hub. One request per call, nothing is
// repeated, nothing is kept but the instance number. Must never turn an answer that does not fit into a refusal of a document:
// `hub-answer-malformed` is temporary.
import { instanceHeader, paths } from '../api.ts';
import {
  type Codec,
  deferRequestCodec,
  directoryAnswerCodec,
  directoryRequestCodec,
  pollRequestCodec,
  pollResponseCodec,
  removalAnswerCodec,
  removalRequestCodec,
  renewRequestCodec,
  renewResponseCodec,
  sentRequestCodec,
  sentResponseCodec,
  sessionRequestCodec,
  sessionResponseCodec,
  statementsRequestCodec,
  statementsResponseCodec,
  submitRequestCodec,
  submitResponseCodec,
} from '../codec.ts';
import { type ErrorCode, ExchangeError, isExchangeError } from '../errors.ts';
import type {
  Deferral,
  DirectoryAnswer,
  KnownPart,
  PollRequest,
  PollResponse,
  RemovalAnswer,
  RemovalRequest,
  RenewResponse,
  SentRequest,
  SentResponse,
  SessionRequest,
  SessionResponse,
  StatementOffer,
  StatementResult,
  SubmitResult,
} from '../wire.ts';
import type { Clock } from './clock.ts';
import type { HttpClient } from './http-client.ts';
import { downloadLink, uploadLink } from './link-content.ts';
import { releaseBytes } from './release.ts';
import type { DownloadLink, UploadLink } from './transfer.ts';

export type HubLink = {
  /** 10.1. Later requests carry the instance number of the answer. */
  session(
    request: Omit<SessionRequest, 'nowMs' | 'epochKnown' | 'revocationKnown'> & {
      readonly epochKnown?: number;
      readonly revocationKnown?: number;
    },
    signal?: AbortSignal,
  ): Promise<SessionResponse>;
  /** 10.2. As many results as wrappers, in order. */
  submit(wrappers: readonly Uint8Array[], signal?: AbortSignal): Promise<readonly SubmitResult[]>;
  /** 10.3. */
  poll(
    request: Omit<PollRequest, 'answerLost' | 'revocationKnown' | 'nowMs'> & {
      readonly answerLost?: boolean;
      readonly revocationKnown?: number;
    },
    signal?: AbortSignal,
  ): Promise<PollResponse>;
  /** 10.4. As many results as offers, in order. */
  statements(offers: readonly StatementOffer[], signal?: AbortSignal): Promise<readonly StatementResult[]>;
  /** 10.5. */
  defer(deferrals: readonly Deferral[], signal?: AbortSignal): Promise<void>;
  /** 10.6. */
  sent(request: SentRequest, signal?: AbortSignal): Promise<SentResponse>;
  /** 10.7. */
  goodbye(signal?: AbortSignal): Promise<void>;
  /** 10.8. What is newer than `known`; from a hub that knows no differences, everything. The parts are not verified. */
  directory(known: readonly KnownPart[], signal?: AbortSignal): Promise<DirectoryAnswer>;
  /** 10.8. A hub brings the Signed parts of its subtree to the next hub, a node to its own hub a part that the hub has lost. */
  pushDirectory(
    parts: readonly Uint8Array[],
    signal?: AbortSignal,
    rootHandovers?: readonly Uint8Array[],
  ): Promise<void>;
  /** 17. Nothing of the answer is verified. */
  removals(request: RemovalRequest, signal?: AbortSignal): Promise<RemovalAnswer>;
  /** 12.5. `renewal` is the bytes of a Signed. The answer is not verified. */
  renew(renewal: Uint8Array, signal?: AbortSignal): Promise<RenewResponse>;
  /** 10.9. */
  readonly uploads: UploadLink;
  /** 10.10. */
  readonly downloads: DownloadLink;
  /** Our clock minus the hub's, by the last answer that told; undefined before the first. */
  clockOffsetMs(): number | undefined;
  /** 0 before the first session. */
  instance(): number;
};

export type HubLinkOptions = {
  readonly client: HttpClient;
  readonly clock: Clock;
  /** Told of the outcome of every request: undefined for an answer; else the error, be it the hub's refusal or trouble of the line. */
  readonly onOutcome?: (error: ExchangeError | undefined) => void;
};

/** Round trips longer than this say little about the clock; a held poll is measured with the last short one. */
const honestRoundTripMs = 2_000;
/** Beyond what the hub holds; the rest of the time is the line. */
const pollGraceMs = 20_000;

const lineCodes: readonly ErrorCode[] = [
  'hub-unreachable',
  'hub-timeout',
  'hub-answer-malformed',
  'tls-inspected',
  'tls-failed',
  'proxy-auth-required',
  'proxy-refused',
];
/** True for codes that tell of the line, not of the hub's will. */
export const isLineCode = (code: ErrorCode): boolean => lineCodes.includes(code);
export const isLineFailure = (error: unknown): boolean => isExchangeError(error) && isLineCode(error.code);

export function createHubLink({ client, clock, onOutcome }: HubLinkOptions): HubLink {
  let instance = 0;
  let offsetMs: number | undefined;
  let shortestMs = honestRoundTripMs;

  const request: HttpClient['request'] = async (options) => {
    const headers = { [instanceHeader]: String(instance), ...options.headers };
    return observed(() => client.request({ ...options, headers }));
  };

  async function observed<T>(work: () => Promise<T>): Promise<T> {
    try {
      const answer = await work();
      onOutcome?.(undefined);
      return answer;
    } catch (error) {
      if (isExchangeError(error)) onOutcome?.(error);
      throw error;
    }
  }

  async function call<Answer>(
    path: string,
    body: Uint8Array | undefined,
    answer: Codec<Answer>,
    options: { signal?: AbortSignal | undefined; headersTimeoutMs?: number } = {},
  ): Promise<Answer> {
    const { bytes } = await observed(() =>
      client.requestProtobuf({
        method: body ? 'POST' : 'GET',
        path,
        ...(path === paths.session ? {} : { headers: { [instanceHeader]: String(instance) } }),
        ...(body ? { body } : {}),
        answerBytesMax: answer.bytesMax,
        ...(options.signal ? { signal: options.signal } : {}),
        ...(options.headersTimeoutMs === undefined ? {} : { headersTimeoutMs: options.headersTimeoutMs }),
      }),
    );
    try {
      return answer.decode(bytes);
    } catch (cause) {
      throw new ExchangeError('hub-answer-malformed', path, { cause });
    }
  }

  async function silent(
    path: string,
    body: Uint8Array,
    signal: AbortSignal | undefined,
    method: 'POST' | 'PUT' = 'POST',
  ): Promise<void> {
    await observed(() =>
      client.requestProtobuf({
        method,
        path,
        headers: { [instanceHeader]: String(instance) },
        body,
        answerBytesMax: 1024,
        ...(signal ? { signal } : {}),
      }),
    );
  }

  /** The midpoint of a short round trip; for a held one, the answer less half of a short one. */
  function measure(startedMs: number, hubNowMs: number): void {
    if (hubNowMs === 0) return;
    const tripMs = clock.monotonicMs() - startedMs;
    if (tripMs < shortestMs) shortestMs = tripMs;
    offsetMs = Math.round(clock.nowMs() - Math.min(tripMs, shortestMs) / 2 - hubNowMs);
  }

  return {
    async session(given, signal) {
      const startedMs = clock.monotonicMs();
      const nowMs = clock.nowMs();
      const body = sessionRequestCodec.encode({ epochKnown: 0, ...given, nowMs });
      const answer = await call(paths.session, body, sessionResponseCodec, { signal });
      if (answer.instance === 0 || answer.token.length !== 32)
        throw new ExchangeError('hub-answer-malformed', 'session');
      instance = answer.instance;
      measure(startedMs, answer.nowMs);
      return answer;
    },
    async submit(wrappers, signal) {
      const body = submitRequestCodec.encode({ wrappers });
      const { results } = await call(paths.envelopes, body, submitResponseCodec, { signal });
      if (results.length !== wrappers.length)
        throw new ExchangeError('hub-answer-malformed', 'number of results');
      // A result for each: the hub has read it to its end. After any other answer some of it may still lie before the socket.
      releaseBytes(body);
      return results;
    },
    async poll(given, signal) {
      const startedMs = clock.monotonicMs();
      const body = pollRequestCodec.encode({ answerLost: false, ...given, nowMs: clock.nowMs() });
      const headersTimeoutMs = given.holdMs + pollGraceMs;
      const answer = await call(paths.poll, body, pollResponseCodec, { signal, headersTimeoutMs });
      measure(startedMs, answer.nowMs);
      return answer;
    },
    async statements(statements, signal) {
      const body = statementsRequestCodec.encode({ statements });
      const { results } = await call(paths.statements, body, statementsResponseCodec, { signal });
      if (results.length !== statements.length)
        throw new ExchangeError('hub-answer-malformed', 'number of results');
      return results;
    },
    defer: (deferrals, signal) => silent(paths.defer, deferRequestCodec.encode({ deferrals }), signal),
    sent: (given, signal) => call(paths.sent, sentRequestCodec.encode(given), sentResponseCodec, { signal }),
    goodbye: (signal) => silent(paths.goodbye, new Uint8Array(0), signal),
    async directory(known, signal) {
      try {
        return await call(paths.directory, directoryRequestCodec.encode({ known }), directoryAnswerCodec, {
          signal,
        });
      } catch (error) {
        // A hub of before there were differences has no such route.
        if (!isExchangeError(error, 'not-found')) throw error;
        return await call(paths.directory, undefined, directoryAnswerCodec, { signal });
      }
    },
    pushDirectory: (parts, signal, rootHandovers = []) =>
      silent(paths.directory, directoryAnswerCodec.encode({ parts, rootHandovers }), signal, 'PUT'),
    removals: (given, signal) =>
      call(paths.removals, removalRequestCodec.encode(given), removalAnswerCodec, { signal }),
    renew: (renewal, signal) =>
      call(paths.renew, renewRequestCodec.encode({ renewal }), renewResponseCodec, { signal }),
    uploads: uploadLink(request),
    downloads: downloadLink(request),
    clockOffsetMs: () => offsetMs,
    instance: () => instance,
  };
}
