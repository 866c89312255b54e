// The full figure of calendar.test.ts: a thousand random sequences.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { type Command, commands, follow } from './calendar-run.ts';
import { Desk } from './desk.ts';

const seed = 4_711;

let server: TestServer;
let desk: Desk;
beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  desk = await Desk.open(server.a);
});
afterAll(() => server.close());

test(`random sequences of commands (seed ${seed})`, async () => {
  const isSame = async (sequence: readonly Command[]) => {
    const { expected, found } = await follow(server, desk, sequence);
    expect(found).toEqual(expected);
  };
  await fc.assert(fc.asyncProperty(commands, isSame), { seed, numRuns: 1_000 });
});
