// Migrations make every table of a clinic's data through this: both walls of tenancy stand before the first row is written.

import type { Knex } from 'knex';

export interface TenantTableOptions {
  /** What the application role may do through the view; nobody else may do anything. */
  readonly grants: readonly ('SELECT' | 'INSERT' | 'UPDATE' | 'DELETE')[];
  /** Rows are written once: UPDATE, DELETE and TRUNCATE are refused for every role, the owner included. */
  readonly appendOnly?: boolean;
  /** What the system role may see and do across tenants, through the view `system.<name>`. */
  readonly system?: {
    readonly columns: readonly string[];
    readonly updates?: readonly string[];
    readonly deletes?: true;
  };
}

/**
 * The predicate of both walls. As a subquery, which the planner does not look into: it would take the share of the tenant
 * that happens to be the current one for the plan that all tenants then use. With `n_distinct = 1` it takes that of the
 * largest. The function itself would also be called for every row.
 */
export const isCurrentTenant = 'tenant_id = (SELECT tenant.current_id())';

/**
 * Takes a table `store.<name>` that has a column `tenant_id integer NOT NULL` and gives it its default, the filtered view
 * `tenant.<name>` (the first wall), forced row-level security (the second), and its grants.
 */
export async function isolateTenantTable(knex: Knex, name: string, options: TenantTableOptions): Promise<void> {
  await knex.raw(`
    ALTER TABLE store.${name} OWNER TO hpms_owner;
    ALTER TABLE store.${name} ALTER COLUMN tenant_id SET DEFAULT tenant.current_id();
    ALTER TABLE store.${name} ENABLE ROW LEVEL SECURITY;
    -- What any tenant could have is what plans are made for: see isCurrentTenant.
    ALTER TABLE store.${name} ALTER COLUMN tenant_id SET (n_distinct = 1);
    CREATE POLICY tenant ON store.${name} TO hpms_owner USING (${isCurrentTenant}) WITH CHECK (${isCurrentTenant});
    CREATE VIEW tenant.${name} AS SELECT * FROM store.${name} WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION;
    ALTER VIEW tenant.${name} OWNER TO hpms_owner;
    GRANT ${options.grants.join(', ')} ON tenant.${name} TO hpms_app;
  `);
  if (await canForceRowSecurity(knex)) await knex.raw(`ALTER TABLE store.${name} FORCE ROW LEVEL SECURITY`);
  if (options.appendOnly) await refuseChanges(knex, name);
  if (options.system) await openToSystem(knex, name, options.system);
}

/**
 * Under row-level security only leakproof operators may use an index, so forcing it needs the two array operators to be
 * declared leakproof, which only a superuser can do. Without that the views alone keep tenants apart, and `/readyz` says so.
 */
export async function canForceRowSecurity(knex: Knex): Promise<boolean> {
  const { rows } = await knex.raw(
    `SELECT bool_and(proleakproof) AS leakproof FROM pg_catalog.pg_proc
     WHERE oid IN ('pg_catalog.arraycontains'::regproc, 'pg_catalog.arrayoverlap'::regproc)`,
  );
  return rows[0].leakproof === true;
}

/** Refuses UPDATE, DELETE and TRUNCATE by trigger; a partition needs its own TRUNCATE trigger, see make_partitions. */
async function refuseChanges(knex: Knex, name: string): Promise<void> {
  await knex.raw(`
    CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON store.${name}
      FOR EACH ROW EXECUTE FUNCTION store.refuse_change();
    CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON store.${name}
      FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change();
  `);
}

/** The view has its reader's own rights: columns, and a policy that knows no tenant. */
export async function openToSystem(
  knex: Knex,
  name: string,
  { columns, updates = [], deletes }: NonNullable<TenantTableOptions['system']>,
): Promise<void> {
  const list = columns.join(', ');
  await knex.raw(`
    CREATE POLICY system ON store.${name} TO hpms_system USING (true) WITH CHECK (true);
    CREATE VIEW system.${name} WITH (security_invoker = true) AS SELECT ${list} FROM store.${name};
    ALTER VIEW system.${name} OWNER TO hpms_owner;
    GRANT SELECT (${list}) ON store.${name} TO hpms_system;
    GRANT SELECT ON system.${name} TO hpms_system;
  `);
  if (updates.length > 0) {
    await knex.raw(`
      GRANT UPDATE (${updates.join(', ')}) ON store.${name} TO hpms_system;
      GRANT UPDATE (${updates.join(', ')}) ON system.${name} TO hpms_system;
    `);
  }
  if (deletes) await knex.raw(`GRANT DELETE ON store.${name}, system.${name} TO hpms_system`);
}
