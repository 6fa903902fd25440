// S5 Chi tiết văn bản đi: one sentence on how it stands, a row per recipient, what can still be done.
import type { DocumentView, RecipientView } from '../../../core.ts';
import { standingsOf } from '../../../recipients/newest.ts';
import { post } from '../api.ts';
import { useLive, useProgress } from '../live.ts';
import { useAct, useLoad } from '../load.ts';
import { useMay, useMe } from '../me.ts';
import { go } from '../router.ts';
import { Link, Loading, ProblemNotice, Title } from '../widgets/basics.tsx';
import { Evidence, Facts, Files, Technical } from '../widgets/document-facts.tsx';
import { nameOrNone } from '../widgets/document-rows.tsx';
import { RecallAct } from '../widgets/recall-act.tsx';
import { takenBack } from '../widgets/recipient-acts.tsx';
import { RecipientTable, stateText } from '../widgets/recipient-table.tsx';
import { ReportAct } from '../widgets/report-act.tsx';
import { say } from '../widgets/toasts.tsx';
import { UpdateAct } from '../widgets/update-act.tsx';
import { shownOf, Viewer } from '../widgets/viewer.tsx';
import { words } from '../words.ts';

const w = words.document;

/** "Đã gửi 3 nơi: 2 đã đến, 1 chờ gửi." */
export function sentence(view: DocumentView): string {
  const recipients = standingsOf(view.envelopes);
  const counts = new Map<string, number>();
  for (const to of recipients) {
    const text = stateText(to);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const parts = [...counts].map(([text, n]) => `${n} ${text.toLowerCase()}`);
  return `${recipients.length} ${words.list.recipients.toLowerCase()}: ${parts.join(', ')}.`;
}

/** It failed, and nobody has said yet that it was taken care of. */
const open = ({ state, settledMs }: RecipientView): boolean =>
  /refused|undeliverable|expired/.test(state) && settledMs === undefined;

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
  useProgress(id, again, [again]);
  if (problem) return <ProblemNotice problem={problem} again={again} />;
  if (!view) return <Loading />;
  const newer = view.replacedBy.at(-1);
  const standings = standingsOf(view.envelopes);
  const kept = standings.filter((to) => !takenBack(to));
  const states = kept.map(({ state }) => state);
  const failed = states.some((state) => /refused|undeliverable|expired/.test(state));
  // What was stopped on purpose is offered again only where nothing else of it is out.
  const over = failed || (states.length > 0 && states.every((state) => state === 'cancelled'));
  const out = states.some((state) => state !== 'cancelled' && state !== 'refused');
  // What was sealed may be at the hub, whatever it answered: it is taken back, not stopped.
  const unsent =
    kept.length > 0 &&
    kept.every(({ state, sending }) => state === 'queued' && sending.sealedMs === undefined);
  const waits = standings.some(
    ({ state, sending }) => state === 'queued' && sending.nextMs !== undefined && !sending.uploaded,
  );
  const run = (verb: 'resend' | 'cancel' | 'settle' | 'retry', told: string) =>
    act.run(async () => {
      await post(`${base}/${verb}`);
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
          {waits && (
            <button type="button" disabled={act.busy} onClick={() => run('retry', w.retried)}>
              {w.retry}
            </button>
          )}
          {over && (
            <button
              type="button"
              class="main"
              data-main
              disabled={act.busy}
              onClick={() => run('resend', w.resent)}
            >
              {out ? w.resendMissed : w.resend}
            </button>
          )}
          {standings.some(open) && (
            <button
              type="button"
              disabled={act.busy}
              onClick={() => {
                if (confirm(w.settleSure)) run('settle', w.settled);
              }}
            >
              {w.settle}
            </button>
          )}
          {out && view.metadata && !newer && may('document.send') && (
            <button type="button" onClick={() => go(`/soan?gui-them=${view.documentId}`)}>
              {w.further}
            </button>
          )}
          {out && !unsent && view.metadata && !newer && (
            <>
              <button type="button" onClick={() => go(`/soan?thay-the=${view.documentId}`)}>
                {words.work.replace}
              </button>
              <UpdateAct view={view} base={base} again={again} />
            </>
          )}
          {out && !unsent && (
            <RecallAct
              key={standings.map(({ code }) => code).join()}
              base={base}
              recipients={standings}
              again={again}
            />
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
      <RecipientTable view={view} acts={may('document.recall') ? { base, act, again } : undefined} />
      <div class="split">
        <Viewer files={shownOf(base, view.parts)} />
        <div>
          <Facts view={view} sender={me.unit.name} />
          <Files view={view} base={base} />
          <Evidence base={base} view={view} />
          <Technical view={view} />
          <ReportAct base={base} onDone={() => go('/di')} />
        </div>
      </div>
    </>
  );
}
