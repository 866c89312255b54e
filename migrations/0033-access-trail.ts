// What was read and refused, as it is noted before it is answered: blocks of facts that wait to become AuditEvents (security.md 1.8).

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

/**
 * AuditEvents come by the hundred: a list of what is not yet in the index saves half of the work, and searches read it in about a
 * millisecond. Measured on rows of 36 tokens, processor time in PostgreSQL: 90 µs a row without a list, 68 with 64 KB, 50 with 1 MB.
 */
const gatheringIndex = `
  DROP INDEX store.audit_event_tokens;
  CREATE INDEX audit_event_tokens ON store.audit_event
    USING gin (tokens) WITH (fastupdate = on, gin_pending_list_limit = 1024)`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(gatheringIndex);
  await knex.raw(`
    CREATE TABLE store.access_block (
      tenant_id integer NOT NULL,
      -- UUIDv7: tells the time it was written.
      id text COLLATE "C" NOT NULL,
      -- Of the AuditEvents that its facts become.
      ids text[] COLLATE "C" NOT NULL,
      -- Encrypted JSON of the facts.
      content bytea NOT NULL,
      PRIMARY KEY (tenant_id, id)
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
    ALTER TABLE store.access_block ALTER COLUMN content SET STORAGE EXTERNAL;
    -- Leftovers of all tenants are looked for by their age.
    CREATE INDEX access_block_age ON store.access_block (id);
  `);
  await isolateTenantTable(knex, 'access_block', {
    grants: ['SELECT', 'INSERT'],
    system: { columns: ['tenant_id', 'id'] },
  });
  await knex.raw(`
    CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON store.access_block
      FOR EACH ROW EXECUTE FUNCTION store.refuse_change();
    CREATE TRIGGER refuse_emptying BEFORE TRUNCATE ON store.access_block
      FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change();

    -- Removes those of the tenant's blocks whose facts are all AuditEvents, and no other. An event's id tells its time, which is its partition.
    CREATE FUNCTION tenant.finish_access_blocks(blocks text[]) RETURNS void
      LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
      DELETE FROM store.access_block AS block
      WHERE block.tenant_id = (SELECT tenant.current_id()) AND block.id = ANY (blocks)
        AND NOT EXISTS (
          -- OFFSET 0: each by its key, however few events there were when this was planned.
          SELECT FROM unnest(block.ids) AS noted (id) WHERE NOT EXISTS (
            SELECT FROM store.audit_event AS event
            WHERE event.tenant_id = (SELECT tenant.current_id()) AND event.id = noted.id
              AND event.last_updated = to_timestamp(
                ('x' || left(replace(noted.id, '-', ''), 12))::bit(48)::bigint / 1000.0)::timestamptz(3)
            OFFSET 0)) $$;
    ALTER FUNCTION tenant.finish_access_blocks(text[]) OWNER TO hpms_owner;
    REVOKE ALL ON FUNCTION tenant.finish_access_blocks(text[]) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION tenant.finish_access_blocks(text[]) TO hpms_app, hpms_owner;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP FUNCTION tenant.finish_access_blocks(text[]);
    DROP VIEW system.access_block;
    DROP TABLE store.access_block CASCADE;
    DROP INDEX store.audit_event_tokens;
    CREATE INDEX audit_event_tokens ON store.audit_event USING gin (tokens) WITH (fastupdate = off);
  `);
}
