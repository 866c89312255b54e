// Who was booked and did not come becomes a no-show by itself, where the clinic says after how long (domain.md SM-1, job J12).

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Appointment } from '@medplum/fhirtypes';
import { runSql, until } from '../../jobs/job-bed.ts';
import { send, startTestServer, type TestServer } from '../../support/server.ts';
import { requireStatus, type Stored, WaitingRoom } from './waiting-room.ts';

let server: TestServer;
let room: WaitingRoom;
let doctor: string;
beforeAll(async () => {
  server = await startTestServer();
  room = await WaitingRoom.open(server.a);
});
afterAll(() => server.close());
beforeEach(async () => {
  doctor = await room.practitioner();
});

const minuteMs = 60_000;

async function graceOf(value: number | null): Promise<void> {
  const headers = { Authorization: `Bearer ${server.a.token}`, 'Content-Type': 'application/json' };
  const url = `${server.origin}/t/${server.a.name}/admin/settings/appointment.noshow-after-minutes`;
  requireStatus(await send(url, 'PUT', { value }, headers), 200);
}

const bookedAt = (inMinutes: number, overrides: Partial<Appointment> = {}) =>
  room.booked(doctor, {
    start: new Date(Date.now() + inMinutes * minuteMs).toISOString(),
    end: new Date(Date.now() + (inMinutes + 10) * minuteMs).toISOString(),
    ...overrides,
  });

interface Watch {
  readonly status: string;
  readonly due_at: Date;
}

const watchesOf = ({ id }: { readonly id: string }) =>
  runSql<Watch>(
    server.database.url,
    "SELECT status, due_at FROM store.outbox WHERE topic = 'appointment.noshow' AND resource_id = $1 ORDER BY due_at",
    [id],
  );

async function untilWatched(...appointments: readonly Stored<Appointment>[]): Promise<void> {
  await until(async () => {
    const watches = await Promise.all(appointments.map(watchesOf));
    return watches.every((ofOne) => ofOne.some(({ status }) => status === 'done'));
  });
}

test('booked and pending ones do, whoever came or cancelled does not', async () => {
  await graceOf(15);
  const missed = [await bookedAt(-60), await bookedAt(-40, { status: 'pending' })];
  const cancelled = await bookedAt(-20, { status: 'cancelled', cancelationReason: { text: 'x' } });
  await untilWatched(...missed);
  for (const one of missed) expect(await room.appointmentNow(one)).toMatchObject({ status: 'noshow' });
  expect(await watchesOf(cancelled)).toEqual([]);
  const bookings = 'SELECT FROM store.booking WHERE appointment_id = ANY ($1)';
  expect(await runSql(server.database.url, bookings, [missed.map(({ id }) => id)])).toEqual([]);
  expect(await room.encounterOf(missed[0]!)).toBeUndefined();
});

test('one that is to come is looked at once its time is over, and again at its new time', async () => {
  await graceOf(15);
  const appointment = await bookedAt(60);
  const later = Date.parse(appointment.start!) + 30 * minuteMs;
  const end = new Date(later + 10 * minuteMs).toISOString();
  requireStatus(await room.put({ ...appointment, start: new Date(later).toISOString(), end }), 200);
  requireStatus(await room.put({ ...appointment, start: new Date(later).toISOString(), end, comment: 'x' }), 200);
  expect(await watchesOf(appointment)).toEqual(
    [Date.parse(appointment.start!), later].map((start) => ({
      status: 'waiting',
      due_at: new Date(start + 15 * minuteMs),
    })),
  );
});

test('a clinic that has changed its mind meanwhile is heard', async () => {
  await graceOf(15);
  const appointment = await bookedAt(30);
  const soon = "UPDATE store.outbox SET due_at = now() WHERE resource_id = $1 AND status = 'waiting'";
  // Early: it is put off to the time it is really due.
  await runSql(server.database.url, soon, [appointment.id]);
  await untilWatched(appointment);
  expect(await room.appointmentNow(appointment)).toMatchObject({ status: 'booked' });
  const dueAt = new Date(Date.parse(appointment.start!) + 15 * minuteMs);
  expect(await watchesOf(appointment)).toContainEqual({ status: 'waiting', due_at: dueAt });
  const arrived = await bookedAt(45);
  await room.moved(arrived, 'arrived');
  await runSql(server.database.url, soon, [arrived.id]);
  await untilWatched(arrived);
  expect(await room.appointmentNow(arrived)).toMatchObject({ status: 'arrived' });
  const late = await bookedAt(58);
  await graceOf(null);
  await runSql(server.database.url, soon, [late.id]);
  await untilWatched(late);
  expect(await room.appointmentNow(late)).toMatchObject({ status: 'booked' });
});

test('a clinic that begins to say so, or says another time, means those too who are booked already', async () => {
  await graceOf(null);
  const [over, appointment] = [await bookedAt(-60), await bookedAt(60)];
  const dueAfter = (minutes: number) => new Date(Date.parse(appointment.start!) + minutes * minuteMs);
  const untilDue = (dueAt: Date) =>
    until(async () => (await watchesOf(appointment)).some(({ due_at }) => due_at.getTime() === dueAt.getTime()));
  await graceOf(40);
  await untilDue(dueAfter(40));
  await graceOf(10);
  await untilDue(dueAfter(10));
  expect(await watchesOf(over)).toEqual([]);
});

test('a clinic that says nothing watches nobody, and neither does another tenant', async () => {
  await graceOf(null);
  expect(await watchesOf(await bookedAt(-60))).toEqual([]);
  await graceOf(15);
  const other = await WaitingRoom.open(server.b);
  const start = new Date(Date.now() - 90 * minuteMs).toISOString();
  const appointment = await other.booked(await other.practitioner(), { start, end: new Date().toISOString() });
  expect(await watchesOf(appointment)).toEqual([]);
});
