// The live line: tells listeners that something changed. When it breaks the browser joins again by itself; then everything is looked at anew.
import { useEffect, useState } from 'preact/hooks';
import type { Uploaded } from '../../core.ts';
import type { LiveEvent } from '../contract.ts';

type Listener = (event: LiveEvent) => void;
const listeners = new Set<Listener>();
let source: EventSource | undefined;

export function startLive(onEnded: () => void): () => void {
  source?.close();
  const opened = new EventSource('/c/v1/events');
  source = opened;
  let broken = false;
  opened.onmessage = ({ data }) => {
    const event = JSON.parse(String(data)) as LiveEvent;
    for (const listener of listeners) listener(event);
  };
  opened.onerror = () => {
    broken = true;
  };
  opened.onopen = () => {
    if (broken) for (const listener of listeners) listener({ kind: 'other' });
    broken = false;
  };
  opened.addEventListener('ended', () => {
    opened.close();
    onEnded();
  });
  return () => opened.close();
}

/** Everything but how far an upload has come: that changes nothing that a list or a count shows. */
export function useLive(listener: Listener, deps: readonly unknown[] = []): void {
  useEvents((event) => {
    if (event.kind !== 'progress') listener(event);
  }, deps);
}

export function useProgress(document: string, listener: () => void, deps: readonly unknown[] = []): void {
  useEvents(
    (event) => {
      if (event.kind === 'progress' && event.id === document) listener();
    },
    [document, ...deps],
  );
}

/** How far uploads are, as told since the screen opened, by document; undefined: that one goes up no more. For lists, whose rows are not asked for anew by it. */
export function useUploads(): ReadonlyMap<string, Uploaded | undefined> {
  const [told, setTold] = useState<ReadonlyMap<string, Uploaded | undefined>>(new Map());
  useEvents((event) => {
    if (event.kind === 'progress')
      setTold((before) => new Map([...before, [event.id, event.uploaded] as const]));
    // The line was broken: what was told before may be over, and the rows come anew.
    else if (event.kind === 'other') setTold(new Map());
  }, []);
  return told;
}

function useEvents(listener: Listener, deps: readonly unknown[]): void {
  useEffect(() => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, [...deps]);
}
