// Server and reference evaluator answer the same searches of the same resources with the same set: https://hl7.org/fhir/R4/search.html

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BundleEntry, Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import type { Pair } from '../search/reference/asked.ts';
import { findAll } from '../search/reference/search.ts';
import type { TestResponse } from '../support/server.ts';
import { misplaced, sortsOf } from './agreement-order.ts';
import { type MadeQuery, QueryMaker } from './agreement-queries.ts';
import type { Pick as PickOne } from './agreement-resources.ts';
import { countWays } from './agreement-ways.ts';
import { type AgreementWorld, makeAgreementWorld, picks } from './agreement-world.ts';

const seed = Number(process.env.SEED ?? 20_261_120);
/** Of 20,000 searches each class has so many, of fewer searches as many in proportion. */
const leastOfClass = 50 / 20_000;
/** So many are asked at once, for one alone waits for the database most of the time. */
const abreast = 4;
const methods = ['GET', 'GET', 'GET', 'POST'] as const;
/** Each way to look for them is taken by so many of the searches. */
const leastOfWay = 2 / 1_000;
/** Of the resources of a type, what a search finds that tells right from wrong. */
const selective = { from: 0.01, to: 0.5 };

let agreement: AgreementWorld;
beforeAll(async () => {
  agreement = await makeAgreementWorld(seed);
}, 120_000);
afterAll(() => agreement?.server.close());

interface Asked extends MadeQuery {
  readonly sort: string;
  readonly count: number;
  readonly method: 'GET' | 'POST';
  readonly isReadBack: boolean;
}

/** Declares the test with so many searches. */
export function testAgreement(asked: number): void {
  test(
    `${asked} random searches find what a plain reading of R4 finds, page by page in the order asked for (seed ${seed})`,
    async () => {
      const { world, classes } = agreement;
      const maker = new QueryMaker(world, classes);
      const askedFor = (pick: PickOne): Asked => {
        // What alone, and in no order, is looked for in ways of its own.
        const only = pick([
          undefined,
          undefined,
          undefined,
          undefined,
          undefined,
          'chain',
          'token',
          '_has',
          'quantity gt',
        ]);
        const query = maker.make(pick, only);
        return {
          ...query,
          sort: pick(sortsOf(query.type).filter((sort) => only === undefined || isOfWay(sort, only))),
          count: pick([1000, 1000, 1000, 25, 7, 3]),
          method: pick(methods),
          isReadBack: pick([true, false, false]),
        };
      };
      const queries = picks.map((pick) => Array.from({ length: abreast }, () => askedFor(pick)));
      const report = new Map<string, number>(classes.map(({ name }) => [name, 0]));
      let selectiveSearches = 0;
      const ways = countWays();
      await fc.assert(
        fc.asyncProperty(queries, async (some) => {
          const shares = await Promise.all(some.map(compare));
          for (const { classes: names } of some) {
            for (const name of new Set(names)) report.set(name, (report.get(name) ?? 0) + 1);
          }
          selectiveSearches += shares.filter((share) => share >= selective.from && share <= selective.to).length;
        }),
        { seed, numRuns: asked / abreast },
      );
      print(report, ways, selectiveSearches / asked);
      expect([...report].filter(([, number]) => number < asked * leastOfClass)).toEqual([]);
      expect([...ways].filter(([, number]) => number < asked * leastOfWay)).toEqual([]);
      expect(selectiveSearches / asked).toBeGreaterThanOrEqual(0.5);
    },
    20 * 60_000,
  );
}

function isOfWay(sort: string, only: string): boolean {
  return sort === '' || (only === 'token' && /^-?date$/.test(sort));
}

/** The share of the type's resources that is found; throws where server and evaluator differ. */
async function compare({ type, pairs, sort, count, method, isReadBack }: Asked): Promise<number> {
  const { world } = agreement;
  const expected = findAll(world, type, pairs);
  // Small pages are for short lists: a hundred requests for one search prove no more.
  const pageSize = expected.length > 40 ? Math.max(count, 25) : count;
  const shape: Pair[] = [['_count', String(pageSize)], ...(sort === '' ? [] : [['_sort', sort] as const])];
  const { ids, total } = await find({ method, type, isReadBack }, [...pairs, ...shape]);
  const wanted = new Set(expected.map(({ id }) => id as string));
  if (ids.length !== wanted.size || new Set(ids).size !== wanted.size || !ids.every((id) => wanted.has(id))) {
    throw new Error(differenceOf(type, pairs, ids, wanted));
  }
  if (total !== undefined && total !== wanted.size)
    throw new Error(`${described(type, pairs)} has ${wanted.size}, its total is ${total}`);
  const found = ids.map((id) => world.byPlace.get(`${type}/${id}`) as Resource);
  expect(misplaced(found, sort)).toBeUndefined();
  return wanted.size / world.resources.filter(({ resourceType }) => resourceType === type).length;
}

/** From all pages; throws where the way back from the last one has others. */
async function find(
  { method, type, isReadBack }: Pick<Asked, 'method' | 'type' | 'isReadBack'>,
  pairs: readonly Pair[],
): Promise<{ ids: string[]; total: number | undefined }> {
  const { a: tenant } = agreement.server;
  const query = new URLSearchParams([...pairs, ['_elements', 'id']] as [string, string][]);
  let page =
    method === 'GET'
      ? await tenant.request('GET', `/${type}?${query}`, undefined, strict)
      : await tenant.request('POST', `/${type}/_search`, `${query}`, { ...strict, 'Content-Type': form });
  // An estimate is marked as one.
  const total: number | undefined = page.json._total === undefined ? page.json.total : undefined;
  const last = linkOf(page, 'last');
  const ids: string[] = [];
  let pages = 0;
  for (;;) {
    ids.push(...idsOf(page, type, pairs));
    const next = linkOf(page, 'next');
    if (next === undefined) break;
    if (++pages > pagesMax) throw new Error(`${described(type, pairs)} has no end`);
    page = await follow(next);
  }
  const back: string[] = [];
  for (
    let place = isReadBack && pages <= backMax ? last : undefined;
    place !== undefined;
    place = linkOf(page, 'previous')
  ) {
    page = await follow(place);
    back.unshift(...idsOf(page, type, pairs));
    if (back.length > ids.length) break;
  }
  if (back.length > 0 && `${back}` !== `${ids}`) {
    throw new Error(`${described(type, pairs)} is ${ids} there and ${back} back`);
  }
  return { ids, total };
}

async function follow(url: string): Promise<TestResponse> {
  const { a: tenant } = agreement.server;
  return await tenant.request('GET', url.slice(tenant.baseUrl.length), undefined, strict);
}

function idsOf(page: TestResponse, type: string, pairs: readonly Pair[]): string[] {
  if (page.status !== 200) throw new Error(`${described(type, pairs)} is ${page.status}: ${page.text}`);
  return (page.json.entry ?? []).map((entry: BundleEntry) => entry.resource?.id);
}

function linkOf({ json }: TestResponse, wanted: string): string | undefined {
  return json.link?.find(({ relation }: { relation: string }) => relation === wanted)?.url;
}

const strict = { Prefer: 'handling=strict' };
const form = 'application/x-www-form-urlencoded';
const pagesMax = 100;
/** More are not read twice. */
const backMax = 5;

/** With the first resource that only one of both finds. */
function differenceOf(
  type: string,
  pairs: readonly Pair[],
  found: readonly string[],
  wanted: ReadonlySet<string>,
): string {
  const missed = [...wanted].filter((id) => !found.includes(id));
  const wrong = found.filter((id, position) => !wanted.has(id) || found.indexOf(id) !== position);
  const example = JSON.stringify(agreement.world.byPlace.get(`${type}/${missed[0] ?? wrong[0]}`));
  return `${described(type, pairs)} misses ${missed.length} (${missed.slice(0, 5)}), finds ${wrong.length} wrongly (${wrong.slice(0, 5)}): ${example}`;
}

function described(type: string, pairs: readonly Pair[]): string {
  return `${type}?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`;
}

function print(report: ReadonlyMap<string, number>, ways: ReadonlyMap<string, number>, share: number): void {
  const listed = (counts: ReadonlyMap<string, number>) =>
    [...counts].map(([name, number]) => `${name} ${number}`).join(', ');
  const lines = [
    `Searches by parameter type, modifier and prefix: ${listed(report)}.`,
    `Statements by way: ${listed(ways)}.`,
    `${Math.round(share * 100)} % find 1 to 50 % of the resources.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
