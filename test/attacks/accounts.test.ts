// Attacks 69 to 76 of security.md: on sign-in, on passwords and their links, on the second factor and on sessions, over HTTP.

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { createAccount, findAccount } from '../../src/people/accounts.ts';
import { hashPassword } from '../../src/people/password.ts';
import { createSecondFactors } from '../../src/people/second-factor/second-factors.ts';
import { startSmtpServer, type TakenMail, type TestSmtpServer } from '../gateways/smtp-server.ts';
import { type Browser, openBrowser, type Page, titleOf } from '../smart/browser.ts';
import { withClient } from '../support/database.ts';
import { publicUrl, startTestServer, type TestServer } from '../support/server.ts';

const password = 'seven kittens on a sofa';
const base = `${publicUrl}/t/clinic-a`;

let server: TestServer;
let smtp: TestSmtpServer;
let count = 0;

beforeAll(async () => {
  smtp = await startSmtpServer();
  server = await startTestServer({ smtpUrl: `smtp://127.0.0.1:${smtp.port}` });
}, 60_000);
afterAll(async () => {
  await server.close();
  await smtp.close();
});

async function makePerson(of: TestServer = server): Promise<{ readonly id: string; readonly email: string }> {
  const { keyRing, tenantDoor } = of.app.doors;
  const email = `person${++count}@clinic.example`;
  const [cipher, passwordHash] = await Promise.all([keyRing.cipherOf(of.a.id), hashPassword(password)]);
  const details = { email, name: 'Eva', roles: ['nurse'], passwordHash };
  return { id: (await tenantDoor(of.a.id, (trx) => createAccount(trx, cipher, details))).id, email };
}

/** The page that asks for e-mail and password, on the way to the account page. */
async function loginPage(of: TestServer = server): Promise<{ readonly browser: Browser; readonly page: Page }> {
  const browser = openBrowser(of.origin);
  return { browser, page: await browser.get(`${base}/account`) };
}

async function signIn(email: string, of: TestServer = server) {
  const { browser, page } = await loginPage(of);
  return { browser, before: page, page: await browser.submit(page, { email, password }) };
}

/** As it stands in the mail's plain text, which is quoted-printable. */
function linkIn({ text }: TakenMail): string {
  return /http:\/\/\S+token=[\w-]+/.exec(text.replaceAll('=\r\n', '').replaceAll('=3D', '='))?.[0] ?? '';
}

/** Without what differs between any two visits. */
const plain = ({ text }: Page) =>
  text.replace(/interaction\/[\w-]+|name="csrf" value="[^"]*"|value="[^"@]*@[^"]*"/g, '');

describe('attack 69: whether somebody has an account', () => {
  test('is not told by signing in', async () => {
    const { email } = await makePerson();
    const pages: Page[] = [];
    for (const name of [email, 'nobody@clinic.example', 'not an address']) {
      const { browser, page } = await loginPage();
      pages.push(await browser.submit(page, { email: name, password: 'wrong wrong wrong' }));
    }
    expect(pages.map(({ status }) => status)).toEqual([422, 422, 422]);
    expect(new Set(pages.slice(0, 2).map(plain)).size).toBe(1);
  });

  test('is not told by asking for a new password, and the mail is sent after the answer by a job', async () => {
    const { email } = await makePerson();
    const before = smtp.mails.length;
    const browser = openBrowser(server.origin);
    const ask = (name: string) => browser.post(`${base}/account/forgot`, { email: name }, { origin: publicUrl });
    const [unknown, known] = [await ask('nobody@clinic.example'), await ask(email)];
    expect(known.status).toBe(unknown.status);
    expect(known.text).toBe(unknown.text);
    await smtp.took(before + 1);
    expect(smtp.mails.slice(before).map(({ to }) => to)).toEqual([[email]]);
  });
});

describe('attack 73: the link to a new password', () => {
  test('leads to the configured URL whatever Host said, is used once, and its secret is in no row and no log line', async () => {
    const { email } = await makePerson();
    const before = smtp.mails.length;
    const forged = { host: 'evil.example', 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' };
    const browser = openBrowser(server.origin);
    await browser.post(`${base}/account/forgot`, { email }, { origin: publicUrl, ...forged });
    await smtp.took(before + 1);
    expect(smtp.mails[before]!.text).not.toContain('evil');
    const link = linkIn(smtp.mails[before]!);
    const token = new URL(link).searchParams.get('token') ?? '';
    expect(link).toBe(`${base}/account/new-password?token=${token}`);
    expect(token).toMatch(/^[\w-]{43}$/);
    const page = await browser.get(link);
    expect(titleOf(page)).toBe('Choose a new password');
    const uses = await Promise.all(
      ['eight kittens on a sofa', 'nine kittens on a sofa'].map((chosen) => browser.submit(page, { password: chosen })),
    );
    expect(uses.map(({ status }) => status).sort()).toEqual([200, 410]);
    expect((await browser.get(link)).status).toBe(410);
    expect(server.logLines.join('')).not.toContain(token);
    await withClient(server.database.url, async (client) => {
      const { rows } = await client.query('SELECT to_jsonb(outbox)::text AS text FROM store.outbox');
      expect(rows.map(({ text: row }) => row).join('')).not.toMatch(new RegExp(`${token}|${email}`));
    });
  });

  test('is worth nothing after the address was changed or the account disabled, and the old address gets none', async () => {
    const admin = (method: string, path: string, body: object) =>
      server.a.request(method, `/../admin/staff${path}`, JSON.stringify(body), { 'Content-Type': 'application/json' });
    for (const change of [{ email: 'changed@clinic.example' }, { active: false }]) {
      const before = smtp.mails.length;
      const email = `invited${++count}@clinic.example`;
      const invited = await admin('POST', '', { email, name: 'Eva', roles: ['nurse'] });
      expect(invited.status).toBe(201);
      await smtp.took(before + 1);
      const link = linkIn(smtp.mails[before]!);
      const browser = openBrowser(server.origin);
      expect(titleOf(await browser.get(link))).toBe('Welcome');
      expect((await admin('PATCH', `/${invited.json.id}`, change)).status).toBe(200);
      expect((await browser.get(link)).status).toBe(410);
    }
  });
});

describe('attack 74: the second factor', () => {
  async function enrolled() {
    const person = await makePerson();
    const factors = createSecondFactors({ ...server.app.doors, now: () => new Date(Date.now() - 60_000) });
    const enrolment = await factors.enrol(server.a.id, { ...person, issuer: 'Clinic' });
    const totp = new TOTP({ secret: Secret.fromBase32(enrolment!.secret) });
    await factors.confirm(server.a.id, person.id, totp.generate({ timestamp: Date.now() - 60_000 }));
    return { ...person, totp };
  }

  test('is not passed by calling what comes after it', async () => {
    const { email } = await enrolled();
    const { browser, page, before } = await signIn(email);
    expect(titleOf(page)).toBe('Confirm that it is you');
    expect(titleOf(await browser.get(`${base}/account`))).not.toBe('Your account');
    const uid = /interaction\/([\w-]+)/.exec(before.text)?.[1];
    expect(titleOf(await browser.get(`${base}/authorize/${uid}`))).not.toBe('Your account');
    expect(titleOf(await browser.get(`${base}/account/signed-in?code=x`))).not.toBe('Your account');
  });

  test('takes a code once, also in another sign-in within its time', async () => {
    const { email, totp } = await enrolled();
    const [first, second] = [await signIn(email), await signIn(email)];
    const code = totp.generate();
    expect(titleOf(await first.browser.submit(first.page, { code }))).toBe('Your account');
    expect(titleOf(await second.browser.submit(second.page, { code }))).toBe('Confirm that it is you');
  });

  test('is not guessed: after five wrong codes the right one is refused too, also in a new sign-in', async () => {
    const { email, totp } = await enrolled();
    const { browser, page } = await signIn(email);
    for (let guess = 0; guess < 5; guess += 1) {
      expect((await browser.submit(page, { code: '000000' })).status).toBe(422);
    }
    const again = await signIn(email);
    const refused = await again.browser.submit(again.page, { code: totp.generate() });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(900);
  });
});

describe('attack 75: sessions', () => {
  test('whoever has planted or seen the cookies of before the sign-in is not signed in by them', async () => {
    const { email } = await makePerson();
    const { browser, page } = await loginPage();
    const thief = openBrowser(server.origin);
    for (const [key, cookie] of browser.cookies) thief.cookies.set(key, cookie);
    expect(thief.cookies.size).toBeGreaterThan(0);
    expect(titleOf(await browser.submit(page, { email, password }))).toBe('Your account');
    expect(titleOf(await thief.get(`${base}/account`))).toBe('Sign in');
    expect((await thief.submit(page, { email, password: 'unknown to the thief' })).status).toBe(400);
  });

  test('cookies are out of reach for scripts, other sites and other tenants', async () => {
    const { email } = await makePerson();
    const { browser } = await signIn(email);
    for (const [, { path, attributes }] of browser.cookies) {
      expect(path).toMatch(/^\/t\/clinic-a(\/|$)/);
      expect(attributes).toMatch(/httponly/i);
      expect(attributes).toMatch(/samesite=lax/i);
    }
    expect(titleOf(await browser.get(`${publicUrl}/t/clinic-b/account`))).toBe('Sign in');
  });

  test('signing out ends it on the server: the cookie of before opens nothing', async () => {
    const { email } = await makePerson();
    const { browser, page } = await signIn(email);
    expect(titleOf(page)).toBe('Your account');
    const kept = new Map(browser.cookies);
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const signOut = () => browser.post(`${base}/account/sign-out`, { csrf }, { origin: publicUrl });
    const both = await Promise.all([signOut(), signOut()]);
    expect(both.map(titleOf)).toContain('You are signed out');
    for (const [key, value] of kept) browser.cookies.set(key, value);
    expect(titleOf(await browser.get(`${base}/account`))).toBe('Sign in');
  });
});

describe('attack 76: a stolen table of accounts', () => {
  test('has Argon2id with 19 MiB and two rounds, and a weaker hash is replaced at the next sign-in', async () => {
    const { id, email } = await makePerson();
    const { keyRing, tenantDoor } = server.app.doors;
    const cipher = await keyRing.cipherOf(server.a.id);
    const hashNow = async () =>
      (await tenantDoor(server.a.id, (trx) => findAccount(trx, cipher, id)))?.passwordHash ?? '';
    expect(await hashNow()).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const { hash } = await import('@node-rs/argon2');
    const weak = await hash(password, { memoryCost: 4_096, timeCost: 1, parallelism: 1 });
    await withClient(server.database.url, (client) =>
      client.query('UPDATE store.account SET password_hash = $2 WHERE id = $1', [id, weak]),
    );
    expect(titleOf((await signIn(email)).page)).toBe('Your account');
    expect(await hashNow()).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });
});

describe('guessing passwords', () => {
  // Of its own, for what these do keeps the whole network waiting.
  let guessed: TestServer;
  beforeAll(async () => {
    guessed = await startTestServer();
  }, 60_000);
  afterAll(() => guessed.close());

  const headers = (n: number) => ({ 'x-forwarded-for': `203.0.113.${n}`, 'x-real-ip': `203.0.113.${n}` });

  async function guess(page: Page, browser: Browser, values: Record<string, string>, n = 0): Promise<Page> {
    const fields = { csrf: /name="csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '', ...values };
    return await browser.post(page.url, fields, headers(n));
  }

  /** From another address of this machine, as from another network. */
  async function guessFrom(localAddress: string, page: Page, { cookies }: Browser, values: Record<string, string>) {
    const csrf = /name="csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    const cookie = [...cookies].map(([key, { value }]) => `${key.split('\n')[0]}=${value}`).join('; ');
    const sent = request(page.url.replace(publicUrl, guessed.origin), {
      ...{ method: 'POST', localAddress },
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
    });
    sent.end(new URLSearchParams({ csrf, ...values }).toString());
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.resume();
    return answer.statusCode;
  }

  test('attack 71: a victim who was locked out on purpose comes in from where they have been before', async () => {
    const { email } = await makePerson(guessed);
    await signIn(email, guessed);
    const { browser, page } = await loginPage(guessed);
    const statuses: (number | undefined)[] = [];
    for (let n = 0; n < 25; n += 1) {
      statuses.push(await guessFrom('127.0.0.2', page, browser, { email, password: `guess number ${n}` }));
    }
    expect([statuses[0], statuses.at(-1)]).toEqual([422, 429]);
    expect(titleOf((await signIn(email, guessed)).page)).toBe('Your account');
  });

  test('attack 70: many passwords on one account end, however its name is written and whatever proxies are claimed', async () => {
    const { email } = await makePerson(guessed);
    const { browser, page } = await loginPage(guessed);
    const variants = [email, email.toUpperCase(), ` ${email} `, email.replace('person', 'ｐerson')];
    const answers: Page[] = [];
    for (let n = 0; n < 22; n += 1) {
      answers.push(await guess(page, browser, { email: variants[n % 4]!, password: `guess number ${n}` }, n));
    }
    expect(answers.slice(0, 20).map(({ status }) => status)).toEqual(Array(20).fill(422));
    const last = await guess(page, browser, { email, password });
    expect(last.status).toBe(429);
    expect(Number(last.headers.get('retry-after'))).toBeLessThanOrEqual(900);
    expect(titleOf(last)).toBe('Sign in');
  });

  test('attack 72: passwords of a megabyte and 200 sign-ins at once leave the rest of the server at work', async () => {
    const { browser, page } = await loginPage(guessed);
    const email = 'nobody@clinic.example';
    expect((await guess(page, browser, { email, password: 'x'.repeat(1_000_000) })).status).toBe(413);
    const storm = Promise.all(
      Array.from({ length: 200 }, (_, n) => guess(page, browser, { email: `${n}@clinic.example`, password }, n)),
    );
    const reads = await Promise.all(Array.from({ length: 5 }, () => guessed.a.request('GET', '/Patient?_count=1')));
    expect(reads.map(({ status }) => status)).toEqual(Array(5).fill(200));
    const statuses = new Set((await storm).map(({ status }) => status));
    expect([...statuses].filter((status) => status !== 422)).toEqual([429]);
  });

  test('attack 70: one password on many accounts ends too', async () => {
    const { browser, page } = await loginPage(guessed);
    const answers: Page[] = [];
    for (let n = 0; n < 101; n += 1) {
      answers.push(await guess(page, browser, { email: `spray${n}@clinic.example`, password: 'Summer2026!!' }, n));
    }
    expect(answers.at(-1)?.status).toBe(429);
  });
});
