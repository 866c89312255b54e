// Twenty restores to random moments under load, each held to everything the checker knows; and how much is lost and how long it takes (fault 37).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { seededRandom } from '../faults/load.ts';
import { KilledServer, type Moment, query } from './killed-server.ts';

const moments = 20;
const answersBetweenMax = 60;

describe('a server that was killed under load', () => {
  const noted: Moment[] = [];
  let server: KilledServer;
  beforeAll(async () => {
    server = await KilledServer.open();
    const random = seededRandom(server.load.seed);
    for (let round = 0; round < moments; round++) {
      noted.push(await server.momentAfter(Math.ceil(random() * answersBetweenMax)));
    }
    await server.kill();
  });
  afterAll(() => server.close());

  test.each(Array.from({ length: moments }, (_, at) => [at + 1]))('moment %i holds', async (number) => {
    expect(await server.check(noted[number - 1]!)).toEqual([]);
  });

  test('a restore as far as the log goes has what came after the last moment; what it lost and took is printed', async () => {
    const startedAt = performance.now();
    const restored = await server.restore();
    const tookMs = Math.round(performance.now() - startedAt);
    const answered = server.load.intents.filter(({ answer }) => answer !== undefined && answer.status < 300).length;
    const [row] = await query<{ at: Date }>(restored.server.url, 'SELECT max(last_updated) AS at FROM store.resource');
    await restored.server.stopImmediately();
    const lostMs = server.killedAt.getTime() - row!.at.getTime();
    console.log(`RTO ${tookMs} ms; the last commit is ${lostMs} ms older than the kill; ${answered} intents answered`);
    expect(row!.at.getTime()).toBeGreaterThan(noted.at(-1)!.at.getTime() - 1);
  });
});
