// Two hundred at once for one time: one has it, the others are told, and nobody meets a deadlock: security.md 119.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { Desk, openConnections, tally } from './desk.ts';
import { at, Office, proposal } from './office.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  await openConnections(server);
});
afterAll(() => server.close());

test.each([1, 2, 3])('200 bookings by POST (%i)', async () => {
  const desk = await Desk.open(server.a);
  const doctor = await desk.practitioner();
  const answers = await Promise.all(Array.from({ length: 200 }, () => desk.book(desk.visit(doctor, '09:00', '09:30'))));
  expect(tally(answers)).toEqual({ 201: 1, 409: 199 });
});

test('200 by $book and $hold, of a practitioner with hours and of a room', async () => {
  const office = new Office(server.a);
  const room = await office.location('ro');
  const doctor = await office.practitioner();
  await office.schedule([doctor, room]);
  const visit = proposal([doctor, room], at('09:00'));
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => (index % 2 ? office.book(visit) : office.hold(visit))),
  );
  expect(tally(answers)).toEqual({ 200: 1, 409: 199 });
});

test('the server’s log has no deadlock and no failure', () => {
  expect(server.logLines.filter((line) => /deadlock|40P01|"level":50/.test(line))).toEqual([]);
});
