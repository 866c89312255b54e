// Dates in the order of their starts and then of ids, as a sort needs them, and the few spans of more than a day by their ends:
// https://hl7.org/fhir/R4/search.html#date

import type { Knex } from 'knex';

/**
 * What lasts until some moment may have begun a week before. Of all that began in that week only what is longer than a day is
 * looked at: there may be thousands of others, and nearly all of them were over.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX store.date_value_low;
    CREATE INDEX date_value_low ON store.date_value (tenant_id, type, parameter, low, id, high);
    CREATE INDEX date_value_long ON store.date_value (tenant_id, type, parameter, high, low, id)
      WHERE high - low > interval '24:00:00'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX store.date_value_long, store.date_value_low;
    CREATE INDEX date_value_low ON store.date_value (tenant_id, type, parameter, low, high, id)`);
}
