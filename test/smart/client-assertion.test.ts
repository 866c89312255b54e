// Clients that authenticate with their own keys: https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html, RFC 7523

import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClientWithKeys } from '../../src/people/clients.ts';
import {
  type Answer,
  type AssertionOptions,
  assertionForm,
  type KeyPair,
  makeAssertion,
  makeKeyPair,
  post,
  publicUrl,
  type SmartServer,
  startSmartServer,
} from './smart-server.ts';

let server: SmartServer;
let keys: KeyPair;
let clientId: string;

const aud = `${publicUrl}/t/clinic-a/token`;
const registration = {
  name: 'Laboratory system',
  grantTypes: ['client_credentials'],
  scope: 'system/*.rs',
  roles: [],
};

beforeAll(async () => {
  server = await startSmartServer();
  keys = await makeKeyPair('ES384');
  clientId = await register(keys);
});
afterAll(() => server.close());

async function register(keyPair: KeyPair): Promise<string> {
  const { tenantId } = server.a;
  const cipher = await server.keyRing.cipherOf(tenantId);
  const jwks = { keys: [keyPair.publicJwk] };
  return (await server.tenantDoor(tenantId, async (trx) => createClientWithKeys(trx, cipher, registration, jwks)))
    .clientId;
}

function present(assertion: string, tenant = 'clinic-a'): Promise<Answer> {
  return post(`${server.url}/t/${tenant}/token`, assertionForm(assertion));
}

const nowSeconds = () => Math.floor(Date.now() / 1_000);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('private_key_jwt', () => {
  test.each(['RS384', 'ES384'] as const)('%s gives a token', async (alg) => {
    const pair = await makeKeyPair(alg);
    const answer = await present(await makeAssertion(pair, await register(pair), aud));
    expect([answer.status, answer.body.scope, answer.body.expires_in]).toEqual([200, 'system/*.rs', 300]);
  });

  test('the issuer is accepted as aud, too: RFC 7523 section 3', async () => {
    expect((await present(await makeAssertion(keys, clientId, `${publicUrl}/t/clinic-a`))).status).toBe(200);
  });

  test.each<[string, AssertionOptions]>([
    ['exp an hour ahead', { claims: { exp: nowSeconds() + 3_600 } }],
    ['exp 6 minutes ahead', { claims: { exp: nowSeconds() + 360 } }],
    ['exp past', { claims: { exp: nowSeconds() - 60 } }],
    ['no exp', { claims: { exp: undefined } }],
    ['exp no number', { claims: { exp: '9999999999' } }],
    ['iat in the future', { claims: { iat: nowSeconds() + 120 } }],
    ['nbf in the future', { claims: { nbf: nowSeconds() + 120 } }],
    ['no jti', { claims: { jti: undefined } }],
    ['jti no string', { claims: { jti: 7 } }],
    ['iss another than sub', { claims: { iss: 'somebody' } }],
    ['aud of another tenant', { claims: { aud: `${publicUrl}/t/clinic-b/token` } }],
    ['aud of the FHIR base', { claims: { aud: `${publicUrl}/t/clinic-a/fhir` } }],
    ['a list of audiences', { claims: { aud: [aud, `${publicUrl}/t/clinic-b/token`] } }],
    ['no kid', { header: { kid: undefined } }],
    ['kid of no key', { header: { kid: 'key-2' } }],
    ['kid that is a path', { header: { kid: '../../etc/passwd' } }],
    ['kid that is SQL', { header: { kid: "' OR 1=1--" } }],
    ['kid of 100 kB', { header: { kid: 'k'.repeat(100_000) } }],
    ['jku', { header: { jku: 'http://169.254.169.254/jwks' } }],
  ])('%s: 401 invalid_client (security.md 50, 51, 53)', async (_, options) => {
    // The control: without the change it is a good assertion.
    expect((await present(await makeAssertion(keys, clientId, aud))).status).toBe(200);
    const answer = await present(await makeAssertion(keys, clientId, aud, options));
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
  });

  test('aud is where the configuration says the server is, not where the request came in: security.md 68', async () => {
    const { host } = new URL(server.url);
    // Another client, whose failures of this minute are not used up.
    clientId = await register(keys);
    const elsewhere = await makeAssertion(keys, clientId, `${server.url}/t/clinic-a/token`);
    expect((await present(elsewhere)).status).toBe(401);
    const forged = await post(`${server.url}/t/clinic-a/token`, assertionForm(elsewhere), { 'x-forwarded-host': host });
    expect(forged.status).toBe(401);
  });

  test('a key of somebody else, also one brought along in the header: 401', async () => {
    const others = await makeKeyPair('ES384');
    const plain = await present(await makeAssertion(others, clientId, aud));
    const embedded = await present(await makeAssertion(others, clientId, aud, { header: { jwk: others.publicJwk } }));
    const url = await present(await makeAssertion(others, clientId, aud, { header: { x5u: 'http://evil.test/' } }));
    expect([plain.status, embedded.status, url.status]).toEqual([401, 401, 401]);
  });

  test('alg none, HS256 and HS384 keyed with the public key, RS384 for an EC key, crit: 401', async () => {
    const claims = { iss: clientId, sub: clientId, aud, jti: randomUUID(), exp: nowSeconds() + 200 };
    const sign = (alg: string, digest: string) => {
      const input = `${encode({ alg, kid: 'key-1', typ: 'JWT' })}.${encode(claims)}`;
      return `${input}.${createHmac(digest, JSON.stringify(keys.publicJwk)).update(input).digest('base64url')}`;
    };
    const [, payload, signature] = (await makeAssertion(keys, clientId, aud)).split('.');
    const forged = [
      `${encode({ alg: 'none', kid: 'key-1' })}.${encode(claims)}.`,
      `${encode({ alg: 'none', kid: 'key-1' })}.${payload}.${signature}`,
      sign('HS256', 'sha256'),
      sign('HS384', 'sha384'),
      `${encode({ alg: 'RS384', kid: 'key-1' })}.${payload}.${signature}`,
      `${encode({ alg: 'ES384', kid: 'key-1', crit: ['x'], x: 1 })}.${payload}.${signature}`,
      'no.jwt.at-all',
      'nonsense',
    ];
    for (const assertion of forged) {
      const answer = await present(assertion);
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
    }
  });

  test('a client with keys cannot use a secret, one with a secret no keys', async () => {
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: 'x' };
    expect((await post(`${server.url}/t/clinic-a/token`, form)).status).not.toBe(200);
    expect((await present(await makeAssertion(keys, server.a.clientId, aud))).status).toBe(401);
  });

  test('the client of A is nobody at B', async () => {
    const assertion = await makeAssertion(keys, clientId, `${publicUrl}/t/clinic-b/token`);
    expect((await present(assertion, 'clinic-b')).status).toBe(401);
  });
});

describe('the id of an assertion counts once (security.md 52)', () => {
  test('replayed one after the other: the second is 401', async () => {
    const pair = await makeKeyPair('ES384');
    const assertion = await makeAssertion(pair, await register(pair), aud);
    expect((await present(assertion)).status).toBe(200);
    expect((await present(assertion)).status).toBe(401);
  });

  test('50 at once: exactly one success', async () => {
    const pair = await makeKeyPair('ES384');
    const assertion = await makeAssertion(pair, await register(pair), aud);
    const answers = await Promise.all(Array.from({ length: 50 }, () => present(assertion)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401 || status === 429)).toHaveLength(49);
  });

  test('another client may use the same id', async () => {
    const jti = randomUUID();
    for (let n = 0; n < 2; n += 1) {
      const pair = await makeKeyPair('ES384');
      expect((await present(await makeAssertion(pair, await register(pair), aud, { claims: { jti } }))).status).toBe(
        200,
      );
    }
  });
});

test('nothing went wrong inside', () => expect(server.errors).toEqual([]));
