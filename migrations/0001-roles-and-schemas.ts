// The roles, the schemas and the function that says which tenant a transaction may see (README, Roles and rights).

import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  const { rows } = await knex.raw(
    'SELECT current_database() AS database, rolsuper FROM pg_roles WHERE rolname = current_user',
  );
  await makeRoles(knex);
  await knex.raw(`
    REVOKE ALL ON DATABASE "${rows[0].database}" FROM PUBLIC;
    GRANT CONNECT ON DATABASE "${rows[0].database}" TO hpms_app, hpms_system, hpms_queue;
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
    GRANT USAGE ON LANGUAGE plpgsql TO hpms_owner;
    CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public;
    GRANT USAGE ON SCHEMA public TO hpms_owner;

    CREATE SCHEMA store AUTHORIZATION hpms_owner;
    CREATE SCHEMA tenant AUTHORIZATION hpms_owner;
    CREATE SCHEMA system AUTHORIZATION hpms_owner;
    GRANT USAGE ON SCHEMA tenant TO hpms_app;
    GRANT USAGE ON SCHEMA store, system TO hpms_system;
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
  `);
  if (rows[0].rolsuper) await declareArrayOperatorsLeakproof(knex);
  await makeFunctions(knex);
}

/** Roles belong to the whole server, so another database of this server may have made them already. */
async function makeRoles(knex: Knex): Promise<void> {
  for (const [role, login] of [
    ['hpms_owner', 'NOLOGIN'],
    ['hpms_app', 'LOGIN'],
    ['hpms_system', 'LOGIN'],
    ['hpms_queue', 'LOGIN'],
  ]) {
    const { rows } = await knex.raw(`SELECT 1 FROM pg_roles WHERE rolname = '${role}'`);
    if (rows.length === 0) {
      await knex.raw(
        `CREATE ROLE ${role} ${login} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT`,
      );
    }
  }
  await knex.raw('GRANT hpms_owner TO CURRENT_USER');
}

/** On bigint arrays these two cannot reveal a value, so row-level security may let them use an index. */
async function declareArrayOperatorsLeakproof(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER FUNCTION pg_catalog.arraycontains(anyarray, anyarray) LEAKPROOF;
    ALTER FUNCTION pg_catalog.arrayoverlap(anyarray, anyarray) LEAKPROOF;
  `);
}

async function makeFunctions(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Raises when no tenant is set: never set is an unknown setting, set by an earlier transaction is an empty one.
    CREATE FUNCTION tenant.current_id() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE
      AS $$ SELECT pg_catalog.current_setting('hpms.tenant_id')::pg_catalog.int4 $$;
    ALTER FUNCTION tenant.current_id() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION tenant.current_id() TO hpms_app, hpms_owner;

    CREATE FUNCTION store.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'Rows of % are written once and never changed.', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$;
    ALTER FUNCTION store.refuse_change() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION store.refuse_change() TO hpms_owner;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP SCHEMA system CASCADE; DROP SCHEMA tenant CASCADE; DROP SCHEMA store CASCADE');
}
