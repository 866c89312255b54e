// Facts that were noted become AuditEvents in one step: who removes their block stores them, so that nobody has to look which there are.

import type { Knex } from 'knex';
import { isCurrentTenant } from '../src/database/tenant-table.ts';

const signature = 'tenant.store_access_events(text[], bigint[], text[], bytea[], text[], integer)';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Stores the AuditEvents of the tenant's blocks that are still there, and removes these. All events of a block must be given;
    -- those of blocks that somebody else has removed are left out, for they are stored.
    CREATE FUNCTION tenant.store_access_events(
      blocks text[], recorded_ms bigint[], ids text[], contents bytea[], token_lists text[], definitions integer
    ) RETURNS void
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
      DECLARE
        noted text[];
        stored bigint;
      BEGIN
        PERFORM tenant.require_definitions(definitions);
        WITH removed AS (
          DELETE FROM store.access_block AS block WHERE ${isCurrentTenant} AND block.id = ANY (blocks) RETURNING block.ids
        )
        SELECT array_agg(one.id) INTO noted FROM removed, unnest(removed.ids) AS one (id);
        IF noted IS NULL THEN
          RETURN;
        END IF;
        INSERT INTO store.audit_event (last_updated, id, content, tokens)
          SELECT timestamptz 'epoch' + event.ms * interval '1 millisecond', event.id, event.content, event.tokens::bigint[]
          FROM unnest(recorded_ms, ids, contents, token_lists) AS event (ms, id, content, tokens)
          WHERE event.id = ANY (noted);
        GET DIAGNOSTICS stored = ROW_COUNT;
        IF stored <> cardinality(noted) THEN
          RAISE EXCEPTION 'Of % noted AuditEvents % are given.', cardinality(noted), stored;
        END IF;
      END $$;
    ALTER FUNCTION ${signature} OWNER TO hpms_owner;
    REVOKE ALL ON FUNCTION ${signature} FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION ${signature} TO hpms_app, hpms_owner;

    DROP FUNCTION tenant.finish_access_blocks(text[]);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP FUNCTION ${signature};

    CREATE FUNCTION tenant.finish_access_blocks(blocks text[]) RETURNS void
      LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
      DELETE FROM store.access_block AS block
      WHERE block.tenant_id = (SELECT tenant.current_id()) AND block.id = ANY (blocks)
        AND NOT EXISTS (
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
