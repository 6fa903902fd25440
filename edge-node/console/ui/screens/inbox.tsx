// S2 Văn bản đến: newest first, unread in bold and in words, urgent marked by word and bar. The list follows the live line.
import type { InboxRow } from '../../../core.ts';
import { timeText } from '../format.ts';
import { useLive } from '../live.ts';
import { Empty, Loading, ProblemNotice, Tag, Title } from '../widgets/basics.tsx';
import { nameOrNone, RowLink, SearchBar, Urgency } from '../widgets/document-rows.tsx';
import { usePages, useSearch } from '../widgets/more.tsx';
import { words } from '../words.ts';

type Row = InboxRow & { readonly read: boolean; readonly senderName?: string };

export function Inbox() {
  const search = useSearch();
  const list = usePages<Row>('/inbox', { text: search.asked });
  useLive(
    (event) => {
      if (event.kind === 'arrived' || event.kind === 'other') list.again();
    },
    [list.again],
  );
  const rows = list.rows?.filter(({ kind }) => kind !== 5);
  return (
    <>
      <Title>{words.inbox.title}</Title>
      <SearchBar search={search} />
      <ProblemNotice problem={list.problem} again={list.again} />
      {!rows && !list.problem && <Loading />}
      {rows?.length === 0 &&
        (search.asked ? (
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
                  <td>{nameOrNone(row)}</td>
                  <td>
                    <RowLink to={`/den/${row.envelopeId}`} row={row} />
                  </td>
                  <td>{row.senderName || row.senderCode}</td>
                  <td class="tight number">{timeText(row.receivedMs)}</td>
                  <td class="tight">
                    {row.read ? words.sendState.received : <Tag tone="warn">{words.list.unread}</Tag>}
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
