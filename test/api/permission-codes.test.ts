// The codes of what people may do, each with the scope that a role grants for it: domain.md S4-M04, S4-SD2, S5-07

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { requireGrants } from '../../src/people/role-grants.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

const system = 'https://hpms.example/fhir/CodeSystem/permission';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const namedIn = (parts: readonly ParametersParameter[] | undefined, name: string) =>
  parts?.find((one) => one.name === name);

test.each([
  ['patients.view', 'user/Patient.rs'],
  ['patients.create', 'user/Patient.c'],
  ['bills.view', 'user/Invoice.rs'],
  ['payments.process', 'user/PaymentReconciliation.c'],
])('$lookup of %s gives %s (S4-SD2)', async (code, scope) => {
  const { json } = await server.a.request('GET', `/CodeSystem/$lookup?system=${system}&code=${code}`);
  const properties = (json as Parameters).parameter?.filter(({ name }) => name === 'property') ?? [];
  const found = properties.find(({ part }) => namedIn(part, 'code')?.valueCode === 'scope');
  expect(namedIn(found?.part, 'value')?.valueString).toBe(scope);
});

test('$expand lists them, each scope is one that a role can be given, and another code is none', async () => {
  const url = 'https://hpms.example/fhir/ValueSet/permission';
  const { json } = await server.b.request('GET', `/ValueSet/$expand?url=${url}`);
  const { concept } = (await server.b.request('GET', '/CodeSystem/hpms-permission')).json;
  expect(json.expansion.contains.map(({ code }: { code: string }) => code).sort()).toEqual(
    concept.map(({ code }: { code: string }) => code).sort(),
  );
  for (const { code, property } of concept) {
    const scopes = property.map(({ valueString }: { valueString: string }) => valueString);
    expect([code, scopes.length]).toEqual([code, 1]);
    expect(() => requireGrants(scopes, loadDefinitions())).not.toThrow();
  }
  expectRefusal(await server.a.request('GET', `/CodeSystem/$lookup?system=${system}&code=patients.own`), 404);
});
