// Accepting several arrivals at once: only those whose check found nothing, named one by one before it happens, each an act of its own on the server. What
// one refuses does not stop the others, and is told with its sentence.

import { useState } from 'preact/hooks';
import { type ProblemBody, post, problemOf } from '../api.ts';
import { useAct } from '../load.ts';
import { words } from '../words.ts';
import { bulkWords as w } from '../words-figures.ts';
import { SheetActs } from './acts.tsx';
import { Dialog, ProblemNotice, Tag } from './basics.tsx';
import { say } from './toasts.tsx';

export type Chosen = {
  readonly envelopeId: string;
  readonly name: string;
  readonly subject: string;
  readonly read: boolean;
  /** It waits, the person may accept, and nothing about it must be seen first. */
  readonly accepts: boolean;
};

/** As many as the server prints at once. */
const sheetMax = 200;

export function BulkBar({
  chosen,
  onDone,
}: {
  readonly chosen: readonly Chosen[];
  readonly onDone: (left: readonly string[]) => void;
}) {
  const [asking, setAsking] = useState(false);
  const [done, setDone] = useState(0);
  const [failed, setFailed] = useState<readonly (readonly [Chosen, ProblemBody])[]>([]);
  const act = useAct();
  if (chosen.length === 0 && failed.length === 0) return null;
  const waiting = chosen.filter(({ accepts }) => accepts);
  const sheet = (format: string) =>
    `/c/v1/inbox/chosen/${format}?ids=${chosen.map(({ envelopeId }) => envelopeId).join(',')}`;
  const accept = () =>
    act.run(async () => {
      const bad: (readonly [Chosen, ProblemBody])[] = [];
      setFailed([]);
      for (const [at, each] of waiting.entries()) {
        setDone(at + 1);
        try {
          await post(`/documents/in/${each.envelopeId}/accept`, {});
        } catch (error) {
          bad.push([each, problemOf(error)]);
        }
      }
      setFailed(bad);
      setAsking(false);
      if (bad.length < waiting.length) say(w.done(waiting.length - bad.length));
      onDone(bad.map(([{ envelopeId }]) => envelopeId));
    });
  return (
    <>
      {failed.map(([each, problem]) => (
        <div key={each.envelopeId}>
          <strong>{each.name}</strong>
          <ProblemNotice problem={problem} />
        </div>
      ))}
      {chosen.length > 0 && (
        <div class="bulk" role="status">
          <span>{w.chosen(chosen.length)}</span>
          {waiting.length > 0 && (
            <button type="button" class="main" onClick={() => setAsking(true)}>
              {w.acceptSome(waiting.length)}
            </button>
          )}
          {chosen.length > sheetMax ? (
            <span>{w.tooMany(sheetMax)}</span>
          ) : (
            <>
              <a class="button" href={sheet('pdf')} download>
                {w.print}
              </a>
              <a class="button" href={sheet('xlsx')} download>
                {w.sheet}
              </a>
              <a class="button" href={sheet('csv')} download>
                {w.csv}
              </a>
            </>
          )}
          <button type="button" onClick={() => onDone([])}>
            {w.clear}
          </button>
        </div>
      )}
      {asking && (
        <Dialog title={w.sure(waiting.length)} onClose={() => setAsking(false)}>
          <p>{w.sureHow}</p>
          <ol class="bulk-list">
            {waiting.map((each) => (
              <li key={each.envelopeId}>
                <strong>{each.name}</strong> {each.subject}{' '}
                {!each.read && <Tag tone="warn">{words.list.unread}</Tag>}
              </li>
            ))}
          </ol>
          {act.busy && <p role="status">{w.progress(done, waiting.length)}</p>}
          <SheetActs
            label={w.accept}
            disabled={act.busy}
            onMain={accept}
            onClose={() => setAsking(false)}
            close={w.cancel}
            held={act.busy}
          />
        </Dialog>
      )}
    </>
  );
}
