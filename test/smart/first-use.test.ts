// What an access token costs and may do before it is known: RFC 9068 section 4, architecture.md, Access tokens

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey, SignJWT } from 'jose';
import type { TenantDoor } from '../../src/database/tenant-transaction.ts';
import { type Authenticator, createAuthenticator } from '../../src/smart/caller.ts';
import { issuerUrls } from '../../src/smart/urls.ts';
import { readSigningKeys, type SigningKey } from '../../src/tenants/signing-key.ts';
import { withClient } from '../support/database.ts';
import { recordingDoor } from '../support/recording-door.ts';
import { publicUrl, requestToken, type SmartServer, startSmartServer } from './smart-server.ts';

let server: SmartServer;
let signingKeys: SigningKey[];
let authenticator: Authenticator;
/** Names of the statements that were asked for. */
let asked: string[];
let keysAsked: number;

beforeAll(async () => {
  server = await startSmartServer();
  const cipher = await server.keyRing.cipherOf(server.a.tenantId);
  signingKeys = await server.tenantDoor(server.a.tenantId, (trx) => readSigningKeys(trx, cipher));
});
afterAll(() => server.close());

beforeEach(() => {
  asked = [];
  keysAsked = 0;
  authenticator = open(recordingDoor(server.tenantDoor, asked));
});

function open(tenantDoor: TenantDoor): Authenticator {
  const keys = createLocalJWKSet({ keys: signingKeys.map(({ d: _, ...key }) => key) } as JSONWebKeySet);
  const publicKeys: JWTVerifyGetKey = (header, token) => {
    keysAsked += 1;
    return keys(header, token);
  };
  const { tenantId } = server.a;
  const resourceTypes = new Set(['Patient', 'Observation']);
  const urls = issuerUrls(publicUrl, 'clinic-a');
  return createAuthenticator({ tenantId, tenantDoor, keyRing: server.keyRing, urls, publicKeys, resourceTypes });
}

const freshToken = () => requestToken(server, server.a, 'system/Patient.rs');
const use = async (token: string) => await authenticator.authenticate(`Bearer ${token}`);
const refused = { status: 401 };
const rowAndClient = ['find-token-row', 'find-token-client'];

/** The same claims, not signed by the tenant. */
function forge(token: string): string {
  const [header, payload, signature = ''] = token.split('.');
  const other = signature.startsWith('A') ? 'B' : 'A';
  return `${header}.${payload}.${other}${signature.slice(1)}`;
}

describe('the first use of a token', () => {
  test('asks for its row and its client in one turn, while the signature is verified', async () => {
    const used = authenticator.authenticate(`Bearer ${await freshToken()}`);
    expect([asked, keysAsked]).toEqual([rowAndClient, 0]);
    expect(await used).toMatchObject({ kind: 'client', clientId: server.a.clientId });
    expect([asked, keysAsked]).toEqual([rowAndClient, 1]);
  });

  test('asks for its row alone where the client was asked for a moment ago, and gives the same rights', async () => {
    const [one, another] = [await freshToken(), await freshToken()];
    const before = await use(one);
    asked.length = 0;
    expect(await use(another)).toEqual(before);
    expect(asked).toEqual(['find-token-row']);
  });

  test('verifies no signature where the token was issued here, for that was done behind the answer', async () => {
    const token = await freshToken();
    await authenticator.issued(token);
    expect(keysAsked).toBe(1);
    expect(await use(token)).toMatchObject({ clientId: server.a.clientId });
    expect(keysAsked).toBe(1);
  });

  test('is refused all the same when the row of a verified token is gone', async () => {
    const token = await freshToken();
    await authenticator.issued(token);
    await withClient(server.database.url, (client) => client.query('DELETE FROM store.access_token'));
    await expect(use(token)).rejects.toMatchObject(refused);
  });
});

describe('what is no token of here', () => {
  test('is refused before the database is asked: no scheme, no JWT, one that has expired', async () => {
    const [header, payload = '', signature] = (await freshToken()).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const expired = Buffer.from(JSON.stringify({ ...claims, exp: 1_000 })).toString('base64url');
    for (const text of ['', 'Bearer', 'Basic eA==', 'Bearer a.b.c', `Bearer ${header}.${expired}.${signature}`]) {
      expect(() => authenticator.authenticate(text)).toThrow(expect.objectContaining(refused));
    }
    expect([asked, keysAsked]).toEqual([[], 0]);
  });

  test('is asked for once when it is forged; the next ones have to be signed before anything is asked', async () => {
    const token = await freshToken();
    const [first, ...others] = [token, await freshToken(), await freshToken()].map(forge);
    await expect(use(first as string)).rejects.toMatchObject(refused);
    asked.length = 0;
    for (const one of others) await expect(use(one)).rejects.toMatchObject(refused);
    expect(asked).toEqual([]);
    expect(await use(token)).toMatchObject({ clientId: server.a.clientId });
    expect(asked).toContain('find-token-row');
  });

  test('is asked for sixteen times at once at most, however many come', async () => {
    const token = await freshToken();
    const [header, payload] = token.split('.');
    const forged = Array.from({ length: 60 }, (_, n) => `${header}.${payload}.${String(n).padStart(86, 'A')}`);
    const all = await Promise.allSettled(forged.map(use));
    expect(all.map(({ status }) => status)).toEqual(forged.map(() => 'rejected'));
    expect(asked.filter((name) => name === 'find-token-row')).toHaveLength(16);
    expect(await use(token)).toMatchObject({ clientId: server.a.clientId });
  });

  test('is not remembered as verified, neither when it is forged nor when it is no access token', async () => {
    const [key] = signingKeys;
    const claims = {
      ...{ iss: `${publicUrl}/t/clinic-a`, aud: `${publicUrl}/t/clinic-a/fhir`, jti: 'x', exp: Date.now() },
      ...{ sub: server.a.clientId, client_id: server.a.clientId },
    };
    const idToken = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: key?.kid ?? '', typ: 'JWT' })
      .sign(key as Parameters<SignJWT['sign']>[0]);
    for (const one of [forge(await freshToken()), idToken]) {
      await authenticator.issued(one);
      await expect(use(one)).rejects.toMatchObject(refused);
    }
    expect(keysAsked).toBeGreaterThan(0);
  });

  test("another client's: what its JWT says and its row must agree", async () => {
    const [key] = signingKeys;
    const token = await freshToken();
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const sign = (more: object) =>
      new SignJWT({ ...claims, ...more })
        .setProtectedHeader({ alg: 'ES256', kid: key?.kid ?? '', typ: 'at+jwt' })
        .sign(key as Parameters<SignJWT['sign']>[0]);
    await expect(use(await sign({ client_id: 'other', sub: 'other' }))).rejects.toMatchObject(refused);
    await expect(use(await sign({ sub: 'e3b1a1de-30ab-4b0c-9c9c-9c0c0c0c0c0c' }))).rejects.toMatchObject(refused);
    expect(await use(await sign({}))).toMatchObject({ clientId: server.a.clientId });
  });
});
