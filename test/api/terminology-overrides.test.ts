// A tenant's own code system stands before the shared one of the same url, in searches as in the operations, and for that
// tenant only: https://hl7.org/fhir/R4/search.html#token, modifiers above, below, in and not-in

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BundleEntry, CodeSystem, ValueSetExpansionContains } from '@medplum/fhirtypes';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';
import { put, valueSet, valuesOf } from './terminology-world.ts';

const roles = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
/** HL7's value set of all of them. */
const allRoles = 'http://terminology.hl7.org/ValueSet/v3-RoleCode';
const codes = ['FAMMEMB', 'MTH', 'MTHINLAW', 'COUSIN-OF-A', 'OTHER'];

/** Turns the shared one's tree round, and has a code that it does not have. */
const own: CodeSystem & { id: string } = {
  ...{
    resourceType: 'CodeSystem',
    id: 'own-roles',
    url: roles,
    version: 'mine',
    status: 'active',
    content: 'complete',
  },
  ...{ hierarchyMeaning: 'is-a' },
  concept: [{ code: 'MTH', display: 'My mother', concept: [{ code: 'FAMMEMB' }, { code: 'COUSIN-OF-A' }] }],
};

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  for (const tenant of [server.a, server.b]) {
    await put(tenant, buildPatient({ id: 'p' }) as { resourceType: 'Patient'; id: string });
    for (const code of codes) {
      const observation = buildObservation('Patient/p', { code: { coding: [{ system: roles, code }] } });
      await put(tenant, { ...observation, id: code });
    }
    const filter = [{ property: 'concept', op: 'is-a' as const, value: 'FAMMEMB' }];
    await put(tenant, valueSet('family', { include: [{ system: roles, filter }] }));
  }
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const strict = { Prefer: 'handling=strict' };
async function found(tenant: TestTenant, query: string): Promise<unknown[]> {
  const { status, json, text } = await tenant.request('GET', `/Observation?${query}`, undefined, strict);
  expect([status, status === 200 ? '' : text]).toEqual([200, '']);
  return (json.entry ?? []).map(({ resource }: BundleEntry) => resource?.id).sort();
}

const asked: readonly (readonly [query: string, shared: string[], own: string[]])[] = [
  [`code:below=${roles}|FAMMEMB`, ['FAMMEMB', 'MTH', 'MTHINLAW'], ['FAMMEMB']],
  [`code:below=${roles}|MTH`, ['MTH'], ['COUSIN-OF-A', 'FAMMEMB', 'MTH']],
  [`code:above=${roles}|FAMMEMB`, ['FAMMEMB'], ['FAMMEMB', 'MTH']],
  [`code:below=${roles}|COUSIN-OF-A`, ['COUSIN-OF-A'], ['COUSIN-OF-A']],
  ['code:in=urn:vs:family', ['FAMMEMB', 'MTH', 'MTHINLAW'], ['FAMMEMB']],
  ['code:not-in=ValueSet/family', ['COUSIN-OF-A', 'OTHER'], ['COUSIN-OF-A', 'MTH', 'MTHINLAW', 'OTHER']],
];

async function expectAnswers(tenant: TestTenant, which: 'shared' | 'own'): Promise<void> {
  for (const [query, shared, ofOwn] of asked) {
    expect([query, await found(tenant, query)]).toEqual([query, which === 'shared' ? shared : ofOwn]);
  }
}

describe('a code system of the url of a shared one', () => {
  test('counts from its write to its deletion, for its own tenant', async () => {
    await expectAnswers(server.a, 'shared');
    await put(server.a, own);
    await expectAnswers(server.a, 'own');
    await expectAnswers(server.b, 'shared');
    await put(server.a, { ...own, concept: [{ code: 'MTH' }, { code: 'FAMMEMB', concept: [{ code: 'OTHER' }] }] });
    expect(await found(server.a, 'code:in=urn:vs:family')).toEqual(['FAMMEMB', 'OTHER']);
    await server.a.request('DELETE', '/CodeSystem/own-roles');
    await expectAnswers(server.a, 'shared');
  });

  test("counts in $expand, $lookup, $subsumes and $validate-code, and in HL7's value set of all codes", async () => {
    await put(server.b, own);
    const get = async (tenant: TestTenant, path: string) => await tenant.request('GET', path);
    const lookup = `/CodeSystem/$lookup?system=${roles}&code=COUSIN-OF-A`;
    expect((await get(server.b, lookup)).status).toBe(200);
    expectRefusal(await get(server.a, lookup), 404);
    const subsumes = `/CodeSystem/$subsumes?system=${roles}&codeA=MTH&codeB=FAMMEMB`;
    expect(valuesOf((await get(server.b, subsumes)).json, 'outcome')).toEqual(['subsumes']);
    expect(valuesOf((await get(server.a, subsumes)).json, 'outcome')).toEqual(['subsumed-by']);
    const codesOf = async (tenant: TestTenant, url: string) =>
      (await get(tenant, `/ValueSet/$expand?url=${url}`)).json.expansion.contains.map(
        ({ code }: ValueSetExpansionContains) => code,
      );
    expect(await codesOf(server.b, 'urn:vs:family')).toEqual(['FAMMEMB']);
    expect(await codesOf(server.a, 'urn:vs:family')).toContain('MTHINLAW');
    expect(await codesOf(server.b, allRoles)).toContain('COUSIN-OF-A');
    expect(await codesOf(server.a, allRoles)).not.toContain('COUSIN-OF-A');
    const validate = `/ValueSet/$validate-code?url=urn:vs:family&system=${roles}&code=MTHINLAW`;
    expect(valuesOf((await get(server.b, validate)).json, 'result')).toEqual([false]);
    expect(valuesOf((await get(server.a, validate)).json, 'result')).toEqual([true]);
  });

  test("the shared one's version is there by its name", async () => {
    const { json } = await server.a.request('GET', `/CodeSystem/$lookup?system=${roles}&code=MTH`);
    const [version] = valuesOf(json, 'version');
    const lookup = `/CodeSystem/$lookup?system=${roles}&code=MTHINLAW&version=${version}`;
    expect((await server.b.request('GET', lookup)).status).toBe(200);
    const mine = await server.b.request('GET', `/CodeSystem/$lookup?system=${roles}&code=MTH&version=mine`);
    expect(valuesOf(mine.json, 'display')).toEqual(['My mother']);
  });

  test('one that has only examples, or adds to it, does not stand before it', async () => {
    for (const [content, supplements] of [['example'], ['supplement', roles]]) {
      const { version: _, ...rest } = own;
      await put(server.a, { ...rest, content, ...(supplements && { supplements }) } as typeof own);
      await expectAnswers(server.a, 'shared');
    }
    await server.a.request('DELETE', '/CodeSystem/own-roles');
  });
});
