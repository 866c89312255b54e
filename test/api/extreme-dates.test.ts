// Dates at the ends of what FHIR can say are stored and found, or refused, and never a failure: security.md 120; https://hl7.org/fhir/R4/datatypes.html#date

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { buildAppointment, buildObservation, buildPatient, buildSchedule, buildSlot } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

const seed = 20_261_120;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
});
afterEach(() => expectNoFailure(server.logLines));
afterAll(() => server.close());

const days = ['0000-01-01', '0001-01-01', '0001-12-31', '1582-10-10', '1969-12-31', '2016-12-31', '9999-01-01'];
const times = ['00:00:00', '23:59:59', '23:59:59.999999', '23:59:60', '24:00:00'];
const zones = ['Z', '+14:00', '-14:00', '-12:00', '+14:01', ''];
const day = fc.constantFrom(...days, '9999-12-31', '10000-01-01');
const instant = fc
  .tuple(day, fc.constantFrom(...times), fc.constantFrom(...zones))
  .map(([date, time, zone]) => `${date}T${time}${zone}`);
const date = fc.oneof(day, fc.constantFrom('0001', '9999', '9999-12', '0000', '10000'));
const dateTime = fc.oneof(instant, date);

const subject = { reference: 'Patient/of-extremes' };
const booked = (start: string, end: string, status: string) =>
  buildAppointment(subject.reference, 'Practitioner/of-extremes', { start, end, status: status as 'booked' });

/** Resources with dates in every kind of element that is searched by one, or that the clinic keeps in rows. */
const resource: fc.Arbitrary<Resource> = fc.oneof(
  fc
    .tuple(instant, instant, fc.constantFrom('booked', 'arrived', 'checked-in', 'fulfilled', 'proposed', 'noshow'))
    .map(([start, end, status]) => booked(start, end, status)),
  dateTime.map((effectiveDateTime) => buildObservation(subject.reference, { effectiveDateTime })),
  fc.tuple(dateTime, dateTime).map(([start, end]) => ({ ...withoutEffective(), effectivePeriod: { start, end } })),
  dateTime.map((start) => ({ ...withoutEffective(), effectivePeriod: { start } })),
  fc.tuple(dateTime, dateTime).map(([event, start]) => ({
    ...withoutEffective(),
    effectiveTiming: { event: [event], repeat: { boundsPeriod: { start } } },
  })),
  instant.map((effectiveInstant) => ({ ...withoutEffective(), effectiveInstant })),
  date.map((birthDate) => buildPatient({ birthDate })),
  fc.tuple(instant, instant).map(([start, end]) => buildSlot('Schedule/x', { status: 'busy-unavailable', start, end })),
  fc
    .tuple(dateTime, dateTime)
    .map(([start, end]) => buildSchedule('Practitioner/of-extremes', { planningHorizon: { start, end } })),
  fc.tuple(dateTime, dateTime).map(
    ([start, end]): Resource => ({
      ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'AMB' }, subject, period: { start, end } },
      statusHistory: [{ status: 'arrived', period: { start, end } }],
    }),
  ),
  fc.tuple(dateTime, dateTime).map(([start, end]): Resource => ({ ...waiting, requestedPeriod: [{ start, end }] })),
);
const waiting = { ...buildAppointment(subject.reference, 'Practitioner/of-extremes'), status: 'waitlist' as const };

function withoutEffective() {
  const { effectiveDateTime: _, ...rest } = buildObservation(subject.reference);
  return rest;
}

test('a resource with such dates is stored, or refused for what it says', async () => {
  const stored = new Set<string>();
  await fc.assert(
    fc.asyncProperty(resource, async (body) => {
      const answer = await server.a.request('POST', `/${body.resourceType}`, body);
      if (answer.status === 201) stored.add(body.resourceType);
      else expectRefusal(answer, [400, 409, 422]);
    }),
    { seed, numRuns: 90 },
  );
  expect([...stored].sort()).toEqual(['Appointment', 'Encounter', 'Observation', 'Patient', 'Schedule', 'Slot']);
});

test.each([
  ['9999-12-31T22:00:00Z', '9999-12-31T23:59:59Z'],
  ['0001-01-01T00:00:00Z', '0001-01-01T00:30:00Z'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:30:00Z'],
])('an Appointment from %s to %s goes through all of its life, in any zone', async (start, end) => {
  const visit = buildAppointment(subject.reference, `Practitioner/at-${Date.parse(end)}`, { start, end });
  const created = await server.a.request('POST', '/Appointment', visit);
  expect(created.status).toBe(201);
  for (const status of ['arrived', 'checked-in', 'fulfilled']) {
    const { json } = await server.a.request('GET', `/Appointment/${created.json.id}`);
    const moved = await server.a.request('PUT', `/Appointment/${created.json.id}`, { ...json, status });
    expect([status, moved.status]).toEqual([status, 200]);
  }
});

describe('a search by such a date finds, or is refused', () => {
  const prefix = fc.constantFrom('', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap');
  const place = fc.constantFrom(
    ...['Appointment?date=', 'Observation?date=', 'Observation?_sort=-date&date=', 'Patient?birthdate='],
    ...['Patient?_lastUpdated=', 'Encounter?date=', 'Slot?start=', 'Schedule?date=', 'Observation?patient.birthdate='],
    ...['Observation/_history?_since=', 'Patient/_history?_at='],
  );

  test('with every prefix', async () => {
    await fc.assert(
      fc.asyncProperty(place, prefix, dateTime, async (path, sign, value) => {
        const answer = await server.a.request('GET', `/${path}${encodeURIComponent(sign + value)}`);
        if (answer.status !== 200) expectRefusal(answer, 400);
      }),
      { seed, numRuns: 100 },
    );
  });

  test('as what was stored: the first and the last moment there is', async () => {
    const last = { ...withoutEffective(), effectiveDateTime: '9999-12-31T23:59:59-14:00' };
    const { json } = await server.b.request('POST', '/Observation', last);
    for (const query of ['date=ge9999', 'date=9999-12-31', 'date=gt0001', '_sort=-date']) {
      const { json: found } = await server.b.request('GET', `/Observation?${query}`);
      expect([query, found.entry?.map((one: { resource: Resource }) => one.resource.id)]).toEqual([query, [json.id]]);
    }
    const { json: none } = await server.b.request('GET', '/Observation?date=0001');
    expect(none.entry).toBeUndefined();
  });
});
