// The life of a tenant: made, active, suspended, shredded; and who may take the keys of one (README, Roles and rights).

import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE store.tenant
      ADD suspended_at timestamptz,
      ADD shredded_at timestamptz,
      -- Nobody finds a tenant by its name before all of it has been made.
      ALTER status SET DEFAULT 'preparing',
      DROP CONSTRAINT tenant_status_check,
      ADD CONSTRAINT tenant_status_check CHECK (status IN ('preparing', 'active', 'suspended', 'shredded')),
      -- Only who destroys the keys sets the time, so nobody else can make a tenant shredded, or one again of it.
      ADD CONSTRAINT tenant_shredded CHECK ((status = 'shredded') = (shredded_at IS NOT NULL)),
      -- The realm of the system's administrators: without it nobody could resume anything.
      ADD CONSTRAINT tenant_reserved CHECK (name <> 'system' OR status IN ('preparing', 'active'));
    CREATE OR REPLACE VIEW system.tenant AS SELECT * FROM store.tenant;
    REVOKE INSERT, UPDATE ON system.tenant FROM hpms_system;
    GRANT INSERT (name, display), UPDATE (display, status, suspended_at) ON system.tenant TO hpms_system;

    -- A key is written once; only the count of its uses goes on.
    REVOKE UPDATE ON tenant.tenant_key FROM hpms_app;
    GRANT UPDATE (uses_reserved) ON tenant.tenant_key TO hpms_app;
  `);
  await makeFunctions(knex);
}

async function makeFunctions(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The end of the making of this transaction's tenant, in the transaction that writes the last of it; false when it was
    -- made before. Two who make the same tenant wait here for each other.
    CREATE FUNCTION tenant.activate() RETURNS boolean
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    BEGIN
      UPDATE store.tenant SET status = 'active' WHERE id = tenant.current_id() AND status = 'preparing';
      RETURN FOUND;
    END $$;
    ALTER FUNCTION tenant.activate() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION tenant.activate() TO hpms_app, hpms_owner;

    -- Whether this transaction's tenant is suspended or shredded: its jobs wait.
    CREATE FUNCTION tenant.is_halted() RETURNS boolean
      LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    BEGIN
      RETURN EXISTS (
        SELECT FROM store.tenant WHERE id = tenant.current_id() AND status IN ('suspended', 'shredded'));
    END $$;
    ALTER FUNCTION tenant.is_halted() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION tenant.is_halted() TO hpms_app, hpms_owner;

    -- Destroys the keys of a suspended tenant, for ever, and with them everything that is sealed; false for any other.
    CREATE FUNCTION system.shred_tenant(tenant_name text) RETURNS boolean
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
      shredded integer;
    BEGIN
      UPDATE store.tenant SET status = 'shredded', shredded_at = now()
        WHERE name = tenant_name AND status = 'suspended' RETURNING id INTO shredded;
      IF NOT FOUND THEN RETURN false; END IF;
      PERFORM set_config('hpms.tenant_id', shredded::text, true);
      DELETE FROM store.tenant_key WHERE tenant_id = shredded;
      UPDATE store.outbox SET status = 'dead' WHERE tenant_id = shredded AND status IN ('pending', 'published');
      PERFORM set_config('hpms.tenant_id', '', true);
      RETURN true;
    END $$;
    ALTER FUNCTION system.shred_tenant(text) OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION system.shred_tenant(text) TO hpms_system, hpms_owner;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP FUNCTION system.shred_tenant(text), tenant.is_halted(), tenant.activate();
    GRANT UPDATE ON tenant.tenant_key TO hpms_app;
    REVOKE UPDATE (uses_reserved) ON tenant.tenant_key FROM hpms_app;
    DROP VIEW system.tenant;
    ALTER TABLE store.tenant DROP CONSTRAINT tenant_reserved, DROP CONSTRAINT tenant_shredded,
      DROP COLUMN shredded_at, DROP COLUMN suspended_at, ALTER status SET DEFAULT 'active';
    CREATE VIEW system.tenant AS SELECT * FROM store.tenant;
    ALTER VIEW system.tenant OWNER TO hpms_owner;
    GRANT SELECT, INSERT, UPDATE ON system.tenant TO hpms_system;
  `);
}
