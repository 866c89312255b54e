// What patients do with their own visits: they book, move and cancel them; all else is the clinic's to say (domain.md SM-1).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Appointment } from '@medplum/fhirtypes';
import { inSession } from '../../../src/repository/session.ts';
import { write } from '../../../src/repository/write.ts';
import { clientOf, type TestClient } from '../../api/clients.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { requireStatus, type Stored, someReason, WaitingRoom } from './waiting-room.ts';

let server: TestServer;
let room: WaitingRoom;
let doctor: string;
let self: TestClient;
beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  room = await WaitingRoom.open(server.a);
  doctor = await room.practitioner();
  self = await clientOf(server, server.a, '', ['patient'], room.patient);
});
afterAll(() => server.close());

const put = (visit: Stored<Appointment>, changed: Partial<Appointment>) =>
  self.request('PUT', `/Appointment/${visit.id}`, { ...visit, ...changed });
const visitType = (code: string) => ({ coding: [{ system: 'urn:visit', code }] });

describe('a patient', () => {
  test.each(['arrived', 'checked-in', 'fulfilled', 'noshow', 'entered-in-error'] as const)(
    'does not say that the own visit is %s: 403, whether it is new or was booked',
    async (status) => {
      const booked = await room.booked(doctor);
      const answers = [
        await put(booked, { status }),
        await self.request('POST', '/Appointment', { ...room.appointment(doctor), status }),
      ];
      expect(answers.map(({ status: code, json }) => [code, json.issue?.[0]?.code])).toEqual([
        [403, 'forbidden'],
        [403, 'forbidden'],
      ]);
      expect((await room.appointmentNow(booked)).status).toBe('booked');
    },
  );

  test('books, moves and cancels, also once arrived', async () => {
    const visit = room.appointment(doctor);
    const booked = requireStatus(await self.request('POST', '/Appointment', visit), 201).json;
    const { start, end } = room.appointment(doctor);
    const moved = requireStatus(await put(booked, { start: start ?? '', end: end ?? '' }), 200).json;
    requireStatus(await put(moved, { status: 'cancelled', cancelationReason: someReason }), 200);
    const there = await room.booked(doctor, { status: 'arrived' });
    requireStatus(await put(there, { status: 'cancelled', cancelationReason: someReason }), 200);
  });

  test('chooses what the visit is for until it is booked, and not after: that decides the price', async () => {
    const more = { appointmentType: visitType('long'), serviceType: [visitType('a')], reasonCode: [visitType('r')] };
    const proposed = await room.booked(doctor, { status: 'proposed', ...more });
    const booked = requireStatus(
      await put(proposed, { status: 'booked', appointmentType: visitType('check') }),
      200,
    ).json;
    for (const changed of [
      { appointmentType: visitType('short') },
      { serviceType: [visitType('b')] },
      { reasonCode: [visitType('s')] },
    ]) {
      expect((await put(booked, changed)).status).toBe(403);
    }
    const { appointmentType: _, ...untyped } = booked;
    expect((await put(untyped, {})).status).toBe(403);
    const reasonCode = [{ ...visitType('r'), text: 'It itches' }];
    requireStatus(await put(booked, { reasonCode, comment: 'Please call' }), 200);
  });

  test('does not say how urgent the own visit is: who waits longer would be passed by', async () => {
    const waiting: Appointment = { ...room.appointment(doctor), status: 'waitlist' };
    expect((await self.request('POST', '/Appointment', { ...waiting, priority: 1 })).status).toBe(403);
    // iCalendar's 0 says nothing.
    const own = requireStatus(await self.request('POST', '/Appointment', { ...waiting, priority: 0 }), 201).json;
    expect((await put(own, { priority: 1 })).status).toBe(403);
    const urgent = await room.booked(doctor, { status: 'waitlist', priority: 2 });
    expect((await put(urgent, { priority: 1 })).status).toBe(403);
    requireStatus(await put(urgent, { comment: 'Mornings, please' }), 200);
  });

  test('moves nothing that has begun or is over', async () => {
    for (const status of ['arrived', 'checked-in', 'fulfilled', 'cancelled'] as const) {
      const visit = await room.booked(doctor, {
        status,
        ...(status === 'cancelled' && { cancelationReason: someReason }),
      });
      const { start, end } = room.appointment(doctor);
      expect([status, (await put(visit, { start: start ?? '', end: end ?? '' })).status]).toEqual([status, 403]);
    }
  });
});

test('the same holds for a person who is a patient, through whatever app and role', async () => {
  const { id } = await room.booked(doctor);
  const permissions = new Set(['c', 'r', 'u', 's'] as const);
  const caller = {
    ...{ tenantId: server.a.id, clientId: 'app', kind: 'patient' as const, agent: { display: 'App' } },
    ...{ roles: new Set(['friend']), grants: [{ context: 'user' as const, type: 'Appointment', permissions }] },
    fhirUser: room.patient,
  };
  const arrive = inSession(server.app.repository, caller, (session) =>
    write(session, [
      {
        ...{ action: 'patch', type: 'Appointment', id },
        apply: ({ resource }) => ({ resource: { ...(resource as Appointment), status: 'arrived' } }),
      },
    ]),
  );
  await expect(arrive).rejects.toMatchObject({ status: 403 });
});
