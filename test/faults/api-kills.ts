// Rounds of kill -9 against `node src/main.ts api` under load, for the short and the long test.

import { setTimeout as delay } from 'node:timers/promises';
import type { FaultBed } from './bed.ts';
import { countStatuses, findProblems } from './checker.ts';
import { chooseSeed, Load, seededRandom } from './load.ts';
import { startMain } from './processes.ts';

const lanes = 8;

/** Gives what the checker finds after the last round. */
export async function killApi(bed: FaultBed, rounds: number): Promise<string[]> {
  const options = { dataDir: bed.dataDir, databaseUrl: bed.database.url };
  const seed = chooseSeed();
  const random = seededRandom(seed);
  let server = await startMain('api', options);
  bed.origin = server.origin;
  const load = await Load.open(bed, seed);
  for (let round = 0; round < rounds; round++) {
    load.start(lanes);
    await delay(5 + random() * 495);
    server.child.kill('SIGKILL');
    await Promise.all([load.stop(), server.exited]);
    server = await startMain('api', options);
    bed.origin = server.origin;
  }
  const lost = load.intents.filter(({ attempts }) => attempts.includes('lost')).length;
  if (lost < rounds) throw new Error(`Of ${rounds} kills only ${lost} requests noticed.`);
  const worker = await startMain('worker', options);
  const problems = await findProblems(bed, load.intents);
  console.log(`${rounds} kills, ${load.intents.length} intents, statuses`, countStatuses(load.intents));
  for (const { child, exited } of [worker, server]) {
    child.kill('SIGTERM');
    await exited;
  }
  return problems;
}
