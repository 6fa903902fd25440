// A draft is saved by itself: a moment after the last change, under a revision, one save at a time; what failed is tried again until it succeeds. An older
// window is told that another has changed it and stops.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { DraftFields } from '../contract.ts';
import { onEntered, type ProblemBody, problemOf, put } from './api.ts';
import { nowMs } from './clock.ts';

const saveAfterMs = 700;
const retryMs = 5_000;

type Saving = {
  readonly state: 'clean' | 'saving' | 'failed';
  readonly atMs: number | undefined;
  readonly problem: ProblemBody | undefined;
};

export function useSaving(draft: string, firstRevision: number, fields: DraftFields) {
  const [saving, setSaving] = useState<Saving>({ state: 'clean', atMs: undefined, problem: undefined });
  const revision = useRef(firstRevision);
  const saved = useRef(firstRevision === 0 ? '' : JSON.stringify(fields));
  const first = useRef(JSON.stringify(fields));
  const newest = useRef(fields);
  newest.current = fields;
  const running = useRef<Promise<void> | undefined>(undefined);
  const stopped = useRef(false);
  useEffect(() => {
    const leaving = () => void save().catch(() => {});
    // A reload or a closed window: the request outlives the page.
    addEventListener('pagehide', leaving);
    const back = onEntered(leaving);
    return () => {
      back();
      removeEventListener('pagehide', leaving);
      leaving();
    };
  }, []);

  async function once(even: boolean): Promise<void> {
    const text = JSON.stringify(newest.current);
    if (text === saved.current || stopped.current) return;
    // Nothing was written yet: no empty draft is made.
    if (revision.current === 0 && text === first.current && !even) return;
    setSaving((before) => ({ ...before, state: 'saving' }));
    try {
      const answer = await put<{ revision: number }>(`/drafts/${draft}`, {
        revision: revision.current,
        fields: JSON.parse(text),
      });
      revision.current = answer.revision;
      saved.current = text;
      setSaving({ state: 'clean', atMs: nowMs(), problem: undefined });
    } catch (error) {
      const problem = problemOf(error);
      if (problem.code === 'draft-changed') stopped.current = true;
      setSaving((before) => ({ ...before, state: 'failed', problem }));
      throw error;
    }
  }
  /** `even`: also a draft in which nothing was written yet, so that it can be looked at. */
  async function save(even = false): Promise<number> {
    await running.current?.catch(() => {});
    running.current = once(even);
    await running.current;
    return revision.current;
  }
  const text = JSON.stringify(fields);
  useEffect(() => {
    if (text === saved.current || (revision.current === 0 && text === first.current)) return;
    setSaving((before) => (before.state === 'clean' ? { ...before, state: 'saving' } : before));
    const timer = setTimeout(() => void save().catch(() => {}), saveAfterMs);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => {
    if (saving.state !== 'failed') return;
    const timer = setTimeout(() => void save().catch(() => {}), retryMs);
    return () => clearTimeout(timer);
  }, [saving]);
  return {
    saving,
    save,
    forget: () => {
      stopped.current = true;
    },
  };
}
