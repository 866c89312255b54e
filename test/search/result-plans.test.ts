// What pages backward and includes read of a type with very many resources, under every plan: https://hl7.org/fhir/R4/http.html#paging

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { includeStatement } from '../../src/search/compile/includes.ts';
import type { PagePlace } from '../../src/search/compile/sort.ts';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { parse } from './evaluate.ts';
import { tokensOfTenant } from './plan-data.ts';
import { readingIn } from './plan-reading.ts';
import type { PlanMode } from './plan-rows.ts';

const observations = 30_000;

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await fill();
});
afterAll(() => tenants.close());

/** Observations that one Practitioner performed, of 100 Patients in turn, a second apart; one in three has no date. */
async function fill(): Promise<void> {
  const undated = tokensOfTenant(tenants.a)('Observation.date|none').toString();
  const numbers = `generate_series(0, ${observations - 1}) n`;
  const moment = `'2020-01-01Z'::timestamptz + n * interval '1 s'`;
  await withClient(tenants.url, async (client) => {
    await client.query(
      `INSERT INTO store.resource (tenant_id, type, id, version_id, last_updated, deleted, content, tokens)
       SELECT $1::integer, 'Observation', md5(n::text), 1, ${moment}, false, '\\x00'::bytea,
         CASE WHEN n % 30 = 0 THEN ARRAY[$2::bigint] ELSE '{5}' END FROM ${numbers}
       UNION ALL SELECT $1::integer, 'Patient', 'p' || n, 1, now(), false, '\\x00', '{1}' FROM generate_series(0, 99) n
       UNION ALL SELECT $1::integer, 'Practitioner', 'busy', 1, now(), false, '\\x00', '{1}'`,
      [tenants.a, undated],
    );
    await client.query(
      `INSERT INTO store.reference (tenant_id, source_type, source_id, parameter, target_type, target_id)
       SELECT $1::integer, 'Observation', md5(n::text), link.* FROM ${numbers} CROSS JOIN LATERAL (
         VALUES ('subject', 'Patient', 'p' || n % 100), ('performer', 'Practitioner', 'busy')) link`,
      [tenants.a],
    );
    await client.query(
      `INSERT INTO store.date_value (tenant_id, type, id, parameter, low, high)
       SELECT $1::integer, 'Observation', md5(n::text), 'date', ${moment}, ${moment} FROM ${numbers} WHERE n % 30 <> 0`,
      [tenants.a],
    );
    for (const table of ['resource', 'reference', 'date_value']) await client.query(`VACUUM ANALYZE store.${table}`);
  });
}

const modes: readonly PlanMode[] = ['auto', 'force_generic_plan'];

function statementOf(type: string, query: string, place?: PagePlace): SearchStatement {
  return compileSearch(parse(type, query), { tokenOf: tokensOfTenant(tenants.a), place }).statement;
}

const moment = '2020-01-01T04:00:00.000Z';
const endingAt = (...keys: string[]): PagePlace => ({ isBackward: true, position: { id: '8', keys } });

describe.each(modes)('with plans that are %s', (mode) => {
  test.each<[string, PagePlace]>([
    ['_sort=_id', endingAt()],
    ['_sort=-_id', endingAt()],
    ['_sort=_id', { isBackward: true }],
    ['_sort=_lastUpdated', endingAt(moment)],
    ['_sort=-_lastUpdated', endingAt(moment)],
    ['_sort=-_lastUpdated', { isBackward: true }],
    ['_sort=date', endingAt(moment)],
    ['_sort=-date', endingAt(moment)],
    ['date=lt2020-01-02&_sort=-date', { isBackward: true }],
  ])('a page of %s at %j reads no more rows than a page forward may', async (query, place) => {
    const { rows, bitmapEntries, sequential } = await readingIn(
      tenants,
      mode,
      statementOf('Observation', `${query}&_count=20`, place),
    );
    expect(sequential).toEqual([]);
    expect(rows).toBeGreaterThan(20);
    expect(rows + bitmapEntries).toBeLessThanOrEqual(20 * 20 + 1000);
  });

  test('a page from the end, where those without a date are, reads those as well', async () => {
    const statement = statementOf('Observation', '_sort=date&_count=20', { isBackward: true });
    const { rows, bitmapEntries, sequential } = await readingIn(tenants, mode, statement);
    expect(sequential).toEqual([]);
    expect(rows + bitmapEntries).toBeLessThanOrEqual(3 * (observations / 30) + 20 * 20);
  });

  test.each([
    ['Practitioner', 'busy', '_revinclude=Observation:performer', 1001],
    ['Practitioner', 'busy', '_revinclude=Observation:*', 1001],
    ['Practitioner', 'busy', '_revinclude=*', 1001],
    ['Practitioner', 'busy', '_revinclude=Encounter:participant', 0],
    ['Practitioner', 'busy', '_revinclude=Encounter:*', 0],
    ['Patient', 'p7', '_revinclude=Observation:subject', observations / 100],
  ])(
    'of %s/%s by %s stops where enough is found, in the search and apart from it',
    async (type, id, query, expected) => {
      const { includes } = parse(type, query);
      const apart = { includes, readableTypes: undefined, from: [{ type, id }], known: [{ type, id }] };
      for (const statement of [statementOf(type, `_id=${id}&${query}&_count=20`), includeStatement(apart)]) {
        const { rows, bitmapEntries, sequential } = await readingIn(tenants, mode, statement);
        expect(sequential).toEqual([]);
        // Once as references, once as resources, and what is gathered before the distinct ones are known.
        expect(rows + bitmapEntries).toBeLessThanOrEqual(2 * expected + 20 * 20 + 10);
        expect(rows).toBeGreaterThanOrEqual(2 * expected);
      }
    },
  );
});
