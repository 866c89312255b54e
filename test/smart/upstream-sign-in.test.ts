// From the sign-in page to the clinic's own identity provider and back into the app: security.md 57 and 58

import { mock } from 'node:test';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { actOf } from '../../src/people/account-acts.ts';
import { createSecondFactors } from '../../src/people/second-factor/second-factors.ts';
import { withClient } from '../support/database.ts';
import { type AppWorld, makePerson, makeRequest, type Person, password, startAppWorld } from './app-world.ts';
import { type Browser, openBrowser, type Page, titleOf } from './browser.ts';
import { addProvider } from './upstream/add-provider.ts';
import type { SecondProvider } from './upstream/second-provider.ts';

let world: AppWorld;
let first: SecondProvider;
let other: SecondProvider;
let firstId: string;
let otherId: string;

beforeAll(async () => {
  // It warns of its store in memory and of its own pages, which are what this test wants.
  mock.method(console, 'warn', () => undefined);
  world = await startAppWorld();
  [first, firstId] = await addProvider(world, 'Hospital');
  [other, otherId] = await addProvider(world, 'Other Hospital');
}, 60_000);
afterAll(async () => {
  first.close();
  other.close();
  await world.server.close();
});

const begin = (browser: Browser) => browser.get(makeRequest(world, { scope: 'openid user/Patient.rs' }).url);

/** To the provider by its link on the sign-in page, and back with what it gives. */
async function through(browser: Browser, login: Page, providerId: string, subject: string): Promise<Page> {
  const href = new RegExp(`href="([^"]+/upstream/${providerId})"`).exec(login.text)?.[1] ?? '';
  const away = await browser.get(new URL(href, login.url).href);
  const provider = providerId === firstId ? first : other;
  return await browser.get((await provider.signIn(away.leftTo?.href ?? '', subject)).href);
}

async function link(person: Person, subject: string): Promise<void> {
  const browser = openBrowser(world.server.origin);
  const unknown = await through(browser, await begin(browser), firstId, subject);
  expect(unknown.text).toContain('Nobody here is known by your sign-in at Hospital yet.');
  const asked = await browser.submit(unknown, { email: person.email, password });
  expect(titleOf(asked)).toBe('Link your sign-in?');
  expect(titleOf(await browser.submit(asked, { link: 'yes' }))).toBe('Allow access?');
}

test('linked once with the password, the provider signs in from then on', async () => {
  const person = await makePerson(world.server, world.server.a, ['provider']);
  await link(person, 'eva');
  const browser = openBrowser(world.server.origin);
  const page = await through(browser, await begin(browser), firstId, 'eva');
  expect(titleOf(page)).toBe('Allow access?');
  const done = await browser.submit(page, { decision: 'allow' });
  expect(done.leftTo?.searchParams.has('code')).toBe(true);
  const { rows } = await withClient(world.server.database.url, (client) =>
    client.query('SELECT event_key FROM store.outbox WHERE resource_id = $1', [person.id]),
  );
  const acts = rows.map(({ event_key }) => actOf(event_key)).filter((act) => act !== 'sign-in');
  expect(acts).toEqual(['identity-linked']);
});

test('the account page tells the person by whom, and as whom', async () => {
  const person = await makePerson(world.server, world.server.a, ['provider']);
  await link(person, 'frida');
  const browser = openBrowser(world.server.origin);
  const login = await browser.get(`${world.issuer}/account`);
  const page = await browser.submit(login, { email: person.email, password });
  expect(page.text).toContain('<bdi>Hospital</bdi> as <bdi>frida');
});

describe('linking: whoever is signed in at the provider in this browser may be somebody else', () => {
  const isLinked = async (person: Person) => {
    const { rows } = await withClient(world.server.database.url, (client) =>
      client.query('SELECT FROM store.identity WHERE account_id = $1', [person.id]),
    );
    return rows.length > 0;
  };
  const reachQuestion = async (browser: Browser, person: Person, subject: string) => {
    const unknown = await through(browser, await begin(browser), firstId, subject);
    return await browser.submit(unknown, { email: person.email, password });
  };

  test('the page names the provider and who it has said it is, and a password alone links nothing', async () => {
    const person = await makePerson(world.server, world.server.a, ['provider']);
    const page = await reachQuestion(openBrowser(world.server.origin), person, 'mallory');
    expect([titleOf(page), page.text.includes('Hospital'), page.text.includes('mallory')]).toEqual([
      ...['Link your sign-in?', true, true],
    ]);
    expect(await isLinked(person)).toBe(false);
  });

  test('no: the person is signed in, and nothing is linked', async () => {
    const person = await makePerson(world.server, world.server.a, ['provider']);
    const browser = openBrowser(world.server.origin);
    const page = await reachQuestion(browser, person, 'mallory');
    expect(titleOf(await browser.submit(page, { link: 'no' }))).toBe('Allow access?');
    expect(await isLinked(person)).toBe(false);
  });

  test('the password was changed, or the account shut, while the question stood: nothing is linked, nobody signed in', async () => {
    for (const change of ["password_hash = password_hash || 'x'", 'active = false', 'must_reset = true']) {
      const person = await makePerson(world.server, world.server.a, ['provider']);
      const browser = openBrowser(world.server.origin);
      const page = await reachQuestion(browser, person, 'mallory');
      await withClient(world.server.database.url, (client) =>
        client.query(`UPDATE store.account SET ${change} WHERE id = $1`, [person.id]),
      );
      expect(titleOf(await browser.submit(page, { link: 'yes' }))).toBe('Sign in');
      expect(await isLinked(person)).toBe(false);
    }
  });

  test('what the person has proven is bound to that password: one changed at the very moment of the code ends it', async () => {
    const person = await makePerson(world.server, world.server.a, ['provider']);
    const { doors } = world.server.app;
    const factors = createSecondFactors({ ...doors, now: () => new Date(Date.now() - 60_000) });
    const enrolment = await factors.enrol(world.server.a.id, { ...person, issuer: 'Clinic' });
    const totp = new TOTP({ secret: Secret.fromBase32(enrolment?.secret ?? '') });
    await factors.confirm(world.server.a.id, person.id, totp.generate({ timestamp: Date.now() - 60_000 }));
    const browser = openBrowser(world.server.origin);
    const asked = await reachQuestion(browser, person, 'mallory');
    await withClient(world.server.database.url, (client) =>
      client.query(`
        CREATE FUNCTION store.change_password() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN NEW.password_hash := NEW.password_hash || 'x'; RETURN NEW; END $$;
        CREATE TRIGGER change_password BEFORE UPDATE OF totp_last_step ON store.account
          FOR EACH ROW WHEN (NEW.id = '${person.id}') EXECUTE FUNCTION store.change_password();`),
    );
    const page = await browser.submit(asked, { code: totp.generate() });
    if (titleOf(page) === 'Link your sign-in?') await browser.submit(page, { link: 'yes' });
    expect(await isLinked(person)).toBe(false);
  });

  test('the answer needs the token of the page, and a sign-in before it', async () => {
    const person = await makePerson(world.server, world.server.a, ['provider']);
    const browser = openBrowser(world.server.origin);
    const page = await reachQuestion(browser, person, 'mallory');
    expect((await browser.post(page.url, { link: 'yes' })).status).toBe(403);
    const early = openBrowser(world.server.origin);
    const unknown = await through(early, await begin(early), firstId, 'nobody');
    expect(titleOf(await early.submit(unknown, { link: 'yes' }))).toBe('Sign in');
    expect(await isLinked(person)).toBe(false);
  });
});

describe('attack 57: another provider, or another address for the same person', () => {
  test('the same subject at another provider is nobody', async () => {
    const person = await makePerson(world.server, world.server.a, ['provider']);
    await link(person, 'twin');
    const browser = openBrowser(world.server.origin);
    const page = await through(browser, await begin(browser), otherId, 'twin');
    expect([titleOf(page), page.leftTo]).toEqual(['Sign in', undefined]);
    expect(page.text).toContain('Other Hospital');
  });

  test('an answer of one brought to the other: refused', async () => {
    const browser = openBrowser(world.server.origin);
    const login = await begin(browser);
    const away = await browser.get(`${login.url}/upstream/${firstId}`);
    const back = await first.signIn(away.leftTo?.href ?? '', 'eva');
    const mixed = await browser.get(back.href.replace(firstId, otherId));
    expect([mixed.status, mixed.leftTo]).toEqual([400, undefined]);
  });

  test('a subject that looks like an e-mail address links nobody by itself', async () => {
    const browser = openBrowser(world.server.origin);
    const page = await through(browser, await begin(browser), firstId, world.frontDesk.email);
    expect(titleOf(page)).toBe('Sign in');
  });
});

describe('attack 58: an answer in the wrong browser, or again', () => {
  test('brought by another browser, or twice: refused', async () => {
    const browser = openBrowser(world.server.origin);
    const login = await begin(browser);
    const away = await browser.get(`${login.url}/upstream/${firstId}`);
    const back = await first.signIn(away.leftTo?.href ?? '', 'eva');
    expect((await openBrowser(world.server.origin).get(back.href)).status).toBe(400);
    const twice = openBrowser(world.server.origin);
    const again = await twice.get(`${(await begin(twice)).url}/upstream/${firstId}`);
    const answer = await first.signIn(again.leftTo?.href ?? '', 'somebody');
    expect(titleOf(await twice.get(answer.href))).toBe('Sign in');
    expect((await twice.get(answer.href)).status).toBe(400);
  });

  test('begun for a sign-in of somebody else: the page is not theirs', async () => {
    const login = await begin(openBrowser(world.server.origin));
    const page = await openBrowser(world.server.origin).get(`${login.url}/upstream/${firstId}`);
    expect([page.status, page.leftTo]).toEqual([400, undefined]);
  });
});
