// Plans that hold for tenants of any size: brings older tables and views to the predicate of src/database/tenant-table.ts.

import type { Knex } from 'knex';
import { isCurrentTenant } from '../src/database/tenant-table.ts';

const bare = 'tenant_id = tenant.current_id()';
/** As PostgreSQL writes it in the text of a view. */
const asStored = 'tenant_id = ( SELECT tenant.current_id() AS current_id)';

export async function up(knex: Knex): Promise<void> {
  await rewriteViews(knex, bare, isCurrentTenant);
  await rewritePolicies(knex, isCurrentTenant);
  await setDistinct(knex, 'SET (n_distinct = 1)');
}

export async function down(knex: Knex): Promise<void> {
  await rewriteViews(knex, asStored, bare);
  await rewritePolicies(knex, bare);
  await setDistinct(knex, 'RESET (n_distinct)');
}

/** Owner and grants of a view stay when it is replaced; its check option has to be said again. */
async function rewriteViews(knex: Knex, from: string, to: string): Promise<void> {
  await knex.raw(`
    DO $$ DECLARE found record; BEGIN
      FOR found IN
        SELECT relname, pg_get_viewdef(oid) AS text, coalesce(reloptions @> '{check_option=local}', false) AS checks
        FROM pg_class WHERE relnamespace = 'tenant'::regnamespace AND relkind = 'v' AND pg_get_viewdef(oid) LIKE '%${from}%'
      LOOP
        EXECUTE format('CREATE OR REPLACE VIEW tenant.%I AS %s %s', found.relname,
          replace(rtrim(found.text, ';'), '${from}', '${to}'), CASE WHEN found.checks THEN 'WITH LOCAL CHECK OPTION' END);
      END LOOP;
    END $$`);
}

async function rewritePolicies(knex: Knex, predicate: string): Promise<void> {
  await knex.raw(`
    DO $$ DECLARE found record; BEGIN
      FOR found IN SELECT tablename FROM pg_policies WHERE schemaname = 'store' AND policyname = 'tenant' LOOP
        EXECUTE format('ALTER POLICY tenant ON store.%I USING (${predicate}) WITH CHECK (${predicate})', found.tablename);
      END LOOP;
    END $$`);
}

/** It is heeded from the next ANALYZE on. */
async function setDistinct(knex: Knex, setting: string): Promise<void> {
  await knex.raw(`
    DO $$ DECLARE found record; BEGIN
      FOR found IN
        SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'tenant_id'
        WHERE relnamespace = 'store'::regnamespace AND relkind IN ('r', 'p')
      LOOP
        EXECUTE format('ALTER TABLE store.%I ALTER COLUMN tenant_id ${setting}', found.relname);
      END LOOP;
    END $$`);
}
