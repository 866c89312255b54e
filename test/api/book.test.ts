// `$book`: a new time, a hold, another time, a cancellation: contract.md 5, 11, 12, 20; domain.md S2-UC-01.

import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Appointment, Bundle, BundleEntry } from '@medplum/fhirtypes';
import { openConnections, tally } from '../clinic/scheduling/desk.ts';
import {
  appointmentsIn,
  at,
  cancelationReason,
  Office,
  officeOf,
  proposal,
  resourcesIn,
  slotPath,
  useOffice,
} from '../clinic/scheduling/office.ts';
import { buildPatient } from '../support/builders.ts';
import type { TestServer } from '../support/server.ts';
import { adminOf } from './admin-requests.ts';
import { clientOf } from './clients.ts';
import { expectRefusal } from './refusals.ts';

let server: TestServer;
let office: Office;
let doctor: string;
let patient: string;
useOffice((opened) => {
  ({ server, office } = opened);
});
beforeAll(async () => {
  await openConnections(server);
  patient = await office.patient();
});
beforeEach(async () => {
  doctor = await office.doctor();
});

const nine = (overrides: Partial<Appointment> = {}) => proposal([patient, doctor], at('09:00'), overrides);

const takes = (reference: string) => ({ actor: { reference }, status: 'accepted' as const });

describe('books', () => {
  test('a proposal: a stored Appointment and a busy Slot', async () => {
    const { status, json } = await office.book(nine());
    expect([status, json.resourceType, json.type, json.entry.length]).toEqual([200, 'Bundle', 'collection', 1]);
    const [booked] = appointmentsIn(json);
    expect(booked).toMatchObject({ status: 'booked', start: at('09:00'), slot: [{ reference: slotPath(booked!.id) }] });
    expect(json.entry[0].fullUrl).toBe(`${server.a.baseUrl}/Appointment/${booked!.id}`);
    expect((await office.get(`Appointment/${booked!.id}`)).json).toEqual(booked);
    expect((await office.get(slotPath(booked!.id))).json).toMatchObject({ status: 'busy', start: at('09:00') });
    expectRefusal(await office.book(nine()), 409);
  });

  test('a hold: the same id, no longer expiring, its Slot busy', async () => {
    const held = await office.held(nine());
    const { status, json } = await office.bookHeld(held.id);
    const [booked] = appointmentsIn(json);
    expect([status, booked?.id, booked?.status, booked?.extension]).toEqual([200, held.id, 'booked', undefined]);
    expect((await office.get(slotPath(held.id))).json.status).toBe('busy');
    expectRefusal(await office.bookHeld(held.id), 409);
  });

  test('a stored proposal, which gets its Slot then', async () => {
    const stored = await office.create(nine());
    expect((await office.bookHeld(stored.id)).status).toBe(200);
    expect((await office.get(slotPath(stored.id))).json.status).toBe('busy');
  });

  test('for a patient who is known, or who is registered with it, with a comment', async () => {
    const known = (await office.get(patient)).json;
    const parameters = [
      { name: 'patient-resource', resource: known },
      { name: 'patient-resource', resource: buildPatient() },
      { name: 'comment', valueString: 'Comes by train' },
    ];
    const { status, json } = await office.book(proposal([doctor], at('09:00')), ...parameters);
    const [booked] = appointmentsIn(json);
    expect([status, booked?.comment]).toEqual([200, 'Comes by train']);
    const [, first, second] = booked!.participant.map(({ actor }) => actor?.reference);
    expect(first).toBe(patient);
    expect((await office.get(second!)).json).toMatchObject({ resourceType: 'Patient', birthDate: '1980-02-29' });
    const unknown = { name: 'patient-resource', resource: buildPatient({ id: 'nobody' }) };
    expectRefusal(await office.book(proposal([doctor], at('10:00')), unknown), 404);
  });

  test('a patient who is somewhere else at the time, with a warning', async () => {
    await office.booked(proposal([patient, await office.practitioner()], at('09:15', 2)));
    const { status, json } = await office.book(proposal([patient, doctor], at('09:00', 2)));
    expect(status).toBe(200);
    expect(resourcesIn(json).map(({ resourceType }) => resourceType)).toEqual(['Appointment', 'OperationOutcome']);
    const diagnostics = 'The patient has another Appointment at this time.';
    expect(json.entry[1].resource.issue).toEqual([
      { severity: 'warning', code: 'conflict', diagnostics, expression: ['Appointment.start'] },
    ]);
  });

  test('the exact text of decimals', async () => {
    const extension = '[{"url":"https://example.org/weight","valueDecimal":70.500}]';
    const text = JSON.stringify({
      resourceType: 'Parameters',
      parameter: [{ name: 'appointment-resource', resource: { ...nine(), extension: 'here' } }],
    }).replace('"here"', extension);
    const answer = await server.a.request('POST', '/Appointment/$book', text);
    expect([answer.status, answer.text.includes('70.500')]).toEqual([200, true]);
    const { id } = appointmentsIn(answer.json)[0]!;
    expect((await office.get(`Appointment/${id}`)).text).toContain('70.500');
  });
});

describe('changes', () => {
  test('the time: the id and the history stay, the old time is free, the Slot moves', async () => {
    const { id } = await office.booked(nine());
    const moved = await office.book({ ...proposal([patient, doctor], at('10:00')), id });
    expect([moved.status, appointmentsIn(moved.json)[0]]).toMatchObject([
      200,
      { id, status: 'booked', start: at('10:00'), end: at('10:30'), meta: { versionId: '2' } },
    ]);
    expect((await office.get(slotPath(id))).json).toMatchObject({ status: 'busy', start: at('10:00') });
    expect((await office.get(`Appointment/${id}/_history/1`)).json.start).toBe(at('09:00'));
    expect((await office.book(nine())).status).toBe(200);
    expectRefusal(await office.book({ ...nine(), id }), 409);
    expectRefusal(await office.book({ ...proposal([patient, doctor], '2020-01-06T09:00:00Z'), id }), 422);
    expectRefusal(await office.book({ ...nine(), id: 'nothing' }), 404);
  });

  test('who sees the patient: the Slot is in the Schedule of the other then, and the first one is free', async () => {
    const [first, second] = [await office.practitioner(), await office.practitioner()];
    const [ofFirst, ofSecond] = [await office.schedule(first), await office.schedule(second)];
    const { id } = await office.booked(proposal([patient, first], at('09:00')));
    const { json } = await office.book({ ...proposal([patient, second], at('09:00')), id });
    expect(appointmentsIn(json)[0]?.slot).toEqual([{ reference: slotPath(id) }]);
    const taken = async (schedule: string) =>
      ((await office.get(`Slot?schedule=${schedule}`)).json.entry ?? []).map(
        ({ resource }: BundleEntry) => resource?.id,
      );
    expect([await taken(ofFirst), await taken(ofSecond)]).toEqual([[], [slotPath(id).slice(5)]]);
    const freelance = await office.practitioner();
    const handed = await office.book({ ...proposal([patient, freelance], at('10:00')), id });
    expect(appointmentsIn(handed.json)[0]?.slot).toBeUndefined();
    expect((await office.get(slotPath(id))).status).toBe(410);
  });

  test('who sees the patient, by PUT: no Slot stays with the first one', async () => {
    const booked = await office.booked(nine());
    const other = await office.doctor();
    const { status, json } = await office.put({
      ...booked,
      participant: nine().participant.toSpliced(1, 1, takes(other)),
    });
    expect([status, json.slot]).toEqual([200, undefined]);
    expect((await office.get(slotPath(booked.id))).status).toBe(410);
  });

  test('the time into another Schedule of the practitioner: the Slot is in that one', async () => {
    const practitioner = await office.practitioner();
    await office.schedule(practitioner);
    const afternoons = await office.schedule(practitioner, { from: '14:00:00' });
    const booked = await office.booked(proposal([patient, practitioner], at('09:00')));
    const { status } = await office.put({ ...booked, start: at('14:00'), end: at('14:30') });
    const { json } = await office.get(slotPath(booked.id));
    expect([status, json.start, json.schedule.reference]).toEqual([200, at('14:00'), afternoons]);
  });

  test('what it names, and leaves the rest', async () => {
    const booked = await office.booked(nine({ description: 'Check-up' }));
    const { json } = await office.book({ ...nine(), id: booked.id, comment: 'Late' });
    expect(appointmentsIn(json)[0]).toMatchObject({ description: 'Check-up', comment: 'Late', slot: booked.slot });
  });

  test('to cancelled with a reason, which frees the time; without one it is 422', async () => {
    const { id } = await office.booked(nine());
    expectRefusal(await office.book({ ...nine(), id, status: 'cancelled' }), 422);
    const { status, json } = await office.book({ ...nine(), id, status: 'cancelled', cancelationReason });
    expect([status, appointmentsIn(json)[0]?.status, appointmentsIn(json)[0]?.slot]).toEqual([
      200,
      'cancelled',
      undefined,
    ]);
    expect((await office.get(slotPath(id))).status).toBe(410);
    expectRefusal(await office.book({ ...nine(), id }), 422);
    expect((await office.book(nine())).status).toBe(200);
  });

  test('only as often as the clinic allows, by whatever door', async () => {
    const limit = (value: number | null) =>
      adminOf(server, server.a)('PUT', '/settings/appointment.reschedules-max', { value });
    expect((await limit(2)).status).toBe(200);
    const booked = await office.booked(nine());
    const move = (time: string) => office.book({ ...proposal([patient, doctor], at(time)), id: booked.id });
    expect((await move('09:30')).status).toBe(200);
    expectRefusal(await office.book({ ...proposal([patient, doctor], at('12:00')), id: booked.id }), 409);
    expect((await move('10:00')).status).toBe(200);
    expectRefusal(await move('10:30'), 422);
    const { json: current } = await office.get(`Appointment/${booked.id}`);
    expectRefusal(await office.put({ ...current, start: at('11:00'), end: at('11:30') }), 422);
    expect((await office.put({ ...current, comment: 'Same time' })).status).toBe(200);
    expect((await limit(null)).status).toBe(200);
    expect((await move('10:30')).status).toBe(200);
  });
});

describe('refuses', () => {
  test('times that are past, that are not open, and statuses that are no booking', async () => {
    expectRefusal(await office.book(proposal([doctor], '2020-01-06T09:00:00Z')), 422);
    expectRefusal(await office.book(proposal([doctor], at('11:45'))), 409);
    expectRefusal(await office.book(nine({ status: 'fulfilled' })), 422);
    const { id } = await office.booked(nine());
    expectRefusal(await office.book({ ...nine(), id, status: 'noshow' }), 422);
    expectRefusal(await office.call('book'), 400);
    expectRefusal(
      await office.call('book', { name: 'appointment-reference', valueReference: { reference: 'Slot/1' } }),
      400,
    );
  });

  test('whoever may not write Appointments, and an override of anybody but an administrator', async () => {
    const reader = new Office(await clientOf(server, server.a, 'system/Appointment.rs'));
    expectRefusal(await reader.book(nine()), 403);
    await office.booked(nine());
    const override = (reason: string) => ({
      extension: [
        {
          url: 'https://hpms.example/fhir/StructureDefinition/overbook',
          extension: [{ url: 'reason', valueString: reason }],
        },
      ],
    });
    const desk = new Office(await clientOf(server, server.a, 'system/Appointment.cruds'));
    expectRefusal(await desk.book(nine(override('twins'))), 403);
    expectRefusal(await office.book(nine(override(' '))), 422);
    expect((await office.book(nine(override('twins')))).status).toBe(200);
    expect((await office.book(proposal([doctor], at('22:00'), override('night')))).status).toBe(200);
    expectRefusal(await desk.book(nine()), 409);
  });
});

describe('a patient', () => {
  test('finds, holds, books and cancels for themselves, and for nobody else', async () => {
    const other = await office.patient();
    const self = await officeOf(server, server.a, 'patient', patient);
    expect(await self.starts({ practitioner: doctor })).toHaveLength(6);
    const held = await self.held(nine());
    expect((await self.bookHeld(held.id)).status).toBe(200);
    const cancelled = await self.book({
      ...nine(),
      id: held.id,
      status: 'cancelled',
      cancelationReason: { text: 'ill' },
    });
    expect([cancelled.status, appointmentsIn(cancelled.json)[0]?.status]).toEqual([200, 'cancelled']);
    const theirs = proposal([other, doctor], at('10:00'));
    expectRefusal(await self.hold(theirs), 403);
    expectRefusal(await self.book(theirs), 403);
    const stored = await office.held(theirs);
    expectRefusal(await self.bookHeld(stored.id), [403, 404]);
    expectRefusal(await self.book({ ...nine(), id: stored.id }), [403, 404]);
    expect((await office.get(`Appointment/${stored.id}`)).json.meta.versionId).toBe('1');
  });

  test('learns of another’s visit that its time is busy, and nothing else', async () => {
    const other = await office.patient();
    const theirs = await office.held(proposal([other, doctor], at('09:00')));
    const self = await officeOf(server, server.a, 'patient', patient);
    const found = await self.find({ start: at('00:00'), end: at('00:00', 1), practitioner: doctor });
    expect(found.json.total).toBe(5);
    for (const refusal of [
      found,
      await self.book(nine()),
      await self.hold(nine()),
      await self.post(nine({ status: 'booked' })),
    ]) {
      for (const secret of [theirs.id, other, 'Muster']) expect(refusal.text).not.toContain(secret);
      if (refusal === found) continue;
      expectRefusal(refusal, 409);
      expect(refusal.json.issue[0].diagnostics).toBe(`The practitioner is busy from ${at('09:00')} to ${at('09:30')}.`);
    }
  });
});

describe('at the same time', () => {
  test('50 bookings of one time: one', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => office.book(nine())));
    expect(tally(answers)).toEqual({ 200: 1, 409: 49 });
  });

  test('a hold that is booked and cancelled at once is one of the two', async () => {
    const held = await office.held(nine());
    const answers = await Promise.all([
      office.bookHeld(held.id),
      office.put({ ...held, status: 'cancelled', cancelationReason }),
    ]);
    expect(answers.every(({ status }) => status < 500)).toBe(true);
    const { json } = await office.get(`Appointment/${held.id}`);
    expect(['booked', 'cancelled']).toContain(json.status);
    expect((await office.get(slotPath(held.id))).status).toBe(json.status === 'booked' ? 200 : 410);
  });
});

test('another clinic’s hold and booking do not exist', async () => {
  const there = new Office(server.b);
  const booked = await office.booked(nine());
  expectRefusal(await there.bookHeld(booked.id), 404);
  expectRefusal(await there.book({ ...nine(), id: booked.id }), 404);
  const answer = await there.book(nine());
  expect((answer.json as Bundle).entry).toHaveLength(1);
});
