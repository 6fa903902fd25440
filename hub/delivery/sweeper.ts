// What becomes due by time alone: leases that ran out, deadlines, retention, idle uploads; and what senders took back, at once. Bounded work per pass, so that a backlog of a
// million deliveries costs a start-up and a pass no more than a hundred do.

import { limits } from '../../protocol/limits.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { ContentStore } from '../../protocol/node/content-store.ts';
import type { StepResult } from '../../protocol/node/worker.ts';
import type { ContentTurns } from '../content-turns.ts';
import type { HubStore } from '../store/store.ts';

export type SweepDeps = {
  readonly store: HubStore;
  readonly content: ContentStore;
  readonly turns: ContentTurns;
  readonly clock: Clock;
  /** Peers say that our clock is wrong: what cannot be undone waits until it is right or they agree. */
  readonly clockSuspect: () => boolean;
  readonly nudge: (peers: readonly string[]) => void;
  /** Days after the last delivery ended; negative keeps for ever. */
  readonly retention: { readonly contentDays: number; readonly metadataDays: number };
};

const rowsMax = 500;
const dayMs = 86_400_000;

/** One pass. 'more' while a pass was full. */
export async function sweep(deps: SweepDeps): Promise<StepResult> {
  const { store, clock, retention } = deps;
  const nowMs = clock.nowMs();
  const freed = await store.sweepLeases({ nowMs, rowsMax, attemptsMax: limits.attemptsMax });
  const recalled = await store.takeBack({ nowMs, rowsMax });
  const suspect = deps.clockSuspect();
  const expired = suspect ? [] : await store.expire({ nowMs, rowsMax });
  deps.nudge([...freed, ...recalled.nudge, ...expired]);
  for (const digest of recalled.orphans)
    await removeUnreferenced(deps, Buffer.from(digest).toString('hex'), digest);
  if (suspect) return freed.length > 0 ? 'more' : 'idle';
  const contentErased = await eraseOlder(deps, nowMs, retention.contentDays, false);
  const metadataErased = await eraseOlder(deps, nowMs, retention.metadataDays, true);
  const unused = await store.forgetUnused({ olderThanMs: nowMs - limits.uploadIdleMs, rowsMax });
  for (const digest of unused) await removeUnreferenced(deps, Buffer.from(digest).toString('hex'), digest);
  await deps.content.sweepPartials({ idleMs: limits.uploadIdleMs });
  // Leases and deadlines are answered by peers, not by rows: as long as there were any, there may be more.
  const moved = freed.length > 0 || expired.length > 0 || recalled.taken > 0;
  return moved || contentErased >= rowsMax || metadataErased >= rowsMax ? 'more' : 'idle';
}

async function eraseOlder(deps: SweepDeps, nowMs: number, days: number, metadata: boolean): Promise<number> {
  if (days < 0) return 0;
  const { erased, orphans } = await deps.store.erase({
    closedBeforeMs: nowMs - days * dayMs,
    metadata,
    rowsMax,
  });
  for (const digest of orphans) await removeUnreferenced(deps, Buffer.from(digest).toString('hex'), digest);
  return erased;
}

/** In turn with uploads of the same bytes: between the look and the unlink nobody may begin to count on the file. */
function removeUnreferenced(
  { store, content, turns }: SweepDeps,
  hex: string,
  digest: Uint8Array,
): Promise<void> {
  return turns.run(hex, async () => {
    if (!store.contentReferenced(digest)) await content.remove(digest);
  });
}
