// Visits: which Encounter belongs to which Appointment, once; who waits for whom; and the numbers of the day.

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await makeVisit(knex);
  await makeCounter(knex);
  await makeLock(knex);
}

async function makeVisit(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.visit (
      tenant_id integer NOT NULL,
      appointment_id text COLLATE "C" NOT NULL,
      encounter_id text COLLATE "C",
      -- Of the Appointment, from its arrival or its end on; null = it is awaited, or is not stored.
      status text COLLATE "C",
      encounter_status text COLLATE "C",
      patient_id text COLLATE "C",
      -- Practitioner/id or PractitionerRole/id; the first is whose queue it is.
      practitioners text[] COLLATE "C" NOT NULL DEFAULT '{}',
      practitioner text COLLATE "C" GENERATED ALWAYS AS (coalesce(practitioners[1], '')) STORED,
      location_id text COLLATE "C",
      department_id text COLLATE "C",
      start_at timestamptz,
      planned_minutes integer,
      -- The day of the start where it takes place.
      local_date date,
      queue_number integer,
      queue_order integer,
      called_count integer NOT NULL DEFAULT 0,
      called_at timestamptz,
      -- The account or client that called.
      called_by text COLLATE "C",
      arrived_at timestamptz,
      started_at timestamptz,
      finished_at timestamptz,
      PRIMARY KEY (tenant_id, appointment_id)
    );
    CREATE INDEX visit_encounter ON store.visit (tenant_id, encounter_id);
    CREATE INDEX visit_queue ON store.visit (tenant_id, practitioner, local_date);
    CREATE INDEX visit_day ON store.visit (tenant_id, local_date);
    CREATE INDEX visit_patient ON store.visit (tenant_id, patient_id, status);
  `);
  await isolateTenantTable(knex, 'visit', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
}

async function makeCounter(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.queue_counter (
      tenant_id integer NOT NULL,
      practitioner text COLLATE "C" NOT NULL,
      local_date date NOT NULL,
      last_number integer NOT NULL,
      PRIMARY KEY (tenant_id, practitioner, local_date)
    );
  `);
  await isolateTenantTable(knex, 'queue_counter', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
}

/**
 * Whoever writes an Appointment goes on to its Encounter, so whoever has the Encounter must not wait for the Appointment for
 * long: it lets go, and runs again behind the other.
 */
async function makeLock(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE FUNCTION tenant.lock_appointments(ids text[]) RETURNS void LANGUAGE plpgsql SET lock_timeout = '50ms' AS $$
    BEGIN
      PERFORM FROM tenant.resource WHERE type = 'Appointment' AND id = ANY (ids) ORDER BY id FOR UPDATE;
    EXCEPTION WHEN lock_not_available THEN
      RAISE EXCEPTION 'An Appointment is being written.' USING ERRCODE = 'serialization_failure';
    END $$;
    ALTER FUNCTION tenant.lock_appointments(text[]) OWNER TO hpms_owner;
    GRANT EXECUTE ON FUNCTION tenant.lock_appointments(text[]) TO hpms_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP FUNCTION tenant.lock_appointments(text[]);
    DROP TABLE store.queue_counter, store.visit CASCADE;
  `);
}
