// An independent client library (openid-client) signs people in, refreshes, introspects, revokes and signs out: OpenID Connect Core 1.0

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as client from 'openid-client';
import { createOutboundFetch } from '../../src/gateways/outbound-fetch.ts';
import { createClientKeys } from '../../src/smart/client-key-set.ts';
import { publicUrl } from '../support/server.ts';
import { type AppWorld, authorize, callback, makeApp, startAppWorld, statusWith } from './app-world.ts';
import { type KeyPair, makeKeyPair } from './smart-server.ts';

let world: AppWorld;
let keys: KeyPair;
beforeAll(async () => {
  world = await startAppWorld();
  keys = await makeKeyPair('ES384');
}, 60_000);
afterAll(() => world.server.close());

/** The network between the public URL and this test's port. */
const fetchFromServer: client.CustomFetch = (url, options) =>
  fetch(url.replace(publicUrl, world.server.origin), options as RequestInit);

const discover = (clientId: string, authentication: client.ClientAuth) =>
  client.discovery(new URL(world.issuer), clientId, undefined, authentication, {
    [client.customFetch]: fetchFromServer,
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });

async function signIn(configuration: client.Configuration, scope: string) {
  const codeVerifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(configuration, {
    ...{ redirect_uri: callback, scope, aud: world.fhirBase, state, nonce, code_challenge_method: 'S256' },
    code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
  });
  const page = await authorize(world, world.provider, { url: url.href, verifier: codeVerifier, params: {} });
  return await client.authorizationCodeGrant(configuration, page.leftTo as URL, {
    ...{ pkceCodeVerifier: codeVerifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
  });
}

test.each([
  ['public', () => discover(world.publicApp, client.None())],
  ['with a secret', () => discover(world.secretApp.clientId, client.ClientSecretBasic(world.secretApp.clientSecret))],
  [
    'with its own key',
    async () => {
      const jwks = { keys: [keys.publicJwk] };
      const app = await makeApp(world.server, world.server.a, {}, { method: 'private_key_jwt', jwks });
      return await discover(app, client.PrivateKeyJwt({ key: keys.privateKey, kid: 'key-1' }));
    },
  ],
])('an app %s: sign-in, use, refresh, revocation', async (_, configure) => {
  const configuration = await configure();
  const tokens = await signIn(
    configuration,
    'openid profile fhirUser launch/patient patient/Patient.rs offline_access',
  );
  expect(tokens.claims()).toMatchObject({ sub: world.provider.id, name: 'Eva Weiss', amr: ['pwd'] });
  expect(await statusWith(world, tokens.access_token, `/Patient/${world.anna}`)).toBe(200);
  const renewed = await client.refreshTokenGrant(configuration, tokens.refresh_token ?? '');
  expect(renewed).toMatchObject({ patient: world.anna, scope: tokens.scope });
  await client.tokenRevocation(configuration, renewed.refresh_token ?? '');
  await expect(client.refreshTokenGrant(configuration, renewed.refresh_token ?? '')).rejects.toMatchObject({
    error: 'invalid_grant',
  });
});

describe('keys at a URL', () => {
  let keyServer: Server;
  let asked: number;
  let cacheControl: string;
  let url: string;

  beforeAll(async () => {
    asked = 0;
    cacheControl = 'max-age=60';
    keyServer = createServer((_request, response) => {
      asked += 1;
      response.setHeader('Cache-Control', cacheControl);
      response.end(JSON.stringify({ keys: [keys.publicJwk] }));
    });
    await new Promise<void>((resolve) => {
      keyServer.listen(0, '127.0.0.1', resolve);
    });
    url = `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/jwks`;
  });
  afterAll(() => {
    keyServer.close();
  });

  /** Of a token request whose assertion names the key `kid`. */
  function keysFor(clientKeys: ReturnType<typeof createClientKeys>, kid: string) {
    const header = Buffer.from(JSON.stringify({ alg: 'ES384', kid })).toString('base64url');
    return clientKeys({ jwks: undefined, jwksUri: url }, `${header}.e30.x`);
  }

  test('are kept as long as the answer allows, and fetched again for a key that is not among them', async () => {
    let nowMs = 1_000_000;
    const clientKeys = createClientKeys(createOutboundFetch({ allowedHosts: new Set(['127.0.0.1']) }), () => nowMs);
    expect((await keysFor(clientKeys, 'key-1')).keys).toEqual([keys.publicJwk]);
    await keysFor(clientKeys, 'key-1');
    expect(asked).toBe(1);
    await keysFor(clientKeys, 'new');
    expect(asked).toBe(1);
    nowMs += 11_000;
    await keysFor(clientKeys, 'new');
    expect(asked).toBe(2);
    nowMs += 61_000;
    cacheControl = 'no-store';
    await keysFor(clientKeys, 'key-1');
    await keysFor(clientKeys, 'key-1');
    expect(asked).toBe(4);
  });

  test('that cannot be fetched are asked for once by all who wait for them, and none of them is the client', async () => {
    let times = 0;
    const clientKeys = createClientKeys(async () => {
      times += 1;
      throw new Error('no answer');
    });
    const settled = await Promise.allSettled(Array.from({ length: 5 }, () => keysFor(clientKeys, 'key-1')));
    const reasons = settled.map((one) => (one.status === 'rejected' ? String(one.reason.message) : one.status));
    expect([times, new Set(reasons)]).toEqual([1, new Set(['invalid_client'])]);
  });

  test('at an address that is not asked: the client is not known by them', async () => {
    const clientKeys = createClientKeys(createOutboundFetch({ allowedHosts: new Set() }));
    await expect(keysFor(clientKeys, 'key-1')).rejects.toThrow('invalid_client');
  });
});
