// S3 Chi tiết văn bản đến: the pages beside what was verified, what it says, its files, who works on it, what happened, and what can be done.
import { useEffect } from 'preact/hooks';
import type { DocumentView, RecipientView } from '../../../core.ts';
import type { TaskView } from '../../../office/core.ts';
import { timeText } from '../format.ts';
import { useLive } from '../live.ts';
import { useLoad } from '../load.ts';
import { useMay } from '../me.ts';
import { go } from '../router.ts';
import { Link, Loading, ProblemNotice, Tag, Title } from '../widgets/basics.tsx';
import { Evidence, Facts, Files, Technical } from '../widgets/document-facts.tsx';
import { nameOrNone, Urgency } from '../widgets/document-rows.tsx';
import { ReceiveActs } from '../widgets/receive-acts.tsx';
import { ReportAct } from '../widgets/report-act.tsx';
import { RequestNotice } from '../widgets/request-notice.tsx';
import { Story } from '../widgets/story.tsx';
import { TaskList } from '../widgets/task-list.tsx';
import { unsay } from '../widgets/toasts.tsx';
import { standingOfSignatures, Verification } from '../widgets/verification.tsx';
import { isPdf, shownOf, Viewer } from '../widgets/viewer.tsx';
import { words } from '../words.ts';

const w = words.document;
/** The number stands once, with 03; what follows (04, 05, 06) does not repeat it. */
export const registeredOf = (to: RecipientView | undefined): string =>
  to?.timeline.map(({ status }) => status?.registeredNumber ?? '').findLast((number) => number !== '') ?? '';

export type ArrivalView = DocumentView & { readonly senderName?: string };

export function Arrival({ id }: { readonly id: string }) {
  const base = `/documents/in/${id}`;
  const { value: view, problem, again } = useLoad<ArrivalView>(base, `${base}?refresh=1`);
  useLive(
    (event) => {
      if (event.kind !== 'link' && event.kind !== 'draft') again();
    },
    [again],
  );
  const flash = view !== undefined && view.urgency >= 3;
  // Whoever reads it need not be told any more that it came.
  useEffect(() => {
    if (flash) unsay(words.inbox.arrivedFlash);
  }, [flash]);
  if (problem) return <ProblemNotice problem={problem} again={again} />;
  if (!view) return <Loading />;
  const sender = view.senderName || view.senderCode;
  const recipient = view.envelopes[0]?.recipients[0];
  const status = recipient?.status;
  const registered = registeredOf(recipient);
  const newer = view.replacedBy.at(-1);
  return (
    <>
      <p>
        <Link to="/den">← {w.back}</Link>
      </p>
      <Title>
        {view.metadata
          ? `${nameOrNone(view.metadata)} – ${view.metadata.subject || words.list.noSubject}`
          : view.destroyedMs !== undefined
            ? words.list.erased(sender)
            : words.list.noSubject}
      </Title>
      <p>
        {view.urgency > 0 && (
          <>
            <Urgency urgency={view.urgency} />{' '}
          </>
        )}
        {view.destroyedMs === undefined ? (
          <Tag tone={status?.code === '01' ? 'warn' : status?.code === '02' ? 'bad' : 'good'}>
            {words.standing[status?.code ?? '01'] ?? status?.words.vi}
          </Tag>
        ) : (
          <Tag>{words.standing.destroyed}</Tag>
        )}{' '}
        {registered && words.work.registered(registered)}{' '}
        {status?.reasonWords && [status.reasonWords.vi, status.text].filter(Boolean).join('. ')}
      </p>
      {view.requests.map((request) => (
        <RequestNotice key={request.requestId} request={request} again={again} />
      ))}
      {recipient?.remindedMs && status?.code !== '02' && status?.code !== '06' && (
        <p class="notice warn">{w.senderReminded(timeText(recipient.remindedMs))}</p>
      )}
      {view.destroyedMs !== undefined && <p class="notice warn">{words.work.destroyed}</p>}
      {newer && (
        <p class="notice warn">
          {words.work.replaced} <Link to={`/den/${newer}`}>{words.work.openNewer}</Link>
        </p>
      )}
      {view.duplicates.length > 0 && <p class="notice warn">{words.work.duplicates}</p>}
      <Acts view={view} base={base} again={again} />
      <div class={view.parts.some(isPdf) ? 'split' : ''}>
        <Viewer files={shownOf(base, view.parts)} />
        <div>
          {view.destroyedMs === undefined && <Verification view={view} sender={sender} />}
          <Facts view={view} sender={sender} />
          <Files view={view} base={base} />
          {status && status.code !== '01' && status.code !== '02' && <Work base={base} />}
          <section class="card">
            <h2>{w.timeline}</h2>
            <Story events={view.envelopes[0]?.recipients.flatMap(({ timeline }) => timeline) ?? []} />
          </section>
          <Evidence base={base} view={view} />
          <Technical view={view} />
          <ReportAct base={base} onDone={() => go('/den')} />
        </div>
      </div>
    </>
  );
}

function Acts({
  view,
  base,
  again,
}: {
  readonly view: ArrivalView;
  readonly base: string;
  readonly again: () => void;
}) {
  const may = useMay();
  const registered = registeredOf(view.envelopes[0]?.recipients[0]);
  return (
    <div class="acts">
      <ReceiveActs view={view} base={base} again={again} bad={standingOfSignatures(view) === 'bad'} />
      {may('document.draft') && view.metadata && (
        <button type="button" onClick={() => go(`/soan?tra-loi=${view.documentId}&toi=${view.senderCode}`)}>
          {w.reply}
        </button>
      )}
      {registered && view.parts.some(isPdf) && (
        <a class="button" href={`/c/v1${base}/stamped`} download>
          {words.work.stamped}
        </a>
      )}
    </div>
  );
}

function Work({ base }: { readonly base: string }) {
  const { value, again } = useLoad<{ rows: readonly TaskView[] }>(`${base}/tasks`);
  useLive(
    (event) => {
      if (event.kind !== 'link') again();
    },
    [again],
  );
  if (!value || value.rows.length === 0) return null;
  return (
    <section class="card">
      <h2>{words.work.tasks}</h2>
      <TaskList tasks={value.rows} again={again} />
    </section>
  );
}
