// Weekly hours, leave, holidays, rooms and capacity hold for every door that books: contract.md 10 to 12, 16, 17.

import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Appointment } from '@medplum/fhirtypes';
import { runSql } from '../../jobs/job-bed.ts';
import { buildSlot } from '../../support/builders.ts';
import type { TestServer } from '../../support/server.ts';
import { openConnections, tally } from './desk.ts';
import { at, Office, proposal, useOffice } from './office.ts';

let server: TestServer;
let office: Office;
let patient: string;
useOffice((opened) => {
  ({ server, office } = opened);
});
beforeAll(async () => {
  await openConnections(server);
  patient = await office.patient();
});

const booked = (actors: readonly string[], start: string, overrides: Partial<Appointment> = {}) =>
  proposal([patient, ...actors], start, { status: 'booked', ...overrides });
const post = async (...visit: Parameters<typeof booked>) => (await office.post(booked(...visit))).status;

describe('outside of the weekly hours', () => {
  test('nothing is booked by POST, PUT, PATCH, a bundle or $book', async () => {
    const doctor = await office.doctor();
    const refusal = await office.post(booked([doctor], at('13:00')));
    expect([refusal.status, refusal.json.issue[0].diagnostics]).toEqual([
      409,
      `The practitioner has no hours that hold the time from ${at('13:00')} to ${at('13:30')}.`,
    ]);
    const visit = await office.create(booked([doctor], at('09:00')));
    expect((await office.put({ ...visit, start: at('12:00'), end: at('12:30') })).status).toBe(409);
    const patch = [{ op: 'replace', path: '/end', value: at('12:01') }];
    const patched = await server.a.request('PATCH', `/Appointment/${visit.id}`, patch, {
      'Content-Type': 'application/json-patch+json',
    });
    expect(patched.status).toBe(409);
    const entry = [{ resource: booked([doctor], at('08:45')), request: { method: 'POST', url: 'Appointment' } }];
    expect((await server.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry })).status).toBe(
      409,
    );
    expect((await office.book(booked([doctor], at('11:31')))).status).toBe(409);
  });

  test('anything goes for practitioners without Schedule, for what is fulfilled, and for what holds no time', async () => {
    const doctor = await office.doctor();
    expect(await post([await office.practitioner()], at('03:00'))).toBe(201);
    expect(await post([doctor], at('03:00'), { status: 'fulfilled' })).toBe(201);
    expect(await post([doctor], at('04:00'), { status: 'proposed' })).toBe(201);
    expect(await post([doctor], '2020-01-06T09:00:00Z')).toBe(201);
  });

  test('of one Schedule may be inside of another, and windows that touch are one', async () => {
    const doctor = await office.practitioner();
    await office.schedule(doctor, { hours: 1 });
    await office.schedule(doctor, { from: '10:00:00', hours: 1 });
    expect(await post([doctor], at('09:45'))).toBe(201);
    expect(await post([doctor], at('10:45'))).toBe(409);
  });

  test('counts from the moment that the Schedule says so, also within one bundle', async () => {
    const resources = [
      { resourceType: 'Practitioner', id: 'new-doctor' },
      { ...(await office.get(await office.schedule('Practitioner/new-doctor'))).json, id: 'new-hours' },
    ];
    const bundle = (start: string) => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        { resource: booked(['Practitioner/new-doctor'], start), request: { method: 'POST', url: 'Appointment' } },
        ...resources.map((resource) => ({
          resource,
          request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
        })),
      ],
    });
    expect((await server.a.request('POST', '', bundle(at('20:00')))).status).toBe(409);
    expect((await server.a.request('POST', '', bundle(at('09:00')))).status).toBe(200);
  });

  test('wall time decides, through the gap and the fold of a zone', async () => {
    const doctor = await office.doctor({ timezone: 'America/New_York', from: '00:00:00', hours: 6 });
    // The nights of 2027-03-14, which has 23 hours, and 2027-11-07, which has 25: 06:00 is 10:00Z, then 11:00Z.
    const [gap, fold] = ['2027-03-14', '2027-11-07'];
    expect(await post([doctor], `${gap}T09:30:00Z`)).toBe(201);
    expect(await post([doctor], `${gap}T10:00:00Z`)).toBe(409);
    expect(await post([doctor], `${gap}T05:00:00Z`)).toBe(201);
    expect(await post([doctor], `${gap}T04:30:00Z`)).toBe(409);
    expect(await post([doctor], `${fold}T10:30:00Z`)).toBe(201);
    expect(await post([doctor], `${fold}T11:00:00Z`)).toBe(409);
  });
});

test('leap seconds and the ends of the calendar are times like others', async () => {
  const [free, doctor] = [await office.practitioner(), await office.doctor()];
  const times = [
    ['2016-12-31T23:59:60Z', '2017-01-01T00:10:00Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:10:00Z'],
    ['9999-12-31T23:40:00Z', '9999-12-31T23:59:59Z'],
  ] as const;
  for (const [start, end] of times) {
    expect(await post([free], start, { end })).toBe(201);
    expect(await post([free], start, { end })).toBe(409);
    expect(await post([doctor], start, { end })).toBe(409);
  }
});

describe('leave', () => {
  test('blocks whatever it says of itself, and a tentative or free Slot does not', async () => {
    const doctor = await office.practitioner();
    const schedule = await office.schedule(doctor);
    const leave = (status: string) => ({
      extension: [
        {
          url: 'https://hpms.example/fhir/StructureDefinition/leave',
          extension: [
            { url: 'reason', valueString: 'Conference' },
            { url: 'status', valueCode: status },
          ],
        },
      ],
    });
    expect((await office.leave(schedule, at('09:00'), at('09:10'), leave('requested'))).status).toBe(201);
    expect((await office.leave(schedule, at('10:00'), at('10:10'), leave('approved'))).status).toBe(201);
    expect((await office.leave(schedule, at('11:00'), at('11:30'), { status: 'busy-tentative' })).status).toBe(201);
    expect((await office.leave(schedule, at('11:00'), at('11:30'), { status: 'free' })).status).toBe(201);
    const refusal = await office.post(booked([doctor], at('09:00')));
    expect([refusal.status, refusal.json.issue[0].diagnostics]).toEqual([
      409,
      `The practitioner is away from ${at('09:00')} to ${at('09:10')}.`,
    ]);
    expect(refusal.text).not.toContain('Conference');
    expect(await post([doctor], at('10:00'))).toBe(409);
    expect(await post([doctor], at('10:10'))).toBe(201);
    expect(await post([doctor], at('11:00'))).toBe(201);
    expect(await post([doctor], at('09:00'), { status: 'fulfilled' })).toBe(201);
  });

  test('ends when its Slot is freed or deleted, and holds on a Schedule without hours too', async () => {
    const doctor = await office.practitioner();
    const schedule = await office.schedule(doctor, null);
    const slots = await Promise.all(
      ['09', '10'].map((hour) => office.leave(schedule, at(`${hour}:00`), at(`${hour}:30`))),
    );
    expect(slots.map(({ status }) => status)).toEqual([201, 201]);
    expect(await post([doctor], at('09:00'))).toBe(409);
    const [first, second] = slots.map(({ json }) => json);
    expect((await server.a.request('PUT', `/Slot/${first.id}`, { ...first, status: 'free' })).status).toBe(200);
    expect((await server.a.request('DELETE', `/Slot/${second.id}`)).status).toBe(204);
    expect(await post([doctor], at('09:00'))).toBe(201);
    expect(await post([doctor], at('10:00'))).toBe(201);
    expect((await office.leave(schedule, at('12:00'), at('11:00'))).status).toBe(422);
  });

  test('of a place closes it with all within it: visits there, and those that name no place; a room only itself', async () => {
    const site = await office.location('si');
    const other = await office.location('si');
    const room = await office.location('ro', { partOf: { reference: site } });
    const doctor = await office.practitioner();
    const closed = await office.schedule(site, null);
    const repaired = await office.schedule(await office.location('ro'), null);
    expect((await office.leave(closed, at('00:00', 1), at('00:00', 2))).status).toBe(201);
    expect((await office.leave(repaired, at('00:00', 2), at('00:00', 3))).status).toBe(201);
    const refusal = await office.post(booked([doctor, room], at('09:00', 1)));
    expect([refusal.status, refusal.json.issue[0].diagnostics]).toEqual([
      409,
      `The place is closed from ${at('00:00', 1)} to ${at('00:00', 2)}.`,
    ]);
    expect(await post([doctor], at('09:00', 1))).toBe(409);
    expect(await post([doctor, other], at('09:00', 1))).toBe(201);
    expect(await post([doctor, room], at('09:00', 2))).toBe(201);
    expect(await post([doctor], at('10:00', 2))).toBe(201);
  });
});

describe('a booking that leave makes impossible', () => {
  const tasks = async (appointment: { id?: string }) =>
    (await office.get(`Task?focus=Appointment/${appointment.id}`)).json.entry?.map(({ resource }: never) => resource) ??
    [];

  test('stays booked and gets one Task, however often the leave is written', async () => {
    const doctor = await office.practitioner();
    const schedule = await office.schedule(doctor);
    const [met, free] = [
      await office.create(booked([doctor], at('09:00'))),
      await office.create(booked([doctor], at('11:00'))),
    ];
    const leave = (await office.leave(schedule, at('08:00'), at('10:00'))).json;
    expect((await server.a.request('PUT', `/Slot/${leave.id}`, { ...leave, start: at('08:30') })).status).toBe(200);
    expect((await office.leave(schedule, at('08:00'), at('10:00'))).status).toBe(201);
    expect(await tasks(met)).toMatchObject([
      {
        status: 'requested',
        code: { coding: [{ system: 'https://hpms.example/fhir/CodeSystem/task-code', code: 'reschedule' }] },
        focus: { reference: `Appointment/${met.id}` },
        for: { reference: patient },
      },
    ]);
    expect((await office.get(`Appointment/${met.id}`)).json.status).toBe('booked');
    expect(await tasks(free)).toEqual([]);
  });

  test('is told of again when its new time is taken as leave too', async () => {
    const doctor = await office.practitioner();
    const schedule = await office.schedule(doctor);
    const visit = await office.create(booked([doctor], at('09:00')));
    await office.leave(schedule, at('09:00'), at('09:30'));
    const moved = await office.put({ ...visit, start: at('10:00'), end: at('10:30') });
    expect(moved.status).toBe(200);
    await office.leave(schedule, at('10:00'), at('10:30'));
    expect(await tasks(visit)).toHaveLength(2);
  });

  test('is one for a holiday too, and one of the past is none', async () => {
    const site = await office.location('si');
    const schedule = await office.schedule(site, null);
    const doctor = await office.practitioner();
    const there = await office.create(booked([doctor, site], at('09:00', 4)));
    const elsewhere = await office.create(booked([doctor, await office.location('si')], at('10:00', 4)));
    const long = await office.create(booked([doctor, site], at('22:00', 2), { end: at('01:00', 4) }));
    const past = await office.create(booked([doctor, site], '2020-01-06T09:00:00Z'));
    expect((await office.leave(schedule, at('00:00', 3), at('00:00', 5))).status).toBe(201);
    expect((await office.leave(schedule, '2020-01-01T00:00:00Z', '2020-02-01T00:00:00Z')).status).toBe(201);
    expect(
      [await tasks(there), await tasks(elsewhere), await tasks(long), await tasks(past)].map(({ length }) => length),
    ).toEqual([1, 0, 1, 0]);
  });

  test('is never missed by leave of the same moment: refused, or told of', async () => {
    const doctor = await office.practitioner();
    const schedule = await office.schedule(doctor);
    const times = ['09:00', '09:30', '10:00', '10:30', '11:00', '11:30'];
    const [leave, ...answers] = await Promise.all([
      office.leave(schedule, at('09:00'), at('12:00')),
      ...times.map((time) => office.post(booked([doctor], at(time)))),
    ]);
    expect(leave.status).toBe(201);
    for (const { status, json } of answers) {
      if (status === 201) expect(await tasks(json)).toHaveLength(1);
      else expect(status).toBe(409);
    }
  });
});

describe('a room', () => {
  test('is booked once at a time, a site as often as wanted, a patient too', async () => {
    const [a, b] = [await office.practitioner(), await office.practitioner()];
    const [room, site] = [await office.location('ro'), await office.location('si')];
    expect(await post([a, room, site], at('09:00'))).toBe(201);
    const refusal = await office.post(booked([b, room], at('09:15')));
    expect([refusal.status, refusal.json.issue[0].diagnostics]).toEqual([
      409,
      `The room is busy from ${at('09:00')} to ${at('09:30')}.`,
    ]);
    expect(await post([b, site], at('09:15'))).toBe(201);
  });

  test('at the same time: 30 bookings of one room by 30 practitioners, one succeeds', async () => {
    const room = await office.location('ro');
    const doctors = await Promise.all(Array.from({ length: 30 }, () => office.practitioner()));
    const answers = await Promise.all(doctors.map((doctor) => office.post(booked([doctor, room], at('09:00')))));
    expect(tally(answers)).toEqual({ 201: 1, 409: 29 });
  });

  test('is held by visits of the bundle that makes it one', async () => {
    const physicalType = {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/location-physical-type', code: 'ro' }],
    };
    const entry = [
      booked([await office.practitioner(), 'Location/new-room'], at('09:00')),
      booked([await office.practitioner(), 'Location/new-room'], at('09:15')),
    ].map((resource) => ({ resource: resource as object, request: { method: 'POST', url: 'Appointment' } }));
    entry.push({
      resource: { resourceType: 'Location', id: 'new-room', physicalType },
      request: { method: 'PUT', url: 'Location/new-room' },
    });
    expect((await server.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry })).status).toBe(
      409,
    );
  });
});

describe('a time that several may share', () => {
  test('at the same time: of 50 bookings as many as there are places, each in its own seat', async () => {
    const doctor = await office.doctor({ capacity: 7 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => office.post(booked([doctor], at('09:00')))));
    expect(tally(answers)).toEqual({ 201: 7, 409: 43 });
    const rows = await runSql<{ seat: number }>(
      server.database.url,
      'SELECT seat FROM store.booking WHERE actor_id = $1 ORDER BY seat',
      [doctor.split('/')[1]],
    );
    expect(rows.map(({ seat }) => seat)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('has a place again when one is cancelled; who was overbooked takes one', async () => {
    const doctor = await office.doctor({ capacity: 2 });
    const first = await office.create(booked([doctor], at('09:00')));
    expect(await post([doctor], at('09:00'))).toBe(201);
    expect(await post([doctor], at('09:00'))).toBe(409);
    const overbook = {
      extension: [
        {
          url: 'https://hpms.example/fhir/StructureDefinition/overbook',
          extension: [{ url: 'reason', valueString: 'twins' }],
        },
      ],
    };
    expect(await post([doctor], at('09:00'), overbook)).toBe(201);
    const cancelationReason = { text: 'asked for' };
    expect((await office.put({ ...first, status: 'cancelled', cancelationReason })).status).toBe(200);
    expect(await post([doctor], at('09:00'))).toBe(409);
  });

  test('is one bundle’s too: no more of them than places', async () => {
    const doctor = await office.doctor({ capacity: 3 });
    const bundle = (size: number, start: string) => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: Array.from({ length: size }, () => ({
        resource: booked([doctor], start),
        request: { method: 'POST', url: 'Appointment' },
      })),
    });
    expect((await server.a.request('POST', '', bundle(4, at('09:00')))).status).toBe(409);
    expect((await server.a.request('POST', '', bundle(3, at('09:00')))).status).toBe(200);
  });
});

test('another clinic’s hours, leave and rooms of the same ids say nothing here', async () => {
  const there = new Office(server.b);
  const physicalType = {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/location-physical-type', code: 'ro' }],
  };
  const put = (resource: { resourceType: string; id: string }) =>
    server.b.request('PUT', `/${resource.resourceType}/${resource.id}`, resource);
  await put({ resourceType: 'Practitioner', id: 'shared' });
  await put({ resourceType: 'Location', id: 'shared', physicalType } as never);
  const schedule = await there.schedule('Practitioner/shared', { hours: 1 });
  expect((await there.leave(schedule, at('00:00'), at('00:00', 1))).status).toBe(201);
  expect(await post(['Practitioner/shared', 'Location/shared'], at('20:00'))).toBe(201);
  expect(await post([await office.practitioner(), 'Location/shared'], at('20:00'))).toBe(201);
  expect((await there.post(booked(['Practitioner/shared'], at('20:00')))).status).toBe(409);
  expect((await server.a.request('POST', '/Slot', buildSlot(schedule))).status).toBe(201);
});
