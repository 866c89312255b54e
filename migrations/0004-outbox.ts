// The transactional outbox, the inbox that makes a delivery count once, and the keys of repeated requests.

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.outbox (
      tenant_id integer NOT NULL,
      id uuid NOT NULL,
      -- What happened, once: a second transaction that says the same adds nothing.
      event_key text COLLATE "C" NOT NULL,
      topic text COLLATE "C" NOT NULL,
      resource_type text COLLATE "C" NOT NULL,
      resource_id text COLLATE "C" NOT NULL,
      old_version_id integer,
      new_version_id integer NOT NULL,
      status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'published', 'done', 'dead')),
      attempts integer NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT now(),
      published_at timestamptz,
      done_at timestamptz,
      PRIMARY KEY (tenant_id, id),
      UNIQUE (tenant_id, event_key)
    );
    CREATE INDEX outbox_pending ON store.outbox (created_at) WHERE status = 'pending';
    CREATE INDEX outbox_published ON store.outbox (published_at) WHERE status = 'published';
    CREATE TABLE store.inbox (
      tenant_id integer NOT NULL,
      consumer text COLLATE "C" NOT NULL,
      outbox_id uuid NOT NULL,
      done_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant_id, consumer, outbox_id),
      FOREIGN KEY (tenant_id, outbox_id) REFERENCES store.outbox (tenant_id, id)
    );
    CREATE TABLE store.idempotency_key (
      tenant_id integer NOT NULL,
      -- SHA-256 of client, method, path and the client's key.
      key bytea NOT NULL,
      body_hash bytea NOT NULL,
      status integer NOT NULL,
      -- Encrypted answer: headers and body.
      answer bytea NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant_id, key)
    );
    CREATE INDEX idempotency_key_created ON store.idempotency_key (created_at);
  `);
  await isolateTenantTable(knex, 'outbox', {
    grants: ['SELECT', 'INSERT', 'UPDATE'],
    system: {
      columns: ['tenant_id', 'id', 'topic', 'status', 'attempts', 'created_at', 'published_at', 'done_at'],
      updates: ['status', 'attempts', 'published_at'],
    },
  });
  await isolateTenantTable(knex, 'inbox', { grants: ['SELECT', 'INSERT'] });
  await isolateTenantTable(knex, 'idempotency_key', {
    grants: ['SELECT', 'INSERT'],
    system: { columns: ['tenant_id', 'created_at'], deletes: true },
  });
  await knex.raw(`
    -- The relay sleeps on this channel; the notice says only that something is there.
    CREATE FUNCTION store.ring_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_catalog.pg_notify('hpms_outbox', '');
      RETURN NULL;
    END $$;
    ALTER FUNCTION store.ring_outbox() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION store.ring_outbox() TO hpms_owner;
    CREATE TRIGGER ring_outbox AFTER INSERT ON store.outbox FOR EACH STATEMENT EXECUTE FUNCTION store.ring_outbox();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP VIEW system.idempotency_key, system.outbox;
    DROP TABLE store.idempotency_key, store.inbox, store.outbox CASCADE;
    DROP FUNCTION store.ring_outbox();
  `);
}
