// Gentle reminders on the first screen: a window of the day that nobody has used yet, and what a head or clerk reminded of. They ask for a click, and
// never cover the work.

import type { Overview } from '../../contract.ts';
import type { NudgeView } from '../../contract-figures.ts';
import { post } from '../api.ts';
import { nowMs } from '../clock.ts';
import { agoText } from '../format.ts';
import { useLive } from '../live.ts';
import { useAct, useLoad } from '../load.ts';
import { useMay } from '../me.ts';
import { go } from '../router.ts';
import { figureWords as w } from '../words-figures.ts';
import { ProblemNotice } from './basics.tsx';

export function Reminders({ overview }: { readonly overview: Overview }) {
  const { value, again } = useLoad<{ rows: readonly NudgeView[] }>('/nudges');
  const act = useAct();
  const may = useMay();
  useLive(
    (event) => {
      if (event.kind === 'nudge' || event.kind === 'other') again();
    },
    [again],
  );
  const open = overview.slots.find(({ state }) => state === 'open');
  return (
    <>
      <ProblemNotice problem={act.problem} />
      {open && may('document.read') && (
        <div class="notice">
          <p>{w.lookNow(open.window)}</p>
          <button
            type="button"
            disabled={act.busy}
            onClick={() =>
              act.run(async () => {
                await post('/me/looked-in');
                go('/den');
              })
            }
          >
            {w.lookNowAct}
          </button>
        </div>
      )}
      {value?.rows.map((nudge) => (
        <div key={nudge.id} class="notice warn" role="status">
          <p>
            <strong>{w.reminder}</strong>: {w.reminderFrom(nudge.from)} {nudge.said}{' '}
            <span class="muted">{agoText(nudge.atMs, nowMs())}</span>
          </p>
          <div class="acts">
            <button type="button" onClick={() => go('/theo-doi')}>
              {w.reminderGo}
            </button>
            <button
              type="button"
              disabled={act.busy}
              onClick={() =>
                act.run(async () => {
                  await post('/nudges/seen', { id: nudge.id });
                  again();
                })
              }
            >
              {w.reminderSeen}
            </button>
          </div>
        </div>
      ))}
    </>
  );
}
