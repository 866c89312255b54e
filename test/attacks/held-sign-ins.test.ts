// A sign-in that was proven and kept back, to be gone on with later, is worth nothing once its reason is gone (security.md 62, 73, 75).

import { mock } from 'node:test';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { setPassword } from '../../src/people/account-secrets.ts';
import { linkIdentity, unlinkIdentities } from '../../src/people/identities.ts';
import { createIdentityProvider } from '../../src/people/identity-providers.ts';
import { hashPassword } from '../../src/people/password.ts';
import { createSecondFactors } from '../../src/people/second-factor/second-factors.ts';
import { type AppWorld, makePerson, makeRequest, type Person, password, startAppWorld } from '../smart/app-world.ts';
import { type Browser, fieldsOf, openBrowser, titleOf } from '../smart/browser.ts';
import { type SecondProvider, startSecondProvider } from '../smart/upstream/second-provider.ts';
import { withClient } from '../support/database.ts';
import { publicUrl } from '../support/server.ts';

let world: AppWorld;
let hospital: SecondProvider;
let providerId: string;
beforeAll(async () => {
  mock.method(console, 'warn', () => undefined);
  world = await startAppWorld();
  const details = {
    issuer: 'https://idp.example.org',
    clientId: 'clinic',
    scopes: '',
    display: 'Hospital',
    active: true,
  };
  const secret = { clientSecret: 'a-secret-of-the-clinic-at-its-identity-provider' };
  providerId = (await inTenant(async (trx, cipher) => createIdentityProvider(trx, cipher, { ...details, ...secret })))
    .id;
  hospital = await startSecondProvider([`${world.issuer}/upstream/${providerId}/callback`]);
  await sql('UPDATE store.identity_provider SET issuer = $1 WHERE id = $2', [hospital.issuer, providerId]);
}, 60_000);
afterAll(async () => {
  hospital.close();
  await world.server.close();
});

const sql = (text: string, values: unknown[]) =>
  withClient(world.server.database.url, (client) => client.query(text, values));

type Work<T> = (trx: Parameters<typeof unlinkIdentities>[0], cipher: Parameters<typeof linkIdentity>[1]) => Promise<T>;

async function inTenant<T>(work: Work<T>): Promise<T> {
  const { keyRing, tenantDoor } = world.server.app.doors;
  const cipher = await keyRing.cipherOf(world.server.a.id);
  return await tenantDoor(world.server.a.id, (trx) => work(trx, cipher));
}

const newPerson = () => makePerson(world.server, world.server.a, ['provider']);

/** One step only; where it leads is not gone to. */
async function stepOf(browser: Browser, url: string, form?: Record<string, string>): Promise<string> {
  const { pathname } = new URL(url);
  const cookies = [...browser.cookies].filter(([key]) =>
    pathname.startsWith((key.split('\n')[1] ?? '').replace(/\/$/, '')),
  );
  const cookie = cookies.map(([key, { value }]) => `${key.split('\n')[0]}=${value}`).join('; ');
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const response = await fetch(url.replace(publicUrl, world.server.origin), {
    ...(form ? { method: 'POST', body: new URLSearchParams(form).toString() } : {}),
    ...{ headers: { cookie, ...(form ? type : {}) }, redirect: 'manual' },
  });
  return new URL(response.headers.get('location') ?? '', url).href;
}

/** Has shown the password, and holds the address at which the app would be gone on with. */
async function holdByPassword(person: Person): Promise<{ browser: Browser; held: string }> {
  const browser = openBrowser(world.server.origin);
  const login = await browser.get(makeRequest(world, { scope: 'openid user/Patient.rs' }).url);
  const form = { ...Object.fromEntries(fieldsOf(login)), email: person.email, password };
  const held = await stepOf(browser, login.url, form);
  expect(held).toContain('/authorize/');
  return { browser, held };
}

test('gone on with at once it counts', async () => {
  const { browser, held } = await holdByPassword(await newPerson());
  expect(titleOf(await browser.get(held))).toBe('Allow access?');
});

test('after the password was changed it asks for the password again', async () => {
  const person = await newPerson();
  const { browser, held } = await holdByPassword(person);
  const next = await hashPassword('another correct horse battery');
  await inTenant(async (trx) => setPassword(trx, person.id, next));
  expect(titleOf(await browser.get(held))).toBe('Sign in');
  const { rows } = await sql('SELECT FROM store.login_session WHERE account_id = $1', [person.id]);
  expect(rows).toEqual([]);
});

test('after the account was disabled, or must choose a new password, too', async () => {
  for (const change of ['active = false', 'must_reset = true']) {
    const person = await newPerson();
    const { browser, held } = await holdByPassword(person);
    await sql(`UPDATE store.account SET ${change} WHERE id = $1`, [person.id]);
    expect(titleOf(await browser.get(held))).toBe('Sign in');
  }
});

test('after a second step was set up, too: attack 74', async () => {
  const person = await newPerson();
  const { browser, held } = await holdByPassword(person);
  const factors = createSecondFactors({ ...world.server.app.doors, now: () => new Date() });
  const enrolment = await factors.enrol(world.server.a.id, { ...person, issuer: 'Clinic' });
  const totp = new TOTP({ secret: Secret.fromBase32(enrolment?.secret ?? '') });
  await factors.confirm(world.server.a.id, person.id, totp.generate());
  expect(titleOf(await browser.get(held))).toBe('Sign in');
});

test('after ten minutes, too', async () => {
  const { browser, held } = await holdByPassword(await newPerson());
  const now = Date.now();
  const clock = mock.method(Date, 'now', () => now + 11 * 60_000);
  try {
    expect(titleOf(await browser.get(held))).toBe('Sign in');
  } finally {
    clock.mock.restore();
  }
});

test('whoever is signed in already may take longer over what the app may do', async () => {
  const { browser, held } = await holdByPassword(await newPerson());
  const consent = await browser.get(held);
  const now = Date.now();
  const clock = mock.method(Date, 'now', () => now + 11 * 60_000);
  try {
    const done = await browser.submit(consent, { decision: 'allow' });
    expect(done.leftTo?.searchParams.has('code')).toBe(true);
  } finally {
    clock.mock.restore();
  }
});

test('by an identity provider, after the identity was unlinked: nobody is signed in', async () => {
  for (const isUnlinked of [false, true]) {
    const person = await newPerson();
    const subject = `eva-${isUnlinked}`;
    await inTenant((trx, cipher) => linkIdentity(trx, cipher, person.id, { issuer: hospital.issuer, subject }));
    const browser = openBrowser(world.server.origin);
    const login = await browser.get(makeRequest(world, { scope: 'openid user/Patient.rs' }).url);
    const away = await browser.get(`${login.url}/upstream/${providerId}`);
    const back = await hospital.signIn(away.leftTo?.href ?? '', subject);
    const held = await stepOf(browser, await stepOf(browser, back.href));
    expect(held).toContain('/authorize/');
    if (isUnlinked) await inTenant(async (trx) => unlinkIdentities(trx, person.id));
    expect(titleOf(await browser.get(held))).toBe(isUnlinked ? 'Sign in' : 'Allow access?');
  }
});
