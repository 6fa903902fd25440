// Were all places served that a document names? Pure, over what the node shows of a sent document. A place is served when its unit has signed that
// it has the document; what is on the list for paper is never served here, and says so.
import type { DocumentView } from '../core.ts';

export type Completeness = {
  /** True when every recipient has signed for it and nothing is left for paper. */
  readonly complete: boolean;
  readonly served: number;
  readonly waiting: readonly {
    readonly code: string;
    readonly name: string;
    readonly state: string;
    readonly why: string;
  }[];
  readonly failed: readonly {
    readonly code: string;
    readonly name: string;
    readonly state: string;
    readonly why: string;
  }[];
  /** Places named that are no recipients (metadata otherPlaces): served on paper or otherwise. */
  readonly paper: readonly string[];
};

const ended: ReadonlySet<string> = new Set(['refused', 'expired', 'undeliverable', 'cancelled']);

/** Undefined for an arrival. */
export function completenessOf({ direction, envelopes, metadata }: DocumentView): Completeness | undefined {
  if (direction !== 'out') return undefined;
  // Sendings of one document: what a later one delivered counts for the earlier one too.
  const states = new Map<string, { code: string; name: string; state: string; why: string }>();
  for (const { recipients } of [...envelopes].reverse())
    for (const { unit, desk, code, name, state, timeline } of recipients) {
      const key = `${desk}@${unit}`;
      if (states.get(key)?.state === 'delivered') continue;
      const why = timeline.at(-1)?.code ?? '';
      states.set(key, { code: desk ? `${desk}@${code}` : code, name, state, why });
    }
  const all = [...states.values()];
  const served = all.filter(({ state }) => state === 'delivered');
  const failed = all.filter(({ state }) => ended.has(state));
  const waiting = all.filter(({ state }) => state !== 'delivered' && !ended.has(state));
  const paper = metadata?.otherPlaces ?? [];
  return {
    complete: failed.length + waiting.length + paper.length === 0,
    served: served.length,
    waiting,
    failed,
    paper,
  };
}
