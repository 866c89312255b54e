// The CapabilityStatement says what the server does, no more and no less: https://hl7.org/fhir/R4/capabilitystatement.html

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { CapabilityStatement } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { fhirRoutes } from '../../src/http/fhir-routes.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let statement: CapabilityStatement;
beforeAll(async () => {
  server = await startTestServer();
  statement = (await send(`${server.origin}/t/clinic-a/fhir/metadata`, 'GET')).json;
});
afterAll(() => server.close());

const resources = () => statement.rest?.[0]?.resource ?? [];

test('is valid R4 and names the base of its own tenant', async () => {
  expect(createValidator(loadDefinitions())(statement)).toEqual([]);
  expect(statement.implementation?.url).toBe(server.a.baseUrl);
  const other: CapabilityStatement = (await send(`${server.origin}/t/clinic-b/fhir/metadata`, 'GET')).json;
  expect(other.implementation?.url).toBe(server.b.baseUrl);
  expect(other.rest).toEqual(statement.rest);
});

test('lists every R4 type with the interactions of the route table', () => {
  expect(resources().map(({ type }) => type)).toEqual([...loadDefinitions().resourceTypes].sort());
  const codes = new Set(fhirRoutes.map(({ code }) => code));
  // security.md 42
  const shut: Record<string, string[]> = {
    AuditEvent: ['create', 'update', 'patch', 'delete'],
    PaymentNotice: ['create', 'update', 'patch', 'delete'],
    Provenance: ['update', 'patch', 'delete'],
  };
  for (const { type = '', interaction } of resources()) {
    const expected = [...codes].filter((code) => !shut[type]?.includes(code));
    expect({ type, codes: interaction?.map(({ code }) => code) }).toEqual({ type, codes: expected });
  }
});

test('lists only search parameters that are answered, and all that are', async () => {
  const definitions = loadDefinitions();
  const strict = { Prefer: 'handling=strict' };
  for (const { type, searchParam } of resources()) {
    const listed = new Set(searchParam?.map(({ name }) => name));
    for (const code of definitions.searchParameters(type ?? '').keys()) {
      const { status, json } = await server.a.request('GET', `/${type}?${code}=2020&_count=0`, undefined, strict);
      const isAnswered = status === 200 || json.issue[0].code !== 'not-supported';
      expect([type, code, isAnswered]).toEqual([type, code, listed.has(code)]);
    }
  }
});
