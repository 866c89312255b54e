// What is under way, in the order in which it began; what has ended can be collected, although a Set was told of it.

export interface UnderWay<Item> extends Iterable<Item> {
  readonly size: number;
  /** Gives what is to be called once, when it ends. */
  add(item: Item): () => void;
}

/** Emptied when its item ends. */
interface Place<Item> {
  item?: Item | undefined;
}

/**
 * A Set that is told of each request grows a new table for every few dozen. V8's scavenger takes a table that has become old for
 * alive until the next major collection, and all that was in it, the tables after it among that: each request would become old.
 * So the tables hold places, and those are emptied.
 */
export function createUnderWay<Item extends object>(): UnderWay<Item> {
  const places = new Set<Place<Item>>();
  return {
    get size() {
      return places.size;
    },
    add(item) {
      const place: Place<Item> = { item };
      places.add(place);
      return () => {
        place.item = undefined;
        places.delete(place);
      };
    },
    *[Symbol.iterator]() {
      for (const { item } of places) if (item) yield item;
    },
  };
}
