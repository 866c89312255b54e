// Attacks on consent, sessions, tokens in use and registration, by number: security.md 2C, 58 to 68 (57 is the sign-in through another provider)

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { disableClient } from '../../src/people/clients.ts';
import { withdrawConsent } from '../../src/smart/consents.ts';
import { writeSetting } from '../../src/tenants/settings.ts';
import {
  type AppWorld,
  authorize,
  basicOf,
  callback,
  letIn,
  makeApp,
  makePerson,
  makeRequest,
  password,
  postToken,
  redeem,
  refresh,
  settledStatus,
  startAppWorld,
  statusWith,
  type TokenAnswer,
} from '../smart/app-world.ts';
import { fieldsOf, openBrowser, type Page, titleOf } from '../smart/browser.ts';
import { withClient } from '../support/database.ts';
import { publicUrl, send } from '../support/server.ts';

let world: AppWorld;
beforeAll(async () => {
  world = await startAppWorld();
}, 60_000);
afterAll(() => world.server.close());

const outcome = ({ status, body }: TokenAnswer) => [status, body.error];
const invalidGrant = [400, 'invalid_grant'];
const inTenant: AppWorld['server']['app']['doors']['tenantDoor'] = (tenantId, work) =>
  world.server.app.doors.tenantDoor(tenantId, work);
const here = (url: string) => url.replace(publicUrl, world.server.origin);
const readsAnna = (token: string) => statusWith(world, token, `/Patient/${world.anna}`);

/** The consent page of somebody who has just signed in. */
async function reachConsent(browser = openBrowser(world.server.origin)): Promise<Page> {
  const person = await makePerson(world.server, world.server.a, ['provider']);
  const login = await browser.get(makeRequest(world, { scope: 'openid user/Patient.rs offline_access' }).url);
  const page = await browser.submit(login, { email: person.email, password });
  expect(titleOf(page)).toBe('Allow access?');
  return page;
}

describe('attack 58: requests of other kinds, and answers brought again', () => {
  test('a request object, by value or by address, and a pushed one: refused', async () => {
    const browser = openBrowser(world.server.origin);
    for (const params of [{ request: 'eyJhbGciOiJub25lIn0.e30.' }, { request_uri: 'https://evil.test/request' }]) {
      const page = await browser.get(makeRequest(world, params as Record<string, string>).url);
      expect(page.leftTo?.searchParams.get('error')).toMatch(/^request(_uri)?_not_supported$/);
    }
    expect((await postToken(world, {}, { path: 'request' })).status).toBe(404);
  });

  test('answers in other ways than a code in the query: refused', async () => {
    const browser = openBrowser(world.server.origin);
    for (const response_mode of ['fragment', 'form_post', 'web_message', 'jwt']) {
      const page = await browser.get(makeRequest(world, { response_mode }).url);
      expect([response_mode, page.status, page.leftTo, titleOf(page)]).toEqual([
        ...[response_mode, 400, undefined, 'This did not work'],
      ]);
      expect([page.text.includes('<script'), page.headers.has('content-security-policy')]).toEqual([false, true]);
    }
    // RFC 6749 section 4.2.2.1: whoever wants tokens from the front channel is told by the fragment that there are none.
    for (const response_type of ['token', 'id_token', 'code id_token', 'none', '']) {
      const { leftTo } = await browser.get(makeRequest(world, { response_type }).url);
      const said = new URLSearchParams(leftTo?.hash.slice(1) || leftTo?.search);
      const error = response_type === '' ? 'invalid_request' : 'unsupported_response_type';
      expect([response_type, said.get('error'), said.get('state')]).toEqual([response_type, error, 'state-1']);
    }
  });

  test('of a size that nobody needs: refused before anything is kept', async () => {
    const { params } = makeRequest(world, { state: 'x'.repeat(20_000) });
    const page = await openBrowser(world.server.origin).post(`${world.issuer}/authorize`, params);
    expect([page.status, page.leftTo]).toEqual([413, undefined]);
  });

  test('a sign-in that was begun in another browser cannot be ended in this one (login CSRF)', async () => {
    const page = await reachConsent();
    const stranger = openBrowser(world.server.origin);
    const form = Object.fromEntries(fieldsOf(page));
    const answer = await stranger.post(page.url, { ...form, decision: 'allow' });
    expect([answer.status, answer.leftTo]).toEqual([400, undefined]);
  });

  test('a sign-in that has ended cannot be ended again', async () => {
    const browser = openBrowser(world.server.origin);
    const page = await reachConsent(browser);
    const done = await browser.submit(page, { decision: 'allow' });
    expect(done.leftTo?.searchParams.has('code')).toBe(true);
    expect((await browser.submit(page, { decision: 'allow' })).status).toBe(400);
    const resume = await browser.get(page.url.replace('/interaction/', '/authorize/'));
    expect(resume.leftTo).toBeUndefined();
  });
});

describe('attack 59: a consent that the person did not give', () => {
  test('no page may be framed, and none runs a script', async () => {
    const { headers } = await reachConsent();
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('content-security-policy')).not.toContain('script-src');
    expect(headers.get('x-frame-options')).toBe('DENY');
  });

  test('prompt=none on first use: consent_required, and login_required for who is not signed in', async () => {
    const browser = openBrowser(world.server.origin);
    const silent = makeRequest(world, { scope: 'user/Patient.rs', prompt: 'none' });
    expect((await browser.get(silent.url)).leftTo?.searchParams.get('error')).toBe('login_required');
    await reachConsent(browser);
    expect((await browser.get(silent.url)).leftTo?.searchParams.get('error')).toBe('consent_required');
  });

  test('scopes that the page has not shown are refused', async () => {
    const browser = openBrowser(world.server.origin);
    const page = await reachConsent(browser);
    const answer = await browser.submit(page, { decision: 'allow', scope: ['openid', 'user/*.cruds'] });
    expect([answer.status, answer.leftTo]).toEqual([400, undefined]);
  });

  test('a form without the token of the page, or from another site', async () => {
    const browser = openBrowser(world.server.origin);
    const page = await reachConsent(browser);
    const form = { ...Object.fromEntries(fieldsOf(page)), decision: 'allow' };
    expect((await browser.post(page.url, { ...form, csrf: 'x' })).status).toBe(403);
    expect((await browser.post(page.url, { decision: 'allow' })).status).toBe(403);
    expect((await browser.post(page.url, form, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await browser.post(page.url, form)).leftTo?.searchParams.has('code')).toBe(true);
  });
});

describe('attack 60: access that goes on without the person', () => {
  test('offline_access is shown, and not given where it was taken away', async () => {
    const browser = openBrowser(world.server.origin);
    const page = await reachConsent(browser);
    expect(page.text).toContain('value="offline_access"');
    expect(page.text).toContain('The app keeps this access when you are not there.');
    const without = await browser.submit(page, { decision: 'allow', scope: ['openid', 'user/Patient.rs'] });
    expect(without.leftTo?.searchParams.has('code')).toBe(true);
  });

  test('withdrawn: the token and the refresh token are refused, and the app must ask again', async () => {
    const person = await makePerson(world.server, world.server.a, ['provider']);
    const { body } = await letIn(world, person, 'openid user/Patient.rs offline_access');
    expect(await readsAnna(body.access_token)).toBe(200);
    expect(await inTenant(world.server.a.id, (trx) => withdrawConsent(trx, person.id, world.publicApp))).toBe(true);
    expect(outcome(await refresh(world, body.refresh_token))).toEqual(invalidGrant);
    expect(await settledStatus(world, body.access_token)).toBe(401);
  });

  test('signing out leaves it, as the person was told', async () => {
    const browser = openBrowser(world.server.origin);
    const { body } = await letIn(world, world.provider, 'openid user/Patient.rs offline_access', browser);
    await browser.get(`${world.issuer}/logout?id_token_hint=${body.id_token}`);
    expect((await refresh(world, body.refresh_token)).status).toBe(200);
  });
});

describe("attack 61: other clients' tokens", () => {
  test('introspected: only "not active"; revoked: refused; and they go on', async () => {
    const { body } = await letIn(world, world.provider, 'openid user/Patient.rs offline_access');
    const headers = basicOf(world.secretApp);
    for (const token of [body.access_token, body.refresh_token, body.id_token, 'guess']) {
      expect((await postToken(world, { token }, { path: 'introspect', headers })).body).toEqual({ active: false });
      await postToken(world, { token }, { path: 'revoke', headers });
    }
    expect(await readsAnna(body.access_token)).toBe(200);
    expect((await refresh(world, body.refresh_token)).status).toBe(200);
  });

  test('a public app can prove nothing, so that nothing is told to who says to be it', async () => {
    const { body } = await letIn(world, world.provider, 'openid user/Patient.rs offline_access');
    for (const token of [body.access_token, body.refresh_token]) {
      const answer = await postToken(world, { token, client_id: world.publicApp }, { path: 'introspect' });
      expect(outcome(answer)).toEqual([401, 'invalid_client']);
    }
  });

  test('the own token of a person who may not sign in any more is not active', async () => {
    const { secretApp } = world;
    for (const change of ['active = false', 'must_reset = true']) {
      const person = await makePerson(world.server, world.server.a, ['provider']);
      const request = makeRequest(world, {
        client_id: secretApp.clientId,
        scope: 'openid user/Patient.rs offline_access',
      });
      const page = await authorize(world, person, request);
      const form = { grant_type: 'authorization_code', code: page.leftTo?.searchParams.get('code') ?? '' };
      const headers = basicOf(secretApp);
      const proof = { redirect_uri: callback, code_verifier: request.verifier };
      const { body } = await postToken(world, { ...form, ...proof }, { headers });
      await withClient(world.server.database.url, (client) =>
        client.query(`UPDATE store.account SET ${change} WHERE id = $1`, [person.id]),
      );
      for (const token of [body.access_token, body.refresh_token]) {
        const described = await postToken(world, { token }, { path: 'introspect', headers });
        expect(described.body).toEqual({ active: false });
      }
    }
  });

  test('the own refresh token revoked: its access tokens end with it (RFC 7009 section 2.1)', async () => {
    const { body } = await letIn(world, world.provider, 'openid user/Patient.rs offline_access');
    const form = { token: body.refresh_token, client_id: world.publicApp };
    expect((await postToken(world, form, { path: 'revoke' })).status).toBe(200);
    expect(outcome(await refresh(world, body.refresh_token))).toEqual(invalidGrant);
    expect(await settledStatus(world, body.access_token)).toBe(401);
  });
});

describe('attack 62: a token whose reason is gone', () => {
  const alter = (text: string, values: unknown[]) =>
    withClient(world.server.database.url, (client) => client.query(text, values));
  const tokenOf = async (clientId = world.publicApp) => {
    const person = await makePerson(world.server, world.server.a, ['provider']);
    const request = makeRequest(world, { scope: 'openid user/Patient.rs', client_id: clientId });
    const page = await authorize(world, person, request);
    const token = (await redeem(world, page, request, { client_id: clientId })).body.access_token as string;
    expect(await readsAnna(token)).toBe(200);
    return { person, token };
  };

  test('the account is disabled, must choose a password, or lost its role', async () => {
    for (const change of ['active = false', 'must_reset = true']) {
      const { person, token } = await tokenOf();
      await alter(`UPDATE store.account SET ${change} WHERE id = $1`, [person.id]);
      expect(await settledStatus(world, token)).toBe(401);
    }
    const { person, token } = await tokenOf();
    await alter("UPDATE store.account SET roles = '{}' WHERE id = $1", [person.id]);
    expect(await settledStatus(world, token)).toBe(403);
  });

  test('the session was ended, or was not used for too long; the app was disabled', async () => {
    const ended = await tokenOf();
    await alter('DELETE FROM store.login_session WHERE account_id = $1', [ended.person.id]);
    expect(await settledStatus(world, ended.token)).toBe(401);
    const idle = await tokenOf();
    const past = "UPDATE store.login_session SET last_used_at = now() - interval '31 minutes' WHERE account_id = $1";
    await alter(past, [idle.person.id]);
    expect(await settledStatus(world, idle.token)).toBe(401);
    const app = await makeApp(world.server, world.server.a);
    const { token } = await tokenOf(app);
    await inTenant(world.server.a.id, (trx) => disableClient(trx, app));
    expect(await settledStatus(world, token)).toBe(401);
  });

  test('the tenant is suspended', async () => {
    const { token } = await tokenOf();
    const setStatus = (status: string) =>
      alter('UPDATE store.tenant SET status = $1 WHERE name = $2', [status, 'clinic-a']);
    try {
      await setStatus('suspended');
      expect([401, 404]).toContain(await settledStatus(world, token));
    } finally {
      await setStatus('active');
      for (const end = Date.now() + 1_500; (await readsAnna(token)) !== 200 && Date.now() < end; );
    }
  });
});

describe('attack 63: a token where none belongs', () => {
  test('in the query, in a form, twice, or an id_token: 401, and in no log', async () => {
    const { body } = await letIn(world, world.provider, 'openid user/Patient.rs');
    const { access_token: token, id_token: idToken } = body;
    const url = `${world.server.origin}/t/clinic-a/fhir/Patient`;
    expect((await fetch(`${url}?access_token=${token}`)).status).toBe(401);
    const form = new URLSearchParams({ access_token: token });
    expect((await fetch(`${url}/_search`, { method: 'POST', body: form })).status).toBe(401);
    const twice = await fetch(url, {
      headers: [
        ['authorization', `Bearer ${token}`],
        ['authorization', 'Bearer x'],
      ],
    });
    expect([400, 401]).toContain(twice.status);
    expect(await readsAnna(idToken)).toBe(401);
    expect(await readsAnna(body.access_token)).toBe(200);
    for (const line of world.server.logLines) expect(line).not.toContain(token);
  });
});

describe('attack 64: an app that registers itself', () => {
  let keyServer: Server;
  beforeAll(() => {
    keyServer = createServer((_, response) => response.end('{"keys":[]}'));
    // Not 127.0.0.1, which the server under test may ask.
    keyServer.listen(0, '127.0.0.2');
  });
  afterAll(() => {
    keyServer.close();
  });

  const register = (body: unknown, tenant = world.server.a) =>
    send(`${world.server.origin}/t/${tenant.name}/register`, 'POST', body, { 'Content-Type': 'application/json' });
  const setOpen = (isOpen: boolean, tenant = world.server.a) =>
    inTenant(tenant.id, async (trx) => writeSetting(trx, 'clients.dynamic-registration', isOpen));
  const app = { client_name: 'New App', redirect_uris: [callback], token_endpoint_auth_method: 'none' };

  test('is refused unless the clinic allows it, and not announced', async () => {
    expect((await register(app)).status).toBe(403);
    const { json } = await world.server.a.request('GET', '/.well-known/smart-configuration');
    expect(json).not.toHaveProperty('registration_endpoint');
  });

  test('gets what apps get, and nothing of its own', async () => {
    await setOpen(true);
    for (const end = Date.now() + 1_500; (await register({})).status === 403 && Date.now() < end; );
    const made = await register({
      ...app,
      scope: 'openid patient/*.rs system/*.cruds',
      grant_types: ['authorization_code'],
    });
    expect([made.status, made.json.scope]).toEqual([201, 'openid patient/*.rs']);
    expect(made.json).not.toHaveProperty('client_secret');
    const page = await openBrowser(world.server.origin).get(makeRequest(world, { client_id: made.json.client_id }).url);
    expect(titleOf(page)).toBe('Sign in');
    const { json: announced } = await world.server.a.request('GET', '/.well-known/smart-configuration');
    expect(announced.registration_endpoint).toBe(`${world.issuer}/register`);
    const secret = await register({ ...app, token_endpoint_auth_method: 'client_secret_basic' });
    expect(secret.json).toMatchObject({ client_secret: expect.any(String), client_secret_expires_at: 0 });
  });

  test.each<[string, object, string]>([
    ['a script', { redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    ['a wildcard', { redirect_uris: ['https://*.example.org/cb'] }, 'invalid_redirect_uri'],
    ['http', { redirect_uris: ['http://app.example.org/cb'] }, 'invalid_redirect_uri'],
    ['a fragment', { redirect_uris: [`${callback}#x`] }, 'invalid_redirect_uri'],
    ['none', { redirect_uris: [] }, 'invalid_redirect_uri'],
    ['rights of its own', { grant_types: ['authorization_code', 'client_credentials'] }, 'invalid_client_metadata'],
    ['scopes that are none', { scope: 'everything' }, 'invalid_client_metadata'],
    ['a very long name', { client_name: 'x'.repeat(1_000) }, 'invalid_client_metadata'],
  ])('with %s: refused', async (_, changes, error) => {
    const answer = await register({ ...app, ...changes });
    expect([answer.status, answer.json.error]).toEqual([400, error]);
  });

  test('with keys at a URL that are none: refused', async () => {
    const server = createServer((_, response) => response.end('{"keys":[null]}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const jwks_uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
      const body = { ...app, token_endpoint_auth_method: 'private_key_jwt', jwks_uri };
      // At another tenant, which has its own measure of how many are too many.
      const { b } = world.server;
      await setOpen(true, b);
      let answer = await register(body, b);
      for (const end = Date.now() + 1_500; answer.status === 403 && Date.now() < end; )
        answer = await register(body, b);
      expect([answer.status, answer.json.error]).toEqual([400, 'invalid_client_metadata']);
    } finally {
      server.close();
    }
  });

  test('with keys at a private address, without TLS, or 10 MB of them: refused, and nobody is asked', async () => {
    let asked = 0;
    keyServer.on('request', () => {
      asked += 1;
    });
    const { port } = keyServer.address() as AddressInfo;
    const byKeys = { ...app, token_endpoint_auth_method: 'private_key_jwt' };
    for (const jwks_uri of [
      ...['http://169.254.169.254/jwks', 'https://169.254.169.254/jwks', 'https://[::1]/jwks', 'https://10.0.0.1/jwks'],
      ...[
        `http://127.0.0.2:${port}/jwks`,
        `https://127.0.0.2:${port}/jwks`,
        `https://localhost.localdomain:${port}/jwks`,
        'file:///etc/passwd',
      ],
    ]) {
      expect((await register({ ...byKeys, jwks_uri })).json.error).toBe('invalid_client_metadata');
    }
    expect(asked).toBe(0);
    const large = await register({ ...byKeys, jwks: { keys: [], padding: 'x'.repeat(10_000_000) } }).catch(
      () => undefined,
    );
    expect(large === undefined || large.status === 413).toBe(true);
  });
});

describe('attack 65: a system that asks for more than it has registered', () => {
  test('invalid_scope; and its token lives five minutes at most', async () => {
    const registration = { grantTypes: ['client_credentials'], scope: 'system/Patient.rs', redirectUris: [] };
    const { clientId, clientSecret } = world.secretApp;
    expect(
      outcome(
        await postToken(
          world,
          { grant_type: 'client_credentials', scope: 'system/*.rs' },
          { headers: basicOf({ clientId, clientSecret }) },
        ),
      )[0],
    ).toBe(400);
    const { a } = world.server;
    const headers = basicOf({ clientId: a.clientId, clientSecret: a.clientSecret });
    const good = await postToken(world, { grant_type: 'client_credentials', scope: registration.scope }, { headers });
    expect(good.body.expires_in).toBeLessThanOrEqual(300);
    const none = await postToken(world, { grant_type: 'client_credentials', scope: 'patient/*.rs' }, { headers });
    expect(outcome(none)).toEqual([400, 'invalid_scope']);
  });
});

describe('attack 66: a page of somebody else that reads the answers', () => {
  test('only the origins of apps may, at the token endpoint and at FHIR; never null, never with credentials', async () => {
    await makeApp(world.server, world.server.a, { origins: ['https://app.example.org'] });
    const allowed = async (origin: string, path: string) => {
      const { headers } = await fetch(here(`${world.issuer}/${path}`), { method: 'POST', headers: { origin } });
      expect(headers.has('access-control-allow-credentials')).toBe(false);
      return headers.get('access-control-allow-origin');
    };
    for (const end = Date.now() + 1_500; Date.now() < end; ) {
      if ((await allowed('https://app.example.org', 'token')) !== null) break;
    }
    for (const path of ['token', 'fhir/Patient']) {
      expect(await allowed('https://app.example.org', path)).toBe('https://app.example.org');
      for (const origin of [
        'null',
        'https://evil.test',
        'https://app.example.org.evil.test',
        'http://app.example.org',
      ]) {
        expect(await allowed(origin, path)).toBeNull();
      }
    }
  });
});

describe('attack 67: a way out to somebody else', () => {
  test('after signing out, only to what the app has registered', async () => {
    const app = await makeApp(world.server, world.server.a, {
      postLogoutRedirectUris: ['https://app.example.org/bye'],
    });
    const browser = openBrowser(world.server.origin);
    const request = makeRequest(world, { client_id: app, scope: 'openid' });
    const page = await authorize(world, world.provider, request, { browser });
    const { id_token: hint } = (await redeem(world, page, request, { client_id: app })).body;
    for (const target of [
      '//evil.test',
      '\\\\evil.test',
      'https:evil.test',
      'https://app.example.org/bye/..',
      'https://evil.test',
    ]) {
      const query = new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: target });
      const refused = await browser.get(`${world.issuer}/logout?${query}`);
      expect([refused.status, refused.leftTo]).toEqual([400, undefined]);
    }
    const query = new URLSearchParams({ post_logout_redirect_uri: 'https://app.example.org/bye', state: 's' });
    // Without a hint it could be anybody's link: the person is asked.
    const asked = await browser.get(`${world.issuer}/logout?${query}&client_id=${app}`);
    expect(titleOf(asked)).toBe('Sign out?');
    const left = await browser.submit(asked);
    expect(left.leftTo?.href).toBe('https://app.example.org/bye?state=s');
    const again = await browser.get(makeRequest(world, { prompt: 'none' }).url);
    expect(again.leftTo?.searchParams.get('error')).toBe('login_required');
  });

  test('an id_token of one app is no hint for another (RP-Initiated Logout section 2)', async () => {
    const app = await makeApp(world.server, world.server.a);
    const browser = openBrowser(world.server.origin);
    const { body } = await letIn(world, world.provider, 'openid', browser);
    const query = new URLSearchParams({ id_token_hint: body.id_token, client_id: app });
    expect((await browser.get(`${world.issuer}/logout?${query}`)).status).toBe(400);
    const still = await browser.get(makeRequest(world, { scope: 'openid', prompt: 'none' }).url);
    expect(still.leftTo?.searchParams.has('code')).toBe(true);
  });

  test('returnTo and its like are not read', async () => {
    const page = await openBrowser(world.server.origin).get(`${makeRequest(world).url}&returnTo=//evil.test`);
    expect([titleOf(page), page.text.includes('evil')]).toEqual(['Sign in', false]);
  });
});

describe('attack 68: addresses under a forged Host', () => {
  test('redirects, pages and documents name the configured server', async () => {
    const forged = { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https', forwarded: 'host=evil.test' };
    const paths = ['.well-known/openid-configuration', 'fhir/.well-known/smart-configuration'];
    for (const path of [...paths, '.well-known/user-access-brands.json']) {
      const text = await (await fetch(here(`${world.issuer}/${path}`), { headers: forged })).text();
      expect(text).toContain(world.issuer);
      expect(text).not.toContain('evil.test');
    }
    const response = await fetch(here(makeRequest(world).url), { headers: forged, redirect: 'manual' });
    expect(response.headers.get('location')).toMatch(/^\/t\/clinic-a\/interaction\//);
  });
});
