// A series is booked wholly or not at all, at the same wall time: contract.md 21; domain.md section 6, Recurring.

import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Appointment, Extension } from '@medplum/fhirtypes';
import { appointmentsIn, at, Office, proposal, slotPath, useOffice } from '../clinic/scheduling/office.ts';
import type { TestServer } from '../support/server.ts';
import { expectRefusal } from './refusals.ts';

let server: TestServer;
let office: Office;
let doctor: string;
useOffice((opened) => {
  ({ server, office } = opened);
});
beforeEach(async () => {
  doctor = await office.doctor();
});

const r5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment';

function template(...parts: Extension[]): Extension {
  const coding = [{ system: 'https://www.iana.org/time-zones', code: 'UTC' }];
  return {
    url: `${r5}.recurrenceTemplate`,
    extension: [{ url: 'timezone', valueCodeableConcept: { coding } }, ...parts],
  };
}

const every = (code: string): Extension => ({
  url: 'recurrenceType',
  valueCodeableConcept: { coding: [{ system: 'http://unitsofmeasure.org', code }] },
});
const count = (valuePositiveInt: number): Extension => ({ url: 'occurrenceCount', valuePositiveInt });

function series(...parts: Extension[]): Appointment {
  return proposal([doctor], at('09:00'), { extension: [template(...parts)] });
}

const numberOf = ({ extension }: Appointment) =>
  extension?.find(({ url }) => url === `${r5}.recurrenceId`)?.valuePositiveInt;
const hasTemplate = ({ extension }: Appointment) =>
  extension?.some(({ url }) => url === `${r5}.recurrenceTemplate`) ?? false;

test('each occurrence has its number and its Slot, the first keeps the template and the others name it', async () => {
  const { status, json } = await office.book(series(every('wk'), count(4)));
  const booked = appointmentsIn(json);
  expect([status, json.type]).toEqual([200, 'collection']);
  expect(booked.map(({ start }) => start)).toEqual([0, 7, 14, 21].map((day) => at('09:00', day)));
  expect(booked.map(({ end }) => end)).toEqual([0, 7, 14, 21].map((day) => at('09:30', day)));
  expect(booked.map(numberOf)).toEqual([1, 2, 3, 4]);
  expect(booked.map(hasTemplate)).toEqual([true, false, false, false]);
  for (const one of booked) {
    expect((await office.get(`Appointment/${one.id}`)).json).toEqual(one);
    expect((await office.get(slotPath(one.id))).json).toMatchObject({ status: 'busy', start: one.start });
  }
});

test('any clash: 409 with one issue for each, and nothing is booked', async () => {
  await office.booked(proposal([doctor], at('09:15', 7)));
  await office.booked(proposal([doctor], at('08:45', 21), { start: at('09:00', 21) }));
  const answer = await office.book(series(every('wk'), count(4)));
  expectRefusal(answer, 409);
  expect(answer.json.issue.map(({ diagnostics }: { diagnostics: string }) => diagnostics)).toEqual([
    `Occurrence 2: The practitioner is busy from ${at('09:15', 7)} to ${at('09:45', 7)}.`,
    `Occurrence 4: The practitioner is busy from ${at('09:00', 21)} to ${at('09:15', 21)}.`,
  ]);
  const { json } = await office.get(`Appointment?practitioner=${doctor}&_summary=count`);
  expect(json.total).toBe(2);
});

test('two at once that meet: one is booked whole, of the other nothing', async () => {
  const answers = await Promise.all([
    office.book(series(every('wk'), count(10))),
    office.book(series(every('d'), count(8))),
  ]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  const booked = answers.find(({ status }) => status === 200)!;
  const { json } = await office.get(`Appointment?practitioner=${doctor}&_summary=count`);
  expect(json.total).toBe(appointmentsIn(booked.json).length);
});

describe('refused is', () => {
  const without = (...parts: Extension[]) => series(...parts);

  test.each([
    ['a template without an end', () => without(every('wk'))],
    ['more than 100 occurrences', () => without(every('d'), count(101))],
    ['another type of recurrence', () => without(every('min'), count(2))],
    [
      'a part this server does not know',
      () => without(every('wk'), count(2), { url: 'yearlyTemplate', valueBoolean: true }),
    ],
    [
      'a pattern that the first is not on',
      () =>
        without(every('wk'), count(2), {
          url: 'weeklyTemplate',
          extension: [{ url: 'friday', valueBoolean: true }],
        }),
    ],
    [
      'two templates',
      () => ({ ...series(every('wk')), extension: [template(every('wk'), count(2)), template(every('wk'))] }),
    ],
  ])('%s', async (_, wanted) => {
    expectRefusal(await office.book(wanted()), 422);
  });
});

test('a series is neither held nor booked as a stored proposal, for that would be its first visit alone', async () => {
  const one = series(every('wk'), count(4));
  expectRefusal(await office.hold(one), 422);
  const { id } = await office.create({ ...one, status: 'proposed' });
  expectRefusal(await office.bookHeld(id), 422);
  const reference = { name: 'appointment-reference', valueReference: { reference: `Appointment/${id}` } };
  expectRefusal(await office.call('hold', reference), 422);
});

test('another clinic’s bookings are not in the way', async () => {
  const there = new Office(server.b);
  expect((await office.book(series(every('wk'), count(3)))).status).toBe(200);
  expect((await there.book(series(every('wk'), count(3)))).status).toBe(200);
});
