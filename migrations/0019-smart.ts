// What SMART App Launch adds to the authorization server: what people allowed apps, their sessions, launches, and whose a token is.

import type { Knex } from 'knex';
import { isCurrentTenant, isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await widenAccessTokens(knex);
  await makeGrants(knex);
  await makeSessions(knex);
  await announceChanges(knex);
}

async function widenAccessTokens(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE store.access_token
      -- All null for a client that acts for itself.
      ADD COLUMN account_id uuid,
      ADD COLUMN grant_hash bytea,
      ADD COLUMN session_hash bytea,
      -- Ids of the Patient and the Encounter in context.
      ADD COLUMN patient text COLLATE "C",
      ADD COLUMN encounter text COLLATE "C";
    CREATE INDEX access_token_grant ON store.access_token (tenant_id, grant_hash) WHERE grant_hash IS NOT NULL;
  `);
  await knex.raw(`CREATE OR REPLACE VIEW ${viewText('access_token')}`);
}

async function makeGrants(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.app_grant (
      tenant_id integer NOT NULL,
      -- SHA-256 of the grant's id at oidc-provider; one for every time that an app was let in.
      grant_hash bytea NOT NULL,
      account_id uuid NOT NULL,
      client_id text COLLATE "C" NOT NULL,
      -- Of the session in which it was given; null for one that outlives its session (offline_access).
      session_hash bytea,
      -- SMART launch context: ids, and what the app is to begin with.
      patient text COLLATE "C",
      encounter text COLLATE "C",
      intent text,
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant_id, grant_hash)
    );
    CREATE INDEX app_grant_account ON store.app_grant (tenant_id, account_id, client_id);
    CREATE INDEX app_grant_session ON store.app_grant (tenant_id, session_hash) WHERE session_hash IS NOT NULL;
    CREATE INDEX app_grant_expires ON store.app_grant (expires_at);
    -- What a person said when an app asked, so that it is asked once.
    CREATE TABLE store.app_consent (
      tenant_id integer NOT NULL,
      account_id uuid NOT NULL,
      client_id text COLLATE "C" NOT NULL,
      granted text[] NOT NULL,
      refused text[] NOT NULL,
      given_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant_id, account_id, client_id)
    );
    CREATE TABLE store.smart_launch (
      tenant_id integer NOT NULL,
      -- SHA-256 of the random value of the parameter launch.
      launch_hash bytea NOT NULL,
      client_id text COLLATE "C" NOT NULL,
      -- Null when a system made it, for whichever of its people signs in.
      account_id uuid,
      patient text COLLATE "C",
      encounter text COLLATE "C",
      intent text,
      -- Until then it may be brought; a sign-in that has begun may take longer.
      brought_until timestamptz NOT NULL,
      used_at timestamptz,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant_id, launch_hash)
    );
    CREATE INDEX smart_launch_expires ON store.smart_launch (expires_at);
  `);
  const system = { columns: ['tenant_id', 'expires_at'], deletes: true } as const;
  // UPDATE is what the share lock of a row asks for.
  await isolateTenantTable(knex, 'app_grant', { grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'], system });
  await isolateTenantTable(knex, 'app_consent', { grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] });
  await isolateTenantTable(knex, 'smart_launch', { grants: ['SELECT', 'INSERT', 'UPDATE'], system });
}

async function makeSessions(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.login_session (
      tenant_id integer NOT NULL,
      -- SHA-256 of the session's uid at oidc-provider, which stays when its cookie changes.
      session_hash bytea NOT NULL,
      -- By which it is listed and ended.
      id uuid NOT NULL,
      account_id uuid NOT NULL,
      -- Encrypted JSON: the network and the browser it was made from.
      origin bytea NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      last_used_at timestamptz NOT NULL DEFAULT now(),
      idle_seconds integer NOT NULL,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant_id, session_hash)
    );
    CREATE UNIQUE INDEX login_session_id ON store.login_session (tenant_id, id);
    CREATE INDEX login_session_account ON store.login_session (tenant_id, account_id);
    CREATE INDEX login_session_expires ON store.login_session (expires_at);
  `);
  await isolateTenantTable(knex, 'login_session', {
    grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
    system: { columns: ['tenant_id', 'expires_at'], deletes: true },
  });
}

/** A token is as good as its session: see 0006 for the channel. */
async function announceChanges(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TRIGGER announce_access AFTER DELETE ON store.login_session
      FOR EACH ROW WHEN (OLD.expires_at > now()) EXECUTE FUNCTION store.announce_access();
  `);
}

const viewText = (name: string) =>
  `tenant.${name} AS SELECT * FROM store.${name} WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION`;

/** Tokens of people end: before, there were none. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP VIEW system.login_session, system.smart_launch, system.app_grant;
    DROP TABLE store.login_session, store.smart_launch, store.app_consent, store.app_grant CASCADE;
    DROP VIEW tenant.access_token;
    DELETE FROM store.access_token WHERE account_id IS NOT NULL;
    ALTER TABLE store.access_token DROP COLUMN account_id, DROP COLUMN grant_hash, DROP COLUMN session_hash,
      DROP COLUMN patient, DROP COLUMN encounter;
    CREATE VIEW ${viewText('access_token')};
    ALTER VIEW tenant.access_token OWNER TO hpms_owner;
    GRANT SELECT, INSERT, DELETE ON tenant.access_token TO hpms_app;
  `);
}
