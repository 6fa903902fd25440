// Where a sent document stands with each of its recipients, over all its sendings: again to some, later to others. Pure, over what the node shows of a
// document; the pages of the console use it too.
import type { EnvelopeView, RecipientView, Uploaded } from '../core.ts';

/** A recipient with the sending that says how it is with it. */
export type Standing = RecipientView & { readonly sending: Omit<EnvelopeView, 'recipients'> };

/** Each recipient by the newest sending that names it, in the order in which they were first named. */
export function standingsOf(envelopes: readonly EnvelopeView[]): Standing[] {
  const by = new Map<string, Standing>();
  for (const { recipients, ...sending } of [...envelopes].reverse())
    for (const to of recipients) by.set(`${to.desk}@${to.unit}`, { ...to, sending });
  return [...by.values()];
}

/** Whole, and 100 only when all is there. */
export const percentOf = ({ doneBytes, allBytes }: Uploaded): number =>
  allBytes === 0 ? 100 : Math.floor((doneBytes / allBytes) * 100);
