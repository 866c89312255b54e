// What a List holds is found along its links, in the order of ids: the same list as when all of it is gathered.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { List, Observation, Patient } from '@medplum/fhirtypes';
import { collectPage, type SendStatement } from '../../src/search/collect-page.ts';
import type { PagePlace } from '../../src/search/compile/sort.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { runSearch } from '../../src/search/run-search.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { parse } from './evaluate.ts';
import { insertIndexed, tokensOfTenant } from './plan-data.ts';

const patients = 400;
/** One in so many is deleted. */
const gone = 9;

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    for (const tenantId of [tenants.a, tenants.b]) {
      const all = Array.from({ length: tenantId === tenants.a ? patients : 10 }, (_, n) => n);
      await insertIndexed(client, tenantId, [
        ...all.map((n): Patient => ({ resourceType: 'Patient', id: `p${n}`, active: n % 2 === 0 })),
        ...all.map(
          (n): Observation => ({
            ...{ resourceType: 'Observation', id: `o${n}`, status: 'final', code: {} },
            subject: { reference: 'Patient/p1' },
          }),
        ),
        listOf('all', all),
        listOf('half', all.slice(0, patients / 2)),
      ]);
    }
    await client.query(
      "UPDATE store.resource SET deleted = true WHERE type = 'Patient' AND substr(id, 2)::integer % $1 = 4",
      [gone],
    );
    await client.query(
      "UPDATE store.resource SET deleted = true WHERE type = 'Patient' AND id = 'p1' AND tenant_id = $1",
      [tenants.b],
    );
    await client.query('VACUUM ANALYZE store.resource, store.reference');
  });
});
afterAll(() => tenants.close());

/** Of patients, some of whom never were. */
function listOf(id: string, numbers: readonly number[]): List {
  const items = numbers.map((n) => (n % 50 === 3 ? `Patient/never${n}` : `Patient/p${n}`));
  return {
    ...{ resourceType: 'List', id, status: 'current', mode: 'working' },
    entry: items.map((reference) => ({ item: { reference } })),
  };
}

const sendTo =
  (tenantId: number): SendStatement =>
  (statement) =>
    tenants.tenantDoor(tenantId, (trx) => trx.query(statement), 'read');

/** From one end to the other, and on how many pages it was the links that found them. */
async function pagesOf(type: string, query: string, isBackward: boolean) {
  const ids: string[] = [];
  let alongLinks = 0;
  let place: PagePlace | undefined = isBackward ? { isBackward } : undefined;
  for (;;) {
    const asked = parse(type, query);
    const compiled = compileSearch(asked, { tokenOf: tokensOfTenant(tenants.a), place });
    const send: SendStatement = async <Row>(statement: Parameters<SendStatement>[0]) => {
      const rows = await sendTo(tenants.a)<Row>(statement);
      const isListed = statement.text.includes('link AS MATERIALIZED');
      if (isListed && !(rows[0] as { overflow: boolean }).overflow) alongLinks++;
      return rows;
    };
    const { matches, hasMore, positionOf } = await collectPage(compiled, asked.count, send);
    ids.push(...matches.map(({ id }) => id));
    const last = matches.at(-1);
    if (!hasMore || !last) return { ids: isBackward ? ids.toReversed() : ids, alongLinks };
    place = { isBackward, position: positionOf(last) };
  }
}

const isHere = (n: number) => n % gone !== 4 && n % 50 !== 3;
const idsWhere = (isWanted: (n: number) => boolean) =>
  Array.from({ length: patients }, (_, n) => n)
    .filter((n) => isHere(n) && isWanted(n))
    .map((n) => `p${n}`)
    .sort();

test.each([
  ['_list=all', idsWhere(() => true)],
  ['_list=half,all,none', idsWhere(() => true)],
  ['_list=half&_sort=-_id', idsWhere((n) => n < patients / 2).reverse()],
  ['_list=all&active:not=false', idsWhere((n) => n % 2 === 0)],
])('Patient?%s, there and back', async (query, expected) => {
  for (const isBackward of [false, true]) {
    const { ids, alongLinks } = await pagesOf('Patient', `${query}&_count=20`, isBackward);
    expect(ids).toEqual(expected);
    expect(alongLinks).toBeGreaterThan(3);
  }
});

test('a chain to an id is such a list, of which nothing is left where the resource is gone', async () => {
  const { ids, alongLinks } = await pagesOf('Observation', 'subject:Patient._id=p1&_count=20', false);
  expect([ids.length, new Set(ids).size, alongLinks > 3]).toEqual([patients, patients, true]);
  const access = {
    send: sendTo(tenants.b),
    tokenOf: tokensOfTenant(tenants.b),
    open: () => Promise.reject(new Error('No body is needed.')),
  };
  expect((await runSearch(parse('Observation', 'subject:Patient._id=p1'), access)).matches).toEqual([]);
});

test('the total of a long list is an estimate by its links', async () => {
  const access = {
    send: sendTo(tenants.a),
    tokenOf: tokensOfTenant(tenants.a),
    open: () => Promise.reject(new Error('No body is needed.')),
  };
  expect(await runSearch(parse('Patient', '_list=all'), access)).toMatchObject({ total: patients, isEstimate: true });
  const { total } = await runSearch(parse('Patient', '_list=all&_total=accurate'), access);
  expect(total).toBe(idsWhere(() => true).length);
});
