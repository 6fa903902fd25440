// What can still be done for one recipient of several, the others left as they are: send again where it failed or was stopped; stop where it has not
// arrived; remind where it is and waits. What was never sealed ends at once; what may be at the hub is taken back from there, with a reason like every recall.
import type { RecipientView } from '../../../core.ts';
import type { Standing } from '../../../recipients/newest.ts';
import { post } from '../api.ts';
import { nowMs } from '../clock.ts';
import { dayText } from '../format.ts';
import type { Acting } from '../load.ts';
import { words } from '../words.ts';
import { RowAct } from './acts.tsx';
import { ReasonAct } from './reason-act.tsx';
import { say } from './toasts.tsx';

const w = words.document;

/** Asked back, and not refused: it is not given again. */
export const takenBack = ({ change }: RecipientView): boolean =>
  change?.kind === 'recall' && /^(asked|agreed|taken-back)$/.test(change.state);

/** It is there, not ended, and was not reminded today: a second time would be refused. */
const remindable = ({ status, remindedMs }: Standing): boolean =>
  !['02', '06'].includes(status?.code ?? '') &&
  (remindedMs === undefined || dayText(remindedMs) !== dayText(nowMs()));

/** The one act that makes sense for it now; undefined: none. */
export function actOf(to: Standing): 'resend' | 'cancel' | 'recall' | 'remind' | undefined {
  if (takenBack(to)) return undefined;
  if (to.state === 'delivered') return remindable(to) ? 'remind' : undefined;
  if (/refused|undeliverable|expired|cancelled/.test(to.state)) return 'resend';
  if (to.state === 'queued' && to.sending.sealedMs === undefined) return 'cancel';
  return /queued|accepted|relayed/.test(to.state) ? 'recall' : undefined;
}

const simple = {
  resend: [w.resend, w.resentTo],
  cancel: [w.cancel, w.cancelledTo],
  remind: [w.remind, w.remindedNow],
} as const;

/** `act` is the page's: its problem is shown above, and one thing runs at a time. */
export type RowActs = { readonly base: string; readonly act: Acting; readonly again: () => void };

export function RecipientActs({ to, base, act, again }: RowActs & { readonly to: Standing }) {
  const name = to.name || to.code;
  const address = to.desk ? `${to.desk}@${to.code}` : to.code;
  const possible = actOf(to);
  if (possible === undefined) return null;
  if (possible !== 'recall') {
    const [label, told] = simple[possible];
    return (
      <RowAct
        label={label}
        spoken={`${label}: ${name}`}
        act={act}
        onAct={async () => {
          await post(`${base}/${possible}`, { to: [address] });
          say(told(name));
          again();
        }}
      />
    );
  }
  return (
    <ReasonAct
      label={w.cancel}
      spoken={`${w.cancel}: ${name}`}
      looks="default"
      title={w.cancelTo(name)}
      how={w.cancelHow}
      reasonLabel={words.work.recallReason}
      send={w.cancel}
      onSend={async (reason) => {
        await post(`${base}/recall`, { reason, from: [to.code] });
        say(w.cancelledTo(name));
        again();
      }}
    />
  );
}
