// AuditEvents are looked for by id and by time with one index: an id carries its time, so both are in the same order.

import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE store.audit_event DROP CONSTRAINT audit_event_pkey, ADD PRIMARY KEY (tenant_id, last_updated, id);
    DROP INDEX store.audit_event_last_updated;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE INDEX audit_event_last_updated ON store.audit_event (tenant_id, last_updated, id);
    ALTER TABLE store.audit_event DROP CONSTRAINT audit_event_pkey, ADD PRIMARY KEY (tenant_id, id, last_updated);
  `);
}
