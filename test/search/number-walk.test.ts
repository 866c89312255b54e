// Where only numbers of one parameter are asked for, and no order, pages go along their index: the same list as in any other order.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Observation, RiskAssessment } from '@medplum/fhirtypes';
import { collectPage, type SendStatement } from '../../src/search/collect-page.ts';
import type { PagePlace } from '../../src/search/compile/sort.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { pageLinks } from '../../src/search/page-links.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { parse } from './evaluate.ts';
import { insertIndexed, tokensOfTenant } from './plan-data.ts';

const each = 400;
const comparators = ['<', '<=', '>', '>='] as const;

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    for (const tenantId of [tenants.a, tenants.b]) {
      await insertIndexed(client, tenantId, [
        ...Array.from({ length: each }, (_, n) => observationOf(n, tenantId)),
        ...Array.from({ length: each }, (_, n) => riskOf(n)),
      ]);
    }
    await client.query('VACUUM ANALYZE store.resource, store.range_value');
  });
});
afterAll(() => tenants.close());

/** Many are alike, some are in grams, some open at one end, some below zero; in the other tenant they have other ids. */
function observationOf(n: number, tenantId: number): Observation {
  const value = ((n * 37) % 50) - 10;
  const [unit, shown] = n % 5 === 0 ? ['g', value / 1000] : ['mg', value];
  const comparator = n % 11 === 0 ? comparators[n % 4] : undefined;
  return {
    ...{ resourceType: 'Observation', id: `o${tenantId}-${(n * 7) % each}`, status: 'final' },
    code: { coding: [{ code: n % 2 === 0 ? 'a' : 'b' }] },
    ...(n % 13 !== 0 && {
      valueQuantity: {
        value: shown,
        system: 'http://unitsofmeasure.org',
        code: unit,
        ...(comparator && { comparator }),
      },
    }),
  };
}

/** Its numbers repeat. */
function riskOf(n: number): RiskAssessment {
  return {
    ...{ resourceType: 'RiskAssessment', id: `r${n}`, status: 'final', subject: {} },
    prediction: [{ probabilityDecimal: (n % 10) / 10 }, { probabilityDecimal: ((n * 3) % 10) / 10 }],
  };
}

const sendTo =
  (tenantId: number): SendStatement =>
  (statement) =>
    tenants.tenantDoor(tenantId, (trx) => trx.query(statement), 'read');

async function pageOf(query: string, place?: PagePlace, type = 'Observation') {
  const asked = parse(type, query);
  const compiled = compileSearch(asked, { tokenOf: tokensOfTenant(tenants.a), place });
  const { matches, hasMore, positionOf } = await collectPage(compiled, asked.count, sendTo(tenants.a));
  const shown = place?.isBackward ? matches.toReversed() : matches;
  const positions = shown.map(positionOf);
  const isSliced = asked.sort[0]?.isFree === true && (place?.isSliced ?? positions.some(({ keys }) => keys.length > 0));
  return { ids: shown.map(({ id }) => id), positions, ...pageLinks({ place, hasMore, positions, isSliced }) };
}

/** From one end to the other, in the order of the list; and the keys on the way. */
async function listOf(query: string, { isBackward = false, type = 'Observation' } = {}) {
  const ids: string[] = [];
  const keys: unknown[] = [];
  let place = isBackward ? (await pageOf(query, undefined, type)).last : undefined;
  for (;;) {
    const page = await pageOf(query, place, type);
    keys.push(...page.positions.flatMap((position) => position.keys));
    if (isBackward) ids.unshift(...page.ids);
    else ids.push(...page.ids);
    place = isBackward ? page.previous : page.next;
    if (!place) return { ids, keys };
  }
}

const ucum = 'http://unitsofmeasure.org';
const asked = [
  ...['', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'].flatMap((prefix) => [
    `value-quantity=${prefix}7`,
    `value-quantity=${prefix}0|${ucum}|mg`,
  ]),
  'value-quantity=ge-3&value-quantity=lt5',
  'value-quantity=gt1e9',
  'value-quantity=ge-1e9',
];

test.each(asked)('Observation?%s finds the same along its numbers as by id, there and back', async (query) => {
  const expected = await listOf(`${query}&_sort=_id&_count=1000`);
  const there = await listOf(`${query}&_count=7`);
  expect(there.ids.toSorted()).toEqual(expected.ids.toSorted());
  expect(there.keys.every((key) => String(key).startsWith('='))).toBe(true);
  expect(there.keys).toEqual(there.keys.toSorted());
  if (expected.ids.length > 7)
    expect(await listOf(`${query}&_count=7`, { isBackward: true })).toMatchObject({ ids: there.ids });
});

test.each([
  ['Observation', 'value-quantity=gt0,lt-5'],
  ['Observation', 'value-quantity=gt0&code=a'],
  ['Observation', 'value-quantity=gt0||mg'],
  ['Observation', 'component-value-quantity=gt0'],
  ['RiskAssessment', 'probability=gt0.5'],
])('what the index has not once in one stretch goes by id: %s?%s', async (type, query) => {
  const { ids, keys } = await listOf(`${query}&_count=7`, { type });
  expect(ids).toEqual(ids.toSorted());
  expect(keys).toEqual([]);
});

test('a list that began by id stays in that order, one along numbers is refused as another search', async () => {
  const query = 'value-quantity=gt0&_count=7';
  const { ids } = await listOf('value-quantity=gt0&_sort=_id&_count=1000');
  const third = { isBackward: false, position: { id: ids[20] as string, keys: [] } };
  expect((await pageOf(query, third)).ids).toEqual(ids.slice(21, 28));
  const { next } = await pageOf(query);
  expect(next?.isSliced).toBe(true);
  await expect(pageOf('value-quantity=gt0&code=a&_count=7', next)).rejects.toThrow(/start again/);
});
