// Khóa API: by which the office's software uses the node. A new key is shown once and cannot be shown again; ending one is at once.

import { useState } from 'preact/hooks';
import type { KeyList } from '../../contract.ts';
import { post } from '../api.ts';
import { timeText } from '../format.ts';
import { useAct, useLoad } from '../load.ts';
import { RowAct, SheetActs } from '../widgets/acts.tsx';
import { ColumnHeads, Dialog, Empty, Field, Loading, ProblemNotice } from '../widgets/basics.tsx';
import { say } from '../widgets/toasts.tsx';
import { words } from '../words.ts';

const w = words.apiKeys;

export function ApiKeys() {
  const { value, problem, again } = useLoad<KeyList>('/keys');
  const [asking, setAsking] = useState(false);
  const [made, setMade] = useState<{ readonly name: string; readonly key: string }>();
  const act = useAct();
  if (problem) return <ProblemNotice problem={problem} again={again} />;
  if (!value) return <Loading />;
  return (
    <>
      <p class="muted">{w.how}</p>
      <ProblemNotice problem={act.problem} />
      {value.here ? (
        <div class="acts">
          <button type="button" class="main" onClick={() => setAsking(true)}>
            {w.add}
          </button>
        </div>
      ) : (
        <p class="notice warn">{w.elsewhere}</p>
      )}
      {value.rows.length === 0 ? (
        <Empty title={w.empty} how={w.emptyHow} />
      ) : (
        <div class="table-wrap">
          <table>
            <ColumnHeads names={[w.name, w.since, { hidden: w.end }]} />
            <tbody>
              {value.rows.map(({ name, addedMs }) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td class="tight number">{timeText(addedMs)}</td>
                  <td class="tight">
                    {value.here && (
                      <RowAct
                        label={w.end}
                        spoken={`${w.end}: ${name}`}
                        looks="danger"
                        act={act}
                        sure={w.endSure(name)}
                        onAct={async () => {
                          await post('/keys/remove', { name });
                          say(w.ended(name));
                          again();
                        }}
                      />
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {asking && (
        <AddKey
          onClose={() => setAsking(false)}
          onMade={(key) => {
            setAsking(false);
            setMade(key);
            again();
          }}
        />
      )}
      {made && (
        // Only its own button closes it: what it shows is not shown again.
        <Dialog title={w.madeFor(made.name)} onClose={undefined}>
          <p class="notice warn">{w.once}</p>
          <p>
            <code class="code">{made.key}</code>
          </p>
          <button type="button" class="main" data-main onClick={() => setMade(undefined)}>
            {w.kept}
          </button>
        </Dialog>
      )}
    </>
  );
}

function AddKey({
  onClose,
  onMade,
}: {
  readonly onClose: () => void;
  readonly onMade: (made: { readonly name: string; readonly key: string }) => void;
}) {
  const [name, setName] = useState('');
  const act = useAct();
  return (
    <Dialog title={w.add} onClose={onClose}>
      <p class="muted">{w.addHow}</p>
      <ProblemNotice problem={act.problem} />
      <Field label={w.nameHow} value={name} onValue={setName} lengthMax={64} required autofocus />
      <SheetActs
        label={w.add}
        disabled={act.busy || name.trim() === ''}
        onMain={() => act.run(async () => onMade(await post('/keys', { name: name.trim() })))}
        onClose={onClose}
      />
    </Dialog>
  );
}
