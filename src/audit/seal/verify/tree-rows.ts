// The leaves of a tenant's tree with the rows they are about, and the tiles, as they are stored.

import type { Transaction } from '../../../database/transaction.ts';
import { hashBytes, tileSize } from '../merkle.ts';
import { openTiles, type TreeHashes } from '../tree-proofs.ts';

export interface StoredLeaf {
  readonly index: number;
  readonly hash: Buffer;
  readonly id: string;
  readonly lastUpdated: Date;
  /** Null where the row is not there. */
  readonly content: Buffer | null;
}

/** Leaves that were sealed together, as they are stored. */
interface RunRow {
  readonly first: string;
  readonly hashes: Buffer;
  readonly tile: Buffer | null;
}

interface LeafRow extends Pick<StoredLeaf, 'id' | 'lastUpdated' | 'content'> {
  readonly first: string;
  readonly place: number;
}

export interface Leaves {
  readonly leaves: readonly StoredLeaf[];
  /** The hashes of whole tiles by their numbers. */
  readonly tiles: ReadonlyMap<number, Buffer>;
}

/** Those of the runs that begin in this range, which has to begin and end with a tile. */
export async function readLeaves(trx: Transaction, from: number, to: number): Promise<Leaves> {
  const values = [from, to];
  const [runs, rows] = await Promise.all([
    trx.query<RunRow>({
      name: 'sealed-runs',
      text: `SELECT first::text AS first, hashes, tile_hash AS tile FROM seal_leaves
             WHERE seal_leaves.first >= $1 AND seal_leaves.first < $2`,
      values,
    }),
    trx.query<LeafRow>({
      name: 'sealed-rows',
      text: `SELECT run.first::text AS first, leaf.place::int AS place, leaf.id, leaf.at AS "lastUpdated", event.content
             FROM seal_leaves run
             CROSS JOIN LATERAL unnest(run.ids, run.times) WITH ORDINALITY AS leaf (id, at, place)
             LEFT JOIN audit_event event ON event.id = leaf.id AND event.last_updated = leaf.at
             WHERE run.first >= $1 AND run.first < $2 ORDER BY run.first, leaf.place`,
      values,
    }),
  ]);
  return {
    leaves: leavesOf(runs, rows),
    tiles: new Map(runs.flatMap(({ first, tile }) => tileOf(Number(first), tile))),
  };
}

function leavesOf(runs: readonly RunRow[], rows: readonly LeafRow[]): StoredLeaf[] {
  const hashes = new Map(runs.map((run) => [run.first, run.hashes]));
  return rows.map(({ first, place, ...row }) => ({
    ...row,
    index: Number(first) + place - 1,
    hash: (hashes.get(first) as Buffer).subarray((place - 1) * hashBytes, place * hashBytes),
  }));
}

function tileOf(first: number, hash: Buffer | null): [number, Buffer][] {
  return hash ? [[Math.floor(first / tileSize), hash]] : [];
}

/** The hashes of the whole tiles that begin before this, by their numbers. */
export async function readTiles(trx: Transaction, before: number): Promise<ReadonlyMap<number, Buffer>> {
  const rows = await trx.query<{ first: string; tile: Buffer }>({
    name: 'sealed-tiles',
    text: `SELECT first::text AS first, tile_hash AS tile FROM seal_leaves
           WHERE tile_hash IS NOT NULL AND seal_leaves.first < $1`,
    values: [before],
  });
  return new Map(rows.flatMap(({ first, tile }) => tileOf(Number(first), tile)));
}

/** Behind the last leaf; 0 without any. */
export async function readEnd(trx: Transaction): Promise<number> {
  const [row] = await trx.query<{ end: string }>({
    name: 'sealed-end',
    text: 'SELECT (first + cardinality(ids))::text AS end FROM seal_leaves ORDER BY first DESC LIMIT 1',
  });
  return Number(row?.end ?? 0);
}

/** What proofs about a place in the tree of `size` leaves are made from; throws where something of it is not there. */
export async function readTreeHashes(trx: Transaction, size: number, index: number): Promise<TreeHashes> {
  const places = openTiles(index, size);
  const [tiles, ...opened] = await Promise.all([
    readTiles(trx, size),
    ...places.map((tile) => readLeaves(trx, tile * tileSize, (tile + 1) * tileSize)),
  ]);
  const hashes = new Map(opened.flatMap(({ leaves }) => leaves.map(({ index: at, hash }) => [at, hash])));
  return {
    size,
    tileHash: (tile) => present(tiles.get(tile), `tile ${tile}`),
    leaf: (at) => present(hashes.get(at), `leaf ${at}`),
  };
}

export class MissingHashError extends Error {
  override readonly name = 'MissingHashError';
}

function present(hash: Buffer | undefined, what: string): Buffer {
  if (hash) return hash;
  throw new MissingHashError(`${what} is not there`);
}
