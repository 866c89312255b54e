// API clients over the administration API, in two tenants: contract.md 47, security.md 45, 62, 64

import { describe, expect, test } from '@jest/globals';
import { findClient, hashSecret } from '../../src/people/clients.ts';
import { withClient } from '../support/database.ts';
import { fetchToken } from '../support/server.ts';
import { useAdminServer } from './admin-requests.ts';
import { expectRefusal } from './refusals.ts';

const admin = useAdminServer();
const { a, b } = admin;

const system = { name: 'Laboratory', grantTypes: ['client_credentials'], scope: 'system/*.rs', roles: ['cashier'] };
const app = {
  name: 'App',
  grantTypes: ['authorization_code', 'refresh_token'],
  scope: 'launch/patient patient/*.rs offline_access',
  redirectUris: ['https://app.example.org/callback'],
  tokenEndpointAuthMethod: 'none',
};
const rsa = { kty: 'RSA', n: 'x'.repeat(342), e: 'AQAB' };
const stored = async (clientId: string) => {
  const cipher = await admin.server.app.doors.keyRing.cipherOf(admin.server.a.id);
  return await admin.server.app.doors.tenantDoor(admin.server.a.id, (trx) => findClient(trx, cipher, clientId));
};
const register = async (more: object = {}, by = a) => {
  const answer = await by('POST', '/clients', { ...system, ...more });
  expect([answer.status, answer.text]).toEqual([201, answer.text]);
  return answer.json;
};

describe('a registration', () => {
  test('of a system gives its id and secret, which is shown this once (contract.md 47)', async () => {
    const { clientId, clientSecret, ...rest } = await register({ fhirUser: 'Practitioner/1' });
    expect(Buffer.from(clientSecret, 'base64url')).toHaveLength(32);
    expect(rest).toMatchObject({
      ...system,
      fhirUser: 'Practitioner/1',
      tokenEndpointAuthMethod: 'client_secret_basic',
    });
    const read = await a('GET', `/clients/${clientId}`);
    expect(read.json).toEqual({ clientId, ...rest });
    expect((await a('GET', '/clients')).json).toContainEqual(read.json);
    expect((await stored(clientId))?.secretHash).toEqual(hashSecret(clientSecret));
    expect(await fetchToken(admin.server.origin, 'clinic-a', clientId, clientSecret)).toEqual(expect.any(String));
  });

  test('of a public app has no secret, and one with keys none either (the CHECK of the table agrees)', async () => {
    const open = await register(app);
    expect(open.clientSecret).toBeUndefined();
    expect(await stored(open.clientId)).toMatchObject({ secretHash: undefined, jwks: undefined, jwksUri: undefined });
    const withKeys = await register({ jwks: { keys: [rsa] } });
    expect(withKeys).toMatchObject({ tokenEndpointAuthMethod: 'private_key_jwt', jwks: { keys: [rsa] } });
    const elsewhere = await register({ jwksUri: 'https://lab.example.org/jwks' });
    expect(elsewhere).toMatchObject({
      tokenEndpointAuthMethod: 'private_key_jwt',
      jwksUri: 'https://lab.example.org/jwks',
    });
    expect([withKeys.clientSecret, elsewhere.clientSecret]).toEqual([undefined, undefined]);
    await withClient(admin.server.database.url, async (client) => {
      const spoil = `UPDATE store.client SET jwks_uri = 'https://x' WHERE client_id = $1`;
      await expect(client.query(spoil, [open.clientId])).rejects.toThrow('client_proof');
      await expect(client.query(spoil, [withKeys.clientId])).rejects.toThrow('client_proof');
    });
  });

  test('keeps everything an app registers, name and contacts encrypted', async () => {
    const all = {
      ...app,
      name: 'Canary app',
      redirectUris: [...app.redirectUris, 'http://127.0.0.1:8080/cb', 'org.example.app:/cb'],
      postLogoutRedirectUris: ['https://app.example.org/bye'],
      origins: ['https://app.example.org'],
      launchUrl: 'https://app.example.org/launch',
      logoUri: 'https://app.example.org/logo.png',
      clientUri: 'https://app.example.org',
      contacts: ['canary-contact@app.example.org'],
      roles: [],
    };
    const { clientId } = await register(all);
    expect((await a('GET', `/clients/${clientId}`)).json).toMatchObject(all);
    const { rows } = await withClient(admin.server.database.url, (client) =>
      client.query('SELECT to_jsonb(t)::text AS text FROM store.client AS t'),
    );
    const dump = JSON.stringify(rows);
    for (const text of ['Canary app', 'canary-contact']) {
      expect(dump).not.toContain(text);
      expect(dump).not.toContain(Buffer.from(text).toString('hex'));
    }
    expect(dump).toContain('https://app.example.org/launch');
  });

  const redirect = (uri: string) => ({ ...app, redirectUris: [uri] });
  test.each<[string, object, number?]>([
    ['a redirect URI with a fragment', redirect('https://app.example.org/cb#x')],
    ['a redirect URI with a user', redirect('https://user@app.example.org/cb')],
    ['a redirect URI with a wildcard', redirect('https://*.example.org/cb')],
    ['a redirect URI of script', redirect('javascript:alert(1)')],
    ['a redirect URI of data', redirect('data:text/html,x')],
    ['a redirect URI without TLS', redirect('http://app.example.org/cb')],
    ['a redirect URI with steps', redirect('https://app.example.org/a/../cb')],
    ['a relative redirect URI', redirect('/cb')],
    ['no redirect URI for codes', { ...app, redirectUris: [] }],
    ['an origin with a path', { ...app, origins: ['https://app.example.org/x'] }],
    ['the origin null', { ...app, origins: ['null'] }],
    ['a launch URL of script', { ...app, launchUrl: 'javascript:alert(1)' }],
    ['a logo without TLS', { ...app, logoUri: 'http://169.254.169.254/x' }],
    ['keys without TLS', { ...system, jwksUri: 'http://169.254.169.254/jwks' }],
    ['keys and where they are', { ...system, jwks: { keys: [rsa] }, jwksUri: 'https://lab.example.org/jwks' }],
    ['private keys', { ...system, jwks: { keys: [{ ...rsa, d: 'x' }] } }],
    [
      'keys for a client with a secret',
      { ...system, tokenEndpointAuthMethod: 'client_secret_basic', jwks: { keys: [rsa] } },
    ],
    ['no keys for private_key_jwt', { ...system, tokenEndpointAuthMethod: 'private_key_jwt' }],
    ['a public client that acts for itself', { ...system, tokenEndpointAuthMethod: 'none' }],
    ['refresh tokens of nothing', { ...system, grantTypes: ['refresh_token'] }],
    ['a grant type that is closed', { ...system, grantTypes: ['password'] }],
    ['a scope that is none', { ...system, scope: 'system/Patient.sr' }],
    ['a scope too long', { ...system, scope: 'x'.repeat(8_001) }],
    ['an unknown role', { ...system, roles: ['emperor'] }],
    ['a member there is not', { ...system, clientSecret: 'mine' }, 400],
    ['no name', { ...system, name: undefined }],
  ])('with %s is refused', async (_, wrong, status = 422) => {
    expectRefusal(await a('POST', '/clients', wrong), status);
  });

  test('never gives the rights of system administrators, nor is one with them managed: 403', async () => {
    expectRefusal(await a('POST', '/clients', { ...system, roles: ['system-admin'] }), 403);
    const { clientId } = await register();
    await withClient(admin.server.database.url, (client) =>
      client.query("UPDATE store.client SET roles = '{system-admin}' WHERE client_id = $1", [clientId]),
    );
    expectRefusal(await a('POST', `/clients/${clientId}/rotate-secret`, {}), 403);
    expectRefusal(await a('PATCH', `/clients/${clientId}`, { name: 'Mine' }), 403);
    expectRefusal(await a('DELETE', `/clients/${clientId}`), 403);
  });
});

describe('a change', () => {
  test('is merged; null takes an optional member away; the way it proves itself stays', async () => {
    const { clientId } = await register({ ...app, launchUrl: 'https://app.example.org/launch' });
    const changed = await a('PATCH', `/clients/${clientId}`, { name: 'New', launchUrl: null });
    expect(changed.json).toMatchObject({
      name: 'New',
      redirectUris: app.redirectUris,
      tokenEndpointAuthMethod: 'none',
    });
    expect(changed.json.launchUrl).toBeUndefined();
    expectRefusal(await a('PATCH', `/clients/${clientId}`, { redirectUris: [] }), 422);
    expectRefusal(await a('PATCH', `/clients/${clientId}`, { jwks: { keys: [rsa] } }), 422);
    expectRefusal(await a('PATCH', `/clients/${clientId}`, { tokenEndpointAuthMethod: 'private_key_jwt' }), 400);
    expectRefusal(await a('PATCH', `/clients/${clientId}`, { name: null }), 400);
    const withKeys = await register({ jwks: { keys: [rsa] } });
    const moved = await a('PATCH', `/clients/${withKeys.clientId}`, { jwksUri: 'https://lab.example.org/jwks' });
    expect([moved.json.jwks, moved.json.jwksUri]).toEqual([undefined, 'https://lab.example.org/jwks']);
  });

  test('of the secret leaves the one before good until it ends; 0 ends it at once; who has none is a 409', async () => {
    const { clientId, clientSecret } = await register();
    const rotated = (await a('POST', `/clients/${clientId}/rotate-secret`, { overlapSeconds: 3_600 })).json;
    expect(rotated.clientSecret).not.toBe(clientSecret);
    const ends = new Date(rotated.previousSecretEndsAt).getTime();
    expect(Math.abs(ends - Date.now() - 3_600_000)).toBeLessThan(60_000);
    expect(await stored(clientId)).toMatchObject({
      secretHash: hashSecret(rotated.clientSecret),
      previousSecretHash: hashSecret(clientSecret),
    });
    expect((await a('GET', `/clients/${clientId}`)).json.previousSecretEndsAt).toBe(rotated.previousSecretEndsAt);
    await withClient(admin.server.database.url, (client) =>
      client.query("UPDATE store.client SET previous_secret_ends_at = now() - interval '1 s' WHERE client_id = $1", [
        clientId,
      ]),
    );
    expect((await stored(clientId))?.previousSecretHash).toBeUndefined();
    const again = (await a('POST', `/clients/${clientId}/rotate-secret`, { overlapSeconds: 0 })).json;
    expect(again.previousSecretEndsAt).toBeUndefined();
    expect(await stored(clientId)).toMatchObject({
      secretHash: hashSecret(again.clientSecret),
      previousSecretHash: undefined,
    });
    expect((await a('GET', `/clients/${clientId}`)).json.previousSecretEndsAt).toBeUndefined();
    const open = await register(app);
    expectRefusal(await a('POST', `/clients/${open.clientId}/rotate-secret`, {}), 409);
    expectRefusal(await a('POST', `/clients/${clientId}/rotate-secret`, { overlapSeconds: 700_000 }), 422);
  });

  test('to disabled ends its tokens at once, and can be taken back (security.md 62)', async () => {
    const { clientId, clientSecret } = await register({ roles: [] });
    const newToken = () => fetchToken(admin.server.origin, 'clinic-a', clientId, clientSecret);
    let token = await newToken();
    const ask = () => admin.server.a.request('GET', '/Patient', undefined, { Authorization: `Bearer ${token}` });
    expect((await ask()).status).toBe(200);
    expect((await a('DELETE', `/clients/${clientId}`)).status).toBe(204);
    expect((await ask()).status).toBe(401);
    expect((await a('DELETE', `/clients/${clientId}`)).status).toBe(204);
    expect((await a('GET', `/clients/${clientId}`)).json.active).toBe(false);
    expect((await a('PATCH', `/clients/${clientId}`, { active: true })).json.active).toBe(true);
    expect((await ask()).status).toBe(401);
    token = await newToken();
    expect((await ask()).status).toBe(200);
    expect((await a('PATCH', `/clients/${clientId}`, { scope: 'system/Observation.rs' })).status).toBe(200);
    expect((await ask()).status).toBe(403);
  });

  test("of another tenant's client, or of none, is a 404 like any other", async () => {
    const { clientId } = await register({}, b);
    for (const path of [`/clients/${clientId}`, '/clients/none', '/clients/%00']) {
      expectRefusal(await a('GET', path), 404);
      expectRefusal(await a('PATCH', path, { name: 'Mine' }), 404);
      expectRefusal(await a('POST', `${path}/rotate-secret`, {}), 404);
      expectRefusal(await a('DELETE', path), 404);
    }
    expect((await b('GET', `/clients/${clientId}`)).json).toMatchObject({ name: system.name, active: true });
    expect((await a('GET', '/clients?limit=200')).text).not.toContain(clientId);
    // No page is behind it either: an empty one would say that there are no more.
    expectRefusal(await a('GET', `/clients?after=${clientId}`), 400);
  });
});
