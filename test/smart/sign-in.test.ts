// Signing in: second factor, new passwords, throttling, sessions and their cookies (security.md 69 to 75)

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as OTPAuth from 'otpauth';
import { requireNewPassword, setPassword } from '../../src/people/account-secrets.ts';
import { createSecondFactors } from '../../src/people/second-factor/second-factors.ts';
import { writeSetting } from '../../src/tenants/settings.ts';
import { until } from '../jobs/job-bed.ts';
import { withClient } from '../support/database.ts';
import { type AppWorld, authorize, makePerson, makeRequest, password, startAppWorld } from './app-world.ts';
import { fieldsOf, openBrowser, type Page, titleOf } from './browser.ts';

let world: AppWorld;
beforeAll(async () => {
  world = await startAppWorld();
}, 60_000);
afterAll(() => world.server.close());

const scope = 'openid user/Patient.rs';
const begin = async (browser = openBrowser(world.server.origin)) => ({
  browser,
  login: await browser.get(makeRequest(world, { scope }).url),
});
const setPolicy = (policy: string) =>
  world.server.app.doors.tenantDoor(world.server.a.id, async (trx) =>
    writeSetting(trx, 'second-factor.required', policy),
  );
const reset = (accountId: string) =>
  world.server.app.doors.tenantDoor(world.server.a.id, async (trx) => requireNewPassword(trx, accountId));
const newPerson = () => makePerson(world.server, world.server.a, ['provider']);
const withoutChanging = ({ text }: Page) => text.replace(/interaction\/[\w-]+|name="csrf" value="[^"]*"/g, '');

describe('with a second factor', () => {
  async function enrolled() {
    const { doors } = world.server.app;
    const person = await newPerson();
    const factors = createSecondFactors({ ...doors, now: () => new Date(Date.now() - 60_000) });
    const enrolment = await factors.enrol(world.server.a.id, { ...person, issuer: 'Clinic' });
    const totp = new OTPAuth.TOTP({ secret: enrolment?.secret ?? '' });
    await factors.confirm(world.server.a.id, person.id, totp.generate({ timestamp: Date.now() - 60_000 }));
    return { person, code: () => totp.generate() };
  }

  test('the code is asked for after the password, and counts once: attack 74', async () => {
    const { person, code } = await enrolled();
    const { browser, login } = await begin();
    const asked = await browser.submit(login, { email: person.email, password });
    expect(titleOf(asked)).toBe('Confirm that it is you');
    expect(titleOf(await browser.submit(asked, { code: '000000' }))).toBe('Confirm that it is you');
    const used = code();
    expect(titleOf(await browser.submit(asked, { code: used }))).toBe('Allow access?');
    const again = await begin();
    const second = await again.browser.submit(again.login, { email: person.email, password });
    expect((await again.browser.submit(second, { code: used })).status).toBe(422);
  });

  test('the next URL without the code leads back to the sign-in: attack 74', async () => {
    const { person } = await enrolled();
    const { browser, login } = await begin();
    await browser.submit(login, { email: person.email, password });
    const resume = await browser.get(login.url.replace('/interaction/', '/authorize/'));
    expect([resume.leftTo, titleOf(resume)]).toEqual([undefined, 'Sign in']);
  });

  test('a password that was changed meanwhile ends what the old one had begun: attack 73', async () => {
    const { person, code } = await enrolled();
    const { browser, login } = await begin();
    const asked = await browser.submit(login, { email: person.email, password });
    expect(titleOf(asked)).toBe('Confirm that it is you');
    await world.server.app.doors.tenantDoor(world.server.a.id, async (trx) => setPassword(trx, person.id, 'another'));
    const after = await browser.submit(asked, { code: code() });
    expect([after.status, titleOf(after)]).toEqual([422, 'Sign in']);
  });

  test('whoever must choose a new password and has a second step is asked for the code first: attack 74', async () => {
    const { person, code } = await enrolled();
    await reset(person.id);
    const { browser, login } = await begin();
    const asked = await browser.submit(login, { email: person.email, password });
    expect(titleOf(asked)).toBe('Confirm that it is you');
    expect(titleOf(await browser.submit(asked, { code: code() }))).toBe('Choose a new password');
  });

  test('a code without the password before it is nothing', async () => {
    const { person, code } = await enrolled();
    const { browser, login } = await begin();
    expect(titleOf(await browser.submit(login, { email: person.email, code: code() }))).toContain('Sign in');
  });

  test('where the clinic wants one of everybody, it is set up on the way, and recovery codes are shown', async () => {
    await setPolicy('all');
    try {
      const person = await newPerson();
      let page = await signInAnew(person.email);
      for (const end = Date.now() + 1_500; titleOf(page.page) !== 'Set up the second step' && Date.now() < end; ) {
        page = await signInAnew(person.email);
      }
      const secret = /class="key">([A-Z2-7 ]+)</.exec(page.page.text)?.[1]?.replaceAll(' ', '') ?? '';
      const code = new OTPAuth.TOTP({ secret }).generate();
      const codes = await page.browser.submit(page.page, { code });
      expect(titleOf(codes)).toBe('Your recovery codes');
      const next = /href="([^"]*\/authorize\/[^"]+)"/.exec(codes.text)?.[1] ?? '';
      expect(titleOf(await page.browser.get(next))).toBe('Allow access?');
    } finally {
      await setPolicy('none');
    }
  });

  async function signInAnew(email: string) {
    const { browser, login } = await begin();
    return { browser, page: await browser.submit(login, { email, password }) };
  }
});

describe('who may not sign in', () => {
  test('unknown, wrong password, disabled: the same page and status: attack 69', async () => {
    const disabled = await newPerson();
    await withClient(world.server.database.url, (client) =>
      client.query('UPDATE store.account SET active = false WHERE id = $1', [disabled.id]),
    );
    const pages: Page[] = [];
    for (const form of [
      { email: 'somebody@clinic.test', password },
      { email: 'no address', password },
      { email: world.provider.email, password: 'wrong password' },
      { email: disabled.email, password },
    ]) {
      const { browser, login } = await begin();
      pages.push(await browser.submit(login, form));
    }
    expect(pages.map(({ status }) => status)).toEqual([422, 422, 422, 422]);
    const texts = pages.map((page) => withoutChanging(page).replace(/ value="[^"]*"/g, ''));
    expect(new Set(texts).size).toBe(1);
  });

  describe('after an administrator’s reset an old password alone chooses no new one: attack 73', () => {
    test('it leads to no page for one, makes no link, and says where the link is', async () => {
      const person = await newPerson();
      await reset(person.id);
      const { browser, login } = await begin();
      const page = await browser.submit(login, { email: person.email, password });
      expect([page.status, titleOf(page)]).toEqual([422, 'Sign in']);
      expect(page.text).toContain('Open the link in your mail');
      const { rows } = await withClient(world.server.database.url, (client) =>
        client.query('SELECT FROM store.account_link WHERE account_id = $1', [person.id]),
      );
      expect(rows).toEqual([]);
    });

    test('nor is a second step set up with it that was begun before, to choose one with that', async () => {
      const person = await newPerson();
      const { browser, login } = await begin();
      await setPolicy('all');
      try {
        let page = login;
        for (const end = Date.now() + 1_500; titleOf(page) !== 'Set up the second step' && Date.now() < end; ) {
          page = await browser.submit(await browser.get(login.url), { email: person.email, password });
        }
        const secret = /class="key">([A-Z2-7 ]+)</.exec(page.text)?.[1]?.replaceAll(' ', '') ?? '';
        await reset(person.id);
        const after = await browser.submit(page, { code: new OTPAuth.TOTP({ secret }).generate() });
        expect([titleOf(after), secret.length]).toEqual(['Sign in', 32]);
        const { rows } = await withClient(world.server.database.url, (client) =>
          client.query('SELECT FROM store.account WHERE id = $1 AND totp_confirmed_at IS NOT NULL', [person.id]),
        );
        expect(rows).toEqual([]);
      } finally {
        await setPolicy('none');
      }
    });
  });

  test('many wrong passwords for one account: 429, however its name is written; others sign in: attacks 70 and 71', async () => {
    const person = await newPerson();
    const { browser, login } = await begin();
    let page = login;
    for (let n = 0; n < 21; n += 1) {
      const email = n % 2 === 0 ? person.email : person.email.toUpperCase();
      page = await browser.submit(login, { email, password: 'wrong password' });
    }
    expect([page.status, Number(page.headers.get('retry-after'))]).toEqual([429, expect.any(Number)]);
    expect(Number(page.headers.get('retry-after'))).toBeLessThanOrEqual(900);
    // Who is not even listened to is on record as well, by the number (security.md 122).
    await browser.submit(login, { email: person.email, password });
    const told = '/AuditEvent?outcome=8&action=E';
    await until(async () => (await world.server.a.request('GET', told)).json.total > 0);
    const [{ resource: event }] = (await world.server.a.request('GET', told)).json.entry;
    expect(event).toMatchObject({ subtype: [{ display: 'turned away unread' }], outcomeDesc: 'throttled' });
    expect((await authorize(world, await newPerson(), makeRequest(world, { scope }))).leftTo).toBeDefined();
  });
});

describe('the session', () => {
  test('has a new id from the sign-in on, and cookies that scripts and other sites do not get: attack 75', async () => {
    const { browser, login } = await begin();
    const person = await newPerson();
    const cookieOf = () => [...browser.cookies].find(([key]) => key.startsWith('hpms_session\n'))?.[1];
    expect(cookieOf()).toBeUndefined();
    await browser.submit(login, { email: person.email, password });
    const first = cookieOf();
    expect(first).toMatchObject({ path: '/t/clinic-a' });
    const again = await browser.get(makeRequest(world, { scope, prompt: 'login' }).url);
    await browser.submit(again, { email: person.email, password });
    expect(cookieOf()?.value).not.toBe(first?.value);
    for (const { attributes } of browser.cookies.values()) expect(attributes).toMatch(/samesite=lax; httponly/);
  });

  test('of one person ends when another signs in at the same browser', async () => {
    const browser = openBrowser(world.server.origin);
    const [first, second] = [await newPerson(), await newPerson()];
    await authorize(world, first, makeRequest(world, { scope }), { browser });
    const login = await browser.get(makeRequest(world, { scope, prompt: 'login' }).url);
    expect(titleOf(await browser.submit(login, { email: second.email, password }))).toBe('Allow access?');
    const { rows } = await withClient(world.server.database.url, (client) =>
      client.query('SELECT account_id FROM store.login_session WHERE account_id = ANY ($1)', [[first.id, second.id]]),
    );
    expect(rows).toEqual([{ account_id: second.id }]);
  });

  test('nor does it stand in the way of a sign-in page that was open before', async () => {
    const { browser, login } = await begin();
    const [first, second] = [await newPerson(), await newPerson()];
    await authorize(world, first, makeRequest(world, { scope }), { browser });
    expect(titleOf(await browser.submit(login, { email: second.email, password }))).toBe('Allow access?');
    const { rows } = await withClient(world.server.database.url, (client) =>
      client.query('SELECT account_id FROM store.login_session WHERE account_id = ANY ($1)', [[first.id, second.id]]),
    );
    expect(rows).toEqual([{ account_id: second.id }]);
  });

  test('that has ended closes the pages that were open in it: no patient is found, nothing is allowed (automatic logoff)', async () => {
    const asked = { scope: 'launch/patient user/Patient.rs' };
    for (const end of [
      'DELETE FROM store.login_session WHERE account_id = $1',
      "UPDATE store.login_session SET last_used_at = now() - interval '31 minutes' WHERE account_id = $1",
    ]) {
      const [browser, person] = [openBrowser(world.server.origin), await newPerson()];
      const login = await browser.get(makeRequest(world, asked).url);
      const picker = await browser.submit(login, { email: person.email, password });
      const other = await browser.get(makeRequest(world, { scope }).url);
      expect([titleOf(picker), titleOf(other)]).toEqual(['Choose a patient', 'Allow access?']);
      expect((await browser.submit(picker, { do: 'search', query: 'Abel' })).text).toContain('Anna Abel');
      await withClient(world.server.database.url, (client) => client.query(end, [person.id]));
      for (const values of [
        { do: 'search', query: 'Abel' },
        { do: 'choose', patient: world.anna },
      ]) {
        const page = await browser.post(picker.url, { ...Object.fromEntries(fieldsOf(picker)), ...values });
        expect([page.status, page.text.includes('Anna')]).toEqual([400, false]);
      }
    }
  });

  test('is not that of another tenant, nor is a sign-in there one here', async () => {
    const browser = openBrowser(world.server.origin);
    await authorize(world, world.provider, makeRequest(world, { scope }), { browser });
    const cookies = [...browser.cookies.values()];
    expect(cookies.every(({ path }) => path.startsWith('/t/clinic-a'))).toBe(true);
    const elsewhere = makeRequest(world, { scope, prompt: 'none' }).url.replaceAll('clinic-a', 'clinic-b');
    expect((await browser.get(elsewhere)).leftTo).toBeUndefined();
  });

  test('opens the account page, where it is listed', async () => {
    const browser = openBrowser(world.server.origin);
    const person = await newPerson();
    const login = await browser.get(`${world.issuer}/account`);
    expect(titleOf(login)).toBe('Sign in');
    const page = await browser.submit(login, { email: person.email, password });
    expect([page.url, titleOf(page)]).toEqual([`${world.issuer}/account`, 'Your account']);
    expect(page.text).toContain('(here)');
  });
});

test('nothing went wrong inside', () => {
  expect(world.server.logLines.filter((line) => /"level":(50|60)/.test(line))).toEqual([]);
});
