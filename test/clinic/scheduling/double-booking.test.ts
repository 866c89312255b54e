// A practitioner is in one place at a time, however many ask at once: domain.md S2-UC-01, S2-FR-S01; contract.md 11.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { runSql } from '../../jobs/job-bed.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { Desk, openConnections, tally } from './desk.ts';

let server: TestServer;
let desk: Desk;
let doctor: string;
beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  desk = await Desk.open(server.a);
  await openConnections(server);
});
afterAll(() => server.close());
beforeEach(async () => {
  doctor = await desk.practitioner();
});
/** The proof behind the guard. */
afterEach(async () => {
  const overlaps = await runSql(
    server.database.url,
    `SELECT FROM store.booking a JOIN store.booking b USING (tenant_id, actor_type, actor_id)
     WHERE a.appointment_id < b.appointment_id AND a.period && b.period`,
  );
  expect(overlaps).toEqual([]);
});

describe('at the same time', () => {
  test.each([1, 2, 3, 4, 5])(
    '50 bookings of one time: exactly one succeeds, the others are told when the practitioner is busy and nothing else (%i)',
    async () => {
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => desk.book(desk.visit(doctor, '09:00', '09:30'))),
      );
      expect(tally(answers)).toEqual({ 201: 1, 409: 49 });
      for (const { json } of answers.filter(({ status }) => status === 409)) {
        expect(json.issue).toEqual([
          {
            severity: 'error',
            code: 'conflict',
            diagnostics: 'The practitioner is busy from 2026-11-23T09:00:00.000Z to 2026-11-23T09:30:00.000Z.',
            expression: ['Appointment.start'],
          },
        ]);
      }
    },
  );

  test('times that overlap in every way: those that are booked do not', async () => {
    const starts = ['09:00', '09:05', '09:10', '09:15', '09:20', '09:25'];
    const ends = ['09:30', '09:35', '09:40', '09:45', '09:50', '10:30'];
    const visits = starts.flatMap((start) => ends.map((end) => desk.visit(doctor, start, end)));
    const counts = tally(await Promise.all(visits.map((visit) => desk.book(visit))));
    expect(counts).toEqual({ 201: 1, 409: visits.length - 1 });
  });

  test('two practitioners in opposite orders: no deadlock reaches anybody, one of all bookings succeeds', async () => {
    const other = await desk.practitioner();
    const orders = [
      [doctor, other],
      [other, doctor],
    ];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => desk.book(desk.visit(orders[index % 2]!, '09:00', '09:30'))),
    );
    expect(tally(answers)).toEqual({ 201: 1, 409: 39 });
  });

  test('chains of three practitioners, each pair wanted by somebody: one booking per pair at most, never an error', async () => {
    const [b, c] = [await desk.practitioner(), await desk.practitioner()];
    const pairs = [
      [doctor, b],
      [b, c],
      [c, doctor],
    ];
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => desk.book(desk.visit(pairs[index % 3]!, '09:00', '09:30'))),
    );
    expect(tally(answers)).toEqual({ 201: 1, 409: 29 });
  });

  test('moves of 20 visits to one free time: one arrives, the others stay where they were', async () => {
    const visits = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const minute = String(index * 3).padStart(2, '0');
        return desk.booked(
          desk.visit(
            doctor,
            `11:${minute}`,
            `11:${String(index * 3 + 3)
              .padStart(2, '0')
              .replace('60', '59')}`,
          ),
        );
      }),
    );
    const times = { start: '2026-11-23T15:00:00Z', end: '2026-11-23T15:30:00Z' };
    const answers = await Promise.all(visits.map((visit) => desk.put({ ...visit, ...times })));
    expect(tally(answers)).toEqual({ 200: 1, 409: 19 });
    const rows = await runSql<{ count: number }>(
      server.database.url,
      "SELECT count(*)::int FROM store.booking WHERE actor_id = $1 AND lower(period) < '2026-11-23T12:00:00Z'",
      [doctor.split('/')[1]],
    );
    expect(rows).toEqual([{ count: 19 }]);
  });
});

describe('one after the other', () => {
  test('back to back is no overlap, a millisecond is', async () => {
    await desk.booked(desk.visit(doctor, '09:00', '09:30'));
    await desk.booked(desk.visit(doctor, '09:30', '10:00'));
    await desk.booked(desk.visit(doctor, '08:30', '09:00'));
    const late = desk.visit(doctor, '10:00', '10:30', { start: '2026-11-23T09:59:59.999Z' });
    expect((await desk.book(late)).status).toBe(409);
  });

  test('the same instant counts in any time zone', async () => {
    await desk.booked(desk.visit(doctor, '09:00', '09:30'));
    const there = { start: '2026-11-23T14:45:00+05:30', end: '2026-11-23T15:00:00+05:30' };
    expect((await desk.book({ ...desk.visit(doctor, '09:00', '09:30'), ...there })).status).toBe(409);
  });

  test.each(['cancelled', 'noshow', 'entered-in-error'] as const)('%s frees the time', async (status) => {
    const visit = await desk.booked(desk.visit(doctor, '09:00', '09:30'));
    const cancelationReason = { text: 'asked for' };
    const ended = { ...visit, status, ...(status === 'entered-in-error' ? {} : { cancelationReason }) };
    expect((await desk.put(ended)).status).toBe(200);
    await desk.booked(desk.visit(doctor, '09:00', '09:30'));
  });

  test('a deletion frees the time, and a declined invitation never took it', async () => {
    const visit = await desk.booked(desk.visit(doctor, '09:00', '09:30'));
    expect((await server.a.request('DELETE', `/Appointment/${visit.id}`)).status).toBe(204);
    const participant = [{ actor: { reference: doctor }, status: 'declined' }];
    await desk.booked(desk.visit(doctor, '09:00', '09:30', { participant }));
    await desk.booked(desk.visit(doctor, '09:00', '09:30'));
  });

  test('rescheduling keeps the id, frees the old time, takes the new one, and may overlap itself', async () => {
    const visit = await desk.booked(desk.visit(doctor, '09:00', '10:00'));
    const moved = await desk.put({ ...visit, start: '2026-11-23T09:30:00Z', end: '2026-11-23T10:30:00Z' });
    expect([moved.status, moved.json.id, moved.json.meta.versionId]).toEqual([200, visit.id, '2']);
    await desk.booked(desk.visit(doctor, '09:00', '09:30'));
    expect((await desk.book(desk.visit(doctor, '10:00', '10:30'))).status).toBe(409);
  });

  test('a visit that was not booked must find its time free when it is', async () => {
    const proposed = await desk.booked(desk.visit(doctor, '09:00', '09:30', { status: 'proposed' }));
    await desk.booked(desk.visit(doctor, '09:00', '09:30'));
    expect((await desk.put({ ...proposed, status: 'booked' })).status).toBe(409);
  });

  test('another practitioner who joins must be free', async () => {
    const other = await desk.practitioner();
    const visit = await desk.booked(desk.visit(doctor, '09:00', '09:30'));
    await desk.booked(desk.visit(other, '09:15', '09:45'));
    const joined = {
      ...visit,
      participant: [...visit.participant, { actor: { reference: other }, status: 'accepted' as const }],
    };
    expect((await desk.put(joined)).status).toBe(409);
  });

  test('another clinic with a practitioner of the same id is not in the way', async () => {
    const there = await Desk.open(server.b);
    for (const { request } of [server.a, server.b]) {
      expect((await request('PUT', '/Practitioner/same', { resourceType: 'Practitioner', id: 'same' })).status).toBe(
        201,
      );
    }
    await desk.booked(desk.visit('Practitioner/same', '09:00', '09:30'));
    await there.booked(there.visit('Practitioner/same', '09:00', '09:30'));
  });

  test('an end that is not after the start is 422', async () => {
    for (const end of ['09:00', '08:30']) {
      const { status, json } = await desk.book(desk.visit(doctor, '09:00', end));
      expect([status, json.issue[0].expression]).toEqual([422, ['Appointment.end']]);
    }
  });

  test('a status edge that SM-1 does not have is 422 and names both ends', async () => {
    const visit = await desk.booked(desk.visit(doctor, '09:00', '09:30', { status: 'fulfilled' }));
    const { status, json } = await desk.put({ ...visit, status: 'booked' });
    expect([status, json.issue[0].code]).toEqual([422, 'business-rule']);
    expect(json.issue[0].diagnostics).toMatch(/fulfilled.*booked/);
  });
});

describe('in one transaction', () => {
  test('two visits that meet are refused with each other, and nothing is kept', async () => {
    const entries = ['09:00', '09:15'].map((start) => ({
      method: 'POST' as const,
      visit: desk.visit(doctor, start, '09:30'),
    }));
    const { status, json } = await desk.transaction(...entries);
    expect([status, json.issue[0].code]).toEqual([409, 'conflict']);
    await desk.booked(desk.visit(doctor, '09:00', '09:30'));
  });

  test('a visit longer than the one between counts too', async () => {
    const times = [
      ['09:00', '12:00'],
      ['09:30', '09:45'],
      ['11:00', '11:30'],
    ] as const;
    const visits = times.map(([start, end]) => ({ method: 'POST' as const, visit: desk.visit(doctor, start, end) }));
    expect((await desk.transaction(visits[0]!, visits[2]!)).status).toBe(409);
    expect((await desk.transaction(...visits)).status).toBe(409);
    expect((await desk.transaction(visits[1]!, visits[2]!)).status).toBe(200);
  });

  test('two visits may change places', async () => {
    const early = await desk.booked(desk.visit(doctor, '09:00', '09:30'));
    const late = await desk.booked(desk.visit(doctor, '09:30', '10:00'));
    const { start, end } = early;
    const swapped = await desk.transaction(
      { method: 'PUT', visit: { ...early, start: late.start!, end: late.end! } },
      { method: 'PUT', visit: { ...late, start: start!, end: end! } },
    );
    expect(swapped.status).toBe(200);
  });

  test('a cancelled visit makes room for another of the same bundle', async () => {
    const visit = await desk.booked(desk.visit(doctor, '09:00', '09:30'));
    const cancelled = { ...visit, status: 'cancelled' as const, cancelationReason: { text: 'asked for' } };
    const answer = await desk.transaction(
      { method: 'PUT', visit: cancelled },
      { method: 'POST', visit: desk.visit(doctor, '09:00', '09:30') },
    );
    expect(answer.status).toBe(200);
  });
});
