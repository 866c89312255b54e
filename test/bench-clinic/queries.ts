// What the virtual users ask: the queries of a clinic's day, each with its goal.

import { mrnOf, mrnSystem } from '../bench/bodies.ts';
import { appointmentsPerDay, type Counts, dayTextOf, patientOfInvoice, practitioners, referenceTo } from './plan.ts';
import { invoiceNumberOf, invoiceSystem, panelCode } from './resources.ts';

export interface ClinicQuery {
  readonly name: string;
  readonly goalMs: number;
  /** Of so many questions in all, how many are this one. */
  readonly weight: number;
  /** Below the FHIR base; `pick` gives a random whole number below its argument. */
  path(pick: (below: number) => number): string;
  /** Asks on with the `next` link of the answer before, so many times; a user begins at the first page then. */
  readonly pagesDeep?: number;
  /** Entries an answer must have at least; absent = none is right too. */
  readonly entriesMin?: number;
}

const goalMs = 50;

export function queriesOn(counts: Counts): ClinicQuery[] {
  const days = Math.max(Math.floor(counts.Appointment / appointmentsPerDay), 1);
  const token = (system: string, value: string) => encodeURIComponent(`${system}|${value}`);
  return [
    {
      name: 'patient by identifier',
      goalMs: 10,
      weight: 20,
      entriesMin: 1,
      path: (pick) => `/Patient?identifier=${token(mrnSystem, mrnOf(pick(counts.Patient)))}`,
    },
    {
      name: 'patient by name prefix and birth date',
      goalMs,
      weight: 10,
      path: (pick) => {
        const day = 1 + pick(28);
        const birth = `${1930 + pick(90)}-${String(1 + pick(12)).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
        return `/Patient?name=${pickOf(['ber', 'cas', 'dub', 'eri', 'had'], pick)}&birthdate=${birth}`;
      },
    },
    {
      name: 'patient by phone',
      goalMs,
      weight: 5,
      entriesMin: 1,
      path: (pick) => `/Patient?phone=${encodeURIComponent(`+1 555 ${String(pick(counts.Patient)).padStart(7, '0')}`)}`,
    },
    {
      name: 'patient by a part of the name and birth date',
      goalMs,
      weight: 5,
      path: (pick) =>
        `/Patient?name:contains=${pickOf(['rgm', 'ill', 'boi', 'kse'], pick)}&birthdate=${1930 + pick(90)}-05-05`,
    },
    {
      name: 'daily schedule with its patients',
      goalMs: 10,
      weight: 20,
      entriesMin: 40,
      path: (pick) =>
        `/Appointment?practitioner=${referenceTo('Practitioner', pick(practitioners))}&date=${dayTextOf(pick(days))}&_include=Appointment:patient&_count=100`,
    },
    {
      name: 'queue of a day',
      goalMs,
      weight: 10,
      entriesMin: 20,
      path: (pick) => `/Appointment?date=${dayTextOf(pick(days))}&status=booked,arrived&_sort=date&_count=20`,
    },
    {
      name: "a patient's open invoices",
      goalMs,
      weight: 10,
      entriesMin: 1,
      path: (pick) => `/Invoice?subject=${referenceTo('Patient', pick(counts.Patient))}&status=issued`,
    },
    {
      name: 'observations by code, newest first',
      goalMs,
      weight: 10,
      entriesMin: 5,
      path: (pick) =>
        `/Observation?patient=${referenceTo('Patient', pick(counts.Patient))}&code=${encodeURIComponent(panelCode)}&_sort=-date`,
    },
    {
      name: 'chained: observations by identifier of the patient',
      goalMs,
      weight: 3,
      entriesMin: 10,
      path: (pick) => `/Observation?patient.identifier=${token(mrnSystem, mrnOf(pick(counts.Patient)))}`,
    },
    {
      name: '_has: the patient of an invoice',
      goalMs,
      weight: 3,
      entriesMin: 1,
      path: (pick) =>
        `/Patient?_has:Invoice:subject:identifier=${token(invoiceSystem, invoiceNumberOf(pick(counts.Invoice)))}`,
    },
    {
      name: '_revinclude: a patient with the observations',
      goalMs,
      weight: 3,
      entriesMin: 11,
      path: (pick) =>
        `/Patient?identifier=${token(mrnSystem, mrnOf(patientOfInvoice(pick(counts.Invoice))))}&_revinclude=Observation:subject`,
    },
    {
      name: '_total=accurate of all patients',
      goalMs: 200,
      weight: 1,
      entriesMin: 1,
      path: () => '/Patient?active=true&_total=accurate&_count=1',
    },
    {
      name: 'deep paging by date',
      goalMs,
      weight: 3,
      entriesMin: 20,
      pagesDeep: 50,
      path: () => '/Appointment?_sort=date&_count=20',
    },
    {
      name: 'all by last update, newest first',
      goalMs,
      weight: 3,
      entriesMin: 20,
      path: () => '/Observation?_sort=-_lastUpdated&_count=20',
    },
  ];
}

function pickOf<T>(list: readonly T[], pick: (below: number) => number): T {
  return list[pick(list.length)] as T;
}
