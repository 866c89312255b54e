// Whatever is sent to the authorization server, the answer is a refusal, never a failure (security.md 2C; attack 77 has the same for FHIR).

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type AppWorld, makeRequest, password, postToken, startAppWorld } from '../smart/app-world.ts';
import { openBrowser } from '../smart/browser.ts';
import { publicUrl, send } from '../support/server.ts';

let world: AppWorld;
beforeAll(async () => {
  world = await startAppWorld();
}, 60_000);
afterAll(() => world.server.close());

const hostile = ['\0', 'a\0b', '\ud800', '%00', 'x'.repeat(5_000), '\r\nX: y', '__proto__'];

/** What was answered with 5xx, as `place value`. */
async function failures(places: readonly string[], ask: (place: string, value: string) => Promise<{ status: number }>) {
  const failed: string[] = [];
  for (const value of hostile) {
    for (const place of places) {
      const { status } = await ask(place, value);
      if (status >= 500) failed.push(`${place} ${JSON.stringify(value.slice(0, 20))} ${status}`);
    }
  }
  return failed;
}

test('at the authorization endpoint', async () => {
  const names = [
    'client_id',
    'redirect_uri',
    'scope',
    'launch',
    'aud',
    'prompt',
    'max_age',
    'login_hint',
    'id_token_hint',
  ];
  const failed = await failures([...names, 'resource', 'response_mode', 'nonce', 'code_challenge'], (name, value) =>
    openBrowser(world.server.origin).get(makeRequest(world, { [name]: value }).url),
  );
  expect(failed).toEqual([]);
}, 60_000);

test('at the endpoints of clients', async () => {
  const names = [
    'grant_type',
    'code',
    'client_id',
    'refresh_token',
    'scope',
    'client_assertion',
    'subject_token',
    'token',
  ];
  const proof = { client_id: world.secretApp.clientId, client_secret: world.secretApp.clientSecret };
  for (const path of ['token', 'introspect', 'revoke']) {
    const failed = await failures(names, (name, value) =>
      postToken(
        world,
        { grant_type: 'refresh_token', refresh_token: 'x', token: 'x', ...proof, [name]: value },
        { path },
      ),
    );
    expect(failed).toEqual([]);
  }
}, 60_000);

test('at the endpoints that take JSON', async () => {
  const headers = { Authorization: `Bearer ${world.server.a.token}`, 'Content-Type': 'application/json' };
  const url = `${world.server.origin}/t/clinic-a/launch`;
  const failed = await failures(['client_id', 'patient', 'encounter', 'intent'], (name, value) =>
    send(url, 'POST', { client_id: world.publicApp, patient: world.anna, [name]: value }, headers),
  );
  expect(failed).toEqual([]);
});

test('on the pages: signing in, choosing a patient, the own account, signing out', async () => {
  const { url } = makeRequest(world);
  const login = await openBrowser(world.server.origin).get(url);
  const forms = ['email', 'password', 'code', 'link', 'csrf'];
  const browser = openBrowser(world.server.origin);
  const picker = await browser.submit(await browser.get(url), { email: world.frontDesk.email, password });
  const own = openBrowser(world.server.origin);
  const account = await own.submit(await own.get(`${world.issuer}/account`), {
    email: world.frontDesk.email,
    password,
  });
  const csrf = /name="csrf" value="([^"]+)"/.exec(account.text)?.[1] ?? '';
  expect([picker.status, csrf.length]).toEqual([200, 16]);
  const failed = [
    ...(await failures(forms, (name, value) => openBrowser(world.server.origin).submit(login, { [name]: value }))),
    ...(await failures(['query', 'patient', 'do'], (name, value) =>
      browser.submit(picker, { do: 'choose', [name]: value }),
    )),
    ...(await failures(
      ['sessions/end session', 'apps/withdraw client', 'identities/unlink identity', 'second-factor/confirm code'],
      (place, value) => {
        const [path = '', name = ''] = place.split(' ');
        return own.post(`${world.issuer}/account/${path}`, { csrf, [name]: value }, { origin: publicUrl });
      },
    )),
    ...(await failures(
      ['logout?client_id', 'logout?id_token_hint', 'account/new-password?token', 'account?notice'],
      (place, value) => own.get(`${world.issuer}/${place}=${encodeURIComponent(value.toWellFormed())}`),
    )),
  ];
  expect(failed).toEqual([]);
}, 60_000);

test('and nothing of it is a failure in the log', () => {
  expect(world.server.logLines.filter((line) => /"level":(50|60)/.test(line))).toEqual([]);
});
