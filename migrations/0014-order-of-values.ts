// Numbers in the order of their low ends and then of ids, as a sort needs them: https://hl7.org/fhir/R4/search.html#sort

import type { Knex } from 'knex';

/** High ends are behind the id: what asks for them, which is ranges, has an index of its own. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX store.range_value_low;
    CREATE INDEX range_value_low ON store.range_value (tenant_id, type, parameter, unit, low, id, high)`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX store.range_value_low;
    CREATE INDEX range_value_low ON store.range_value (tenant_id, type, parameter, unit, low, high, id)`);
}
