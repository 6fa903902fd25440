// S8 Danh bạ đơn vị: search without diacritics or by code; how each unit stands, in words.
import type { DirectoryEntry } from '../../../core.ts';
import { queryOf } from '../api.ts';
import { useLoad } from '../load.ts';
import { useMay } from '../me.ts';
import { ColumnHeads, Empty, Link, Loading, ProblemNotice, Tag, Title } from '../widgets/basics.tsx';
import { useSearch } from '../widgets/more.tsx';
import { words } from '../words.ts';

const w = words.directory;

export function Directory() {
  const search = useSearch();
  const may = useMay();
  const { value, problem, again } = useLoad<{ entries: readonly DirectoryEntry[] }>(
    `/directory${queryOf({ text: search.asked, limit: 100 })}`,
  );
  return (
    <>
      <Title>{w.title}</Title>
      <div class="filters">
        <div class="field grow">
          <label for="tim">{w.search}</label>
          <input
            id="tim"
            type="search"
            autocomplete="off"
            placeholder={w.hint}
            value={search.typed}
            onInput={search.onInput}
            onCompositionEnd={search.onCompositionEnd}
          />
        </div>
      </div>
      <ProblemNotice problem={problem} again={again} />
      {!value && !problem && <Loading />}
      {value?.entries.length === 0 && (
        <Empty title={search.asked ? w.nothing : w.empty} how={search.asked ? w.nothingHow : w.emptyHow} />
      )}
      {value && value.entries.length > 0 && (
        <div class="table-wrap">
          <table>
            <ColumnHeads
              names={[
                w.code,
                w.name,
                w.state,
                ...(may('document.draft') ? [{ hidden: words.menu.compose }] : []),
              ]}
            />
            <tbody>
              {value.entries.map((entry) => (
                <tr key={entry.unit}>
                  <td class="tight number">{entry.code}</td>
                  <td>
                    {entry.name} {entry.here && <Tag>{w.here}</Tag>}
                  </td>
                  <td>
                    <Tag tone={entry.state === 'active' ? 'good' : 'warn'}>
                      {w.states[entry.state] ?? entry.state}
                    </Tag>
                  </td>
                  {may('document.draft') && (
                    <td class="tight">
                      {entry.state === 'active' && <Link to={`/soan?toi=${entry.code}`}>{w.compose}</Link>}
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
