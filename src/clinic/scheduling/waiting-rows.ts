// Typed rows of the waiting list: who waits for a time, of whom, how long and how urgently (domain.md section 6, Waitlist).

import type { Appointment } from '@medplum/fhirtypes';
import { parseDate } from '../../fhir/dates.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { actorIds, servicesOf } from './visit.ts';

/** Effect: on the list while `waitlist`, and while a time is offered. */
export function keepWaitingList(changes: readonly Change[], session: Session): [] {
  const waiting: Appointment[] = [];
  const offered: string[] = [];
  const gone: string[] = [];
  for (const { id, oldResource, resource } of changes) {
    const from = (oldResource as Appointment | undefined)?.status;
    const appointment = resource as Appointment | undefined;
    if (appointment?.status === 'waitlist') waiting.push(appointment);
    else if (from === 'waitlist' && appointment?.status === 'pending') offered.push(id);
    else if (from === 'waitlist' || (from === 'pending' && appointment?.status !== 'pending')) gone.push(id);
  }
  if (gone.length > 0) forget(session, gone);
  if (offered.length > 0) markOffered(session, offered);
  if (waiting.length > 0) store(session, waiting);
  return [];
}

function forget({ trx }: Session, ids: readonly string[]): void {
  for (const table of ['waiting', 'waiting_offer']) {
    trx.execute({
      name: `forget-${table}`,
      text: `DELETE FROM ${table} WHERE appointment_id = ANY ($1::text[])`,
      values: [ids],
    });
  }
}

function markOffered({ trx }: Session, ids: readonly string[]): void {
  trx.execute({
    name: 'mark-offered',
    text: 'UPDATE waiting SET is_offered = true WHERE appointment_id = ANY ($1::text[])',
    values: [ids],
  });
}

/** Who was on the list before keeps the place. */
function store({ trx, at }: Session, waiting: readonly Appointment[]): void {
  trx.execute({
    name: 'store-waiting',
    text: `INSERT INTO waiting (appointment_id, practitioner_ids, services, low, high, minutes, priority, since, is_offered)
           SELECT id, ARRAY(SELECT jsonb_array_elements_text(practitioners)), ARRAY(SELECT jsonb_array_elements_text(services)),
             low, high, minutes, priority, $8, false
           FROM unnest($1::text[], $2::jsonb[], $3::jsonb[], $4::timestamptz[], $5::timestamptz[], $6::integer[], $7::integer[])
             AS row (id, practitioners, services, low, high, minutes, priority)
           ON CONFLICT (tenant_id, appointment_id) DO UPDATE SET practitioner_ids = excluded.practitioner_ids,
             services = excluded.services, low = excluded.low, high = excluded.high, minutes = excluded.minutes,
             priority = excluded.priority, is_offered = false`,
    values: [
      waiting.map(({ id }) => id),
      waiting.map((appointment) => JSON.stringify(actorIds(appointment, 'Practitioner'))),
      waiting.map((appointment) => JSON.stringify(servicesOf(appointment))),
      waiting.map((appointment) => wantedFrom(appointment)),
      waiting.map((appointment) => wantedUntil(appointment)),
      waiting.map(({ minutesDuration }) => minutesDuration ?? null),
      waiting.map(({ priority }) => priorityOf(priority)),
      at,
    ],
  });
}

/** 1 is the most urgent and 9 the least, 0 says nothing: https://www.rfc-editor.org/rfc/rfc5545#section-3.8.1.9 */
const unsaid = 1_000_000;

function priorityOf(priority: number | undefined): number {
  return priority === undefined || priority === 0 ? unsaid : Math.min(priority, unsaid);
}

function wantedFrom({ requestedPeriod = [] }: Appointment): string {
  const starts = requestedPeriod.map(({ start }) =>
    start === undefined ? undefined : parseDate(start, 'dateTime')?.low,
  );
  return starts.length === 0 || starts.includes(undefined)
    ? '-infinity'
    : instantText(Math.min(...(starts as number[])));
}

function wantedUntil({ requestedPeriod = [] }: Appointment): string {
  const ends = requestedPeriod.map(({ end }) => (end === undefined ? undefined : parseDate(end, 'dateTime')?.high));
  return ends.length === 0 || ends.includes(undefined) ? 'infinity' : instantText(Math.max(...(ends as number[])));
}

function instantText(ms: number): string {
  return new Date(ms).toISOString();
}
