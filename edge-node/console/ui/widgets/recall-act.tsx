// Thu hồi: from all recipients or chosen ones, with a reason that they read. What was not sent is cancelled, what is at the hub comes back at once.
import { useState } from 'preact/hooks';
import type { RecipientView } from '../../../core.ts';
import { post } from '../api.ts';
import { useAct } from '../load.ts';
import { words } from '../words.ts';
import { Dialog, Field, ProblemNotice, Tick } from './basics.tsx';
import { say } from './toasts.tsx';

const w = words.work;

export function RecallAct({
  base,
  recipients,
  again,
}: {
  readonly base: string;
  readonly recipients: readonly RecipientView[];
  readonly again: () => void;
}) {
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const [from, setFrom] = useState<readonly string[]>(recipients.map(({ code }) => code));
  const act = useAct();
  return (
    <>
      <button type="button" class="danger" onClick={() => setOpen(true)}>
        {w.recall}
      </button>
      {open && (
        <Dialog title={w.recallTitle} onClose={() => setOpen(false)}>
          <p class="muted">{w.recallHow}</p>
          <ProblemNotice problem={act.problem} />
          <Field
            label={w.recallReason}
            value={reason}
            onValue={setReason}
            rows={3}
            lengthMax={1_000}
            required
            autofocus
          />
          <fieldset>
            <legend>{words.document.recipients}</legend>
            {recipients.map(({ code, name }) => (
              <Tick
                key={code}
                label={name || code}
                value={from.includes(code)}
                onValue={(on) => setFrom(on ? [...from, code] : from.filter((each) => each !== code))}
              />
            ))}
          </fieldset>
          <div class="acts">
            <button
              type="button"
              class="danger"
              data-main
              disabled={act.busy || reason.trim() === '' || from.length === 0}
              onClick={() =>
                act.run(async () => {
                  await post(`${base}/recall`, {
                    reason,
                    ...(from.length === recipients.length ? {} : { from }),
                  });
                  say(w.recalled);
                  setOpen(false);
                  again();
                })
              }
            >
              {w.recall}
            </button>
            <button type="button" onClick={() => setOpen(false)}>
              {words.people.cancel}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
