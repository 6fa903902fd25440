// The hub's clock when the machine's cannot be right: a dead battery starts a hub in 2000, a mistyped year next spring. Peers last agreed on a
// time that is kept in DIR/clock.json; a machine that is a day before it, or a month after, is not believed until peers have been heard, and
// the hub goes on from the time that was agreed. Must never set a clock, nor doubt one by less than that: minutes are peer-clocks.ts's.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ExchangeError } from '../protocol/errors.ts';
import { clockBounds } from '../protocol/grace.ts';
import type { Clock } from '../protocol/node/clock.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';

export type SteadyClock = Clock & {
  /** Enough peers were heard: their median against the machine's clock (peer-clocks.ts). */
  heard(medianMs: number): void;
  /** Fewer were heard, and all agree with the machine: that moves nothing, and a small district does not look like one that was left alone for a month. */
  confirmed(): void;
  /** The machine is not believed and nobody was heard since: what cannot be undone waits, and nothing is receipted under a presumed time. */
  presumed(): boolean;
  /** Throws `not-ready` while the time is only presumed. */
  assertKnown(): void;
  /** For alarms: both times in words; undefined while the machine's clock is the hub's. */
  doubt(): string | undefined;
};

/** The file is as old as this at most; an hour is nothing beside the bounds. */
const keepEveryMs = 3_600_000;

type Agreed = { readonly atMs: number; readonly monotonicMs: number };

/** Reads DIR/clock.json; without it (a new hub, one with fewer peers than a quorum) the machine's clock is believed as ever. */
export function createSteadyClock({
  dir,
  clock,
  peersTell,
  pastMs = 0,
}: {
  readonly dir: string;
  readonly clock: Clock;
  /** False: nobody will be heard (a command on a hub that does not run), so the machine is believed. */
  readonly peersTell: boolean;
  /**
   * When the newest certificate of this hub was made: it would not start at a time before. Counts while the machine says that it is past; of a
   * machine that was ahead when it made it and has been set right since, it says nothing.
   */
  readonly pastMs?: number;
}): SteadyClock {
  const path = join(dir, 'clock.json');
  const kept = peersTell ? readAgreed(path) : undefined;
  const certifiedMs = pastMs <= clock.nowMs() ? pastMs : 0;
  let agreed: Agreed | undefined =
    kept === undefined ? undefined : { atMs: Math.max(kept, certifiedMs), monotonicMs: clock.monotonicMs() };
  /** As it stands in the file. */
  let keptMs = kept ?? 0;
  let heardAt: number | undefined;
  /** Since when, by the clock that cannot be set, the machine disagrees with what was agreed and no quorum was heard. */
  let presumedSince: number | undefined;

  const agreedNow = (now: Agreed): number => Math.round(now.atMs + clock.monotonicMs() - now.monotonicMs);

  function judge(): { readonly nowMs: number; readonly state: 'machine' | 'presumed' | 'agreed' } {
    const machineMs = clock.nowMs();
    const atMs = agreed && agreedNow(agreed);
    const behind = atMs !== undefined && machineMs < atMs - clockBounds.hubBackMs;
    const ahead = atMs !== undefined && machineMs > atMs + clockBounds.hubAheadMs;
    if (atMs === undefined || !(behind || ahead)) {
      presumedSince = undefined;
      return { nowMs: machineMs, state: 'machine' };
    }
    presumedSince ??= clock.monotonicMs();
    const waited = clock.monotonicMs() - presumedSince > clockBounds.hubPresumedMs;
    // Nobody came: what is past was agreed once and is certain; a long absence looks just like a clock that is ahead.
    if (waited && ahead && !heardSince()) return { nowMs: machineMs, state: 'machine' };
    return { nowMs: atMs, state: waited || heardSince() ? 'agreed' : 'presumed' };
  }
  function agree(medianMs: number): void {
    agreed = { atMs: clock.nowMs() + medianMs, monotonicMs: clock.monotonicMs() };
    // By what it says, not by how long ago: a machine that slept has run for less time than has passed.
    if (Math.abs(agreed.atMs - keptMs) < keepEveryMs) return;
    keptMs = agreed.atMs;
    writeFileDurable(path, `${JSON.stringify({ agreedMs: Math.round(keptMs) })}\n`);
  }
  const heardSince = (): boolean => heardAt !== undefined && heardAt >= (presumedSince ?? 0);

  return {
    monotonicMs: () => clock.monotonicMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    nowMs: () => judge().nowMs,
    heard(medianMs) {
      agree(medianMs);
      heardAt = clock.monotonicMs();
    },
    confirmed() {
      // A doubt is settled by a quorum alone.
      if (agreed && judge().state === 'machine') agree(0);
    },
    presumed: () => judge().state === 'presumed',
    assertKnown() {
      if (judge().state === 'presumed')
        throw new ExchangeError('not-ready', 'the clock of this hub is in doubt until its peers were heard', {
          retryAfterMs: 5_000,
        });
    },
    doubt() {
      const { nowMs, state } = judge();
      if (state === 'machine') return undefined;
      const text = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
      const by = state === 'presumed' ? 'its peers last agreed on' : 'its peers say';
      return `this machine says ${text(clock.nowMs())} UTC, ${by} ${text(nowMs)} UTC`;
    },
  };
}

function readAgreed(path: string): number | undefined {
  try {
    const { agreedMs } = JSON.parse(readFileSync(path, 'utf8')) as { agreedMs?: unknown };
    return typeof agreedMs === 'number' && agreedMs > 0 ? agreedMs : undefined;
  } catch {
    // Not there yet, or broken by hand: then nothing was agreed, and it is made anew.
    return undefined;
  }
}
