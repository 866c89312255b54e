// If-Match, If-None-Match and If-Modified-Since: https://hl7.org/fhir/R4/http.html#concurrency and RFC 9110 section 13

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Patient } from '@medplum/fhirtypes';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const jsonPatch = { 'Content-Type': 'application/json-patch+json' };
const active = [{ op: 'add', path: '/active', value: true }];

/** A patient at this version. */
async function make(id: string, versions = 1): Promise<Patient> {
  const body = buildPatient({ id, identifier: [{ system: 'urn:head', value: id }] });
  for (let version = 1; version <= versions; version++) await server.a.request('PUT', `/Patient/${id}`, body);
  return body;
}

const versionOf = async (id: string) => (await server.a.request('GET', `/Patient/${id}`)).headers.get('ETag');

describe('If-Match', () => {
  test.each<[string, string, number]>([
    ['the current version', 'W/"2"', 200],
    ['the current version as a strong tag', '"2"', 200],
    ['one of several', 'W/"1", W/"2", "7"', 200],
    ['anything that exists', '*', 200],
    ['an earlier version', 'W/"1"', 412],
    ['several others', 'W/"1", W/"3"', 412],
    ['no tag', '2', 400],
    ['no version', 'W/"x"', 400],
    ['a list with a gap', 'W/"1",,W/"2"', 400],
    ['too long a list', Array(101).fill('W/"2"').join(), 400],
  ])('of %s (%s) on update, patch and delete is %i', async (_, value, status) => {
    const id = `match-${status}-${value.length}`;
    const body = await make(id, 2);
    const headers = { 'If-Match': value };
    const answers = [await server.a.request('PUT', `/Patient/${id}`, body, headers)];
    if (status === 200) return expect(answers[0]?.status).toBe(200);
    answers.push(await server.a.request('PATCH', `/Patient/${id}`, active, { ...jsonPatch, ...headers }));
    answers.push(await server.a.request('DELETE', `/Patient/${id}`, undefined, headers));
    answers.push(await server.a.request('PUT', `/Patient?identifier=urn:head|${id}`, body, headers));
    answers.push(await server.a.request('DELETE', `/Patient?identifier=urn:head|${id}`, undefined, headers));
    expect(answers.map((answer) => answer.status)).toEqual(Array(5).fill(status));
    expect(await versionOf(id)).toBe('W/"2"');
  });

  test('lets a patch, a delete and their kin by criteria through when it is met', async () => {
    const body = await make('through', 2);
    const at = '/Patient?identifier=urn:head|through';
    const patched = await server.a.request('PATCH', '/Patient/through', active, { ...jsonPatch, 'If-Match': 'W/"2"' });
    const updated = await server.a.request('PUT', at, body, { 'If-Match': 'W/"3"' });
    const deleted = await server.a.request('DELETE', at, undefined, { 'If-Match': 'W/"4"' });
    expect([patched.status, updated.status, deleted.status]).toEqual([200, 200, 204]);
    expect(deleted.headers.get('ETag')).toBe('W/"5"');
  });

  test('of * is 412 where nothing exists: never made, or deleted', async () => {
    const body = await make('was-there');
    await server.a.request('DELETE', '/Patient/was-there');
    for (const id of ['was-there', 'never-there']) {
      const answer = await server.a.request('PUT', `/Patient/${id}`, { ...body, id }, { 'If-Match': '*' });
      expect(answer.status).toBe(412);
    }
  });

  test('by criteria that nothing or several meet is 412', async () => {
    const headers = { 'If-Match': 'W/"1"' };
    const nobody = '/Patient?identifier=urn:head|nobody';
    expect((await server.a.request('PUT', nobody, buildPatient(), headers)).status).toBe(412);
    expect((await server.a.request('DELETE', nobody, undefined, headers)).status).toBe(412);
    await make('pair-1');
    await make('pair-2');
    const pair = '/Patient?identifier=urn:head|pair-1,urn:head|pair-2';
    expect((await server.a.request('DELETE', pair, undefined, headers)).status).toBe(412);
    expect([await versionOf('pair-1'), await versionOf('pair-2')]).toEqual(['W/"1"', 'W/"1"']);
  });

  test('of one version by 20 updates at once has exactly one winner', async () => {
    const body = await make('winner');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        server.a.request('PUT', n % 2 ? '/Patient/winner' : '/Patient?identifier=urn:head|winner', body, {
          'If-Match': 'W/"1"',
        }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(412)]);
    expect(await versionOf('winner')).toBe('W/"2"');
  });

  test('is refused without a word about the version that is current', async () => {
    const body = await make('silent', 7);
    const { text } = await server.a.request('PUT', '/Patient/silent', body, { 'If-Match': 'W/"1"' });
    expect(text).not.toContain('7');
  });
});

describe('If-None-Match on update', () => {
  test('of * creates, and is 412 where there is something: https://hl7.org/fhir/R4/http.html#upsert', async () => {
    const body = buildPatient({ id: 'only-new' });
    const put = () => server.a.request('PUT', '/Patient/only-new', body, { 'If-None-Match': '*' });
    const answers = await Promise.all(Array.from({ length: 10 }, put));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(412)]);
    await server.a.request('DELETE', '/Patient/only-new');
    expect((await put()).status).toBe(200);
  });

  test('of * by criteria creates, and is 412 where one meets them', async () => {
    const at = '/Patient?identifier=urn:head|only-new-2';
    const body = buildPatient({ identifier: [{ system: 'urn:head', value: 'only-new-2' }] });
    expect((await server.a.request('PUT', at, body, { 'If-None-Match': '*' })).status).toBe(201);
    expect((await server.a.request('PUT', at, body, { 'If-None-Match': '*' })).status).toBe(412);
  });

  test('of versions is 412 where one of them is current, and 400 where it names none', async () => {
    const body = await make('not-these', 2);
    const put = async (value: string) =>
      (await server.a.request('PUT', '/Patient/not-these', body, { 'If-None-Match': value })).status;
    expect([await put('W/"1", W/"2"'), await put('W/"1"'), await put('nonsense')]).toEqual([412, 200, 400]);
  });
});

describe('a read of what the reader has', () => {
  const paths = ['/Patient/known', '/Patient/known/_history/2'];
  beforeAll(() => make('known', 2));

  test.each(paths)(
    '%s is 304 with ETag and Last-Modified and no body: https://hl7.org/fhir/R4/http.html#cread',
    async (path) => {
      const full = await server.a.request('GET', path);
      for (const method of ['GET', 'HEAD']) {
        const { status, headers, text } = await server.a.request(method, path, undefined, { 'If-None-Match': 'W/"2"' });
        expect([status, text]).toEqual([304, '']);
        for (const name of ['ETag', 'Last-Modified']) expect(headers.get(name)).toBe(full.headers.get(name));
        expect(headers.get('Content-Type')).toBeNull();
      }
    },
  );

  test.each<[string, string, number]>([
    ['a strong tag', '"2"', 304],
    ['one of several', '"other", W/"1", W/"2"', 304],
    ['any', '*', 304],
    ['another version', 'W/"1"', 200],
    ['tags of other makers', '"2-gzip", "abc"', 200],
    ['nonsense', '2', 200],
  ])('If-None-Match of %s (%s) is %i', async (_, value, status) => {
    for (const path of paths) {
      expect((await server.a.request('GET', path, undefined, { 'If-None-Match': value })).status).toBe(status);
    }
  });

  test.each<[string, (modified: Date) => string, number]>([
    ['the very second', (modified) => modified.toUTCString(), 304],
    ['later', (modified) => new Date(modified.getTime() + 60_000).toUTCString(), 304],
    ['earlier', (modified) => new Date(modified.getTime() - 60_000).toUTCString(), 200],
    ['later, in the form of RFC 850', () => 'Sunday, 06-Nov-44 08:49:37 GMT', 304],
    ['earlier, in the form of asctime', () => 'Sun Nov  6 08:49:37 1994', 200],
    ['no date of HTTP', () => '2044-01-01T00:00:00Z', 200],
    ['nonsense', () => 'Sun yesterday', 200],
  ])('If-Modified-Since of %s counts to the second', async (_, of, status) => {
    for (const path of paths) {
      const { headers } = await server.a.request('GET', path);
      const value = of(new Date(headers.get('Last-Modified') ?? ''));
      expect((await server.a.request('GET', path, undefined, { 'If-Modified-Since': value })).status).toBe(status);
    }
  });

  test('counts If-None-Match alone where both are sent: RFC 9110 section 13.2.2', async () => {
    const later = { 'If-Modified-Since': 'Sun, 06 Nov 2044 08:49:37 GMT' };
    const earlier = { 'If-Modified-Since': 'Sun, 06 Nov 1994 08:49:37 GMT' };
    const read = async (headers: Record<string, string>) =>
      (await server.a.request('GET', '/Patient/known', undefined, headers)).status;
    expect(await read({ 'If-None-Match': 'W/"1"', ...later })).toBe(200);
    expect(await read({ 'If-None-Match': 'W/"2"', ...earlier })).toBe(304);
  });

  test('is 404 and 410 as ever where nothing is there, and of another tenant', async () => {
    await make('known-gone');
    await server.a.request('DELETE', '/Patient/known-gone');
    const any = { 'If-None-Match': '*' };
    expect((await server.a.request('GET', '/Patient/known-gone', undefined, any)).status).toBe(410);
    expect((await server.a.request('GET', '/Patient/known-never', undefined, any)).status).toBe(404);
    expect((await server.b.request('GET', '/Patient/known', undefined, any)).status).toBe(404);
    expect((await server.b.request('GET', '/Patient/known', undefined, { 'If-None-Match': 'W/"2"' })).status).toBe(404);
  });
});
