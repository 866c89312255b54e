// Appointments, their Encounters, their queue numbers and the one Invoice each: contract.md 11, 14, 15, 26; domain.md SM-1, 3.6.

import type { Appointment, Encounter, Invoice } from '@medplum/fhirtypes';
import type { Stored } from '../payments/till.ts';
import { type Books, extensionOf, numberIn } from './books.ts';

const holding = ['pending', 'booked', 'arrived', 'checked-in', 'fulfilled'];
const encounterStatuses: Readonly<Record<string, readonly (Encounter['status'] | 'none')[]>> = {
  booked: ['none', 'planned'],
  arrived: ['arrived', 'triaged', 'in-progress', 'onleave'],
  'checked-in': ['arrived', 'triaged', 'in-progress', 'onleave'],
  fulfilled: ['finished'],
  cancelled: ['none', 'cancelled'],
  noshow: ['none', 'cancelled'],
};

export function* checkVisits(books: Books): Generator<string> {
  yield* checkBookings(books);
  const encounters = Map.groupBy(books.encounters, ({ appointment = [] }) => appointment[0]?.reference ?? '');
  const drafts = Map.groupBy(books.invoices, automaticOf);
  const charges = Map.groupBy(
    books.chargeItems,
    ({ supportingInformation = [] }) => supportingInformation[0]?.reference ?? '',
  );
  for (const appointment of books.appointments) {
    const reference = `Appointment/${appointment.id}`;
    yield* checkEncounter(appointment, encounters.get(reference) ?? []);
    const counts = [drafts.get(appointment.id)?.length ?? 0, charges.get(reference)?.length ?? 0];
    const expected = isBilled(appointment) ? 1 : 0;
    if (counts.some((count) => count !== expected)) {
      const has = `${counts[0]} automatic Invoices and ${counts[1]} ChargeItems`;
      yield `3.6: ${reference} is ${appointment.status} and has ${has}, not ${expected}`;
    }
  }
  yield* checkQueue(books, encounters);
}

/** It costs something: its draft comes with a job. */
export function isBilled({ status, meta }: Appointment): boolean {
  return status === 'fulfilled' && !meta?.tag?.some(({ code }) => code === 'no-billing');
}

/** The id of the Appointment that it was made for. */
export function automaticOf(invoice: Invoice): string {
  return numberIn(invoice, 'auto-invoice') ?? '';
}

function* checkBookings({ appointments, locations }: Books): Generator<string> {
  const rooms = new Set(
    locations
      .filter(({ physicalType }) => physicalType?.coding?.some(({ code }) => code === 'ro'))
      .map(({ id }) => `Location/${id}`),
  );
  const held = appointments
    .filter((one) => holding.includes(one.status) && !extensionOf(one, 'overbook'))
    .flatMap(({ id, participant, start = '', end = '' }) =>
      participant
        .filter(({ status }) => status !== 'declined')
        .map(({ actor }) => actor?.reference ?? '')
        .filter((actor) => actor.startsWith('Practitioner/') || rooms.has(actor))
        .map((actor) => ({ id, actor, startMs: Date.parse(start), endMs: Date.parse(end) })),
    );
  for (const [actor, visits] of Map.groupBy(held, (one) => one.actor)) {
    let before: (typeof held)[number] | undefined;
    for (const visit of visits.toSorted((a, b) => a.startMs - b.startMs)) {
      if (before && visit.startMs < before.endMs) {
        yield `double booking: ${actor} has Appointment/${before.id} and Appointment/${visit.id} at the same time`;
      }
      if (!before || visit.endMs > before.endMs) before = visit;
    }
  }
}

function* checkEncounter({ id, status }: Stored<Appointment>, encounters: readonly Encounter[]): Generator<string> {
  if (encounters.length > 1) yield `14: Appointment/${id} has ${encounters.length} Encounters`;
  const found = encounters[0]?.status ?? 'none';
  const expected = encounterStatuses[status];
  if (expected && !expected.includes(found)) yield `SM-1: Appointment/${id} is ${status}, its Encounter ${found}`;
  if (found === 'finished' && status !== 'fulfilled')
    yield `SM-1: Appointment/${id} is ${status}, its Encounter finished`;
}

/** From 1 without gaps, by practitioner and the day of the visit. */
function* checkQueue(
  { appointments }: Books,
  encounters: ReadonlyMap<string, readonly Encounter[]>,
): Generator<string> {
  const given: { readonly queue: string; readonly number: number }[] = [];
  for (const { id, status, start = '', participant } of appointments) {
    const [encounter] = encounters.get(`Appointment/${id}`) ?? [];
    const number = encounter && extensionOf(encounter, 'queue-number')?.valueInteger;
    if (number === undefined && status === 'checked-in') yield `15: Appointment/${id} is checked in without a number`;
    const practitioner = participant.find(({ actor }) => actor?.reference?.startsWith('Practitioner/'));
    const queue = `${practitioner?.actor?.reference} on ${start.slice(0, 10)}`;
    if (number !== undefined) given.push({ queue, number });
  }
  for (const [queue, numbers] of Map.groupBy(given, (one) => one.queue)) {
    const sorted = numbers.map(({ number }) => number).sort((a, b) => a - b);
    if (sorted.some((number, index) => number !== index + 1)) yield `15: the queue of ${queue} is ${sorted.join(', ')}`;
  }
}
