// A PDF beside its data: pictures of its pages made by the node, with their text for screen readers. The file itself is never opened here.
import { useEffect, useState } from 'preact/hooks';
import { get, type ProblemBody, problemOf } from '../api.ts';
import { words } from '../words.ts';
import { ProblemNotice } from './basics.tsx';

type Part = { readonly name: string; readonly mediaType: string };
/** A PDF by its name, and where the node gives its pages. */
export type Shown = { readonly name: string; readonly path: string };
export const isPdf = ({ name, mediaType }: Part): boolean =>
  mediaType === 'application/pdf' || name.toLowerCase().endsWith('.pdf');

/** The PDFs of a document. */
export const shownOf = (
  base: string,
  parts: readonly (Part & { readonly index: number })[],
): readonly Shown[] =>
  parts.filter(isPdf).map(({ index, name }) => ({ name, path: `${base}/parts/${index}/pages` }));

const zoomSteps = [60, 80, 100, 130, 170, 220] as const;

export function Viewer({ files }: { readonly files: readonly Shown[] }) {
  const [chosen, setChosen] = useState('');
  const [page, setPage] = useState(1);
  const [zoom, setZoom] = useState(2);
  const [count, setCount] = useState<number>();
  const [problem, setProblem] = useState<ProblemBody>();
  const [text, setText] = useState<string>();
  // What was chosen may have been taken out of a draft meanwhile.
  const shown = files.find(({ path: each }) => each === chosen) ?? files[0];
  const path = shown?.path;
  useEffect(() => {
    setPage(1);
    setCount(undefined);
    setProblem(undefined);
    let left = false;
    if (path)
      get<{ count: number }>(path).then(
        (got) => !left && setCount(got.count),
        (error: unknown) => !left && setProblem(problemOf(error)),
      );
    return () => {
      left = true;
    };
  }, [path]);
  useEffect(() => setText(undefined), [path, page]);
  if (!shown) return null;
  return (
    <section class="viewer" aria-label={words.pages.label}>
      <div class="bar">
        {files.length > 1 ? (
          <select
            aria-label={words.pages.label}
            value={path}
            onChange={(event) => setChosen(event.currentTarget.value)}
          >
            {files.map((file) => (
              <option key={file.path} value={file.path}>
                {file.name}
              </option>
            ))}
          </select>
        ) : (
          <span>{shown.name}</span>
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
            {count > 1 && (
              <button type="button" disabled={page <= 1} onClick={() => setPage(page - 1)}>
                <span aria-hidden="true">‹</span> <span class="word">{words.pages.previous}</span>
              </button>
            )}
            <span>{words.pages.page(page, count)}</span>
            {count > 1 && (
              <button type="button" disabled={page >= count} onClick={() => setPage(page + 1)}>
                <span class="word">{words.pages.next}</span> <span aria-hidden="true">›</span>
              </button>
            )}
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
