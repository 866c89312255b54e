// Token issue by client_credentials: https://hl7.org/fhir/smart-app-launch/backend-services.html, RFC 6749 section 4.4

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { basic, get, post, publicUrl, requestToken, type SmartServer, startSmartServer } from './smart-server.ts';

let server: SmartServer;
let tokenUrl: string;

beforeAll(async () => {
  server = await startSmartServer();
  tokenUrl = `${server.url}/t/clinic-a/token`;
});
afterAll(() => server.close());

const grant = { grant_type: 'client_credentials' };

describe('a client with a secret', () => {
  test('gets a token by client_secret_basic: RFC 6749 section 2.3.1', async () => {
    const answer = await post(tokenUrl, { ...grant, scope: 'system/Patient.rs' }, basic(server.a));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'system/Patient.rs',
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
  });

  test('gets a token by client_secret_post', async () => {
    const { clientId: client_id, clientSecret: client_secret } = server.a;
    const answer = await post(tokenUrl, { ...grant, client_id, client_secret });
    expect(answer.status).toBe(200);
    expect(answer.body.scope).toBe('system/*.cruds');
  });

  test('the token is a JWT of RFC 9068 for this FHIR base, signed with the tenant key, 5 minutes long', async () => {
    const token = await requestToken(server, server.a);
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) });
    const claims = decodeJwt(token);
    expect(claims).toEqual({
      iss: `${publicUrl}/t/clinic-a`,
      aud: `${publicUrl}/t/clinic-a/fhir`,
      sub: server.a.clientId,
      client_id: server.a.clientId,
      scope: 'system/*.cruds',
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(300);
    const jwks = await get(`${server.url}/t/clinic-a/jwks`);
    const kids = jwks.body.keys.map((key: { kid: string }) => key.kid);
    expect(kids).toContain(decodeProtectedHeader(token).kid);
  });

  test.each([
    ['wrong', () => ({ clientId: server.a.clientId, clientSecret: 'wrong' })],
    ['of another tenant', () => server.b],
    ['the stored hash', () => ({ clientId: server.a.clientId, clientSecret: '0'.repeat(64) })],
    ['of a client that never was', () => ({ clientId: 'nobody', clientSecret: server.a.clientSecret })],
  ])('a secret that is %s: 401 invalid_client, the same answer', async (_, credentials) => {
    const answer = await post(tokenUrl, grant, basic(credentials()));
    expect(answer.status).toBe(401);
    expect(answer.body).toEqual({ error: 'invalid_client', error_description: 'client authentication failed' });
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="https:\/\/fhir\.clinic\.test\/t\/clinic-a"/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('errors are JSON, also for who asks for HTML: RFC 6749 section 5.2', async () => {
    const html = { accept: 'text/html' };
    const answer = await post(tokenUrl, grant, { ...basic({ clientId: 'x', clientSecret: 'y' }), ...html });
    expect([answer.headers.get('content-type'), answer.body.error]).toEqual([
      'application/json; charset=utf-8',
      'invalid_client',
    ]);
  });

  test('without any authentication, with two at once, or in the query: refused', async () => {
    expect((await post(tokenUrl, grant)).body.error).toBe('invalid_request');
    const { clientId: client_id, clientSecret: client_secret } = server.a;
    expect((await post(tokenUrl, { ...grant, client_id, client_secret }, basic(server.a))).body.error).toBe(
      'invalid_request',
    );
    const query = new URLSearchParams({ ...grant, client_id, client_secret });
    expect((await post(`${tokenUrl}?${query}`, {})).status).toBe(400);
  });

  test.each([
    ['password', 'unsupported_grant_type'],
    ['implicit', 'unsupported_grant_type'],
    ['urn:ietf:params:oauth:grant-type:jwt-bearer', 'unsupported_grant_type'],
    ['authorization_code', 'unauthorized_client'],
    ['refresh_token', 'unauthorized_client'],
    ['urn:ietf:params:oauth:grant-type:token-exchange', 'unauthorized_client'],
  ])('the grant %s is not for it: %s', async (grant_type, error) => {
    const answer = await post(tokenUrl, { grant_type }, basic(server.a));
    expect([answer.status, answer.body.error]).toEqual([400, error]);
  });

  test('two bodies that are no form, and one too large, are refused: RFC 6749 section 3.2', async () => {
    const json = await post(tokenUrl, '{}', { ...basic(server.a), 'content-type': 'application/json' });
    expect([json.status, json.body.error]).toEqual([400, 'invalid_request']);
    const large = await post(tokenUrl, { ...grant, padding: 'x'.repeat(300_000) }, basic(server.a));
    expect([large.status, large.body.error]).toEqual([413, 'invalid_request']);
    const twice = await post(tokenUrl, 'grant_type=client_credentials&scope=a&scope=b', basic(server.a));
    expect([twice.status, twice.body.error]).toEqual([400, 'invalid_request']);
  });
});

describe('scopes of a token request', () => {
  test.each([
    ['none: all of the client', undefined, 'system/*.cruds'],
    ['version 1 stays version 1: security.md 33', 'system/Patient.read', 'system/Patient.read'],
    [
      'not granted ones are dropped: security.md 32',
      'openid patient/Patient.rs system/Patient.r launch',
      'system/Patient.r',
    ],
    ['user scopes are those of its roles: contract.md 47', 'user/Patient.rs', 'user/Patient.rs'],
    ['an unknown type is dropped', 'system/Nothing.rs system/Patient.s', 'system/Patient.s'],
    [
      'a constraint that is not enforced is dropped',
      'system/Observation.rs?_has:Group:member:_id=1 system/Patient.s',
      'system/Patient.s',
    ],
  ])('%s', async (_, scope, granted) => {
    const answer = await post(tokenUrl, { ...grant, ...(scope ? { scope } : {}) }, basic(server.a));
    expect([answer.status, answer.body.scope]).toEqual([200, granted]);
    expect(decodeJwt(answer.body.access_token).scope).toBe(granted);
  });

  test.each([
    ['letters out of order', 'system/Patient.sr'],
    ['no letters', 'system/Patient.'],
    ['junk after a wildcard', 'system/*.*x'],
    ['a NUL', 'system/Patient.rs \0'],
    ['one malformed among good ones', 'system/Patient.rs whatever'],
    ['10 kB', `system/Patient.rs ${'system/Patient.rs?a=b'.repeat(500)}`],
    ['5,000 scopes', Array.from({ length: 5_000 }, (_, n) => `launch/${'a'.repeat((n % 9) + 1)}`).join(' ')],
    ['nothing left', 'patient/*.cruds openid'],
    ['only an unknown type', 'system/Nothing.rs'],
  ])('%s: invalid_scope', async (_, scope) => {
    const answer = await post(tokenUrl, { ...grant, scope }, basic(server.a));
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_scope']);
  });

  test('another resource than the FHIR base: invalid_target, RFC 8707', async () => {
    const own = await post(tokenUrl, { ...grant, resource: `${publicUrl}/t/clinic-a/fhir` }, basic(server.a));
    expect(own.status).toBe(200);
    const other = await post(tokenUrl, { ...grant, resource: `${publicUrl}/t/clinic-b/fhir` }, basic(server.a));
    expect([other.status, other.body.error]).toEqual([400, 'invalid_target']);
  });
});

describe('where things are', () => {
  test('comes from the configuration only, whatever Host says: security.md 68', async () => {
    const forged = { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'http', forwarded: 'host=evil.test' };
    const paths = ['.well-known/openid-configuration', '.well-known/oauth-authorization-server'];
    for (const path of [...paths, 'fhir/.well-known/smart-configuration']) {
      const answer = await get(`${server.url}/t/clinic-a/${path}`, forged);
      expect(answer.status).toBe(200);
      expect(JSON.stringify(answer.body)).not.toMatch(/127\.0\.0\.1|evil/);
      expect(answer.body).toMatchObject({
        issuer: `${publicUrl}/t/clinic-a`,
        token_endpoint: `${publicUrl}/t/clinic-a/token`,
        jwks_uri: `${publicUrl}/t/clinic-a/jwks`,
        introspection_endpoint: `${publicUrl}/t/clinic-a/introspect`,
        revocation_endpoint: `${publicUrl}/t/clinic-a/revoke`,
        authorization_endpoint: `${publicUrl}/t/clinic-a/authorize`,
        grant_types_supported: [
          ...['authorization_code', 'refresh_token', 'client_credentials'],
          'urn:ietf:params:oauth:grant-type:token-exchange',
        ],
        token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
      });
    }
  });

  test('the SMART configuration names its capabilities: SMART App Launch 2.2, Conformance', async () => {
    const { body } = await get(`${server.url}/t/clinic-a/fhir/.well-known/smart-configuration`);
    expect(body.capabilities).toEqual(expect.arrayContaining(['client-confidential-asymmetric', 'permission-v2']));
    expect(body.code_challenge_methods_supported).toEqual(['S256']);
  });

  test('the keys are public: no private part', async () => {
    const { body } = await get(`${server.url}/t/clinic-a/jwks`);
    expect(body.keys.map((key: object) => Object.keys(key).sort())).toEqual([
      ['alg', 'e', 'kid', 'kty', 'n', 'use'],
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
    ]);
  });

  test.each(['auth', 'me', 'request', 'session/end', 'reg', 'device', 'interaction', 'token/x', 'TOKEN', ''])(
    'the door /%s is shut',
    async (path) => {
      expect((await get(`${server.url}/t/clinic-a/${path}`)).status).toBe(404);
      expect((await post(`${server.url}/t/clinic-a/${path}`, {})).status).toBe(404);
    },
  );

  test('a tenant whose making is not finished is not there yet, and there when it is', async () => {
    await server.systemDoor(async (trx) =>
      trx.execute({ text: "INSERT INTO tenant (name, display) VALUES ('half', 'Half')" }),
    );
    const isThere = async () => (await fetch(`${server.url}/t/half/jwks`)).status === 200;
    expect(await isThere()).toBe(false);
    const made = await createTenant(server, { name: 'half' });
    // The notice of it comes on a connection of its own; without one it is asked for again within a second.
    while (!(await isThere())) await new Promise((resolve) => setImmediate(resolve));
    expect((await requestToken(server, made)).length).toBeGreaterThan(0);
  });

  test('GET on an endpoint that takes POST: 405', async () => {
    const answer = await get(tokenUrl);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('no other origin may read the token endpoint, preflight included: security.md 66', async () => {
    for (const origin of ['null', 'https://evil.test', 'https://fhir.clinic.test.evil.test']) {
      const answer = await post(tokenUrl, grant, { ...basic(server.a), origin });
      const preflight = await fetch(tokenUrl, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
      for (const { headers } of [answer, preflight]) {
        expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
      }
    }
  });
});

test('nothing went wrong inside', () => expect(server.errors).toEqual([]));
