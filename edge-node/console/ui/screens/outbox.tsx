// S5 list, Văn bản đi: one row per document with its recipients in a fold-out; what did not arrive is said in words.
import { useState } from 'preact/hooks';
import type { DocumentView, OutboxRow } from '../../../core.ts';
import { timeText } from '../format.ts';
import { useLive } from '../live.ts';
import { useLoad } from '../load.ts';
import { go } from '../router.ts';
import { Empty, Loading, ProblemNotice, Tag, Title, type Tone } from '../widgets/basics.tsx';
import { nameOrNone, RowLink, SearchBar, Urgency } from '../widgets/document-rows.tsx';
import { usePages, useSearch } from '../widgets/more.tsx';
import { RecipientTable } from '../widgets/recipient-table.tsx';
import { words } from '../words.ts';

export const toneOf = (state: string): Tone =>
  state === 'delivered'
    ? 'good'
    : /refused|undeliverable|expired/.test(state)
      ? 'bad'
      : state === 'queued'
        ? 'warn'
        : '';

export function Outbox({ state }: { readonly state: string }) {
  const search = useSearch();
  const list = usePages<OutboxRow>('/outbox', { text: search.asked, state });
  const [open, setOpen] = useState<string>();
  useLive(
    (event) => {
      if (event.kind !== 'link' && event.kind !== 'arrived') list.again();
    },
    [list.again],
  );
  const rows = list.rows?.filter(({ kind }) => kind !== 5);
  const nothing = search.asked || state;
  return (
    <>
      <Title>{words.outbox.title}</Title>
      <SearchBar search={search}>
        <fieldset class="choices">
          <legend class="visually-hidden">{words.list.state}</legend>
          {Object.entries(words.outbox.filters).map(([value, label]) => (
            <button
              key={value}
              type="button"
              aria-pressed={state === value}
              onClick={() => go(value ? `/di?trang-thai=${value}` : '/di', { replace: true })}
            >
              {label}
            </button>
          ))}
        </fieldset>
      </SearchBar>
      <ProblemNotice problem={list.problem} again={list.again} />
      {!rows && !list.problem && <Loading />}
      {rows?.length === 0 && (
        <Empty
          title={nothing ? words.list.nothing : words.outbox.empty}
          how={nothing ? words.list.nothingHow : words.outbox.emptyHow}
        />
      )}
      {rows && rows.length > 0 && (
        <div class="table-wrap">
          <table class="rows">
            <thead>
              <tr>
                <th scope="col">{words.list.urgency}</th>
                <th scope="col">{words.list.name}</th>
                <th scope="col">{words.list.subject}</th>
                <th scope="col">{words.list.recipients}</th>
                <th scope="col">{words.list.sent}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <OutboxLines
                  key={row.documentId}
                  row={row}
                  open={open === row.documentId}
                  onFold={() => setOpen(open === row.documentId ? undefined : row.documentId)}
                />
              ))}
            </tbody>
          </table>
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

function OutboxLines({
  row,
  open,
  onFold,
}: {
  readonly row: OutboxRow;
  readonly open: boolean;
  readonly onFold: () => void;
}) {
  const counts = Object.entries(row.recipients) as [string, number][];
  return (
    <>
      <tr class={row.urgency > 1 ? 'urgent' : ''}>
        <td class="tight">
          <Urgency urgency={row.urgency} />
        </td>
        <td class="tight">{nameOrNone(row)}</td>
        <td>
          <RowLink to={`/di/${row.documentId}`} row={row} />
        </td>
        <td>
          {counts.map(([state, n]) => (
            <span key={state}>
              <Tag tone={toneOf(state)}>
                {words.sendState[state] ?? state}: {n}
              </Tag>{' '}
            </span>
          ))}
          <button type="button" class="plain" aria-expanded={open} onClick={onFold}>
            {words.outbox.fold}
          </button>
        </td>
        <td class="tight number">{timeText(row.createdMs)}</td>
      </tr>
      {open && (
        <tr>
          <td colSpan={5}>
            <Fold id={row.documentId} />
          </td>
        </tr>
      )}
    </>
  );
}

function Fold({ id }: { readonly id: string }) {
  const { value, problem, again } = useLoad<DocumentView>(
    `/documents/out/${id}`,
    `/documents/out/${id}?refresh=1`,
  );
  useLive(
    (event) => {
      if (event.kind !== 'link' && event.kind !== 'draft') again();
    },
    [again],
  );
  if (problem) return <ProblemNotice problem={problem} again={again} />;
  return value ? <RecipientTable recipients={value.envelopes[0]?.recipients ?? []} /> : <Loading />;
}
