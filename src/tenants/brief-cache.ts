// A bounded cache for what every request asks and anybody may change at any time: no answer is older than a second.

export interface BriefCache<Key, Value> {
  /** The value itself when it is known, else a promise that all who ask meanwhile share. A failure is not kept. */
  get(key: Key): Value | Promise<Value>;
  /**
   * For who holds what others may wait for, a database connection say: waits for nobody's load but its own, `read`, which
   * becomes known to all.
   */
  within(key: Key, read: () => Promise<Value>): Value | Promise<Value>;
  /** From now on nothing loaded before is answered, not even a load that is under way. */
  clear(): void;
}

const ageMaxMs = 1_000;

/** `Value` must not be a promise. */
export function createBriefCache<Key, Value>(
  load: (key: Key) => Promise<Value>,
  entriesMax: number,
): BriefCache<Key, Value> {
  let entries = new Map<Key, Value | Promise<Value>>();
  let bornAtMs = 0;

  function clear(): void {
    entries = new Map();
    bornAtMs = performance.now();
  }

  function loadInto(generation: Map<Key, Value | Promise<Value>>, key: Key): Promise<Value> {
    const loading = load(key).then(
      (value) => {
        generation.set(key, value);
        return value;
      },
      (error: unknown) => {
        generation.delete(key);
        throw error;
      },
    );
    generation.set(key, loading);
    return loading;
  }

  /** All entries die together, so an entry needs no time of its own and the memory of a quiet second is freed. */
  function current(): Map<Key, Value | Promise<Value>> {
    if (performance.now() - bornAtMs > ageMaxMs || entries.size >= entriesMax) clear();
    return entries;
  }

  return {
    get(key) {
      const generation = current();
      const known = generation.get(key);
      return known !== undefined || generation.has(key) ? (known as Value | Promise<Value>) : loadInto(generation, key);
    },
    within(key, read) {
      const generation = current();
      const known = generation.get(key);
      const isKnown = generation.has(key) && !(known instanceof Promise);
      if (isKnown) return known as Value;
      return read().then((value) => {
        generation.set(key, value);
        return value;
      });
    },
    clear,
  };
}
