// What the clocks of peers say about the hub's own. Each poll tells the peer's time; when the median of those heard lately is a minute off,
// it is the hub that is wrong. Must never stop anybody for it: the operator is told, and what a wrong clock would do for good waits.
import { clockBounds } from '../protocol/grace.ts';
import { type Clock, clockSteps } from '../protocol/node/clock.ts';

export type PeerClocks = {
  /** `peerMs` 0: the peer does not say. */
  heard(peer: string, peerMs: number): void;
  /** Median of peers' clocks minus ours over the last hour; undefined when fewer than `quorum` were heard. */
  medianMs(): number | undefined;
  /** The median disagrees by more than `clockBounds.hubOffMs` (protocol/grace.ts): our clock is not to be acted on where it cannot be undone. */
  suspect(): boolean;
  /** By how much our clock is behind the median; 0 when it is not suspect. */
  behindMs(): number;
};

/** One office with a wrong clock says nothing about the hub's, and two may share a mistake. */
const quorum = 3;
const lookMs = 2_000;
const rememberedMs = 3_600_000;
/** More peers than a hub has; the oldest go first. */
const peersMax = 20_000;

/**
 * `clock` is the machine's own. `heard` is told the median each time a peer was heard, once there are enough; with fewer, `confirmed` is
 * called when all of them agree with the machine.
 */
export function createPeerClocks({
  clock,
  heard: tell = () => {},
  confirmed = () => {},
}: {
  readonly clock: Clock;
  readonly heard?: (medianMs: number) => void;
  readonly confirmed?: () => void;
}): PeerClocks {
  const offsets = new Map<string, { readonly offsetMs: number; readonly atMs: number }>();

  let lately: { readonly medianMs: number | undefined; readonly atMs: number } | undefined;
  /** Asked for every envelope; a look at all peers every few seconds is enough. */
  function medianMs(): number | undefined {
    const atMs = clock.monotonicMs();
    if (lately?.medianMs === undefined || atMs - lately.atMs > lookMs) lately = { medianMs: look(), atMs };
    return lately.medianMs;
  }

  function recentOffsets(): number[] {
    // By the clock that cannot be set: the one in question must not decide what is recent.
    const sinceMs = clock.monotonicMs() - rememberedMs;
    return [...offsets.values()].flatMap(({ offsetMs, atMs }) => (atMs >= sinceMs ? [offsetMs] : []));
  }

  function look(): number | undefined {
    const recent = recentOffsets();
    if (recent.length < quorum) return undefined;
    recent.sort((a, b) => a - b);
    return recent[recent.length >> 1];
  }

  const steps = clockSteps(clock);
  /** The clock was set, or the machine slept: what was measured against it before says nothing now. */
  function forgetIfSet(): void {
    if (Math.abs(steps()) < clockBounds.hubOffMs) return;
    offsets.clear();
    lately = undefined;
  }

  const behind = (): number => {
    const median = medianMs() ?? 0;
    return Math.abs(median) > clockBounds.hubOffMs ? median : 0;
  };

  return {
    heard(peer, peerMs) {
      if (peerMs === 0) return;
      forgetIfSet();
      offsets.delete(peer);
      offsets.set(peer, { offsetMs: peerMs - clock.nowMs(), atMs: clock.monotonicMs() });
      if (offsets.size > peersMax) offsets.delete(offsets.keys().next().value!);
      const median = medianMs();
      if (median !== undefined) tell(median);
      else {
        const few = recentOffsets();
        if (few.length < quorum && few.every((offsetMs) => Math.abs(offsetMs) <= clockBounds.hubOffMs))
          confirmed();
      }
    },
    medianMs,
    suspect: () => behind() !== 0,
    behindMs: () => Math.max(0, behind()),
  };
}
