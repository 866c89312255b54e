// How many resources of each type a tenant has, for totals: https://hl7.org/fhir/R4/search.html#total

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

/**
 * The sum of all amounts of a type is its number of resources. Every write adds rows of its own, so that no two wait for each
 * other; maintenance folds them into one. AuditEvents are not counted.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.type_count (
      tenant_id integer NOT NULL,
      type text COLLATE "C" NOT NULL,
      id bigserial,
      amount bigint NOT NULL,
      PRIMARY KEY (tenant_id, type, id) INCLUDE (amount)
    );
    INSERT INTO store.type_count (tenant_id, type, amount)
      SELECT tenant_id, type, count(*) FROM store.resource WHERE NOT deleted GROUP BY tenant_id, type;
  `);
  await isolateTenantTable(knex, 'type_count', {
    grants: ['SELECT'],
    system: { columns: ['tenant_id', 'type', 'id', 'amount'], updates: ['amount'], deletes: true },
  });
  await makeTriggers(knex);
}

/** Also for who takes migration 0052 back. */
export async function makeTriggers(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Whoever loads the data of many tenants is in none of them: each is entered to be counted.
    CREATE FUNCTION store.count_added() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
      counted record;
    BEGIN
      IF current_setting('hpms.tenant_id', true) <> '' THEN
        INSERT INTO store.type_count (tenant_id, type, amount)
          SELECT tenant_id, type, count(*) FROM added WHERE NOT deleted GROUP BY tenant_id, type;
        RETURN NULL;
      END IF;
      FOR counted IN SELECT tenant_id, type, count(*) AS amount FROM added WHERE NOT deleted GROUP BY tenant_id, type LOOP
        PERFORM set_config('hpms.tenant_id', counted.tenant_id::text, true);
        INSERT INTO store.type_count (tenant_id, type, amount)
          VALUES (counted.tenant_id, counted.type, counted.amount);
      END LOOP;
      PERFORM set_config('hpms.tenant_id', '', true);
      RETURN NULL;
    END $$;
    ALTER FUNCTION store.count_added() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION store.count_added() TO hpms_owner;
    CREATE TRIGGER count_added AFTER INSERT ON store.resource
      REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION store.count_added();

    CREATE FUNCTION store.count_deletion() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
      entered text := coalesce(current_setting('hpms.tenant_id', true), '');
    BEGIN
      IF entered = '' THEN PERFORM set_config('hpms.tenant_id', NEW.tenant_id::text, true); END IF;
      INSERT INTO store.type_count (tenant_id, type, amount)
        VALUES (NEW.tenant_id, NEW.type, CASE WHEN NEW.deleted THEN -1 ELSE 1 END);
      IF entered = '' THEN PERFORM set_config('hpms.tenant_id', '', true); END IF;
      RETURN NULL;
    END $$;
    ALTER FUNCTION store.count_deletion() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION store.count_deletion() TO hpms_owner;
    CREATE TRIGGER count_deletion AFTER UPDATE ON store.resource
      FOR EACH ROW WHEN (OLD.deleted IS DISTINCT FROM NEW.deleted) EXECUTE FUNCTION store.count_deletion();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TRIGGER count_added ON store.resource;
    DROP TRIGGER count_deletion ON store.resource;
    DROP FUNCTION store.count_added(), store.count_deletion();
    DROP TABLE store.type_count CASCADE`);
}
