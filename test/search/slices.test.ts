// Where no order was asked for, what neither few nor most have is found slice by slice: each match once, page after page.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Observation, Patient, Practitioner, Resource } from '@medplum/fhirtypes';
import { indexGeneration } from '../../src/database/index-generation.ts';
import { collectPage, type SendStatement } from '../../src/search/collect-page.ts';
import type { PagePlace } from '../../src/search/compile/sort.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { sliceOf, sliceSql, slices } from '../../src/search/slices.ts';
import { type SampleOf, sampleTokens } from '../../src/search/token-sample.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { parse } from './evaluate.ts';
import { insertIndexed, tokensOfTenant } from './plan-data.ts';

const observations = 1_500;
const patients = 300;
const practitioners = 40;

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    for (const tenantId of [tenants.a, tenants.b]) await insertIndexed(client, tenantId, clinic());
    // As a delete leaves it.
    const deleted = Array.from({ length: 30 }, (_, n) => `o${n * 7}`);
    await client.query(
      "UPDATE store.resource SET deleted = true, tokens = '{}' WHERE tenant_id = $1 AND id = ANY($2::text[])",
      [tenants.a, deleted],
    );
    await client.query('DELETE FROM store.reference WHERE tenant_id = $1 AND source_id = ANY($2::text[])', [
      tenants.a,
      deleted,
    ]);
    await client.query('VACUUM ANALYZE store.resource, store.range_value, store.reference');
  });
});
afterAll(() => tenants.close());

function clinic(): Resource[] {
  return [
    ...Array.from(
      { length: practitioners },
      (_, n): Practitioner => ({
        ...{ resourceType: 'Practitioner', id: `d${n}`, active: n % 3 === 0 },
      }),
    ),
    ...Array.from(
      { length: patients },
      (_, n): Patient => ({
        ...{ resourceType: 'Patient', id: `p${n}`, active: n % 4 !== 0, gender: n % 2 === 0 ? 'female' : 'male' },
      }),
    ),
    ...Array.from({ length: observations }, (_, n) => observationOf(n)),
  ];
}

/** Of two or three practitioners each, so that several that are asked by lead to the same. */
function observationOf(n: number): Observation {
  const performers = [n % practitioners, (n * 7) % practitioners, (n * 3 + 1) % practitioners];
  return {
    resourceType: 'Observation',
    id: `o${n}`,
    status: n % 3 === 0 ? 'amended' : 'final',
    code: { coding: [{ code: `c${n % 4}` }] },
    subject: { reference: `Patient/p${n % patients}` },
    performer: performers.map((one) => ({ reference: `Practitioner/d${one}` })),
    valueQuantity: { value: n % 50, system: 'http://unitsofmeasure.org', code: 'mg' },
  };
}

const sendTo =
  (tenantId: number): SendStatement =>
  (statement) =>
    tenants.tenantDoor(tenantId, (trx) => trx.query(statement), 'read');

/** As if one in a hundred of so many had each token. */
const claiming =
  (resources: number): SampleOf =>
  () => ({ resources, isSliced: true, shareOf: () => 0.01 });

interface Asked {
  readonly query: string;
  readonly count: number;
  readonly sampleOf?: SampleOf;
  readonly tenantId?: number;
}

/** The ids of every page, from the first on, or back from the last. */
async function pagesOf(
  { query, count, sampleOf, tenantId = tenants.a }: Asked,
  isBackward = false,
): Promise<string[][]> {
  const pages: string[][] = [];
  // The order of the first page is that of the last.
  let isSliced = false;
  if (isBackward) {
    const first = compileSearch(parse('Observation', `${query}&_count=${count}`), {
      tokenOf: tokensOfTenant(tenantId),
      sampleOf,
    });
    const { matches, positionOf } = await collectPage(first, count, sendTo(tenantId));
    isSliced = matches.some((match) => positionOf(match).keys.length > 0);
  }
  let place: PagePlace | undefined = isBackward ? { isBackward, isSliced } : undefined;
  for (;;) {
    const asked = parse('Observation', `${query}&_count=${count}`);
    const compiled = compileSearch(asked, { tokenOf: tokensOfTenant(tenantId), sampleOf, place });
    const { matches, hasMore, positionOf } = await collectPage(compiled, count, sendTo(tenantId));
    pages.push(matches.map(({ id }) => id));
    const last = matches.at(-1);
    if (!hasMore || !last) return pages;
    isSliced = positionOf(last).keys.length > 0;
    place = { isBackward, isSliced, position: positionOf(last) };
  }
}

const found = [
  'code=c1',
  'code=c1,c2',
  'status=final&code=c1',
  'code=c1&status:not=amended',
  'code=c1&value-quantity=ge20',
  'code=c1&value-quantity=ge20&patient.active=true',
  'code=c1&patient.active=true',
  'patient.gender=male',
  'performer:Practitioner.active=true',
  'performer:Practitioner.active=true,false',
];
const queries = [...found, 'code=c1&value-quantity=gt1000', 'code=c1&code=c2', 'patient.gender=unknown'];

describe.each([
  [7, 1_000_000],
  [7, 150_000],
  [60, 101_000],
  [200, 1_000_000],
])('with pages of %d, where a sample tells of %d resources', (count, resources) => {
  test.each(queries)('Observation?%s finds each match once, there and back', async (query) => {
    const expected = (await pagesOf({ query, count: 1_000 })).flat().sort();
    expect(expected.length > 0).toBe(found.includes(query));
    const asked = { query, count, sampleOf: claiming(resources) };
    const there = await pagesOf(asked);
    expect(there.flat().sort()).toEqual(expected);
    expect(there.slice(0, -1).every(({ length }) => length === count)).toBe(true);
    const back = await pagesOf(asked, true);
    expect(back.flat().reverse()).toEqual(there.flat());
  });
});

test('the pages are those of the slices, and a page that began in their order stays in it whatever a sample says', async () => {
  const query = 'code=c1&_count=20';
  const tokenOf = tokensOfTenant(tenants.a);
  const compile = (sampleOf: SampleOf | undefined, place?: PagePlace) =>
    collectPage(compileSearch(parse('Observation', query), { tokenOf, sampleOf, place }), 20, sendTo(tenants.a));
  const first = await compile(claiming(1_000_000));
  const inOrder = (ids: readonly string[]) => ids.toSorted((a, b) => (sliceOf(a) + a < sliceOf(b) + b ? -1 : 1));
  const ids = first.matches.map(({ id }) => id);
  expect(ids).toEqual(inOrder(ids));
  expect(ids).not.toEqual(ids.toSorted());
  const place = {
    isBackward: false,
    isSliced: true,
    position: first.positionOf(first.matches.at(-1) as (typeof first.matches)[number]),
  };
  const [known, unknown] = [await compile(claiming(1_000_000), place), await compile(undefined, place)];
  expect(unknown.matches.map(({ id }) => id)).toEqual(known.matches.map(({ id }) => id));
});

test('who asks for an order gets it', async () => {
  const [page = []] = await pagesOf({ query: 'code=c1&_sort=_id', count: 50, sampleOf: claiming(1_000_000) });
  expect(page).toEqual(page.toSorted());
});

test('the tokens of one tenant find nothing of another', async () => {
  const compiled = compileSearch(parse('Observation', 'code=c1'), {
    tokenOf: tokensOfTenant(tenants.a),
    sampleOf: claiming(1_000_000),
  });
  const { matches } = await collectPage(compiled, 20, sendTo(tenants.b));
  expect(matches).toEqual([]);
  const ofB = await pagesOf({ query: 'code=c1', count: 100, sampleOf: claiming(1_000_000), tenantId: tenants.b });
  expect(ofB.flat()).toHaveLength(observations / 4);
});

test('the database cuts the slices that are stored', async () => {
  const rows = await withClient(tenants.url, async (client) => {
    const found = await client.query<{ id: string; slice: string }>(
      `SELECT id, ${sliceSql('id')} AS slice FROM store.resource WHERE tenant_id = $1 AND type = 'Observation'`,
      [tenants.a],
    );
    return found.rows;
  });
  expect(rows).toHaveLength(observations);
  for (const { id, slice } of rows) expect(slice).toBe(sliceOf(id));
  expect(new Set(rows.map(({ slice }) => slice)).size).toBeGreaterThan(slices.length * 0.9);
});

test('slices are gone by only when all of the tenant is indexed with them', async () => {
  const isSliced = async (generation: number) => {
    await withClient(tenants.url, (client) =>
      client.query('UPDATE store.search_index SET generation = $1 WHERE tenant_id = $2', [generation, tenants.a]),
    );
    // Of a key of its own, so that it is drawn anew.
    const access = { send: sendTo(tenants.a), tokenOf: tokensOfTenant(tenants.a) };
    return (await sampleTokens(parse('Observation', 'code=c1'), access))?.('Observation')?.isSliced;
  };
  expect(await isSliced(2)).toBe(false);
  expect(await isSliced(indexGeneration)).toBe(true);
});
