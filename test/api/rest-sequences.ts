// Random sequences of writes by two tenants, each answer and in the end everything stored compared with the model: https://hl7.org/fhir/R4/http.html

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startTestServer, type TestServer } from '../support/server.ts';
import { expectNoFailure } from './refusals.ts';
import { sequences } from './rest-drafts.ts';
import { type Counts, World } from './rest-world.ts';

const seed = 20_261_120;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

/** What must have happened, or the sequences prove less than they seem to. */
const wanted: readonly string[] = [
  ...outcomes('create', 201, 422),
  ...outcomes('create by criteria', 200, 201, 412),
  ...outcomes('update', 200, 201, 400, 422),
  ...outcomes('update brings back', 200),
  ...outcomes('update if-match', 200, 412),
  ...outcomes('update if-none-match', 201, 412),
  ...outcomes('update by criteria', 200, 201, 409, 412),
  ...['json patch', 'merge patch', 'fhirpath patch'].flatMap((kind) => outcomes(kind, 200, 404, 422)),
  ...outcomes('patch', 200, 400, 404, 410, 422),
  ...outcomes('patch if-match', 200, 412),
  ...outcomes('patch by criteria', 200, 404, 412, 422),
  ...outcomes('delete', 204),
  ...outcomes('delete if-match', 204, 412),
  ...outcomes('delete by criteria', 200, 204, 412),
  ...outcomes('read', 200, 404, 410),
  ...outcomes('search', 200),
  ...outcomes('batch: create', 200, 201, 412),
  ...outcomes('batch: update', 200, 201, 412),
  ...outcomes('batch: patch', 200, 404),
  ...outcomes('batch: delete', 204),
  ...outcomes('transaction', 200, 400, 404, 410, 412, 422),
  ...outcomes('transaction: create', 200, 201),
  ...outcomes('transaction: update', 200, 201),
  ...outcomes('transaction: patch', 200),
  ...outcomes('transaction: delete', 204),
  ...outcomes('transaction: read', 200),
  ...outcomes('link between entries', 200),
  ...outcomes('conditional reference', 200),
  ...outcomes('two tenants at once', 200),
  ...outcomes('look', 200),
];

function outcomes(kind: string, ...statuses: readonly number[]): string[] {
  return statuses.map((status) => `${kind} ${status}`);
}

const leastOften = 3;

/** Declares the test with so many sequences. */
export function testRandomWrites(count: number): void {
  const counts: Counts = new Map();
  let worlds = 0;

  test(
    `${count} random sequences of writes by two tenants leave what the model says (seed ${seed})`,
    async () => {
      await fc.assert(
        fc.asyncProperty(sequences, async (commands) => {
          worlds += 1;
          const world = await World.begin(server, `w${worlds}`, counts);
          await world.runAll(commands);
          await world.compareAll();
        }),
        { seed, numRuns: count },
      );
    },
    15 * 60_000,
  );

  test(`and every kind of command had every outcome, ${leastOften} times at least`, () => {
    const lines = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, times]) => `${name}: ${times}`);
    console.log(`${worlds} sequences (seed ${seed}): ${lines.join(', ')}`);
    expect(wanted.filter((name) => (counts.get(name) ?? 0) < leastOften)).toEqual([]);
  });
}
