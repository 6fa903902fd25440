// A sender's request to take back or update what arrived, with the two answers; a refusal of a recall is asked for twice, with the rule.
import { useState } from 'preact/hooks';
import type { RequestView } from '../../../statuses/core.ts';
import { Problem, post } from '../api.ts';
import { timeText } from '../format.ts';
import { useAct } from '../load.ts';
import { useMay } from '../me.ts';
import { words } from '../words.ts';
import { Field, ProblemNotice } from './basics.tsx';
import { say } from './toasts.tsx';

const w = words.work;

export function RequestNotice({
  request,
  again,
}: {
  readonly request: RequestView;
  readonly again: () => void;
}) {
  const [text, setText] = useState('');
  const [warned, setWarned] = useState(false);
  const act = useAct();
  const may = useMay();
  if (request.state !== 'open') return null;
  const decide = (agree: boolean) =>
    act.run(async () => {
      try {
        await post(`/requests/${request.requestId}`, {
          agree,
          text,
          ...(warned && !agree ? { despiteWarning: true } : {}),
        });
        say(w.decided);
        again();
      } catch (error) {
        if (error instanceof Problem && error.body.code === 'recall-refusal-warning' && !warned) {
          setWarned(true);
          return;
        }
        throw error;
      }
    });
  return (
    <section class="notice warn" aria-label={w.requested[request.kind]}>
      <p>
        <strong>{w.requested[request.kind] ?? request.kind}</strong>{' '}
        <span class="muted">{timeText(request.askedMs)}</span>
      </p>
      <p>{w.requestedReason(request.reason)}</p>
      <ProblemNotice problem={act.problem} />
      {may('document.receive') && (
        <>
          <Field label={w.refuseText} value={text} onValue={setText} lengthMax={1_000} />
          {warned && <p role="alert">{w.warning}</p>}
          <div class="acts">
            <button type="button" class="main" disabled={act.busy} onClick={() => decide(true)}>
              {request.kind === 'recall' ? w.agreeRecall : w.agree}
            </button>
            <button type="button" class="danger" disabled={act.busy} onClick={() => decide(false)}>
              {warned ? w.refuseAnyway : w.refuse}
            </button>
          </div>
        </>
      )}
    </section>
  );
}
