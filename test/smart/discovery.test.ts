// What the server says of itself is true: https://hl7.org/fhir/smart-app-launch/conformance.html, https://hl7.org/fhir/smart-app-launch/brands.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { publicUrl } from '../support/server.ts';
import { type AppWorld, startAppWorld } from './app-world.ts';

let world: AppWorld;
beforeAll(async () => {
  world = await startAppWorld();
}, 60_000);
afterAll(() => world.server.close());

const here = (url: string) => url.replace(publicUrl, world.server.origin);
// biome-ignore lint/suspicious/noExplicitAny: the tests look into whatever was answered.
const read = async (path: string): Promise<any> => (await fetch(here(`${world.issuer}${path}`))).json();

describe('smart-configuration', () => {
  test('every address in it is there', async () => {
    const configuration = await read('/fhir/.well-known/smart-configuration');
    const urls = Object.entries(configuration as Record<string, unknown>).filter(([name]) =>
      /_endpoint$|_uri$|_bundle$/.test(name),
    );
    expect(urls.map(([name]) => name).sort()).toEqual([
      ...['authorization_endpoint', 'introspection_endpoint', 'jwks_uri', 'revocation_endpoint', 'token_endpoint'],
      'user_access_brand_bundle',
    ]);
    for (const [, url] of urls) expect((await fetch(here(String(url)))).status).not.toBe(404);
  });

  test('has the members and capabilities that SMART App Launch 2.2 asks for', async () => {
    expect(await read('/fhir/.well-known/smart-configuration')).toMatchObject({
      issuer: world.issuer,
      code_challenge_methods_supported: ['S256'],
      grant_types_supported: [
        ...['authorization_code', 'refresh_token', 'client_credentials'],
        'urn:ietf:params:oauth:grant-type:token-exchange',
      ],
      response_types_supported: ['code'],
      capabilities: expect.arrayContaining([
        ...['launch-ehr', 'launch-standalone', 'authorize-post', 'sso-openid-connect', 'client-public'],
        ...['client-confidential-symmetric', 'client-confidential-asymmetric', 'context-banner', 'context-style'],
        ...['context-ehr-patient', 'context-ehr-encounter', 'context-standalone-patient'],
        ...['permission-offline', 'permission-online', 'permission-patient', 'permission-user', 'permission-v1'],
        'permission-v2',
      ]),
    });
  });

  test('anybody may read it, from any page', async () => {
    const { headers } = await fetch(here(`${world.fhirBase}/.well-known/smart-configuration`), {
      headers: { origin: 'https://anybody.example.org' },
    });
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });
});

test('the metadata of RFC 8414 stand before the path of the issuer, too (section 3.1)', async () => {
  const { origin } = world.server;
  const headers = { origin: 'https://anybody.example.org' };
  const answer = await fetch(`${origin}/.well-known/oauth-authorization-server/t/clinic-a`, { headers });
  expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  expect(await answer.json()).toEqual(await read('/.well-known/openid-configuration'));
  expect((await fetch(`${origin}/.well-known/oauth-authorization-server/t/nobody`)).status).toBe(404);
  expect((await fetch(`${origin}/.well-known/oauth-authorization-server`)).status).toBe(404);
});

describe('the bundle of brands', () => {
  test('names the clinic and its FHIR endpoint, by the identifier of the configuration', async () => {
    const bundle = await read('/.well-known/user-access-brands.json');
    const { user_access_brand_identifier: identifier } = await read('/fhir/.well-known/smart-configuration');
    const [brand, endpoint] = bundle.entry.map(({ resource }: { resource: unknown }) => resource);
    expect([bundle.type, bundle.timestamp]).toEqual(['collection', expect.any(String)]);
    expect(brand).toMatchObject({ resourceType: 'Organization', identifier: [identifier], name: 'clinic-a' });
    expect(endpoint).toMatchObject({ resourceType: 'Endpoint', address: world.fhirBase, status: 'active' });
  });

  test('is a valid Bundle of R4', async () => {
    const bundle = await read('/.well-known/user-access-brands.json');
    const { json } = await world.server.a.request('POST', '/Bundle/$validate', bundle);
    const errors = json.issue.filter(({ severity }: { severity: string }) => /error|fatal/.test(severity));
    expect(errors).toEqual([]);
  });
});

test('the style that apps may take over', async () => {
  expect(await read('/.well-known/smart-style.json')).toMatchObject({ color_background: expect.stringMatching(/^#/) });
});
