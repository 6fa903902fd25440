// A list of changes from a file: judged line by line first; applied as a whole with its decision, or not at all.
import { useState } from 'preact/hooks';
import { post } from '../api.ts';
import { useAct } from '../load.ts';
import { words } from '../words.ts';
import { DayField, Field, ProblemNotice } from './basics.tsx';
import { say } from './toasts.tsx';

const w = words.people;
type Judged = {
  readonly changes: readonly unknown[];
  readonly faults: readonly { readonly line: number; readonly why: string }[];
};

async function base64Of(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export function ChangeList({ onDone }: { readonly onDone: () => void }) {
  const [file, setFile] = useState<{ name: string; contentBase64: string }>();
  const [judged, setJudged] = useState<Judged>();
  const [decision, setDecision] = useState('');
  const [decisionDate, setDecisionDate] = useState('');
  const act = useAct();
  const ask = (apply: boolean, given: { name: string; contentBase64: string }) =>
    post<Judged>('/people/list', { ...given, decision, decisionDate, apply });
  return (
    <details class="card">
      <summary>{w.list}</summary>
      <p class="muted">{w.listHow}</p>
      <ProblemNotice problem={act.problem} />
      <input
        type="file"
        accept=".csv,.xlsx"
        aria-label={w.list}
        onChange={(event) => {
          const chosen = event.currentTarget.files?.[0];
          if (chosen)
            act.run(async () => {
              const given = { name: chosen.name, contentBase64: await base64Of(chosen) };
              setFile(given);
              setJudged(await ask(false, given));
            });
        }}
      />
      {judged && (
        <div class={`notice ${judged.faults.length > 0 ? 'bad' : 'good'}`} role="status">
          <p>
            {judged.faults.length > 0 ? w.listBad(judged.faults.length) : w.listGood(judged.changes.length)}
          </p>
          {judged.faults.map(({ line, why }) => (
            <p key={line}>{w.line(line, why)}</p>
          ))}
        </div>
      )}
      {judged && file && judged.faults.length === 0 && (
        <>
          <div class="row">
            <Field label={w.decision} value={decision} onValue={setDecision} required lengthMax={60} />
            <DayField label={w.decisionDate} value={decisionDate} onValue={setDecisionDate} required />
          </div>
          <button
            type="button"
            class="main"
            disabled={act.busy || decision === '' || decisionDate === ''}
            onClick={() =>
              act.run(async () => {
                await ask(true, file);
                setJudged(undefined);
                say(w.done);
                onDone();
              })
            }
          >
            {w.apply}
          </button>
        </>
      )}
    </details>
  );
}
