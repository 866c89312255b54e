// The typed rows of scheduling: places, weekly hours, leave, seats of shared times, moves, and who waits for a time.

import type { Knex } from 'knex';
import { isCurrentTenant, isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE store.booking
      -- Of a Schedule whose times several may share; 1 of all others, so that the constraint is the proof for those.
      ADD COLUMN seat smallint NOT NULL DEFAULT 1 CHECK (seat > 0),
      ADD COLUMN before_ms integer NOT NULL DEFAULT 0,
      ADD COLUMN after_ms integer NOT NULL DEFAULT 0,
      -- Ranges have no leakproof operators, so that under row-level security only these can use an index.
      ADD COLUMN low timestamptz GENERATED ALWAYS AS (lower(period)) STORED,
      ADD COLUMN high timestamptz GENERATED ALWAYS AS (upper(period)) STORED,
      ADD COLUMN is_long boolean GENERATED ALWAYS AS (upper(period) - lower(period) > interval '24:00:00') STORED,
      DROP CONSTRAINT booking_overlap,
      ADD CONSTRAINT booking_overlap EXCLUDE USING gist
        (tenant_id WITH =, actor_type WITH =, actor_id WITH =, seat WITH =, period WITH &&) WHERE (NOT overbooked);
    DROP INDEX store.booking_overbooked;
    CREATE INDEX booking_of_actor ON store.booking (tenant_id, actor_type, actor_id, low, high);
    CREATE INDEX booking_of_time ON store.booking (tenant_id, low, high);
    CREATE INDEX booking_long ON store.booking (tenant_id, high) WHERE is_long;
    CREATE OR REPLACE VIEW tenant.booking AS
      SELECT * FROM store.booking WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION;
    CREATE TABLE store.place (
      tenant_id integer NOT NULL,
      type text COLLATE "C" NOT NULL,
      id text COLLATE "C" NOT NULL,
      is_room boolean NOT NULL,
      timezone text COLLATE "C",
      organization_id text COLLATE "C",
      part_of text COLLATE "C",
      PRIMARY KEY (tenant_id, type, id)
    );
    CREATE TABLE store.schedule_actor (
      tenant_id integer NOT NULL,
      schedule_id text COLLATE "C" NOT NULL,
      actor_type text COLLATE "C" NOT NULL,
      actor_id text COLLATE "C" NOT NULL,
      takes_leave boolean NOT NULL,
      hours jsonb,
      PRIMARY KEY (tenant_id, schedule_id, actor_type, actor_id)
    );
    CREATE INDEX schedule_of_actor ON store.schedule_actor (tenant_id, actor_type, actor_id);
    CREATE TABLE store.leave (
      tenant_id integer NOT NULL,
      slot_id text COLLATE "C" NOT NULL,
      schedule_id text COLLATE "C" NOT NULL,
      low timestamptz NOT NULL,
      high timestamptz NOT NULL,
      PRIMARY KEY (tenant_id, slot_id)
    );
    CREATE INDEX leave_by_end ON store.leave (tenant_id, high);
    -- A booking that leave has made impossible was told of once for each time it had.
    CREATE TABLE store.reschedule_task (
      tenant_id integer NOT NULL,
      appointment_id text COLLATE "C" NOT NULL,
      low timestamptz NOT NULL,
      PRIMARY KEY (tenant_id, appointment_id, low)
    );
    CREATE TABLE store.appointment_move (
      tenant_id integer NOT NULL,
      appointment_id text COLLATE "C" NOT NULL,
      moves integer NOT NULL,
      PRIMARY KEY (tenant_id, appointment_id)
    );
    CREATE TABLE store.waiting (
      tenant_id integer NOT NULL,
      appointment_id text COLLATE "C" NOT NULL,
      -- Empty: any practitioner of the service.
      practitioner_ids text[] NOT NULL,
      services text[] NOT NULL,
      low timestamptz NOT NULL,
      high timestamptz NOT NULL,
      minutes integer,
      -- 1 is the most urgent, as in RFC 5545.
      priority integer NOT NULL,
      since timestamptz NOT NULL,
      is_offered boolean NOT NULL,
      PRIMARY KEY (tenant_id, appointment_id)
    );
    CREATE TABLE store.waiting_offer (
      tenant_id integer NOT NULL,
      appointment_id text COLLATE "C" NOT NULL,
      low timestamptz NOT NULL,
      PRIMARY KEY (tenant_id, appointment_id, low)
    );
  `);
  await isolateTenantTable(knex, 'place', { grants: ['SELECT', 'INSERT', 'DELETE'] });
  await isolateTenantTable(knex, 'schedule_actor', { grants: ['SELECT', 'INSERT', 'DELETE'] });
  await isolateTenantTable(knex, 'leave', { grants: ['SELECT', 'INSERT', 'DELETE'] });
  await isolateTenantTable(knex, 'reschedule_task', { grants: ['SELECT', 'INSERT'] });
  await isolateTenantTable(knex, 'appointment_move', { grants: ['SELECT', 'INSERT', 'UPDATE'] });
  await isolateTenantTable(knex, 'waiting', { grants: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] });
  await isolateTenantTable(knex, 'waiting_offer', { grants: ['SELECT', 'INSERT', 'DELETE'] });
}

/** Of visits that share a time only one keeps it. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE store.place, store.schedule_actor, store.leave, store.reschedule_task, store.appointment_move,
      store.waiting, store.waiting_offer CASCADE;
    DELETE FROM store.booking WHERE seat > 1;
    DROP VIEW tenant.booking;
    ALTER TABLE store.booking DROP CONSTRAINT booking_overlap;
    DROP INDEX store.booking_of_actor, store.booking_of_time, store.booking_long;
    ALTER TABLE store.booking DROP COLUMN seat, DROP COLUMN before_ms, DROP COLUMN after_ms, DROP COLUMN low,
        DROP COLUMN high, DROP COLUMN is_long,
      ADD CONSTRAINT booking_overlap EXCLUDE USING gist
        (tenant_id WITH =, actor_type WITH =, actor_id WITH =, period WITH &&) WHERE (NOT overbooked);
    CREATE INDEX booking_overbooked ON store.booking USING gist (tenant_id, actor_type, actor_id, period)
      WHERE (overbooked);
    CREATE VIEW tenant.booking AS SELECT * FROM store.booking WHERE ${isCurrentTenant} WITH LOCAL CHECK OPTION;
    ALTER VIEW tenant.booking OWNER TO hpms_owner;
    GRANT SELECT, INSERT, DELETE ON tenant.booking TO hpms_app;
  `);
}
