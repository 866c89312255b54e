// The statements that write current versions and keep superseded ones.

import type { Transaction } from '../database/transaction.ts';

export interface ResourceRow {
  readonly type: string;
  readonly id: string;
  readonly versionId: number;
  readonly deleted: boolean;
  readonly content: Buffer | null;
  readonly objectId: string | null;
  /** PostgreSQL's text of a bigint[], such as `{1,-2}`. */
  readonly tokens: string;
  /** Of a bigint, such as `-2`; null where the resource is in no class (count-classes.ts). */
  readonly countClass: string | null;
}

const columnsOf = ({ type, id, versionId, deleted, content, objectId, tokens, countClass }: ResourceRow) => [
  type,
  id,
  versionId,
  deleted,
  content,
  objectId,
  tokens,
  countClass,
];

const columnArrays = (rows: readonly ResourceRow[]) => [
  rows.map((row) => row.type),
  rows.map((row) => row.id),
  rows.map((row) => row.versionId),
  rows.map((row) => row.deleted),
  rows.map((row) => row.content),
  rows.map((row) => row.objectId),
  rows.map((row) => row.tokens),
  rows.map((row) => row.countClass),
];

const rowSet =
  'unnest($2::text[], $3::text[], $4::int[], $5::bool[], $6::bytea[], $7::uuid[], $8::text[], $9::bigint[])';
const rowNames = 'type, id, version_id, deleted, content, object_id, tokens, count_class';

export function insertResources(trx: Transaction, at: Date, rows: readonly ResourceRow[]): void {
  const [only] = rows;
  if (only && rows.length === 1) {
    trx.execute({
      name: 'insert-resource',
      text: `INSERT INTO resource (last_updated, ${rowNames}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8::bigint[], $9)`,
      values: [at, ...columnsOf(only)],
    });
    return;
  }
  trx.execute({
    name: 'insert-resources',
    text: `INSERT INTO resource (last_updated, ${rowNames})
           SELECT $1, type, id, version_id, deleted, content, object_id, tokens::bigint[], count_class
           FROM ${rowSet} AS row (${rowNames})`,
    values: [at, ...columnArrays(rows)],
  });
}

/** Copies the versions that are about to be replaced; the rows are locked by the plan. */
export function keepHistory(trx: Transaction, rows: readonly ResourceRow[]): void {
  const copied = 'type, id, version_id, last_updated, deleted, content, object_id, tx';
  const [only] = rows;
  if (only && rows.length === 1) {
    trx.execute({
      name: 'keep-history-one',
      text: `INSERT INTO history (${copied}) SELECT ${copied} FROM resource WHERE type = $1 AND id = $2`,
      values: [only.type, only.id],
    });
    return;
  }
  trx.execute({
    name: 'keep-history',
    text: `INSERT INTO history (${copied}) SELECT ${copied} FROM resource
           WHERE (type, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    values: [rows.map((row) => row.type), rows.map((row) => row.id)],
  });
}

export function updateResources(trx: Transaction, at: Date, rows: readonly ResourceRow[]): void {
  const [only] = rows;
  if (only && rows.length === 1) {
    trx.execute({
      name: 'update-resource',
      text: `UPDATE resource SET last_updated = $1, version_id = $4, deleted = $5, content = $6, object_id = $7,
               tokens = $8::bigint[], count_class = $9, tx = pg_current_xact_id()
             WHERE type = $2 AND id = $3`,
      values: [at, ...columnsOf(only)],
    });
    return;
  }
  trx.execute({
    name: 'update-resources',
    text: `UPDATE resource SET last_updated = $1, version_id = row.version_id, deleted = row.deleted, content = row.content,
             object_id = row.object_id, tokens = row.tokens::bigint[], count_class = row.count_class,
             tx = pg_current_xact_id()
           FROM ${rowSet} AS row (${rowNames})
           WHERE resource.type = row.type AND resource.id = row.id`,
    values: [at, ...columnArrays(rows)],
  });
}
