// `$hold`: a time is kept for a while, with its Slot, and ends by itself: contract.md 5, 19; domain.md SM-1.

import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Appointment, Slot } from '@medplum/fhirtypes';
import { openConnections, tally } from '../clinic/scheduling/desk.ts';
import {
  appointmentsIn,
  at,
  cancelationReason,
  holdExpiresUrl,
  Office,
  proposal,
  quickJobs,
  resourcesIn,
  slotPath,
  useOffice,
} from '../clinic/scheduling/office.ts';
import { buildSlot } from '../support/builders.ts';
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
}, quickJobs);
beforeAll(async () => {
  await openConnections(server);
  patient = await office.patient();
});
beforeEach(async () => {
  doctor = await office.doctor();
});

const nine = (overrides: Partial<Appointment> = {}) => proposal([patient, doctor], at('09:00'), overrides);

function expiryOf({ extension }: Appointment): number {
  return Date.parse(extension?.find(({ url }) => url === holdExpiresUrl)?.valueInstant ?? '');
}

/** Until the answer is this one. */
async function until(status: number, path: string): Promise<void> {
  for (;;) {
    if ((await office.get(path)).status === status) return;
    await delay(50);
  }
}

async function holdSeconds(value: number): Promise<void> {
  const { status } = await adminOf(server, server.a)('PUT', '/settings/appointment.hold-seconds', { value });
  expect(status).toBe(200);
}

describe('a hold', () => {
  test('is a pending Appointment with the time it expires, and its Slot', async () => {
    const before = Date.now();
    const { status, json } = await office.hold(nine());
    expect([status, json.resourceType, json.type]).toEqual([200, 'Bundle', 'collection']);
    const [appointment, slot] = resourcesIn(json) as [Appointment, Slot];
    expect(appointment).toMatchObject({
      status: 'pending',
      start: at('09:00'),
      slot: [{ reference: `Slot/${slot.id}` }],
    });
    expect(expiryOf(appointment)).toBeGreaterThanOrEqual(before + 590_000);
    expect(expiryOf(appointment)).toBeLessThanOrEqual(Date.now() + 610_000);
    expect(slot).toMatchObject({ status: 'busy-tentative', start: at('09:00'), end: at('09:30') });
    expect((await office.get(`Slot/${slot.id}`)).json).toEqual(slot);
    expect((await office.get(`Appointment/${appointment.id}`)).json).toEqual(appointment);
  });

  test('keeps others out, by whatever door', async () => {
    await office.held(nine());
    expectRefusal(await office.hold(nine()), 409);
    expectRefusal(await office.book(nine()), 409);
    expectRefusal(await office.post(nine({ status: 'booked' })), 409);
  });

  test('is taken as `appointment`, as `appointment-resource`, or of a stored proposal, which keeps its id', async () => {
    expect((await office.call('hold', { name: 'appointment', resource: nine() })).status).toBe(200);
    const stored = await office.create(proposal([patient, doctor], at('10:00')));
    const reference = { name: 'appointment-reference', valueReference: { reference: `Appointment/${stored.id}` } };
    const { json } = await office.call('hold', reference);
    expect(appointmentsIn(json)[0]).toMatchObject({ id: stored.id, status: 'pending', meta: { versionId: '2' } });
    expectRefusal(await office.call('hold', reference), 409);
    expectRefusal(await office.call('hold', reference, { name: 'appointment', resource: nine() }), 400);
    expectRefusal(await office.call('hold'), 400);
  });

  test('of a practitioner without Schedule has no Slot: there is nothing it could be on', async () => {
    const free = await office.practitioner();
    const { status, json } = await office.hold(proposal([free], at('03:00')));
    expect([status, resourcesIn(json).map(({ resourceType }) => resourceType)]).toEqual([200, ['Appointment']]);
  });

  test('of a patient who is somewhere else at the time comes with a warning', async () => {
    const other = await office.practitioner();
    await office.booked(proposal([patient, other], at('09:15', 3)));
    const { status, json } = await office.hold(proposal([patient, doctor], at('09:00', 3)));
    expect([status, json.entry.at(-1).resource.issue[0].severity]).toEqual([200, 'warning']);
  });

  test('says itself when it expires: what a client writes there is not believed', async () => {
    const extension = [{ url: holdExpiresUrl, valueInstant: '2999-01-01T00:00:00Z' }];
    const held = await office.held(nine({ extension }));
    expect(held.extension).toHaveLength(1);
    expect(expiryOf(held)).toBeLessThan(Date.now() + 610_000);
    const put = await office.put({ ...held, extension });
    expect([put.status, expiryOf(put.json)]).toEqual([200, expiryOf(held)]);
    const { extension: _extension, slot: _slot, ...bare } = held;
    const again = await office.put(bare);
    expect([expiryOf(again.json), again.json.slot]).toEqual([expiryOf(held), held.slot]);
    const posted = await office.post(proposal([doctor], at('10:00'), { status: 'pending', extension }));
    expect([posted.status, posted.json.extension]).toEqual([201, undefined]);
  });

  test('cannot be of the past, out of hours, or without a time', async () => {
    expectRefusal(await office.hold(proposal([doctor], '2020-01-06T09:00:00Z')), 422);
    expectRefusal(await office.hold(proposal([doctor], at('12:00'))), 409);
    const { start: _start, end: _end, ...untimed } = nine();
    expectRefusal(await office.hold(untimed), 422);
  });

  test('goes with its Slot when it is cancelled, and its Slot moves with it', async () => {
    const held = await office.held(nine());
    const moved = await office.put({ ...held, start: at('11:00'), end: at('11:30') });
    expect(moved.status).toBe(200);
    const { json: slot } = await office.get(slotPath(held.id));
    expect(slot).toMatchObject({ status: 'busy-tentative', start: at('11:00'), end: at('11:30') });
    expectRefusal(await server.a.request('PUT', `/${slotPath(held.id)}`, { ...slot, status: 'free' }), 409);
    expectRefusal(await server.a.request('DELETE', `/${slotPath(held.id)}`), 409);
    const cancelled = await office.put({ ...moved.json, status: 'cancelled', cancelationReason });
    expect([cancelled.status, cancelled.json.slot]).toEqual([200, undefined]);
    expect((await office.get(slotPath(held.id))).status).toBe(410);
  });
});

test('a Slot and an Appointment of the same id, as in R4’s own examples, have nothing to do with each other', async () => {
  const schedule = await office.schedule(doctor);
  const put = (resource: { resourceType: string; id: string }) =>
    server.a.request('PUT', `/${resource.resourceType}/${resource.id}`, resource);
  const slot = { ...buildSlot(schedule), id: 'example' };
  const visit = { ...nine({ status: 'booked' }), id: 'example', slot: [{ reference: 'Slot/example' }] };
  for (const resource of [slot, visit, slot, { ...visit, status: 'cancelled', cancelationReason }]) {
    expect([200, 201]).toContain((await put(resource)).status);
  }
  expect((await office.get('Slot/example')).json.status).toBe('busy');
  expect((await office.get('Appointment/example')).json.slot).toEqual([{ reference: 'Slot/example' }]);
});

test('a link to a Slot that did not come along is not missed: the visit moves and ends all the same', async () => {
  const id = 'from-elsewhere';
  const visit = { ...nine({ status: 'booked' }), id, slot: [{ reference: slotPath(id) }] };
  expect((await office.put(visit)).status).toBe(201);
  expect((await office.put({ ...visit, start: at('10:00'), end: at('10:30') })).status).toBe(200);
  expect((await office.put({ ...visit, status: 'cancelled', cancelationReason })).status).toBe(200);
});

describe('at the same time', () => {
  test('50 holds of one time: one', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => office.hold(nine())));
    expect(tally(answers)).toEqual({ 200: 1, 409: 49 });
  });

  test('20 who book the same hold: one', async () => {
    const held = await office.held(nine());
    const answers = await Promise.all(Array.from({ length: 20 }, () => office.bookHeld(held.id)));
    expect(tally(answers)).toEqual({ 200: 1, 409: 19 });
  });
});

describe('time', () => {
  test('ends a hold that nobody booked: it is gone with its Slot, and its time is free', async () => {
    await holdSeconds(1);
    const held = await office.held(nine());
    await until(410, `Appointment/${held.id}`);
    expect((await office.get(slotPath(held.id))).status).toBe(410);
    expectRefusal(await office.bookHeld(held.id), 410);
    await holdSeconds(600);
    expect((await office.hold(nine())).status).toBe(200);
  });

  test('does nothing to a hold that was booked, and a booking that comes too late is refused', async () => {
    await holdSeconds(1);
    const starts = ['09:00', '09:30', '10:00', '10:30', '11:00', '11:30'];
    const holds = await Promise.all(starts.map((time) => office.held(proposal([doctor], at(time)))));
    await delay(Math.max(0, expiryOf(holds[0]!) - Date.now() - 20));
    const answers = await Promise.all(
      holds.map(async ({ id }, index) => {
        await delay(index * 15);
        return await office.bookHeld(id);
      }),
    );
    for (const [index, { status }] of answers.entries()) {
      const path = `Appointment/${holds[index]!.id}`;
      if (status === 200) expect((await office.get(path)).json.status).toBe('booked');
      else {
        expect(status).toBe(410);
        await until(410, path);
      }
    }
    await holdSeconds(600);
  });
});

test('who may write no Appointment holds none, and another clinic’s hold does not exist', async () => {
  const reader = new Office(await clientOf(server, server.a, 'system/Appointment.rs'));
  expectRefusal(await reader.hold(nine()), 403);
  const held = await office.held(nine());
  expectRefusal(await reader.bookHeld(held.id), 403);
  expectRefusal(await new Office(server.b).bookHeld(held.id), 404);
});
