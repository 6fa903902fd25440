// Which looks at a document are an opening: one audit row for each, however often the page refreshes what is open. Must never let a first look pass
// unrecorded: what is in doubt is an opening.

/** A page that stays open refreshes at most so rarely; a person who comes back later opens it anew. */
const sameOpeningMs = 10 * 60_000;
const keptMax = 10_000;

export type Openings = {
  /** True when this look has to be recorded. `refresh`: the page says that it shows the document already. */
  isNew(about: {
    readonly session: number;
    readonly document: string;
    readonly refresh: boolean;
    readonly nowMs: number;
  }): boolean;
};

export function createOpenings(): Openings {
  const seen = new Map<string, number>();
  return {
    isNew({ session, document, refresh, nowMs }) {
      const key = `${session} ${document}`;
      const last = seen.get(key);
      seen.delete(key);
      seen.set(key, nowMs);
      if (seen.size > keptMax) seen.delete(seen.keys().next().value!);
      // A page cannot hide a look by calling it a refresh: only what this session was recorded to open shortly before is one.
      return !(refresh && last !== undefined && nowMs - last < sameOpeningMs);
    },
  };
}
