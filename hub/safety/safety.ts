// The hub's checks: what a dishonest or older node let through. A quick look before an envelope is accepted (what is refused there is never ours),
// and a worker that looks to the end while the deliveries wait. The same policy format, inspection and scanner as at the nodes, configured here.
import { checkParts, headBytes, type PartToCheck } from '../../certs/inspect/check-parts.ts';
import { createInspector, type Inspector } from '../../certs/inspect/inspector.ts';
import { quickLook } from '../../certs/inspect/quick-look.ts';
import { metadataCodec } from '../../protocol/codec.ts';
import type { Directory } from '../../protocol/directory.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { ContentStore } from '../../protocol/node/content-store.ts';
import type { Log } from '../../protocol/node/logger.ts';
import { openPolicyFile, type PolicyState } from '../../protocol/node/safety/policy-file.ts';
import { createScanner, type ScannerConfig, type ScannerState } from '../../protocol/node/safety/scanner.ts';
import { type StepResult, startWorker } from '../../protocol/node/worker.ts';
import { decide, isSecret, refusalText } from '../../protocol/safety/findings.ts';
import { kindNameOf } from '../../protocol/safety/kind-name.ts';
import type { Rules } from '../../protocol/safety/policy.ts';
import { secretsSaid } from '../../protocol/safety/secrecy.ts';
import type { Metadata } from '../../protocol/wire.ts';
import type { NewHubCheck } from '../store/safety-ops.ts';
import type { HubStore } from '../store/store.ts';
import type { AcceptedPart } from '../store/types.ts';

export type HubSafety = {
  /** Throws `secrecy-refused`, `file-refused`; undefined when there is nothing to look at. */
  quick(envelope: {
    readonly sender: string;
    readonly documentId?: Uint8Array;
    readonly kind: number;
    readonly metadata: Uint8Array | undefined;
    readonly parts: readonly AcceptedPart[];
  }): Promise<NewHubCheck | undefined>;
  /** A check was begun. */
  nudge(): void;
  status(): {
    readonly held: number;
    readonly checking: number;
    readonly scanner: ScannerState;
    readonly policy: PolicyState;
  };
  drain(): Promise<void>;
  close(): Promise<void>;
};

export type HubSafetyConfig = {
  /** False: files are not looked at here (the nodes do); marks of secrecy in metadata and names are in any case. */
  readonly inspect: boolean;
  readonly scanner?: Partial<ScannerConfig>;
  readonly anchorsDir?: string;
};

type Deps = {
  readonly dir: string;
  readonly config: HubSafetyConfig;
  readonly store: HubStore;
  readonly content: ContentStore;
  readonly directory: () => Directory;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly wake: (peers: readonly string[]) => void;
  /** This content was removed as a state secret. */
  readonly denied: (sha256: Uint8Array) => boolean;
  /** An operator has ordered this document away. */
  readonly removed: (documentId: Uint8Array) => boolean;
  /** False: a command on a hub that stands still decides nothing. */
  readonly work: boolean;
};

const atOnce = 2;
/**
 * Wall time of one document's inspection at the hub; what is not reached by then is held. Shorter: a large good document waits for a person; longer: a
 * few slow ones hold up everybody behind them.
 */
const documentMsMax = 120_000;
const turnsKept = 10_000;
const againMs = 2_000;
const againMaxMs = 30_000;

type StoredPart = {
  readonly idx: number;
  readonly length: number;
  readonly sha256: Uint8Array;
  readonly content: Uint8Array | null;
};
type DueRow = {
  readonly seq: number;
  readonly attempts: number;
  readonly since_ms: number;
  readonly sender: string;
  readonly kind: number;
  readonly metadata: Uint8Array | null;
};

export function createHubSafety(deps: Deps): HubSafety {
  const { dir, config, store, content, clock, log } = deps;
  const { anchorsDir } = config;
  const policy = openPolicyFile(dir, {
    onMistake({ line, en }) {
      log.error({ event: 'policy.refused', line, said: en });
      void store
        .alarm({
          code: 'policy-invalid',
          about: 'policy.conf',
          said: `policy.conf:${line}: ${en}`,
          nowMs: clock.nowMs(),
        })
        .catch((err: unknown) => log.error({ event: 'request.internal', err }));
    },
  });
  // One child for each document that is looked at: a slow file stands in nobody else's way.
  const inspectors = Array.from({ length: atOnce }, () =>
    createInspector({ clock, ...(anchorsDir === undefined ? {} : { anchorsDir }) }),
  );
  const free = [...inspectors];
  /** Sender → when its turn was last; the one who waited longest is next. */
  const turns = new Map<string, number>();
  let turn = 0;
  const scanner = createScanner(config.scanner, clock);
  const claimed = new Set<number>();

  const rulesOf = (sender: string, kind: number): Rules =>
    policy.rulesFor({ kind: kindNameOf(kind), codes: [sender, deps.directory().codeOf(sender)] });

  function toCheck(parts: readonly StoredPart[], metadata: Metadata | undefined): PartToCheck[] {
    return parts.map(({ idx, length, sha256, content: inline }) => ({
      index: idx,
      name: metadata?.parts[idx]?.name ?? '',
      lengthBytes: length,
      async head() {
        if (inline) return inline.subarray(0, headBytes);
        const pieces: Uint8Array[] = [];
        for await (const piece of await content.read(sha256, { from: 0, to: headBytes })) pieces.push(piece);
        return Buffer.concat(pieces);
      },
      content: async () => (inline ? { bytes: inline } : await content.source(sha256)),
      stream: async () => (inline ? once(inline) : await content.read(sha256)),
    }));
  }

  async function quick({
    sender,
    documentId,
    kind,
    metadata: block,
    parts,
  }: Parameters<HubSafety['quick']>[0]): Promise<NewHubCheck | undefined> {
    const metadata = block && metadataCodec.decode(block);
    const [secret] = metadata ? secretsSaid(metadata) : [];
    if (secret) throw new ExchangeError('secrecy-refused', `${secret.code} /${secret.where}`);
    const removed = parts.find(({ sha256 }) => deps.denied(sha256));
    if (documentId && parts.length > 0 && deps.removed(documentId))
      throw new ExchangeError('secrecy-refused', 'the document was removed as a state secret');
    if (removed)
      throw new ExchangeError('secrecy-refused', `part ${removed.index} was removed as a state secret`);
    if (!config.inspect || parts.length === 0) return undefined;
    const rules = rulesOf(sender, kind);
    const stored = parts.map(({ index, ...part }) => ({ idx: index, ...part }));
    const look = await quickLook(toCheck(stored, metadata), { rules, scanning: scanner.configured });
    const { action, findings } = decide(look.findings, rules, { types: look.types, receiving: false });
    if (action === 'refuse') throw new ExchangeError('file-refused', refusalText(findings));
    if (!look.waits && action === 'deliver') return undefined;
    return {
      state: 'pending',
      findings: JSON.stringify(findings),
      parts: JSON.stringify(look.verdicts),
      policy: policy.state().version,
    };
  }

  async function step(): Promise<StepResult> {
    await endRefused();
    const nowMs = clock.nowMs();
    const rows = due(store, nowMs, claimed);
    // Fair turns: one document of each sender in its turn, however many and however slow those of another are.
    const row = rows.sort((a, b) => (turns.get(a.sender) ?? 0) - (turns.get(b.sender) ?? 0))[0];
    const inspector = row && free.pop();
    if (!row || !inspector) return nextDue(store, nowMs);
    claimed.add(row.seq);
    if (turns.size > turnsKept) turns.clear();
    turn += 1;
    turns.set(row.sender, turn);
    try {
      await one(row, inspector);
    } catch (error) {
      // Not because of the file: it is looked at first thing after the next start.
      if (!isExchangeError(error) || error.code === 'shutting-down') throw error;
      await delay(row, error.code);
    } finally {
      claimed.delete(row.seq);
      free.push(inspector);
    }
    return 'more';
  }

  /** What is refused or rejected ends in a signed notice to its sender; again after a crash. */
  async function endRefused(): Promise<void> {
    const rows = store.reader.all<{ id: number; secret: number }>(
      `SELECT d.id, c.secret FROM checks c JOIN deliveries d ON d.envelope_seq = c.envelope_seq
       WHERE c.state IN ('refused','rejected') AND d.state = 'held' LIMIT 200`,
    );
    for (const secret of [0, 1]) {
      const ids = rows.filter((row) => row.secret === secret).map(({ id }) => id);
      if (ids.length > 0)
        deps.wake(
          await store.undeliverable({
            ids,
            code: secret ? 'secrecy-refused' : 'file-refused',
            nowMs: clock.nowMs(),
          }),
        );
    }
  }

  async function delay({ seq, attempts }: DueRow, code: string): Promise<void> {
    log.warn({ event: 'check.delayed', code });
    const nextMs = clock.nowMs() + Math.min(againMaxMs, againMs * 2 ** Math.min(attempts, 6));
    await store.admin('delayCheck', { seq, code, nextMs });
  }

  async function one(row: DueRow, inspector: Inspector): Promise<void> {
    const rules = rulesOf(row.sender, row.kind);
    const metadata = row.metadata ? metadataCodec.decode(row.metadata) : undefined;
    const parts = store.reader.all<StoredPart>(
      'SELECT idx, length, sha256, content FROM parts WHERE envelope_seq = ? ORDER BY idx',
      row.seq,
    );
    const checked = await checkParts(toCheck(parts, metadata), {
      rules,
      inspector,
      scanner,
      atMs: clock.nowMs(),
      within: { clock, ms: documentMsMax },
    });
    if (checked.kind === 'scanner-down') {
      if (clock.nowMs() - row.since_ms >= scanner.graceMs)
        await store.alarm({
          code: 'scanner-unreachable',
          about: 'scanner',
          said: checked.said,
          nowMs: clock.nowMs(),
        });
      await delay(row, 'scanner-unreachable');
      return;
    }
    const types = new Map(checked.parts.map(({ index, type }) => [index, type]));
    const decision = decide(checked.findings, rules, { types, receiving: false });
    const secret = decision.findings.some(isSecret);
    const state = decision.action === 'deliver' ? 'passed' : decision.action === 'hold' ? 'held' : 'refused';
    const peers = await store.admin<string[]>('settleCheck', {
      seq: row.seq,
      state,
      findings: JSON.stringify(decision.findings),
      // The sender's and the receiver's nodes keep the signature reports; here the verdicts do.
      parts: JSON.stringify(
        checked.parts.map(({ pdf, ...part }) => ({ ...part, verdict: pdf?.verdict ?? null })),
      ),
      policy: policy.state().version,
      secret,
      nowMs: clock.nowMs(),
    });
    deps.wake(peers);
    if (state === 'passed') return;
    const codes = [...new Set(decision.findings.map(({ code }) => code))].join(' ');
    log.error({ event: 'check.stopped', state, direction: 'hub', codes });
    const code = secret ? 'secrecy-refused' : state === 'held' ? 'document-held' : 'file-refused';
    await store.alarm({ code, about: `envelope ${row.seq}`, said: codes, nowMs: clock.nowMs() });
    if (state === 'refused') await endRefused();
  }

  const loop = startWorker({
    clock,
    random: deps.random,
    step: async () => (deps.work ? await step() : 'idle'),
    concurrency: atOnce,
    idleMs: 30_000,
    onError: (error, waitMs) => log.error({ event: 'worker.waiting', worker: 'checker', waitMs, err: error }),
  });

  return {
    quick,
    nudge: () => loop.nudge(),
    status: () => ({ ...counts(store), scanner: scanner.state(), policy: policy.state() }),
    drain: () => loop.drain(),
    async close() {
      // Together: a file that is looked at may take a minute, and is looked at again after the next start.
      await Promise.all([loop.stop(), ...inspectors.map((each) => each.close())]);
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** How far a look goes for other senders. More: a long backlog costs the event loop; fewer: who floods the hub hides others for longer. */
const lookedAt = 2_000;

/** The oldest of each sender among those that are due longest. */
const due = ({ reader }: HubStore, nowMs: number, claimed: ReadonlySet<number>): DueRow[] =>
  reader.all<DueRow>(
    `SELECT c.envelope_seq AS seq, c.attempts, c.since_ms, e.sender, e.kind, e.metadata FROM checks c JOIN envelopes e ON e.seq = c.envelope_seq
     WHERE c.envelope_seq IN (SELECT min(w.envelope_seq) FROM
       (SELECT envelope_seq FROM checks WHERE state = 'pending' AND next_ms <= ? ORDER BY next_ms, envelope_seq LIMIT ${lookedAt}) w
       JOIN envelopes e ON e.seq = w.envelope_seq WHERE w.envelope_seq NOT IN (SELECT value FROM json_each(?)) GROUP BY e.sender)`,
    nowMs,
    JSON.stringify([...claimed]),
  );

function nextDue({ reader }: HubStore, nowMs: number): StepResult {
  const next = reader.get<{ ms: number | null }>(
    `SELECT min(next_ms) AS ms FROM checks WHERE state = 'pending' AND next_ms > ?`,
    nowMs,
  )?.ms;
  return next === undefined || next === null ? 'idle' : Math.max(50, next - nowMs);
}

const counts = ({ reader }: HubStore): { held: number; checking: number } =>
  reader.get<{ held: number; checking: number }>(
    `SELECT count(*) FILTER (WHERE state = 'held') AS held, count(*) FILTER (WHERE state = 'pending') AS checking FROM checks WHERE state IN ('pending','held')`,
  )!;
