// S5 Chi tiết văn bản đi: one sentence on how it stands, a row per recipient, what can still be done.
import type { DocumentView, SubmitAnswer } from '../../../core.ts';
import { post } from '../api.ts';
import { useLive } from '../live.ts';
import { useAct, useLoad } from '../load.ts';
import { useMay, useMe } from '../me.ts';
import { go } from '../router.ts';
import { Link, Loading, ProblemNotice, Title } from '../widgets/basics.tsx';
import { Evidence, Facts, Files, Technical } from '../widgets/document-facts.tsx';
import { nameOrNone } from '../widgets/document-rows.tsx';
import { RecallAct } from '../widgets/recall-act.tsx';
import { RecipientTable, stateText } from '../widgets/recipient-table.tsx';
import { ReportAct } from '../widgets/report-act.tsx';
import { say } from '../widgets/toasts.tsx';
import { UpdateAct } from '../widgets/update-act.tsx';
import { shownOf, Viewer } from '../widgets/viewer.tsx';
import { words } from '../words.ts';

const w = words.document;

/** "Đã gửi 3 nơi: 2 đã đến, 1 chờ gửi." */
export function sentence(view: DocumentView): string {
  const recipients = view.envelopes[0]?.recipients ?? [];
  const counts = new Map<string, number>();
  for (const to of recipients) {
    const text = stateText(to);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const parts = [...counts].map(([text, n]) => `${n} ${text.toLowerCase()}`);
  return `${recipients.length} ${words.list.recipients.toLowerCase()}: ${parts.join(', ')}.`;
}

export function Sending({ id }: { readonly id: string }) {
  const base = `/documents/out/${id}`;
  const { value: view, problem, again } = useLoad<DocumentView>(base, `${base}?refresh=1`);
  const act = useAct();
  const may = useMay();
  const me = useMe();
  useLive(
    (event) => {
      if (event.kind !== 'link' && event.kind !== 'draft') again();
    },
    [again],
  );
  if (problem) return <ProblemNotice problem={problem} again={again} />;
  if (!view) return <Loading />;
  const newer = view.replacedBy.at(-1);
  const states = view.envelopes[0]?.recipients.map(({ state }) => state) ?? [];
  const over = states.some((state) => /refused|undeliverable|expired|cancelled/.test(state));
  const moving = states.some((state) => /queued|accepted|relayed/.test(state));
  const unsent = states.length > 0 && states.every((state) => state === 'queued');
  const run = (verb: 'resend' | 'cancel', told: string) =>
    act.run(async () => {
      await post<SubmitAnswer>(`${base}/${verb}`);
      say(told);
      again();
    });
  return (
    <>
      <p>
        <Link to="/di">← {w.back}</Link>
      </p>
      <Title>
        {view.metadata ? nameOrNone(view.metadata) : ''} – {view.metadata?.subject || words.list.noSubject}
      </Title>
      <p>
        <strong>{sentence(view)}</strong>
      </p>
      {newer && (
        <p class="notice warn">
          {words.work.replaced} <Link to={`/di/${newer}`}>{words.work.openNewer}</Link>
        </p>
      )}
      <ProblemNotice problem={act.problem} />
      {may('document.recall') && (
        <div class="acts">
          {over && !moving && (
            <button
              type="button"
              class="main"
              data-main
              disabled={act.busy}
              onClick={() => run('resend', w.resent)}
            >
              {w.resend}
            </button>
          )}
          {!unsent && view.metadata && !newer && (
            <>
              <button type="button" onClick={() => go(`/soan?thay-the=${view.documentId}`)}>
                {words.work.replace}
              </button>
              <UpdateAct view={view} base={base} again={again} />
            </>
          )}
          {!unsent && (
            <RecallAct base={base} recipients={view.envelopes[0]?.recipients ?? []} again={again} />
          )}
          {unsent && (
            <button
              type="button"
              class="danger"
              disabled={act.busy}
              onClick={() => run('cancel', w.cancelled)}
            >
              {w.cancel}
            </button>
          )}
        </div>
      )}
      <RecipientTable recipients={view.envelopes[0]?.recipients ?? []} />
      <div class="split">
        <Viewer files={shownOf(base, view.parts)} />
        <div>
          <Facts view={view} sender={me.unit.name} />
          <Files view={view} base={base} />
          <Evidence base={base} />
          <Technical view={view} />
          <ReportAct base={base} onDone={() => go('/di')} />
        </div>
      </div>
    </>
  );
}
