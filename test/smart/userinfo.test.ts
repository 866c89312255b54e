// Who has signed in, for the app that holds the access token: https://openid.net/specs/openid-connect-core-1_0.html#UserInfo

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { withClient } from '../support/database.ts';
import { publicUrl } from '../support/server.ts';
import {
  type AppWorld,
  authorize,
  letIn,
  makeApp,
  makePerson,
  makeRequest,
  redeem,
  startAppWorld,
} from './app-world.ts';

let world: AppWorld;
beforeAll(async () => {
  world = await startAppWorld();
}, 60_000);
afterAll(() => world.server.close());

async function ask(authorization?: string, method = 'GET', tenant = 'clinic-a', origin?: string) {
  const response = await fetch(`${world.server.origin}/t/${tenant}/userinfo`, {
    method,
    headers: { ...(authorization && { authorization }), ...(origin && { origin }) },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

test('openid, profile and fhirUser each tell their part, by GET and POST', async () => {
  const whole = (await letIn(world, world.provider, 'openid profile fhirUser')).body;
  const { fhirUser } = decodeJwt(whole.id_token);
  for (const method of ['GET', 'POST']) {
    const answer = await ask(`Bearer ${whole.access_token}`, method);
    expect([answer.status, answer.body]).toEqual([200, { sub: world.provider.id, name: 'Eva Weiss', fhirUser }]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  }
  const less = (await letIn(world, world.provider, 'openid user/Patient.rs')).body;
  expect((await ask(`Bearer ${less.access_token}`)).body).toEqual({ sub: world.provider.id });
});

test('without openid, and for a client that acts for itself: insufficient_scope', async () => {
  const { body } = await letIn(world, world.provider, 'profile fhirUser user/Patient.rs');
  for (const token of [body.access_token, world.server.a.token]) {
    const answer = await ask(`Bearer ${token}`);
    expect([answer.status, answer.body.error]).toEqual([403, 'insufficient_scope']);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer .*error="insufficient_scope".*scope="openid"/);
  }
});

test('no token, no good one, an id_token, and another tenant’s: 401', async () => {
  const { body } = await letIn(world, world.provider, 'openid profile');
  for (const header of [
    undefined,
    'Bearer x',
    'Basic eDp5',
    `Bearer ${body.id_token}`,
    `Bearer ${body.access_token}x`,
  ]) {
    const answer = await ask(header);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
  }
  expect((await ask(`Bearer ${body.access_token}`, 'GET', 'clinic-b')).status).toBe(401);
  expect((await ask(`Bearer ${body.access_token}`, 'DELETE')).status).toBe(405);
});

test('what was taken from the app, or from the person, is told no more: security.md 62', async () => {
  const { server } = world;
  const clientId = await makeApp(server, server.a);
  const person = await makePerson(server, server.a, ['provider']);
  const request = makeRequest(world, { scope: 'openid profile fhirUser', client_id: clientId });
  const page = await authorize(world, person, request);
  const { access_token: token } = (await redeem(world, page, request, { client_id: clientId })).body;
  const change = (text: string, value: string) =>
    withClient(server.database.url, (client) => client.query(text, [value]));
  await change("UPDATE store.client SET scope = 'openid' WHERE client_id = $1", clientId);
  expect((await ask(`Bearer ${token}`)).body).toEqual({ sub: person.id });
  await change("UPDATE store.client SET scope = 'profile' WHERE client_id = $1", clientId);
  expect((await ask(`Bearer ${token}`)).status).toBe(403);
  await change('UPDATE store.account SET active = false WHERE id = $1', person.id);
  expect((await ask(`Bearer ${token}`)).status).toBe(401);
});

test('it is in the discovery document, and only pages of registered apps may read it: security.md 66', async () => {
  const document = await fetch(`${world.server.origin}/t/clinic-a/.well-known/openid-configuration`);
  expect(await document.json()).toMatchObject({ userinfo_endpoint: `${publicUrl}/t/clinic-a/userinfo` });
  const { server } = world;
  await makeApp(server, server.a, { origins: ['https://app.example.org'] });
  const { body } = await letIn(world, world.provider, 'openid');
  const allowed = async (origin: string) =>
    (await ask(`Bearer ${body.access_token}`, 'GET', 'clinic-a', origin)).headers.get('access-control-allow-origin');
  expect(await allowed('https://evil.example')).toBeNull();
});
