// Numbers laid out ahead, so that busy writes take one each without waiting for each other, and which patients were merged into which.

import type { Knex } from 'knex';
import { isCurrentTenant, isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- One more each time the count begins again: numbers laid out before that are nobody's.
    ALTER TABLE store.number_series ADD COLUMN epoch integer NOT NULL DEFAULT 0;
    -- A view shows the columns that its table had when it was made.
    CREATE OR REPLACE VIEW tenant.number_series AS
      SELECT * FROM store.number_series WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION;
    -- Counted by number_series already and given to nobody yet: whoever takes one deletes its row, and gives it back by aborting.
    CREATE TABLE store.free_number (
      tenant_id integer NOT NULL,
      code text COLLATE "C" NOT NULL,
      epoch integer NOT NULL,
      number bigint NOT NULL CHECK (number > 0),
      PRIMARY KEY (tenant_id, code, epoch, number)
    );
    CREATE TABLE store.patient_merge (
      tenant_id integer NOT NULL,
      source_id text COLLATE "C" NOT NULL,
      target_id text COLLATE "C" NOT NULL,
      task_id text COLLATE "C" NOT NULL,
      -- References are on their way to the target, or back.
      running boolean NOT NULL,
      PRIMARY KEY (tenant_id, source_id)
    );
    CREATE INDEX patient_merge_target ON store.patient_merge (tenant_id, target_id);
  `);
  await isolateTenantTable(knex, 'free_number', { grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] });
  await isolateTenantTable(knex, 'patient_merge', { grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] });
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE store.patient_merge, store.free_number CASCADE;
    DROP VIEW tenant.number_series;
    ALTER TABLE store.number_series DROP COLUMN epoch;
    CREATE VIEW tenant.number_series AS
      SELECT * FROM store.number_series WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION;
    ALTER VIEW tenant.number_series OWNER TO hpms_owner;
    GRANT SELECT, INSERT, UPDATE ON tenant.number_series TO hpms_app;
  `);
}
