// S3 Chi tiết văn bản đến: the pages beside what was verified, what it says, its files, what happened, and what can be done.
import type { DocumentView } from '../../../core.ts';
import { useLive } from '../live.ts';
import { useLoad } from '../load.ts';
import { useMay } from '../me.ts';
import { go } from '../router.ts';
import { Link, Loading, ProblemNotice, Title } from '../widgets/basics.tsx';
import { Facts, Files, Technical } from '../widgets/document-facts.tsx';
import { nameOrNone } from '../widgets/document-rows.tsx';
import { Story } from '../widgets/story.tsx';
import { isPdf, Viewer } from '../widgets/viewer.tsx';
import { words } from '../words.ts';

const w = words.document;
export type ArrivalView = DocumentView & { readonly senderName?: string };

export function Arrival({ id }: { readonly id: string }) {
  const base = `/documents/in/${id}`;
  const { value: view, problem, again } = useLoad<ArrivalView>(base);
  const may = useMay();
  useLive(
    (event) => {
      if (event.kind === 'statement') again();
    },
    [again],
  );
  if (problem) return <ProblemNotice problem={problem} again={again} />;
  if (!view) return <Loading />;
  const sender = view.senderName || view.senderCode;
  const name = view.metadata ? nameOrNone(view.metadata) : '';
  return (
    <>
      <p>
        <Link to="/den">← {w.back}</Link>
      </p>
      <Title>
        {name} – {view.metadata?.subject || words.list.noSubject}
      </Title>
      <div class="acts">
        {may('document.draft') && (
          <button
            type="button"
            class="main"
            data-main
            onClick={() => go(`/soan?tra-loi=${view.documentId}&toi=${view.senderCode}`)}
          >
            {w.reply}
          </button>
        )}
      </div>
      <div class={view.parts.some(isPdf) ? 'split' : ''}>
        <Viewer base={base} parts={view.parts} />
        <div>
          <section class="card">
            <h2>{w.verification}</h2>
            <div class="notice good">
              <p>
                <strong>{w.seal}: </strong>
                {w.sealGood(sender)}
              </p>
              <p>{w.sealAdvice}</p>
            </div>
          </section>
          <Facts view={view} sender={sender} />
          <Files view={view} base={base} />
          <section class="card">
            <h2>{w.timeline}</h2>
            <Story events={view.envelopes[0]?.recipients.flatMap(({ timeline }) => timeline) ?? []} />
          </section>
          <Technical view={view} base={base} />
        </div>
      </div>
    </>
  );
}
