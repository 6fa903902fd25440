// S9 in short, and the head's view: my tasks; for those who oversee, every open task and every term that is over or near.
import type { DueView, TaskView } from '../../../office/core.ts';
import { dayText } from '../format.ts';
import { useLive } from '../live.ts';
import { useLoad } from '../load.ts';
import { useMay } from '../me.ts';
import { ColumnHeads, Empty, Link, Loading, ProblemNotice, Tag, Title } from '../widgets/basics.tsx';
import { LoadTable } from '../widgets/load-table.tsx';
import { TaskList } from '../widgets/task-list.tsx';
import { words } from '../words.ts';

const w = words.follow;

export function Follow() {
  const may = useMay();
  return (
    <>
      <Title>{w.title}</Title>
      {may('document.progress') && <Mine />}
      {may('statistics.read') && <LoadTable />}
      {may('statistics.read') && <Unit />}
    </>
  );
}

function Mine() {
  const { value, problem, again } = useLoad<{ rows: readonly TaskView[] }>('/tasks');
  return (
    <section>
      <h2>{w.mine}</h2>
      <ProblemNotice problem={problem} again={again} />
      {!value && !problem && <Loading />}
      {value?.rows.length === 0 && <Empty title={w.none} how={w.noneHow} />}
      {value && value.rows.length > 0 && <TaskList tasks={value.rows} again={again} linked />}
    </section>
  );
}

function Unit() {
  const { value, problem, again } = useLoad<{ tasks: readonly TaskView[]; due: readonly DueView[] }>(
    '/backlog',
  );
  useLive(
    (event) => {
      if (event.kind === 'arrived' || event.kind === 'other') again();
    },
    [again],
  );
  if (problem) return <ProblemNotice problem={problem} again={again} />;
  if (!value) return <Loading />;
  return (
    <>
      <section>
        <h2>{w.terms}</h2>
        <p class="muted">{w.termsHow}</p>
        {value.due.length === 0 ? (
          <p class="muted">{w.noTerms}</p>
        ) : (
          <div class="table-wrap">
            <table>
              <ColumnHeads names={[w.state, w.subject, w.rule, w.due, w.person]} />
              <tbody>
                {value.due.map((due) => (
                  <tr key={`${due.rule} ${due.documentId} ${due.who}`}>
                    <td class="tight">
                      <Tag tone={due.state === 'late' ? 'bad' : due.state === 'soon' ? 'warn' : ''}>
                        {w[due.state]}
                      </Tag>
                    </td>
                    <td>
                      <Link
                        to={
                          due.direction === 'in'
                            ? `/den/${due.envelopeId ?? due.documentId}`
                            : `/di/${due.documentId}`
                        }
                      >
                        {due.subject || due.notation || words.list.noSubject}
                      </Link>
                    </td>
                    <td>{due.words.vi}</td>
                    <td class="tight number">{dayText(due.dueMs)}</td>
                    <td>{due.who}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <section>
        <h2>{w.all}</h2>
        {value.tasks.length === 0 ? (
          <p class="muted">{w.none}</p>
        ) : (
          <TaskList tasks={value.tasks} again={again} linked />
        )}
      </section>
    </>
  );
}
