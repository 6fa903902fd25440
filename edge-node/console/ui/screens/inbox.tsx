// S2 Văn bản đến: newest first, unread in bold and in words, urgent marked by word and bar. The list follows the live line.
import type { InboxRow } from '../../../core.ts';
import { timeText } from '../format.ts';
import { useLive } from '../live.ts';
import { go } from '../router.ts';
import { Empty, Loading, ProblemNotice, Tag, Title } from '../widgets/basics.tsx';
import { nameOrNone, RowLink, SearchBar, Urgency } from '../widgets/document-rows.tsx';
import { usePages, useSearch } from '../widgets/more.tsx';
import { words } from '../words.ts';

type Row = InboxRow & { readonly read: boolean; readonly senderName?: string };

const presses = (row: Row): boolean => row.urgency > 1 && row.standing[0]?.code === '01';

export function Inbox({ state }: { readonly state: string }) {
  const search = useSearch();
  const list = usePages<Row>('/inbox', { text: search.asked, state });
  useLive(
    (event) => {
      if (event.kind === 'arrived' || event.kind === 'statement' || event.kind === 'other') list.again();
    },
    [list.again],
  );
  const listed = list.rows?.filter(({ kind }) => kind !== 5);
  // What is urgent and waits stands on top until somebody has taken it.
  const rows = listed && [...listed.filter(presses), ...listed.filter((row) => !presses(row))];
  return (
    <>
      <Title>{words.inbox.title}</Title>
      <SearchBar search={search}>
        <fieldset class="choices">
          <legend class="visually-hidden">{words.list.state}</legend>
          {Object.entries(words.standingFilters).map(([value, label]) => (
            <button
              key={value}
              type="button"
              aria-pressed={state === value}
              onClick={() => go(value ? `/den?trang-thai=${value}` : '/den', { replace: true })}
            >
              {label}
            </button>
          ))}
        </fieldset>
      </SearchBar>
      <ProblemNotice problem={list.problem} again={list.again} />
      {!rows && !list.problem && <Loading />}
      {rows?.length === 0 &&
        (search.asked || state ? (
          <Empty title={words.list.nothing} how={words.list.nothingHow} />
        ) : (
          <Empty title={words.inbox.empty} how={words.inbox.emptyHow} />
        ))}
      {rows && rows.length > 0 && (
        <div class="table-wrap">
          <table class="rows">
            <thead>
              <tr>
                <th scope="col">{words.list.urgency}</th>
                <th scope="col">{words.list.name}</th>
                <th scope="col">{words.list.subject}</th>
                <th scope="col">{words.list.sender}</th>
                <th scope="col">{words.list.arrived}</th>
                <th scope="col">{words.list.state}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr
                  key={row.envelopeId}
                  class={`${row.read ? '' : 'unread'} ${row.urgency > 1 ? 'urgent' : ''}`}
                >
                  <td class="tight">
                    <Urgency urgency={row.urgency} />
                  </td>
                  <td class="tight">{nameOrNone(row)}</td>
                  <td>
                    <RowLink to={`/den/${row.envelopeId}`} row={row} />
                  </td>
                  <td>{row.senderName || row.senderCode}</td>
                  <td class="tight number">{timeText(row.receivedMs)}</td>
                  <td class="tight">
                    <Standing row={row} />
                  </td>
                </tr>
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

function Standing({ row }: { readonly row: Row }) {
  const own = row.standing[0];
  const code = own?.code ?? '';
  return (
    <>
      {own && (
        <Tag tone={code === '01' ? 'warn' : code === '02' ? 'bad' : 'good'}>
          {words.standing[code] ?? code}
        </Tag>
      )}
      {own?.recall === 'destroyed' && <Tag>{words.work.taskState.withdrawn}</Tag>}
      {row.request && <Tag tone="bad">{words.work.requested[row.request]}</Tag>}
      {!row.read && <div>{words.list.unread}</div>}
    </>
  );
}
