// Keyboard: `/` to search, arrows to move among rows, Esc or u back, x to choose a row, Ctrl+Enter the main act, Alt+digits the menu. Never while an input method is
// composing, never in a field except where it says so. Single letters are off unless the person switched them on (WCAG 2.1.4).
import { useEffect } from 'preact/hooks';
import { go } from './router.ts';

const lettersKey = 'lienthong-single-keys';
export const singleKeys = (): boolean => localStorage.getItem(lettersKey) === 'on';
export const setSingleKeys = (on: boolean): void => localStorage.setItem(lettersKey, on ? 'on' : 'off');

export const composing = (event: KeyboardEvent): boolean => event.isComposing || event.keyCode === 229;
const inField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

function moveRow(by: number): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>('a[data-row]')];
  if (rows.length === 0) return false;
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at === -1 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
  rows[next]!.focus();
  return true;
}

const menu: Readonly<Record<string, string>> = { 1: '/', 2: '/den', 3: '/di', 4: '/danh-ba', 5: '/he-thong' };

export function useKeys(): void {
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      if (composing(event) || event.defaultPrevented) return;
      if (event.ctrlKey && event.key === 'Enter') {
        const main = [...document.querySelectorAll<HTMLButtonElement>('button[data-main]:not(:disabled)')].at(
          -1,
        );
        if (main) {
          event.preventDefault();
          main.click();
        }
        return;
      }
      if (event.altKey && !event.ctrlKey) {
        const path = event.code === 'KeyN' ? '/soan' : menu[event.code.replace('Digit', '')];
        if (path) {
          event.preventDefault();
          go(path);
        }
        return;
      }
      if (event.ctrlKey || event.metaKey || document.querySelector('dialog[open]')) return;
      if (event.key === 'Escape' && !inField(event.target) && /^\/(den|di)\/./.test(location.pathname))
        history.back();
      if (inField(event.target)) return;
      const letter = singleKeys() ? event.key : '';
      const done =
        (event.key === '/' && focusSearch()) ||
        ((event.key === 'ArrowDown' || letter === 'j') && moveRow(1)) ||
        ((event.key === 'ArrowUp' || letter === 'k') && moveRow(-1));
      if (letter === 'u') history.back();
      if (letter === 'x') chooseRow();
      if (event.key === '?') go('/tro-giup');
      if (done) event.preventDefault();
    };
    addEventListener('keydown', listener);
    return () => removeEventListener('keydown', listener);
  }, []);
}

/** The tick of the row that the focus is in. */
function chooseRow(): void {
  document.activeElement?.closest('tr')?.querySelector<HTMLInputElement>('input[data-choose]')?.click();
}

function focusSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>('input[type=search]');
  field?.focus();
  return field !== null;
}
