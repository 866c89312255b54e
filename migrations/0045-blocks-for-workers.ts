// Blocks of facts say whether their own process makes AuditEvents of them or leaves that to the workers.

import type { Knex } from 'knex';
import { isCurrentTenant } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE store.access_block ADD COLUMN for_workers boolean NOT NULL DEFAULT false;
    CREATE OR REPLACE VIEW tenant.access_block AS
      SELECT * FROM store.access_block WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION;
    CREATE OR REPLACE VIEW system.access_block WITH (security_invoker = true) AS
      SELECT tenant_id, id, for_workers FROM store.access_block;
    GRANT SELECT (for_workers) ON store.access_block TO hpms_system;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP VIEW tenant.access_block, system.access_block;
    ALTER TABLE store.access_block DROP COLUMN for_workers;
    CREATE VIEW tenant.access_block AS
      SELECT * FROM store.access_block WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION;
    CREATE VIEW system.access_block WITH (security_invoker = true) AS SELECT tenant_id, id FROM store.access_block;
    ALTER VIEW tenant.access_block OWNER TO hpms_owner;
    ALTER VIEW system.access_block OWNER TO hpms_owner;
    GRANT SELECT, INSERT ON tenant.access_block TO hpms_app;
    GRANT SELECT ON system.access_block TO hpms_system;
  `);
}
