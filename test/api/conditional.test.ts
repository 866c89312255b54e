// Conditional create, update, patch and delete over HTTP, row by row of R4's tables: https://hl7.org/fhir/R4/http.html#cond-update

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Patient } from '@medplum/fhirtypes';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { clientOf } from './clients.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const patient = (value: string, more: Partial<Patient> = {}): Patient =>
  buildPatient({ identifier: [{ system: 'urn:mrn', value }], ...more });
const criteria = (value: string) => `identifier=urn:mrn|${value}`;
const at = (value: string) => `/Patient?identifier=${encodeURIComponent(`urn:mrn|${value}`)}`;
const add = async (value: string) => (await server.a.request('POST', '/Patient', patient(value))).json as Patient;
const create = (value: string, headers: Record<string, string> = {}, tenant = server.a) =>
  tenant.request('POST', '/Patient', patient(value), { 'If-None-Exist': criteria(value), ...headers });
const count = async (value: string, tenant = server.a) =>
  (await tenant.request('GET', `${at(value)}&_total=accurate`)).json.total;

function expectRefusal({ status, json }: TestResponse, expected: number): void {
  expect([status, json?.resourceType]).toEqual([expected, 'OperationOutcome']);
  expect(json.issue[0].diagnostics.length).toBeGreaterThan(10);
}

describe('create with If-None-Exist (https://hl7.org/fhir/R4/http.html#ccreate)', () => {
  test('with no match creates: 201 with the place of the new version', async () => {
    const { status, headers, json } = await create('c-none');
    expect(status).toBe(201);
    expect(headers.get('Location')).toBe(`${server.a.baseUrl}/Patient/${json.id}/_history/1`);
    expect(headers.get('ETag')).toBe('W/"1"');
  });

  test('with one match writes nothing: 200 with the resource that is there, its place and its version', async () => {
    const there = await add('c-one');
    await server.a.request('PUT', `/Patient/${there.id}`, { ...there, active: true });
    const { status, headers, json } = await create('c-one');
    expect(status).toBe(200);
    expect(json).toMatchObject({ id: there.id, active: true, meta: { versionId: '2' } });
    expect(headers.get('Location')).toBe(`${server.a.baseUrl}/Patient/${there.id}/_history/2`);
    expect(headers.get('ETag')).toBe('W/"2"');
    expect(headers.get('Last-Modified')).toBe(new Date(json.meta.lastUpdated).toUTCString());
    expect(await count('c-one')).toBe(1);
  });

  test('with several matches is 412 and creates nothing', async () => {
    await add('c-several');
    await add('c-several');
    expectRefusal(await create('c-several'), 412);
    expect(await count('c-several')).toBe(2);
  });

  test('by 50 at once makes one resource: one 201 and 49 times 200', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => create('c-fifty')));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(49).fill(200), 201]);
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
  });

  test('under an Idempotency-Key gets its first answer again', async () => {
    const key = { 'Idempotency-Key': 'conditional-1' };
    const first = await create('c-key', key);
    const again = await create('c-key', key);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.text).toBe(first.text);
    expect((await create('c-key')).status).toBe(200);
  });

  test.each([
    ['nonsense=1', 400],
    ['identifier=x&_count=1', 400],
    ['identifier', 400],
    ['Practitioner?identifier=x', 400],
    ['?', 412],
  ])('%s is %i, never a create', async (query, status) => {
    expectRefusal(await server.a.request('POST', '/Patient', patient('c-bad'), { 'If-None-Exist': query }), status);
    expect(await count('c-bad')).toBe(0);
  });

  test('refuses an invalid resource, but not where one is there already', async () => {
    const invalid = { ...patient('c-invalid'), gender: 'nonsense' };
    const post = () => server.a.request('POST', '/Patient', invalid, { 'If-None-Exist': criteria('c-invalid') });
    expectRefusal(await post(), 422);
    await add('c-invalid');
    expect((await post()).status).toBe(200);
  });
});

describe('update by criteria (https://hl7.org/fhir/R4/http.html#cond-update)', () => {
  test('with no match and no id creates one: 201', async () => {
    const { status, headers, json } = await server.a.request('PUT', at('u-none'), patient('u-none'));
    expect(status).toBe(201);
    expect(headers.get('Location')).toBe(`${server.a.baseUrl}/Patient/${json.id}/_history/1`);
  });

  test('with no match and a new id creates it under that id: 201', async () => {
    const { status, json } = await server.a.request('PUT', at('u-own'), patient('u-own', { id: 'u-own-id' }));
    expect([status, json.id]).toEqual([201, 'u-own-id']);
  });

  test('with no match and the id of another resource is 409, as R5 says where R4 says nothing', async () => {
    const { id } = await add('u-other');
    expectRefusal(await server.a.request('PUT', at('u-taken'), patient('u-taken', { id: id ?? '' })), 409);
    expect((await server.a.request('GET', `/Patient/${id}`)).json.meta.versionId).toBe('1');
  });

  test('with no match and the id of a deleted resource brings it back', async () => {
    const { id = '' } = await add('u-back');
    await server.a.request('DELETE', `/Patient/${id}`);
    const { status, json } = await server.a.request('PUT', at('u-back'), patient('u-back', { id }));
    expect([status, json.meta.versionId]).toEqual([200, '3']);
  });

  test('with one match updates it, with its id in the body or none: 200', async () => {
    const { id } = await add('u-one');
    const first = await server.a.request('PUT', at('u-one'), patient('u-one'));
    expect([first.status, first.json.id, first.headers.get('ETag')]).toEqual([200, id, 'W/"2"']);
    const second = await server.a.request('PUT', at('u-one'), patient('u-one', { id: id ?? '' }));
    expect([second.status, second.json.id, second.headers.get('ETag')]).toEqual([200, id, 'W/"3"']);
  });

  test.each([5, null, {}, '', '..', 'x'.repeat(65)])('with no match and the id %j is refused', async (id) => {
    const { status } = await server.a.request('PUT', at('u-id'), { ...patient('u-id'), id });
    expect([400, 422]).toContain(status);
    expect(await count('u-id')).toBe(0);
  });

  test('with one match and another id in the body is 400', async () => {
    await add('u-wrong');
    const answer = await server.a.request('PUT', at('u-wrong'), patient('u-wrong', { id: 'somebody-else' }));
    expectRefusal(answer, 400);
    expect(answer.json.issue[0].expression).toEqual(['Patient.id']);
    expect(await count('u-wrong')).toBe(1);
  });

  test('with several matches is 412', async () => {
    await add('u-several');
    await add('u-several');
    expectRefusal(await server.a.request('PUT', at('u-several'), patient('u-several')), 412);
  });

  test('by 30 at once makes one resource whose versions have no gaps', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => server.a.request('PUT', at('u-raced'), patient('u-raced'))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(29).fill(200), 201]);
    const versions = answers.map(({ json }) => Number(json.meta.versionId)).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
  });

  test('takes _format and the like as words about the answer', async () => {
    const { status } = await server.a.request(
      'PUT',
      `${at('u-format')}&_format=json&_pretty=true`,
      patient('u-format'),
    );
    expect(status).toBe(201);
    expectRefusal(await server.a.request('PUT', '/Patient?_format=json', patient('u-format')), 412);
  });

  test.each([
    ['', 412],
    ['?nonsense=1', 400],
    ['?identifier=', 400],
    ['?identifier=x&_sort=_id', 400],
  ])('/Patient%s is %i', async (query, status) => {
    expectRefusal(await server.a.request('PUT', `/Patient${query}`, patient('u-bad')), status);
    expectRefusal(await server.a.request('DELETE', `/Patient${query}`), status);
  });
});

describe('patch by criteria (https://hl7.org/fhir/R4/http.html#patch)', () => {
  const patch = (path: string, headers: Record<string, string> = {}, tenant = server.a) =>
    tenant.request('PATCH', path, [{ op: 'add', path: '/active', value: true }], {
      'Content-Type': 'application/json-patch+json',
      ...headers,
    });

  test('with no match is 404', async () => {
    expectRefusal(await patch(at('p-none')), 404);
  });

  test('with one match patches it: 200', async () => {
    const { id } = await add('p-one');
    const { status, headers, json } = await patch(at('p-one'));
    expect([status, headers.get('ETag')]).toEqual([200, 'W/"2"']);
    expect(json).toMatchObject({ id, active: true });
  });

  test('takes a merge patch and a FHIRPath Patch as well', async () => {
    await add('p-kinds');
    const merge = { 'Content-Type': 'application/merge-patch+json' };
    const merged = await server.a.request('PATCH', at('p-kinds'), { gender: 'male' }, merge);
    expect(merged.json).toMatchObject({ gender: 'male', meta: { versionId: '2' } });
    const part = [
      { name: 'type', valueCode: 'delete' },
      { name: 'path', valueString: 'Patient.birthDate' },
    ];
    const parameters = { resourceType: 'Parameters', parameter: [{ name: 'operation', part }] };
    const patched = await server.a.request('PATCH', at('p-kinds'), parameters);
    expect(patched.json).toMatchObject({ gender: 'male', meta: { versionId: '3' } });
    expect(patched.json).not.toHaveProperty('birthDate');
  });

  test('with several matches is 412', async () => {
    await add('p-several');
    await add('p-several');
    expectRefusal(await patch(at('p-several')), 412);
  });

  test('without criteria, and with what is none, changes nothing', async () => {
    expectRefusal(await patch('/Patient'), 412);
    expectRefusal(await patch('/Patient?nonsense=1'), 400);
  });

  test('honours If-Match', async () => {
    await add('p-match');
    expectRefusal(await patch(at('p-match'), { 'If-Match': 'W/"2"' }), 412);
    expect((await patch(at('p-match'), { 'If-Match': 'W/"1"' })).status).toBe(200);
  });

  test('by 20 at once leaves versions without gaps', async () => {
    await add('p-raced');
    const answers = await Promise.all(Array.from({ length: 20 }, () => patch(at('p-raced'))));
    const versions = answers.map(({ json }) => Number(json.meta.versionId)).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 20 }, (_, n) => n + 2));
  });

  test('of what only another tenant has is 404, and its resource stays as it is (security.md 10)', async () => {
    const { json } = await create('p-tenant', {}, server.b);
    expectRefusal(await patch(at('p-tenant')), 404);
    expect((await server.b.request('GET', `/Patient/${json.id}`)).json.meta.versionId).toBe('1');
  });
});

describe('delete by criteria (https://hl7.org/fhir/R4/http.html#3.1.0.7.1)', () => {
  test('of none is 204', async () => {
    const { status, headers, text } = await server.a.request('DELETE', at('d-none'));
    expect([status, headers.get('ETag'), text]).toEqual([204, null, '']);
  });

  test('of one is 204 with the version of the deletion', async () => {
    const { id } = await add('d-one');
    const { status, headers } = await server.a.request('DELETE', at('d-one'));
    expect([status, headers.get('ETag')]).toEqual([204, 'W/"2"']);
    expect((await server.a.request('GET', `/Patient/${id}`)).status).toBe(410);
  });

  test('of several deletes all and says how many', async () => {
    const ids = [(await add('d-all')).id, (await add('d-all')).id, (await add('d-all')).id];
    const { status, json } = await server.a.request('DELETE', at('d-all'));
    expect(status).toBe(200);
    expect(json).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ severity: 'information' }] });
    expect(json.issue[0].diagnostics).toContain('3');
    for (const id of ids) expect((await server.a.request('GET', `/Patient/${id}`)).status).toBe(410);
  });

  test('by 20 at once deletes once', async () => {
    const { id } = await add('d-raced');
    const answers = await Promise.all(Array.from({ length: 20 }, () => server.a.request('DELETE', at('d-raced'))));
    expect(answers.filter(({ headers }) => headers.get('ETag') === 'W/"2"')).toHaveLength(1);
    expect(answers.every(({ status }) => status === 204)).toBe(true);
    expect((await server.a.request('GET', `/Patient/${id}/_history/2`)).status).toBe(410);
  });

  test('of what only the server may delete is 405', async () => {
    expectRefusal(await server.a.request('DELETE', '/AuditEvent?action=C'), 405);
  });
});

describe('another tenant', () => {
  test('has no part in If-None-Exist: 201 where only it has the identifier (security.md 11)', async () => {
    const there = await create('t-create', {}, server.b);
    const here = await create('t-create');
    expect([there.status, here.status]).toEqual([201, 201]);
    expect(here.json.id).not.toBe(there.json.id);
  });

  test('keeps what conditional update and delete would mean by its identifiers (security.md 10)', async () => {
    const { json } = await create('t-keep', {}, server.b);
    expect((await server.a.request('DELETE', at('t-keep'))).status).toBe(204);
    expect((await server.a.request('PUT', at('t-keep'), patient('t-keep'))).status).toBe(201);
    const kept = await server.b.request('GET', `/Patient/${json.id}`);
    expect([kept.status, kept.json.meta.versionId]).toEqual([200, '1']);
    expect(await count('t-keep', server.b)).toBe(1);
  });

  test('does not wait: the same criteria of two tenants are two locks', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) => create('t-both', {}, n % 2 === 0 ? server.a : server.b)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    expect([await count('t-both'), await count('t-both', server.b)]).toEqual([1, 1]);
  });
});

describe('the scopes (security.md 35)', () => {
  test('criteria need the right to search: without it 403, whether something matches or not', async () => {
    await add('s-there');
    const writer = await clientOf(server, server.a, 'system/Patient.crud');
    for (const value of ['s-there', 's-nowhere']) {
      const headers = { 'If-None-Exist': criteria(value) };
      expectRefusal(await writer.request('POST', '/Patient', patient(value), headers), 403);
      expectRefusal(await writer.request('PUT', at(value), patient(value)), 403);
      expectRefusal(await writer.request('DELETE', at(value)), 403);
      const patch = { 'Content-Type': 'application/json-patch+json' };
      expectRefusal(await writer.request('PATCH', at(value), [], patch), 403);
    }
    expect([await count('s-there'), await count('s-nowhere')]).toEqual([1, 0]);
  });

  test('an update that finds none is a create and needs its right', async () => {
    const updater = await clientOf(server, server.a, 'system/Patient.us');
    expectRefusal(await updater.request('PUT', at('s-new'), patient('s-new')), 403);
    await add('s-new');
    expect((await updater.request('PUT', at('s-new'), patient('s-new'))).status).toBe(200);
  });

  test('a Binary that is not for the caller is not shown as what was to be made: https://hl7.org/fhir/R4/binary.html#security-context', async () => {
    const secret = { resourceType: 'Binary', id: 's-secret', contentType: 'text/plain', data: 'Z2VoZWlt' };
    const protectedBy = { ...secret, securityContext: { reference: 'Patient/x' } };
    expect((await server.a.request('PUT', '/Binary/s-secret', protectedBy)).status).toBe(201);
    const outsider = await clientOf(server, server.a, 'system/Binary.cruds');
    const headers = { 'If-None-Exist': '_id=s-secret' };
    const answer = await outsider.request('POST', '/Binary', secret, headers);
    expectRefusal(answer, 403);
    expect(answer.text).not.toContain('Z2VoZWlt');
    expect((await server.a.request('POST', '/Binary', secret, headers)).json.data).toBe('Z2VoZWlt');
  });
});
