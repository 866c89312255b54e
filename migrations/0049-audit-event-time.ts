// AuditEvents of a time lie together on disk: a small index on it (BRIN) leaves all others unread where a day of somebody's is looked for.

import type { Knex } from 'knex';

/** No transaction can build an index while others write: https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY */
export const config = { transaction: false };

const method = 'USING brin (last_updated) WITH (pages_per_range = 64)';

/** Month by month, each read whole while the clinics go on. What has failed halfway goes on where it was. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`CREATE INDEX IF NOT EXISTS audit_event_time ON ONLY store.audit_event ${method}`);
  const { rows } = await knex.raw<{ rows: { month: string }[] }>(`
    SELECT relname AS month FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'store.audit_event'::regclass AND NOT EXISTS (
      SELECT FROM pg_index JOIN pg_inherits AS part ON part.inhrelid = indexrelid
      WHERE indrelid = pg_class.oid AND part.inhparent = 'store.audit_event_time'::regclass)
    ORDER BY relname`);
  for (const { month } of rows) {
    const index = `${month}_time`;
    await knex.raw('DROP INDEX IF EXISTS store.??', [index]);
    await knex.raw(`CREATE INDEX CONCURRENTLY ?? ON store.?? ${method}`, [index, month]);
    await knex.raw('ALTER INDEX store.audit_event_time ATTACH PARTITION store.??', [index]);
  }
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP INDEX store.audit_event_time');
}
