// Whatever is written to both halves of visits, in any order and at once, the rules of contract.md 14 and 15 hold afterwards.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { live, lives } from './visit-run.ts';
import { WaitingRoom } from './waiting-room.ts';

const seed = 4_711;

let server: TestServer;
let room: WaitingRoom;
beforeAll(async () => {
  server = await startTestServer();
  room = await WaitingRoom.open(server.a);
});
afterAll(() => server.close());

test.each([
  ['one after the other', 1, 25],
  ['three at a time', 3, 15],
] as const)(
  '%s: one Encounter, fulfilled where it is finished, one history, numbers without gaps',
  async (_, atOnce, numRuns) => {
    await fc.assert(
      fc.asyncProperty(lives, async (commands) => {
        expect(await live(room, commands, atOnce)).toEqual([]);
      }),
      { seed, numRuns },
    );
  },
  120_000,
);
