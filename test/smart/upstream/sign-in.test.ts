// Signing in through a second, real identity provider: OpenID Connect Core 1.0, RFC 7636, RFC 9207, RFC 9700 section 4.4

import { mock } from 'node:test';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createOutboundFetch } from '../../../src/gateways/outbound-fetch.ts';
import {
  beginSignIn,
  finishSignIn,
  type SignInContext,
  SignInFailed,
  type UpstreamProvider,
} from '../../../src/smart/upstream/sign-in.ts';
import { type SmartServer, startSmartServer } from '../smart-server.ts';
import { type SecondProvider, startSecondProvider } from './second-provider.ts';

let server: SmartServer;
let second: SecondProvider;
let third: SecondProvider;
let a: SignInContext;
let b: SignInContext;

const redirectUriOf = (tenant: string) => (id: string) =>
  `https://fhir.clinic.test/t/${tenant}/upstream/${id}/callback`;
const callbacks = ['clinic-a', 'clinic-b'].flatMap((tenant) => ['second', 'third'].map(redirectUriOf(tenant)));

beforeAll(async () => {
  // It warns of its store in memory and of its own pages, which are what this test wants.
  mock.method(console, 'warn', () => undefined);
  server = await startSmartServer();
  second = await startSecondProvider(callbacks);
  third = await startSecondProvider(callbacks);
  const fetch = createOutboundFetch({ allowedHosts: new Set(['127.0.0.1']) });
  const { tenantDoor, keyRing } = server;
  a = { tenantId: server.a.tenantId, tenantDoor, keyRing, fetch, redirectUriOf: redirectUriOf('clinic-a') };
  b = { tenantId: server.b.tenantId, tenantDoor, keyRing, fetch, redirectUriOf: redirectUriOf('clinic-b') };
});
afterAll(async () => {
  second.close();
  third.close();
  await server.close();
});

const interactionId = 'interaction-1';

function providerOf({ issuer, clientId, clientSecret }: SecondProvider, id = 'second'): UpstreamProvider {
  return { id, issuer, clientId, clientSecret, scopes: 'profile' };
}

/** The query that the browser brings back, and the secret it kept. */
async function throughBrowser(context = a, login = 'eva') {
  const { location, browserSecret } = await beginSignIn(context, providerOf(second), interactionId);
  return { query: (await second.signIn(location, login)).searchParams, browserSecret };
}

test('gives issuer and subject, and what the sign-in was for', async () => {
  const { query, browserSecret } = await throughBrowser();
  expect(await finishSignIn(a, providerOf(second), query, browserSecret)).toEqual({
    identity: { issuer: second.issuer, subject: 'eva' },
    knownAs: 'eva',
    interactionId,
  });
});

test('the browser is sent with PKCE S256, state and nonce, and to the provider only (RFC 7636, RFC 9700 section 2.1.1)', async () => {
  const { location } = await beginSignIn(a, providerOf(second), interactionId);
  const url = new URL(location);
  expect(url.origin).toBe(second.issuer);
  const parameters = Object.fromEntries(url.searchParams);
  expect(parameters).toMatchObject({
    response_type: 'code',
    client_id: second.clientId,
    redirect_uri: a.redirectUriOf('second'),
    scope: 'openid profile',
    code_challenge_method: 'S256',
  });
  for (const name of ['state', 'nonce', 'code_challenge']) expect(parameters[name]).toMatch(/^[\w-]{43}$/);
});

const cases: readonly [title: string, change: (query: URLSearchParams) => void][] = [
  ['another state', (query) => query.set('state', 'x'.repeat(43))],
  ['no state', (query) => query.delete('state')],
  ['the issuer of another provider (RFC 9207)', (query) => query.set('iss', third.issuer)],
  ['no issuer from a provider that sends one (RFC 9207)', (query) => query.delete('iss')],
  ['another code', (query) => query.set('code', 'x'.repeat(43))],
  ['an error', (query) => query.set('error', 'access_denied')],
  ['two codes', (query) => query.append('code', 'another')],
];

describe('fails, and signs nobody in, with', () => {
  test.each(cases)('%s', async (_title, change) => {
    const { query, browserSecret } = await throughBrowser();
    change(query);
    await expect(finishSignIn(a, providerOf(second), query, browserSecret)).rejects.toThrow(SignInFailed);
  });

  test('another browser, or none (login CSRF)', async () => {
    for (const browserSecret of ['another', undefined]) {
      const { query } = await throughBrowser();
      await expect(finishSignIn(a, providerOf(second), query, browserSecret)).rejects.toThrow(SignInFailed);
    }
  });

  test('the redirect URI of another provider (mix-up, RFC 9700 section 4.4)', async () => {
    const { query, browserSecret } = await throughBrowser();
    await expect(finishSignIn(a, providerOf(third, 'third'), query, browserSecret)).rejects.toThrow(SignInFailed);
  });

  test('another tenant', async () => {
    const { query, browserSecret } = await throughBrowser();
    await expect(finishSignIn(b, providerOf(second), query, browserSecret)).rejects.toThrow(SignInFailed);
  });

  test('a subject that is empty: all who come like that would be one person', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const issuer = 'https://provider.test';
    const provider = { ...providerOf(second), issuer };
    const answers: Record<string, unknown> = {
      '/jwks': { keys: [await exportJWK(publicKey)] },
      '/.well-known/openid-configuration': {
        ...{ issuer, jwks_uri: `${issuer}/jwks`, token_endpoint: `${issuer}/token` },
        authorization_endpoint: `${issuer}/authorize`,
      },
    };
    const fetch = (async (url: string) => Response.json(answers[new URL(url).pathname])) as unknown as typeof a.fetch;
    const arrive = async (sub: string) => {
      const { location, browserSecret } = await beginSignIn({ ...a, fetch }, provider, interactionId);
      const { searchParams: asked } = new URL(location);
      const claims = new SignJWT({ sub, nonce: asked.get('nonce'), iss: issuer, aud: provider.clientId });
      const id_token = await claims
        .setProtectedHeader({ alg: 'RS256' })
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(privateKey);
      answers['/token'] = { access_token: 'x', token_type: 'Bearer', id_token };
      const query = new URLSearchParams({ code: 'x', state: asked.get('state') ?? '' });
      return await finishSignIn({ ...a, fetch }, provider, query, browserSecret);
    };
    expect((await arrive('eva')).identity).toEqual({ issuer, subject: 'eva' });
    await expect(arrive('')).rejects.toThrow(SignInFailed);
  });

  test('a provider that is not there', async () => {
    const gone = { ...providerOf(second), issuer: 'http://127.0.0.1:9' };
    await expect(beginSignIn(a, gone, interactionId)).rejects.toThrow(SignInFailed);
  });

  test('a provider that says it is another one', async () => {
    const other = { ...providerOf(second), issuer: `${second.issuer}/other` };
    await expect(beginSignIn(a, other, interactionId)).rejects.toThrow(SignInFailed);
  });

  test.each(['javascript:alert(1)', 'http://127.0.0.1:1/authorize', 'nowhere', undefined])(
    'a provider whose authorization endpoint is %s',
    async (authorization_endpoint) => {
      const issuer = 'https://provider.test';
      const document = { issuer, authorization_endpoint, token_endpoint: `${issuer}/token` };
      const fetch = (async () => Response.json(document)) as typeof a.fetch;
      await expect(beginSignIn({ ...a, fetch }, { ...providerOf(second), issuer }, interactionId)).rejects.toThrow(
        SignInFailed,
      );
    },
  );
});

test('a state counts once: of 20 callbacks at the same time one signs in', async () => {
  const { query, browserSecret } = await throughBrowser();
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, () => finishSignIn(a, providerOf(second), query, browserSecret)),
  );
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});
