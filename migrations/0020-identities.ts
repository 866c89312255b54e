// Which accounts sign in through a clinic's own identity provider.

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.identity (
      tenant_id integer NOT NULL REFERENCES store.tenant,
      issuer text COLLATE "C" NOT NULL,
      -- Keyed token of the subject: some providers use names or e-mail addresses.
      subject_token bigint NOT NULL,
      account_id uuid NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant_id, issuer, subject_token),
      FOREIGN KEY (tenant_id, account_id) REFERENCES store.account
    );
    CREATE INDEX identity_account ON store.identity (tenant_id, account_id);
  `);
  await isolateTenantTable(knex, 'identity', { grants: ['SELECT', 'INSERT', 'DELETE'] });
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE store.identity CASCADE');
}
