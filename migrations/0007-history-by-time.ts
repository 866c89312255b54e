// An index on superseded versions in the order of time, for the history of a type: https://hl7.org/fhir/R4/http.html#history

import type { Knex } from 'knex';

/** Current versions have theirs (`resource_last_updated`); the history of all types is walked type by type along these two. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('CREATE INDEX history_last_updated ON store.history (tenant_id, type, last_updated, id, version_id)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP INDEX store.history_last_updated');
}
