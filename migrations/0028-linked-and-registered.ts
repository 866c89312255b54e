// What people see of their linked sign-ins, which token another was made of, and which clients have registered themselves.

import type { Knex } from 'knex';
import { isCurrentTenant, openToSystem } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE store.identity
      -- By which its owner ends it.
      ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
      -- Encrypted: what the identity provider calls the person.
      ADD COLUMN known_as bytea;
    CREATE UNIQUE INDEX identity_id ON store.identity (tenant_id, id);
    ALTER TABLE store.access_token
      -- The id_hash of the token that it was exchanged for, with which it ends.
      ADD COLUMN subject_hash bytea;
    CREATE INDEX access_token_subject ON store.access_token (tenant_id, subject_hash) WHERE subject_hash IS NOT NULL;
    ALTER TABLE store.client ADD COLUMN self_registered boolean NOT NULL DEFAULT false;
    CREATE INDEX client_self_registered ON store.client (tenant_id, created_at) WHERE self_registered;
  `);
  for (const name of ['identity', 'access_token', 'client']) await renewView(knex, name);
  // What registered itself and was let in by nobody is swept across tenants, by a role that sees nothing else of it.
  await openToSystem(knex, 'client', {
    columns: ['tenant_id', 'client_id', 'created_at', 'self_registered'],
    deletes: true,
  });
  await openToSystem(knex, 'app_consent', { columns: ['tenant_id', 'client_id'] });
}

const viewText = (name: string) =>
  `tenant.${name} AS SELECT * FROM store.${name} WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION`;

/** A view shows the columns that its table had when it was made. */
async function renewView(knex: Knex, name: string): Promise<void> {
  await knex.raw(`CREATE OR REPLACE VIEW ${viewText(name)}`);
}

const grants = {
  identity: 'SELECT, INSERT, DELETE',
  access_token: 'SELECT, INSERT, DELETE',
  client: 'SELECT, INSERT, UPDATE',
};

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP VIEW system.client, system.app_consent;
    DROP POLICY system ON store.client;
    DROP POLICY system ON store.app_consent;
    REVOKE ALL ON store.client, store.app_consent FROM hpms_system;
    REVOKE SELECT (tenant_id, client_id, created_at, self_registered) ON store.client FROM hpms_system;
    REVOKE SELECT (tenant_id, client_id) ON store.app_consent FROM hpms_system;
    DROP VIEW tenant.identity, tenant.access_token, tenant.client;
    DROP INDEX store.identity_id, store.access_token_subject, store.client_self_registered;
    ALTER TABLE store.identity DROP COLUMN id, DROP COLUMN known_as;
    ALTER TABLE store.access_token DROP COLUMN subject_hash;
    ALTER TABLE store.client DROP COLUMN self_registered;
  `);
  for (const [name, rights] of Object.entries(grants)) {
    await knex.raw(`
      CREATE VIEW ${viewText(name)};
      ALTER VIEW tenant.${name} OWNER TO hpms_owner;
      GRANT ${rights} ON tenant.${name} TO hpms_app;
    `);
  }
}
