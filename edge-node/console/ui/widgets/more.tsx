// A list that grows page by page as the server gives it, with search: the rows on the screen stay while it is asked again. After Back the same
// rows are there at the same place.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get, type ProblemBody, problemOf, queryOf } from '../api.ts';
import { restorePlace } from '../router.ts';

type Page<Row> = { readonly rows: readonly Row[]; readonly next?: string; readonly filling?: boolean };
type Kept = {
  readonly rows: readonly unknown[];
  readonly next: string | undefined;
  readonly filling: boolean;
};
/** What was loaded for an address, so that Back shows it before it is asked again. */
const kept = new Map<string, Kept>();
const keptMax = 20;
const fillingMs = 3_000;

export type PagedList<Row> = {
  readonly rows: readonly Row[] | undefined;
  readonly problem: ProblemBody | undefined;
  readonly more: (() => void) | undefined;
  readonly again: () => void;
  /** The server's search is still being made after a start. */
  readonly filling: boolean;
};

export function usePages<Row>(
  path: string,
  query: Readonly<Record<string, string | undefined>>,
): PagedList<Row> {
  const key = path + queryOf(query);
  const [shown, setState] = useState<{ readonly key: string; readonly kept: Kept | undefined }>({
    key,
    kept: kept.get(key),
  });
  // Rows of another list never stand under this one's heading, not even for a moment.
  const state = shown.key === key ? shown.kept : kept.get(key);
  const [problem, setProblem] = useState<ProblemBody>();
  const current = useRef(key);
  const keep = (page: Kept) => {
    kept.delete(key);
    kept.set(key, page);
    if (kept.size > keptMax) kept.delete(kept.keys().next().value!);
    if (current.current === key) setState({ key, kept: page });
  };
  const ask = useCallback(
    (limit: number, after: string | undefined, before: readonly Row[]) => {
      get<Page<Row>>(path + queryOf({ ...query, limit, after })).then(
        ({ rows, next, filling = false }) => {
          setProblem(undefined);
          keep({ rows: [...before, ...rows], next, filling });
        },
        (error: unknown) => setProblem(problemOf(error)),
      );
    },
    [key],
  );
  useEffect(() => {
    current.current = key;
    const before = kept.get(key);
    setState({ key, kept: before });
    // As many as were on the screen, so that a place far down is still there.
    ask(Math.min(200, Math.max(50, before?.rows.length ?? 0)), undefined, []);
  }, [key]);
  useEffect(() => {
    if (state) restorePlace();
  }, [state]);
  const rows = state?.rows as readonly Row[] | undefined;
  const again = () => ask(Math.min(200, Math.max(50, rows?.length ?? 0)), undefined, []);
  // Until the search is whole: more of what was asked for may have come to light.
  useEffect(() => {
    if (!state?.filling) return;
    const timer = setTimeout(again, fillingMs);
    return () => clearTimeout(timer);
  }, [state]);
  return {
    rows,
    problem,
    more: state?.next && rows ? () => ask(50, state.next, rows) : undefined,
    filling: state?.filling ?? false,
    again,
  };
}

/** What is typed now, and the same a moment later: what the server is asked for. Nothing is asked while an input method composes. */
export type Search = {
  readonly typed: string;
  readonly asked: string;
  readonly clear: () => void;
  readonly onInput: (event: InputEvent) => void;
  readonly onCompositionEnd: (event: CompositionEvent) => void;
};

export function useSearch(first = ''): Search {
  const [typed, setTyped] = useState(first);
  const [asked, setAsked] = useState(first);
  const [composing, setComposing] = useState(false);
  useEffect(() => {
    if (composing) return;
    const timer = setTimeout(() => setAsked(typed.trim()), 250);
    return () => clearTimeout(timer);
  }, [typed, composing]);
  return {
    typed,
    asked,
    clear() {
      setTyped('');
      setAsked('');
    },
    onInput(event) {
      setComposing(event.isComposing);
      setTyped((event.currentTarget as HTMLInputElement).value);
    },
    onCompositionEnd(event) {
      setComposing(false);
      setTyped((event.currentTarget as HTMLInputElement).value);
    },
  };
}
