// What the two lists have in common: the search bar, the urgency as a word, the row's one link that arrows move among and Enter opens.
import type { ComponentChildren } from 'preact';
import { documentName } from '../format.ts';
import { words } from '../words.ts';
import { Link, Tag } from './basics.tsx';
import type { Search } from './more.tsx';

export function SearchBar({
  search,
  children,
}: {
  readonly search: Search;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="filters">
      <div class="field grow">
        <label for="tim">{words.list.search}</label>
        <input
          id="tim"
          type="search"
          autocomplete="off"
          placeholder={words.list.searchHint}
          value={search.typed}
          onInput={search.onInput}
          onCompositionEnd={search.onCompositionEnd}
        />
      </div>
      {children}
    </div>
  );
}

export function Urgency({ urgency }: { readonly urgency: number }) {
  if (urgency === 0) return <span class="muted">{words.urgency[0]}</span>;
  return <Tag tone={urgency >= 2 ? 'bad' : 'warn'}>{words.urgency[urgency] ?? `${urgency}`}</Tag>;
}

export function RowLink({
  to,
  row,
}: {
  readonly to: string;
  readonly row: {
    readonly number: string;
    readonly notation: string;
    readonly subject: string;
    readonly kind: number;
  };
}) {
  const kind = words.kinds[row.kind];
  return (
    <>
      <Link to={to} data-row="" data-key={to}>
        {row.subject || words.list.noSubject}
      </Link>
      {kind && (
        <>
          {' '}
          <Tag>{kind}</Tag>
        </>
      )}
    </>
  );
}

export const nameOrNone = (row: { readonly number: string; readonly notation: string }): string =>
  documentName(row) || words.list.noNumber;
