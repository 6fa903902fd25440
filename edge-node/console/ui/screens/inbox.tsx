// S2 Văn bản đến: newest first, unread in bold and in words, urgent marked by word and bar. The list follows the live line.
import type { InboxRow } from '../../../core.ts';
import { timeText } from '../format.ts';
import { Tag } from '../widgets/basics.tsx';
import { DocumentList } from '../widgets/document-list.tsx';
import { nameOrNone, RowLink, Urgency } from '../widgets/document-rows.tsx';
import { words } from '../words.ts';

type Row = InboxRow & { readonly read: boolean; readonly senderName?: string };

const presses = (row: Row): boolean => row.urgency > 1 && row.standing[0]?.code === '01';

/** What is urgent and waits stands on top until somebody has taken it. */
const urgentFirst = (rows: readonly Row[]): readonly Row[] => [
  ...rows.filter(presses),
  ...rows.filter((row) => !presses(row)),
];

export function Inbox({ state }: { readonly state: string }) {
  const { list, inbox } = words;
  return (
    <DocumentList<Row>
      title={inbox.title}
      path="/inbox"
      at="/den"
      state={state}
      filters={words.standingFilters}
      empty={[inbox.empty, inbox.emptyHow]}
      columns={[list.urgency, list.name, list.subject, list.sender, list.arrived, list.state]}
      follows={({ kind }) => kind === 'arrived' || kind === 'statement' || kind === 'other'}
      sorted={urgentFirst}
    >
      {(row) => (
        <tr key={row.envelopeId} class={`${row.read ? '' : 'unread'} ${row.urgency > 1 ? 'urgent' : ''}`}>
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
      )}
    </DocumentList>
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
