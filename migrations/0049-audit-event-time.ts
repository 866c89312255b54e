// AuditEvents of a time lie together on disk: a small index on it (BRIN) leaves all others unread where a day of somebody's is looked for.

import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    'CREATE INDEX audit_event_time ON store.audit_event USING brin (last_updated) WITH (pages_per_range = 64)',
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP INDEX store.audit_event_time');
}
