// Keys that can be changed: by which root key each is wrapped, what each index key is for, and who may write tokens of AuditEvents anew.

import type { Knex } from 'knex';
import { isCurrentTenant } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await makeRole(knex);
  await knex.raw(`
    ALTER TABLE store.tenant_key
      -- Which root key has wrapped it: src/gateways/root-key.ts; null: one from a file, before there were others.
      ADD COLUMN root text COLLATE "C",
      -- Of an index key: src/crypto/tenant-cipher.ts.
      ADD COLUMN use text COLLATE "C" NOT NULL DEFAULT 'asked' CHECK (use IN ('asked', 'written', 'kept')),
      -- Raised by every change of which keys the tenant has and what for.
      ADD COLUMN epoch integer NOT NULL DEFAULT 0;

    ALTER TABLE store.reindex
      -- The versions of keys that a run brings all rows to.
      ADD COLUMN index_key integer,
      ADD COLUMN data_key integer,
      -- Not before: until then searches may still ask by what the run removes.
      ADD COLUMN begins_at timestamptz;
    ${view('tenant_key')}
    ${view('reindex')}
    -- Only the operator who rotates the root key wraps anew, as owner; the application cannot.
    GRANT UPDATE (use, epoch) ON tenant.tenant_key TO hpms_app;

    -- Of a shredded tenant: also what its keys were wrapped by outside the database is destroyed.
    ALTER TABLE store.tenant ADD COLUMN is_dark boolean NOT NULL DEFAULT false;
    CREATE OR REPLACE VIEW system.tenant AS SELECT * FROM store.tenant;
    GRANT UPDATE (is_dark) ON system.tenant TO hpms_system;
  `);
  await openTokens(knex);
}

function view(name: string): string {
  return `CREATE OR REPLACE VIEW tenant.${name} AS
      SELECT * FROM store.${name} WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION;`;
}

/** Roles belong to the whole server, so another database of this server may have made it already. */
async function makeRole(knex: Knex): Promise<void> {
  const { rows } = await knex.raw(
    "SELECT current_database() AS database, EXISTS (SELECT FROM pg_roles WHERE rolname = 'hpms_reindex') AS found",
  );
  if (!rows[0].found) {
    await knex.raw(
      'CREATE ROLE hpms_reindex LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT',
    );
  }
  await knex.raw(`
    GRANT CONNECT ON DATABASE "${rows[0].database}" TO hpms_reindex;
    GRANT USAGE ON SCHEMA tenant TO hpms_reindex;
    GRANT EXECUTE ON FUNCTION tenant.current_id() TO hpms_reindex;
  `);
}

/** Tokens say by what an event is found, and change with the index key; what it says itself never changes. */
async function openTokens(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE FUNCTION store.refuse_change_but_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'UPDATE' AND current_user = 'hpms_reindex'
        AND (NEW.tenant_id, NEW.id, NEW.last_updated, NEW.content, NEW.tx)
          IS NOT DISTINCT FROM (OLD.tenant_id, OLD.id, OLD.last_updated, OLD.content, OLD.tx) THEN
        RETURN NEW;
      END IF;
      RAISE EXCEPTION 'Rows of % are written once and never changed.', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$;
    ALTER FUNCTION store.refuse_change_but_tokens() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION store.refuse_change_but_tokens() TO hpms_owner;
    DROP TRIGGER refuse_change ON store.audit_event;
    CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON store.audit_event
      FOR EACH ROW EXECUTE FUNCTION store.refuse_change_but_tokens();
    GRANT SELECT (id, last_updated), UPDATE (tokens) ON tenant.audit_event TO hpms_reindex;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    REVOKE SELECT (id, last_updated), UPDATE (tokens) ON tenant.audit_event FROM hpms_reindex;
    DROP TRIGGER refuse_change ON store.audit_event;
    CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON store.audit_event
      FOR EACH ROW EXECUTE FUNCTION store.refuse_change();
    DROP FUNCTION store.refuse_change_but_tokens();
    REVOKE EXECUTE ON FUNCTION tenant.current_id() FROM hpms_reindex;
    REVOKE USAGE ON SCHEMA tenant FROM hpms_reindex;
    DROP VIEW system.tenant;
    ALTER TABLE store.tenant DROP COLUMN is_dark;
    CREATE VIEW system.tenant AS SELECT * FROM store.tenant;
    ALTER VIEW system.tenant OWNER TO hpms_owner;
    GRANT SELECT, INSERT (name, display), UPDATE (display, status, suspended_at) ON system.tenant TO hpms_system;
    REVOKE UPDATE (use, epoch) ON tenant.tenant_key FROM hpms_app;
    DROP VIEW tenant.tenant_key, tenant.reindex;
    ALTER TABLE store.tenant_key DROP COLUMN epoch, DROP COLUMN use, DROP COLUMN root;
    ALTER TABLE store.reindex DROP COLUMN begins_at, DROP COLUMN data_key, DROP COLUMN index_key;
    ${['tenant_key', 'reindex']
      .map(
        (name) => `
    ${view(name)}
    ALTER VIEW tenant.${name} OWNER TO hpms_owner;
    GRANT SELECT, INSERT ON tenant.${name} TO hpms_app;`,
      )
      .join('')}
    GRANT UPDATE (uses_reserved) ON tenant.tenant_key TO hpms_app;
    GRANT UPDATE ON tenant.reindex TO hpms_app;
  `);
}
