// Which screen: the path of the address, so that Back, bookmarks and a reload work. Remembers for each address how far it was scrolled and which
// row had the focus, so that Back returns to the same place.
import { useEffect, useState } from 'preact/hooks';

type Place = { scroll: number; focus: string | undefined };
const places = new Map<string, Place>();
const listeners = new Set<() => void>();
let returning = false;
let back = false;
/** The newest move was Back or Forward: the place is restored instead of beginning at the top. */
export const cameBack = (): boolean => back;

export const here = (): string => location.pathname + location.search;

function remember(): void {
  const focus = document.activeElement?.getAttribute('data-key') ?? undefined;
  places.set(here(), { scroll: document.querySelector('main')?.scrollTop ?? 0, focus });
}

export function go(path: string, options: { readonly replace?: boolean } = {}): void {
  if (path === here()) return;
  remember();
  returning = false;
  back = false;
  if (options.replace) history.replaceState(null, '', path);
  else history.pushState(null, '', path);
  for (const listener of listeners) listener();
}

addEventListener('popstate', () => {
  returning = true;
  back = true;
  for (const listener of listeners) listener();
});

export function usePath(): string {
  const [path, setPath] = useState(here());
  useEffect(() => {
    const listener = () => setPath(here());
    listeners.add(listener);
    // A screen inside may have moved on before this one listened.
    listener();
    return () => void listeners.delete(listener);
  }, []);
  return path;
}

/** Call when the rows of a list are on the screen: after Back it puts scroll and focus where they were. Once. */
export function restorePlace(): void {
  if (!returning) return;
  returning = false;
  const place = places.get(here());
  if (!place) return;
  const main = document.querySelector('main');
  if (main) main.scrollTop = place.scroll;
  if (place.focus) document.querySelector<HTMLElement>(`[data-key="${CSS.escape(place.focus)}"]`)?.focus();
}

/** A click that the page itself follows; a middle click or Ctrl+click stays the browser's. */
export function follow(event: MouseEvent, path: string): void {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey)
    return;
  event.preventDefault();
  go(path);
}
