// The relay takes events by tenant, so that none waits behind the crowd of another: the indexes on what waits begin with the tenant.

import type { Knex } from 'knex';

/** No transaction can build an index while others write: https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY */
export const config = { transaction: false };

const before = [
  ['outbox_pending', "(created_at) WHERE status = 'pending'"],
  ['outbox_published', "(published_at) WHERE status = 'published'"],
] as const;
const after = [
  ['outbox_pending_of_tenant', "(tenant_id, created_at) WHERE status = 'pending'"],
  ['outbox_published_of_tenant', "(tenant_id, attempts, published_at) WHERE status = 'published'"],
] as const;

export async function up(knex: Knex): Promise<void> {
  await exchange(knex, before, after);
}

export async function down(knex: Knex): Promise<void> {
  await exchange(knex, after, before);
}

type Indexes = typeof before | typeof after;

/** What has failed halfway is begun again. */
async function exchange(knex: Knex, old: Indexes, made: Indexes): Promise<void> {
  for (const [name, columns] of made) {
    await knex.raw(`DROP INDEX IF EXISTS store.${name}`);
    await knex.raw(`CREATE INDEX CONCURRENTLY ${name} ON store.outbox ${columns}`);
  }
  for (const [name] of old) await knex.raw(`DROP INDEX IF EXISTS store.${name}`);
}
