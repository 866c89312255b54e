// Reads from PostgreSQL's catalog what each role may really do: https://www.postgresql.org/docs/current/ddl-priv.html

import type pg from 'pg';

export interface Grant {
  /** `schema.name`, or `schema.name.column`. */
  readonly on: string;
  readonly role: string;
  readonly verb: string;
}

const ours = "('store', 'tenant', 'system', 'jobs', 'public', 'shared')";
const role = "CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee)::text END";

/** Everything anyone but the owner was granted on tables, views, sequences and their columns. */
export async function relationGrants(client: pg.Client): Promise<Grant[]> {
  const { rows } = await client.query<Grant>(`
    SELECT nspname || '.' || relname AS on, ${role} AS role, privilege_type AS verb
      FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace, aclexplode(relacl)
      WHERE nspname IN ${ours} AND grantee <> relowner
    UNION ALL
    SELECT nspname || '.' || relname || '.' || attname, ${role}, privilege_type
      FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace,
        aclexplode(attacl)
      WHERE nspname IN ${ours} AND grantee <> relowner
    ORDER BY 1, 2, 3`);
  return rows;
}

export async function schemaGrants(client: pg.Client): Promise<Grant[]> {
  const { rows } = await client.query<Grant>(`
    SELECT nspname::text AS on, ${role} AS role, privilege_type AS verb
      FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
      WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1, 2, 3`);
  return rows;
}

export async function functionGrants(client: pg.Client): Promise<Grant[]> {
  const { rows } = await client.query<Grant>(`
    SELECT nspname || '.' || proname AS on, ${role} AS role, privilege_type AS verb
      FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace,
        aclexplode(coalesce(proacl, acldefault('f', proowner)))
      WHERE nspname IN ('store', 'tenant', 'system') ORDER BY 1, 2, 3`);
  return rows;
}

/** The tables of schema `store`; `parent` is set for a partition. */
export async function storeTables(client: pg.Client): Promise<StoreTable[]> {
  const { rows } = await client.query<StoreTable>(`
    SELECT relname::text AS name, relkind::text AS kind, inhparent::regclass::text AS parent, relrowsecurity AS secured,
           relforcerowsecurity AS forced, pg_get_userbyid(relowner)::text AS owner,
           EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'tenant_id' AND NOT attisdropped)
             AS "hasTenant"
      FROM pg_class LEFT JOIN pg_inherits ON inhrelid = pg_class.oid
      WHERE relnamespace = 'store'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1`);
  return rows;
}

export interface StoreTable {
  readonly name: string;
  readonly kind: string;
  readonly parent: string | null;
  readonly secured: boolean;
  readonly forced: boolean;
  readonly owner: string;
  readonly hasTenant: boolean;
}

/** Names of relations of these kinds in a schema. */
export async function relationNames(client: pg.Client, schema: string, kinds: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname::text AS name FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind::text = ANY ($2) ORDER BY 1`,
    [schema, kinds],
  );
  return rows.map(({ name }) => name);
}
