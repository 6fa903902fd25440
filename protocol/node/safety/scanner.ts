// The malware scanner of a program as its configuration names it: how to ask, and since when it is away. Without one nothing is scanned, and
// that is said everywhere ("chưa quét"); with one, a document whose scan is outstanding waits.
import type { Clock } from '../clock.ts';
import { type ScanOutcome, scannerAnswers, scanStream } from '../files/clamd.ts';

export type ScannerConfig = {
  /** Path of clamd's unix socket; or host and port. */
  readonly socket?: string;
  readonly host?: string;
  readonly port?: number;
  /** clamd's StreamMaxLength. */
  readonly streamBytesMax: number;
  readonly silenceMs: number;
  /** How long documents wait for a scanner that is away before an alarm is raised. They go on waiting. */
  readonly graceMs: number;
};
export const scannerDefaults = {
  /** Debian's StreamMaxLength is 25 MiB by default. */
  streamBytesMax: 25 * 1024 * 1024,
  /** A large archive takes clamd seconds without a byte of progress; MaxScanTime is 120 s. */
  silenceMs: 120_000,
  /** Signatures being reloaded take clamd half a minute on a small box. */
  graceMs: 120_000,
} as const;

const bounds = {
  streamBytesMax: { type: 'integer', minimum: 1024, maximum: 2 ** 32 - 1 },
  silenceMs: { type: 'integer', minimum: 100, maximum: 3_600_000 },
  graceMs: { type: 'integer', minimum: 0, maximum: 86_400_000 },
} as const;
const at = (properties: Record<string, unknown>) => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties: { ...properties, ...bounds },
});
/** For a program's configuration schema: a unix socket, or host and port. */
export const scannerSchema = {
  oneOf: [
    at({ socket: { type: 'string', minLength: 2, maxLength: 107, pattern: '^/' } }),
    at({
      host: { type: 'string', minLength: 1, maxLength: 253 },
      port: { type: 'integer', minimum: 1, maximum: 65_535 },
    }),
  ],
};

export type ScannerState = {
  readonly configured: boolean;
  readonly downSinceMs: number | undefined;
  readonly said: string;
};
export type Scanner = {
  readonly configured: boolean;
  readonly graceMs: number;
  /** `lengthBytes` above the limit is `too-large` without asking. Never rejects for the scanner's sake. */
  scan(
    body: () => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>,
    lengthBytes: number,
  ): Promise<ScanOutcome>;
  /** For status: asks clamd when nothing else has lately. */
  look(): Promise<ScannerState>;
  state(): ScannerState;
};

const pingMs = 2_000;

export function createScanner(given: Partial<ScannerConfig> | undefined, clock: Clock): Scanner {
  const config = { ...scannerDefaults, ...given };
  const configured = given !== undefined;
  const at =
    config.socket === undefined
      ? { host: config.host ?? '', port: config.port ?? 0 }
      : { socket: config.socket };
  let downSinceMs: number | undefined;
  let said = '';
  const heard = (down: string | undefined): void => {
    downSinceMs = down === undefined ? undefined : (downSinceMs ?? clock.nowMs());
    said = down ?? '';
  };
  const state = (): ScannerState => ({ configured, downSinceMs, said });
  return {
    configured,
    graceMs: config.graceMs,
    async scan(body, lengthBytes) {
      if (lengthBytes > config.streamBytesMax) return { kind: 'too-large' };
      const { streamBytesMax, silenceMs } = config;
      const outcome = await scanStream(await body(), { at, streamBytesMax, silenceMs });
      heard(outcome.kind === 'down' ? outcome.said : undefined);
      return outcome;
    },
    async look() {
      if (configured) heard((await scannerAnswers(at, pingMs)) ? undefined : said || 'no answer to PING');
      return state();
    },
    state,
  };
}
