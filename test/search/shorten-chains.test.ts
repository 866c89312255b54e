// The last link of a longer chain is a lookup of references where what it leads to is named by identifier or id.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Observation, Organization, Patient } from '@medplum/fhirtypes';
import type { SendStatement } from '../../src/search/collect-page.ts';
import { runSearch } from '../../src/search/run-search.ts';
import { shortenChains } from '../../src/search/shorten-chains.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { parse } from './evaluate.ts';
import { insertIndexed, tokensOfTenant } from './plan-data.ts';

const organizations = 50;

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    for (const tenantId of [tenants.a, tenants.b]) {
      const all = Array.from({ length: tenantId === tenants.a ? organizations : 3 }, (_, n) => n);
      await insertIndexed(client, tenantId, [
        ...all.map(organizationOf),
        ...all.map((n): Patient => {
          return { resourceType: 'Patient', id: `p${n}`, managingOrganization: { reference: `Organization/o${n}` } };
        }),
        ...all.map((n): Observation => {
          return {
            ...{ resourceType: 'Observation', id: `b${n}`, status: 'final', code: {} },
            subject: { reference: `Patient/p${n}/_history/2` },
          };
        }),
      ]);
    }
    await client.query("UPDATE store.resource SET deleted = true WHERE type = 'Organization' AND id = 'o8'");
  });
});
afterAll(() => tenants.close());

/** Each has a number of its own, two share one, and all have another together; it is a part of the one before. */
function organizationOf(n: number): Organization {
  return {
    ...{ resourceType: 'Organization', id: `o${n}` },
    identifier: [{ value: `org${n}` }, { value: `pair${Math.floor(n / 2)}` }, { value: 'all' }],
    ...(n > 0 && { partOf: { reference: `Organization/o${n - 1}` } }),
  };
}

function accessOf(tenantId: number) {
  const send: SendStatement = (statement) => tenants.tenantDoor(tenantId, (trx) => trx.query(statement), 'read');
  const open = () => Promise.reject(new Error('No body is needed.'));
  return { send, tokenOf: tokensOfTenant(tenantId), open };
}

async function idsOf(type: string, query: string, tenantId = tenants.a): Promise<string[]> {
  const { matches } = await runSearch(parse(type, `${query}&_count=200`), accessOf(tenantId));
  return matches.map(({ id }) => id);
}

const sorted = (prefix: string, numbers: readonly number[]) => numbers.map((n) => `${prefix}${n}`).sort();
const all = Array.from({ length: organizations }, (_, n) => n);

test.each([
  ['Observation', 'patient.organization.identifier=org7', ['b7']],
  ['Observation', 'patient.organization.identifier=org7,pair0', ['b0', 'b1', 'b7']],
  ['Observation', 'patient.organization._id=o7,nobody', ['b7']],
  ['Observation', 'patient.organization.partof.identifier=org7', []],
  ['Observation', 'patient.organization.partof.identifier=org6', ['b7']],
  ['Observation', 'patient.organization.identifier=none', []],
  ['Organization', '_has:Patient:organization:organization.identifier=org7', ['o7']],
])('%s?%s finds what it did, by references', async (type, query, ids) => {
  const { criteria } = await shortenChains(parse(type, query), accessOf(tenants.a));
  expect(JSON.stringify(criteria)).toMatch(/"kind":"value","key":"(Patient.organization|Organization.partof)"/);
  expect(await idsOf(type, query)).toEqual(ids);
});

test.each([
  ['what is gone leads nowhere', 'patient.organization.identifier=pair4', ['b9']],
  [
    'more than are put in the place of a link',
    'patient.organization.identifier=all',
    sorted(
      'b',
      all.filter((n) => n !== 8),
    ),
  ],
])('%s: Observation?%s', async (_title, query, ids) => {
  expect(await idsOf('Observation', query)).toEqual(ids);
});

test('a single link costs no message of its own', async () => {
  const query = parse('Observation', 'patient.identifier=m7');
  expect(await shortenChains(query, accessOf(tenants.a))).toBe(query);
});

test('nothing of another tenant is followed', async () => {
  expect(await idsOf('Observation', 'patient.organization.identifier=org7', tenants.b)).toEqual([]);
  expect(await idsOf('Observation', 'patient.organization.identifier=org2', tenants.b)).toEqual(['b2']);
});
