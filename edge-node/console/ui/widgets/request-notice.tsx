// A sender's request to take back or update what arrived, with the two answers; a refusal of a recall is asked for twice, with the rule.
import { useState } from 'preact/hooks';
import type { RequestView } from '../../../statuses/core.ts';
import { Problem, post } from '../api.ts';
import { documentName, isoToDay, timeText } from '../format.ts';
import { useAct } from '../load.ts';
import { useMay } from '../me.ts';
import { words } from '../words.ts';
import { ColumnHeads, Field, ProblemNotice } from './basics.tsx';
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
  if (request.state !== 'open') return <Decided request={request} />;
  const decide = (agree: boolean) => {
    // What is destroyed does not come back.
    if (agree && request.kind === 'recall' && !confirm(w.agreeSure)) return;
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
  };
  return (
    <section class="notice warn" aria-label={w.requested[request.kind]}>
      <p>
        <strong>{w.requested[request.kind] ?? request.kind}</strong>{' '}
        <span class="muted">{timeText(request.askedMs)}</span>
      </p>
      <p>{w.requestedReason(request.reason)}</p>
      <OldAndNew request={request} />
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

/** A request that somebody answered: one line, so that the next reader knows. */
function Decided({ request }: { readonly request: RequestView }) {
  const state = w.requestStates[request.state];
  if (!state || !request.decidedMs) return null;
  return (
    <p class="notice">
      {w.requested[request.kind]}. {w.requestedReason(request.reason.replace(/\.$/, ''))}. {w.answered}{' '}
      <strong>{state}</strong> <span class="muted">{timeText(request.decidedMs)}</span>
    </p>
  );
}

type Metadata = NonNullable<RequestView['before']>;
const d = words.document;
const compared = [
  [d.number, (m: Metadata) => documentName(m)],
  [d.type, (m: Metadata) => m.type],
  [d.subject, (m: Metadata) => m.subject],
  [d.issueDate, (m: Metadata) => isoToDay(m.issueDate)],
  [d.signer, (m: Metadata) => m.signers.map(({ name }) => name).join('; ')],
  [d.note, (m: Metadata) => m.note],
  [d.otherPlaces, (m: Metadata) => m.otherPlaces.join('; ')],
] as const;

/** What an update would change, field by field. */
function OldAndNew({ request: { kind, before, after } }: { readonly request: RequestView }) {
  if (kind !== 'update' || !before || !after) return null;
  const rows = compared
    .map(([label, of]) => [label, of(before), of(after)] as const)
    .filter(([, old, now]) => old !== now);
  if (rows.length === 0) return null;
  return (
    <div class="table-wrap">
      <table>
        <ColumnHeads names={[w.changedField, w.before, w.after]} />
        <tbody>
          {rows.map(([label, old, now]) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td>{old}</td>
              <td>
                <strong>{now}</strong>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
