// Anchors as objects that are written once, for stores that cannot append and may lock what they have (object lock, WORM).

import { newId } from '../fhir/ids.ts';
import type { AnchorTarget } from './anchor-target.ts';
import type { ObjectStore } from './object-store.ts';

/** An object a minute: stores ask a price for each. */
const everyMs = 60_000;

/** The store must hold nothing else. */
export function createAnchorObjects(store: ObjectStore, name: string): AnchorTarget {
  let lastMs = 0;
  return {
    name,
    everyMs,
    async append(lines) {
      // The order of their ids is that of their times.
      lastMs = Math.max(Date.now(), lastMs + 1);
      await store.put(newId(lastMs), [Buffer.from(`${lines.join('\n')}\n`)]);
    },
    async *read() {
      const ids: string[] = [];
      // By their own clocks objects of this moment may be a little ahead.
      for await (const id of store.listBefore(new Date(Date.now() + 86_400_000))) ids.push(id);
      for (const id of ids.sort()) {
        const pieces: Buffer[] = [];
        for await (const piece of store.get(id)) pieces.push(piece);
        yield* Buffer.concat(pieces).toString().trimEnd().split('\n');
      }
    },
  };
}
