// One list of documents, for what arrives and what leaves: search, filter by state and days, rows that follow the live line, more on demand. The
// screens say which columns it has and how a row looks.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { LiveEvent } from '../../contract.ts';
import { queryOf } from '../api.ts';
import { isoToMs } from '../format.ts';
import { useLive } from '../live.ts';
import { go } from '../router.ts';
import { words } from '../words.ts';
import { ColumnHeads, DayField, Empty, Loading, ProblemNotice, Title } from './basics.tsx';
import { SearchBar } from './document-rows.tsx';
import { usePages, useSearch } from './more.tsx';
import { SavedLists } from './saved-lists.tsx';

const dayMs = 86_400_000;
/** Statuses travel as envelopes of their own; they are no documents. */
const statusKind = 5;

type Listed = { readonly kind: number };
type Props<Row extends Listed> = {
  readonly title: string;
  /** Of the server. */
  readonly path: string;
  /** Of the screen, for the filters' addresses. */
  readonly at: string;
  readonly state: string;
  readonly filters: Readonly<Record<string, string>>;
  readonly empty: readonly [title: string, how: string];
  /** Where the state alone narrows: that nothing is there is good news, with words of its own. */
  readonly emptyHere?: readonly [title: string, how: string] | undefined;
  /** Below the words of an empty list. */
  readonly emptyMore?: ComponentChildren;
  readonly columns: readonly string[];
  readonly follows: (event: LiveEvent) => boolean;
  readonly sorted?: (rows: readonly Row[]) => readonly Row[];
  /** Filters that one screen has alone: what the server is asked, by the names of the address. */
  readonly own?: {
    readonly asked: Readonly<Record<string, string>>;
    readonly address: Readonly<Record<string, string>>;
    readonly fields: ComponentChildren;
  };
  /** Between the filters and the rows. */
  readonly above?: ComponentChildren;
  /** At the right of the rows. */
  readonly beside?: ComponentChildren;
  /** In the head of the first column: something for all rows that are shown. */
  readonly every?: (rows: readonly Row[]) => ComponentChildren;
  readonly children: (row: Row) => ComponentChildren;
};

export function DocumentList<Row extends Listed>(props: Props<Row>) {
  const { path, at, state, filters, columns, follows, sorted, own } = props;
  // A list that was kept begins with what narrowed it then.
  const address = new URLSearchParams(location.search);
  const search = useSearch(address.get('tim') ?? '');
  const [from, setFrom] = useState(address.get('tu') ?? '');
  const [to, setTo] = useState(address.get('den') ?? '');
  const list = usePages<Row>(path, {
    text: search.asked,
    state,
    ...own?.asked,
    since: from ? String(isoToMs(from)) : undefined,
    // The last day counts to its end.
    until: to ? String(isoToMs(to) + dayMs) : undefined,
  });
  useLive(
    (event) => {
      if (follows(event)) list.again();
    },
    [list.again],
  );
  const listed = list.rows?.filter(({ kind }) => kind !== statusKind);
  const rows = listed && sorted ? sorted(listed) : listed;
  const addressOf = (value: string): string => {
    const now = new URLSearchParams(location.search);
    now.delete('trang-thai');
    if (value) now.set('trang-thai', value);
    return now.size > 0 ? `${at}?${now}` : at;
  };
  const narrowing = queryOf({
    'trang-thai': state,
    tim: search.asked,
    tu: from,
    den: to,
    ...own?.address,
  }).slice(1);
  const onlyState = narrowing === queryOf({ 'trang-thai': state }).slice(1);
  const none = narrowing === '' ? props.empty : onlyState ? props.emptyHere : undefined;
  const opened = [from, to, ...Object.values(own?.address ?? {})].some((value) => value !== '');
  return (
    <>
      <Title>{props.title}</Title>
      <SearchBar search={search}>
        <fieldset class="choices">
          <legend class="visually-hidden">{words.list.state}</legend>
          {Object.entries(filters).map(([value, label]) => (
            <button
              key={value}
              type="button"
              aria-pressed={state === value}
              onClick={() => go(addressOf(value), { replace: true })}
            >
              {label}
            </button>
          ))}
        </fieldset>
        <details class="days" open={opened}>
          <summary>{own ? words.list.narrow : words.list.days}</summary>
          <div class="row">
            {own?.fields}
            <DayField label={words.list.from} value={from} onValue={setFrom} />
            <DayField label={words.list.to} value={to} onValue={setTo} />
          </div>
        </details>
      </SearchBar>
      <SavedLists list={path === '/inbox' ? 'in' : 'out'} at={at} query={narrowing} />
      {props.above}
      <ProblemNotice problem={list.problem} again={list.again} />
      {list.filling && (
        <p class="muted" role="status">
          {words.list.filling}
        </p>
      )}
      {!rows && !list.problem && <Loading />}
      {rows?.length === 0 &&
        (none ? (
          <Empty title={none[0]} how={none[1]}>
            {props.emptyMore}
          </Empty>
        ) : (
          <Empty title={words.list.nothing} how={words.list.nothingHow} />
        ))}
      {rows && rows.length > 0 && (
        <div class={props.beside ? 'list-beside' : ''}>
          <div class="table-wrap">
            <table class="rows">
              <ColumnHeads names={columns} first={props.every?.(rows)} />
              <tbody>{rows.map(props.children)}</tbody>
            </table>
          </div>
          {props.beside}
        </div>
      )}
      {list.more && (
        <button type="button" onClick={list.more}>
          {words.list.more}
        </button>
      )}
    </>
  );
}
