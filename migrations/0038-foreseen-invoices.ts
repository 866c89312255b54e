// Who settles an Invoice writes beforehand how it is settled then; the database refuses the transaction where it is not so (domain.md 3.5 I6, I7).

import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE FUNCTION tenant.require_invoice_states(invoices text[], currencies text[], outstanding bigint[], paid bigint[])
      RETURNS boolean LANGUAGE plpgsql STABLE AS $$
    BEGIN
      IF EXISTS (
        SELECT FROM unnest(invoices, currencies, outstanding, paid) AS foreseen (invoice_id, currency, outstanding, paid)
        LEFT JOIN tenant.ledger_invoice stored ON stored.invoice_id = foreseen.invoice_id
        WHERE (stored.currency, stored.outstanding_minor, stored.paid_minor)
          IS DISTINCT FROM (foreseen.currency, foreseen.outstanding, foreseen.paid)
      ) THEN
        RAISE EXCEPTION 'What was posted of an Invoice is not what its next version says.' USING ERRCODE = 'check_violation';
      END IF;
      RETURN true;
    END $$;
    ALTER FUNCTION tenant.require_invoice_states(text[], text[], bigint[], bigint[]) OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION tenant.require_invoice_states(text[], text[], bigint[], bigint[]) TO hpms_app, hpms_owner;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP FUNCTION tenant.require_invoice_states(text[], text[], bigint[], bigint[])');
}
