// The statements on rows of visits: one per Appointment that has begun or has an Encounter.

import type { Session } from '../../repository/session.ts';
import type { AppointmentFacts } from './appointment-facts.ts';
import type { EncounterFacts } from './encounter-facts.ts';
import type { EncounterStatus } from './encounter-status.ts';

/** What is known of a visit, after a statement has changed it. */
export interface VisitRow {
  readonly appointmentId: string;
  readonly encounterId: string | null;
  readonly status: AppointmentFacts['status'] | null;
  readonly encounterStatus: EncounterStatus | null;
  readonly practitioner: string;
  readonly localDate: string | null;
  readonly queueNumber: number | null;
}

const columns = `visit.appointment_id AS "appointmentId", visit.encounter_id AS "encounterId", visit.status,
  visit.encounter_status AS "encounterStatus", visit.practitioner, visit.local_date::text AS "localDate",
  visit.queue_number AS "queueNumber"`;

export interface EnteredAppointment extends AppointmentFacts {
  readonly appointmentId: string;
  /** The Appointment names the practitioners that it named before. */
  readonly isForSame: boolean;
}

/** Who has a number stays in the queue that gave it, and whose Encounter was handed over stays with whom it was handed to. */
export function enterAppointments({ trx }: Session, rows: readonly EnteredAppointment[]): Promise<VisitRow[]> {
  return trx.query<VisitRow>({
    name: 'enter-appointments',
    text: `INSERT INTO visit (appointment_id, status, patient_id, practitioners, location_id, start_at, planned_minutes)
           SELECT "appointmentId", status, "patientId", practitioners, "locationId", "startAt", "plannedMinutes"
           FROM jsonb_to_recordset($1::jsonb) AS row ("appointmentId" text, status text, "patientId" text, practitioners text[],
             "locationId" text, "startAt" timestamptz, "plannedMinutes" integer)
           ORDER BY "appointmentId"
           ON CONFLICT (tenant_id, appointment_id) DO UPDATE SET status = excluded.status, patient_id = excluded.patient_id,
             practitioners = CASE WHEN visit.queue_number IS NULL AND visit.appointment_id <> ALL ($2::text[])
               THEN excluded.practitioners ELSE visit.practitioners END,
             location_id = excluded.location_id, start_at = excluded.start_at, planned_minutes = excluded.planned_minutes
           RETURNING ${columns}`,
    values: [JSON.stringify(rows), rows.filter(({ isForSame }) => isForSame).map(({ appointmentId }) => appointmentId)],
  });
}

export interface PlacedVisit {
  readonly appointmentId: string;
  readonly departmentId: string | null;
  readonly localDate: string | null;
}

/** Of visits that have a row; who has a number stays in the queue of its day. */
export function placeVisits({ trx }: Session, rows: readonly PlacedVisit[]): void {
  trx.execute({
    name: 'place-visits',
    text: `UPDATE visit SET department_id = row.department_id,
             local_date = CASE WHEN visit.queue_number IS NULL THEN row.local_date ELSE visit.local_date END
           FROM unnest($1::text[], $2::text[], $3::date[]) AS row (appointment_id, department_id, local_date)
           WHERE visit.appointment_id = row.appointment_id`,
    values: [
      rows.map(({ appointmentId }) => appointmentId),
      rows.map(({ departmentId }) => departmentId),
      rows.map(({ localDate }) => localDate),
    ],
  });
}

/** Gives those that have a row. */
export function moveAppointments(
  { trx }: Session,
  rows: readonly { readonly appointmentId: string; readonly status: string }[],
): Promise<VisitRow[]> {
  return trx.query<VisitRow>({
    name: 'move-appointments',
    text: `UPDATE visit SET status = row.status
           FROM unnest($1::text[], $2::text[]) AS row (appointment_id, status)
           WHERE visit.appointment_id = row.appointment_id
           RETURNING ${columns}`,
    values: [rows.map(({ appointmentId }) => appointmentId), rows.map(({ status }) => status)],
  });
}

export function forgetAppointments({ trx }: Session, ids: readonly string[]): void {
  trx.execute({
    name: 'forget-appointments',
    text: 'UPDATE visit SET status = NULL WHERE appointment_id = ANY ($1::text[])',
    values: [ids],
  });
}

export interface EnteredEncounter extends EncounterFacts {
  readonly appointmentId: string;
  readonly encounterId: string;
  /** The account or client that called, where this write is a call. */
  readonly calledBy: string | null;
  readonly calledAt: string | null;
}

/** Leaves out those whose Appointment has another Encounter. */
export function enterEncounters({ trx }: Session, rows: readonly EnteredEncounter[]): Promise<VisitRow[]> {
  return trx.query<VisitRow>({
    name: 'enter-encounters',
    text: `INSERT INTO visit (appointment_id, encounter_id, encounter_status, patient_id, practitioners, queue_number,
             queue_order, called_count, called_at, called_by, arrived_at, started_at, finished_at)
           SELECT "appointmentId", "encounterId", status, "patientId", practitioners, "queueNumber", "queueOrder",
             "callsCount", "calledAt", "calledBy", "arrivedAt", "startedAt", "finishedAt"
           FROM jsonb_to_recordset($1::jsonb) AS row ("appointmentId" text, "encounterId" text, status text,
             "patientId" text, practitioners text[], "queueNumber" integer, "queueOrder" integer, "callsCount" integer,
             "calledAt" timestamptz, "calledBy" text, "arrivedAt" timestamptz, "startedAt" timestamptz,
             "finishedAt" timestamptz)
           ORDER BY "appointmentId"
           ON CONFLICT (tenant_id, appointment_id) DO UPDATE SET encounter_id = excluded.encounter_id,
             encounter_status = excluded.encounter_status, queue_number = coalesce(excluded.queue_number, visit.queue_number),
             queue_order = coalesce(excluded.queue_order, visit.queue_order), called_count = excluded.called_count,
             called_at = coalesce(excluded.called_at, visit.called_at), called_by = coalesce(excluded.called_by, visit.called_by),
             arrived_at = excluded.arrived_at, started_at = excluded.started_at, finished_at = excluded.finished_at
           WHERE visit.encounter_id IS NULL OR visit.encounter_id = excluded.encounter_id
           RETURNING ${columns}`,
    values: [JSON.stringify(rows)],
  });
}

/** Their Appointments may have another then. */
export function forgetEncounters({ trx }: Session, ids: readonly string[]): void {
  trx.execute({
    name: 'forget-encounters',
    text: 'UPDATE visit SET encounter_id = NULL, encounter_status = NULL WHERE encounter_id = ANY ($1::text[])',
    values: [ids],
  });
}

/** To the queue of others. */
export function transferVisits(
  { trx }: Session,
  rows: readonly { readonly encounterId: string; readonly practitioners: readonly string[] }[],
): Promise<VisitRow[]> {
  return trx.query<VisitRow>({
    name: 'transfer-visits',
    text: `UPDATE visit SET practitioners = row.practitioners
           FROM jsonb_to_recordset($1::jsonb) AS row ("encounterId" text, practitioners text[])
           WHERE visit.encounter_id = row."encounterId"
           RETURNING ${columns}`,
    values: [JSON.stringify(rows)],
  });
}

export async function visitsOf({ trx }: Session, appointmentIds: readonly string[]): Promise<Map<string, VisitRow>> {
  const rows = await trx.query<VisitRow>({
    name: 'visits-of-appointments',
    text: `SELECT ${columns} FROM visit WHERE appointment_id = ANY ($1::text[])`,
    values: [appointmentIds],
  });
  return new Map(rows.map((row) => [row.appointmentId, row]));
}
