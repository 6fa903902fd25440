// The pages of the row that a person stands on, beside the list (from 1280 pixels on). To stand on a row for a moment is to look at the document: it is
// asked for like an opened one, with its row in the audit.
import { useEffect, useState } from 'preact/hooks';
import type { DocumentView } from '../../../core.ts';
import { useLoad } from '../load.ts';
import { words } from '../words.ts';
import { besideWords as w } from '../words-figures.ts';
import { Link, Loading, ProblemNotice } from './basics.tsx';
import { nameOrNone } from './document-rows.tsx';
import { isPdf, shownOf, Viewer } from './viewer.tsx';

/** Arrows pass over rows; only where they rest is anything asked. */
const restMs = 500;
const wide = matchMedia('(min-width: 1280px)');
const offKey = 'lienthong-beside';

/** Whether there is room, and the person wants it; remembered in this browser. */
export function useBeside(): { readonly room: boolean; readonly on: boolean; readonly toggle: () => void } {
  const [room, setRoom] = useState(wide.matches);
  const [wanted, setWanted] = useState(localStorage.getItem(offKey) !== 'off');
  useEffect(() => {
    const listener = () => setRoom(wide.matches);
    wide.addEventListener('change', listener);
    return () => wide.removeEventListener('change', listener);
  }, []);
  return {
    room,
    on: room && wanted,
    toggle() {
      localStorage.setItem(offKey, wanted ? 'off' : 'on');
      setWanted(!wanted);
    },
  };
}

export function Beside({
  id,
  onSeen,
}: {
  readonly id: string | undefined;
  readonly onSeen: (id: string) => void;
}) {
  const [rested, setRested] = useState<string>();
  useEffect(() => {
    const timer = setTimeout(() => setRested(id), restMs);
    return () => clearTimeout(timer);
  }, [id]);
  return (
    <aside class="beside" aria-label={w.label}>
      {rested ? <Pages key={rested} id={rested} onSeen={onSeen} /> : <p class="muted">{w.how}</p>}
    </aside>
  );
}

function Pages({ id, onSeen }: { readonly id: string; readonly onSeen: (id: string) => void }) {
  const base = `/documents/in/${id}`;
  const { value: view, problem } = useLoad<DocumentView>(base);
  useEffect(() => {
    if (view) onSeen(id);
  }, [view]);
  if (problem) return <ProblemNotice problem={problem} />;
  if (!view) return <Loading />;
  return (
    <>
      <p>
        <strong>{view.metadata ? nameOrNone(view.metadata) : ''}</strong>{' '}
        <Link to={`/den/${id}`}>{w.open}</Link>
      </p>
      {view.parts.some(isPdf) ? (
        <Viewer files={shownOf(base, view.parts)} />
      ) : (
        <p class="muted">{words.pages.none}</p>
      )}
    </>
  );
}
