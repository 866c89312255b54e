// Ascending concept numbers as the bytes that are stored: each as its distance from the one before, seven bits a byte.

import type { ConceptSet } from './concept-set.ts';

export function packIds(ids: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(ids.length * 5);
  let length = 0;
  let last = -1;
  for (const id of ids) {
    let distance = id - last - 1;
    for (; distance > 127; distance >>>= 7) bytes[length++] = (distance & 127) | 128;
    bytes[length++] = distance;
    last = id;
  }
  return Buffer.from(bytes.subarray(0, length));
}

export function unpackIdsInto(bytes: Uint8Array, set: ConceptSet): void {
  let id = -1;
  for (let at = 0; at < bytes.length; ) {
    let distance = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      distance |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    id += distance + 1;
    set.add(id);
  }
}
