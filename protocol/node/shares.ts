// Who used how much of something lately, so that what serves everybody can tell the quiet from the busy. Held in memory only; must never
// grow with the number of keys that ever were.

export type Shares = {
  used(key: string, amount: number): void;
  /** It used less than `floor` lately, or less than a quarter of what every key in use would have if all had as much. */
  quiet(key: string): boolean;
};

/** Use is remembered with this half of a life. */
const halfLifeMs = 1000;
/** Keys that used next to nothing lately are forgotten; should more than this many have used something, all are. */
const sweepMs = 1000;
const rememberedMax = 4096;

type Use = { readonly amount: number; readonly atMs: number };

/** `floor` in the unit of what is used; `nowMs`: monotonic. */
export function shares(floor: number, nowMs: () => number): Shares {
  const uses = new Map<string, Use>();
  let all: Use = { amount: 0, atMs: nowMs() };
  let sweptMs = nowMs();

  const lately = (use: Use | undefined, atMs: number): number =>
    use === undefined ? 0 : use.amount * 0.5 ** ((atMs - use.atMs) / halfLifeMs);

  function sweep(atMs: number): void {
    if (atMs - sweptMs < sweepMs && uses.size < rememberedMax) return;
    sweptMs = atMs;
    for (const [key, use] of uses) if (lately(use, atMs) < floor / 100) uses.delete(key);
    if (uses.size >= rememberedMax) uses.clear();
  }

  return {
    used(key, amount) {
      const atMs = nowMs();
      uses.set(key, { amount: lately(uses.get(key), atMs) + amount, atMs });
      all = { amount: lately(all, atMs) + amount, atMs };
      sweep(atMs);
    },
    quiet(key) {
      const atMs = nowMs();
      return lately(uses.get(key), atMs) < Math.max(floor, lately(all, atMs) / (4 * Math.max(1, uses.size)));
    },
  };
}
