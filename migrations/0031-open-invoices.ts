// What is outstanding is a small part of all Invoices: reports find it without the rest.

import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE INDEX ledger_invoice_open ON store.ledger_invoice (tenant_id, invoice_id) WHERE outstanding_minor <> 0;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP INDEX store.ledger_invoice_open');
}
