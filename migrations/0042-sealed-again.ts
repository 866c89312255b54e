// What is sealed beside resources can be sealed again under another data key, and nothing else of it changes.

import type { Knex } from 'knex';

const columns = { signing_key: 'private_key', identity: 'known_as', idempotency_key: 'answer' };

export async function up(knex: Knex): Promise<void> {
  for (const [table, column] of Object.entries(columns))
    await knex.raw(`GRANT UPDATE (${column}) ON tenant.${table} TO hpms_app`);
}

export async function down(knex: Knex): Promise<void> {
  for (const [table, column] of Object.entries(columns))
    await knex.raw(`REVOKE UPDATE (${column}) ON tenant.${table} FROM hpms_app`);
}
