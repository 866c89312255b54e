// Preferences over HTTP: https://hl7.org/fhir/R4/http.html#ops and RFC 7240

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OperationOutcomeIssue } from '@medplum/fhirtypes';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  await server.a.request('PUT', '/Patient/known', { ...buildPatient(), id: 'known' });
}, 60_000);

afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const jsonPatch = { 'Content-Type': 'application/json-patch+json' };
const patch = [{ op: 'replace', path: '/gender', value: 'male' }];

const writes: readonly (readonly [string, number, (prefer: string) => Promise<TestResponse>])[] = [
  ['create', 201, (Prefer) => server.a.request('POST', '/Patient', buildPatient(), { Prefer })],
  [
    'update',
    200,
    (Prefer) => server.a.request('PUT', '/Patient/known', { ...buildPatient(), id: 'known' }, { Prefer }),
  ],
  ['patch', 200, (Prefer) => server.a.request('PATCH', '/Patient/known', patch, { ...jsonPatch, Prefer })],
];

describe.each(writes)('a %s', (_, status, write) => {
  test('return=minimal has no body, but ETag and the length 0', async () => {
    const answer = await write('return=minimal');
    expect([answer.status, answer.text]).toEqual([status, '']);
    expect(answer.headers.get('Content-Type')).toBeNull();
    expect(answer.headers.get('Content-Length')).toBe('0');
    expect(answer.headers.get('ETag')).toMatch(/^W\/"\d+"$/);
    expect(answer.headers.get('Preference-Applied')).toBe('return=minimal');
  });

  test('return=OperationOutcome says what was done, and the warnings', async () => {
    const { status: given, json, headers } = await write('return=OperationOutcome');
    expect(given).toBe(status);
    expect(json.resourceType).toBe('OperationOutcome');
    expect(json.issue.map(({ severity, details }: OperationOutcomeIssue) => [severity, details?.text])).toEqual([
      ['information', undefined],
      // It has no narrative.
      ['warning', 'dom-6'],
    ]);
    expect(headers.get('Preference-Applied')).toBe('return=OperationOutcome');
  });

  test('return=representation, and nothing said, answers the resource', async () => {
    const [asked, unasked] = [await write('return=representation'), await write('')];
    expect([asked.json.resourceType, unasked.json.resourceType]).toEqual(['Patient', 'Patient']);
    expect(asked.headers.get('Preference-Applied')).toBe('return=representation');
    expect(unasked.headers.get('Preference-Applied')).toBeNull();
  });

  test('what nobody knows is ignored', async () => {
    const { status: given, json, headers } = await write('wait=5, return=everything, x="y, return=minimal"');
    expect([given, json.resourceType, headers.get('Preference-Applied')]).toEqual([status, 'Patient', null]);
  });
});

test('a resource that was written with return=minimal is there', async () => {
  const { headers } = await server.a.request('POST', '/Patient', buildPatient(), { Prefer: 'return=minimal' });
  const path = new URL(headers.get('Location') as string).pathname.replace('/t/clinic-a/fhir', '');
  expect((await server.a.request('GET', path)).json).toMatchObject(buildPatient());
  expect((await server.b.request('GET', path)).status).toBe(404);
});

test('of several Prefer headers each counts (RFC 7240 section 2)', async () => {
  const headers = new Headers({ Authorization: `Bearer ${server.a.token}`, 'Content-Type': 'application/fhir+json' });
  for (const value of ['handling=strict', 'return=minimal']) headers.append('Prefer', value);
  const answer = await fetch(`${server.origin}/t/clinic-a/fhir/Patient`, {
    method: 'POST',
    headers,
    body: JSON.stringify(buildPatient()),
  });
  expect([answer.status, answer.headers.get('Preference-Applied')]).toEqual([201, 'return=minimal']);
});

test('a refusal is the same whatever is preferred', async () => {
  const answer = await server.a.request(
    'POST',
    '/Patient',
    { resourceType: 'Patient', gender: 1 },
    { Prefer: 'return=minimal' },
  );
  expectRefusal(answer, 400);
  expect(answer.headers.get('Preference-Applied')).toBeNull();
});

test('the outcome comes in XML where XML is asked for', async () => {
  const headers = { Prefer: 'return=OperationOutcome', Accept: 'application/fhir+xml' };
  const { text } = await server.a.request('POST', '/Patient', buildPatient(), headers);
  expect(text).toContain('<OperationOutcome xmlns="http://hl7.org/fhir">');
});

test('a repeated request gets the first answer as it prefers it now (contract.md 8)', async () => {
  const key = { 'Idempotency-Key': 'prefer-1' };
  const first = await server.a.request('POST', '/Patient', buildPatient(), { ...key, Prefer: 'return=minimal' });
  const again = await server.a.request('POST', '/Patient', buildPatient(), key);
  expect([first.status, first.text]).toEqual([201, '']);
  expect([again.status, again.headers.get('Location')]).toEqual([201, first.headers.get('Location')]);
  expect(again.json.resourceType).toBe('Patient');
});

describe('a bundle', () => {
  test.each(['batch', 'transaction'])('of type %s says that its entries are as they are preferred', async (type) => {
    const entry = [{ resource: buildPatient(), request: { method: 'POST', url: 'Patient' } }];
    const bundle = { resourceType: 'Bundle', type, entry };
    const minimal = await server.a.request('POST', '/', bundle, { Prefer: 'return=minimal' });
    expect([minimal.status, minimal.headers.get('Preference-Applied')]).toEqual([200, 'return=minimal']);
    expect([minimal.json.entry[0].response.status, minimal.json.entry[0].resource]).toEqual(['201 Created', undefined]);
    const unasked = await server.a.request('POST', '/', bundle);
    expect([unasked.headers.get('Preference-Applied'), unasked.json.entry[0].resource.gender]).toEqual([
      null,
      'female',
    ]);
  });
});

describe('a search (https://hl7.org/fhir/R4/search.html#errors)', () => {
  test('says how it handled its parameters when that was preferred', async () => {
    const search = (Prefer: string) => server.a.request('GET', '/Patient?unknown=1', undefined, { Prefer });
    expectRefusal(await search('handling=strict'), 400);
    expect((await search('handling=lenient')).headers.get('Preference-Applied')).toBe('handling=lenient');
    expect((await search('')).headers.get('Preference-Applied')).toBeNull();
    const strict = await server.a.request('GET', '/Patient?_id=known', undefined, { Prefer: 'handling=strict' });
    expect(strict.headers.get('Preference-Applied')).toBe('handling=strict');
  });
});
