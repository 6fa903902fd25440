// S5 list, Văn bản đi: one row per document with its recipients in a fold-out; what did not arrive is said in words.

import { useState } from 'preact/hooks';
import type { DocumentView, OutboxRow, Uploaded } from '../../../core.ts';
import { percentOf } from '../../../recipients/newest.ts';
import type { DraftRow } from '../../contract.ts';
import { post } from '../api.ts';
import { clockText, timeText } from '../format.ts';
import { useLive, useUploads } from '../live.ts';
import { useAct, useLoad } from '../load.ts';
import { useMay } from '../me.ts';
import { RowAct } from '../widgets/acts.tsx';
import { Link, Loading, ProblemNotice, Tag, type Tone } from '../widgets/basics.tsx';
import { DocumentList } from '../widgets/document-list.tsx';
import { nameOrNone, RowLink, Urgency } from '../widgets/document-rows.tsx';
import { RecipientTable } from '../widgets/recipient-table.tsx';
import { say } from '../widgets/toasts.tsx';
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
  const unsent = state === 'unsent';
  const drafts = useLoad<{ rows: readonly DraftRow[] }>('/drafts');
  useLive(
    ({ kind }) => {
      if (kind === 'draft' || kind === 'other') drafts.again();
    },
    [drafts.again],
  );
  const uploads = useUploads();
  const held = drafts.value?.rows.filter((row) => row.state === 'held') ?? [];
  return (
    <DocumentList<OutboxRow>
      title={unsent ? outbox.unsent : outbox.title}
      path="/outbox"
      at="/di"
      state={state}
      filters={outbox.filters}
      empty={held.length > 0 ? [outbox.leavingOnly, outbox.leavingOnlyHow] : [outbox.empty, outbox.emptyHow]}
      emptyHere={unsent ? [outbox.unsentEmpty, outbox.unsentEmptyHow] : undefined}
      columns={[list.urgency, list.name, list.subject, list.recipients, list.sent]}
      follows={({ kind }) => kind !== 'link' && kind !== 'arrived'}
      above={unsent ? <p class="muted">{outbox.unsentHow}</p> : <Waiting rows={held} />}
    >
      {(row) => (
        <OutboxLines
          key={row.documentId}
          row={row}
          uploaded={uploads.has(row.documentId) ? uploads.get(row.documentId) : row.uploaded}
          open={open === row.documentId}
          onFold={() => setOpen(open === row.documentId ? undefined : row.documentId)}
        />
      )}
    </DocumentList>
  );
}

/** What was sent a moment ago and can still be taken back: it is no document yet, but whoever sent it looks for it here. */
const Waiting = ({ rows }: { readonly rows: readonly DraftRow[] }) => (
  <>
    {rows.map((row) => (
      <p key={row.draft} class="notice">
        {row.further
          ? words.outbox.leavingMore(nameOrNone(row), row.subject, row.recipients)
          : words.outbox.leaving(nameOrNone(row), row.subject)}{' '}
        <Link to={`/soan/${row.draft}`}>{words.outbox.seeLeaving}</Link>
      </p>
    ))}
  </>
);

/** By a recall first, then what the office said where it has the document, by the transport elsewhere. */
function standsOf(
  { stands }: OutboxRow,
  uploaded: Uploaded | undefined,
): readonly { text: string; n: number; tone: Tone }[] {
  return Object.entries(stands).map(([word, n]) => ({
    text:
      word === 'queued' && uploaded
        ? words.document.sending(percentOf(uploaded))
        : word === '01'
          ? words.sendState.delivered!
          : (words.sendState[word] ?? words.standing[word] ?? word),
    n,
    tone: tonesOfWords[word] ?? (/^0\d$/.test(word) ? 'good' : toneOf(word)),
  }));
}
const tonesOfWords: Readonly<Record<string, Tone>> = { '02': 'bad', recalled: '', 'recall-asked': 'warn' };

/** When the next try is, and a button for those who will not wait for it. */
function NextTry({ row }: { readonly row: OutboxRow }) {
  const act = useAct();
  const may = useMay();
  if (row.nextMs === undefined) return null;
  return (
    <div class="muted">
      {words.document.waitsAgain(clockText(row.nextMs))}{' '}
      {may('document.recall') && (
        <RowAct
          label={words.document.retry}
          looks="plain"
          act={act}
          onAct={async () => {
            await post(`/documents/out/${row.documentId}/retry`);
            say(words.document.retried);
          }}
        />
      )}
      <ProblemNotice problem={act.problem} />
    </div>
  );
}

function OutboxLines({
  row,
  uploaded,
  open,
  onFold,
}: {
  readonly row: OutboxRow;
  readonly uploaded: Uploaded | undefined;
  readonly open: boolean;
  readonly onFold: () => void;
}) {
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
          {standsOf(row, uploaded).map(({ text, n, tone }) => (
            <span key={text}>
              <Tag tone={tone}>
                {text}: {n}
              </Tag>{' '}
            </span>
          ))}
          <button type="button" class="plain" aria-expanded={open} onClick={onFold}>
            {words.outbox.fold}
          </button>
          {!uploaded && <NextTry row={row} />}
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
  return value ? <RecipientTable view={value} /> : <Loading />;
}
