// How the line to the hub stands, in one place: sessions (instance numbers), epochs, contact, and the words for people. Workers ask it
// before they send. It must never go on after the hub has said that another instance of this node took over.
import type { Signers } from '../certs/signers.ts';
import { epochCodec, signedCodec } from '../protocol/codec.ts';
import { ExchangeError, isExchangeError } from '../protocol/errors.ts';
import type { Clock } from '../protocol/node/clock.ts';
import { type HubLink, isLineFailure } from '../protocol/node/hub-link.ts';
import type { Log } from '../protocol/node/logger.ts';
import { verifySigned } from '../protocol/signature.ts';
import type { EdgeEvent, LinkState } from './core.ts';
import type { Store } from './store/store.ts';
import { isAboutPeer } from './words.ts';

export type Line = {
  state(): LinkState;
  /** The last failure; undefined while connected. */
  failure(): ExchangeError | undefined;
  lastContactMs(): number | undefined;
  /** True when workers may ask the hub: a session, nobody took over, no recovery under way. After a failure each asks by its own back-off. */
  usable(): boolean;
  /** The last request was answered. While it was not, nothing new is sealed, so that it can still be cancelled. */
  connected(): boolean;
  /** For hub-link's `onOutcome`: any answer is contact, but only one that is no refusal of this node is a connection. */
  outcome(error: ExchangeError | undefined): void;
  /** Any other failure of a request that says how this node stands with the hub (superseded, suspended, certificate…). */
  refused(error: unknown): void;
  /** Takes a session if there is none. `verifyEpoch` runs before the line is usable. */
  ensureSession(signal: AbortSignal): Promise<void>;
  /** Verifies and enters the epoch of a session or poll; true if envelopes are to be offered again. */
  takeEpoch(bytes: Uint8Array): Promise<boolean>;
  setRecovering(recovering: boolean): void;
  recovering(): boolean;
  stop(): void;
};

export type LineOptions = {
  readonly link: () => HubLink;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly signers: Signers;
  readonly hubId: string;
  readonly software: string;
  readonly emit: (event: EdgeEvent) => void;
  /** The line has come back or become usable: workers may look now. */
  readonly onUsable: () => void;
  /** Why TLS fails, when a person can do something about it (diagnosis.ts). */
  readonly explain: () => Promise<ExchangeError | undefined>;
  /** Number of the hub's newest revocation list that is held here. */
  readonly revocationKnown: () => number;
  /** Brings a directory in when there is none yet, or when it does not name who signed the epoch (the hub has renewed its key). */
  readonly beforeEpoch: (signal: AbortSignal, unknownSigner: boolean) => Promise<void>;
};

/** A TLS failure lasts until somebody acts; the look costs the line a few kB. */
const explainEveryMs = 30_000;

export function createLine(options: LineOptions): Line {
  const { store, clock, log } = options;
  let state: LinkState = 'starting';
  let failure: ExchangeError | undefined;
  let downSinceMs: number | undefined;
  let lastContactMs = store.numberFact('lastContactMs') || undefined;
  let session = false;
  let recovering = store.numberFact('restoreCount') > store.numberFact('recoveredCount');

  function move(to: LinkState, why: ExchangeError | undefined): void {
    const changed = state !== to || failure?.code !== why?.code;
    const was = state;
    state = to;
    failure = why;
    if (!changed) return;
    if (to === 'connected' && downSinceMs !== undefined) {
      log.info({ event: 'link.up', downMs: Math.round(clock.monotonicMs() - downSinceMs) });
      downSinceMs = undefined;
    } else if (to !== 'connected' && why) {
      downSinceMs ??= clock.monotonicMs();
      log.warn({ event: 'link.down', code: why.code, said: why.detail });
    }
    options.emit({ kind: 'link', state: to, code: why?.code });
    if (to === 'connected' && was !== 'connected' && !recovering) options.onUsable();
  }

  /** Asked for once in a while when TLS fails; its answer stands until something else happens. */
  let explanation: ExchangeError | undefined;
  let explainedMs = Number.NEGATIVE_INFINITY;
  function explain(error: ExchangeError): void {
    if (clock.monotonicMs() - explainedMs < explainEveryMs) return;
    explainedMs = clock.monotonicMs();
    void options
      .explain()
      .then(async (found) => {
        explanation = found;
        if (!found || state !== 'unreachable') return;
        move('unreachable', found);
        await store.write('alarm', {
          atMs: clock.nowMs(),
          code: found.code,
          about: 'connection',
          said: found.detail,
        });
      })
      .catch((err: unknown) => log.warn({ event: 'link.down', code: error.code, err }));
  }

  const speaksOfUs = ({ code }: ExchangeError) => isAboutPeer(code) || code === 'node-session-unknown';
  const over = () => state === 'superseded' || state === 'stopped';

  async function takeEpoch(bytes: Uint8Array): Promise<boolean> {
    const signed = signedCodec.decode(bytes);
    const nowMs = clock.nowMs();
    const signer = options.signers.resolve(
      signed.signature?.keyId ?? new Uint8Array(0),
      'hub-receipts',
      nowMs,
    );
    verifySigned(signed, ['lienthong/epoch/1'], signer.publicKey);
    const epoch = epochCodec.decode(signed.bytes);
    if (signer.id !== options.hubId || epoch.hub !== options.hubId)
      throw new ExchangeError('signature-invalid', 'an epoch of another hub');
    const known = store.numberFact('epoch');
    if (epoch.number < known)
      await store.write('alarm', {
        atMs: nowMs,
        code: 'statement-mismatch',
        about: 'epoch',
        said: `epoch ${epoch.number} after ${known}: the hub runs an old store`,
      });
    if (epoch.number <= known) return false;
    const { number, previous, commonLedgerSequence } = epoch;
    const { again } = await store.write('enterEpoch', { number, previous, commonLedgerSequence, nowMs });
    return again > 0;
  }

  const line: Line = {
    state: () => state,
    failure: () => failure,
    lastContactMs: () => lastContactMs,
    usable: () => session && !recovering && !over(),
    connected: () => state === 'connected',
    outcome(error) {
      if (over()) return;
      if (isExchangeError(error, 'tls-failed')) {
        move('unreachable', explanation ?? error);
        explain(error);
        return;
      }
      explanation = undefined;
      if (isExchangeError(error) && isLineFailure(error)) move('unreachable', error);
      // A refusal of this node is an answer, but no connection: without this the state would change twice with every request.
      else if (isExchangeError(error) && speaksOfUs(error)) line.refused(error);
      else {
        lastContactMs = clock.nowMs();
        if (session) move('connected', undefined);
      }
    },
    refused(error) {
      if (over() || !isExchangeError(error)) return;
      if (error.code === 'node-instance-superseded') {
        move('superseded', error);
        // It outlives this process: whoever starts this machine again must learn that there are two.
        const { code, detail: said } = error;
        void store.write('alarm', { atMs: clock.nowMs(), code, about: '', said }).catch((err: unknown) => {
          log.error({ event: 'request.internal', err });
        });
      } else if (error.code === 'node-session-unknown') {
        // The hub was restored: the fetcher takes a new session, and with it the epoch.
        session = false;
        move('unreachable', error);
      }
      // The hub answers, but not to us: a person must act; the state says so and the loop goes on asking.
      else if (speaksOfUs(error)) move('unreachable', error);
    },
    async ensureSession(signal) {
      if (state === 'superseded')
        throw new ExchangeError('node-instance-superseded', '', { retryAfterMs: 900_000 });
      if (session) return;
      const answer = await options.link().session(
        {
          previousInstance: store.numberFact('instance'),
          previousToken: Buffer.from(store.fact('instanceToken') ?? '', 'hex'),
          software: options.software,
          restoreCount: store.numberFact('restoreCount'),
          ledgerSeen: store.numberFact('ledgerSeen'),
          epochKnown: store.numberFact('epoch'),
          revocationKnown: options.revocationKnown(),
        },
        signal,
      );
      // Kept before it is used: the next start must be able to show it. A lost one is covered by the hub's memory of the one before.
      await store.write('setFacts', {
        instance: String(answer.instance),
        instanceToken: Buffer.from(answer.token).toString('hex'),
        clockOffsetMs: String(options.link().clockOffsetMs() ?? 0),
        lastContactMs: String(clock.nowMs()),
      });
      await options.beforeEpoch(signal, false);
      await takeEpoch(answer.epoch).catch(async (error: unknown) => {
        if (!isExchangeError(error, 'signer-unknown')) throw error;
        await options.beforeEpoch(signal, true);
        return await takeEpoch(answer.epoch);
      });
      session = true;
      move('connected', undefined);
    },
    takeEpoch,
    setRecovering(now) {
      recovering = now;
      if (!now && state === 'connected') options.onUsable();
    },
    recovering: () => recovering,
    stop() {
      if (state !== 'superseded') move('stopped', undefined);
      session = false;
    },
  };
  return line;
}
