// S5 list, Văn bản đi: one row per document with its recipients in a fold-out; what did not arrive is said in words.
import { useState } from 'preact/hooks';
import type { DocumentView, OutboxRow } from '../../../core.ts';
import type { DraftRow } from '../../contract.ts';
import { timeText } from '../format.ts';
import { useLive } from '../live.ts';
import { useLoad } from '../load.ts';
import { Link, Loading, ProblemNotice, Tag, type Tone } from '../widgets/basics.tsx';
import { DocumentList } from '../widgets/document-list.tsx';
import { nameOrNone, RowLink, Urgency } from '../widgets/document-rows.tsx';
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
  const [open, setOpen] = useState<string>();
  const { list, outbox } = words;
  return (
    <DocumentList<OutboxRow>
      title={outbox.title}
      path="/outbox"
      at="/di"
      state={state}
      filters={outbox.filters}
      empty={[outbox.empty, outbox.emptyHow]}
      columns={[list.urgency, list.name, list.subject, list.recipients, list.sent]}
      follows={({ kind }) => kind !== 'link' && kind !== 'arrived'}
      above={<Waiting />}
    >
      {(row) => (
        <OutboxLines
          key={row.documentId}
          row={row}
          open={open === row.documentId}
          onFold={() => setOpen(open === row.documentId ? undefined : row.documentId)}
        />
      )}
    </DocumentList>
  );
}

/** What was sent a moment ago and can still be taken back: it is no document yet, but whoever sent it looks for it here. */
function Waiting() {
  const { value, again } = useLoad<{ rows: readonly DraftRow[] }>('/drafts');
  useLive(
    ({ kind }) => {
      if (kind === 'draft' || kind === 'other') again();
    },
    [again],
  );
  return (
    <>
      {value?.rows
        .filter(({ state }) => state === 'held')
        .map((row) => (
          <p key={row.draft} class="notice">
            {words.outbox.leaving(nameOrNone(row), row.subject)}{' '}
            <Link to={`/soan/${row.draft}`}>{words.outbox.seeLeaving}</Link>
          </p>
        ))}
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
