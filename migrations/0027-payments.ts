// The typed rows of payments: what each is and was for, gateway ids that were used, and drawers whose day is closed.

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.payment_fact (
      tenant_id integer NOT NULL,
      payment_id text COLLATE "C" NOT NULL,
      kind text COLLATE "C" NOT NULL,
      phase text COLLATE "C" NOT NULL,
      patient_id text COLLATE "C",
      method text COLLATE "C",
      -- Empty = the main drawer.
      drawer_id text COLLATE "C" NOT NULL,
      business_day date NOT NULL,
      currency text COLLATE "C" NOT NULL,
      amount_minor bigint NOT NULL CHECK (amount_minor > 0),
      refunded_minor bigint NOT NULL DEFAULT 0 CHECK (refunded_minor BETWEEN 0 AND amount_minor),
      -- Of a refund: the payment or credit note, Type/id.
      refunds text COLLATE "C",
      -- The account or client that asked for it, which may not approve it.
      requested_by text COLLATE "C" NOT NULL,
      PRIMARY KEY (tenant_id, payment_id)
    );
    CREATE INDEX payment_fact_queued ON store.payment_fact (tenant_id, drawer_id, business_day) WHERE phase = 'queued';
    CREATE TABLE store.payment_allocation (
      tenant_id integer NOT NULL,
      payment_id text COLLATE "C" NOT NULL,
      invoice_id text COLLATE "C" NOT NULL,
      -- Of a payment what is left of it after refunds, of a refund what it reopens.
      amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
      receipt_id text COLLATE "C",
      PRIMARY KEY (tenant_id, payment_id, invoice_id)
    );
    CREATE TABLE store.payment_identifier (
      tenant_id integer NOT NULL,
      -- Keyed, as the tokens of searches are.
      token bigint NOT NULL,
      payment_id text COLLATE "C" NOT NULL,
      PRIMARY KEY (tenant_id, token)
    );
    CREATE TABLE store.settlement (
      tenant_id integer NOT NULL,
      drawer_id text COLLATE "C" NOT NULL,
      business_day date NOT NULL,
      settlement_id text COLLATE "C" NOT NULL,
      PRIMARY KEY (tenant_id, drawer_id, business_day)
    );
  `);
  await isolateTenantTable(knex, 'payment_fact', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
  await isolateTenantTable(knex, 'payment_allocation', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
  await isolateTenantTable(knex, 'payment_identifier', { grants: ['SELECT', 'INSERT'] });
  await isolateTenantTable(knex, 'settlement', { grants: ['SELECT', 'INSERT'] });
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(
    'DROP TABLE store.settlement, store.payment_identifier, store.payment_allocation, store.payment_fact CASCADE',
  );
}
