// S2 Văn bản đến: newest first, unread in bold and in words, urgent marked by word and bar. The list follows the live line.

import { useState } from 'preact/hooks';
import type { InboxRow } from '../../../core.ts';
import { nowMs } from '../clock.ts';
import { agoText, dayText, timeText } from '../format.ts';
import { useLoad } from '../load.ts';
import { useMay } from '../me.ts';
import { Link, SelectField, Tag } from '../widgets/basics.tsx';
import { Beside, useBeside } from '../widgets/beside.tsx';
import { BulkBar, type Chosen } from '../widgets/bulk-accept.tsx';
import { DocumentList } from '../widgets/document-list.tsx';
import { nameOrNone, RowLink, Urgency } from '../widgets/document-rows.tsx';
import { words } from '../words.ts';
import { besideWords, bulkWords } from '../words-figures.ts';

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

const senderOf = (row: Row): string => row.senderName || row.senderCode;

const presses = (row: Row): boolean => row.urgency > 1 && row.standing[0]?.code === '01';

/** Waits, and its check found nothing that a person should see first. */
const mayBulk = (row: Row): boolean =>
  row.standing[0]?.code === '01' && !row.request && (row.safety === 'passed' || row.safety === 'released');

/** What is urgent and waits stands on top until somebody has taken it. */
const urgentFirst = (rows: readonly Row[]): readonly Row[] => [
  ...rows.filter(presses),
  ...rows.filter((row) => !presses(row)),
];

type Line = { readonly hub: { readonly state: string; readonly lastContactMs?: number } };
const silentMs = 3_600_000;

/** An empty list may mean a silent line: since when the centre was heard, and the way to the test of the line. */
function LineNote() {
  const may = useMay();
  const hub = useLoad<Line>('/status').value?.hub;
  if (!hub) return null;
  const heard = hub.lastContactMs;
  const silent = hub.state !== 'connected' || heard === undefined || nowMs() - heard > silentMs;
  return (
    <div class={silent ? 'notice warn' : ''}>
      <p class={silent ? '' : 'muted'}>
        {silent ? words.inbox.silent(heard ? agoText(heard, nowMs()) : undefined) : words.inbox.lineGood}
      </p>
      <Link to={may('node.operate') ? '/he-thong/kiem-tra' : '/he-thong'} class="button">
        {words.inbox.testLine}
      </Link>
    </div>
  );
}

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
  const beside = useBeside();
  const [at, setAt] = useState<string>();
  /** Looked at beside the list since it was asked for. */
  const [seen, setSeen] = useState<readonly string[]>([]);
  const isRead = (row: Row) => row.read || seen.includes(row.envelopeId);
  const choose = (rows: readonly Row[], on: boolean) =>
    setChosen((before) => [
      ...before.filter(({ envelopeId }) => !rows.some((row) => row.envelopeId === envelopeId)),
      ...(on
        ? rows.map((row) => ({
            ...row,
            name: nameOrNone(row),
            read: isRead(row),
            accepts: receives && mayBulk(row),
          }))
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
        emptyHere={state === 'waiting' ? [inbox.noneWaiting, inbox.noneWaitingHow] : undefined}
        emptyMore={<LineNote />}
        columns={[
          bulkWords.column,
          ...(beside.on
            ? [list.document, list.arrived]
            : [list.urgency, list.name, list.subject, list.sender, list.arrived, list.due]),
          list.state,
        ]}
        every={(rows) => (
          <input
            type="checkbox"
            aria-label={bulkWords.all}
            title={bulkWords.all}
            checked={rows.every((row) => chosen.some(({ envelopeId }) => envelopeId === row.envelopeId))}
            onChange={(event) => choose(rows, event.currentTarget.checked)}
          />
        )}
        beside={beside.on && <Beside id={at} onSeen={(id) => setSeen([...seen, id])} />}
        above={
          beside.room && (
            <p class="beside-switch">
              <button type="button" class="plain" aria-pressed={beside.on} onClick={beside.toggle}>
                {beside.on ? besideWords.hide : besideWords.show}
              </button>
            </p>
          )
        }
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
          // A click beside the link is a second way; by keyboard the link in the row takes the focus.
          <tr
            key={row.envelopeId}
            class={`${isRead(row) ? '' : 'unread'} ${row.urgency > 1 ? 'urgent' : ''} ${beside.on && at === row.envelopeId ? 'at' : ''}`}
            onFocusIn={() => setAt(row.envelopeId)}
            onClick={() => setAt(row.envelopeId)}
          >
            <td class="tight">
              <input
                type="checkbox"
                data-choose=""
                aria-label={bulkWords.choose(nameOrNone(row))}
                checked={chosen.some(({ envelopeId }) => envelopeId === row.envelopeId)}
                onChange={(event) => choose([row], event.currentTarget.checked)}
              />
            </td>
            {!beside.on && (
              <>
                <td class="tight">
                  <Urgency urgency={row.urgency} />
                </td>
                <td class="tight">{nameOf(row)}</td>
              </>
            )}
            <td>
              {beside.on && (
                <div>
                  {nameOf(row)} {row.urgency > 0 && <Urgency urgency={row.urgency} />}
                </div>
              )}
              <RowLink
                to={`/den/${row.envelopeId}`}
                row={isGone(row) ? { ...row, subject: words.list.erased(senderOf(row)) } : row}
              />
              {(row.parts ?? 0) > 1 && <span class="muted"> · {list.parts(row.parts!)}</span>}
              {beside.on && <div class="muted">{senderOf(row)}</div>}
            </td>
            {!beside.on && <td>{senderOf(row)}</td>}
            <td class={beside.on ? 'number' : 'tight number'}>
              {timeText(row.receivedMs)}
              {beside.on && (row.dueMs ?? 0) > 0 && (
                <div>
                  {list.dueBy} <Due row={row} />
                </div>
              )}
            </td>
            {!beside.on && (
              <td class="tight number">
                <Due row={row} />
              </td>
            )}
            <td class="tight">
              <Standing row={row} read={isRead(row)} />
            </td>
          </tr>
        )}
      </DocumentList>
      <BulkBar
        chosen={chosen}
        onDone={(left) => setChosen(chosen.filter(({ envelopeId }) => left.includes(envelopeId)))}
      />
    </>
  );
}

/** Taken back by its sender: nothing of its title is left. */
const isGone = ({ standing }: Row): boolean => standing[0]?.recall === 'destroyed';
const nameOf = (row: Row): string => (isGone(row) ? '' : nameOrNone(row));

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

function Standing({ row, read }: { readonly row: Row; readonly read: boolean }) {
  const own = row.standing[0];
  const code = own?.code ?? '';
  return (
    <>
      {own?.recall === 'destroyed' && <Tag>{words.standing.destroyed}</Tag>}
      {own && own.recall !== 'destroyed' && (
        <Tag tone={code === '01' ? 'warn' : code === '02' ? 'bad' : 'good'}>
          {words.standing[code] ?? code}
        </Tag>
      )}
      {row.request && (
        <div>
          <Tag tone="bad">{words.work.requestedShort[row.request]}</Tag>
        </div>
      )}
      {row.remindedMs && !ended.includes(code) && (
        <div>
          <Tag tone="warn">{words.document.reminded}</Tag>
        </div>
      )}
      {!read && <div>{words.list.unread}</div>}
    </>
  );
}
