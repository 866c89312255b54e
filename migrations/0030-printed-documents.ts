// How often which version of a resource was printed.

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.printed_document (
      tenant_id integer NOT NULL,
      type text COLLATE "C" NOT NULL,
      id text COLLATE "C" NOT NULL,
      -- 0 where all versions count together.
      version_id integer NOT NULL,
      copies integer NOT NULL,
      PRIMARY KEY (tenant_id, type, id, version_id)
    );
  `);
  await isolateTenantTable(knex, 'printed_document', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE store.printed_document CASCADE');
}
