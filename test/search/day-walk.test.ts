// Sorted by a date, what neither few nor most have is found day by day: the same list as by any other way.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CarePlan, Observation, Period } from '@medplum/fhirtypes';
import { collectPage, type SendStatement } from '../../src/search/collect-page.ts';
import type { PagePlace } from '../../src/search/compile/sort.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import type { SampleOf } from '../../src/search/token-sample.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { parse } from './evaluate.ts';
import { insertIndexed, tokensOfTenant } from './plan-data.ts';

const each = 600;
const dayMs = 86_400_000;

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    for (const tenantId of [tenants.a, tenants.b]) {
      await insertIndexed(client, tenantId, [
        ...Array.from({ length: each }, (_, n) => observationOf(n)),
        ...Array.from({ length: each }, (_, n) => carePlanOf(n)),
      ]);
    }
    await client.query('VACUUM ANALYZE store.resource, store.date_value');
  });
});
afterAll(() => tenants.close());

/** Within 90 days; one in nine lasts for days, one in fifty for weeks, and the start of some is not known. */
function spanOf(n: number): Period {
  const start = Date.UTC(2026, 0, 1) + ((n * 7_919) % 2_160) * 3_600_000;
  const shortDays = n % 9 === 0 ? 4 : 0.5;
  const days = n % 50 === 0 ? 30 : shortDays;
  const end = new Date(start + days * dayMs).toISOString();
  return n % 150 === 1 ? { end } : { start: new Date(start).toISOString(), end };
}

/** One in twenty has no date. */
function observationOf(n: number): Observation {
  const span = spanOf(n);
  const dated = n % 3 === 0 || !span.start ? { effectivePeriod: span } : { effectiveDateTime: span.start };
  return {
    ...{ resourceType: 'Observation', id: `o${(n * 7) % each}`, status: n % 2 === 0 ? 'final' : 'amended' },
    code: { coding: [{ code: 'a' }, { code: `c${n % 3}` }] },
    ...(n % 4 > 0 && { valueQuantity: { value: n % 7 } }),
    ...(n % 20 !== 0 && dated),
  };
}

/** With up to three dates each, some of which are long. */
function carePlanOf(n: number): CarePlan {
  const activity = [n, n * 3 + 1, n * 5 + 2].slice(0, n % 4).map((one) => ({
    detail: { status: 'scheduled' as const, scheduledPeriod: spanOf(one) },
  }));
  return { ...{ resourceType: 'CarePlan', id: `c${n}`, status: 'active', intent: 'plan', subject: {} }, activity };
}

const sendTo =
  (tenantId: number): SendStatement =>
  (statement) =>
    tenants.tenantDoor(tenantId, (trx) => trx.query(statement), 'read');

/** As if one in a hundred of so many had each token. */
const claiming: SampleOf = () => ({ resources: 150_000, isSliced: true, shareOf: () => 0.01 });

interface Asked {
  readonly type: string;
  readonly query: string;
  readonly count: number;
  readonly sampleOf?: SampleOf;
}

/** The ids from the first page on, or back from the last; and on how many pages it was the days that found them. */
async function listOf({ type, query, count, sampleOf }: Asked, isBackward = false) {
  const ids: string[] = [];
  let byDays = 0;
  let place: PagePlace | undefined = isBackward ? { isBackward } : undefined;
  for (;;) {
    const asked = parse(type, `${query}&_count=${count}`);
    const options = { tokenOf: tokensOfTenant(tenants.a), sampleOf, place };
    let compiled = compileSearch(asked, options);
    if (compiled.beginStatement) {
      const [row] = await sendTo(tenants.a)<{ low: Date }>(compiled.beginStatement);
      if (row) compiled = compileSearch(asked, { ...options, beginMs: row.low.getTime() });
    }
    const isByDays = compiled.statement.text.includes('days1');
    const page = await collectPage(compiled, count, sendTo(tenants.a));
    const [first] = isByDays ? await sendTo(tenants.a)<{ overflow: boolean }>(compiled.statement) : [];
    if (first?.overflow === false) byDays++;
    ids.push(...page.matches.map(({ id }) => id));
    const last = page.matches.at(-1);
    if (!page.hasMore || !last) return { ids, byDays };
    place = { isBackward, position: page.positionOf(last) };
  }
}

describe.each(['', '-'])('sorted by %sdate', (sign) => {
  test.each([
    ['Observation', 'date', 'code=a'],
    ['Observation', 'date', 'code=c1&status:not=final'],
    ['Observation', 'date', 'code=a&date=ge2026-02-01'],
    ['Observation', 'date', 'code=a&date=lt2026-02-20T12:00:00Z'],
    ['Observation', 'date', 'code=a&date=ge2026-01-20&date=le2026-03-10'],
    ['Observation', 'date', 'code=a&date=gt2026-02-10'],
    ['CarePlan', 'activity-date', 'status=active'],
    ['CarePlan', 'activity-date', 'status=active&activity-date=ge2026-02-01'],
  ])('%s: %s of ?%s is the same list, there and back', async (type, by, query) => {
    const asked = { type, query: `${query}&_sort=${sign}${by}`, count: 20 };
    const expected = await listOf(asked);
    expect([expected.ids.length > 60, expected.byDays]).toEqual([true, 0]);
    const there = await listOf({ ...asked, sampleOf: claiming });
    expect(there.ids).toEqual(expected.ids);
    if (!query.includes('activity-date=')) expect(there.byDays).toBeGreaterThan(0);
    expect((await listOf({ ...asked, sampleOf: claiming }, true)).ids.reverse()).toEqual(expected.ids);
  });
});

test.each(['date,-_id', '-date,_id', 'date,-_lastUpdated', '-date,-_lastUpdated', 'date,value-quantity,_id'])(
  'what comes after the date, as in %s, decides within it',
  async (sort) => {
    const asked = { type: 'Observation', query: `code=a&_sort=${sort}`, count: 20 };
    const expected = await listOf(asked);
    const there = await listOf({ ...asked, sampleOf: claiming });
    expect(there.ids).toEqual(expected.ids);
    expect(there.byDays).toBeGreaterThan(0);
    expect((await listOf({ ...asked, sampleOf: claiming }, true)).ids.reverse()).toEqual(expected.ids);
  },
);
