// Seals what stands beside resources again under the newest data key, such as accounts and clients: some rows of a column at a time.

import type { KeyColumn, SealedColumn } from '../../crypto/sealed-column.ts';
import type { Session } from '../session.ts';
import type { Place, RunRow } from './run-rows.ts';
import { unlessDamaged } from './unless-damaged.ts';

const rowsMax = 200;

/** Where a run is that has gone through all resources; no resource type has a dot. */
const placeName = ({ table, column }: SealedColumn): string => `${table}.${column}`;

/** The place of a run that begins with the columns; undefined where there are none. */
export function firstColumn({ repository }: Session): Place | undefined {
  const [first] = repository.sealedColumns ?? [];
  return first && { type: placeName(first), id: '' };
}

export function isInColumns({ at_type: type }: RunRow): boolean {
  return type?.includes('.') ?? false;
}

/** Where to go on; undefined when nothing is left under an earlier key. */
export async function resealColumns(session: Session, { at_type: type, at_id: after }: RunRow) {
  const columns = session.repository.sealedColumns ?? [];
  const index = columns.findIndex((column) => placeName(column) === type);
  const column = columns[index];
  // Of a release that knew others: from the beginning.
  if (!column) return firstColumn(session);
  const rows = await readOlder(session, column, after ?? '');
  if (rows.length > 0) await reseal(session, column, rows);
  const last = rows.at(-1);
  if (last && rows.length === rowsMax) return { type: placeName(column), id: JSON.stringify(last.key) };
  const next = columns[index + 1];
  if (next) return { type: placeName(next), id: '' };
  // Whoever had not heard of the new key may have written behind the run.
  return (await isAnyOlder(session, columns)) ? firstColumn(session) : undefined;
}

interface SealedRow {
  readonly key: readonly string[];
  readonly box: Buffer;
}

/** A box names its key's version in its bytes 1 to 4: see sealed-box.ts. */
const isOlder = (column: string, version: string) => `substring(${column} FROM 2 FOR 4) < int4send(${version}::int)`;

const textOf = ({ name, type }: KeyColumn) => (type === 'bytea' ? `encode(${name}, 'hex')` : `${name}::text`);
const boundOf = ({ type }: KeyColumn, text: string) =>
  type === 'bytea' ? `decode(${text}, 'hex')` : `${text}::${type}`;

/** Behind the row that `after` names, in the order of the key. */
async function readOlder(
  { trx, cipher }: Session,
  { table, column, key }: SealedColumn,
  after: string,
): Promise<SealedRow[]> {
  const names = key.map(({ name }) => name).join(', ');
  const behind = after === '' ? [] : (JSON.parse(after) as string[]);
  const place = key.map((one, index) => boundOf(one, `$${index + 2}`)).join(', ');
  return await trx.query<SealedRow>({
    name: `reseal-read-${table}-${column}-${after === '' ? 'first' : 'next'}`,
    text: `SELECT ARRAY[${key.map(textOf).join(', ')}] AS key, ${column} AS box FROM ${table}
           WHERE ${isOlder(column, '$1')} ${after === '' ? '' : `AND (${names}) > (${place})`}
           ORDER BY ${names} LIMIT ${rowsMax} FOR UPDATE`,
    values: [cipher.dataKeyVersion, ...behind],
  });
}

async function reseal(session: Session, column: SealedColumn, rows: readonly SealedRow[]): Promise<void> {
  const resealed: SealedRow[] = [];
  for (const row of rows) {
    const box = await unlessDamaged(session, () => sealAgain(session, column, row));
    if (box) resealed.push({ key: row.key, box });
  }
  if (resealed.length === 0) return;
  const { table, column: name, key } = column;
  const names = key.map((_, index) => `key${index}`);
  const parts = key.map((_, index) => `$${index + 2}::text[]`);
  session.trx.execute({
    name: `reseal-write-${table}-${name}`,
    text: `UPDATE ${table} SET ${name} = row.box
           FROM unnest($1::bytea[], ${parts.join(', ')}) AS row (box, ${names.join(', ')})
           WHERE ${key.map((one, index) => `${table}.${one.name} = ${boundOf(one, `row.key${index}`)}`).join(' AND ')}`,
    values: [resealed.map(({ box }) => box), ...key.map((_, index) => resealed.map((row) => row.key[index]))],
  });
}

function sealAgain({ cipher }: Session, { contextOf }: SealedColumn, { key, box }: SealedRow): Buffer {
  const context = contextOf(key);
  return cipher.seal(cipher.open(box, context), context);
}

/** That opens: what does not stays under its key for ever. */
async function isAnyOlder(session: Session, columns: readonly SealedColumn[]): Promise<boolean> {
  if (!(await isAnyNamedOlder(session, columns))) return false;
  for (const column of columns) {
    const rows = await readOlder(session, column, '');
    for (const row of rows) if (await unlessDamaged(session, () => sealAgain(session, column, row))) return true;
  }
  return false;
}

async function isAnyNamedOlder({ trx, cipher }: Session, columns: readonly SealedColumn[]): Promise<boolean> {
  const tests = columns.map(({ table, column }) => `EXISTS (SELECT FROM ${table} WHERE ${isOlder(column, '$1')})`);
  const [row] = await trx.query<{ found: boolean }>({
    name: 'reseal-left',
    text: `SELECT ${tests.join(' OR ')} AS found`,
    values: [cipher.dataKeyVersion],
  });
  return row?.found === true;
}
