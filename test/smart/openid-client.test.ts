// An independent client library (openid-client) finds its way by discovery alone: RFC 8414, RFC 6749, RFC 7523, RFC 7662, RFC 7009

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as client from 'openid-client';
import { createClientWithKeys } from '../../src/people/clients.ts';
import { makeKeyPair, publicUrl, type SmartServer, startSmartServer } from './smart-server.ts';

let server: SmartServer;
beforeAll(async () => {
  server = await startSmartServer();
});
afterAll(() => server.close());

const issuer = new URL(`${publicUrl}/t/clinic-a`);

/** The network between the public URL and this test's port. */
const fetchFromServer: client.CustomFetch = (url, options) =>
  fetch(url.replace(publicUrl, server.url), options as RequestInit);

const discover = (clientId: string, authentication: client.ClientAuth, algorithm?: 'oauth2' | 'oidc') =>
  client.discovery(issuer, clientId, undefined, authentication, {
    [client.customFetch]: fetchFromServer,
    ...(algorithm ? { algorithm } : {}),
  });

test('with a secret: token, introspection, revocation', async () => {
  const { clientId, clientSecret } = server.a;
  for (const authentication of [client.ClientSecretBasic(clientSecret), client.ClientSecretPost(clientSecret)]) {
    const configuration = await discover(clientId, authentication);
    const { access_token: token, token_type } = await client.clientCredentialsGrant(configuration, {
      scope: 'system/Patient.rs',
    });
    expect(token_type).toBe('bearer');
    const described = await client.tokenIntrospection(configuration, token);
    expect(described).toMatchObject({ active: true, scope: 'system/Patient.rs', client_id: clientId });
    await client.tokenRevocation(configuration, token);
    expect(await client.tokenIntrospection(configuration, token)).toEqual({ active: false });
  }
});

test.each(['RS384', 'ES384'] as const)('with its own %s key', async (alg) => {
  const { publicJwk, privateKey } = await makeKeyPair(alg);
  const { tenantId } = server.a;
  const cipher = await server.keyRing.cipherOf(tenantId);
  const { clientId } = await server.tenantDoor(tenantId, async (trx) =>
    createClientWithKeys(
      trx,
      cipher,
      { name: 'EHR', grantTypes: ['client_credentials'], scope: 'system/*.rs', roles: [] },
      { keys: [publicJwk] },
    ),
  );
  const configuration = await discover(clientId, client.PrivateKeyJwt({ key: privateKey, kid: 'key-1' }));
  const { scope } = await client.clientCredentialsGrant(configuration);
  expect(scope).toBe('system/*.rs');
});
