// Lists that a person keeps under a name ("Hỏa tốc tuần này"): what narrows a list now, as its address, and the ones kept before. A person's own.
import { useState } from 'preact/hooks';
import type { SavedView } from '../../contract-figures.ts';
import { post } from '../api.ts';
import { useAct, useLoad } from '../load.ts';
import { words } from '../words.ts';
import { Field, Link, ProblemNotice } from './basics.tsx';

const w = words.list;
type Rows = { readonly rows: readonly SavedView[] };

export function SavedLists({
  list,
  at,
  query,
}: {
  readonly list: 'in' | 'out';
  readonly at: string;
  /** What narrows the list now; '' when nothing does. */
  readonly query: string;
}) {
  const { value, again } = useLoad<Rows>('/views');
  const [name, setName] = useState('');
  const act = useAct();
  const mine = value?.rows.filter((row) => row.list === list) ?? [];
  if (mine.length === 0 && query === '') return null;
  return (
    <div class="saved-lists">
      {mine.map((row) => (
        <span key={row.id} class="kept">
          <Link to={`${at}?xem=${row.id}&${row.query}`}>{row.name}</Link>
          <button
            type="button"
            class="plain"
            aria-label={w.dropView(row.name)}
            onClick={() =>
              act.run(async () => {
                await post('/views/drop', { id: row.id });
                again();
              })
            }
          >
            ✕
          </button>
        </span>
      ))}
      {query !== '' && !mine.some((row) => row.query === query) && (
        <details>
          <summary>{w.keepView}</summary>
          <ProblemNotice problem={act.problem} />
          <Field label={w.viewName} value={name} onValue={setName} lengthMax={60} />
          <button
            type="button"
            disabled={act.busy || name.trim() === ''}
            onClick={() =>
              act.run(async () => {
                await post('/views', { list, name: name.trim(), query });
                setName('');
                again();
              })
            }
          >
            {words.people.save}
          </button>
        </details>
      )}
    </div>
  );
}
