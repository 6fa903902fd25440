// What time it is: the node's, heard with every answer, never the PC's alone. Dates, "phút trước" and the seconds to undo are right on a PC whose
// clock is wrong, and the person is told. Must never move a time that the node has said.
import { useEffect, useState } from 'preact/hooks';

/** Shorter differences disturb nobody; longer ones mislead when a person compares the page with the corner of the screen. */
const wrongMs = 2 * 60_000;

let aheadMs = 0;
const listeners = new Set<() => void>();

export const nowMs = (): number => Date.now() - aheadMs;

/** The node's time, as an answer brought it. */
export function heardTime(nodeMs: number): void {
  const wasWrong = Math.abs(aheadMs) > wrongMs;
  aheadMs = Date.now() - nodeMs;
  if (wasWrong !== Math.abs(aheadMs) > wrongMs) for (const listener of listeners) listener();
}

/** How far the PC is ahead of the node (behind: below 0), once that is minutes; else undefined. */
export function useWrongClock(): number | undefined {
  const [, look] = useState(0);
  useEffect(() => {
    const listener = () => look((n) => n + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return Math.abs(aheadMs) > wrongMs ? aheadMs : undefined;
}
