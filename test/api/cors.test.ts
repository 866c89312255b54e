// What browsers let pages of other origins do (https://fetch.spec.whatwg.org/#http-cors-protocol, security.md 66), and OPTIONS

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeSetting } from '../../src/tenants/settings.ts';
import { buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';
import { expectNoFailure } from './refusals.ts';

const app = 'https://app.example.org';
const local = 'http://localhost:3000';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  await server.app.doors.tenantDoor(server.a.id, async (trx) => writeSetting(trx, 'cors.origins', [app, local]));
  await server.a.request('PUT', '/Patient/known', { ...buildPatient(), id: 'known' });
}, 60_000);

afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const at = (path: string, method: string, headers: Record<string, string>, body?: string) =>
  send(`${server.origin}${path}`, method, body, headers);

function preflight(path: string, origin: string, method = 'PUT', tenant = 'clinic-a') {
  const headers = {
    Origin: origin,
    'Access-Control-Request-Method': method,
    'Access-Control-Request-Headers': 'authorization,content-type,if-match',
  };
  return at(`/t/${tenant}${path}`, 'OPTIONS', headers);
}

const allowedOrigin = ({ headers }: { headers: Headers }) => headers.get('Access-Control-Allow-Origin');

const strangers = [
  'null',
  'https://evil.example',
  'https://app.example.org.evil.example',
  'https://evilapp.example.org',
  'https://app.example.org:444',
  'http://app.example.org',
  'https://APP.example.org',
  'https://app.example.org/',
  '*',
];

describe('a preflight', () => {
  test.each([app, local])('of the registered origin %s says what its pages may send', async (origin) => {
    const answer = await preflight('/fhir/Patient/known', origin);
    expect([answer.status, answer.text, allowedOrigin(answer)]).toEqual([204, '', origin]);
    const methods = answer.headers.get('Access-Control-Allow-Methods')?.split(',');
    expect(methods).toEqual(expect.arrayContaining(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']));
    const names = answer.headers.get('Access-Control-Allow-Headers')?.toLowerCase().split(',');
    for (const name of ['authorization', 'content-type', 'prefer', 'if-match', 'if-none-exist', 'idempotency-key']) {
      expect(names).toContain(name);
    }
    expect(answer.headers.get('Access-Control-Allow-Credentials')).toBeNull();
    expect(answer.headers.get('Vary')).toContain('Origin');
  });

  test.each(strangers)('of the origin %s is told nothing', async (origin) => {
    for (const path of ['/fhir/Patient/known', '/fhir', '/token']) {
      const answer = await preflight(path, origin);
      expect([answer.status, allowedOrigin(answer)]).toEqual([204, null]);
      expect(answer.headers.get('Access-Control-Allow-Methods')).toBeNull();
    }
  });

  test('does not tell whether a tenant exists, and needs no token', async () => {
    for (const path of [
      '/fhir/Patient/known',
      '/fhir',
      '/token',
      '/fhir/metadata',
      '/.well-known/openid-configuration',
    ]) {
      const [there, nowhere] = [
        await preflight(path, strangers[1] as string),
        await preflight(path, strangers[1] as string, 'PUT', 'nobody'),
      ];
      const headersOf = ({ headers }: { headers: Headers }) =>
        [...headers].filter(([name]) => !/^(?:x-request-id|date)$/.test(name));
      expect([there.status, headersOf(there)]).toEqual([nowhere.status, headersOf(nowhere)]);
    }
  });

  test("an origin of one tenant is a stranger to another's", async () => {
    expect(allowedOrigin(await preflight('/fhir/Patient/known', app, 'GET', 'clinic-b'))).toBeNull();
    const read = await server.b.request('GET', '/Patient/known', undefined, { Origin: app });
    expect([read.status, allowedOrigin(read)]).toEqual([404, null]);
  });
});

describe('an answer', () => {
  test('to a registered origin may be read, with the headers FHIR needs', async () => {
    const answer = await server.a.request('GET', '/Patient/known', undefined, { Origin: app });
    expect([answer.status, allowedOrigin(answer)]).toEqual([200, app]);
    const exposed = answer.headers.get('Access-Control-Expose-Headers')?.split(',');
    for (const name of [
      'ETag',
      'Location',
      'Content-Location',
      'Last-Modified',
      'X-Request-Id',
      'Preference-Applied',
      'Retry-After',
    ]) {
      expect(exposed).toContain(name);
    }
    expect(answer.headers.get('Access-Control-Allow-Credentials')).toBeNull();
  });

  test('that refuses may be read too', async () => {
    const missing = await server.a.request('GET', '/Patient/nobody', undefined, { Origin: app });
    expect([missing.status, allowedOrigin(missing)]).toEqual([404, app]);
    const unknown = await at('/t/clinic-a/fhir/Patient/known', 'GET', { Origin: app });
    expect([unknown.status, allowedOrigin(unknown)]).toEqual([401, app]);
  });

  test.each(strangers)('to the origin %s may not', async (origin) => {
    for (const answer of [
      await server.a.request('GET', '/Patient/known', undefined, { Origin: origin }),
      await at('/t/clinic-a/fhir/Patient/known', 'GET', { Origin: origin }),
      await at(
        '/t/clinic-a/token',
        'POST',
        { Origin: origin, 'Content-Type': 'application/x-www-form-urlencoded' },
        'a=b',
      ),
    ]) {
      expect(allowedOrigin(answer)).toBeNull();
    }
  });

  test('depends on the origin for caches, also when none was sent', async () => {
    expect((await server.a.request('GET', '/Patient/known')).headers.get('Vary')).toBe(
      'Accept, Accept-Encoding, Origin',
    );
  });

  test.each(['/fhir/metadata', '/fhir/.well-known/smart-configuration', '/.well-known/openid-configuration', '/jwks'])(
    '%s is open to every origin, without credentials',
    async (path) => {
      for (const origin of [app, ...strangers]) {
        const answer = await at(`/t/clinic-a${path}`, 'GET', { Origin: origin });
        expect([answer.status, allowedOrigin(answer)]).toEqual([200, '*']);
        expect(answer.headers.get('Access-Control-Allow-Credentials')).toBeNull();
        expect(allowedOrigin(await preflight(path, origin, 'GET'))).toBe('*');
      }
    },
  );

  test('health and metrics say nothing about origins', async () => {
    expect(allowedOrigin(await at('/healthz', 'GET', { Origin: app }))).toBeNull();
    expect(allowedOrigin(await at('/metrics', 'GET', { Origin: app }))).toBeNull();
  });
});

describe('the token endpoint', () => {
  const token = (origin: string) => {
    const { clientId, clientSecret } = server.a;
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    const headers = {
      Origin: origin,
      Authorization: `Basic ${basic}`,
      'Content-Type': 'application/x-www-form-urlencoded',
    };
    return at('/t/clinic-a/token', 'POST', headers, 'grant_type=client_credentials');
  };

  test('answers pages of a registered origin', async () => {
    const answer = await token(app);
    expect([answer.status, allowedOrigin(answer)]).toEqual([200, app]);
    expect(answer.json.access_token).toBeDefined();
    expect(allowedOrigin(await preflight('/token', app, 'POST'))).toBe(app);
  });

  test('gives none to pages of another', async () => {
    const answer = await token('https://evil.example');
    expect([answer.status, allowedOrigin(answer), answer.json.access_token]).toEqual([400, null, undefined]);
  });
});

describe('the setting cors.origins', () => {
  test.each([
    'https://app.example.org',
    ['*'],
    ['null'],
    ['https://app.example.org/'],
    ['https://app.example.org/path'],
    ['https://APP.example.org'],
    ['https://*.example.org'],
    ['app.example.org'],
    ['javascript:alert(1)'],
    [1],
    Array.from({ length: 101 }, (_, n) => `https://a${n}.example.org`),
  ])('is not %j', async (value) => {
    const write = server.app.doors.tenantDoor(server.b.id, async (trx) => writeSetting(trx, 'cors.origins', value));
    await expect(write).rejects.toThrow('must be a list of at most 100 origins');
  });
});

describe('OPTIONS is 204 with Allow (RFC 9110 section 9.3.7)', () => {
  test.each([
    ['/t/clinic-a/fhir', ['POST']],
    ['/t/clinic-a/fhir/metadata', ['GET', 'HEAD']],
    ['/t/clinic-a/fhir/Patient', ['GET', 'HEAD', 'POST']],
    ['/t/clinic-a/fhir/Patient/_search', ['POST']],
    ['/t/clinic-a/fhir/Patient/known', ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']],
    ['/t/clinic-a/fhir/Patient/known/_history', ['GET', 'HEAD']],
    ['/t/clinic-a/fhir/Patient/known/_history/1', ['GET', 'HEAD']],
    ['/t/nobody/fhir/Patient/known', ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']],
    ['/t/clinic-a/token', ['POST']],
    ['/t/nobody/token', ['POST']],
    ['/t/clinic-a/jwks', ['GET', 'HEAD']],
    ['/healthz', ['GET', 'HEAD']],
  ])('%s', async (path, methods) => {
    const answer = await at(path, 'OPTIONS', {});
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(answer.headers.get('Allow')?.split(', ')).toEqual(expect.arrayContaining([...methods, 'OPTIONS']));
  });

  test('and 404 where there is nothing', async () => expect((await at('/nothing', 'OPTIONS', {})).status).toBe(404));
});
