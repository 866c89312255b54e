// Resources, their earlier versions, their AuditEvents and what search and chains read (README, Storage).

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await makeResource(knex);
  await makeHistory(knex);
  await makeAuditEvent(knex);
  await makeSearchTables(knex);
  await makePartitioning(knex);
}

const versionColumns = `
  tenant_id integer NOT NULL,
  type text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  version_id integer NOT NULL,
  last_updated timestamptz(3) NOT NULL,
  deleted boolean NOT NULL,
  -- Compressed and encrypted JSON; null when the body is in the object store, or deleted.
  content bytea,
  object_id uuid,
  -- Readers of "what changed since" stop at the oldest running transaction: commit order is not time order.
  tx xid8 NOT NULL DEFAULT pg_current_xact_id()`;

async function makeResource(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.resource (
      ${versionColumns},
      -- Keyed search tokens, see src/crypto/search-token.ts.
      tokens bigint[] NOT NULL,
      PRIMARY KEY (tenant_id, type, id)
    ) WITH (fillfactor = 90);
    -- Without fastupdate every insert pays its own way and no search scans a pending list.
    CREATE INDEX resource_tokens ON store.resource USING gin (tokens) WITH (fastupdate = off);
    -- What is compressed and encrypted already does not compress again.
    ALTER TABLE store.resource ALTER COLUMN content SET STORAGE EXTERNAL;
    CREATE INDEX resource_last_updated ON store.resource (tenant_id, type, last_updated, id);
  `);
  await isolateTenantTable(knex, 'resource', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
}

async function makeHistory(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.history (
      ${versionColumns},
      PRIMARY KEY (tenant_id, type, id, version_id, last_updated)
    ) PARTITION BY RANGE (last_updated);
    ALTER TABLE store.history ALTER COLUMN content SET STORAGE EXTERNAL;
  `);
  await isolateTenantTable(knex, 'history', { grants: ['SELECT', 'INSERT'], appendOnly: true });
  await knex.raw(`
    CREATE VIEW tenant.version AS
      SELECT tenant_id, type, id, version_id, last_updated, deleted, content, object_id, tx
        FROM store.resource WHERE tenant_id = tenant.current_id()
      UNION ALL
      SELECT tenant_id, type, id, version_id, last_updated, deleted, content, object_id, tx
        FROM store.history WHERE tenant_id = tenant.current_id();
    ALTER VIEW tenant.version OWNER TO hpms_owner;
    GRANT SELECT ON tenant.version TO hpms_app;
  `);
}

async function makeAuditEvent(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.audit_event (
      tenant_id integer NOT NULL,
      id text COLLATE "C" NOT NULL,
      last_updated timestamptz(3) NOT NULL,
      content bytea NOT NULL,
      tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
      tokens bigint[] NOT NULL,
      PRIMARY KEY (tenant_id, id, last_updated)
    ) PARTITION BY RANGE (last_updated);
    ALTER TABLE store.audit_event ALTER COLUMN content SET STORAGE EXTERNAL;
    CREATE INDEX audit_event_tokens ON store.audit_event USING gin (tokens) WITH (fastupdate = off);
    CREATE INDEX audit_event_last_updated ON store.audit_event (tenant_id, last_updated, id);
  `);
  await isolateTenantTable(knex, 'audit_event', { grants: ['SELECT', 'INSERT'], appendOnly: true });
}

async function makeSearchTables(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.reference (
      tenant_id integer NOT NULL,
      source_type text COLLATE "C" NOT NULL,
      source_id text COLLATE "C" NOT NULL,
      parameter text COLLATE "C" NOT NULL,
      target_type text COLLATE "C" NOT NULL,
      target_id text COLLATE "C" NOT NULL,
      PRIMARY KEY (tenant_id, source_type, source_id, parameter, target_type, target_id)
    );
    CREATE INDEX reference_target
      ON store.reference (tenant_id, target_type, target_id, source_type, parameter, source_id);
    CREATE TABLE store.date_value (
      tenant_id integer NOT NULL,
      type text COLLATE "C" NOT NULL,
      id text COLLATE "C" NOT NULL,
      parameter text COLLATE "C" NOT NULL,
      low timestamptz(3) NOT NULL,
      high timestamptz(3) NOT NULL,
      PRIMARY KEY (tenant_id, type, id, parameter, low, high)
    );
    CREATE INDEX date_value_low ON store.date_value (tenant_id, type, parameter, low, high, id);
  `);
  await isolateTenantTable(knex, 'reference', { grants: ['SELECT', 'INSERT', 'DELETE'] });
  await isolateTenantTable(knex, 'date_value', { grants: ['SELECT', 'INSERT', 'DELETE'] });
}

async function makePartitioning(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Makes the monthly partitions of history and AuditEvent from this month to so many months ahead.
    CREATE FUNCTION system.make_partitions(months_ahead integer) RETURNS void
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
      parent text; month timestamptz; partition text;
    BEGIN
      FOREACH parent IN ARRAY ARRAY['history', 'audit_event'] LOOP
        FOR step IN 0..months_ahead LOOP
          month := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(months => step);
          partition := parent || to_char(month AT TIME ZONE 'UTC', '_YYYY_MM');
          CONTINUE WHEN to_regclass('store.' || partition) IS NOT NULL;
          EXECUTE format('CREATE TABLE store.%I PARTITION OF store.%I FOR VALUES FROM (%L) TO (%L)', partition, parent, month,
            ((month AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC');
          EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON store.%I FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change()', partition);
          EXECUTE format('ALTER TABLE store.%I ENABLE ROW LEVEL SECURITY', partition);
          EXECUTE format('ALTER TABLE store.%I FORCE ROW LEVEL SECURITY', partition);
        END LOOP;
      END LOOP;
    END $$;
    ALTER FUNCTION system.make_partitions(integer) OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION system.make_partitions(integer) TO hpms_system;

    -- The number of whole months after this one that every partitioned table can already take.
    CREATE FUNCTION system.partition_months_ahead() RETURNS integer
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
      SELECT coalesce(min(ahead), -1)::integer FROM (
        SELECT count(*) - 1 AS ahead
        FROM unnest(ARRAY['history', 'audit_event']) AS parent
        JOIN pg_inherits ON inhparent = ('store.' || parent)::regclass
        JOIN pg_class ON pg_class.oid = inhrelid
        WHERE relname >= parent || to_char(now() AT TIME ZONE 'UTC', '_YYYY_MM')
        GROUP BY parent) AS counted $$;
    ALTER FUNCTION system.partition_months_ahead() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION system.partition_months_ahead() TO hpms_system;

    SELECT system.make_partitions(3);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP FUNCTION system.partition_months_ahead(), system.make_partitions(integer);
    DROP VIEW tenant.version;
    DROP TABLE store.date_value, store.reference, store.audit_event, store.history, store.resource CASCADE;
  `);
}
