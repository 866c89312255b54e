// Two hundred bookings of one time: one 201, the others 409, and no deadlock anywhere, also not in PostgreSQL: security.md 119.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { Till } from '../payments/till.ts';
import { openConnections, tally } from '../scheduling/desk.ts';
import { bookOneTime, deadlocksOf } from './book-one-time.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  await openConnections(server);
});
afterAll(() => server.close());

test.each([1, 2, 3, 4, 5])('of a practitioner and a room, named in opposite orders (%i)', async () => {
  expect(tally(await bookOneTime(new Till(server.a), 200))).toEqual({ 201: 1, 409: 199 });
  expect(await deadlocksOf(server)).toEqual([]);
});
