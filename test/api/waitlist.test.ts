// Who waits for a time is offered what is freed, as a hold: domain.md SM-1 and section 6, Waitlist.

import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Appointment } from '@medplum/fhirtypes';
import type { Stored } from '../clinic/scheduling/desk.ts';
import {
  at,
  cancelationReason,
  holdExpiresUrl,
  Office,
  proposal,
  quickJobs,
  useOffice,
} from '../clinic/scheduling/office.ts';
import { runSql } from '../jobs/job-bed.ts';
import type { TestServer } from '../support/server.ts';
import { expectRefusal } from './refusals.ts';

let server: TestServer;
let office: Office;
let doctor: string;
useOffice((opened) => {
  ({ server, office } = opened);
}, quickJobs);
beforeEach(async () => {
  doctor = await office.doctor();
});

/** On the list for any time, unless said otherwise. */
async function waiting(overrides: Partial<Appointment> = {}, actors: readonly string[] = [doctor]) {
  const participant = [await office.patient(), ...actors].map((reference) => ({
    actor: { reference },
    status: 'needs-action' as const,
  }));
  return await office.create<Appointment>({
    resourceType: 'Appointment',
    status: 'waitlist',
    participant,
    ...overrides,
  });
}

async function current(appointment: { readonly id?: string }): Promise<Stored<Appointment>> {
  return (await office.get(`Appointment/${appointment.id}`)).json;
}

async function until(appointment: Stored<Appointment>, status: Appointment['status']): Promise<Stored<Appointment>> {
  for (;;) {
    const now = await current(appointment);
    if (now.status === status) return now;
    await delay(30);
  }
}

/** All that was to happen has happened; holds that are to expire are not waited for. */
async function settled(): Promise<void> {
  for (;;) {
    const open = await runSql(server.database.url, "SELECT FROM store.outbox WHERE status IN ('pending', 'published')");
    if (open.length === 0) return;
    await delay(30);
  }
}

async function bookedAt(time: string, overrides: Partial<Appointment> = {}): Promise<Stored<Appointment>> {
  return await office.booked(proposal([await office.patient(), doctor], at(time), overrides));
}

async function cancel(appointment: Stored<Appointment>): Promise<void> {
  const { status } = await office.put({ ...(await current(appointment)), status: 'cancelled', cancelationReason });
  expect(status).toBe(200);
}

const expiryOf = ({ extension }: Appointment) =>
  Date.parse(extension?.find(({ url }) => url === holdExpiresUrl)?.valueInstant ?? '');

describe('a time that is freed', () => {
  test('is offered as a hold, with a message to be sent to the patient', async () => {
    const visit = await bookedAt('09:00');
    const waits = await waiting();
    const before = Date.now();
    await cancel(visit);
    const offered = await until(waits, 'pending');
    expect(offered).toMatchObject({ start: at('09:00'), end: at('09:30'), participant: waits.participant });
    expect(expiryOf(offered)).toBeGreaterThanOrEqual(before + 3_500_000);
    expectRefusal(await office.book(proposal([doctor], at('09:00'))), 409);
    const { json } = await office.get(
      `Communication?status=preparation&recipient=${waits.participant[0]!.actor!.reference}`,
    );
    expect(json.entry[0].resource).toMatchObject({
      status: 'preparation',
      topic: { coding: [{ code: 'waitlist-offer' }] },
      subject: waits.participant[0]!.actor,
      about: [{ reference: `Appointment/${waits.id}` }],
    });
    expect((await office.bookHeld(waits.id)).status).toBe(200);
    expect(await current(waits)).toMatchObject({ status: 'booked', start: at('09:00') });
  });

  test('by a hold that expires, a no-show, a move or a deletion is offered as well', async () => {
    const list = await Promise.all(Array.from({ length: 3 }, () => waiting()));
    const [noshow, moved, deleted] = await Promise.all(['09:00', '09:30', '10:00'].map((time) => bookedAt(time)));
    expect((await office.put({ ...noshow!, status: 'noshow' })).status).toBe(200);
    expect((await office.put({ ...moved!, start: at('11:00'), end: at('11:30') })).status).toBe(200);
    expect((await server.a.request('DELETE', `/Appointment/${deleted!.id}`)).status).toBe(204);
    const offered = await Promise.all(list.map((one) => until(one, 'pending')));
    expect(offered.map(({ start }) => start).sort()).toEqual([at('09:00'), at('09:30'), at('10:00')]);
  });

  test('goes to the most urgent, then to who waits longest; 1 is more urgent than 9, and 0 says nothing', async () => {
    const visits = [await bookedAt('09:00'), await bookedAt('09:30'), await bookedAt('10:00'), await bookedAt('10:30')];
    const patient = [undefined, 0, 9, 1];
    const list: Stored<Appointment>[] = [];
    for (const priority of patient) list.push(await waiting(priority === undefined ? {} : { priority }));
    const order: number[] = [];
    for (const visit of visits) {
      await cancel(visit);
      await settled();
      const statuses = await Promise.all(list.map(async (one) => (await current(one)).status));
      order.push(...statuses.flatMap((status, index) => (status === 'pending' && !order.includes(index) ? index : [])));
    }
    expect(order).toEqual([3, 2, 0, 1]);
  });

  test('is offered only to whom it fits: the practitioner, the period, the length, the service', async () => {
    const surgery = { serviceType: [{ coding: [{ code: 'surgery' }] }] };
    const visit = await bookedAt('09:00', surgery);
    const unfit = [
      await waiting({}, [await office.practitioner()]),
      await waiting({ requestedPeriod: [{ start: at('09:10'), end: at('12:00') }] }),
      await waiting({ requestedPeriod: [{ start: at('00:00'), end: at('09:20') }] }),
      await waiting({ minutesDuration: 45 }),
      await waiting({ serviceType: [{ coding: [{ code: 'talk' }] }] }, []),
    ];
    await cancel(visit);
    await settled();
    expect(await Promise.all(unfit.map(async (one) => (await current(one)).status))).toEqual(Array(5).fill('waitlist'));
    const anyone = await waiting(
      { ...surgery, minutesDuration: 20, requestedPeriod: [{ start: at('09:00'), end: at('09:20') }] },
      [],
    );
    await cancel(await bookedAt('09:00', surgery));
    const offered = await until(anyone, 'pending');
    expect([offered.end, offered.participant.at(-1)?.actor?.reference]).toEqual([at('09:20'), doctor]);
  });

  test('is offered to nobody when it is taken again before, or when it is past', async () => {
    const waits = await waiting();
    const visit = await bookedAt('09:00');
    const entry = [
      {
        resource: { ...visit, status: 'cancelled', cancelationReason },
        request: { method: 'PUT', url: `Appointment/${visit.id}` },
      },
      {
        resource: proposal([doctor], at('09:10'), { status: 'booked' }),
        request: { method: 'POST', url: 'Appointment' },
      },
    ];
    expect((await server.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry })).status).toBe(
      200,
    );
    const past = await office.create(proposal([doctor], '2020-01-06T09:00:00Z', { status: 'fulfilled' }));
    expect((await server.a.request('DELETE', `/Appointment/${past.id}`)).status).toBe(204);
    await settled();
    expect((await current(waits)).status).toBe('waitlist');
  });

  test('whose offer is declined goes to the next, and to nobody twice', async () => {
    const visit = await bookedAt('09:00');
    const [first, second] = [await waiting({ priority: 1 }), await waiting({ priority: 2 })];
    await cancel(visit);
    await cancel(await until(first, 'pending'));
    await cancel(await until(second, 'pending'));
    await settled();
    expect((await office.book(proposal([doctor], at('09:00')))).status).toBe(200);
  });
});

test('who leaves the list is offered nothing, and another clinic’s list is its own', async () => {
  const there = new Office(server.b);
  const visit = await bookedAt('09:00');
  const waits = await waiting();
  expect((await office.put({ ...waits, status: 'cancelled', cancelationReason })).status).toBe(200);
  const participant = [{ actor: { reference: doctor }, status: 'needs-action' as const }];
  const foreign = await there.create<Appointment>({ resourceType: 'Appointment', status: 'waitlist', participant });
  await cancel(visit);
  await settled();
  expect((await current(waits)).status).toBe('cancelled');
  expect((await there.get(`Appointment/${foreign.id}`)).json.status).toBe('waitlist');
});
