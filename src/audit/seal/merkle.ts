// Merkle trees as certificate logs have them, grown leaf by leaf: https://www.rfc-editor.org/rfc/rfc6962#section-2.1

import { hash } from 'node:crypto';

export const hashBytes = 32;
/** Leaves are kept in tiles of as many; a whole tile has a hash of its own, so that proofs read few leaves. */
export const tileSize = 256;
const tileLevel = 8;

const nodePrefix = Buffer.from([1]);

export function sha256(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}

export function nodeHash(left: Buffer, right: Buffer): Buffer {
  return sha256(Buffer.concat([nodePrefix, left, right]));
}

export const emptyRoot: Buffer = sha256(Buffer.alloc(0));

/** Only the roots of its perfect subtrees are kept, the largest first: as many as its size has ones in binary. */
export class GrowingTree {
  #size: number;
  readonly #subtrees: Buffer[];

  constructor(size = 0, subtrees: readonly Buffer[] = []) {
    if (subtrees.length !== onesOf(size)) throw new Error(`A tree of ${size} leaves has other subtrees.`);
    this.#size = size;
    this.#subtrees = [...subtrees];
  }

  /** Gives the hash of the tile that this leaf makes whole. */
  append(leaf: Buffer): Buffer | undefined {
    let node = leaf;
    let tile: Buffer | undefined;
    let level = 0;
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      node = nodeHash(this.#subtrees.pop() as Buffer, node);
      level += 1;
      if (level === tileLevel) tile = node;
    }
    this.#subtrees.push(node);
    this.#size += 1;
    return tile;
  }

  get size(): number {
    return this.#size;
  }

  get root(): Buffer {
    return (
      this.#subtrees.reduceRight(
        (right: Buffer | undefined, left) => (right ? nodeHash(left, right) : left),
        undefined,
      ) ?? emptyRoot
    );
  }

  get subtrees(): Buffer {
    return Buffer.concat(this.#subtrees);
  }
}

/** Of bytes in which hashes stand one behind the other. */
export function splitHashes(bytes: Buffer): Buffer[] {
  if (bytes.length % hashBytes !== 0) throw new Error('These are no whole hashes.');
  return Array.from({ length: bytes.length / hashBytes }, (_, at) =>
    bytes.subarray(at * hashBytes, (at + 1) * hashBytes),
  );
}

function onesOf(size: number): number {
  return size.toString(2).replaceAll('0', '').length;
}
