// What the database says of its archives is signed: a row more would hide that AuditEvents were deleted (README, Archives).

import type { Knex } from 'knex';
import { isCurrentTenant } from '../src/database/tenant-table.ts';

const view = `CREATE OR REPLACE VIEW tenant.archive AS
  SELECT * FROM store.archive WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION`;

/** What was archived before is signed by npm run archive -- --check, which reads the files. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The key's public part and what it signed: src/audit/archive/signed-share.ts.
    ALTER TABLE store.archive ADD COLUMN key text COLLATE "C", ADD COLUMN signature bytea;
    ${view};
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP VIEW tenant.archive;
    ALTER TABLE store.archive DROP COLUMN key, DROP COLUMN signature;
    ${view};
    ALTER VIEW tenant.archive OWNER TO hpms_owner;
    GRANT SELECT ON tenant.archive TO hpms_app;
  `);
}
