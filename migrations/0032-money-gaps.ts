// Whose drawer it is in a day: cash belongs to one cashier at a time.

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.drawer_shift (
      tenant_id integer NOT NULL,
      -- Empty = the main drawer.
      drawer_id text COLLATE "C" NOT NULL,
      business_day date NOT NULL,
      -- The account or client, and who it stands for.
      holder text COLLATE "C" NOT NULL,
      PRIMARY KEY (tenant_id, drawer_id, business_day)
    );
  `);
  await isolateTenantTable(knex, 'drawer_shift', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE store.drawer_shift CASCADE');
}
