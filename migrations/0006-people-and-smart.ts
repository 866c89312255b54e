// Who may come in: API clients, staff accounts, token signing keys, issued tokens, and the records of the authorization server.

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await makePeople(knex);
  await makeTokens(knex);
  await announceChanges(knex);
}

async function makePeople(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.client (
      tenant_id integer NOT NULL REFERENCES store.tenant,
      client_id text COLLATE "C" NOT NULL,
      -- Encrypted.
      name bytea NOT NULL,
      -- SHA-256 of a random secret of 256 bits.
      secret_hash bytea,
      jwks jsonb,
      grant_types text[] NOT NULL,
      scope text NOT NULL,
      roles text[] NOT NULL,
      fhir_user text COLLATE "C",
      active boolean NOT NULL DEFAULT true,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant_id, client_id),
      CHECK (num_nonnulls(secret_hash, jwks) = 1)
    );
    CREATE TABLE store.account (
      tenant_id integer NOT NULL REFERENCES store.tenant,
      id uuid NOT NULL,
      -- Keyed token of the e-mail address, for look-up; the address and the name are encrypted.
      email_token bigint NOT NULL,
      email bytea NOT NULL,
      name bytea NOT NULL,
      -- Argon2id; null until the person has set a password.
      password_hash text,
      roles text[] NOT NULL,
      practitioner text COLLATE "C",
      active boolean NOT NULL DEFAULT true,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant_id, id),
      CONSTRAINT account_email UNIQUE (tenant_id, email_token)
    );
  `);
  await isolateTenantTable(knex, 'client', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
  await isolateTenantTable(knex, 'account', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
}

async function makeTokens(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.signing_key (
      tenant_id integer NOT NULL REFERENCES store.tenant,
      kid text COLLATE "C" NOT NULL,
      algorithm text NOT NULL,
      -- Encrypted private JWK.
      private_key bytea NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant_id, kid)
    );
    CREATE TABLE store.access_token (
      tenant_id integer NOT NULL,
      -- SHA-256 of the token's jti.
      id_hash bytea NOT NULL,
      -- The model of oidc-provider that the token is.
      kind text COLLATE "C" NOT NULL,
      client_id text COLLATE "C" NOT NULL,
      scope text NOT NULL,
      issued_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant_id, id_hash)
    );
    CREATE INDEX access_token_expires ON store.access_token (expires_at);
    CREATE TABLE store.used_assertion (
      tenant_id integer NOT NULL,
      -- SHA-256 of a client assertion's iss and jti.
      id_hash bytea NOT NULL,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant_id, id_hash)
    );
    CREATE INDEX used_assertion_expires ON store.used_assertion (expires_at);
    -- Everything else that oidc-provider keeps: grants, sessions, codes, refresh tokens.
    CREATE TABLE store.oidc_record (
      tenant_id integer NOT NULL,
      model text COLLATE "C" NOT NULL,
      id_hash bytea NOT NULL,
      grant_hash bytea,
      uid_hash bytea,
      -- Encrypted JSON.
      payload bytea NOT NULL,
      expires_at timestamptz NOT NULL,
      consumed_at timestamptz,
      PRIMARY KEY (tenant_id, model, id_hash)
    );
    CREATE INDEX oidc_record_grant ON store.oidc_record (tenant_id, grant_hash) WHERE grant_hash IS NOT NULL;
    CREATE INDEX oidc_record_uid ON store.oidc_record (tenant_id, model, uid_hash) WHERE uid_hash IS NOT NULL;
    CREATE INDEX oidc_record_expires ON store.oidc_record (expires_at);
  `);
  // What has expired is swept across tenants, by a role that sees nothing of it but the time.
  const system = { columns: ['tenant_id', 'expires_at'], deletes: true } as const;
  await isolateTenantTable(knex, 'signing_key', { grants: ['SELECT', 'INSERT'] });
  await isolateTenantTable(knex, 'access_token', { grants: ['SELECT', 'INSERT', 'DELETE'], system });
  await isolateTenantTable(knex, 'used_assertion', { grants: ['SELECT', 'INSERT'], system });
  await isolateTenantTable(knex, 'oidc_record', { grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'], system });
}

/** Every process caches for at most a second who may do what; this channel ends that second early, and says only that. */
async function announceChanges(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE FUNCTION store.announce_access() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_catalog.pg_notify('hpms_access', '');
      RETURN NULL;
    END $$;
    ALTER FUNCTION store.announce_access() OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION store.announce_access() TO hpms_owner;
    CREATE TRIGGER announce_access AFTER INSERT OR UPDATE ON store.tenant
      FOR EACH STATEMENT EXECUTE FUNCTION store.announce_access();
    CREATE TRIGGER announce_access AFTER INSERT OR UPDATE OR DELETE ON store.setting
      FOR EACH STATEMENT EXECUTE FUNCTION store.announce_access();
    CREATE TRIGGER announce_access AFTER UPDATE ON store.client
      FOR EACH STATEMENT EXECUTE FUNCTION store.announce_access();
    -- Sweeping what has expired is no news.
    CREATE TRIGGER announce_access AFTER DELETE ON store.access_token
      FOR EACH ROW WHEN (OLD.expires_at > now()) EXECUTE FUNCTION store.announce_access();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TRIGGER announce_access ON store.tenant;
    DROP TRIGGER announce_access ON store.setting;
    DROP VIEW system.oidc_record, system.used_assertion, system.access_token;
    DROP TABLE store.oidc_record, store.used_assertion, store.access_token, store.signing_key, store.account, store.client
      CASCADE;
    DROP FUNCTION store.announce_access();
  `);
}
