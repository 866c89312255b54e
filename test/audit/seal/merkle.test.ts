// Roots, inclusion and consistency proofs are those of RFC 6962, whatever the size: https://www.rfc-editor.org/rfc/rfc6962#section-2.1

import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { leafHash } from '../../../src/audit/seal/leaf.ts';
import { emptyRoot, GrowingTree, splitHashes } from '../../../src/audit/seal/merkle.ts';
import {
  consistencyPath,
  includedRoot,
  inclusionPath,
  isConsistent,
  rootOf,
  type TreeHashes,
} from '../../../src/audit/seal/tree-proofs.ts';
import { naivePath, naiveProof, naiveRoot } from './naive-tree.ts';

const seed = 6962;
const leavesMax = 1_100;
const leaves = Array.from({ length: leavesMax }, (_, at) => createHash('sha256').update(`leaf ${at}`).digest());

/** As the database gives it: hashes of whole tiles, and any leaf. */
function stored(size: number): TreeHashes {
  const tree = new GrowingTree();
  const tiles = leaves.slice(0, size).flatMap((leaf) => tree.append(leaf) ?? []);
  return { size, tileHash: (tile) => tiles[tile] as Buffer, leaf: (index) => leaves[index] as Buffer };
}

const sizes = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: leavesMax }),
  fc.constantFrom(256, 512, 1_024),
);
const run = (property: fc.IProperty<unknown>, numRuns = 80) => fc.assert(property, { seed, numRuns });

describe('a tree', () => {
  test('has the root of RFC 6962 at each size it grows through, also when it goes on from its subtrees', () => {
    expect(new GrowingTree().root).toEqual(emptyRoot);
    let tree = new GrowingTree();
    for (let size = 1; size <= 300; size++) {
      if (size % 7 === 0) tree = new GrowingTree(tree.size, splitHashes(tree.subtrees));
      tree.append(leaves[size - 1] as Buffer);
      expect(tree.root).toEqual(naiveRoot(leaves.slice(0, size)));
    }
  });

  test('tells the hash of each tile of 256 leaves when it is whole, and takes no wrong number of subtrees', () => {
    const tree = new GrowingTree();
    const tiles = leaves.slice(0, 1_024).map((leaf) => tree.append(leaf));
    for (const [at, tile] of tiles.entries()) {
      const expected = at % 256 === 255 ? naiveRoot(leaves.slice(at - 255, at + 1)) : undefined;
      expect(tile).toEqual(expected);
    }
    expect(() => new GrowingTree(3, [leaves[0] as Buffer])).toThrow('other subtrees');
  });
});

describe('proofs', () => {
  test('of inclusion are those of section 2.1.1 and lead from each leaf to the root', () => {
    run(
      fc.property(sizes, fc.nat(), (size, any) => {
        const index = any % size;
        const hashes = stored(size);
        const path = inclusionPath(hashes, index);
        expect(path).toEqual(naivePath(index, leaves.slice(0, size)));
        const leaf = leaves[index] as Buffer;
        expect(includedRoot({ leaf, index, size, path })).toEqual(rootOf(hashes));
      }),
    );
  });

  test('of inclusion fit no other leaf, place, size or path', () => {
    run(
      fc.property(sizes, fc.nat(), fc.nat(), (size, any, other) => {
        const index = any % size;
        const hashes = stored(size);
        const proof = { leaf: leaves[index] as Buffer, index, size, path: inclusionPath(hashes, index) };
        const root = rootOf(hashes);
        const wrong = [
          { ...proof, leaf: leaves[(index + 1 + (other % (leavesMax - 1))) % leavesMax] as Buffer },
          { ...proof, index: index + size },
          { ...proof, path: [...proof.path, root] },
          ...(size > 1 ? [{ ...proof, index: (index + 1 + (other % (size - 1))) % size }] : []),
          ...(size > 1 ? [{ ...proof, path: proof.path.slice(1) }] : []),
        ];
        for (const one of wrong) expect(includedRoot(one)?.equals(root) ?? false).toBe(false);
      }),
    );
  });

  test('of consistency are those of section 2.1.2, and hold between each two sizes and for no other root', () => {
    run(
      fc.property(sizes, fc.nat(), (size, any) => {
        const oldSize = 1 + (any % size);
        const hashes = stored(size);
        const path = consistencyPath(hashes, oldSize);
        expect(path).toEqual(naiveProof(oldSize, leaves.slice(0, size)));
        const oldRoot = naiveRoot(leaves.slice(0, oldSize));
        const proof = { oldSize, oldRoot, size, root: rootOf(hashes), path };
        expect(isConsistent(proof)).toBe(true);
        expect(isConsistent({ ...proof, oldRoot: emptyRoot })).toBe(false);
        expect(isConsistent({ ...proof, root: emptyRoot })).toBe(false);
        expect(isConsistent({ ...proof, path: [...path, emptyRoot] })).toBe(false);
        expect(isConsistent({ ...proof, oldSize: size + 1 })).toBe(false);
      }),
    );
  });
});

describe('a leaf', () => {
  const row = { id: 'a', lastUpdated: new Date('2026-11-20T00:00:00.123Z'), content: Buffer.from('sealed') };

  test('is the hash of a zero byte, tenant, time, id and stored content', () => {
    const bytes = Buffer.concat([
      Buffer.from('0000000007', 'hex'),
      Buffer.alloc(8),
      Buffer.from('0000000161', 'hex'),
      row.content,
    ]);
    bytes.writeBigInt64BE(BigInt(row.lastUpdated.getTime()), 5);
    expect(leafHash(7, row)).toEqual(createHash('sha256').update(bytes).digest());
  });

  test('is another one for another tenant, id, time or content, also where the bytes in a row are the same', () => {
    const all = [
      leafHash(7, row),
      leafHash(8, row),
      leafHash(7, { ...row, id: 'b' }),
      leafHash(7, { ...row, lastUpdated: new Date('2026-11-20T00:00:00.124Z') }),
      leafHash(7, { ...row, content: Buffer.from('sealeD') }),
      leafHash(7, { ...row, id: 'as', content: Buffer.from('ealed') }),
    ];
    expect(new Set(all.map(String)).size).toBe(all.length);
  });
});
