// The clinic's identity provider is away, slow, broken, or has other keys: sign-ins through it fail cleanly, everything else goes on (fault 34).

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createIdentityProvider } from '../../src/people/identity-providers.ts';
import {
  type AppWorld,
  authorize,
  letIn,
  makePerson,
  makeRequest,
  type Person,
  password,
  refresh,
  startAppWorld,
  statusWith,
} from '../smart/app-world.ts';
import { type Browser, openBrowser, type Page, titleOf } from '../smart/browser.ts';
import { withClient } from '../support/database.ts';
import { waitFor } from './bed.ts';
import { answerWith, hang, StubProvider, type Trouble } from './stub-provider.ts';

const failed = 'The identity provider did not sign you in.';
const subject = 'eva';

let world: AppWorld;
let stub: StubProvider;
let providerId: string;
let eva: Person;

beforeAll(async () => {
  world = await startAppWorld();
  stub = await StubProvider.start();
  providerId = await registerStub();
  eva = await makePerson(world.server, world.server.a, ['provider']);
  await linkEva();
}, 60_000);
afterEach(async () => {
  stub.recover();
  // Whatever went wrong went wrong for one sign-in.
  expectSignedIn(await signIn());
  stub.recover();
});
afterAll(async () => {
  await stub.close();
  await world.server.close();
});

async function registerStub(): Promise<string> {
  const { app, a, database } = world.server;
  const cipher = await app.doors.keyRing.cipherOf(a.id);
  const { clientId, clientSecret, issuer } = stub;
  const details = { clientId, clientSecret, scopes: '', display: 'Hospital', active: true };
  const { id } = await app.doors.tenantDoor(a.id, (trx) =>
    createIdentityProvider(trx, cipher, { ...details, issuer: 'https://hospital.example.org' }),
  );
  // Registered is only what speaks TLS.
  await withClient(database.url, (client) =>
    client.query('UPDATE store.identity_provider SET issuer = $1 WHERE id = $2', [issuer, id]),
  );
  return id;
}

async function linkEva(): Promise<void> {
  const browser = openBrowser(world.server.origin);
  const unknown = await signIn(browser);
  const asked = await browser.submit(unknown, { email: eva.email, password });
  await browser.submit(asked, { link: 'yes' });
}

const openLogin = (browser: Browser) => browser.get(makeRequest(world, { scope: 'openid user/Patient.rs' }).url);

/** To the provider, by its link on the sign-in page. */
async function leave(browser: Browser): Promise<Page> {
  return await browser.get(`${(await openLogin(browser)).url}/upstream/${providerId}`);
}

/** To the provider and back. */
async function signIn(browser = openBrowser(world.server.origin)): Promise<Page> {
  const { leftTo } = await leave(browser);
  return await browser.get(stub.signIn(leftTo as URL, subject).href);
}

/** The person is asked for consent, or has given it before and is back in the app. */
function expectSignedIn(page: Page): void {
  const isBack = page.leftTo?.searchParams.has('code') ?? false;
  expect(isBack ? 'Allow access?' : titleOf(page)).toBe('Allow access?');
}

function expectFailure(page: Page): void {
  expect([page.status, page.leftTo]).toEqual([400, undefined]);
  expect(page.text).toContain(failed);
}

async function expectNobodySignedIn(browser: Browser): Promise<void> {
  expect(titleOf(await openLogin(browser))).toBe('Sign in');
}

describe('a provider that is away', () => {
  afterEach(() => stub.comeBack());

  test('local sessions, tokens and passwords go on; a sign-in through it fails with a page', async () => {
    const browser = openBrowser(world.server.origin);
    const { body: tokens } = await letIn(world, eva, 'openid offline_access user/Patient.rs', browser);
    await stub.goAway();
    expectFailure(await leave(openBrowser(world.server.origin)));
    expect(await statusWith(world, tokens.access_token, `/Patient/${world.anna}`)).toBe(200);
    expect((await refresh(world, tokens.refresh_token)).status).toBe(200);
    // The session in the browser: nobody is asked to sign in.
    expect(titleOf(await openLogin(browser))).not.toBe('Sign in');
    const byPassword = await authorize(world, eva, makeRequest(world, { scope: 'openid user/Patient.rs' }));
    expect(byPassword.leftTo?.searchParams.has('code')).toBe(true);
  });

  test('while the person was there: coming back fails, and signs nobody in', async () => {
    const browser = openBrowser(world.server.origin);
    const { leftTo } = await leave(browser);
    const back = stub.signIn(leftTo as URL, subject);
    await stub.goAway();
    expectFailure(await browser.get(back.href));
    await expectNobodySignedIn(browser);
  });
});

describe('a provider that takes requests and does not answer', () => {
  test.each(['metadata', 'token', 'keys'] as const)('for %s: it is not waited for without end', async (what) => {
    const browser = openBrowser(world.server.origin);
    if (what === 'metadata') {
      stub.troubles.set(what, hang);
      return expectFailure(await leave(browser));
    }
    const { leftTo } = await leave(browser);
    stub.troubles.set(what, hang);
    expectFailure(await browser.get(stub.signIn(leftTo as URL, subject).href));
    await expectNobodySignedIn(browser);
  });

  test('forty people who wait for it hold none of the connections that everybody needs', async () => {
    const browsers = Array.from({ length: 40 }, () => openBrowser(world.server.origin));
    const logins = await Promise.all(browsers.map(openLogin));
    stub.troubles.set('metadata', hang);
    const leaving = browsers.map((browser, index) => browser.get(`${logins[index]!.url}/upstream/${providerId}`));
    await waitFor('people who wait', () => stub.asked.metadata > 0 && stub.unanswered > 0);
    expect((await world.server.a.request('GET', `/Patient/${world.anna}`)).status).toBe(200);
    for (const page of await Promise.all(leaving)) expectFailure(page);
  });
});

const broken: [string, Trouble][] = [
  ['an error', answerWith(500, '{"error":"server_error"}')],
  ['a page', (response) => void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>Maintenance</h1>')],
  ['half a document', answerWith(200, '{"keys":[{"kty":"RSA","n":"')],
  ['null', answerWith(200, 'null')],
  ['another document', answerWith(200, '[]')],
  ['nothing', answerWith(200, '')],
  ['a connection that breaks', (response) => void response.destroy()],
  ['a megabyte', answerWith(200, JSON.stringify({ keys: [], padding: 'x'.repeat(2 ** 20) }))],
  ['a redirect', (response) => void response.writeHead(302, { Location: 'http://127.0.0.1:9/' }).end()],
];

describe.each(['metadata', 'token', 'keys'] as const)('a provider whose %s are', (what) => {
  test.each(broken)('%s', async (_, trouble) => {
    const browser = openBrowser(world.server.origin);
    const { leftTo } = await leave(browser);
    const back = stub.signIn(leftTo as URL, subject);
    stub.troubles.set(what, trouble);
    expectFailure(await browser.get(back.href));
    await expectNobodySignedIn(browser);
  });
});

const badKeySets: [string, object][] = [
  ['none', { keys: [] }],
  ['one of another kind', { keys: [{ kty: 'oct', kid: 'first', k: 'c2VjcmV0', alg: 'HS256' }] }],
  ['one without its parts', { keys: [{ kty: 'RSA', kid: 'first', alg: 'RS256', use: 'sig' }] }],
  ['one that is no number', { keys: [{ kty: 'RSA', kid: 'first', n: '***', e: '***' }] }],
  ['no list', { keys: 'first' }],
];

test.each(badKeySets)('keys that serve for nothing, %s: nobody is signed in', async (_, keys) => {
  const browser = openBrowser(world.server.origin);
  stub.troubles.set('keys', answerWith(200, JSON.stringify(keys)));
  expectFailure(await signIn(browser));
  await expectNobodySignedIn(browser);
});

describe('other keys', () => {
  test('a new one serves at once, and is fetched once', async () => {
    await stub.rotate('second');
    stub.asked.keys = 0;
    expectSignedIn(await signIn());
    expect(stub.asked.keys).toBe(1);
  });

  test('a new one between leaving and coming back, too', async () => {
    const browser = openBrowser(world.server.origin);
    const { leftTo } = await leave(browser);
    await stub.rotate('third');
    expectSignedIn(await browser.get(stub.signIn(leftTo as URL, subject).href));
  });

  test('one that is not published signs nobody in, however often the keys are asked for, which is once', async () => {
    await stub.rotate('unpublished', { isPublished: false });
    const browser = openBrowser(world.server.origin);
    expectFailure(await signIn(browser));
    expect(stub.asked.keys).toBe(1);
    await expectNobodySignedIn(browser);
  });

  test('another one under a known name signs nobody in', async () => {
    await stub.rotate('same');
    await stub.rotate('same', { isPublished: false });
    expectFailure(await signIn());
  });
});

test('the log tells the operator, and nothing of what the provider said', async () => {
  const before = world.server.logLines.length;
  stub.troubles.set('metadata', answerWith(500, '{"error":"secret words of the provider"}'));
  expectFailure(await leave(openBrowser(world.server.origin)));
  const told = world.server.logLines.slice(before).filter((line) => line.includes('did not sign a person in'));
  expect(told).toHaveLength(1);
  expect(JSON.parse(told[0]!)).toMatchObject({ level: 40, error: 'SignInFailed' });
  expect(world.server.logLines.slice(before).join('')).not.toContain('secret words');
});
