// When to try again what was refused and may be good later without anybody saying so: a part of the directory that a clock set right, or a
// hub that renewed its certificates, makes good. Both programs; it must never ask again at once, nor stop asking.
import { backoffMs, type Clock } from './clock.ts';

export type Again = {
  /** Call after every try. */
  note(refused: boolean): void;
  /** The last try was refused, and its time has come again: after a quarter of the time since the first refusal (clock.ts `backoffMs`). */
  due(): boolean;
};

export function createAgain({ clock, random }: { clock: Clock; random: () => number }): Again {
  let refused: { readonly sinceMs: number; readonly againMs: number } | undefined;
  return {
    note(some) {
      const nowMs = clock.monotonicMs();
      const sinceMs = refused?.sinceMs ?? nowMs;
      refused = some ? { sinceMs, againMs: nowMs + backoffMs(nowMs - sinceMs, random) } : undefined;
    },
    due: () => refused !== undefined && clock.monotonicMs() >= refused.againMs,
  };
}
