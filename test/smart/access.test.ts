// What an access token is worth at the FHIR API, and how it ends: RFC 9068 section 4, RFC 7662, RFC 7009, security.md 2, 61 to 63

import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createClient, disableClient } from '../../src/people/clients.ts';
import { sweepExpired } from '../../src/smart/sweep-expired.ts';
import { withClient } from '../support/database.ts';
import {
  type Answer,
  basic,
  bearer,
  get,
  post,
  publicUrl,
  requestToken,
  type SmartServer,
  startSmartServer,
} from './smart-server.ts';

let server: SmartServer;

beforeAll(async () => {
  server = await startSmartServer();
});
afterAll(() => server.close());

const use = (token: string, tenant = 'clinic-a'): Promise<Answer> =>
  get(`${server.url}/t/${tenant}/fhir/Patient`, bearer(token));
const introspect = (token: string, client = server.a) =>
  post(`${server.url}/t/${client.tenant}/introspect`, { token }, basic(client));
const revoke = (token: string, client = server.a) =>
  post(`${server.url}/t/${client.tenant}/revoke`, { token }, basic(client));

/** Resolves when the notice that some change sent has arrived. */
async function afterNotice(change: () => Promise<unknown>): Promise<void> {
  const before = server.notices();
  await change();
  while (server.notices() === before) await new Promise((resolve) => setImmediate(resolve));
}

describe('a good token', () => {
  test('stands for its client, with the rights of its scope', async () => {
    const answer = await use(await requestToken(server, server.a, 'system/Patient.rs system/Observation.r'));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      tenantId: server.a.tenantId,
      clientId: server.a.clientId,
      kind: 'client',
      agent: { reference: `Device/${server.a.clientId}`, display: 'First client' },
      grants: 2,
      roles: ['clinic-admin'],
    });
  });

  test('of a client with roles: without a scope it has all that they allow, and its own person: contract.md 47', async () => {
    const { tenantId } = server.a;
    const cipher = await server.keyRing.cipherOf(tenantId);
    const registration = { name: 'Kiosk', grantTypes: ['client_credentials'], scope: '', fhirUser: 'Practitioner/1' };
    const kiosk = await server.tenantDoor(tenantId, async (trx) =>
      createClient(trx, cipher, { ...registration, roles: ['front-desk'] }),
    );
    const tenant = { ...server.a, ...kiosk };
    const header = `Bearer ${await requestToken(server, tenant)}`;
    const caller = await server.smart.authenticate({ id: tenantId, name: 'clinic-a', display: '' }, header);
    expect(caller).toMatchObject({ kind: 'client', fhirUser: 'Practitioner/1' });
    expect([...(caller.operations ?? [])]).toContain('$hold');
    const appointment = caller.grants.find(({ type }) => type === 'Appointment');
    expect([appointment?.context, [...(appointment?.permissions ?? [])].sort()]).toEqual([
      'user',
      ['c', 'r', 's', 'u'],
    ]);
    const narrow = await requestToken(server, tenant, 'user/Appointment.r user/AuditEvent.r');
    expect((await use(narrow)).body.grants).toBe(1);
  });

  test('is answered without waiting when it was good a moment ago', async () => {
    const token = await requestToken(server, server.a);
    const tenant = { id: server.a.tenantId, name: 'clinic-a', display: '' };
    const header = `Bearer ${token}`;
    const first = server.smart.authenticate(tenant, header);
    expect(first).toBeInstanceOf(Promise);
    const caller = await first;
    expect(server.smart.authenticate(tenant, header)).toBe(caller);
    server.smart.forget();
    expect(server.smart.authenticate(tenant, header)).toBeInstanceOf(Promise);
  });

  test('cannot do more than its client may now: the registration shrinks, the token with it', async () => {
    const token = await requestToken(server, server.b, 'system/Patient.rs system/Observation.rs');
    await afterNotice(() => setScope(server.b.clientId, 'system/Patient.cruds'));
    expect((await use(token, 'clinic-b')).body.grants).toBe(1);
    await afterNotice(() => setScope(server.b.clientId, 'system/*.cruds'));
    expect((await use(token, 'clinic-b')).body.grants).toBe(2);
  });

  function setScope(clientId: string, scope: string) {
    return withClient(server.database.url, (client) =>
      client.query('UPDATE store.client SET scope = $1 WHERE client_id = $2', [scope, clientId]),
    );
  }
});

describe('refused with 401', () => {
  test('at another tenant: security.md 2', async () => {
    expect((await use(await requestToken(server, server.a), 'clinic-b')).status).toBe(401);
    expect((await use(await requestToken(server, server.b), 'clinic-a')).status).toBe(401);
  });

  test('no header, another scheme, no JWT, a token in the query', async () => {
    const token = await requestToken(server, server.a);
    const url = `${server.url}/t/clinic-a/fhir/Patient`;
    expect((await get(url)).status).toBe(401);
    expect((await get(`${url}?access_token=${token}`)).status).toBe(401);
    for (const authorization of [
      '',
      'Bearer',
      'Bearer ',
      token,
      `Basic ${token}`,
      'Bearer a.b.c',
      `Bearer ${token} x`,
    ]) {
      const answer = await get(url, { authorization });
      expect([answer.status, answer.body.issue[0].code]).toEqual([401, 'login']);
    }
  });

  test('forged: alg none, HS256 with the public key, another key under the known kid, embedded key', async () => {
    const token = await requestToken(server, server.a);
    const [header = '', payload = '', signature = ''] = token.split('.');
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
    const { body: jwks } = await get(`${server.url}/t/clinic-a/jwks`);
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const hs = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${payload}`;
    const mac = createHmac('sha256', JSON.stringify(jwks.keys[0])).update(hs).digest('base64url');
    const own = await generateKeyPair('ES256', { extractable: true });
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const sign = async (extra: Record<string, unknown>) =>
      await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...extra }).sign(own.privateKey);
    const forged = [
      `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.`,
      `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.${signature}`,
      `${hs}.${mac}`,
      await sign({}),
      await sign({ kid: 'x', jwk: await exportJWK(own.publicKey) }),
      await sign({ kid: '../../keys' }),
      `${header}.${encode({ ...claims, scope: 'system/*.cruds', client_id: 'x' })}.${signature}`,
    ];
    for (const one of forged) expect((await use(one)).status).toBe(401);
    expect((await use(token)).status).toBe(200);
  });

  test('a JWT of this very key that is no access token: RFC 9068 section 4, typ', async () => {
    const { signer, kid } = await signingKeyOf(server.a.tenantId);
    const claims = {
      iss: `${publicUrl}/t/clinic-a`,
      aud: `${publicUrl}/t/clinic-a/fhir`,
      sub: server.a.clientId,
      client_id: server.a.clientId,
      jti: 'x',
      exp: Math.floor(Date.now() / 1_000) + 100,
    };
    const sign = (typ: string) => new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid, typ }).sign(signer);
    expect((await use(await sign('JWT'))).status).toBe(401);
    // The right type, and still nothing without the row.
    expect((await use(await sign('at+jwt'))).status).toBe(401);
  });

  async function signingKeyOf(tenantId: number) {
    const { readSigningKeys } = await import('../../src/tenants/signing-key.ts');
    const cipher = await server.keyRing.cipherOf(tenantId);
    const keys = await server.tenantDoor(tenantId, (trx) => readSigningKeys(trx, cipher));
    const key = keys.find(({ alg }) => alg === 'ES256');
    return { kid: key!.kid, signer: key as Parameters<SignJWT['sign']>[0] };
  }

  test('when its row has expired, whatever the JWT says', async () => {
    const token = await requestToken(server, server.a);
    await withClient(server.database.url, (client) =>
      client.query("UPDATE store.access_token SET expires_at = now() - interval '1 second'"),
    );
    expect((await use(token)).status).toBe(401);
    expect((await introspect(token)).body).toEqual({ active: false });
  });

  test('when its row is gone: a sweep takes only what has expired', async () => {
    const token = await requestToken(server, server.a);
    await sweepExpired(server.systemDoor);
    const { rows } = await withClient(server.database.url, (client) =>
      client.query('SELECT bool_and(expires_at > now()) AS live, count(*)::int AS count FROM store.access_token'),
    );
    expect(rows).toEqual([{ live: true, count: 1 }]);
    expect((await use(token)).status).toBe(200);
    await withClient(server.database.url, (client) => client.query('DELETE FROM store.access_token'));
    server.smart.forget();
    expect((await use(token)).status).toBe(401);
  });
});

describe('introspection', () => {
  test('describes the own token: RFC 7662 section 2.2', async () => {
    const token = await requestToken(server, server.a, 'system/Patient.rs');
    const answer = await introspect(token);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({
      active: true,
      client_id: server.a.clientId,
      scope: 'system/Patient.rs',
      iss: `${publicUrl}/t/clinic-a`,
      aud: `${publicUrl}/t/clinic-a/fhir`,
      iat: expect.any(Number),
      exp: expect.any(Number),
      token_type: 'Bearer',
    });
  });

  test('says only "not active" of others: unknown, forged, another client, another tenant', async () => {
    const token = await requestToken(server, server.a);
    const [header, payload] = token.split('.');
    const other = { ...server.a, ...(await anotherClient()) };
    for (const answer of [
      await introspect('whatever'),
      await introspect(`${header}.${payload}.AAAA`),
      await introspect(token, other),
      await introspect(token, server.b),
    ]) {
      expect([answer.status, answer.body]).toEqual([200, { active: false }]);
    }
  });

  test('needs the client to prove itself: security.md 61', async () => {
    const token = await requestToken(server, server.a);
    const nobody = { ...server.a, clientSecret: 'wrong' };
    expect((await introspect(token, nobody)).status).toBe(401);
    expect((await revoke(token, nobody)).status).toBe(401);
    expect((await post(`${server.url}/t/clinic-a/introspect`, { token })).status).toBe(400);
    expect((await use(token)).status).toBe(200);
  });
});

async function anotherClient() {
  const { tenantId } = server.a;
  const cipher = await server.keyRing.cipherOf(tenantId);
  const registration = { name: 'Other', grantTypes: ['client_credentials'], scope: 'system/*.rs', roles: [] };
  return await server.tenantDoor(tenantId, async (trx) => createClient(trx, cipher, registration));
}

describe('the end of a token', () => {
  test('revoked: refused at the next request, on this process at once (security.md 62)', async () => {
    const token = await requestToken(server, server.a);
    expect((await use(token)).status).toBe(200);
    await afterNotice(() => revoke(token));
    expect((await use(token)).status).toBe(401);
    expect((await introspect(token)).body).toEqual({ active: false });
    expect((await revoke(token)).status).toBe(200);
  });

  test('another client cannot revoke it: RFC 7009 section 2.1', async () => {
    const token = await requestToken(server, server.a);
    const other = { ...server.a, ...(await anotherClient()) };
    expect((await revoke(token, other)).status).toBe(400);
    expect((await revoke(token, server.b)).status).toBe(200);
    expect((await use(token)).status).toBe(200);
  });

  test('its client is disabled: its tokens die, and it gets no new ones', async () => {
    const other = { ...server.a, ...(await anotherClient()) };
    const token = await requestToken(server, other);
    expect((await use(token)).status).toBe(200);
    const disable = () => server.tenantDoor(server.a.tenantId, (trx) => disableClient(trx, other.clientId));
    await afterNotice(async () => expect(await disable()).toBe(true));
    expect((await use(token)).status).toBe(401);
    expect(await disable()).toBe(false);
    const again = await post(`${server.url}/t/clinic-a/token`, { grant_type: 'client_credentials' }, basic(other));
    expect([again.status, again.body.error]).toEqual([401, 'invalid_client']);
  });

  test('its tenant is suspended: as unknown as one that never was', async () => {
    const token = await requestToken(server, server.b);
    const setStatus = (status: string) =>
      server.systemDoor(async (trx) =>
        trx.execute({ text: "UPDATE tenant SET status = $1 WHERE name = 'clinic-b'", values: [status] }),
      );
    await afterNotice(() => setStatus('suspended'));
    expect((await fetch(`${server.url}/t/clinic-b/fhir/Patient`, { headers: bearer(token) })).status).toBe(404);
    expect((await fetch(`${server.url}/t/clinic-b/jwks`)).status).toBe(404);
    await afterNotice(() => setStatus('active'));
    expect((await use(token, 'clinic-b')).status).toBe(200);
  });
});

test('nothing readable of tokens, names or secrets is in the tables', async () => {
  const token = await requestToken(server, server.a);
  await withClient(server.database.url, async (client) => {
    const rows: unknown[] = [];
    const kept = ['app_grant', 'app_consent', 'smart_launch', 'login_session'];
    for (const table of [
      'client',
      'account',
      'signing_key',
      'access_token',
      'used_assertion',
      'oidc_record',
      ...kept,
    ]) {
      rows.push((await client.query(`SELECT to_jsonb(t)::text AS text FROM store.${table} AS t`)).rows);
    }
    const dump = JSON.stringify(rows);
    expect(dump).toContain(server.a.clientId);
    const jti = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti;
    for (const secret of [server.a.clientSecret, 'First client', jti, token]) {
      expect(dump).not.toContain(secret);
      expect(dump).not.toContain(Buffer.from(secret).toString('hex'));
    }
    // A private key in the clear would begin like any JWK.
    expect(dump).not.toContain(Buffer.from('"kty"').toString('hex'));
  });
});

test('nothing went wrong inside', () => expect(server.errors).toEqual([]));
