// The statements that keep the side tables of search: references for joins, dates and numbers for ranges and order.

import type { Transaction } from '../database/transaction.ts';
import type { IndexEntry } from '../search/index-entry.ts';
import type { Session } from './session.ts';

interface Key {
  readonly type: string;
  readonly id: string;
}

/** A resource and all that search stores about it. */
export interface Indexed {
  readonly change: Key;
  readonly entries: readonly IndexEntry[];
}

/** True when both sets of entries make the same rows in the side tables, so that an update may leave them alone. */
export function sameIndexRows(old: readonly IndexEntry[], fresh: readonly IndexEntry[]): boolean {
  const keys = new Set(rowKeys(old));
  const freshKeys = new Set(rowKeys(fresh));
  return keys.size === freshKeys.size && [...keys].every((key) => freshKeys.has(key));
}

function rowKeys(entries: readonly IndexEntry[]): string[] {
  return entries.flatMap((entry) => {
    if (entry.kind === 'token' || entry.kind === 'class') return [];
    if (entry.kind === 'date') return [`${entry.parameter} ${entry.low} ${entry.high}`];
    if (entry.kind === 'range') return [`${entry.parameter} ${entry.low} ${entry.high} in ${entry.unit}`];
    return [`${entry.parameter} ${entry.targetType}/${entry.targetId}`];
  });
}

export function deleteIndexRows(trx: Transaction, changes: readonly Key[]): void {
  if (changes.length === 0) return;
  const values = [changes.map((change) => change.type), changes.map((change) => change.id)];
  trx.execute({
    name: 'delete-references',
    text: 'DELETE FROM reference WHERE (source_type, source_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))',
    values,
  });
  trx.execute({
    name: 'delete-dates',
    text: 'DELETE FROM date_value WHERE (type, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))',
    values,
  });
  trx.execute({
    name: 'delete-ranges',
    text: 'DELETE FROM range_value WHERE (type, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))',
    values,
  });
}

export function insertIndexRows(trx: Transaction, stored: readonly Indexed[]): void {
  insertReferences(trx, stored);
  insertDates(trx, stored);
}

function insertReferences(trx: Transaction, stored: readonly Indexed[]): void {
  const rows = stored.flatMap(({ change, entries }) =>
    entries.flatMap((entry) => (entry.kind === 'reference' ? [{ ...entry, type: change.type, id: change.id }] : [])),
  );
  if (rows.length === 0) return;
  trx.execute({
    name: 'insert-references',
    text: `INSERT INTO reference (source_type, source_id, parameter, target_type, target_id)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])`,
    values: [
      rows.map((row) => row.type),
      rows.map((row) => row.id),
      rows.map((row) => row.parameter),
      rows.map((row) => row.targetType),
      rows.map((row) => row.targetId),
    ],
  });
}

function insertDates(trx: Transaction, stored: readonly Indexed[]): void {
  const rows = stored.flatMap(({ change, entries }) =>
    entries.flatMap((entry) => (entry.kind === 'date' ? [{ ...entry, type: change.type, id: change.id }] : [])),
  );
  if (rows.length === 0) return;
  trx.execute({
    name: 'insert-dates',
    text: `INSERT INTO date_value (type, id, parameter, low, high)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])`,
    values: [
      rows.map((row) => row.type),
      rows.map((row) => row.id),
      rows.map((row) => row.parameter),
      rows.map((row) => timestampText(row.low)),
      rows.map((row) => timestampText(row.high)),
    ],
  });
}

/** Apart from the others, for units are keyed like tokens. */
export function insertRanges({ trx, cipher }: Pick<Session, 'trx' | 'cipher'>, stored: readonly Indexed[]): void {
  const rows = stored.flatMap(({ change, entries }) =>
    entries.flatMap((entry) => {
      if (entry.kind !== 'range') return [];
      return unitsOf(cipher, entry.unit).map((unit) => ({ ...entry, unit, type: change.type, id: change.id }));
    }),
  );
  if (rows.length === 0) return;
  trx.execute({
    name: 'insert-ranges',
    text: `INSERT INTO range_value (type, id, parameter, unit, low, high)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[])`,
    values: [
      rows.map((row) => row.type),
      rows.map((row) => row.id),
      rows.map((row) => row.parameter),
      `{${rows.map((row) => row.unit).join(',')}}`,
      rows.map((row) => row.low),
      rows.map((row) => row.high),
    ],
  });
}

/** While the index key is rotated each range has a row under both keys. */
export function unitsOf({ tokenOf, alsoTokenOf }: Session['cipher'], unit: string): bigint[] {
  return alsoTokenOf ? [tokenOf(unit), alsoTokenOf(unit)] : [tokenOf(unit)];
}

function timestampText(ms: number): string {
  return new Date(ms).toISOString();
}
