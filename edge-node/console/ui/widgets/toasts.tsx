// Short words in the corner after an act; read aloud politely. One with an act (Hoàn tác) stays until its time is over.
import { useEffect, useState } from 'preact/hooks';
import { words } from '../words.ts';

export type Toast = {
  readonly id: number;
  readonly text: string;
  readonly act?: { readonly label: string; readonly run: () => void };
};
let last = 0;
let shown: readonly Toast[] = [];
const listeners = new Set<() => void>();
const changed = () => {
  for (const listener of listeners) listener();
};

export function dismiss(id: number): void {
  shown = shown.filter((each) => each.id !== id);
  changed();
}
/** What was said is known by now. */
export function unsay(text: string): void {
  shown = shown.filter((each) => each.text !== text);
  changed();
}
export function say(
  text: string,
  options: { readonly act?: Toast['act']; readonly ms?: number } = {},
): number {
  last += 1;
  const id = last;
  // The same words again replace what stands there: ten arrivals are one line.
  shown = [
    ...shown.filter((each) => each.text !== text).slice(-2),
    { id, text, ...(options.act ? { act: options.act } : {}) },
  ];
  changed();
  setTimeout(() => dismiss(id), options.ms ?? 8_000);
  return id;
}

export function Toasts() {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = () => redraw((n) => n + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, act }) => (
        <div class="toast" key={id}>
          <span class="grow">{text}</span>
          {act && (
            <button
              type="button"
              onClick={() => {
                dismiss(id);
                act.run();
              }}
            >
              {act.label}
            </button>
          )}
          <button type="button" aria-label={words.people.close} onClick={() => dismiss(id)}>
            ✕
          </button>
        </div>
      ))}
    </div>
  );
}
