// The class of its bound codes that each resource is counted in, for totals of searches by them: https://hl7.org/fhir/R4/search.html#total

import type { Knex } from 'knex';
import { isCurrentTenant } from '../src/database/tenant-table.ts';
import { makeTriggers } from './0012-type-counts.ts';

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
  await countByClass(knex);
}

const tenantView = (name: string) => `CREATE OR REPLACE VIEW tenant.${name} AS
  SELECT * FROM store.${name} WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION`;

const systemView = (columns: string) => `CREATE OR REPLACE VIEW system.type_count WITH (security_invoker = true) AS
  SELECT ${columns} FROM store.type_count`;

/** As in migration 0012, by class too. */
async function countByClass(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TRIGGER count_deletion ON store.resource;
    DROP FUNCTION store.count_deletion();

    CREATE OR REPLACE FUNCTION store.count_added() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
      counted record;
    BEGIN
      IF current_setting('hpms.tenant_id', true) <> '' THEN
        INSERT INTO store.type_count (tenant_id, type, count_class, amount)
          SELECT tenant_id, type, count_class, count(*) FROM added WHERE NOT deleted GROUP BY tenant_id, type, count_class;
        RETURN NULL;
      END IF;
      FOR counted IN
        SELECT tenant_id, type, count_class, count(*) AS amount FROM added WHERE NOT deleted GROUP BY tenant_id, type, count_class
      LOOP
        PERFORM set_config('hpms.tenant_id', counted.tenant_id::text, true);
        INSERT INTO store.type_count (tenant_id, type, count_class, amount)
          VALUES (counted.tenant_id, counted.type, counted.count_class, counted.amount);
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
      INSERT INTO store.type_count (tenant_id, type, count_class, amount)
        SELECT OLD.tenant_id, OLD.type, OLD.count_class, -1 WHERE NOT OLD.deleted
        UNION ALL SELECT NEW.tenant_id, NEW.type, NEW.count_class, 1 WHERE NOT NEW.deleted;
      IF entered = '' THEN PERFORM set_config('hpms.tenant_id', '', true); END IF;
      RETURN NULL;
    END $$;
    ALTER FUNCTION store.count_change() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION store.count_change() TO hpms_owner;
    CREATE TRIGGER count_change AFTER UPDATE ON store.resource
      FOR EACH ROW WHEN (OLD.deleted IS DISTINCT FROM NEW.deleted OR OLD.count_class IS DISTINCT FROM NEW.count_class)
      EXECUTE FUNCTION store.count_change();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TRIGGER count_added ON store.resource;
    DROP TRIGGER count_change ON store.resource;
    DROP FUNCTION store.count_added(), store.count_change();
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
  await makeTriggers(knex);
}
