// Thu hồi: from all recipients or chosen ones, with a reason that they read. What was not sent is cancelled, what is at the hub comes back at once.
import { useState } from 'preact/hooks';
import type { RecipientView } from '../../../core.ts';
import { post } from '../api.ts';
import { words } from '../words.ts';
import { Tick } from './basics.tsx';
import { ReasonAct } from './reason-act.tsx';
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
  const [from, setFrom] = useState<readonly string[]>(recipients.map(({ code }) => code));
  return (
    <ReasonAct
      label={w.recall}
      looks="danger"
      title={w.recallTitle}
      how={w.recallHow}
      reasonLabel={w.recallReason}
      send={w.recall}
      ready={from.length > 0}
      onSend={async (reason) => {
        await post(`${base}/recall`, {
          reason,
          ...(from.length === recipients.length ? {} : { from }),
        });
        say(w.recalled);
        again();
      }}
    >
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
    </ReasonAct>
  );
}
