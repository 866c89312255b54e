// URLs, methods and request lines that lead nowhere: https://hl7.org/fhir/R4/http.html#general, RFC 9110, RFC 9112

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { fhirRoutes } from '../../src/http/fhir-routes.ts';
import { type RawAnswer, rawRequest, sendRaw } from '../http/raw-request.ts';
import { allOperations } from '../support/all-operations.ts';
import { buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';
import { postEntry, sendBundle } from './bundle-requests.ts';
import { clientOf } from './clients.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.a.request('PUT', '/Patient/known', { ...buildPatient(), id: 'known' });
  await server.b.request('PUT', '/Patient/of-b', { ...buildPatient(), id: 'of-b' });
});
afterEach(async () => {
  expect((await send(`${server.origin}/healthz`, 'GET')).status).toBe(200);
  expectNoFailure(server.logLines);
});
afterAll(() => server.close());

const base = '/t/clinic-a/fhir';
/** The request line as it stands, with a good token. */
const raw = (line: string, ...headers: string[]): Promise<RawAnswer> =>
  sendRaw(server.origin, rawRequest([`${line} HTTP/1.1`, `Authorization: Bearer ${server.a.token}`, ...headers]));
const refused = (answer: RawAnswer, statuses: number | number[]) =>
  expectRefusal({ status: answer.status, text: answer.body }, statuses);

describe('an unknown place is 404', () => {
  test.each([
    '/',
    '/t',
    '/t/clinic-a',
    '/t/clinic-c/fhir/Patient/known',
    '/t/CLINIC-A/fhir/Patient/known',
    '/t/clinic-a%00/fhir/Patient/known',
    "/t/clinic-a'--/fhir/Patient/known",
    '/t/__proto__/fhir/Patient/known',
    '/t/constructor/fhir/metadata',
    `${base}/Patients`,
    `${base}/patient/known`,
    `${base}/Resource/known`,
    `${base}/DomainResource/known`,
    `${base}/__proto__/known`,
    `${base}/constructor`,
    `${base}/$export`,
    `${base}/Patient/known/$everything`,
    `${base}/Patient/known/_history/1/x`,
    `${base}/Patient/known/_history/0`,
    `${base}/Patient/known/_history/-1`,
    `${base}/Patient/known/_history/1e0`,
    `${base}/Patient/known/_history/99999999999999999999`,
    `${base}/Patient/known/_history/x`,
    `${base}/Patient/known/other`,
    `${base}/metadata/x`,
    '/admin',
    '/metricss',
  ])('GET %s', async (path) => refused(await raw(`GET ${path}`), 404));
});

describe('one resource has one spelling of its URL (security.md 100)', () => {
  test.each([
    `${base}//Patient/known`,
    `/t//clinic-a/fhir/Patient/known`,
    `//t/clinic-a/fhir/Patient/known`,
    `/t/clinic-a/fhir/x/../Patient/known`,
    `/t/clinic-b/fhir/../../clinic-a/fhir/Patient/known`,
    `${base}/%2e%2e/fhir/Patient/known`,
    `${base}/Patient%2Fknown`,
    `${base}/Patient/%2e%2e/Patient/known`,
    `${base}/Patient/..;/Patient/known`,
    `${base};x=1/Patient/known`,
    `${base}/Patient/known.`,
    `${base}/Patient./known`,
    '/T/clinic-a/fhir/Patient/known',
    '/t/clinic-a/FHIR/Patient/known',
    '/t/clinic-a/fhir/PATIENT/known',
    '/t/clinic-a/fhir\\Patient\\known',
    `${base}/Patient/known%20`,
    `${base}/Patient/known%00`,
    `${base}/Patient/known%0d%0aX:1`,
  ])('GET %s is refused', async (path) => refused(await raw(`GET ${path}`), [400, 404]));

  test.each(['%zz', '%', '%e0%a4%a', '%ff'])('a broken escape %s is 400 or 404', async (broken) => {
    refused(await raw(`GET ${base}/Patient/${broken}`), [400, 404]);
    refused(await raw(`GET /t/${broken}/fhir/Patient/known`), [400, 404]);
    refused(await raw(`GET ${base}/${broken}`), [400, 404]);
  });

  test("no spelling reaches another tenant's resource", async () => {
    const steps = ['..', '%2e%2e', '.%2e', '..;', '%252e%252e', '..%00'];
    for (const step of steps) {
      for (const path of [
        `${base}/${step}/${step}/clinic-b/fhir/Patient/of-b`,
        `${base}/Patient/${step}/${step}/${step}/clinic-b/fhir/Patient/of-b`,
        `/t/clinic-a/${step}/clinic-b/fhir/Patient/of-b`,
        `/t/clinic-a%2f${step}%2fclinic-b/fhir/Patient/of-b`,
      ]) {
        refused(await raw(`GET ${path}`), [400, 401, 404]);
      }
    }
  });
});

describe('an id is 1 to 64 letters, digits, "-" and "." (datatypes.html#id, security.md 95)', () => {
  test.each([
    '..',
    '.',
    '...',
    'a b',
    'a%20b',
    'a%0d%0aSet-Cookie:x',
    'a_b',
    'ä',
    "'",
    '%00',
    'a%2Fb',
    'x'.repeat(65),
    `${'x'.repeat(10_000)}`,
  ])('PUT with the id %s is refused and nothing is made', async (id) => {
    const body = JSON.stringify({ ...buildPatient(), id: decodeURIComponent(id) });
    const answer = await sendRaw(
      server.origin,
      rawRequest(
        [
          `PUT ${base}/Patient/${encodeURI(decodeURIComponent(id)).replace(/^(\.+)$/, (dots) => '%2e'.repeat(dots.length))} HTTP/1.1`,
          `Authorization: Bearer ${server.a.token}`,
          'Content-Type: application/fhir+json',
          `Content-Length: ${Buffer.byteLength(body)}`,
        ],
        body,
      ),
    );
    refused(answer, [400, 404, 405]);
    expect([...answer.headers.keys()]).not.toContain('set-cookie');
  });

  test('of 64 characters is taken', async () => {
    const id = `${'x'.repeat(62)}-.`;
    expect((await server.a.request('PUT', `/Patient/${id}`, { ...buildPatient(), id })).status).toBe(201);
  });
});

describe('a method that is not possible is 405 with Allow (RFC 9110 section 15.5.6)', () => {
  test.each([
    ['PATCH', '', 'POST'],
    ['PUT', '', 'GET'],
    ['PUT', '', 'POST'],
    ['DELETE', '', 'POST'],
    ['POST', '/Patient/known', 'PUT'],
    ['POST', '/Patient/known/_history', 'GET'],
    ['PUT', '/Patient/known/_history/1', 'GET'],
    ['DELETE', '/Patient/known/_history/1', 'GET'],
    ['TRACE', '/Patient/known', 'GET'],
    ['PROPFIND', '/Patient/known', 'GET'],
    ['LOCK', '/Patient/known', 'GET'],
  ])('%s %s', async (method, path, allowed) => {
    const answer = await raw(`${method} ${base}${path}`);
    refused(answer, 405);
    expect(answer.headers.get('allow')?.split(', ')).toContain(allowed);
    expect(answer.headers.get('allow')?.split(', ')).not.toContain(method);
  });

  test('a method override changes nothing (security.md 44)', async () => {
    const headers = { 'X-HTTP-Method-Override': 'DELETE', 'X-Method-Override': 'DELETE' };
    const answer = await server.a.request('GET', '/Patient/known?_method=DELETE', undefined, headers);
    expect(answer.status).toBe(200);
    expect((await server.a.request('GET', '/Patient/known')).status).toBe(200);
  });

  test('every route of the table is reached by its own method', () => {
    const routes = fhirRoutes(allOperations);
    expect(new Set(routes.map(({ method, path }) => `${method} ${path}`)).size).toBe(routes.length);
  });
});

describe('a request that two readers could read differently is refused (security.md 96, RFC 9112)', () => {
  const length = (n: number) => `Content-Length: ${n}`;
  const good = () => [`Authorization: Bearer ${server.a.token}`, 'Content-Type: application/fhir+json'];

  test.each([
    ['Content-Length and Transfer-Encoding', [length(5), 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['two Content-Length', [length(5), length(6)], '{}'],
    ['a Content-Length that is no number', ['Content-Length: 5x'], '{}'],
    ['a negative Content-Length', ['Content-Length: -5'], '{}'],
    ['an unknown Transfer-Encoding', ['Transfer-Encoding: xchunked'], '0\r\n\r\n'],
    ['a chunk size that is no number', ['Transfer-Encoding: chunked'], 'zz\r\n'],
    ['a folded header', ['X-Folded: a', ' b'], ''],
    ['a space before the colon', ['Content-Length : 5'], '{}'],
    ['a header without a colon', ['nonsense'], ''],
    ['a NUL in a header', ['X-Nul: a\u0000b'], ''],
    ['a header of 100,000 characters', [`X-Long: ${'x'.repeat(100_000)}`], ''],
    ['5,000 headers', Array.from({ length: 5_000 }, (_, n) => `X-${n}: ${n}`), ''],
  ])('%s', async (_, headers, body) => {
    const lines = [`POST ${base}/Patient HTTP/1.1`, ...good(), ...headers];
    const answer = await sendRaw(server.origin, rawRequest(lines, body));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.closed).toBe(true);
  });

  test.each([
    ['two Host headers', ['Host: hpms.test', 'Host: other.example']],
    ['an empty and a second Host', ['Host: ', 'Host: hpms.test']],
  ])('%s', async (_, hosts) => {
    const lines = [`GET ${base}/Patient/known HTTP/1.1`, `Authorization: Bearer ${server.a.token}`, ...hosts];
    expect((await sendRaw(server.origin, rawRequest(lines))).status).toBe(400);
  });

  test('no Host header', async () => {
    const bytes = `GET ${base}/Patient/known HTTP/1.1\r\nAuthorization: Bearer ${server.a.token}\r\n\r\n`;
    expect((await sendRaw(server.origin, bytes)).status).toBe(400);
  });

  test('two requests in one are two answers, and a bare LF makes none of one', async () => {
    const lf = `GET ${base}/Patient/known HTTP/1.1\nHost: hpms.test\nAuthorization: Bearer ${server.a.token}\n\n`;
    expect((await sendRaw(server.origin, lf)).status).toBe(400);
  });

  test("an absolute-form target is the server's own or none", async () => {
    expect((await raw(`GET http://hpms.test${base}/Patient/known`)).status).toBe(200);
    for (const target of [
      'http://other.example',
      'http://hpms.test@other.example',
      'https://hpms.test.other.example',
      'ftp://hpms.test',
    ]) {
      expect([400, 421]).toContain((await raw(`GET ${target}${base}/Patient/known`)).status);
    }
  });

  test('CONNECT is no way through', async () => {
    const answer = await raw('CONNECT 127.0.0.1:5432', 'Connection: close');
    expect([0, 400, 404, 405]).toContain(answer.status);
  });

  test('no answer of the server depends on the Host header (security.md 68)', async () => {
    for (const path of [`${base}/metadata`, `${base}/.well-known/smart-configuration`, `${base}/Patient?_id=known`]) {
      const headers = [
        'Host: evil.example',
        'X-Forwarded-Host: evil.example',
        'X-Forwarded-Proto: gopher',
        'Forwarded: host=evil.example',
      ];
      const answer = await raw(`GET ${path}`, ...headers);
      expect(answer.status).toBe(200);
      expect(answer.body).not.toContain('evil.example');
      expect(answer.body).toContain('http://hpms.test/t/clinic-a');
    }
  });
});

describe('a cursor belongs to one search, caller and tenant (security.md 16)', () => {
  const query = '/Patient?family=Cursor&_count=1';
  let cursor = '';
  beforeAll(async () => {
    const entries = [1, 2, 3].map(() => postEntry(buildPatient({ name: [{ family: 'Cursor' }] })));
    for (const tenant of [server.a, server.b]) await sendBundle(tenant, 'transaction', entries);
    const { json } = await server.a.request('GET', query);
    const next = json.link.find(({ relation }: { relation: string }) => relation === 'next').url as string;
    cursor = new URL(next).searchParams.get('_cursor') ?? '';
  });

  test('its own search goes on with it', async () => {
    expect((await server.a.request('GET', `${query}&_cursor=${cursor}`)).json.entry).toHaveLength(1);
  });

  test('any character changed, cut or added makes it none', async () => {
    for (let at = 0; at < cursor.length; at++) {
      const other = cursor[at] === 'A' ? 'B' : 'A';
      const changed = cursor.slice(0, at) + other + cursor.slice(at + 1);
      const same = Buffer.from(changed, 'base64url').equals(Buffer.from(cursor, 'base64url'));
      if (!same) expectRefusal(await server.a.request('GET', `${query}&_cursor=${changed}`), 400);
    }
    for (const changed of [
      cursor.slice(1),
      cursor.slice(0, -4),
      `${cursor}AAAA`,
      'x',
      'A'.repeat(5_000),
      '%00',
      '%ff',
    ]) {
      expectRefusal(await server.a.request('GET', `${query}&_cursor=${changed}`), 400);
    }
  });

  test('another tenant, another client and another search cannot use it', async () => {
    const other = await clientOf(server, server.a, 'system/*.rs');
    expectRefusal(await server.b.request('GET', `${query}&_cursor=${cursor}`), 400);
    expectRefusal(await other.request('GET', `${query}&_cursor=${cursor}`), 400);
    for (const search of [
      '/Patient?_count=1',
      '/Patient?family=Other&_count=1',
      '/Person?name=Cursor',
      '/Observation?_count=1',
    ]) {
      expectRefusal(await server.a.request('GET', `${search}&_cursor=${cursor}`), 400);
    }
    expectRefusal(await server.a.request('GET', `${query}&_sort=-_id&_cursor=${cursor}`), 400);
  });
});
