// The class of its plain codes that each resource is counted in, for totals of searches by them: https://hl7.org/fhir/R4/search.html#total

import type { Knex } from 'knex';
import { isCurrentTenant } from '../src/database/tenant-table.ts';

/**
 * The counters of migration 0012, by class too: those without one are of resources that were stored before, until they are indexed
 * again. A resource whose class changes leaves one and enters the other.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- See src/search/count-classes.ts.
    ALTER TABLE store.resource ADD COLUMN count_class bigint;
    ALTER TABLE store.type_count ADD COLUMN count_class bigint;
    ALTER TABLE store.type_count DROP CONSTRAINT type_count_pkey,
      ADD PRIMARY KEY (tenant_id, type, id) INCLUDE (amount, count_class);
    ${tenantView('resource')};
    ${tenantView('type_count')};
    ${systemView('tenant_id, type, id, amount, count_class')};
    GRANT SELECT (count_class) ON store.type_count TO hpms_system;
  `);
  await makeTriggers(knex, 'count_class');
}

const tenantView = (name: string) => `CREATE OR REPLACE VIEW tenant.${name} AS
  SELECT * FROM store.${name} WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION`;

const systemView = (columns: string) => `CREATE OR REPLACE VIEW system.type_count WITH (security_invoker = true) AS
  SELECT ${columns} FROM store.type_count`;

/** By type, and by a further column of the resource. */
async function makeTriggers(knex: Knex, further?: 'count_class'): Promise<void> {
  const of = (row: string) =>
    ['tenant_id', 'type', ...(further ? [further] : [])].map((name) => `${row}.${name}`).join();
  const columns = `tenant_id, type${further ? `, ${further}` : ''}, amount`;
  const changes = ['deleted', ...(further ? [further] : [])].map((name) => `OLD.${name} IS DISTINCT FROM NEW.${name}`);
  await knex.raw(`
    DROP TRIGGER IF EXISTS count_deletion ON store.resource;
    DROP TRIGGER IF EXISTS count_change ON store.resource;
    DROP FUNCTION IF EXISTS store.count_deletion(), store.count_change();

    -- Whoever loads the data of many tenants is in none of them: each is entered to be counted.
    CREATE OR REPLACE FUNCTION store.count_added() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
      counted record;
    BEGIN
      IF current_setting('hpms.tenant_id', true) <> '' THEN
        INSERT INTO store.type_count (${columns})
          SELECT ${of('added')}, count(*) FROM added WHERE NOT deleted GROUP BY ${of('added')};
        RETURN NULL;
      END IF;
      FOR counted IN SELECT ${of('added')}, count(*) AS amount FROM added WHERE NOT deleted GROUP BY ${of('added')} LOOP
        PERFORM set_config('hpms.tenant_id', counted.tenant_id::text, true);
        INSERT INTO store.type_count (${columns}) VALUES (${of('counted')}, counted.amount);
      END LOOP;
      PERFORM set_config('hpms.tenant_id', '', true);
      RETURN NULL;
    END $$;

    CREATE FUNCTION store.count_change() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
      entered text := coalesce(current_setting('hpms.tenant_id', true), '');
    BEGIN
      IF entered = '' THEN PERFORM set_config('hpms.tenant_id', NEW.tenant_id::text, true); END IF;
      INSERT INTO store.type_count (${columns})
        SELECT ${of('OLD')}, -1 WHERE NOT OLD.deleted UNION ALL SELECT ${of('NEW')}, 1 WHERE NOT NEW.deleted;
      IF entered = '' THEN PERFORM set_config('hpms.tenant_id', '', true); END IF;
      RETURN NULL;
    END $$;
    ALTER FUNCTION store.count_change() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION store.count_change() TO hpms_owner;
    CREATE TRIGGER count_change AFTER UPDATE ON store.resource
      FOR EACH ROW WHEN (${changes.join(' OR ')}) EXECUTE FUNCTION store.count_change();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await makeTriggers(knex);
  await knex.raw(`
    DROP VIEW tenant.resource, tenant.type_count, system.type_count;
    ALTER TABLE store.resource DROP COLUMN count_class;
    ALTER TABLE store.type_count DROP COLUMN count_class;
    ALTER TABLE store.type_count ADD PRIMARY KEY (tenant_id, type, id) INCLUDE (amount);
    ${tenantView('resource')};
    ${tenantView('type_count')};
    ${systemView('tenant_id, type, id, amount')};
    ALTER VIEW tenant.resource OWNER TO hpms_owner;
    ALTER VIEW tenant.type_count OWNER TO hpms_owner;
    ALTER VIEW system.type_count OWNER TO hpms_owner;
    GRANT SELECT, INSERT, UPDATE ON tenant.resource TO hpms_app;
    GRANT SELECT ON tenant.type_count TO hpms_app;
    GRANT SELECT, DELETE, UPDATE (amount) ON system.type_count TO hpms_system;
  `);
}
