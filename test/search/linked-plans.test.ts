// What searches over links read, under the plan a tenant of a few rows got: https://hl7.org/fhir/R4/search.html#chaining

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { List, Observation, Organization, Patient, Resource } from '@medplum/fhirtypes';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { runSearch } from '../../src/search/run-search.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { parse } from './evaluate.ts';
import { insertIndexed, tokensOfTenant } from './plan-data.ts';
import { type PlanMode, type Reading, readingOf } from './plan-rows.ts';

/** More than a search gathers. */
const patients = 6_000;
const observations = 2 * patients;
const organizations = 60;
const perOrganization = patients / organizations;
const codes = 600;
const perCode = observations / codes;

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    await insertIndexed(client, tenants.a, clinic(patients, observations, organizations));
    await insertIndexed(client, tenants.b, clinic(3, 6, 2));
    await client.query('VACUUM ANALYZE store.resource, store.date_value, store.reference');
  });
});
afterAll(() => tenants.close());

function clinic(patientCount: number, observationCount: number, organizationCount: number): Resource[] {
  return [
    ...Array.from({ length: organizationCount }, (_, n) => organizationOf(n)),
    ...Array.from({ length: patientCount }, (_, n) => patientOf(n, organizationCount)),
    ...Array.from({ length: observationCount }, (_, n) => observationOf(n, patientCount)),
    listOf(Math.min(perOrganization, patientCount)),
  ];
}

function organizationOf(n: number): Organization {
  return { resourceType: 'Organization', id: `o${n}`, active: true, identifier: [{ value: `org${n}` }] };
}

function patientOf(n: number, organizationCount: number): Patient {
  return {
    resourceType: 'Patient',
    id: `p${n}`,
    identifier: [{ system: 'urn:mrn', value: `m${n}` }],
    active: true,
    managingOrganization: { reference: `Organization/o${n % organizationCount}` },
  };
}

function observationOf(n: number, patientCount: number): Observation {
  return {
    resourceType: 'Observation',
    id: `b${n}`,
    status: 'final',
    code: { coding: [{ code: `c${n % codes}` }, ...(n === 7 ? [{ code: 'once' }] : [])] },
    subject: { reference: `Patient/p${n % patientCount}` },
  };
}

function listOf(length: number): List {
  const entry = Array.from({ length }, (_, n) => ({ item: { reference: `Patient/p${n}` } }));
  return { resourceType: 'List', id: 'l', status: 'current', mode: 'working', entry };
}

interface Statements {
  readonly page: SearchStatement;
  readonly count: SearchStatement;
  readonly fallback: SearchStatement | undefined;
}

function statementsOf(tenantId: number, type: string, query: string): Statements {
  const compiled = compileSearch(parse(type, query), { tokenOf: tokensOfTenant(tenantId) });
  return { page: compiled.statement, count: compiled.countStatement(1000), fallback: compiled.fallback?.() };
}

async function readingsOf(type: string, query: string, mode: PlanMode) {
  return await tenants.connect('hpms_app', async (client) => {
    const [large, small] = [tenants.a, tenants.b].map((tenantId) => statementsOf(tenantId, type, query));
    const read = async (name: keyof Statements): Promise<Reading> => {
      const statement = large?.[name] as SearchStatement;
      const planned = { tenantId: tenants.b, values: small?.[name]?.values ?? [] };
      return await readingOf(client, {
        statement,
        mode,
        planned,
        measured: { tenantId: tenants.a, values: statement.values },
      });
    };
    return {
      page: await read('page'),
      count: await read('count'),
      ...(large?.fallback && { fallback: await read('fallback') }),
    };
  });
}

describe('beyond what a search gathers', () => {
  const run = (type: string, query: string) =>
    tenants.tenantDoor(tenants.a, async (trx) =>
      runSearch(parse(type, query), {
        send: (statement) => trx.query(statement),
        tokenOf: tokensOfTenant(tenants.a),
        open: () => Promise.reject(new Error('Nothing is to be rechecked.')),
      }),
    );
  const numbered = (prefix: string, count: number, isWanted: (n: number) => boolean) =>
    Array.from({ length: count }, (_, n) => n)
      .filter(isWanted)
      .map((n) => `${prefix}${n}`)
      .sort();

  test.each([
    ['Observation', 'patient.active=true&_count=50', numbered('b', observations, () => true).slice(0, 50)],
    [
      'Observation',
      'patient.organization.active=true&_sort=-_id&_count=5',
      numbered('b', observations, () => true)
        .slice(-5)
        .toReversed(),
    ],
    ['Patient', '_has:Observation:patient:status=final&_count=50', numbered('p', patients, () => true).slice(0, 50)],
    ['Observation', 'code=c7&patient.active=true&_count=50', numbered('b', observations, (n) => n % codes === 7)],
    [
      'Observation',
      'status=final&patient.organization=Organization/o7&_count=500',
      numbered('b', observations, (n) => (n % patients) % organizations === 7),
    ],
    ['Observation', 'status:not=final&patient.active=true', []],
    ['Observation', 'status=final&patient.active:not=true', []],
    ['Patient', '_filter=organization.active eq true and identifier eq urn:mrn|m7', ['p7']],
  ])('%s?%s still finds what it should', async (type, query, ids) => {
    const { matches } = await run(type, query);
    expect(matches.map(({ id }) => id)).toEqual(ids);
  });

  test.each([
    ['Observation', 'patient.active=true&_sort=date,-_lastUpdated', 'patient.active'],
    ['Patient', '_has:Observation:patient:status=final&_sort=_lastUpdated,_id&_total=accurate', 'linked resources'],
    ['Observation', 'patient.active=true&_summary=count', 'linked resources'],
  ])('%s?%s is too costly, and says what is', async (type, query, named) => {
    await expect(run(type, query)).rejects.toMatchObject({ status: 400, issues: [{ code: 'too-costly' }] });
    await expect(run(type, query)).rejects.toThrow(named);
  });
});

/** `links`: resources on the way and at its end. */
type Shape = readonly [title: string, type: string, query: string, links: number];

const shapes: readonly Shape[] = [
  ['a chain, none', 'Observation', 'patient.identifier=urn:mrn|none', 0],
  ['a chain, one', 'Observation', 'patient.identifier=urn:mrn|m7', 3],
  ['a chain, many', 'Observation', 'patient.organization=Organization/o7', 3 * perOrganization],
  ['a chain of two, none', 'Observation', 'patient.organization.identifier=none', 0],
  ['a chain of two, many', 'Observation', 'patient.organization.identifier=org7', 1 + 3 * perOrganization],
  ['a chain of two types, one', 'Observation', 'subject.identifier=urn:mrn|m7', 3],
  ['reversed, none', 'Patient', '_has:Observation:patient:code=none', 0],
  ['reversed, one', 'Patient', '_has:Observation:patient:code=once', 2],
  ['reversed, many', 'Patient', '_has:Observation:patient:code=c7', 2 * perCode],
  ['reversed, then a chain', 'Organization', '_has:Patient:organization:_has:Observation:patient:code=once', 3],
  ['a list, none', 'Patient', '_list=none', 0],
  ['a list, many', 'Patient', '_list=l', 1 + perOrganization],
  ['alternatives', 'Patient', '_filter=identifier eq urn:mrn|m7 or organization.identifier eq none', 1],
  // What half of all have is not looked up where the link leads to few, nor is the link where the own reference does.
  ['a broad condition of its own', 'Observation', 'status=final&patient.identifier=urn:mrn|m7', 3],
  ['a broad link', 'Observation', 'patient=Patient/p7&patient.active=true', 2 * 3],
];

describe.each<PlanMode>(['auto', 'force_generic_plan'])('with plan_cache_mode=%s', (mode) => {
  test.each(shapes)('reads no more than what is linked: %s', async (_title, type, query, linked) => {
    const { page, count } = await readingsOf(type, query, mode);
    for (const { rows, bitmapEntries, sequential } of [page, count]) {
      expect(sequential).toEqual([]);
      expect(rows).toBeLessThanOrEqual(6 * linked);
      expect(bitmapEntries).toBeLessThanOrEqual(2 * linked);
    }
  });

  test.each([
    ['a chain', 'Observation', 'patient.active=true'],
    ['a chain of two', 'Observation', 'patient.organization.active=true'],
    ['reversed', 'Patient', '_has:Observation:patient:status=final'],
  ])('gathers a bounded number where all match, then walks until the page is full: %s', async (_title, type, query) => {
    const { page, fallback } = await readingsOf(type, query, mode);
    expect(page.rows).toBeLessThanOrEqual(3 * 5_001);
    expect(fallback?.sequential).toEqual([]);
    expect(fallback?.rows).toBeLessThanOrEqual(20 * 20 + 1_000);
  });
});
