// What happens to visits when many write them at once (security.md 111 to 121; contract.md 14, 15; domain.md SM-1b).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Appointment, Encounter } from '@medplum/fhirtypes';
import { clientOf } from '../../api/clients.ts';
import { runSql } from '../../jobs/job-bed.ts';
import { startTestServer, type TestResponse, type TestServer } from '../../support/server.ts';
import {
  called,
  callsOf,
  leftBeforeSeen,
  queueNumberOf,
  requireStatus,
  type Stored,
  someReason,
  WaitingRoom,
} from './waiting-room.ts';

let server: TestServer;
let room: WaitingRoom;
let doctor: string;
beforeAll(async () => {
  server = await startTestServer();
  room = await WaitingRoom.open(server.a);
});
afterAll(async () => {
  await server.close();
});
beforeEach(async () => {
  doctor = await room.practitioner();
});

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** A server that has no connection free for three seconds asks to come again: on a busy machine that is no fault. */
async function answered(ask: () => Promise<TestResponse>): Promise<TestResponse> {
  for (;;) {
    const answer = await ask();
    if (answer.status !== 503) return answer;
  }
}

const statusesOf = (answers: readonly TestResponse[]) => answers.map(({ status }) => status).sort();
const fulfilledEvents = async ({ id }: { readonly id: string }) => {
  const text = "SELECT FROM store.outbox WHERE topic = 'appointment.fulfilled' AND resource_id = $1";
  return (await runSql(server.database.url, text, [id])).length;
};

test('50 check in at once: the numbers are 1 to 50', async () => {
  const appointments: { readonly id: string }[] = [];
  for (let index = 0; index < 50; index++) appointments.push(await room.booked(doctor));
  const answers = await Promise.all(appointments.map((one) => answered(() => room.move(one, 'checked-in'))));
  expect(new Set(statusesOf(answers))).toEqual(new Set([200]));
  const encounters: Encounter[] = [];
  for (const appointment of appointments) encounters.push(await room.requiredEncounterOf(appointment));
  expect(encounters.map(queueNumberOf).sort((a = 0, b = 0) => a - b)).toEqual(times(50, (index) => index + 1));
});

test('bundles that check in for the same practitioners in opposite orders all get their numbers', async () => {
  const doctors = [doctor, await room.practitioner(), await room.practitioner()];
  const rounds: Stored<Appointment>[][] = [];
  for (let index = 0; index < 8; index++) {
    const round: Stored<Appointment>[] = [];
    for (const one of doctors) round.push(await room.booked(one));
    rounds.push(round);
  }
  const answers = await Promise.all(
    rounds.map((round, index) => {
      const entry = (index % 2 === 0 ? round : round.toReversed()).map((appointment) => ({
        resource: { ...appointment, status: 'checked-in' },
        request: { method: 'PUT', url: `Appointment/${appointment.id}` },
      }));
      return answered(() => server.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry }));
    }),
  );
  expect(new Set(statusesOf(answers))).toEqual(new Set([200]));
  for (const [index] of doctors.entries()) {
    const encounters = await Promise.all(rounds.map((round) => room.requiredEncounterOf(round[index]!)));
    expect(encounters.map(queueNumberOf).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  }
});

describe('two who call the same patient at once', () => {
  test('by PUT or by PATCH: one does, the others are told', async () => {
    const encounter = await room.moved(await room.booked(doctor), 'checked-in');
    const nurses = await Promise.all(times(6, () => clientOf(server, server.a, 'system/Encounter.crus')));
    const answers = await Promise.all(
      nurses.map(({ request }, index) => {
        const path = `/Encounter/${encounter.id}`;
        const at = new Date(Date.now() + index);
        if (index % 2 === 0) return request('PUT', path, called(encounter, at));
        const value = called({ ...encounter, extension: [] }, at).extension?.[0];
        const operations = JSON.stringify([{ op: 'add', path: '/extension/-', value }]);
        return request('PATCH', path, operations, { 'Content-Type': 'application/json-patch+json' });
      }),
    );
    expect(statusesOf(answers)).toEqual([200, 409, 409, 409, 409, 409]);
    const { json } = await server.a.request('GET', `/Encounter/${encounter.id}`);
    expect(callsOf(json)).toHaveLength(1);
  });

  test('with If-Match: one does, for the others it is another version', async () => {
    const encounter = await room.moved(await room.booked(doctor), 'checked-in');
    const ifMatch = { 'If-Match': `W/"${encounter.meta?.versionId}"` };
    const answers = await Promise.all(times(5, () => room.put({ ...encounter, status: 'in-progress' }, ifMatch)));
    expect(statusesOf(answers)).toEqual([200, 412, 412, 412, 412]);
  });
});

test('finished and fulfilled at the same time, each six times: once each, one event, nobody is refused', async () => {
  for (let round = 0; round < 2; round++) {
    const appointment = await room.booked(doctor);
    const encounter = await room.moved(appointment, 'checked-in');
    requireStatus(await room.moveEncounter(encounter, 'in-progress'), 200);
    const answers = await Promise.all(
      times(12, (index) =>
        answered(() =>
          index % 2 === 0 ? room.move(appointment, 'fulfilled') : room.moveEncounter(encounter, 'finished'),
        ),
      ),
    );
    expect(new Set(statusesOf(answers))).toEqual(new Set([200]));
    expect(await fulfilledEvents(appointment)).toBe(1);
    const versions = await room.versions<Encounter>('Encounter', encounter.id);
    expect(versions.at(-1)?.statusHistory?.map(({ status }) => status)).toEqual(['arrived', 'in-progress', 'finished']);
  }
});

test('cancelled and checked in at the same time: whichever comes first, both halves agree', async () => {
  for (let round = 0; round < 5; round++) {
    const appointment = await room.booked(doctor);
    const answers = await Promise.all([
      room.move(appointment, 'checked-in'),
      room.move(appointment, 'cancelled', someReason),
    ]);
    // A patient who has checked in can still cancel; one who has cancelled cannot check in.
    expect([
      [200, 200],
      [200, 422],
    ]).toContainEqual(statusesOf(answers));
    expect(await room.appointmentNow(appointment)).toMatchObject({ status: 'cancelled' });
    expect((await room.encounterOf(appointment))?.status ?? 'cancelled').toBe('cancelled');
  }
});

test('no-show and in progress at the same time: one of them', async () => {
  for (let round = 0; round < 5; round++) {
    const appointment = await room.booked(doctor);
    const encounter = await room.moved(appointment, 'checked-in');
    const answers = await Promise.all([
      room.move(appointment, 'noshow', leftBeforeSeen),
      room.moveEncounter(encounter, 'in-progress'),
    ]);
    expect(statusesOf(answers)).toEqual([200, 422]);
    const { status } = await room.requiredEncounterOf(appointment);
    const expected = status === 'in-progress' ? 'checked-in' : 'noshow';
    expect(await room.appointmentNow(appointment)).toMatchObject({ status: expected });
  }
});

test('an arrival and Encounters of clients at the same time: there is one Encounter', async () => {
  for (let round = 0; round < 5; round++) {
    const appointment = await room.booked(doctor);
    const encounter = {
      ...{ resourceType: 'Encounter', status: 'arrived', class: { code: 'AMB' } },
      appointment: [{ reference: `Appointment/${appointment.id}` }],
    };
    const answers = await Promise.all([
      room.move(appointment, 'arrived'),
      ...times(5, () => server.a.request('POST', '/Encounter', encounter)),
    ]);
    expect(requireStatus(answers[0]!, 200).json).toMatchObject({ status: 'arrived' });
    expect(statusesOf(answers.slice(1)).filter((status) => status !== 409).length).toBeLessThanOrEqual(1);
    expect(await room.encounterOf(appointment)).toMatchObject({ status: 'arrived' });
  }
});

test('none of that met a deadlock', async () => {
  expect(server.logLines.filter((line) => /deadlock/.test(line))).toEqual([]);
  const text = 'SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()';
  expect(await runSql(server.database.url, text)).toEqual([{ n: 0 }]);
});
