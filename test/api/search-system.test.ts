// Search across types over HTTP: https://hl7.org/fhir/R4/http.html#search

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BundleEntry, Resource } from '@medplum/fhirtypes';
import { buildObservation, buildOrganization, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { clientOf } from './clients.ts';
import { expectNoFailure } from './refusals.ts';

const tag = [{ system: 'urn:sys', code: 'x' }];
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  for (const tenant of [server.a, server.b]) {
    for (const id of ['s1', 's2', 's3']) {
      await tenant.request('PUT', `/Patient/${id}`, { ...buildPatient({ meta: { tag } }), id });
      await tenant.request('PUT', `/Observation/${id}`, { ...buildObservation('Patient/s1', { meta: { tag } }), id });
    }
    const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">allergy</div>' } as const;
    await tenant.request('PUT', '/Organization/s1', { ...buildOrganization({ text }), id: 's1' });
  }
  await server.a.request('DELETE', '/Patient/s3');
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const get = (path: string) => server.a.request('GET', path, undefined, { Prefer: 'handling=strict' });
const placesOf = ({ json }: TestResponse): string[] =>
  (json.entry ?? []).map(({ resource }: BundleEntry) => `${resource?.resourceType}/${(resource as Resource).id}`);

const tagged = ['Observation/s1', 'Observation/s2', 'Observation/s3', 'Patient/s1', 'Patient/s2'];

test.each([
  ['?_type=Patient,Observation&_tag=urn:sys|x', tagged],
  ['?_type=Patient,Observation', tagged],
  ['?_tag=x', tagged],
  ['/?_tag=x', tagged],
  ['?_id=s1', ['Observation/s1', 'Organization/s1', 'Patient/s1']],
  ['?_id=s1&_tag=x', ['Observation/s1', 'Patient/s1']],
  ['?_type=Organization&_tag=x', []],
  ['?_text=allergy', ['Organization/s1']],
  ['?_type=Organization,Binary&_text=allergy', ['Organization/s1']],
  ['?_lastUpdated=lt2000', []],
  ['?_type=Patient&_lastUpdated=gt2000', ['Patient/s1', 'Patient/s2']],
])('GET [base]%s', async (query, expected) => {
  const answer = await get(query);
  expect([answer.status, placesOf(answer)]).toEqual([200, expected]);
  expect(answer.json).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: expected.length });
});

test('the same with a form to _search', async () => {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const answer = await server.a.request('POST', '/_search?_type=Patient', '_tag=x', headers);
  expect([answer.status, placesOf(answer)]).toEqual([200, ['Patient/s1', 'Patient/s2']]);
});

test.each([1, 2, 3, 5])('pages of %s are in the order of type and id, and together everything', async (count) => {
  const seen: string[] = [];
  for (let path: string | undefined = `?_tag=x&_count=${count}`; path !== undefined; ) {
    const answer: TestResponse = await get(path);
    expect(answer.status).toBe(200);
    expect(placesOf(answer).length).toBeGreaterThan(0);
    seen.push(...placesOf(answer));
    const next = answer.json.link.find((link: { relation: string }) => link.relation === 'next')?.url;
    path = next?.slice(server.a.baseUrl.length);
  }
  expect(seen).toEqual(tagged);
});

test.each([1, 2, 3, 4])('pages of %s go back as they came, from the last one too', async (count) => {
  const linkOf = ({ json }: TestResponse, relation: string): string | undefined =>
    json.link.find((link: { relation: string }) => link.relation === relation)?.url.slice(server.a.baseUrl.length);
  const first = await get(`?_tag=x&_count=${count}`);
  expect(linkOf(first, 'previous')).toBeUndefined();
  const seen: string[] = [];
  for (let path = linkOf(first, 'last'); path !== undefined; ) {
    const page: TestResponse = await get(path);
    expect(page.status).toBe(200);
    seen.unshift(...placesOf(page));
    path = linkOf(page, 'previous');
  }
  expect(seen).toEqual(tagged);
  const second = await get(linkOf(first, 'next') ?? '');
  expect(placesOf(await get(linkOf(second, 'previous') ?? ''))).toEqual(placesOf(first));
});

test('the total: _summary=count and _total=accurate', async () => {
  expect((await get('?_tag=x&_summary=count')).json).toMatchObject({ total: 5 });
  expect((await get('?_tag=x&_total=accurate&_count=2')).json).toMatchObject({ total: 5 });
  expect((await get('?_tag=x&_total=none')).json.total).toBeUndefined();
});

test('types outside the scopes are absent, and 403 when none is left (security.md 7)', async () => {
  const client = await clientOf(server, server.a, 'system/Patient.rs');
  expect(placesOf(await client.request('GET', '?_tag=x'))).toEqual(['Patient/s1', 'Patient/s2']);
  expect((await client.request('GET', '?_type=Observation&_tag=x')).status).toBe(403);
});

test.each([
  ['?name=eva', 'not-supported'],
  ['?_type=Patient&name=eva', 'not-supported'],
  ['?_sort=_lastUpdated', 'not-supported'],
  ['?_include=Patient:link', 'not-supported'],
  ['?_content=muster', 'not-supported'],
  ['?_type=Nothing', 'invalid'],
  ['?_type=Patient,AuditEvent', 'invalid'],
  ['?_type=', 'not-supported'],
])('GET [base]%s is refused as %s', async (query, code) => {
  const { status, json } = await get(query);
  expect([status, json.issue[0].code]).toEqual([400, code]);
});
