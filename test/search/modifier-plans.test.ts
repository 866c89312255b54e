// What searches with modifiers and by words read, under a plan that was made for a small tenant (architecture.md, Search).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Patient, Resource, ValueSet } from '@medplum/fhirtypes';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { presentTypesStatement } from '../../src/search/system-search.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { definitions, parse } from './evaluate.ts';
import { insertIndexed, tokensOfTenant } from './plan-data.ts';
import { type PlanMode, type Reading, readingOf } from './plan-rows.ts';

const patients = 3_000;
const valueSets = 3_000;
/** One in so many meets the values of the middle group. */
const share = 100;

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    await insertIndexed(client, tenants.a, resources(patients, valueSets));
    await insertIndexed(client, tenants.b, resources(3, 6));
    await client.query('VACUUM ANALYZE store.resource');
  });
});
afterAll(() => tenants.close());

function resources(patientCount: number, valueSetCount: number): Resource[] {
  return [
    ...Array.from({ length: patientCount }, (_, n) => patientOf(n)),
    ...Array.from({ length: valueSetCount }, (_, n) => valueSetOf(n)),
  ];
}

function patientOf(n: number): Patient {
  return {
    resourceType: 'Patient',
    id: `p${n}`,
    text: { status: 'generated', div: `<div>narrative w${n} g${n % share}</div>` },
    name: [
      {
        family: n === 7 ? 'Wolkenstein' : `fam${n}`,
        given: [n % share === 7 ? 'Rumpelstilz' : `giv${n}`, 'Muster'],
      },
    ],
  };
}

function valueSetOf(n: number): ValueSet {
  const url = `http://acme.org/g${n % share}/v${n}`;
  return { resourceType: 'ValueSet', id: `v${n}`, status: 'active', url };
}

function statementsOf(tenantId: number, type: string, query: string): SearchStatement[] {
  const { statement, countStatement } = compileSearch(parse(type, query), { tokenOf: tokensOfTenant(tenantId) });
  return [statement, countStatement(1000)];
}

const shapes: readonly [type: string, queries: Readonly<Record<'none' | 'one' | 'some' | 'all', string>>][] = [
  [
    'Patient',
    {
      none: 'name:contains=zyzzy',
      one: 'family:contains=olkenst',
      some: 'given:contains=mpelst',
      all: 'name:contains=uste',
    },
  ],
  ['Patient', { none: 'name=nobody', one: 'name=wolk', some: 'name=rumpel', all: 'name=mus' }],
  [
    'Patient',
    {
      none: 'name=mus nobody',
      one: 'name=mus wolk',
      some: 'name=mus rumpel',
      all: 'name=mus muster',
    },
  ],
  ['Patient', { none: '_text=zyzzy', one: '_text=w7', some: '_text=g7', all: '_text=narrative' }],
  [
    'ValueSet',
    {
      none: 'url:below=http://acme.org/none',
      one: 'url:below=http://acme.org/g7/v7',
      some: 'url:below=http://acme.org/g7',
      all: 'url:below=http://acme.org',
    },
  ],
  [
    'ValueSet',
    {
      none: 'url:above=http://acme.org/g7/none/x',
      one: 'url:above=http://acme.org/g7/v7/x',
      some: 'url:above=http://acme.org/g7/v7',
      all: 'url:above=http://acme.org/g7/v7/y/z',
    },
  ],
];

async function readingsOf(type: string, query: string, mode: PlanMode): Promise<Reading[]> {
  return await tenants.connect('hpms_app', async (client) => {
    const readings: Reading[] = [];
    const small = statementsOf(tenants.b, type, query);
    for (const [index, statement] of statementsOf(tenants.a, type, query).entries()) {
      const planned = { tenantId: tenants.b, values: small[index]?.values ?? [] };
      const measured = { tenantId: tenants.a, values: statement.values };
      readings.push(await readingOf(client, { statement, mode, planned, measured }));
    }
    return readings;
  });
}

const modes: readonly PlanMode[] = ['auto', 'force_generic_plan'];

describe.each(modes)('with plan_cache_mode=%s', (mode) => {
  const matching = { none: 0, one: 1, some: patients / share } as const;

  test.each(
    shapes.flatMap(([type, queries]) =>
      (['none', 'one', 'some'] as const).map((group) => [type, queries[group], group] as const),
    ),
  )('%s?%s reads no more than what can match', async (type, query, group) => {
    for (const { rows, bitmapEntries, sequential } of await readingsOf(type, query, mode)) {
      expect(sequential).toEqual([]);
      expect(rows).toBeLessThanOrEqual(8 * 2 * matching[group]);
      expect(bitmapEntries).toBeLessThanOrEqual(3 * matching[group]);
    }
  });

  test.each(shapes.map(([type, { all }]) => [type, all]))(
    '%s?%s reads few rows where all match',
    async (type, query) => {
      const [page] = await readingsOf(type, query, mode);
      expect(page?.sequential).toEqual([]);
      expect(page?.rows).toBeLessThanOrEqual(5_001 + 20 * 20 + 1_000);
    },
  );

  test('which types there are takes one look into the primary key for each', async () => {
    const statement = presentTypesStatement([...definitions.resourceTypes]);
    const reading = await tenants.connect('hpms_app', (client) =>
      readingOf(client, {
        statement,
        mode,
        planned: { tenantId: tenants.b, values: statement.values },
        measured: { tenantId: tenants.a, values: statement.values },
      }),
    );
    expect(reading.sequential).toEqual([]);
    expect(reading.rows).toBeLessThanOrEqual(2 * definitions.resourceTypes.size);
  });
});
