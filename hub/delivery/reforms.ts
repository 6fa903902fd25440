// Reforms at work: acts whose day has come take force by themselves, and what still waits for a unit that has ended goes to its single
// successor, is held where there are several, or ends in a signed notice where there is none. Bounded work per pass; run by a worker.

import type { Directory } from '../../protocol/directory.ts';
import { destinationOf, heirsOf, unitStates } from '../../protocol/directory.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import type { Log } from '../../protocol/node/logger.ts';
import type { Admin } from '../admin/acts.ts';
import { wayTo } from '../routing/route.ts';

export type ReformDeps = {
  readonly admin: Pick<Admin, 'act' | 'store' | 'directory' | 'clock' | 'wake'>;
  readonly hubId: string;
  readonly upstream: () => string;
  readonly log: Log;
};

const ROWS_MAX = 500;

/** Applies what is due. An act that cannot be done any more is refused with an alarm, and the others go on. */
async function applyDue({ admin, log }: ReformDeps): Promise<void> {
  const nowMs = admin.clock.nowMs();
  const due = admin.store.reader.all<{ id: number; kind: string }>(
    "SELECT id, kind FROM reforms WHERE state = 'planned' AND effective_ms <= ? ORDER BY effective_ms, id LIMIT 100",
    nowMs,
  );
  for (const { id, kind } of due)
    try {
      await admin.act('reformApply', { id, nowMs });
      log.info({ event: 'reform.done', reform: id, kind });
    } catch (error) {
      if (!isExchangeError(error) || error.row.retry === 'later') throw error;
      await admin.act('reformRefused', { id, said: error.message, nowMs });
      log.warn({ event: 'reform.refused', reform: id, code: error.code });
    }
}

type Waiting = { id: number; unit: string };

/** Moves what waits for units that have ended; returns how many deliveries were touched. */
async function moveWaiting({ admin, hubId, upstream }: ReformDeps): Promise<number> {
  const { store, clock } = admin;
  const directory = admin.directory.current();
  const rows = store.reader.all<Waiting>(
    `SELECT d.id, d.unit FROM deliveries d JOIN units u ON u.unit = d.unit
     WHERE u.state = 'closed' AND d.state IN ('ready','deferred') ORDER BY d.id LIMIT ?`,
    ROWS_MAX,
  );
  const nowMs = clock.nowMs();
  for (const [unit, ids] of grouped(rows)) {
    const found = destinationOf(directory, unit);
    if (found === 'unit-split') {
      await store.holdSplit({ ids, code: found, peer: hubId });
      await store.alarm({
        code: found,
        about: unit,
        said: `${ids.length} deliveries wait for a choice`,
        nowMs,
      });
    } else if (typeof found === 'string')
      admin.wake(await store.undeliverable({ ids, code: 'unit-closed', nowMs }));
    else {
      const way = wayTo({ directory, hubId, upstream: upstream(), fromPeer: '' }, found);
      // Without a way it waits where it is, and its deadline goes on.
      if (!way.id) continue;
      if (found.unit !== unit)
        admin.wake(await store.forward({ ids, unit: found.unit, peer: way.id, nowMs }));
      else if ((await store.moveOpen({ ids, peer: way.id, hubId, nowMs })) > 0) admin.wake([way.id]);
    }
  }
  return rows.length;
}

/** Units that were handed over to us: what is on its way to their old hub, or was passed to it and not delivered, goes to them here. */
async function fetchBack({ admin, hubId, upstream }: ReformDeps): Promise<void> {
  const { store, clock } = admin;
  const directory = admin.directory.current();
  const rows = store.reader.all<Waiting>(
    `SELECT d.id, d.unit FROM deliveries d JOIN units u ON u.unit = d.unit
     WHERE u.moved_from <> '' AND d.peer = u.moved_from AND d.state IN ('ready','deferred','relayed','leased') ORDER BY d.id LIMIT ?`,
    ROWS_MAX,
  );
  for (const [unit, ids] of grouped(rows)) {
    const known = directory.unit(unit);
    if (known?.hub !== hubId) continue;
    const way = wayTo({ directory, hubId, upstream: upstream(), fromPeer: '' }, known);
    if ((await store.moveOpen({ ids, peer: way.id ?? '', hubId, nowMs: clock.nowMs() })) > 0 && way.id)
      admin.wake([way.id]);
  }
}

/** What waited for units that were handed over to us, or on from us: as soon as there is a way. */
async function releaseMoved({ admin, hubId, upstream }: ReformDeps): Promise<void> {
  const { store, clock } = admin;
  const directory = admin.directory.current();
  const rows = store.reader.all<Waiting>(
    "SELECT id, unit FROM deliveries WHERE state = 'held' AND last_error = 'unit-moving' ORDER BY id LIMIT ?",
    ROWS_MAX,
  );
  for (const [unit, ids] of grouped(rows)) {
    const known = directory.unit(unit);
    const way = known ? wayTo({ directory, hubId, upstream: upstream(), fromPeer: '' }, known) : undefined;
    if (way?.id && (await store.releaseMoved({ ids, peer: way.id, nowMs: clock.nowMs() })) > 0)
      admin.wake([way.id]);
  }
}

function grouped(rows: readonly Waiting[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const { unit, id } of rows) groups.set(unit, [...(groups.get(unit) ?? []), id]);
  return groups;
}

/** One pass. */
export async function reformStep(deps: ReformDeps): Promise<'more' | 'idle'> {
  await applyDue(deps);
  await moveWaiting(deps);
  await fetchBack(deps);
  await releaseMoved(deps);
  return 'idle';
}

/**
 * An operator's choice for what waits for a unit that has ended: which of its successors gets it. Codes: reform-refused when `to` is none of
 * them, unit-has-no-node, route-none. Returns how many deliveries go on.
 */
export async function redriveTo(
  { admin, hubId, upstream }: Omit<ReformDeps, 'log'>,
  choice: { readonly ids: readonly number[]; readonly to: string },
): Promise<number> {
  const directory: Directory = admin.directory.current();
  const to = directory.unit(choice.to);
  if (!to || to.state === unitStates.closed) throw new ExchangeError('unit-closed', choice.to);
  const rows = choice.ids.flatMap((id) =>
    admin.store.reader.all<Waiting>('SELECT id, unit FROM deliveries WHERE id = ?', id),
  );
  for (const { unit } of rows)
    if (unit !== to.unit && !heirsOf(directory, unit).has(to.unit))
      throw new ExchangeError(
        'reform-refused',
        `${directory.codeOf(to.unit)} is no successor of ${directory.codeOf(unit)}`,
      );
  const way = wayTo({ directory, hubId, upstream: upstream(), fromPeer: '' }, to);
  if (!way.id) throw new ExchangeError(way.code ?? 'route-none', directory.codeOf(to.unit));
  const ids = rows.map(({ id }) => id);
  admin.wake(await admin.store.forward({ ids, unit: to.unit, peer: way.id, nowMs: admin.clock.nowMs() }));
  return ids.length;
}
