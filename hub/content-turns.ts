// One thing at a time per content digest: finishing an upload and remembering it, or removing the file. Without it a sweep could unlink a
// file in the moment in which another unit's upload has just found it there.

export type ContentTurns = { run<T>(hex: string, work: () => Promise<T>): Promise<T> };

export function contentTurns(): ContentTurns {
  const last = new Map<string, Promise<unknown>>();
  return {
    async run(hex, work) {
      const before = last.get(hex) ?? Promise.resolve();
      const mine = before.then(work, work);
      // The chain outlives a failure of one link: the next in turn runs all the same.
      const settled = mine.catch(() => {});
      last.set(hex, settled);
      try {
        return await mine;
      } finally {
        if (last.get(hex) === settled) last.delete(hex);
      }
    },
  };
}
