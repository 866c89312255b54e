// Numbers of a resource are found by it and the parameter: half of what the table took on disk was its primary key.

import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE INDEX range_value_resource ON store.range_value (tenant_id, type, id, parameter);
    ALTER TABLE store.range_value DROP CONSTRAINT range_value_pkey;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE store.range_value ADD PRIMARY KEY (tenant_id, type, id, parameter, unit, low, high);
    DROP INDEX store.range_value_resource;
  `);
}
