// What is outstanding, and since when, is told by two small indexes alone: the aging of all patients opens no row for it.

import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX store.ledger_invoice_open;
    CREATE INDEX ledger_invoice_open ON store.ledger_invoice (tenant_id, invoice_id) INCLUDE (currency, outstanding_minor)
      WHERE outstanding_minor <> 0;
    CREATE INDEX invoice_fact_open ON store.invoice_fact (tenant_id, invoice_id) INCLUDE (patient_id, issued_on)
      WHERE status = 'issued';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX store.invoice_fact_open, store.ledger_invoice_open;
    CREATE INDEX ledger_invoice_open ON store.ledger_invoice (tenant_id, invoice_id) WHERE outstanding_minor <> 0;
  `);
}
