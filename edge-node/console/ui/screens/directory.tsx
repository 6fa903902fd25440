// S8 Danh bạ đơn vị: the tree, one level at a time, or what a search without diacritics or by code finds; how each unit stands in words, when it was last
// heard of here; groups that one sends to at once.
import { useState } from 'preact/hooks';
import type { DirectoryLevel, DirectoryRow, GroupRow } from '../../contract.ts';
import { queryOf } from '../api.ts';
import { dayText } from '../format.ts';
import { useLoad } from '../load.ts';
import { useMay } from '../me.ts';
import { ColumnHeads, Empty, Link, Loading, ProblemNotice, Tag, Title } from '../widgets/basics.tsx';
import { useSearch } from '../widgets/more.tsx';
import { words } from '../words.ts';

const w = words.directory;

export function Directory() {
  const search = useSearch();
  /** undefined: the neighbours of one's own unit; '': the top. */
  const [under, setUnder] = useState<string>();
  const { value, problem, again } = useLoad<DirectoryLevel>(
    `/directory${search.asked ? queryOf({ text: search.asked, limit: 100 }) : under === undefined ? '' : `?under=${encodeURIComponent(under)}`}`,
  );
  const open = (unit: string) => {
    search.clear();
    setUnder(unit);
  };
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
      {value && !search.asked && <Way level={value} open={open} />}
      <ProblemNotice problem={problem} again={again} />
      {!value && !problem && <Loading />}
      {value?.entries.length === 0 && (
        <Empty
          title={search.asked ? w.nothing : value.way.length > 0 ? w.noneBelow : w.empty}
          how={search.asked ? w.nothingHow : value.way.length > 0 ? w.noneBelowHow : w.emptyHow}
        />
      )}
      {value && value.entries.length > 0 && <Units rows={value.entries} open={open} />}
      <Groups />
    </>
  );
}

/** From the top down to the level that is shown. */
function Way({ level, open }: { readonly level: DirectoryLevel; readonly open: (unit: string) => void }) {
  const steps = [{ unit: '', name: w.top }, ...level.way];
  return (
    <nav class="way" aria-label={w.way}>
      <ol>
        {steps.map(({ unit, name }, i) => (
          <li key={unit}>
            {i === steps.length - 1 ? (
              <strong aria-current="location">{name}</strong>
            ) : (
              <button type="button" class="plain" onClick={() => open(unit)}>
                {name}
              </button>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}

function Units({
  rows,
  open,
}: {
  readonly rows: readonly DirectoryRow[];
  readonly open: (unit: string) => void;
}) {
  const composes = useMay()('document.draft');
  return (
    <div class="table-wrap">
      <table>
        <ColumnHeads
          names={[
            w.code,
            w.name,
            w.below,
            w.state,
            w.heard,
            ...(composes ? [{ hidden: words.menu.compose }] : []),
          ]}
        />
        <tbody>
          {rows.map((row) => (
            <tr key={row.unit}>
              <td class="tight number">{row.code}</td>
              <td>
                {row.name} {row.here && <Tag>{w.here}</Tag>}
                {row.path && <div class="muted">{row.path}</div>}
              </td>
              <td class="tight">
                {row.below > 0 && (
                  <button
                    type="button"
                    class="plain"
                    aria-label={w.openBelow(row.name)}
                    onClick={() => open(row.unit)}
                  >
                    {w.units(row.below)}
                  </button>
                )}
              </td>
              <td>
                <Tag tone={row.state === 'active' ? 'good' : 'warn'}>{w.states[row.state] ?? row.state}</Tag>
              </td>
              <td class="tight number">{row.heardMs === undefined ? w.never : dayText(row.heardMs)}</td>
              {composes && (
                <td class="tight">
                  {row.state === 'active' && !row.here && (
                    <Link to={`/soan?toi=${row.code}`}>{w.compose}</Link>
                  )}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Of the centre and of the unit; the unit's own are made where one composes. */
function Groups() {
  const composes = useMay()('document.draft');
  const rows = useLoad<{ rows: readonly GroupRow[] }>('/groups').value?.rows ?? [];
  return (
    <section class="card">
      <h2>{w.groups}</h2>
      {rows.length === 0 && <p class="muted">{w.groupsHow}</p>}
      <ul class="plain-list">
        {rows.map((group) => (
          <li key={group.code}>
            <strong>{group.name}</strong> · {w.units(group.units)} <Tag>{group.own ? w.own : w.ofCentre}</Tag>{' '}
            {composes && <Link to={`/soan?toi=${encodeURIComponent(group.code)}`}>{w.composeGroup}</Link>}
          </li>
        ))}
      </ul>
    </section>
  );
}
