// The typed rows of the clinic's main line: bookings that cannot overlap and at most one automatic Invoice per Appointment.

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.booking (
      tenant_id integer NOT NULL,
      appointment_id text COLLATE "C" NOT NULL,
      actor_type text COLLATE "C" NOT NULL,
      actor_id text COLLATE "C" NOT NULL,
      period tstzrange NOT NULL CHECK (NOT isempty(period)),
      -- An administrator allowed the overlap: the row blocks later bookings by its guard, not by the constraint.
      overbooked boolean NOT NULL,
      PRIMARY KEY (tenant_id, appointment_id, actor_type, actor_id),
      CONSTRAINT booking_overlap EXCLUDE USING gist
        (tenant_id WITH =, actor_type WITH =, actor_id WITH =, period WITH &&) WHERE (NOT overbooked)
    );
    CREATE INDEX booking_overbooked ON store.booking USING gist (tenant_id, actor_type, actor_id, period) WHERE (overbooked);
    CREATE TABLE store.auto_invoice (
      tenant_id integer NOT NULL,
      appointment_id text COLLATE "C" NOT NULL,
      invoice_id text COLLATE "C" NOT NULL,
      PRIMARY KEY (tenant_id, appointment_id)
    );
  `);
  await isolateTenantTable(knex, 'booking', { grants: ['SELECT', 'INSERT', 'DELETE'] });
  await isolateTenantTable(knex, 'auto_invoice', { grants: ['SELECT', 'INSERT'] });
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE store.auto_invoice, store.booking CASCADE');
}
