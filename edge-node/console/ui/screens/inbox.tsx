// S2 Văn bản đến: newest first, unread in bold and in words, urgent marked by word and bar. The list follows the live line.

import { useState } from 'preact/hooks';
import type { InboxRow } from '../../../core.ts';
import { nowMs } from '../clock.ts';
import { dayText, timeText } from '../format.ts';
import { useLoad } from '../load.ts';
import { useMay } from '../me.ts';
import { SelectField, Tag } from '../widgets/basics.tsx';
import { BulkAccept, type Chosen } from '../widgets/bulk-accept.tsx';
import { DocumentList } from '../widgets/document-list.tsx';
import { nameOrNone, RowLink, Urgency } from '../widgets/document-rows.tsx';
import { words } from '../words.ts';
import { bulkWords } from '../words-figures.ts';

type Row = InboxRow & {
  readonly read: boolean;
  readonly senderName?: string;
  readonly parts?: number;
  readonly dueMs?: number;
};
type Choices = {
  readonly senders: readonly { readonly unit: string; readonly name: string }[];
  readonly types: readonly string[];
};

/** Nobody has anything left to do. */
const ended: readonly string[] = ['02', '06'];

const presses = (row: Row): boolean => row.urgency > 1 && row.standing[0]?.code === '01';

/** Waits, and its check found nothing that a person should see first. */
const mayBulk = (row: Row): boolean =>
  row.standing[0]?.code === '01' && !row.request && (row.safety === 'passed' || row.safety === 'released');

/** What is urgent and waits stands on top until somebody has taken it. */
const urgentFirst = (rows: readonly Row[]): readonly Row[] => [
  ...rows.filter(presses),
  ...rows.filter((row) => !presses(row)),
];

export function Inbox({ state }: { readonly state: string }) {
  const { list, inbox } = words;
  const receives = useMay()('document.receive');
  const address = new URLSearchParams(location.search);
  const [urgency, setUrgency] = useState(address.get('khan') ?? '');
  const [sender, setSender] = useState(address.get('noi-gui') ?? '');
  const [type, setType] = useState(address.get('loai') ?? '');
  const [due, setDue] = useState(address.get('han') ?? '');
  const { senders = [], types = [] } = useLoad<Choices>('/inbox/choices').value ?? {};
  const [chosen, setChosen] = useState<readonly Chosen[]>([]);
  const choose = (row: Row, on: boolean) =>
    setChosen((before) => [
      ...before.filter(({ envelopeId }) => envelopeId !== row.envelopeId),
      ...(on
        ? [{ envelopeId: row.envelopeId, name: nameOrNone(row), subject: row.subject, read: row.read }]
        : []),
    ]);
  return (
    <>
      <DocumentList<Row>
        title={inbox.title}
        path="/inbox"
        at="/den"
        state={state}
        filters={words.standingFilters}
        empty={[inbox.empty, inbox.emptyHow]}
        columns={[
          ...(receives ? [bulkWords.column] : []),
          list.urgency,
          list.name,
          list.subject,
          list.sender,
          list.arrived,
          list.due,
          list.state,
        ]}
        follows={({ kind }) => kind === 'arrived' || kind === 'statement' || kind === 'other'}
        sorted={urgentFirst}
        own={{
          asked: { urgency, sender, type, due },
          address: { khan: urgency, 'noi-gui': sender, loai: type, han: due },
          fields: (
            <>
              <SelectField
                label={list.urgency}
                value={urgency}
                onValue={setUrgency}
                options={list.urgencyFrom}
              />
              <SelectField
                label={list.sender}
                value={sender}
                onValue={setSender}
                options={[['', list.all], ...senders.map(({ unit, name }) => [unit, name] as const)]}
              />
              <SelectField
                label={list.type}
                value={type}
                onValue={setType}
                options={[['', list.all], ...types.map((name) => [name, name] as const)]}
              />
              <SelectField label={list.due} value={due} onValue={setDue} options={list.dueChoices} />
            </>
          ),
        }}
      >
        {(row) => (
          <tr key={row.envelopeId} class={`${row.read ? '' : 'unread'} ${row.urgency > 1 ? 'urgent' : ''}`}>
            {receives && (
              <td class="tight">
                {mayBulk(row) && (
                  <input
                    type="checkbox"
                    aria-label={bulkWords.choose(nameOrNone(row))}
                    checked={chosen.some(({ envelopeId }) => envelopeId === row.envelopeId)}
                    onChange={(event) => choose(row, event.currentTarget.checked)}
                  />
                )}
              </td>
            )}
            <td class="tight">
              <Urgency urgency={row.urgency} />
            </td>
            <td class="tight">{nameOrNone(row)}</td>
            <td>
              <RowLink to={`/den/${row.envelopeId}`} row={row} />
              {(row.parts ?? 0) > 1 && <span class="muted"> · {list.parts(row.parts!)}</span>}
            </td>
            <td>{row.senderName || row.senderCode}</td>
            <td class="tight number">{timeText(row.receivedMs)}</td>
            <td class="tight number">
              <Due row={row} />
            </td>
            <td class="tight">
              <Standing row={row} />
            </td>
          </tr>
        )}
      </DocumentList>
      <BulkAccept
        chosen={chosen}
        onDone={(left) => setChosen(chosen.filter(({ envelopeId }) => left.includes(envelopeId)))}
      />
    </>
  );
}

function Due({ row: { dueMs = 0, standing } }: { readonly row: Row }) {
  if (dueMs === 0) return null;
  const late = dueMs < nowMs() && !ended.includes(standing[0]?.code ?? '');
  return (
    <>
      {dayText(dueMs)}
      {late && (
        <div>
          <Tag tone="bad">{words.list.late}</Tag>
        </div>
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
      {row.request && (
        <div>
          <Tag tone="bad">{words.work.requestedShort[row.request]}</Tag>
        </div>
      )}
      {!row.read && <div>{words.list.unread}</div>}
    </>
  );
}
