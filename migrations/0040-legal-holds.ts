// Legal holds of single patients beside those of whole tenants, with a reason, set by administrators of a clinic and of the system too.

import type { Knex } from 'knex';
import { isCurrentTenant } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE store.legal_hold
      ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
      -- Of a Patient; null: all of the tenant.
      ADD COLUMN patient_id text COLLATE "C",
      -- Encrypted.
      ADD COLUMN reason bytea,
      -- Who ends it: an administrator of the clinic or of the system, or the operator of npm run archive.
      ADD COLUMN level text COLLATE "C" NOT NULL DEFAULT 'operator' CHECK (level IN ('clinic', 'system', 'operator')),
      DROP CONSTRAINT legal_hold_pkey,
      ADD PRIMARY KEY (tenant_id, id);
    -- Those there are already are the operator's.
    ALTER TABLE store.legal_hold ALTER COLUMN level SET DEFAULT 'clinic';
    CREATE UNIQUE INDEX legal_hold_operator ON store.legal_hold (tenant_id) WHERE level = 'operator';
    CREATE INDEX legal_hold_patient ON store.legal_hold (tenant_id, patient_id);
    CREATE OR REPLACE VIEW tenant.legal_hold AS
      SELECT * FROM store.legal_hold WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION;
    GRANT INSERT, DELETE, UPDATE (reason) ON tenant.legal_hold TO hpms_app;

    -- What the operator has set no process of the servers can set, change or end.
    CREATE FUNCTION store.keep_operators_hold() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF current_user = 'hpms_app' AND 'operator' IN (OLD.level, NEW.level) THEN
        RAISE EXCEPTION 'This legal hold is the operator''s.' USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
      RETURN NEW;
    END $$;
    ALTER FUNCTION store.keep_operators_hold() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION store.keep_operators_hold() TO hpms_owner;
    CREATE TRIGGER keep_operators_hold BEFORE INSERT OR UPDATE OR DELETE ON store.legal_hold
      FOR EACH ROW EXECUTE FUNCTION store.keep_operators_hold();
  `);
  // Behind everybody who is just setting one.
  await knex.raw(shredTenant('LOCK TABLE store.legal_hold IN SHARE MODE;'));
}

/** As 0035 has it, with a lock before its question. */
function shredTenant(lock: string): string {
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
      ${lock}
      IF EXISTS (SELECT FROM store.legal_hold WHERE tenant_id = shredded) THEN
        RAISE EXCEPTION 'The tenant is under legal hold.';
      END IF;
      DELETE FROM store.tenant_key WHERE tenant_id = shredded;
      UPDATE store.outbox SET status = 'dead' WHERE tenant_id = shredded AND status IN ('waiting', 'pending', 'published');
      PERFORM set_config('hpms.tenant_id', '', true);
      RETURN true;
    END $$`;
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(shredTenant(''));
  await knex.raw(`
    DROP TRIGGER keep_operators_hold ON store.legal_hold;
    DROP FUNCTION store.keep_operators_hold();
    DROP VIEW tenant.legal_hold;
    -- A tenant of which any patient is held is held as a whole.
    DELETE FROM store.legal_hold AS one USING store.legal_hold AS other
      WHERE one.tenant_id = other.tenant_id AND one.id > other.id;
    DROP INDEX store.legal_hold_operator, store.legal_hold_patient;
    ALTER TABLE store.legal_hold DROP CONSTRAINT legal_hold_pkey,
      DROP COLUMN id, DROP COLUMN patient_id, DROP COLUMN reason, DROP COLUMN level, ADD PRIMARY KEY (tenant_id);
    CREATE VIEW tenant.legal_hold AS
      SELECT * FROM store.legal_hold WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION;
    ALTER VIEW tenant.legal_hold OWNER TO hpms_owner;
    GRANT SELECT ON tenant.legal_hold TO hpms_app;
  `);
}
