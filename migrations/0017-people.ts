// The people of a clinic and their rights: custom roles, links and second factors of accounts, all a client can register, identity providers, number series.

import type { Knex } from 'knex';
import { isCurrentTenant, isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await widenAccounts(knex);
  await widenClients(knex);
  await makeRoles(knex);
  await makeProviders(knex);
  await makeNumberSeries(knex);
}

async function widenAccounts(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE store.account
      -- Ids of Organizations; the person has a PractitionerRole in each.
      ADD COLUMN departments text[] NOT NULL DEFAULT '{}',
      -- The password only opens the page on which another one is chosen.
      ADD COLUMN must_reset boolean NOT NULL DEFAULT false,
      -- Encrypted. It is the second factor from the moment it was confirmed with a first code.
      ADD COLUMN totp_secret bytea,
      ADD COLUMN totp_confirmed_at timestamptz,
      -- The time step of the last code that was good: none counts twice (RFC 6238 section 5.2).
      ADD COLUMN totp_last_step bigint;
    CREATE INDEX account_created ON store.account (tenant_id, created_at, id);
    CREATE TRIGGER announce_access AFTER UPDATE OF roles, active, practitioner, must_reset ON store.account
      FOR EACH STATEMENT EXECUTE FUNCTION store.announce_access();
    CREATE TABLE store.account_link (
      tenant_id integer NOT NULL,
      -- SHA-256 of a random token of 256 bits.
      hash bytea NOT NULL,
      account_id uuid NOT NULL,
      purpose text COLLATE "C" NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant_id, hash),
      FOREIGN KEY (tenant_id, account_id) REFERENCES store.account
    );
    CREATE INDEX account_link_account ON store.account_link (tenant_id, account_id);
    CREATE INDEX account_link_expires ON store.account_link (expires_at);
    CREATE TABLE store.recovery_code (
      tenant_id integer NOT NULL,
      account_id uuid NOT NULL,
      -- SHA-256 of a random code of 128 bits.
      hash bytea NOT NULL,
      used_at timestamptz,
      PRIMARY KEY (tenant_id, account_id, hash),
      FOREIGN KEY (tenant_id, account_id) REFERENCES store.account
    );
  `);
  await renewView(knex, 'account');
  await isolateTenantTable(knex, 'account_link', {
    grants: ['SELECT', 'INSERT', 'DELETE'],
    system: { columns: ['tenant_id', 'expires_at'], deletes: true },
  });
  await isolateTenantTable(knex, 'recovery_code', { grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] });
}

async function widenClients(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE store.client
      ADD COLUMN token_endpoint_auth_method text COLLATE "C" NOT NULL DEFAULT 'client_secret_basic',
      ADD COLUMN redirect_uris text[] NOT NULL DEFAULT '{}',
      ADD COLUMN post_logout_redirect_uris text[] NOT NULL DEFAULT '{}',
      -- Whose pages may read the answers in a browser.
      ADD COLUMN origins text[] NOT NULL DEFAULT '{}',
      ADD COLUMN launch_url text,
      ADD COLUMN logo_uri text,
      ADD COLUMN client_uri text,
      ADD COLUMN jwks_uri text,
      -- Encrypted JSON: addresses of people.
      ADD COLUMN contacts bytea,
      -- The secret before the last rotation, good until then.
      ADD COLUMN previous_secret_hash bytea,
      ADD COLUMN previous_secret_ends_at timestamptz,
      DROP CONSTRAINT client_check;
    UPDATE store.client SET token_endpoint_auth_method = 'private_key_jwt' WHERE jwks IS NOT NULL;
    ALTER TABLE store.client ADD CONSTRAINT client_proof CHECK (
      CASE token_endpoint_auth_method
        WHEN 'none' THEN num_nonnulls(secret_hash, jwks, jwks_uri) = 0
        WHEN 'private_key_jwt' THEN secret_hash IS NULL AND num_nonnulls(jwks, jwks_uri) = 1
        ELSE token_endpoint_auth_method IN ('client_secret_basic', 'client_secret_post')
          AND secret_hash IS NOT NULL AND num_nonnulls(jwks, jwks_uri) = 0
      END);
    ALTER TABLE store.client ADD CONSTRAINT client_previous_secret
      CHECK (num_nonnulls(previous_secret_hash, previous_secret_ends_at) IN (0, 2));
    CREATE INDEX client_created ON store.client (tenant_id, created_at, client_id);
  `);
  await renewView(knex, 'client');
}

async function makeRoles(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.role (
      tenant_id integer NOT NULL,
      slug text COLLATE "C" NOT NULL,
      name text NOT NULL,
      -- SMART scopes and operations, as they were given: user/Patient.rs, op:$find.
      grants text[] NOT NULL,
      active boolean NOT NULL DEFAULT true,
      PRIMARY KEY (tenant_id, slug)
    );
    CREATE TRIGGER announce_access AFTER INSERT OR UPDATE OR DELETE ON store.role
      FOR EACH STATEMENT EXECUTE FUNCTION store.announce_access();
  `);
  await isolateTenantTable(knex, 'role', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
}

async function makeProviders(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.identity_provider (
      tenant_id integer NOT NULL,
      id uuid NOT NULL,
      issuer text COLLATE "C" NOT NULL,
      client_id text COLLATE "C" NOT NULL,
      -- Encrypted; absent for a public client.
      client_secret bytea,
      -- Separated by spaces.
      scopes text NOT NULL,
      display text NOT NULL,
      active boolean NOT NULL DEFAULT true,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant_id, id),
      CONSTRAINT identity_provider_issuer UNIQUE (tenant_id, issuer)
    );
  `);
  await isolateTenantTable(knex, 'identity_provider', { grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] });
}

/** Whoever takes a number locks the row until the end of its transaction, so that a refused write leaves no gap. */
async function makeNumberSeries(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.number_series (
      tenant_id integer NOT NULL,
      code text COLLATE "C" NOT NULL,
      pattern text NOT NULL,
      next_number bigint NOT NULL DEFAULT 1 CHECK (next_number > 0),
      -- What the pattern's parts of a date were when the last number was taken: with new ones the count begins again.
      period text COLLATE "C" NOT NULL DEFAULT '',
      PRIMARY KEY (tenant_id, code)
    );
  `);
  await isolateTenantTable(knex, 'number_series', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
}

const viewText = (name: string) =>
  `tenant.${name} AS SELECT * FROM store.${name} WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION`;

/** A view shows the columns that its table had when it was made. */
async function renewView(knex: Knex, name: string): Promise<void> {
  await knex.raw(`CREATE OR REPLACE VIEW ${viewText(name)}`);
}

/** Clients that could not be registered before are not kept. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP VIEW system.account_link;
    DROP TABLE store.number_series, store.identity_provider, store.role, store.recovery_code, store.account_link CASCADE;
    DROP TRIGGER announce_access ON store.account;
    DROP INDEX store.account_created, store.client_created;
    DROP VIEW tenant.account, tenant.client;
    ALTER TABLE store.account DROP COLUMN departments, DROP COLUMN must_reset, DROP COLUMN totp_secret,
      DROP COLUMN totp_confirmed_at, DROP COLUMN totp_last_step;
    DELETE FROM store.client WHERE num_nonnulls(secret_hash, jwks) <> 1;
    ALTER TABLE store.client DROP CONSTRAINT client_proof, DROP CONSTRAINT client_previous_secret,
      DROP COLUMN token_endpoint_auth_method, DROP COLUMN redirect_uris, DROP COLUMN post_logout_redirect_uris,
      DROP COLUMN origins, DROP COLUMN launch_url, DROP COLUMN logo_uri, DROP COLUMN client_uri, DROP COLUMN jwks_uri,
      DROP COLUMN contacts, DROP COLUMN previous_secret_hash, DROP COLUMN previous_secret_ends_at,
      ADD CONSTRAINT client_check CHECK (num_nonnulls(secret_hash, jwks) = 1);
  `);
  for (const name of ['account', 'client']) {
    await knex.raw(`
      CREATE VIEW ${viewText(name)};
      ALTER VIEW tenant.${name} OWNER TO hpms_owner;
      GRANT SELECT, INSERT, UPDATE ON tenant.${name} TO hpms_app;
    `);
  }
}
