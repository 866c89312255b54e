// The ledger: journals that are written once, chained and balanced by the database itself, and what is kept with them (domain.md 3.2).

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await makeAccounts(knex);
  await makeTransactions(knex);
  await makeEntries(knex);
  await makeChecks(knex);
  await makeInvoices(knex);
  await makeRollups(knex);
}

/** Which Account resource is which account of the ledger. */
async function makeAccounts(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.ledger_account (
      tenant_id integer NOT NULL,
      account_id text COLLATE "C" NOT NULL,
      number text COLLATE "C" NOT NULL,
      -- Whose or what for, below an account of the chart: Patient/x, Location/x, a tax code; empty for those of the chart.
      sub text COLLATE "C" NOT NULL,
      -- The account of the chart; itself for those.
      control_id text COLLATE "C" NOT NULL,
      PRIMARY KEY (tenant_id, account_id),
      CONSTRAINT ledger_account_once UNIQUE (tenant_id, number, sub)
    );
    CREATE INDEX ledger_account_control ON store.ledger_account (tenant_id, control_id) WHERE sub <> '';
  `);
  await isolateTenantTable(knex, 'ledger_account', { grants: ['SELECT', 'INSERT'] });
}

async function makeTransactions(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.ledger_transaction (
      tenant_id integer NOT NULL,
      -- Of the Basic resource that shows it.
      id text COLLATE "C" NOT NULL,
      seq bigint NOT NULL,
      type text COLLATE "C" NOT NULL,
      business_date date NOT NULL,
      source_type text COLLATE "C" NOT NULL,
      source_id text COLLATE "C" NOT NULL,
      source_version integer NOT NULL,
      subject text COLLATE "C" NOT NULL,
      idempotency_key text COLLATE "C" NOT NULL,
      reverses_id text COLLATE "C",
      actor text COLLATE "C" NOT NULL,
      reason text COLLATE "C" NOT NULL,
      method text COLLATE "C" NOT NULL,
      drawer text COLLATE "C" NOT NULL,
      recorded_at timestamptz(3) NOT NULL,
      -- Lines come with their journal or never.
      tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
      prev_hash bytea NOT NULL,
      hash bytea NOT NULL,
      PRIMARY KEY (tenant_id, id),
      CONSTRAINT ledger_transaction_seq UNIQUE (tenant_id, seq),
      CONSTRAINT ledger_transaction_once UNIQUE (tenant_id, idempotency_key),
      CONSTRAINT ledger_transaction_reversed_once UNIQUE (tenant_id, reverses_id)
    );
    CREATE INDEX ledger_transaction_source ON store.ledger_transaction (tenant_id, source_type, source_id);
  `);
  await isolateTenantTable(knex, 'ledger_transaction', { grants: ['SELECT', 'INSERT'], appendOnly: true });
}

async function makeEntries(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.ledger_entry (
      tenant_id integer NOT NULL,
      transaction_id text COLLATE "C" NOT NULL,
      line integer NOT NULL,
      -- Of the journal, so that one account's entries are in order without it.
      seq bigint NOT NULL,
      business_date date NOT NULL,
      account_id text COLLATE "C" NOT NULL,
      control_id text COLLATE "C" NOT NULL,
      currency text COLLATE "C" NOT NULL,
      amount_minor bigint NOT NULL,
      account_seq bigint NOT NULL,
      balance_after bigint NOT NULL,
      party text COLLATE "C" NOT NULL,
      invoice_id text COLLATE "C" NOT NULL,
      -- On 2400: the revenue account it waits to be moved to.
      revenue text COLLATE "C" NOT NULL,
      -- On 2100: the payment or credit note the credit comes from.
      credit text COLLATE "C" NOT NULL,
      practitioner text COLLATE "C" NOT NULL,
      department text COLLATE "C" NOT NULL,
      PRIMARY KEY (tenant_id, transaction_id, line),
      CONSTRAINT ledger_entry_account_seq UNIQUE (tenant_id, account_id, currency, account_seq),
      FOREIGN KEY (tenant_id, account_id) REFERENCES store.ledger_account (tenant_id, account_id)
    );
    CREATE INDEX ledger_entry_day ON store.ledger_entry (tenant_id, account_id, business_date, seq, line);
    CREATE INDEX ledger_entry_control_day ON store.ledger_entry (tenant_id, control_id, business_date, seq, line)
      WHERE control_id <> account_id;
    CREATE INDEX ledger_entry_invoice ON store.ledger_entry (tenant_id, invoice_id) WHERE invoice_id <> '';
  `);
  await isolateTenantTable(knex, 'ledger_entry', { grants: ['SELECT', 'INSERT'], appendOnly: true });
}

/** At COMMIT, whoever writes: I1, I3 and I16 of domain.md 3.5 are the database's own. */
async function makeChecks(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE FUNCTION store.check_journal() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    BEGIN
      IF NEW.business_date > ((NEW.recorded_at + interval '14 hours') AT TIME ZONE 'UTC')::date THEN
        RAISE EXCEPTION 'A journal is of a day to come.' USING ERRCODE = 'check_violation';
      END IF;
      IF (SELECT count(*) FROM store.ledger_entry
          WHERE tenant_id = NEW.tenant_id AND transaction_id = NEW.id) < 2 THEN
        RAISE EXCEPTION 'A journal has fewer than two lines.' USING ERRCODE = 'check_violation';
      END IF;
      IF NOT EXISTS (SELECT WHERE NEW.seq = 1 AND NEW.prev_hash = ''::bytea) AND NOT EXISTS (
          SELECT FROM store.ledger_transaction
          WHERE tenant_id = NEW.tenant_id AND seq = NEW.seq - 1 AND hash = NEW.prev_hash) THEN
        RAISE EXCEPTION 'A journal does not follow the one before it.' USING ERRCODE = 'check_violation';
      END IF;
      IF NEW.reverses_id IS NOT NULL AND NOT EXISTS (
          SELECT FROM store.ledger_transaction
          WHERE tenant_id = NEW.tenant_id AND id = NEW.reverses_id AND reverses_id IS NULL) THEN
        RAISE EXCEPTION 'A journal reverses none that could be reversed.' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$;
    CREATE FUNCTION store.check_entry() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    BEGIN
      IF (SELECT coalesce(sum(amount_minor), 0) FROM store.ledger_entry
          WHERE tenant_id = NEW.tenant_id AND transaction_id = NEW.transaction_id AND currency = NEW.currency) <> 0 THEN
        RAISE EXCEPTION 'A journal does not sum to nothing.' USING ERRCODE = 'check_violation';
      END IF;
      IF NOT EXISTS (SELECT FROM store.ledger_transaction
          WHERE tenant_id = NEW.tenant_id AND id = NEW.transaction_id AND seq = NEW.seq
            AND business_date = NEW.business_date AND tx = pg_current_xact_id()) THEN
        RAISE EXCEPTION 'A line was added to a journal of before.' USING ERRCODE = 'check_violation';
      END IF;
      IF NOT EXISTS (SELECT WHERE NEW.account_seq = 1 AND NEW.balance_after = NEW.amount_minor) AND NOT EXISTS (
          SELECT FROM store.ledger_entry
          WHERE tenant_id = NEW.tenant_id AND account_id = NEW.account_id AND currency = NEW.currency
            AND account_seq = NEW.account_seq - 1 AND balance_after + NEW.amount_minor = NEW.balance_after) THEN
        RAISE EXCEPTION 'A line does not follow the one before it in its account.' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$;
  `);
  for (const [check, table] of [
    ['check_journal', 'ledger_transaction'],
    ['check_entry', 'ledger_entry'],
  ] as const) {
    await knex.raw(`
      ALTER FUNCTION store.${check}() OWNER TO hpms_owner;
      GRANT EXECUTE ON FUNCTION store.${check}() TO hpms_owner;
      CREATE CONSTRAINT TRIGGER ${check} AFTER INSERT ON store.${table}
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION store.${check}();
    `);
  }
}

/** What is outstanding, deferred, recognised and taxed of each Invoice, and what is left of each credit. */
async function makeInvoices(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.ledger_invoice (
      tenant_id integer NOT NULL,
      invoice_id text COLLATE "C" NOT NULL,
      currency text COLLATE "C" NOT NULL,
      basis text COLLATE "C" NOT NULL,
      practitioner text COLLATE "C" NOT NULL,
      department text COLLATE "C" NOT NULL,
      gross_minor bigint NOT NULL,
      paid_minor bigint NOT NULL,
      credited_minor bigint NOT NULL,
      written_off_minor bigint NOT NULL,
      outstanding_minor bigint NOT NULL,
      PRIMARY KEY (tenant_id, invoice_id)
    ) WITH (fillfactor = 80);
    CREATE TABLE store.ledger_invoice_part (
      tenant_id integer NOT NULL,
      invoice_id text COLLATE "C" NOT NULL,
      -- deferred and recognised by revenue account, tax by code; credits positive.
      kind text COLLATE "C" NOT NULL,
      code text COLLATE "C" NOT NULL,
      amount_minor bigint NOT NULL,
      PRIMARY KEY (tenant_id, invoice_id, kind, code)
    ) WITH (fillfactor = 80);
    CREATE TABLE store.ledger_credit (
      tenant_id integer NOT NULL,
      source text COLLATE "C" NOT NULL,
      patient text COLLATE "C" NOT NULL,
      currency text COLLATE "C" NOT NULL,
      amount_minor bigint NOT NULL,
      opened_on date NOT NULL,
      opened_seq bigint NOT NULL,
      PRIMARY KEY (tenant_id, source, patient, currency)
    ) WITH (fillfactor = 80);
    CREATE INDEX ledger_credit_left ON store.ledger_credit (tenant_id, patient) WHERE amount_minor <> 0;
  `);
  for (const name of ['ledger_invoice', 'ledger_invoice_part', 'ledger_credit']) {
    await isolateTenantTable(knex, name, { grants: ['SELECT', 'INSERT', 'UPDATE'] });
  }
}

/** What reports add up: by account and day, and money and revenue by whatever they are told apart by. */
async function makeRollups(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.ledger_day (
      tenant_id integer NOT NULL,
      account_id text COLLATE "C" NOT NULL,
      currency text COLLATE "C" NOT NULL,
      day date NOT NULL,
      debit_minor bigint NOT NULL,
      credit_minor bigint NOT NULL,
      PRIMARY KEY (tenant_id, account_id, currency, day)
    ) WITH (fillfactor = 50);
    CREATE TABLE store.ledger_fact (
      tenant_id integer NOT NULL,
      day date NOT NULL,
      currency text COLLATE "C" NOT NULL,
      number text COLLATE "C" NOT NULL,
      practitioner text COLLATE "C" NOT NULL,
      department text COLLATE "C" NOT NULL,
      method text COLLATE "C" NOT NULL,
      drawer text COLLATE "C" NOT NULL,
      debit_minor bigint NOT NULL,
      credit_minor bigint NOT NULL,
      PRIMARY KEY (tenant_id, day, currency, number, practitioner, department, method, drawer)
    ) WITH (fillfactor = 50);
  `);
  for (const name of ['ledger_day', 'ledger_fact']) {
    await isolateTenantTable(knex, name, { grants: ['SELECT', 'INSERT', 'UPDATE'] });
  }
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE store.ledger_fact, store.ledger_day, store.ledger_credit, store.ledger_invoice_part, store.ledger_invoice,
      store.ledger_entry, store.ledger_transaction, store.ledger_account CASCADE;
    DROP FUNCTION store.check_entry(), store.check_journal();
  `);
}
