// The CapabilityStatement says what the server does, no more and no less: https://hl7.org/fhir/R4/capabilitystatement.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CapabilityStatement, CapabilityStatementRestResource } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { type CapabilityFacts, type DeclaringRoute, offeredFacts } from '../../src/http/capabilities/facts.ts';
import { createCapabilities } from '../../src/http/capabilities.ts';
import { fhirRoutes } from '../../src/http/fhir-routes.ts';
import { createBuiltIns } from '../../src/operations/built-ins.ts';
import { candidatesMax } from '../../src/search/compile/candidates.ts';
import { includesMax } from '../../src/search/compile/includes.ts';
import { accurateMax } from '../../src/search/run-search.ts';
import { sortedMax } from '../../src/search/sort-opened.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { expectRefusal } from '../api/refusals.ts';
import { allOperations } from '../support/all-operations.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let statement: CapabilityStatement;
beforeAll(async () => {
  server = await startTestServer();
  statement = (await metadata()).json;
});
afterAll(() => server.close());

const definitions = loadDefinitions();
const metadata = (query = '', headers: Record<string, string> = {}) =>
  send(`${server.origin}/t/clinic-a/fhir/metadata${query}`, 'GET', undefined, headers);
const rest = () => statement.rest?.[0];
const resources = () => rest()?.resource ?? [];

describe('of a tenant', () => {
  test('is valid R4, names its base and the version of this software', async () => {
    expect(createValidator(definitions)(statement)).toEqual([]);
    expect(statement.implementation?.url).toBe(server.a.baseUrl);
    expect(statement.software).toEqual({ name: 'HPMS', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    const other: CapabilityStatement = (await send(`${server.origin}/t/clinic-b/fhir/metadata`, 'GET')).json;
    expect(other.implementation?.url).toBe(server.b.baseUrl);
    expect(other.rest?.[0]?.resource).toEqual(rest()?.resource);
  });

  test('says where tokens come from as SMART wants it, and what it says is true', async () => {
    const smart = await send(`${server.origin}/t/clinic-a/fhir/.well-known/smart-configuration`, 'GET');
    const [uris] = rest()?.security?.extension ?? [];
    expect(uris?.url).toBe('http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris');
    expect(Object.fromEntries(uris?.extension?.map(({ url, valueUri }) => [url, valueUri]) ?? [])).toEqual({
      authorize: smart.json.authorization_endpoint,
      token: smart.json.token_endpoint,
      introspect: smart.json.introspection_endpoint,
      revoke: smart.json.revocation_endpoint,
      manage: `${smart.json.issuer}/account`,
    });
  });

  test('has an ETag by which it need not be sent again, another for each tenant', async () => {
    const etag = (await metadata()).headers.get('ETag') ?? '';
    expect(etag).toMatch(/^W\/".{10,}"$/);
    const again = await metadata('', { 'If-None-Match': etag });
    expect([again.status, again.text.length]).toEqual([304, 0]);
    const other = await send(`${server.origin}/t/clinic-b/fhir/metadata`, 'GET', undefined, { 'If-None-Match': etag });
    expect(other.status).toBe(200);
  });

  test('is the full one; another mode is refused rather than answered with it', async () => {
    expect((await metadata('?mode=full')).status).toBe(200);
    for (const mode of ['terminology', 'normative', 'x']) expectRefusal(await metadata(`?mode=${mode}`), 400);
  });
});

test('lists every R4 type with the interactions of the route table', () => {
  expect(resources().map(({ type }) => type)).toEqual([...definitions.resourceTypes].sort());
  const codes = new Set(fhirRoutes(allOperations).map(({ code }) => code));
  codes.delete('operation');
  for (const code of ['search-system', 'history-system'] as const) {
    expect(rest()?.interaction?.some((one) => one.code === code)).toBe(codes.delete(code));
  }
  // security.md 42
  const shut: Record<string, string[]> = {
    AuditEvent: ['create', 'update', 'patch', 'delete'],
    PaymentNotice: ['create', 'update', 'patch', 'delete'],
    Provenance: ['update', 'patch', 'delete'],
  };
  for (const { type = '', interaction } of resources()) {
    const expected = [...codes].filter((code) => !shut[type]?.includes(code));
    expect({ type, codes: interaction?.map(({ code }) => code).sort() }).toEqual({ type, codes: expected.sort() });
  }
});

test('lists only search parameters that are answered, and all that are', async () => {
  const strict = { Prefer: 'handling=strict' };
  for (const { type, searchParam } of resources()) {
    const listed = new Set(searchParam?.map(({ name }) => name));
    for (const code of definitions.searchParameters(type ?? '').keys()) {
      const { status, json } = await server.a.request('GET', `/${type}?${code}=2020&_count=0`, undefined, strict);
      const isAnswered = status === 200 || json.issue[0].code !== 'not-supported';
      expect([type, code, isAnswered]).toEqual([type, code, listed.has(code)]);
    }
  }
  // More than a thousand searches, each with a statement of its own that is planned for it.
}, 60_000);

test('lists the search parameters of all types: those that a search of all types is answered for', async () => {
  const listed = new Set(rest()?.searchParam?.map(({ name }) => name));
  expect(listed).toContain('_lastUpdated');
  const codes = resources().flatMap(({ searchParam = [] }) => searchParam.map(({ name }) => name));
  for (const code of new Set(codes)) {
    const value = code === '_source' || code === '_profile' ? 'http://example.org' : '2020';
    const answer = await server.a.request('GET', `?${code}=${value}&_count=0`, undefined, {
      Prefer: 'handling=strict',
    });
    expect([code, answer.status === 200]).toEqual([code, listed.has(code)]);
  }
});

test('says which parameters take no `:missing`', async () => {
  expect(rest()?.documentation).toContain('Each parameter but composites, `_text` and `_content` takes `:missing`');
  const strict = { Prefer: 'handling=strict' };
  for (const { name, type } of resources().find(({ type }) => type === 'Observation')?.searchParam ?? []) {
    const path = `/Observation?${name}:missing=true&_id=none`;
    const { status } = await server.a.request('GET', path, undefined, strict);
    const isExcepted = type === 'composite' || name === '_text' || name === '_content';
    expect([name, status]).toEqual([name, isExcepted ? 400 : 200]);
  }
});

test('states the bounds of searches by what is stored encrypted', () => {
  const documentation = rest()?.documentation ?? '';
  expect(documentation).toContain('`:contains` with fewer than three characters in a row');
  const written = (most: number) => most.toLocaleString('en');
  for (const [what, most] of [
    ['such as names', sortedMax],
    ['resources opened for one search', candidatesMax],
    ['resources included on a page', includesMax],
    ['matches counted exactly', accurateMax],
  ] as const) {
    expect(documentation).toMatch(new RegExp(`- [^\n]*${what}[^\n]*: ${written(most)}`));
  }
});

test('lists only includes that are answered', async () => {
  const strict = { Prefer: 'handling=strict' };
  for (const { type, searchInclude = [] } of resources()) {
    const query = searchInclude.map((include) => `_include=${include}`).join('&');
    const { status } = await server.a.request('GET', `/${type}?_count=0&${query}`, undefined, strict);
    expect([type, status]).toEqual([type, 200]);
  }
});

test('each definition it names is one of the server’s own, and says the same', () => {
  const parts = [...(statement.rest ?? []), ...resources()];
  const named = parts.flatMap(({ searchParam = [], operation = [] }) => [...searchParam, ...operation]);
  const kinds = new Map(named.map((one) => [one.definition ?? '', 'type' in one ? one.type : undefined]));
  expect(kinds.size).toBeGreaterThan(500);
  const builtIns = createBuiltIns(definitions, allOperations);
  const validate = createValidator(definitions);
  for (const [url, kind] of kinds) {
    const [type = '', id = ''] = url.split('/').slice(-2);
    const definition = JSON.parse(builtIns.find(type, id) ?? '{}');
    expect([url, definition.url, definition.type]).toEqual([url, url, kind ?? definition.type]);
    expect([url, validate(definition)]).toEqual([url, []]);
  }
});

describe('follows from the tables', () => {
  const offered = offeredFacts(1_000, allOperations);
  const describeWith = (routes: readonly DeclaringRoute[], facts: CapabilityFacts = offered): CapabilityStatement => {
    const { body } = createCapabilities(definitions, routes, facts)(undefined as never, 'http://x.test/t/a/fhir');
    return JSON.parse(body as string);
  };
  const ofType = ({ rest: [only] = [] }: CapabilityStatement, type: string) =>
    only?.resource?.find((one) => one.type === type) as CapabilityStatementRestResource;

  test('a route that is not there is not declared', () => {
    const patient = ofType(describeWith([{ code: 'read', path: '/:type/:id' }]), 'Patient');
    expect(patient.interaction).toEqual([{ code: 'read' }]);
    expect(patient).toMatchObject({ readHistory: false, updateCreate: false, conditionalDelete: 'not-supported' });
    expect(patient).not.toHaveProperty('searchParam');
    expect(patient).not.toHaveProperty('searchInclude');
    expect(patient).not.toHaveProperty('searchRevInclude');
  });

  test('what a route declares of itself holds for the types it is open for', () => {
    const routes: DeclaringRoute[] = [
      { code: 'create', path: '/:type', declares: { conditionalCreate: true } },
      { code: 'delete', path: '/:type', declares: { conditionalDelete: 'multiple' } },
      { code: 'read', path: '/:type/:id', declares: { conditionalRead: 'full-support' } },
    ];
    const made = describeWith(routes);
    const all = { conditionalCreate: true, conditionalDelete: 'multiple', conditionalRead: 'full-support' };
    expect(ofType(made, 'Patient')).toMatchObject(all);
    expect(ofType(made, 'Provenance')).toMatchObject({ ...all, conditionalDelete: 'not-supported' });
    expect(ofType(made, 'AuditEvent')).toMatchObject({ conditionalCreate: false, conditionalDelete: 'not-supported' });
  });

  test('system interactions, compartments and limits are those that are told', () => {
    const routes: DeclaringRoute[] = [
      { code: 'history-system', path: '/_history' },
      { code: 'search-type', path: '/:type/:id/:memberType' },
    ];
    const made = describeWith(routes, { ...offered, limits: new Map([['entries of a bundle', 10_000]]) });
    const [only] = made.rest ?? [];
    expect(only?.interaction?.map(({ code }) => code)).toEqual(['transaction', 'batch', 'history-system']);
    expect(only?.compartment).toHaveLength(5);
    expect(only?.compartment).toContain('http://hl7.org/fhir/CompartmentDefinition/patient');
    expect(only?.documentation).toContain('entries of a bundle: 10,000');
    expect(describeWith([{ code: 'search-type', path: '/:type' }]).rest?.[0]).not.toHaveProperty('compartment');
  });

  test('operations are listed where they can be called: none that changes what nobody may change', () => {
    const made = describeWith([]);
    const names = (type: string) => ofType(made, type).operation?.map(({ name }) => name);
    expect(names('Patient')).toEqual(expect.arrayContaining(['meta', 'meta-add', 'meta-delete', 'explain']));
    expect(names('AuditEvent')).toEqual(expect.arrayContaining(['meta', 'explain']));
    for (const changing of ['meta-add', 'meta-delete']) expect(names('AuditEvent')).not.toContain(changing);
    expect(made.rest?.[0]?.operation?.map(({ name }) => name)).toContain('explain');
  });
});
