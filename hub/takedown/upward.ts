// Removals over the link to the next hub: our orders and words go up, its orders and words come down. A lower hub dials, so it also asks. Must never
// forget what was not answered: the cursors are durable and move only after the answer was stored.
import type { Clock } from '../../protocol/node/clock.ts';
import type { HubLink } from '../../protocol/node/hub-link.ts';
import { type StepResult, startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import { ordersPushedMax, type Removals } from './removals.ts';

/** Numbers of ours that the next hub has (orders, words), and of its that we have. */
type Cursors = {
  readonly orders: number;
  readonly words: number;
  readonly seen: number;
  readonly heard: number;
};
const start: Cursors = { orders: 0, words: 0, seen: 0, heard: 0 };

const askSoonMs = 2_000;
/** While somebody above has not confirmed: an office that is away for weeks costs one small request in five minutes. */
const askMaxMs = 300_000;

export type UpwardRemovals = {
  readonly loop: WorkLoop;
  /** The next hub says that it has orders up to this number; 0 says nothing. */
  newest(number: number): void;
  /** For the poll: the last order of the next hub that is here. */
  seen(): number;
  /** The next hub was restored: everything is offered once more. */
  again(): Promise<void>;
};

export function startUpwardRemovals(deps: {
  /** Hub id of the next hub. */
  readonly upstream: string;
  readonly removals: Removals;
  readonly link: Pick<HubLink, 'removals'>;
  /** Opens the session first. */
  readonly ready: () => Promise<void>;
  readonly fact: { get(): string | undefined; set(value: string): Promise<void> };
  readonly clock: Clock;
  readonly random: () => number;
  readonly onError: (error: unknown, waitMs: number) => void;
}): UpwardRemovals {
  const { upstream, removals, clock } = deps;
  let wanted = 0;
  let askAtMs = 0;
  let askAfterMs = askSoonMs;

  /** Of this next hub: another one has other numbers. */
  function cursors(): Cursors {
    const kept = JSON.parse(deps.fact.get() ?? '{}') as Partial<Cursors & { hub: string }>;
    return kept.hub === upstream ? { ...start, ...kept } : start;
  }
  const keep = (now: Cursors) => deps.fact.set(JSON.stringify({ ...now, hub: upstream }));

  async function step(signal: AbortSignal): Promise<StepResult> {
    const at = cursors();
    const orders = removals.ordersFor(upstream, at.orders, ordersPushedMax);
    const words = removals.wordsFor(upstream, at.words);
    const asks = removals.openAt(upstream) && clock.monotonicMs() >= askAtMs;
    if (orders.length === 0 && words.length === 0 && wanted <= at.seen && !asks) return 'idle';
    await deps.ready();
    const answer = await deps.link.removals(
      {
        after: at.seen,
        done: words.map(({ bytes }) => bytes),
        reports: [],
        orders: orders.map(({ signed }) => signed),
        wordsAfter: at.heard,
      },
      signal,
    );
    // What came is stored before the cursors move; orders before words about them.
    await removals.takeOrders(answer.orders, upstream);
    for (const each of answer.done ?? []) await removals.takeDone(each, { kind: 'hub', id: upstream });
    const seen = Math.max(at.seen, ...answer.orders.map(removals.numberOf));
    await keep({
      orders: orders.at(-1)?.number ?? at.orders,
      words: words.at(-1)?.id ?? at.words,
      seen,
      heard: Math.max(at.heard, answer.wordsLast ?? 0),
    });
    wanted = answer.orders.length > 0 ? wanted : 0;
    const news = orders.length + words.length + answer.orders.length + (answer.done?.length ?? 0) > 0;
    askAfterMs = news ? askSoonMs : Math.min(askMaxMs, askAfterMs * 2);
    askAtMs = clock.monotonicMs() + askAfterMs;
    return news ? 'more' : 'idle';
  }

  const loop = startWorker({ clock, random: deps.random, step, idleMs: askSoonMs, onError: deps.onError });
  return {
    loop,
    newest(number) {
      if (number <= cursors().seen) return;
      wanted = Math.max(wanted, number);
      loop.nudge();
    },
    seen: () => cursors().seen,
    async again() {
      await keep({ ...cursors(), orders: 0, words: 0 });
      loop.nudge();
    },
  };
}
