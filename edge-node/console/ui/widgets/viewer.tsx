// A PDF beside its data: pictures of its pages made by the node, with their text for screen readers. The file itself is never opened here.
import { useEffect, useState } from 'preact/hooks';
import { get, type ProblemBody, problemOf } from '../api.ts';
import { words } from '../words.ts';
import { ProblemNotice } from './basics.tsx';

type Part = { readonly index: number; readonly name: string; readonly mediaType: string };
export const isPdf = ({ name, mediaType }: Part): boolean =>
  mediaType === 'application/pdf' || name.toLowerCase().endsWith('.pdf');

const zoomSteps = [60, 80, 100, 130, 170, 220] as const;

export function Viewer({ base, parts }: { readonly base: string; readonly parts: readonly Part[] }) {
  const pdfs = parts.filter(isPdf);
  const [chosen, setChosen] = useState(pdfs[0]?.index);
  const [page, setPage] = useState(1);
  const [zoom, setZoom] = useState(2);
  const [count, setCount] = useState<number>();
  const [problem, setProblem] = useState<ProblemBody>();
  const [text, setText] = useState<string>();
  const path = chosen === undefined ? undefined : `${base}/parts/${chosen}/pages`;
  useEffect(() => {
    setPage(1);
    setCount(undefined);
    setProblem(undefined);
    if (path)
      get<{ count: number }>(path).then(
        (got) => setCount(got.count),
        (error: unknown) => setProblem(problemOf(error)),
      );
  }, [path]);
  useEffect(() => setText(undefined), [path, page]);
  if (pdfs.length === 0) return null;
  const name = pdfs.find(({ index }) => index === chosen)?.name ?? '';
  return (
    <section class="viewer" aria-label={words.pages.label}>
      <div class="bar">
        {pdfs.length > 1 ? (
          <select
            aria-label={words.pages.label}
            value={String(chosen)}
            onChange={(event) => setChosen(Number(event.currentTarget.value))}
          >
            {pdfs.map((part) => (
              <option key={part.index} value={String(part.index)}>
                {part.name}
              </option>
            ))}
          </select>
        ) : (
          <span>{name}</span>
        )}
        <span class="space" />
        {count !== undefined && (
          <>
            <button
              type="button"
              disabled={zoom === 0}
              aria-label={words.pages.smaller}
              onClick={() => setZoom(zoom - 1)}
            >
              −
            </button>
            <button
              type="button"
              disabled={zoom === zoomSteps.length - 1}
              aria-label={words.pages.larger}
              onClick={() => setZoom(zoom + 1)}
            >
              +
            </button>
            <button type="button" disabled={page <= 1} onClick={() => setPage(page - 1)}>
              {words.pages.previous}
            </button>
            <span>{words.pages.page(page, count)}</span>
            <button type="button" disabled={page >= count} onClick={() => setPage(page + 1)}>
              {words.pages.next}
            </button>
          </>
        )}
      </div>
      <ProblemNotice problem={problem} />
      {path && count !== undefined && (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard. */}
          <section class="sheet" tabIndex={0} aria-label={words.pages.picture(page)}>
            <img
              src={`/c/v1${path}/${page}`}
              alt={words.pages.picture(page)}
              style={{ width: `${zoomSteps[zoom]}%` }}
              onError={() =>
                setProblem({
                  code: 'page-unreadable',
                  titleVi: words.pages.none,
                  remedyVi: '',
                  retry: 'never',
                })
              }
            />
          </section>
          <details
            onToggle={(event) => {
              if (event.currentTarget.open && text === undefined)
                get<{ text: string }>(`${path}/${page}/text`).then(
                  (got) => setText(got.text.trim()),
                  () => setText(''),
                );
            }}
          >
            <summary>{words.pages.textOf(page)}</summary>
            <pre>{text === '' ? words.pages.noText : text}</pre>
          </details>
        </>
      )}
    </section>
  );
}
