// Inclusion and consistency proofs, made from tiles and checked without them: https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3

import { emptyRoot, nodeHash, tileSize } from './merkle.ts';

/** What proofs are made from: hashes of whole tiles, and of the leaves of those tiles a proof goes into. */
export interface TreeHashes {
  readonly size: number;
  tileHash(tile: number): Buffer;
  leaf(index: number): Buffer;
}

/** The tiles whose leaves are read, for a proof about leaf `index` or about the tree when it had `index` leaves. */
export function openTiles(index: number, size: number): number[] {
  return [...new Set([Math.floor(index / tileSize), Math.floor(size / tileSize)])];
}

export function rootOf(hashes: TreeHashes, size = hashes.size): Buffer {
  return size === 0 ? emptyRoot : rangeHash(hashes, 0, size);
}

/** https://www.rfc-editor.org/rfc/rfc6962#section-2.1.1 */
export function inclusionPath(hashes: TreeHashes, index: number): Buffer[] {
  const path: Buffer[] = [];
  let start = 0;
  let end = hashes.size;
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      path.push(rangeHash(hashes, middle, end));
      end = middle;
    } else {
      path.push(rangeHash(hashes, start, middle));
      start = middle;
    }
  }
  return path.reverse();
}

/** https://www.rfc-editor.org/rfc/rfc6962#section-2.1.2 */
export function consistencyPath(hashes: TreeHashes, oldSize: number): Buffer[] {
  if (oldSize === 0 || oldSize === hashes.size) return [];
  const path: Buffer[] = [];
  let start = 0;
  let end = hashes.size;
  let isWhole = true;
  while (end !== oldSize) {
    const middle = start + splitOf(end - start);
    if (oldSize <= middle) {
      path.push(rangeHash(hashes, middle, end));
      end = middle;
    } else {
      path.push(rangeHash(hashes, start, middle));
      start = middle;
      isWhole = false;
    }
  }
  if (!isWhole) path.push(rangeHash(hashes, start, end));
  return path.reverse();
}

export interface Inclusion {
  readonly leaf: Buffer;
  readonly index: number;
  readonly size: number;
  readonly path: readonly Buffer[];
}

/** The root that the path leads to; undefined when it is no path of this leaf. https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.2 */
export function includedRoot({ leaf, index, size, path }: Inclusion): Buffer | undefined {
  if (index >= size) return undefined;
  let node = index;
  let last = size - 1;
  let root = leaf;
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      root = nodeHash(sibling, root);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      root = nodeHash(root, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 ? root : undefined;
}

export interface Consistency {
  readonly oldSize: number;
  readonly oldRoot: Buffer;
  readonly size: number;
  readonly root: Buffer;
  readonly path: readonly Buffer[];
}

/** Whether the tree of now begins with the tree of then. https://www.rfc-editor.org/rfc/rfc9162#section-2.1.4.2 */
export function isConsistent({ oldSize, oldRoot, size, root, path }: Consistency): boolean {
  if (oldSize > size) return false;
  if (oldSize === size) return path.length === 0 && oldRoot.equals(root);
  if (oldSize === 0) return path.length === 0 && oldRoot.equals(emptyRoot);
  let [node, last] = [oldSize - 1, size - 1];
  while (node % 2 === 1) [node, last] = [(node - 1) / 2, Math.floor(last / 2)];
  const rest = [...path];
  const seed = node === 0 ? oldRoot : rest.shift();
  if (!seed) return false;
  let [before, now] = [seed, seed];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      before = nodeHash(sibling, before);
      now = nodeHash(sibling, now);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      now = nodeHash(now, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && before.equals(oldRoot) && now.equals(root);
}

/** Ranges are those that splitting a tree gives, so one of a tile's size or more begins with a tile. */
function rangeHash(hashes: TreeHashes, start: number, end: number): Buffer {
  const length = end - start;
  if (length === 1) return hashes.leaf(start);
  if (length === tileSize) return hashes.tileHash(start / tileSize);
  const middle = start + splitOf(length);
  return nodeHash(rangeHash(hashes, start, middle), rangeHash(hashes, middle, end));
}

/** The largest power of two below the length. */
function splitOf(length: number): number {
  let split = 1;
  while (split * 2 < length) split *= 2;
  return split;
}
