// Compares the columns of the database with the declared plain ones: a text that is not declared holds no canary.

import type pg from 'pg';
import { plainColumns } from './plain-columns.ts';

export interface ColumnCheck {
  /** How many columns were looked at. */
  readonly columns: number;
  /** `table.column` that is declared and does not exist. */
  readonly unknown: readonly string[];
  /** `table.column` with the number of rows in it that hold what they should not. */
  readonly outside: ReadonlyMap<string, number>;
  /** `table.column` with the number of rows in it that hold what is declared readable. */
  readonly inside: ReadonlyMap<string, number>;
}

/** Texts of canaries, which may be nowhere, and of what may stand in declared columns. */
export interface Sought {
  readonly canaries: readonly string[];
  readonly readable: readonly string[];
}

const textLike = "'text', 'text[]', 'jsonb', 'json', 'character varying', 'name'";

export async function checkColumns(client: pg.Client, { canaries, readable }: Sought): Promise<ColumnCheck> {
  const { rows } = await client.query<{ schema: string; table: string; column: string }>(
    `SELECT nspname AS schema, relname AS table, attname AS column
     FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'planted') AND relkind IN ('r', 'p')
       AND NOT relispartition AND attnum > 0 AND NOT attisdropped
       AND regexp_replace(format_type(atttypid, atttypmod), '\\(.*', '') IN (${textLike})
     ORDER BY 1, 2, attnum`,
  );
  const declared = new Set(
    plainColumns.flatMap(({ table, columns }) => columns.map((column) => `store.${table}.${column}`)),
  );
  const known = new Set(rows.map(({ schema, table, column }) => `${schema}.${table}.${column}`));
  const [outside, inside] = [new Map<string, number>(), new Map<string, number>()];
  for (const [key, columns] of Map.groupBy(rows, ({ schema, table }) => `"${schema}"."${table}"`)) {
    const counts = columns.flatMap(({ column }, index) => [
      `count(*) FILTER (WHERE "${column}"::text ~* $1)::integer AS c${index}`,
      `count(*) FILTER (WHERE "${column}"::text ~* $2)::integer AS r${index}`,
    ]);
    const found = await client.query<Record<string, number>>(`SELECT ${counts} FROM ${key}`, [
      canaries.map(escaped).join('|'),
      readable.map(escaped).join('|'),
    ]);
    for (const [index, { schema, table, column }] of columns.entries()) {
      const name = `${schema}.${table}.${column}`;
      const { [`c${index}`]: ofCanaries = 0, [`r${index}`]: ofReadable = 0 } = found.rows[0] ?? {};
      const isDeclared = declared.has(name);
      const wrong = ofCanaries + (isDeclared ? 0 : ofReadable);
      if (wrong > 0) outside.set(name, wrong);
      if (isDeclared && ofReadable > 0) inside.set(name, ofReadable);
    }
  }
  return { columns: rows.length, unknown: [...declared].filter((name) => !known.has(name)), outside, inside };
}

function escaped(text: string): string {
  return text.replaceAll(/[^\w]/g, '\\$&');
}
