// Search tokens of AuditEvents that come together again and again are stored once: src/repository/token-groups.ts.

import type { Knex } from 'knex';
import { isCurrentTenant, isolateTenantTable } from '../src/database/tenant-table.ts';

/** Nothing is to be done for events that are there: they have their tokens themselves. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.audit_token_group (
      tenant_id integer NOT NULL,
      -- Stands for all of them among an event's tokens.
      token bigint NOT NULL,
      tokens bigint[] NOT NULL,
      made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (tenant_id, token)
    );
    CREATE INDEX audit_token_group_tokens ON store.audit_token_group USING gin (tokens) WITH (fastupdate = off);
  `);
  await isolateTenantTable(knex, 'audit_token_group', { grants: ['SELECT', 'INSERT'] });
  await knex.raw(`
    CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON store.audit_token_group
      FOR EACH ROW EXECUTE FUNCTION store.refuse_change();
    CREATE TRIGGER refuse_emptying BEFORE TRUNCATE ON store.audit_token_group
      FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change();

    -- When all events have tokens under another index key.
    CREATE FUNCTION tenant.drop_token_groups(before timestamptz) RETURNS void
      LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
      DELETE FROM store.audit_token_group WHERE ${isCurrentTenant} AND made_at < before $$;
    ALTER FUNCTION tenant.drop_token_groups(timestamptz) OWNER TO hpms_owner;
    REVOKE ALL ON FUNCTION tenant.drop_token_groups(timestamptz) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION tenant.drop_token_groups(timestamptz) TO hpms_reindex, hpms_owner;
  `);
}

/** Events that name groups are found by them no more, until their tokens are made anew (rotate-keys). */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP FUNCTION tenant.drop_token_groups(timestamptz);
    DROP TABLE store.audit_token_group CASCADE;
  `);
}
