// `$find`: the times that weekly hours still have room for: contract.md 10, 16 to 18; domain.md S5-16.

import { describe, expect, test } from '@jest/globals';
import { appointmentsIn, at, Office, proposal, useOffice } from '../clinic/scheduling/office.ts';
import type { TestServer } from '../support/server.ts';
import { clientOf } from './clients.ts';
import { expectRefusal } from './refusals.ts';

let server: TestServer;
let office: Office;
useOffice((opened) => {
  ({ server, office } = opened);
});

const morning = ['09:00', '09:30', '10:00', '10:30', '11:00', '11:30'];
const without = (...taken: string[]) => morning.filter((time) => !taken.includes(time));

describe('proposes', () => {
  test('every visit of the hours, as an Appointment without an id, in a searchset', async () => {
    const practitioner = await office.doctor();
    const { status, json } = await office.find({ start: at('00:00'), end: at('10:00'), practitioner });
    expect([status, json.resourceType, json.type, json.total]).toEqual([200, 'Bundle', 'searchset', 2]);
    expect(json.entry[0]).toEqual({
      search: { mode: 'match' },
      resource: {
        resourceType: 'Appointment',
        status: 'proposed',
        start: at('09:00'),
        end: at('09:30'),
        minutesDuration: 30,
        participant: [{ actor: { reference: practitioner }, status: 'needs-action' }],
      },
    });
  });

  test('by GET as by POST, with the patient among the participants', async () => {
    const practitioner = await office.doctor();
    const patient = await office.patient();
    const query = `start=${at('09:00')}&end=${at('10:00')}&practitioner=${practitioner}&patient-reference=${patient}`;
    const byGet = await office.get(`Appointment/$find?${query}&_format=json`);
    const byPost = await office.find({
      ...{ start: at('09:00'), end: at('10:00'), practitioner },
      'patient-reference': patient,
    });
    expect([byGet.status, byGet.json]).toEqual([200, byPost.json]);
    expect(appointmentsIn(byGet.json)[0]?.participant.map(({ actor }) => actor?.reference)).toEqual([
      patient,
      practitioner,
    ]);
  });

  test('nothing that is not wholly inside of start and end', async () => {
    const practitioner = await office.doctor();
    const starts = await office.starts({ start: at('09:01'), end: at('10:59'), practitioner });
    expect(starts).toEqual(['09:30', '10:00']);
  });

  test('no time that is booked, held or leave, and again what was freed', async () => {
    const practitioner = await office.practitioner();
    const schedule = await office.schedule(practitioner);
    const patient = await office.patient();
    const booked = await office.booked(proposal([patient, practitioner], at('09:30')));
    await office.held(proposal([patient, practitioner], at('10:30')));
    expect((await office.leave(schedule, at('11:15'), at('11:20'))).status).toBe(201);
    expect((await office.leave(schedule, at('09:00'), at('09:10'), { status: 'busy-tentative' })).status).toBe(201);
    expect(await office.starts({ practitioner })).toEqual(without('09:30', '10:30', '11:00'));
    const cancelled = { ...booked, status: 'cancelled' as const, cancelationReason: { text: 'asked for' } };
    expect((await office.put(cancelled)).status).toBe(200);
    expect(await office.starts({ practitioner })).toEqual(without('10:30', '11:00'));
  });

  test('a visit hides what its buffers meet, and what would meet it by buffers of its own', async () => {
    const practitioner = await office.doctor({ after: 30 });
    await office.booked(proposal([practitioner], at('10:00')));
    expect(await office.starts({ practitioner })).toEqual(without('09:30', '10:00', '10:30'));
    const early = await office.doctor({ before: 30 });
    await office.booked(proposal([early], at('10:00')));
    expect(await office.starts({ practitioner: early })).toEqual(without('09:30', '10:00', '10:30'));
  });

  test('a time as often as its capacity allows', async () => {
    const practitioner = await office.doctor({ capacity: 2 });
    await office.booked(proposal([practitioner], at('10:00')));
    expect(await office.starts({ practitioner })).toEqual(morning);
    await office.booked(proposal([practitioner], at('10:00')));
    expect(await office.starts({ practitioner })).toEqual(without('10:00'));
  });

  test('only what all actors of the Schedule have free, and of places only rooms count', async () => {
    const [a, b] = [await office.practitioner(), await office.practitioner()];
    const [room, site] = [await office.location('ro'), await office.location('si')];
    await office.schedule([a, room]);
    await office.schedule([b, site]);
    await office.booked(proposal([await office.practitioner(), room, site], at('09:00')));
    expect(await office.starts({ practitioner: a })).toEqual(without('09:00'));
    expect(await office.starts({ practitioner: b })).toEqual(morning);
    const { json } = await office.find({ start: at('09:00'), end: at('10:00'), 'location-reference': room });
    expect(appointmentsIn(json).map(({ participant }) => participant.map(({ actor }) => actor?.reference))).toEqual([
      [a, room],
    ]);
  });

  test('what Schedules of several practitioners offer, in the order of time', async () => {
    const practitioner = [await office.doctor({ hours: 1 }), await office.doctor({ hours: 1, from: '09:15:00' })];
    expect(await office.starts({ practitioner })).toEqual(['09:00', '09:15', '09:30', '09:45']);
    const schedule = await office.schedule(practitioner[0]!, { from: '15:00:00', hours: 1 });
    expect(await office.starts({ practitioner, schedule })).toEqual(['15:00', '15:30']);
  });

  test('hours for a service only to those who ask for it, or for none', async () => {
    const practitioner = await office.doctor({ hours: 1, service: 'surgery' });
    const asked = (code: string) =>
      office.call(
        'find',
        { name: 'start', valueDateTime: at('00:00') },
        { name: 'end', valueDateTime: at('00:00', 1) },
        { name: 'practitioner', valueReference: { reference: practitioner } },
        { name: 'visit-type', valueCodeableConcept: { coding: [{ code }] } },
      );
    expect((await asked('surgery')).json.total).toBe(2);
    expect((await asked('surgery')).json.entry[0].resource.serviceType).toEqual([{ coding: [{ code: 'surgery' }] }]);
    expect((await asked('talk')).json.total).toBe(0);
    expect(await office.starts({ practitioner })).toEqual(['09:00', '09:30']);
  });

  test('nothing of a Schedule that is not active or deleted, nor beyond its planningHorizon', async () => {
    const practitioner = await office.practitioner();
    const planningHorizon = { start: at('00:00', 1).slice(0, 10), end: at('00:00', 1).slice(0, 10) };
    const schedule = await office.schedule(practitioner, { hours: 1 }, { planningHorizon });
    const span = { start: at('00:00'), end: at('00:00', 5), practitioner };
    expect(
      (await office.find(span)).json.entry.map(({ resource }: never) => (resource as { start: string }).start),
    ).toEqual([at('09:00', 1), at('09:30', 1)]);
    const { json } = await office.get(schedule);
    expect((await server.a.request('PUT', `/${schedule}`, { ...json, active: false })).status).toBe(200);
    expect((await office.find(span)).json.total).toBe(0);
    expect((await server.a.request('PUT', `/${schedule}`, json)).status).toBe(200);
    expect((await office.find(span)).json.total).toBe(2);
    expect((await server.a.request('DELETE', `/${schedule}`)).status).toBe(204);
    expect((await office.find(span)).json.total).toBe(0);
  });
});

describe('keeps wall time', () => {
  test('where the zone of the Schedule, of its Location, of that one’s Organization, or of the clinic says so', async () => {
    const timezone = (code: string) => ({
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/timezone', valueCode: code }],
    });
    const organization = await office.create({
      resourceType: 'Organization',
      name: 'East',
      ...timezone('Asia/Kolkata'),
    });
    const managingOrganization = { reference: `Organization/${organization.id}` };
    const own = await office.location('si', timezone('Asia/Tokyo'));
    const theirs = await office.location('si', { managingOrganization });
    const doctors = [await office.practitioner(), await office.practitioner(), await office.practitioner()];
    await office.schedule([doctors[0]!, own], { timezone: undefined, hours: 0.5 });
    await office.schedule([doctors[1]!, theirs], { timezone: undefined, hours: 0.5 });
    await office.schedule(doctors[2]!, { timezone: undefined, hours: 0.5 });
    const found = await Promise.all(doctors.map((practitioner) => office.starts({ practitioner })));
    expect(found).toEqual([['00:00'], ['03:30'], ['09:00']]);
  });
});

describe('refuses', () => {
  const span = { start: at('00:00'), end: at('00:00', 1) };

  test('more than 62 days, an end that is not after the start, times that are over, and what it does not know', async () => {
    expectRefusal(await office.find({ start: at('00:00'), end: at('00:01', 62) }), 400);
    expect(
      (await office.find({ start: at('00:00'), end: at('00:00', 62), practitioner: 'Practitioner/1' })).status,
    ).toBe(200);
    expectRefusal(await office.find({ start: at('10:00'), end: at('09:00') }), 400);
    expectRefusal(await office.find({ start: '2020-01-01T00:00:00Z', end: '2020-01-02T00:00:00Z' }), 422);
    expectRefusal(await office.find({ start: at('00:00') }), 400);
    expectRefusal(await office.find({ start: '2026-11-23', end: '2026-11-24' }), 400);
    expectRefusal(await office.find({ ...span, practitioner: 'Patient/1' }), 400);
    expectRefusal(await office.get('Appointment/$find?when=now'), 400);
    expectRefusal(await office.get(`Appointment/$find?start=${at('00:00')}&end=never`), 400);
    expectRefusal(
      await office.find({ ...span, practitioner: Array.from({ length: 51 }, (_, one) => `Practitioner/${one}`) }),
      400,
    );
  });

  test('who may not search Appointments', async () => {
    const stranger = new Office(await clientOf(server, server.a, 'system/Patient.rs'));
    expectRefusal(await stranger.find(span), 403);
  });

  test('hours that nobody can understand: 422 with their place, when the Schedule is written', async () => {
    const practitioner = await office.practitioner();
    const wrong = [{ timezone: 'Mars/Olympus' }, { minutes: 0 }, { minutes: -30 }, { capacity: 1_000 }, { hours: 400 }];
    for (const hours of wrong) {
      await expect(office.schedule(practitioner, hours)).rejects.toThrow(/422.*Schedule\.extension\[0\]/s);
    }
  });
});

test('another clinic’s Schedules and bookings of the same ids are not seen', async () => {
  const there = new Office(server.b);
  for (const { request } of [server.a, server.b]) {
    expect((await request('PUT', '/Practitioner/same', { resourceType: 'Practitioner', id: 'same' })).status).toBe(201);
  }
  await office.schedule('Practitioner/same', { hours: 1 });
  expect(await there.starts({ practitioner: 'Practitioner/same' })).toEqual([]);
  await there.schedule('Practitioner/same', { hours: 1 });
  await office.booked(proposal(['Practitioner/same'], at('09:00')));
  expect(await office.starts({ practitioner: 'Practitioner/same' })).toEqual(['09:30']);
  expect(await there.starts({ practitioner: 'Practitioner/same' })).toEqual(['09:00', '09:30']);
});
