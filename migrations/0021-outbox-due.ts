// Events that are to be handled later: holds that expire, appointments nobody came to.

import type { Knex } from 'knex';
import { isCurrentTenant } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE store.outbox
      ADD COLUMN due_at timestamptz,
      DROP CONSTRAINT outbox_status_check,
      ADD CONSTRAINT outbox_status_check CHECK (status IN ('waiting', 'pending', 'published', 'done', 'dead')),
      ADD CONSTRAINT outbox_due CHECK (status <> 'waiting' OR due_at IS NOT NULL);
    CREATE INDEX outbox_waiting ON store.outbox (due_at) WHERE status = 'waiting';
    CREATE OR REPLACE VIEW tenant.outbox AS
      SELECT * FROM store.outbox WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION;
    GRANT SELECT (due_at) ON store.outbox TO hpms_system;
    CREATE OR REPLACE VIEW system.outbox WITH (security_invoker = true) AS
      SELECT ${[...systemColumns, 'due_at'].join(', ')} FROM store.outbox;
  `);
  await makeShredTenant(knex, "'waiting', 'pending', 'published'");
}

/** Events in these states die with their tenant. */
async function makeShredTenant(knex: Knex, states: string): Promise<void> {
  await knex.raw(`
    CREATE OR REPLACE FUNCTION system.shred_tenant(tenant_name text) RETURNS boolean
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
      shredded integer;
    BEGIN
      UPDATE store.tenant SET status = 'shredded', shredded_at = now()
        WHERE name = tenant_name AND status = 'suspended' RETURNING id INTO shredded;
      IF NOT FOUND THEN RETURN false; END IF;
      PERFORM set_config('hpms.tenant_id', shredded::text, true);
      DELETE FROM store.tenant_key WHERE tenant_id = shredded;
      UPDATE store.outbox SET status = 'dead' WHERE tenant_id = shredded AND status IN (${states});
      PERFORM set_config('hpms.tenant_id', '', true);
      RETURN true;
    END $$;
  `);
}

const systemColumns = ['tenant_id', 'id', 'topic', 'status', 'attempts', 'created_at', 'published_at', 'done_at'];

/** What was to be done later is done at once: whoever handles it looks whether it is time. */
export async function down(knex: Knex): Promise<void> {
  await makeShredTenant(knex, "'pending', 'published'");
  await knex.raw(`
    UPDATE store.outbox SET status = 'pending' WHERE status = 'waiting';
    DROP VIEW tenant.outbox, system.outbox;
    ALTER TABLE store.outbox DROP CONSTRAINT outbox_due, DROP CONSTRAINT outbox_status_check, DROP COLUMN due_at,
      ADD CONSTRAINT outbox_status_check CHECK (status IN ('pending', 'published', 'done', 'dead'));
    CREATE VIEW tenant.outbox AS SELECT * FROM store.outbox WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION;
    CREATE VIEW system.outbox WITH (security_invoker = true) AS SELECT ${systemColumns.join(', ')} FROM store.outbox;
    ALTER VIEW tenant.outbox OWNER TO hpms_owner;
    ALTER VIEW system.outbox OWNER TO hpms_owner;
    GRANT SELECT, INSERT, UPDATE ON tenant.outbox TO hpms_app;
    GRANT SELECT ON system.outbox TO hpms_system;
    GRANT UPDATE (status, attempts, published_at) ON system.outbox TO hpms_system;
  `);
}
