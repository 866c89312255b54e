// Months that are kept in files: which rows of which tenant are in which, the objects they name, and holds that forbid it (README, Archives).

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.archive (
      tenant_id integer NOT NULL,
      -- The partitioned table the rows are of.
      table_name text COLLATE "C" NOT NULL,
      -- Its first day.
      month date NOT NULL,
      -- A month that was written to again after it was archived has several files.
      part integer NOT NULL,
      rows bigint NOT NULL,
      file text COLLATE "C" NOT NULL,
      -- Of the whole file.
      sha256 bytea NOT NULL,
      archived_at timestamptz NOT NULL DEFAULT now(),
      archived_by text NOT NULL,
      -- The tenant has its AuditEvent about it.
      is_told boolean NOT NULL DEFAULT false,
      PRIMARY KEY (tenant_id, table_name, month, part)
    );
    -- What archived versions name in the object store, so that nobody sweeps it.
    CREATE TABLE store.archived_object (
      tenant_id integer NOT NULL,
      object_id uuid NOT NULL,
      month date NOT NULL,
      part integer NOT NULL,
      PRIMARY KEY (tenant_id, object_id, month, part)
    );
    CREATE INDEX archived_object_id ON store.archived_object (object_id);
    CREATE TABLE store.legal_hold (
      tenant_id integer NOT NULL,
      held_at timestamptz NOT NULL DEFAULT now(),
      held_by text NOT NULL,
      PRIMARY KEY (tenant_id)
    );
  `);
  await isolateTenantTable(knex, 'archive', {
    grants: ['SELECT'],
    system: { columns: ['tenant_id', 'table_name', 'month'] },
  });
  await isolateTenantTable(knex, 'archived_object', { grants: ['SELECT'], system: { columns: ['object_id'] } });
  await isolateTenantTable(knex, 'legal_hold', { grants: ['SELECT'], system: { columns: ['tenant_id'] } });
  await makeFunctions(knex);
  await knex.raw(
    shredTenant(
      'IF EXISTS (SELECT FROM store.legal_hold WHERE tenant_id = shredded) THEN ' +
        "RAISE EXCEPTION 'The tenant is under legal hold.'; END IF;",
    ),
  );
}

async function makeFunctions(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Counts what is written to a month while it is copied: unlike rows, numbers of a sequence are seen at once and never go back.
    CREATE SEQUENCE store.late_rows;
    ALTER SEQUENCE store.late_rows OWNER TO hpms_owner;
    CREATE FUNCTION store.note_late_row() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    BEGIN
      PERFORM nextval('store.late_rows');
      RETURN NULL;
    END $$;
    ALTER FUNCTION store.note_late_row() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION store.note_late_row() TO hpms_owner;

    -- The empty partition of a month, in the manner of system.make_partitions.
    CREATE FUNCTION store.make_partition(parent text, month date) RETURNS void
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
      partition text := parent || to_char(month, '_YYYY_MM');
      low timestamptz := month::timestamp AT TIME ZONE 'UTC';
      high timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
    BEGIN
      EXECUTE format('CREATE TABLE store.%I PARTITION OF store.%I FOR VALUES FROM (%L) TO (%L)', partition, parent, low, high);
      EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON store.%I FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change()', partition);
      EXECUTE format('ALTER TABLE store.%I ENABLE ROW LEVEL SECURITY', partition);
      EXECUTE format('ALTER TABLE store.%I FORCE ROW LEVEL SECURITY', partition);
    END $$;
    ALTER FUNCTION store.make_partition(text, date) OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION store.make_partition(text, date) TO hpms_owner;
  `);
}

/** As 0021 has it, with a check between. */
function shredTenant(check: string): string {
  return `
    CREATE OR REPLACE FUNCTION system.shred_tenant(tenant_name text) RETURNS boolean
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
      shredded integer;
    BEGIN
      UPDATE store.tenant SET status = 'shredded', shredded_at = now()
        WHERE name = tenant_name AND status = 'suspended' RETURNING id INTO shredded;
      IF NOT FOUND THEN RETURN false; END IF;
      PERFORM set_config('hpms.tenant_id', shredded::text, true);
      ${check}
      DELETE FROM store.tenant_key WHERE tenant_id = shredded;
      UPDATE store.outbox SET status = 'dead' WHERE tenant_id = shredded AND status IN ('waiting', 'pending', 'published');
      PERFORM set_config('hpms.tenant_id', '', true);
      RETURN true;
    END $$`;
}

export async function down(knex: Knex): Promise<void> {
  const { rows } = await knex.raw('SELECT EXISTS (SELECT FROM store.archive) AS found');
  if (rows[0].found) throw new Error('Months are archived; restore them first (npm run archive -- --restore).');
  await knex.raw(shredTenant(''));
  await knex.raw(`
    DROP FUNCTION store.make_partition(text, date);
    DROP FUNCTION store.note_late_row() CASCADE;
    DROP SEQUENCE store.late_rows;
    DROP VIEW system.legal_hold, system.archived_object, system.archive;
    DROP TABLE store.legal_hold, store.archived_object, store.archive CASCADE;
  `);
}
