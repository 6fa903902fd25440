// Loading for screens: what was asked for, its failure in words, and again on demand. The newest answer wins; an older one is dropped.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get, type ProblemBody, problemOf } from './api.ts';

export type Loaded<T> = {
  readonly value: T | undefined;
  readonly problem: ProblemBody | undefined;
  readonly again: () => void;
};

/**
 * `path` undefined: nothing is asked. The value before stays on the screen while it is asked again; `againPath` is what is asked then, where looking
 * again is not the same as opening.
 */
export function useLoad<T>(path: string | undefined, againPath = path): Loaded<T> {
  const [value, setValue] = useState<T>();
  const [problem, setProblem] = useState<ProblemBody>();
  const asked = useRef<AbortController | undefined>(undefined);
  const shown = useRef(false);
  const load = useCallback(() => {
    asked.current?.abort();
    if (path === undefined) return;
    const mine = new AbortController();
    asked.current = mine;
    get<T>((shown.current && againPath) || path, mine.signal).then(
      (got) => {
        if (mine.signal.aborted) return;
        shown.current = true;
        setValue(got);
        setProblem(undefined);
      },
      (error: unknown) => {
        if (!mine.signal.aborted) setProblem(problemOf(error));
      },
    );
  }, [path]);
  useEffect(() => {
    shown.current = false;
    load();
    return () => asked.current?.abort();
  }, [load]);
  return { value, problem, again: load };
}

export type Acting = {
  readonly busy: boolean;
  readonly problem: ProblemBody | undefined;
  /** Runs once at a time: a second click while the first runs does nothing. */
  readonly run: (act: () => Promise<void>) => void;
  readonly clear: () => void;
};

export function useAct(): Acting {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemBody>();
  const running = useRef(false);
  return {
    busy,
    problem,
    clear: () => setProblem(undefined),
    run(act) {
      if (running.current) return;
      running.current = true;
      setBusy(true);
      setProblem(undefined);
      act()
        .catch((error: unknown) => setProblem(problemOf(error)))
        .finally(() => {
          running.current = false;
          setBusy(false);
        });
    },
  };
}
