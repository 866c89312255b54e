// The proof of AuditEvents: per tenant the leaves of a Merkle tree and its signed heads, written once (README, Proof).

import type { Knex } from 'knex';
import { isolateTenantTable, openToSystem } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await makeKey(knex);
  await makeLeaves(knex);
  await makeHeads(knex);
  await openAuditEvents(knex);
}

/** Its one row is of the installation, which is tenant 0 (src/audit/seal/seal-key.ts). */
async function makeKey(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.seal_key (
      tenant_id integer NOT NULL,
      version integer NOT NULL,
      wrapped bytea NOT NULL,
      -- The root key that wraps it.
      root text COLLATE "C" NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant_id, version)
    )`);
  await isolateTenantTable(knex, 'seal_key', { grants: ['SELECT', 'INSERT'] });
  await knex.raw('GRANT UPDATE (wrapped, root) ON tenant.seal_key TO hpms_app');
}

/** Rows hold up to 256 leaves of one tile; what was sealed later of the same tile is a row of its own. */
async function makeLeaves(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.seal_leaves (
      tenant_id integer NOT NULL,
      -- The place of the first in the tree.
      first bigint NOT NULL,
      -- 32 bytes each.
      hashes bytea NOT NULL,
      ids text[] COLLATE "C" NOT NULL,
      times timestamptz(3)[] NOT NULL,
      low timestamptz(3) NOT NULL,
      high timestamptz(3) NOT NULL,
      -- Of the whole tile, where these leaves are its last.
      tile_hash bytea,
      PRIMARY KEY (tenant_id, first)
    );
    -- Hashes do not compress.
    ALTER TABLE store.seal_leaves ALTER COLUMN hashes SET STORAGE EXTERNAL;
    CREATE INDEX seal_leaves_time ON store.seal_leaves (tenant_id, high, low);
    CREATE INDEX seal_leaves_tile ON store.seal_leaves (tenant_id, first) WHERE tile_hash IS NOT NULL;
  `);
  await isolateTenantTable(knex, 'seal_leaves', { grants: ['SELECT', 'INSERT'], appendOnly: true });
}

const headColumns = ['tenant_id', 'size', 'root', 'prev_hash', 'at', 'key', 'signature', 'sealed_until'] as const;

async function makeHeads(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.seal_head (
      tenant_id integer NOT NULL,
      size bigint NOT NULL,
      root bytea NOT NULL,
      prev_hash bytea NOT NULL,
      at timestamptz(3) NOT NULL,
      -- The public key.
      key text COLLATE "C" NOT NULL,
      signature bytea NOT NULL,
      -- The roots of the tree's perfect subtrees, from which it grows on.
      subtrees bytea NOT NULL,
      -- The snapshot whose rows were all sealed when this was written, those of all tenants.
      sealed_until text COLLATE "C" NOT NULL,
      PRIMARY KEY (tenant_id, size)
    );
    CREATE INDEX seal_head_at ON store.seal_head (at);
  `);
  await isolateTenantTable(knex, 'seal_head', {
    grants: ['SELECT', 'INSERT'],
    appendOnly: true,
    system: { columns: headColumns },
  });
}

/** The sealer finds by transaction what is new of all tenants, and nothing of what it says. */
async function openAuditEvents(knex: Knex): Promise<void> {
  await knex.raw('CREATE INDEX audit_event_tx ON store.audit_event (tx)');
  await openToSystem(knex, 'audit_event', { columns: ['tenant_id', 'id', 'last_updated', 'tx'] });
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP VIEW system.audit_event;
    REVOKE SELECT (tenant_id, id, last_updated, tx) ON store.audit_event FROM hpms_system;
    DROP POLICY system ON store.audit_event;
    DROP INDEX store.audit_event_tx;
    DROP TABLE store.seal_head, store.seal_leaves, store.seal_key CASCADE;
  `);
}
