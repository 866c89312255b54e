// The typed rows of billing: what Invoices amount to, which ChargeItems they hold, whose fees were charged, and which visits were free.

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.invoice_fact (
      tenant_id integer NOT NULL,
      invoice_id text COLLATE "C" NOT NULL,
      -- invoice, credit-note or write-off
      kind text COLLATE "C" NOT NULL,
      status text COLLATE "C" NOT NULL,
      -- Money of another system: nothing is posted for it.
      is_imported boolean NOT NULL,
      patient_id text COLLATE "C",
      practitioner_id text COLLATE "C",
      department_id text COLLATE "C",
      appointment_id text COLLATE "C",
      -- Of a credit note: the Invoice it corrects.
      corrects_id text COLLATE "C",
      currency text COLLATE "C" NOT NULL,
      -- Of base components and surcharges, before discounts.
      listed_minor bigint NOT NULL,
      discount_minor bigint NOT NULL,
      net_minor bigint NOT NULL,
      tax_minor bigint NOT NULL,
      gross_minor bigint NOT NULL,
      -- In the clinic's zone; the first day it was issued, which a cancellation leaves as it is.
      issued_on date,
      due_on date,
      PRIMARY KEY (tenant_id, invoice_id)
    );
    CREATE INDEX invoice_fact_day ON store.invoice_fact (tenant_id, issued_on) WHERE issued_on IS NOT NULL;
    CREATE INDEX invoice_fact_patient ON store.invoice_fact (tenant_id, patient_id, issued_on);
    CREATE INDEX invoice_fact_corrects ON store.invoice_fact (tenant_id, corrects_id) WHERE corrects_id IS NOT NULL;
    CREATE INDEX invoice_fact_appointment ON store.invoice_fact (tenant_id, appointment_id) WHERE appointment_id IS NOT NULL;
    CREATE TABLE store.invoice_charge (
      tenant_id integer NOT NULL,
      charge_item_id text COLLATE "C" NOT NULL,
      -- The only live Invoice that has it.
      invoice_id text COLLATE "C" NOT NULL,
      PRIMARY KEY (tenant_id, charge_item_id)
    );
    CREATE INDEX invoice_charge_invoice ON store.invoice_charge (tenant_id, invoice_id);
    CREATE TABLE store.fee_invoice (
      tenant_id integer NOT NULL,
      appointment_id text COLLATE "C" NOT NULL,
      -- no-show or late-cancel
      kind text COLLATE "C" NOT NULL,
      patient_id text COLLATE "C" NOT NULL,
      -- Absent where it was counted only: fees begin with a later one.
      invoice_id text COLLATE "C",
      PRIMARY KEY (tenant_id, appointment_id, kind)
    );
    CREATE INDEX fee_invoice_patient ON store.fee_invoice (tenant_id, patient_id, kind);
    CREATE TABLE store.visit_fee (
      tenant_id integer NOT NULL,
      appointment_id text COLLATE "C" NOT NULL,
      invoice_id text COLLATE "C" NOT NULL,
      patient_id text COLLATE "C" NOT NULL,
      definition_id text COLLATE "C" NOT NULL,
      practitioner_id text COLLATE "C",
      visited_at timestamptz NOT NULL,
      -- The visit whose fee covers this one; absent = it was charged itself.
      covered_by text COLLATE "C",
      PRIMARY KEY (tenant_id, appointment_id)
    );
    CREATE INDEX visit_fee_patient ON store.visit_fee (tenant_id, patient_id, definition_id, visited_at);
    CREATE INDEX visit_fee_covered ON store.visit_fee (tenant_id, covered_by) WHERE covered_by IS NOT NULL;
  `);
  await isolateTenantTable(knex, 'invoice_fact', { grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] });
  await isolateTenantTable(knex, 'invoice_charge', { grants: ['SELECT', 'INSERT', 'DELETE'] });
  await isolateTenantTable(knex, 'fee_invoice', { grants: ['SELECT', 'INSERT'] });
  await isolateTenantTable(knex, 'visit_fee', { grants: ['SELECT', 'INSERT'] });
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE store.visit_fee, store.fee_invoice, store.invoice_charge, store.invoice_fact CASCADE');
}
