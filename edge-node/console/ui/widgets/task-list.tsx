// Tasks with their terms; the person whose task it is reports progress in place, which the sender sees as 05 and 06 by itself.

import { useState } from 'preact/hooks';
import type { TaskView } from '../../../office/core.ts';
import { post } from '../api.ts';
import { nowMs } from '../clock.ts';
import { dayText } from '../format.ts';
import { useAct } from '../load.ts';
import { useMay, useMe } from '../me.ts';
import { words } from '../words.ts';
import { ColumnHeads, Field, Link, ProblemNotice, Tag } from './basics.tsx';
import { say } from './toasts.tsx';

const w = words.work;
const f = words.follow;

export function TaskList({
  tasks,
  again,
  linked,
}: {
  readonly tasks: readonly TaskView[];
  readonly again: () => void;
  readonly linked?: boolean;
}) {
  return (
    <div class="table-wrap">
      <table>
        <ColumnHeads names={[...(linked ? [f.subject] : []), f.person, f.instruction, f.due, f.state]} />
        <tbody>
          {tasks.map((task) => (
            <tr key={task.task}>
              {linked && (
                <td>
                  <Link to={`/den/${task.documentId}`}>{task.subject || words.list.noSubject}</Link>
                  <div class="muted">{w.registered(task.registered)}</div>
                </td>
              )}
              <td>
                {task.personName || task.desk || task.person} {task.lead && <Tag>{w.lead}</Tag>}
              </td>
              <td>{task.instruction}</td>
              <td class="tight number">
                {task.dueMs === undefined ? f.noDue : dayText(task.dueMs)}{' '}
                {task.dueMs !== undefined && task.dueMs < nowMs() && task.state !== 'done' && (
                  <Tag tone="bad">{f.late}</Tag>
                )}
              </td>
              <td>
                <Tag tone={task.state === 'done' ? 'good' : task.state === 'given' ? 'warn' : ''}>
                  {w.taskState[task.state]}
                </Tag>
                {task.progress && <div class="muted">{task.progress}</div>}
                <Report task={task} again={again} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Report({ task, again }: { readonly task: TaskView; readonly again: () => void }) {
  const [said, setSaid] = useState('');
  const me = useMe();
  const may = useMay();
  const act = useAct();
  const mine = task.person === me.email || me.roles.includes('clerk') || me.roles.includes('leader');
  if (!mine || !may('document.progress') || task.state === 'done' || task.state === 'withdrawn') return null;
  const report = (state: 'working' | 'done') =>
    act.run(async () => {
      await post(`/tasks/${task.task}/progress`, { state, said });
      say(w.reported);
      setSaid('');
      again();
    });
  return (
    <details>
      <summary>{w.said}</summary>
      <ProblemNotice problem={act.problem} />
      <Field label={w.said} value={said} onValue={setSaid} lengthMax={1_000} />
      <div class="acts">
        <button type="button" disabled={act.busy} onClick={() => report('working')}>
          {w.working}
        </button>
        <button type="button" disabled={act.busy} onClick={() => report('done')}>
          {w.done}
        </button>
      </div>
    </details>
  );
}
