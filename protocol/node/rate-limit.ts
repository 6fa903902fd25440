// Token buckets by key (a peer, an address): one office, whatever it does, cannot slow another.
// Must never hold memory for keys that are quiet, whatever number of keys a hostile peer makes up.
import { ExchangeError } from '../errors.ts';
import type { Clock } from './clock.ts';

export type RateLimitOptions = {
  readonly perSecond: number;
  /** Tokens of a key that was quiet: what may come at once. */
  readonly burst: number;
  readonly clock: Clock;
  /** Keys remembered. Over it the fullest go first; a forgotten key starts with a full bucket. */
  readonly keysMax?: number;
};

export type RateLimit = {
  /** Takes `cost` tokens, or throws `rate-limited` with the time until they are there; then nothing is taken. */
  take(key: string, cost?: number): void;
};

type Bucket = { tokens: number; atMs: number };

export function rateLimit({ perSecond, burst, clock, keysMax = 10_000 }: RateLimitOptions): RateLimit {
  const buckets = new Map<string, Bucket>();
  const refill = (bucket: Bucket, nowMs: number) => {
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond);
    bucket.atMs = nowMs;
  };
  const forgetQuiet = (nowMs: number) => {
    for (const [key, bucket] of buckets) {
      refill(bucket, nowMs);
      if (bucket.tokens >= burst) buckets.delete(key);
    }
    // Everybody is busy: the oldest entries go, in order of insertion.
    for (const key of buckets.keys()) {
      if (buckets.size < keysMax) return;
      buckets.delete(key);
    }
  };
  return {
    take(key, cost = 1) {
      const nowMs = clock.monotonicMs();
      let bucket = buckets.get(key);
      if (bucket === undefined) {
        if (buckets.size >= keysMax) forgetQuiet(nowMs);
        bucket = { tokens: burst, atMs: nowMs };
        buckets.set(key, bucket);
      }
      refill(bucket, nowMs);
      // A cost above the burst could never be paid; it is let through on a full bucket, which then goes below zero.
      if (bucket.tokens < Math.min(cost, burst)) {
        const missing = Math.min(cost, burst) - bucket.tokens;
        throw new ExchangeError('rate-limited', '', {
          retryAfterMs: Math.ceil((missing / perSecond) * 1000),
        });
      }
      bucket.tokens -= cost;
    },
  };
}
