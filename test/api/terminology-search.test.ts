// The search modifiers :in, :not-in, :above and :below ask the same terminology as the operations: https://hl7.org/fhir/R4/search.html#token

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BundleEntry } from '@medplum/fhirtypes';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';
import { animalSystem, animals, put, valueSet } from './terminology-world.ts';

const roles = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
const codes: readonly (readonly [id: string, system: string, code: string])[] = [
  ['dog', animals, 'dog'],
  ['guide', animals, 'guide'],
  ['cat', animals, 'cat'],
  ['helper', animals, 'helper'],
  ['mother', roles, 'MTH'],
  ['in-law', roles, 'MTHINLAW'],
  ['other', 'urn:other', 'dog'],
];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  for (const tenant of [server.a, server.b]) {
    await put(tenant, buildPatient({ id: 'p' }) as { resourceType: 'Patient'; id: string });
    for (const [id, system, code] of codes) {
      const observation = buildObservation('Patient/p', { code: { coding: [{ system, code }] } });
      await put(tenant, { ...observation, id });
    }
  }
  await put(server.a, animalSystem);
  const below = (code: string) => [{ property: 'concept', op: 'is-a' as const, value: code }];
  await put(server.a, valueSet('dogs', { include: [{ system: animals, filter: below('dog') }] }));
  await put(server.a, valueSet('rest', { include: [{ system: animals }], exclude: [{ valueSet: ['urn:vs:dogs'] }] }));
  const concept = Array.from({ length: 1_001 }, (_, n) => ({ code: `c${n}` }));
  const many = {
    ...animalSystem,
    id: 'many',
    url: 'urn:many',
    valueSet: 'urn:many:all',
    concept: [{ code: 'top', concept }, { code: 'alone' }],
  };
  await put(server.a, many as typeof animalSystem);
  await put(server.a, valueSet('many', { include: [{ system: 'urn:many', filter: below('top') }] }));
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const strict = { Prefer: 'handling=strict' };

async function found(query: string, tenant: TestTenant = server.a): Promise<unknown[]> {
  const { status, json, text } = await tenant.request('GET', `/Observation?${query}`, undefined, strict);
  expect([status, status === 200 ? '' : text]).toEqual([200, '']);
  return (json.entry ?? []).map(({ resource }: BundleEntry) => resource?.id).sort();
}

describe('codes', () => {
  test.each([
    ['code:in=urn:vs:dogs', ['dog', 'guide']],
    ['code:in=ValueSet/dogs', ['dog', 'guide']],
    ['code:in=urn:vs:rest', ['cat', 'helper']],
    ['code:in=urn:animals:all', ['cat', 'dog', 'guide', 'helper']],
    ['code:not-in=urn:vs:dogs', ['cat', 'helper', 'in-law', 'mother', 'other']],
    ['code:below=urn:animals|helper', ['guide', 'helper']],
    ['code:above=urn:animals|guide', ['dog', 'guide', 'helper']],
    [`code:below=${roles}|PRN`, ['mother']],
    [`code:below=${roles}|FAMMEMB`, ['in-law', 'mother']],
    [`code:above=${roles}|MTHINLAW`, ['in-law']],
    ['code:in=http://terminology.hl7.org/ValueSet/v3-PersonalRelationshipRoleType', ['in-law', 'mother']],
  ])('Observation?%s', async (query, ids) => {
    expect(await found(query)).toEqual(ids);
  });

  test.each([
    ['code:in=urn:vs:many', 'too-costly'],
    ['code:below=urn:many|top', 'too-costly'],
    ['code:in=urn:vs:none', 'not-found'],
    ['code:in=http://hl7.org/fhir/ValueSet/condition-code', 'not-supported'],
    ['code:above=urn:none|x', 'not-supported'],
  ])('Observation?%s is refused as %s', async (query, code) => {
    const answer = await server.a.request('GET', `/Observation?${query}`, undefined, strict);
    expectRefusal(answer, 400);
    expect(answer.json.issue[0].code).toBe(code);
  });

  test("another tenant's value sets and code systems are not there", async () => {
    for (const query of ['code:in=urn:vs:dogs', 'code:in=ValueSet/dogs', 'code:below=urn:animals|dog']) {
      expectRefusal(await server.b.request('GET', `/Observation?${query}`, undefined, strict), 400);
    }
    expect(await found(`code:below=${roles}|FAMMEMB`, server.b)).toEqual(['in-law', 'mother']);
  });
});
