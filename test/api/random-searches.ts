// Random Observations in the database and random searches of them, compared with the model page by page: https://hl7.org/fhir/R4/search.html

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { deleteEntry, postEntry, putEntry, sendBundle } from './bundle-requests.ts';
import { misplaced, observations, type Stored, searches, sorts } from './observation-model.ts';

const seed = 20_261_120;
const stored = 160;

let server: TestServer;
const current = new Map<string, Stored>();

/** 160 are made, a third of them updated to something else, and some deleted. */
beforeAll(async () => {
  server = await startTestServer();
  const [first, second] = fc.sample(fc.array(observations, { minLength: stored, maxLength: stored, size: 'max' }), {
    numRuns: 2,
    seed,
  });
  const made = await sendBundle(server.a, 'transaction', first?.map((one) => postEntry(one)) ?? []);
  const ids: string[] = made.json.entry.map((entry: { resource: Stored }) => entry.resource.id);
  const changes = ids.flatMap((id, index) => {
    if (index % 11 === 0) return [deleteEntry(`Observation/${id}`)];
    return index % 3 === 0 ? [putEntry({ ...second?.[index], id })] : [];
  });
  const changed = await sendBundle(server.a, 'transaction', changes);
  for (const { resource } of made.json.entry) current.set(resource.id, resource);
  for (const [index, { request }] of changes.entries()) {
    const id = request?.url.split('/')[1] ?? '';
    if (request?.method === 'DELETE') current.delete(id);
    else current.set(id, changed.json.entry[index].resource);
  }
});
afterAll(() => server.close());

interface Found {
  readonly resources: Stored[];
  readonly total: number | undefined;
}

async function findAll(pairs: readonly (readonly [string, string])[]): Promise<Found> {
  const resources: Stored[] = [];
  let total: number | undefined;
  let path: string | undefined = `/Observation?${new URLSearchParams(pairs as [string, string][])}`;
  for (let page = 0; path !== undefined; page++) {
    const { status, json }: TestResponse = await server.a.request('GET', path);
    const bundle = json as {
      total?: number;
      entry?: { resource: Stored }[];
      link: { relation: string; url: string }[];
    };
    if (status !== 200) throw new Error(`${path} is ${status}: ${JSON.stringify(json)}`);
    if (page === 0) total = bundle.total;
    resources.push(...(bundle.entry ?? []).map((entry) => entry.resource));
    path = bundle.link.find(({ relation }) => relation === 'next')?.url.slice(server.a.baseUrl.length);
  }
  return { resources, total };
}

/** Declares the test with so many searches. */
export function testRandomSearches(asked: number): void {
  test(
    `${asked} random searches over ${stored} random Observations, page by page (seed ${seed})`,
    async () => {
      const request = fc.tuple(searches, fc.constantFrom(...sorts), fc.constantFrom(1, 3, 7, 50, 1_000));
      await fc.assert(
        fc.asyncProperty(request, async ([search, sort, count]) => {
          const expected = [...current.values()].filter(search.matches).map(({ id }) => id);
          // A page of one is for short lists: a hundred requests for one search prove no more.
          const pageSize = expected.length > 40 ? Math.max(count, 25) : count;
          const shape = [...(sort === '' ? [] : [['_sort', sort] as const]), ['_count', String(pageSize)] as const];
          const { resources, total } = await findAll([...search.pairs, ...shape]);
          expect(resources.map(({ id }) => id).sort()).toEqual(expected.sort());
          expect(misplaced(resources, sort)).toBeUndefined();
          expect([expected.length, undefined]).toContain(total);
        }),
        { seed, numRuns: asked },
      );
    },
    15 * 60_000,
  );
}
