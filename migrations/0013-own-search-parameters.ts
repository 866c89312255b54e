// What each tenant's search index is built by: its own search parameters, and the runs that bring older resources up to them:
// https://hl7.org/fhir/R4/searchparameter.html

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await makeTables(knex);
  await isolateTenantTable(knex, 'search_index', {
    grants: ['SELECT', 'INSERT', 'UPDATE'],
    system: { columns: ['tenant_id', 'generation'] },
  });
  await isolateTenantTable(knex, 'search_parameter', { grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] });
  await isolateTenantTable(knex, 'reindex', {
    grants: ['SELECT', 'INSERT', 'UPDATE'],
    system: { columns: ['tenant_id', 'id', 'reason', 'state', 'updated_at'] },
  });
  await makeCheck(knex);
}

async function makeTables(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.search_index (
      tenant_id integer PRIMARY KEY,
      -- Raised by every change of the tenant's own search parameters.
      definitions_version integer NOT NULL DEFAULT 0,
      -- The transaction that raised it last.
      changed_by xid8,
      -- What src/database/index-generation.ts said when all of the tenant's resources were indexed.
      generation integer NOT NULL DEFAULT 0
    );
    -- Nobody knows any more which code has indexed what there is: each tenant is indexed again once.
    INSERT INTO store.search_index (tenant_id) SELECT id FROM store.tenant;

    CREATE TABLE store.search_parameter (
      tenant_id integer NOT NULL,
      -- Of the SearchParameter resource.
      id text COLLATE "C" NOT NULL,
      -- Encrypted: what indexing and search need of the resource.
      definition bytea NOT NULL,
      state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'indexing', 'ready')),
      -- The run at whose end it is ready.
      reindex_id uuid NOT NULL,
      changed_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant_id, id)
    );
    CREATE TRIGGER announce_access AFTER INSERT OR UPDATE OR DELETE ON store.search_parameter
      FOR EACH STATEMENT EXECUTE FUNCTION store.announce_access();

    CREATE TABLE store.reindex (
      tenant_id integer NOT NULL,
      id uuid NOT NULL,
      -- parameters, request or generation.
      reason text NOT NULL,
      -- Resource types, in the order they are gone through.
      types text[] NOT NULL,
      -- What the tenant is brought to, where all of its types are.
      generation integer,
      state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done')),
      -- Virtual ids of the transactions that may not know yet what the run is for.
      waits_for text[],
      -- All before are done.
      at_type text COLLATE "C",
      at_id text COLLATE "C",
      done bigint NOT NULL DEFAULT 0,
      total bigint NOT NULL DEFAULT 0,
      requested_at timestamptz NOT NULL DEFAULT now(),
      started_at timestamptz,
      updated_at timestamptz NOT NULL DEFAULT now(),
      finished_at timestamptz,
      PRIMARY KEY (tenant_id, id)
    );
    -- One runs, and one gathers what comes meanwhile.
    CREATE UNIQUE INDEX reindex_open ON store.reindex (tenant_id, state) WHERE state <> 'done';
    CREATE INDEX reindex_requested ON store.reindex (tenant_id, requested_at);
  `);
}

async function makeCheck(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Every write asks it within one of its statements: whoever has read the definitions before they changed runs again.
    CREATE FUNCTION tenant.require_definitions(expected integer) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
    BEGIN
      IF EXISTS (SELECT FROM tenant.search_index WHERE definitions_version <> expected
          AND changed_by IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned()) THEN
        RAISE EXCEPTION 'The search parameters of the tenant have changed.' USING ERRCODE = 'HP001';
      END IF;
      RETURN true;
    END $$;
    ALTER FUNCTION tenant.require_definitions(integer) OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION tenant.require_definitions(integer) TO hpms_app, hpms_owner;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP FUNCTION tenant.require_definitions(integer);
    DROP VIEW system.reindex, system.search_index;
    DROP TABLE store.reindex, store.search_parameter, store.search_index CASCADE;
  `);
}
