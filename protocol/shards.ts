// A map of many small maps that is changed by copying only the small ones that are touched: a directory of 125,000 units gets one unit changed
// in microseconds while whoever holds the directory before still sees it as it was. Pure.

const SHARDS = 2_048;

export type ShardMap<Value> = {
  readonly size: number;
  get(key: string): Value | undefined;
  values(): Iterable<Value>;
};
export type ShardEdit<Value> = {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
  /** The edit must not be used after it. */
  done(): ShardMap<Value>;
};
type Shards<Value> = readonly (ReadonlyMap<string, Value> | undefined)[];
const inside = new WeakMap<ShardMap<never>, Shards<never>>();

/** FNV-1a over the letters; keys are ids, codes and digests, none chosen to collide at a cost for others that matters. */
function shardOf(key: string): number {
  let mixed = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) mixed = Math.imul(mixed ^ key.charCodeAt(at), 0x01000193);
  return (mixed ^ (mixed >>> 15)) & (SHARDS - 1);
}

function sealed<Value>(shards: Shards<Value>, size: number): ShardMap<Value> {
  const map: ShardMap<Value> = {
    size,
    get: (key) => shards[shardOf(key)]?.get(key),
    *values() {
      for (const shard of shards) if (shard) yield* shard.values();
    },
  };
  inside.set(map as ShardMap<never>, shards as Shards<never>);
  return map;
}

/** `base` is never changed. */
export function editShards<Value>(base?: ShardMap<Value>): ShardEdit<Value> {
  const from = (base && (inside.get(base as ShardMap<never>) as Shards<Value> | undefined)) ?? [];
  const shards = Array.from({ length: SHARDS }, (_, at) => from[at]);
  const mine = new Map<number, Map<string, Value>>();
  let size = base?.size ?? 0;
  function own(at: number): Map<string, Value> {
    const known = mine.get(at);
    if (known) return known;
    const copy = new Map(shards[at]);
    mine.set(at, copy);
    shards[at] = copy;
    return copy;
  }
  return {
    get: (key) => shards[shardOf(key)]?.get(key),
    set(key, value) {
      const shard = own(shardOf(key));
      if (!shard.has(key)) size += 1;
      shard.set(key, value);
    },
    delete(key) {
      const at = shardOf(key);
      if (shards[at]?.has(key) && own(at).delete(key)) size -= 1;
    },
    done: () => sealed(shards, size),
  };
}
