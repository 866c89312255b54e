// The account page: what only its owner may do, each with proof where a browser left open would not be enough (security.md 59, 60, 75).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createClient } from '../../../src/people/clients.ts';
import { verifyPassword } from '../../../src/people/password.ts';
import type { AnswerAccount } from '../../../src/smart/account/account-pages.ts';
import { deviceOf } from '../../../src/smart/account/device.ts';
import { passwordFault } from '../../../src/smart/account/password-rules.ts';
import type { AccountSession } from '../../../src/smart/account/session.ts';
import { findConsent, saveConsent } from '../../../src/smart/consents.ts';
import { listLoginSessions } from '../../../src/smart/login-sessions.ts';
import { type AccountWorld, csrfIn, goodPassword, openAccountWorld, visit } from './account-world.ts';

let world: AccountWorld;
let pages: AnswerAccount;
beforeAll(async () => {
  world = await openAccountWorld();
});
beforeEach(() => {
  pages = world.openPages();
  world.policy = 'none';
});
afterAll(() => world.close());

async function open(details = {}): Promise<{ id: string; session: AccountSession; csrf: string }> {
  const id = await world.makeAccount(world.a, details);
  const session = await world.signIn(world.a, id);
  const csrf = csrfIn(await visit(pages, world.a, 'GET ', { session }));
  return { id, session, csrf };
}

const post = (session: AccountSession, path: string, form: Record<string, string>) =>
  visit(pages, world.a, `POST ${path}`, { session, form });

const posts = [
  ...['/password', '/second-factor', '/second-factor/confirm', '/second-factor/codes', '/sessions/end'],
  ...['/sessions/end-others', '/apps/withdraw', '/identities/unlink', '/sign-out'],
];

describe('the account page', () => {
  test('sends whoever is not signed in to sign in, also for everything that it can do', async () => {
    for (const path of ['GET ', ...posts.map((below) => `POST ${below}`)]) {
      expect(await visit(pages, world.a, path)).toMatchObject({
        status: 303,
        headers: { Location: '/base/t/a/sign-in' },
      });
    }
  });

  test('is not there for a session of another tenant', async () => {
    const { session } = await open();
    expect(await visit(pages, world.b, 'GET ', { session })).toMatchObject({ status: 303 });
  });

  test('shows name, sessions and apps of its owner only', async () => {
    const { session, id } = await open({ email: 'owner@clinic.example' });
    await world.signIn(world.a, id, 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1');
    const stranger = await open({ email: 'stranger@clinic.example' });
    const { html, headers } = await visit(pages, world.a, 'GET ', { session });
    expect(html).toContain('owner@clinic.example');
    expect(html).toContain('Safari on iPhone');
    expect(html).toMatch(/Firefox on Linux<\/bdi> <strong>\(here\)/);
    expect(html).not.toContain('stranger@clinic.example');
    expect(html).not.toContain(stranger.csrf);
    expect(headers).toMatchObject({ 'Cache-Control': 'no-store' });
  });

  test('tells times in the clinic’s zone (setting timezone)', async () => {
    const { session } = await open();
    const shown = async (timeZone: string) => {
      world.timeZone = timeZone;
      return /Last used <time[^>]*>([^<]+)</.exec((await visit(pages, world.a, 'GET ', { session })).html ?? '')?.[1];
    };
    expect(await shown('Asia/Kolkata')).toMatch(/GMT\+5:30$/);
    expect(await shown('UTC')).toMatch(/UTC$/);
  });

  test.each([
    ['GET /nothing', 404],
    ['GET /password', 404],
    ['DELETE /password', 404],
    ['POST ', 404],
  ])('%s: %i', async (path, status) => {
    expect(await visit(pages, world.a, path)).toMatchObject({ status });
  });
});

describe('a forged form', () => {
  test.each(posts)('%s is refused without the token of this session', async (path) => {
    const { session } = await open();
    const other = await open();
    for (const csrf of ['', 'x', other.csrf]) {
      expect(await post(session, path, { csrf })).toMatchObject({ status: 403 });
    }
    expect(await world.sessionsOf(world.a, session.accountId)).toBe(1);
  });

  test.each([
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'https://hpms.test.evil.example' }, 403],
    [{ origin: 'https://hpms.test', fetchSite: 'cross-site' }, 403],
    [{ fetchSite: 'same-site' }, 403],
    [{ origin: 'http://localhost:8080', fetchSite: 'same-origin' }, 303],
    [{ origin: 'https://hpms.test' }, 303],
  ])('with the headers %j gets %i, whatever token it has', async (headers, status) => {
    const { session, csrf } = await open();
    const form = { csrf };
    expect(await visit(pages, world.a, 'POST /sessions/end-others', { session, form, headers })).toMatchObject({
      status,
    });
  });

  test('for a new password is refused by where it comes from', async () => {
    const headers = { origin: 'https://evil.example' };
    expect(await visit(pages, world.a, 'POST /forgot', { form: { email: 'x@y' }, headers })).toMatchObject({
      status: 403,
    });
  });
});

describe('changing the password', () => {
  test('needs the present one, ends the other sessions and keeps this one', async () => {
    const { id, session, csrf } = await open();
    await world.signIn(world.a, id);
    const form = { csrf, password: 'eleven kittens on a sofa' };
    const wrong = await post(session, '/password', { ...form, oldPassword: 'not it at all' });
    expect(wrong).toMatchObject({ status: 422, html: expect.stringContaining('The present password is wrong.') });
    const weak = await post(session, '/password', { ...form, oldPassword: goodPassword, password: 'password1234' });
    expect(weak.status).toBe(422);
    const done = await post(session, '/password', { ...form, oldPassword: goodPassword });
    expect(done).toMatchObject({ status: 303, headers: { Location: '/base/t/a/account?notice=password-changed' } });
    expect(await verifyPassword(await world.passwordHashOf(world.a, id), form.password)).toBe(true);
    expect(await world.sessionsOf(world.a, id)).toBe(1);
  });

  test('by guessing the present one ends after five: 429, also for the right one', async () => {
    const { session, csrf } = await open();
    const guess = (oldPassword: string) => post(session, '/password', { csrf, oldPassword, password: 'x'.repeat(12) });
    for (let n = 0; n < 5; n += 1) expect(await guess('wrong')).toMatchObject({ status: 422 });
    expect(await guess(goodPassword)).toMatchObject({ status: 429, headers: { 'Retry-After': '900' } });
  });
});

describe('the second factor', () => {
  test('is set up with the password and a first code; the recovery codes are shown once', async () => {
    const { id, session, csrf } = await open();
    const refused = await post(session, '/second-factor', { csrf, password: 'wrong' });
    expect(refused.status).toBe(422);
    expect((await post(session, '/second-factor/confirm', { csrf, code: '123456' })).status).toBe(303);
    const shown = await post(session, '/second-factor', { csrf, password: goodPassword });
    expect(shown.html).toContain('data:image/svg+xml;base64,');
    expect((await post(session, '/second-factor/confirm', { csrf, code: 'x' })).status).toBe(422);
    const totp = await world.enrol(world.a, id);
    expect(await visit(pages, world.a, 'GET ', { session })).toMatchObject({
      html: expect.stringContaining('10 unused'),
    });
    const renewed = await post(session, '/second-factor/codes', { csrf, code: totp.generate(), do: 'codes' });
    const codes = [...(renewed.html ?? '').matchAll(/<code>([\w-]+)<\/code>/g)].map(([, code]) => code);
    expect(codes).toHaveLength(10);
    expect(await post(session, '/second-factor/codes', { csrf, code: codes[0]!, do: 'remove' })).toMatchObject({
      status: 303,
    });
    expect(await world.secondFactors.stateOf(world.a.id, id)).toEqual({ isOn: false, recoveryCodesLeft: 0 });
  });

  test('is not turned off without a code, nor where the clinic requires it', async () => {
    const { id, session, csrf } = await open({ roles: ['clinic-admin'] });
    const totp = await world.enrol(world.a, id);
    expect(await post(session, '/second-factor/codes', { csrf, code: '000000', do: 'remove' })).toMatchObject({
      status: 422,
    });
    world.policy = 'admins';
    const answer = await post(session, '/second-factor/codes', { csrf, code: totp.generate(), do: 'remove' });
    expect(answer).toMatchObject({ status: 422, html: expect.stringContaining('requires the second step') });
    expect(await world.secondFactors.stateOf(world.a.id, id)).toMatchObject({ isOn: true });
    expect((await visit(pages, world.a, 'GET ', { session })).html).not.toContain('value="remove"');
  });
});

describe('sessions and apps', () => {
  test('one session is ended, or all others; those of somebody else are as if they did not exist', async () => {
    const { id, session, csrf } = await open();
    const stranger = await open();
    await world.signIn(world.a, id);
    const cipher = await world.database.keyRing.cipherOf(world.a.id);
    const list = (of: string) => world.database.tenantDoor(world.a.id, (trx) => listLoginSessions(trx, cipher, of));
    const [theirs] = await list(stranger.id);
    for (const forged of [theirs!.id, 'x', "' OR 1=1"]) await post(session, '/sessions/end', { csrf, session: forged });
    expect(await world.sessionsOf(world.a, stranger.id)).toBe(1);
    const other = (await list(id)).find(({ sessionHash }) => !sessionHash.equals(session.sessionHash));
    await post(session, '/sessions/end', { csrf, session: other!.id });
    expect(await world.sessionsOf(world.a, id)).toBe(1);
    for (let n = 0; n < 3; n += 1) await world.signIn(world.a, id);
    await post(session, '/sessions/end-others', { csrf });
    expect((await list(id)).map(({ sessionHash }) => sessionHash)).toEqual([session.sessionHash]);
  });

  test('an app is shown with its rights in words, and withdrawing them takes its consent away', async () => {
    const { id, session, csrf } = await open();
    const { tenantDoor, keyRing } = world.database;
    const cipher = await keyRing.cipherOf(world.a.id);
    const clientId = await tenantDoor(world.a.id, async (trx) => {
      const registration = { name: 'Growth <Chart>', grantTypes: [], scope: 'patient/*.rs', roles: [] };
      const made = createClient(trx, cipher, registration);
      const granted = ['openid', 'patient/Observation.rs?category=http://loinc.org|vital-signs'];
      saveConsent(trx, id, { clientId: made.clientId, granted, refused: [] });
      return made.clientId;
    });
    const { html } = await visit(pages, world.a, 'GET ', { session });
    expect(html).toContain('Growth &lt;Chart&gt;');
    expect(html).toContain(
      'See: measurements, results and observations of the open record (Only category vital-signs.)',
    );
    expect(await post(session, '/apps/withdraw', { csrf, client: clientId })).toMatchObject({ status: 303 });
    expect(await tenantDoor(world.a.id, (trx) => findConsent(trx, id, clientId))).toBeUndefined();
  });

  test('signing out ends the session on the server', async () => {
    const { id, session, csrf } = await open();
    expect(await post(session, '/sign-out', { csrf })).toMatchObject({ status: 200 });
    expect(await world.sessionsOf(world.a, id)).toBe(0);
  });
});

test.each([
  ['short', true],
  ['eleven1char', true],
  ['password1234', true],
  ['P@ssw0rd!2026', true],
  ['Welcome2026!!', true],
  ['111111111111', true],
  ['qwertyuiop123', true],
  ['123456789012345', true],
  ['administrator', true],
  ['ada.lovelace1', true],
  ['xx ada.lovelace@clinic.example', true],
  ['x'.repeat(1_025), true],
  ['correct horse battery', false],
  ['ada.lovelace likes weaving', false],
  ['пароль длинный и свой', false],
  ['4711-kittens-in-0815', false],
])('the password %j is refused: %s (NIST SP 800-63B section 3.1.1.2)', (password, isRefused) => {
  expect(passwordFault(password, 'ada.lovelace@clinic.example') !== undefined).toBe(isRefused);
});

test.each([
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0',
    'Edge on Windows',
  ],
  ['Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36', 'Chrome on Android'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Version/18.0 Safari/605.1', 'Safari on Mac'],
  ['curl/8.0', 'A browser'],
])('the user agent %s is %s', (userAgent, device) => {
  expect(deviceOf(userAgent)).toBe(device);
});
