// Who holds how much open work, with one click to remind. A reminder names no document; the person finds the list under "Theo dõi xử lý".

import type { Load } from '../../contract-figures.ts';
import { post } from '../api.ts';
import { nowMs } from '../clock.ts';
import { agoText, countText } from '../format.ts';
import { useAct, useLoad } from '../load.ts';
import { useMay, useMe } from '../me.ts';
import { figureWords as w } from '../words-figures.ts';
import { RowAct } from './acts.tsx';
import { ColumnHeads, Loading, ProblemNotice, Tag } from './basics.tsx';
import { say } from './toasts.tsx';

const hourMs = 3_600_000;

export function LoadTable() {
  const { value, problem, again } = useLoad<{ rows: readonly Load[] }>('/backlog/people');
  const act = useAct();
  const may = useMay();
  const me = useMe();
  if (problem) return <ProblemNotice problem={problem} again={again} />;
  if (!value) return <Loading />;
  return (
    <section>
      <h2>{w.load}</h2>
      <p class="muted">{value.rows.length === 0 ? w.noLoad : w.loadHow}</p>
      <ProblemNotice problem={act.problem} />
      {value.rows.length > 0 && (
        <div class="table-wrap">
          <table>
            <ColumnHeads
              names={[
                w.person,
                { amount: w.open },
                { amount: w.near },
                { amount: w.overdue },
                ...(may('person.nudge') ? [{ hidden: w.nudge }] : []),
              ]}
            />
            <tbody>
              {value.rows.map((load) => (
                <tr key={`${load.person} ${load.desk}`}>
                  <td>
                    {load.name}
                    {load.person && <div class="muted">{load.person}</div>}
                  </td>
                  <td class="number amount">{countText(load.open)}</td>
                  <td class="number amount">
                    {load.near > 0 ? <Tag tone="warn">{countText(load.near)}</Tag> : '0'}
                  </td>
                  <td class="number amount">
                    {load.late > 0 ? <Tag tone="bad">{countText(load.late)}</Tag> : '0'}
                  </td>
                  {may('person.nudge') && (
                    <td class="tight">
                      {load.nudgedMs !== undefined && (
                        <span class="muted">{w.nudgedAt(agoText(load.nudgedMs, nowMs()))} </span>
                      )}
                      {load.person !== '' &&
                        load.person !== me.email &&
                        nowMs() - (load.nudgedMs ?? 0) > hourMs && (
                          <RowAct
                            label={w.nudge}
                            spoken={w.nudgeNamed(load.name)}
                            act={act}
                            onAct={async () => {
                              await post('/nudges', { email: load.person, said: '' });
                              say(w.nudged(load.name));
                              again();
                            }}
                          />
                        )}
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
