// A change of who may do what is told to the process that made it, too, before its answer: migration 0006 tells all others soon after.

import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE OR REPLACE FUNCTION store.announce_access() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_catalog.pg_notify('hpms_access', '');
      -- Its code is known to src/database/pool.ts.
      RAISE NOTICE 'Who may do what has changed.' USING ERRCODE = 'ZA001';
      RETURN NULL;
    END $$;
    -- The pages of a new one may read answers.
    CREATE OR REPLACE TRIGGER announce_access AFTER INSERT OR UPDATE ON store.client
      FOR EACH STATEMENT EXECUTE FUNCTION store.announce_access();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE OR REPLACE FUNCTION store.announce_access() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_catalog.pg_notify('hpms_access', '');
      RETURN NULL;
    END $$;
    CREATE OR REPLACE TRIGGER announce_access AFTER UPDATE ON store.client
      FOR EACH STATEMENT EXECUTE FUNCTION store.announce_access();
  `);
}
