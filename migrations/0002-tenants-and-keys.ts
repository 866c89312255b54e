// The tenant registry, each tenant's wrapped keys and its settings.

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.tenant (
      id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      name text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
      display text NOT NULL,
      status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
      created_at timestamptz NOT NULL DEFAULT now()
    );
    ALTER TABLE store.tenant OWNER TO hpms_owner;
    CREATE VIEW system.tenant AS SELECT * FROM store.tenant;
    ALTER VIEW system.tenant OWNER TO hpms_owner;
    GRANT SELECT, INSERT, UPDATE ON system.tenant TO hpms_system;

    CREATE TABLE store.tenant_key (
      tenant_id integer NOT NULL REFERENCES store.tenant,
      purpose text NOT NULL CHECK (purpose IN ('data', 'index')),
      version integer NOT NULL,
      wrapped bytea NOT NULL,
      -- Encryptions handed out to processes in blocks, an upper bound of those done.
      uses_reserved bigint NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant_id, purpose, version)
    );
    CREATE TABLE store.setting (
      tenant_id integer NOT NULL REFERENCES store.tenant,
      key text COLLATE "C" NOT NULL,
      value jsonb NOT NULL,
      PRIMARY KEY (tenant_id, key)
    );
  `);
  await isolateTenantTable(knex, 'tenant_key', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
  await isolateTenantTable(knex, 'setting', { grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] });
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE store.setting, store.tenant_key, store.tenant CASCADE');
}
