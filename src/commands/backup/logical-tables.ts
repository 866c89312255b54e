// The tables of a logical backup: all of ours but the queue's, which the relay fills again, and the list of migrations.

import type pg from 'pg';

export interface TableColumns {
  /** With its schema. */
  readonly name: string;
  readonly columns: readonly string[];
  /** Those that hold numbers of transactions. */
  readonly transactions: readonly string[];
  /** The column that counts by a sequence. */
  readonly counted: string | null;
}

/** Of history and AuditEvents: the months that there are. */
export interface Partition {
  readonly parent: string;
  readonly name: string;
  /** `FOR VALUES …`, as PostgreSQL writes it. */
  readonly bounds: string;
}

const schemas = ['store', 'shared'];

export async function readTables(client: pg.Client): Promise<TableColumns[]> {
  const { rows } = await client.query<TableColumns>(
    `SELECT format('%I.%I', nspname, relname) AS name,
       array_agg(quote_ident(attname) ORDER BY attnum) FILTER (WHERE attgenerated = '') AS columns,
       coalesce(array_agg(quote_ident(attname)) FILTER (WHERE atttypid = 'xid8'::regtype), '{}') AS transactions,
       max(attname) FILTER (WHERE pg_get_serial_sequence(format('%I.%I', nspname, relname), attname) IS NOT NULL) AS counted
     FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
     WHERE nspname = ANY ($1) AND relkind IN ('r', 'p') AND NOT relispartition
     GROUP BY nspname, relname ORDER BY nspname, relname`,
    [schemas],
  );
  return rows;
}

export async function readPartitions(client: pg.Client): Promise<Partition[]> {
  const { rows } = await client.query<Partition>(
    `SELECT format('%I.%I', nspname, parent.relname) AS parent, format('%I.%I', nspname, child.relname) AS name,
       pg_get_expr(child.relpartbound, child.oid) AS bounds
     FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid JOIN pg_class AS parent ON parent.oid = inhparent
     JOIN pg_namespace ON pg_namespace.oid = parent.relnamespace
     WHERE nspname = ANY ($1) AND child.relkind = 'r' ORDER BY name`,
    [schemas],
  );
  return rows;
}

export async function countRows(
  client: pg.Client,
  tables: readonly { readonly name: string }[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { name } of tables) {
    const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${name}`);
    counts.set(name, Number(rows[0]?.count));
  }
  return counts;
}
