// Requests that were answered with 202 and run in the background, with their answers, for as long as those are kept.

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.async_request (
      tenant_id integer NOT NULL,
      id uuid NOT NULL,
      client_id text COLLATE "C" NOT NULL,
      -- Encrypted: who asks for what.
      request bytea NOT NULL,
      -- Encrypted; NULL while the request waits or runs. A cancelled one has no row.
      answer bytea,
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant_id, id)
    );
    ALTER TABLE store.async_request ALTER COLUMN request SET STORAGE EXTERNAL, ALTER COLUMN answer SET STORAGE EXTERNAL;
    CREATE INDEX async_request_open ON store.async_request (tenant_id, client_id) WHERE answer IS NULL;
    CREATE INDEX async_request_expires ON store.async_request (expires_at);
  `);
  await isolateTenantTable(knex, 'async_request', {
    grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
    system: { columns: ['tenant_id', 'expires_at'], deletes: true },
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP VIEW system.async_request;
    DROP TABLE store.async_request CASCADE;
  `);
}
