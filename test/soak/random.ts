// Reproducible chance for the soak: the same seed draws the same traffic and the same faults. Not for keys or ids.

export type Chance = {
  /** [0,1). */
  next(): number;
  /** Whole, both ends included. */
  whole(from: number, to: number): number;
  pick<T>(of: readonly T[]): T;
  /** `count` different ones. */
  some<T>(of: readonly T[], count: number): T[];
  /** A stream of its own, so that one loop's pace does not change what another draws. */
  fork(name: string): Chance;
};

/** mulberry32: small, and good enough to vary traffic. */
export function chance(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    whole,
    pick: (of) => of[whole(0, of.length - 1)]!,
    some(of, count) {
      const left = [...of];
      return Array.from(
        { length: Math.min(count, of.length) },
        () => left.splice(whole(0, left.length - 1), 1)[0]!,
      );
    },
    fork(name) {
      let hash = seed >>> 0;
      for (const char of name) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193) >>> 0;
      return chance(hash);
    },
  };
}
