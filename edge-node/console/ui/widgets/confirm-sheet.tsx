// The sheet before sending: the check list, what goes, to whom by name; "Gửi" once, then thirty seconds to undo. Nothing leaves without it.

import type { DraftChecks, DraftFields } from '../../contract.ts';
import { post, problemOf } from '../api.ts';
import { nowMs } from '../clock.ts';
import { dayText, documentName } from '../format.ts';
import { useAct } from '../load.ts';
import { go } from '../router.ts';
import { words } from '../words.ts';
import { SheetActs } from './acts.tsx';
import { Dialog, ProblemNotice } from './basics.tsx';
import { say } from './toasts.tsx';

const w = words.compose;

type SheetProps = {
  readonly draft: string;
  readonly fields: DraftFields;
  readonly asked: DraftChecks;
  readonly save: () => Promise<number>;
  readonly onClose: () => void;
  readonly onSent: () => void;
};

export function ConfirmSheet({ draft, fields, asked, save, onClose, onSent }: SheetProps) {
  const { checks, goes, numberUsedMs } = asked;
  const act = useAct();
  const stopped = checks.some(({ good, stops }) => !good && stops);
  const flash = fields.urgency.startsWith('flash');
  const send = () =>
    act.run(async () => {
      const revision = await save();
      const { dueMs } = await post<{ dueMs: number }>(`/drafts/${draft}/send`, { revision });
      onSent();
      onClose();
      go('/di');
      const undoMs = dueMs - nowMs();
      if (undoMs < 1_000) say(w.sent);
      else
        say(w.held(Math.ceil(undoMs / 1000)), {
          ms: undoMs,
          act: {
            label: w.undo,
            run: () =>
              void post(`/drafts/${draft}/undo`).then(
                () => {
                  say(w.undone);
                  go(`/soan/${draft}`);
                },
                (error: unknown) => say(problemOf(error).titleVi),
              ),
          },
        });
    });
  return (
    <Dialog title={w.confirm(documentName(fields), goes.units.length)} onClose={onClose}>
      <ProblemNotice problem={act.problem} />
      <h3>{w.check}</h3>
      <ul class="checks">
        {checks.map((check) => (
          <li key={check.name}>
            <span class={`tag ${check.good ? 'good' : check.stops ? 'bad' : 'warn'}`}>
              {check.good ? w.good : w.bad}
            </span>
            {check.words}
          </li>
        ))}
        {numberUsedMs !== undefined && (
          <li>
            <span class="tag warn">{w.bad}</span>
            {w.numberUsed(dayText(numberUsedMs))}
          </li>
        )}
      </ul>
      <h3>{fields.subject || words.list.noSubject}</h3>
      <ul class={goes.units.length > 30 ? 'chips many' : 'chips'}>
        {goes.units.map(({ code, name }) => (
          <li key={code} style={{ paddingRight: '12px' }}>
            {name || code}
          </li>
        ))}
      </ul>
      {goes.paper.length > 0 && <p class="notice warn">{w.confirmPaper(goes.paper.join(', '))}</p>}
      <p>{flash ? w.confirmFlash : w.confirmHow}</p>
      <SheetActs
        label={w.sendNow}
        disabled={stopped || act.busy}
        onMain={send}
        onClose={onClose}
        close={w.notYet}
      />
    </Dialog>
  );
}
