// Dự thảo: what was begun and not sent, what waits for its thirty seconds, what came back with a reason.
import type { DraftRow } from '../../contract.ts';
import { documentName, timeText } from '../format.ts';
import { useLive } from '../live.ts';
import { useLoad } from '../load.ts';
import { ColumnHeads, Empty, Link, Loading, ProblemNotice, Tag, Title } from '../widgets/basics.tsx';
import { words } from '../words.ts';

const w = words.drafts;

export function Drafts() {
  const { value, problem, again } = useLoad<{ rows: readonly DraftRow[] }>('/drafts');
  useLive(
    (event) => {
      if (event.kind === 'draft' || event.kind === 'other') again();
    },
    [again],
  );
  return (
    <>
      <Title>{w.title}</Title>
      <ProblemNotice problem={problem} again={again} />
      {!value && !problem && <Loading />}
      {value?.rows.length === 0 && (
        <Empty title={w.empty} how={w.emptyHow}>
          <Link to="/soan" class="button main">
            {words.menu.compose}
          </Link>
        </Empty>
      )}
      {value && value.rows.length > 0 && (
        <div class="table-wrap">
          <table class="rows">
            <ColumnHeads
              names={[words.list.name, words.list.subject, words.list.recipients, w.by, w.changed]}
            />
            <tbody>
              {value.rows.map((row) => (
                <tr key={row.draft}>
                  <td>{documentName(row)}</td>
                  <td>
                    <Link to={`/soan/${row.draft}`} data-row="" data-key={row.draft}>
                      {row.subject || w.untitled}
                    </Link>{' '}
                    {row.further && <Tag>{w.further}</Tag>}{' '}
                    {row.state === 'held' && <Tag tone="warn">{w.held}</Tag>}
                    {row.lastError && <Tag tone="bad">{w.failed}</Tag>}
                  </td>
                  <td class="number">{row.recipients}</td>
                  <td>{row.by}</td>
                  <td class="tight number">{timeText(row.changedMs)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
