// Links to an account: asked for in the same way by everybody, sent by a job, good once and for a while (security.md 69, 73).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { askForLink } from '../../../src/people/account-secrets.ts';
import { changeAccount } from '../../../src/people/accounts.ts';
import { verifyPassword } from '../../../src/people/password.ts';
import type { AnswerAccount } from '../../../src/smart/account/account-pages.ts';
import type { PageAnswer } from '../../../src/smart/account/account-request.ts';
import { linkMail } from '../../../src/smart/account/link-mail.ts';
import { withClient } from '../../support/database.ts';
import { type AccountWorld, goodPassword, openAccountWorld, visit } from './account-world.ts';

let world: AccountWorld;
let pages: AnswerAccount;
beforeAll(async () => {
  world = await openAccountWorld();
});
beforeEach(() => {
  pages = world.openPages();
});
afterAll(() => world.close());

const forgot = (email: string, network?: string) =>
  visit(pages, world.a, 'POST /forgot', { form: { email }, ...(network === undefined ? {} : { network }) });

async function resetToken(email: string): Promise<string> {
  await forgot(email);
  await world.runJobs(world.a);
  return world.lastToken();
}

const save = (token: string, password = goodPassword, path = '/new-password', tenant = world.a) =>
  visit(pages, tenant, `POST ${path}`, { form: { token, password } });

describe('asking for a new password', () => {
  test('gets the same answer and leaves as many rows, whether there is an account or not', async () => {
    await world.makeAccount(world.a, { email: 'known@clinic.example' });
    await world.runJobs(world.a);
    const mailsBefore = world.mails.length;
    const known = await forgot('Known@Clinic.example ');
    expect(await world.runJobs(world.a)).toBe(1);
    expect(world.mails.length - mailsBefore).toBe(1);
    for (const email of ['unknown@clinic.example', 'no address', '', `${'x'.repeat(10_000)}@y`]) {
      expect(await forgot(email)).toEqual(known);
      expect(await world.runJobs(world.a)).toBe(1);
    }
    expect(world.mails.length - mailsBefore).toBe(1);
  });

  test('sends no mail for a disabled account', async () => {
    const id = await world.makeAccount(world.a, { email: 'off@clinic.example' });
    const cipher = await world.database.keyRing.cipherOf(world.a.id);
    await world.database.tenantDoor(world.a.id, (trx) => changeAccount(trx, cipher, id, { active: false }));
    const mailsBefore = world.mails.length;
    await forgot('off@clinic.example');
    await world.runJobs(world.a);
    expect(world.mails).toHaveLength(mailsBefore);
  });

  test('fills nobody’s mailbox: five mails in a quarter of an hour, and the answer stays the same', async () => {
    await world.makeAccount(world.a, { email: 'flooded@clinic.example' });
    await world.runJobs(world.a);
    const mailsBefore = world.mails.length;
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        forgot(n % 2 ? 'flooded@clinic.example' : 'ｆlooded@clinic.example ', `192.0.2.${n}`),
      ),
    );
    await world.runJobs(world.a);
    expect(world.mails.length - mailsBefore).toBe(5);
    expect(new Set(answers.map(({ html }) => html)).size).toBe(1);
  });

  test('from one network ends at 100 a minute: 429 with Retry-After', async () => {
    const answers: PageAnswer[] = [];
    for (let n = 0; n < 102; n += 1) answers.push(await forgot('one@clinic.example'));
    expect(answers.at(99)?.status).toBe(200);
    expect(answers.at(-1)).toMatchObject({ status: 429, headers: { 'Retry-After': expect.stringMatching(/^\d+$/) } });
  });
});

describe('the link', () => {
  test('begins with the configured URL, whatever a request said, and stands in no page but its own', async () => {
    await world.makeAccount(world.a, { email: 'link@clinic.example' });
    await resetToken('link@clinic.example');
    const { text, html, to, subject } = world.mails.at(-1)!;
    expect({ to, subject }).toEqual({ to: 'link@clinic.example', subject: 'A new password for Clinic a' });
    const url = /https:\S+/.exec(text)?.[0];
    expect(url).toMatch(/^https:\/\/hpms\.test\/base\/t\/a\/account\/new-password\?token=[\w-]{43}$/);
    expect(html).toContain(`<a href="${url}">`);
  });

  test('opens a form for its account, as often as a mail scanner likes, and changes the password once', async () => {
    const id = await world.makeAccount(world.a, { email: 'once@clinic.example' });
    const before = await world.signIn(world.a, id);
    const token = await resetToken('once@clinic.example');
    for (let look = 0; look < 3; look += 1) {
      const page = await visit(pages, world.a, 'GET /new-password', { query: { token } });
      expect(page.html).toContain('value="once@clinic.example"');
    }
    expect(await save(token, 'eight kittens on a sofa')).toMatchObject({ status: 200 });
    expect(await verifyPassword(await world.passwordHashOf(world.a, id), 'eight kittens on a sofa')).toBe(true);
    expect(await world.sessionsOf(world.a, before.accountId)).toBe(0);
    expect(await save(token, 'nine kittens on a sofa')).toMatchObject({ status: 410 });
    expect(await visit(pages, world.a, 'GET /new-password', { query: { token } })).toMatchObject({ status: 410 });
  });

  test('used twenty times at once changes the password once', async () => {
    const id = await world.makeAccount(world.a, { email: 'race@clinic.example' });
    const token = await resetToken('race@clinic.example');
    const passwords = Array.from({ length: 20 }, (_, n) => `kitten number ${n} on a sofa`);
    const answers = await Promise.all(passwords.map((password) => save(token, password)));
    const winners = passwords.filter((_, n) => answers[n]?.status === 200);
    expect(winners).toHaveLength(1);
    expect(await verifyPassword(await world.passwordHashOf(world.a, id), winners[0]!)).toBe(true);
  });

  test('stays good when the password chosen is refused', async () => {
    await world.makeAccount(world.a, { email: 'hannelore.kittens@clinic.example' });
    const token = await resetToken('hannelore.kittens@clinic.example');
    for (const password of ['2short', 'password1234', 'hannelore.kittens1', 'x'.repeat(1_025)]) {
      const page = await save(token, password);
      expect(page.status).toBe(422);
      expect(page.html).toContain('role="alert"');
      expect(page.html).not.toContain(password);
    }
    expect(await save(token)).toMatchObject({ status: 200 });
  });

  test('is worth nothing in another tenant, for another purpose, or when its account is disabled', async () => {
    const { tenantDoor, keyRing } = world.database;
    const id = await world.makeAccount(world.a, { email: 'scope@clinic.example' });
    const token = await resetToken('scope@clinic.example');
    expect(await save(token, goodPassword, '/new-password', world.b)).toMatchObject({ status: 410 });
    expect(await save(token, goodPassword, '/invitation')).toMatchObject({ status: 410 });
    expect(await save(`${token.slice(0, -1)}-`)).toMatchObject({ status: 410 });
    const cipher = await keyRing.cipherOf(world.a.id);
    await tenantDoor(world.a.id, (trx) => changeAccount(trx, cipher, id, { active: false }));
    expect(await save(token)).toMatchObject({ status: 410 });
  });

  test.each([
    ['reset', '/new-password', 15 * 60],
    ['invite', '/invitation', 7 * 86_400],
  ] as const)('for %s is good for so long, and not a second longer', async (purpose, path, seconds) => {
    const id = await world.makeAccount(world.a, { isInvited: purpose === 'invite' });
    const links = `store.account_link WHERE account_id = '${id}'`;
    await world.database.tenantDoor(world.a.id, async (trx) => askForLink(trx, id, purpose));
    await world.runJobs(world.a);
    await withClient(world.database.url, async (client) => {
      const text = `SELECT extract(epoch FROM expires_at - created_at)::int AS seconds FROM ${links}`;
      expect((await client.query(text)).rows).toEqual([{ seconds }]);
      await client.query('UPDATE store.account_link SET expires_at = now() WHERE account_id = $1', [id]);
    });
    expect(await save(world.lastToken(), goodPassword, path)).toMatchObject({ status: 410 });
  });

  test('of an invitation welcomes, and a person without a password has one then', async () => {
    const id = await world.makeAccount(world.a, { email: 'new@clinic.example', isInvited: true });
    await world.database.tenantDoor(world.a.id, async (trx) => askForLink(trx, id, 'invite'));
    await world.runJobs(world.a);
    expect(world.mails.at(-1)).toMatchObject({ subject: 'Your account at Clinic a' });
    const token = world.lastToken();
    const page = await visit(pages, world.a, 'GET /invitation', { query: { token } });
    expect(page.html).toContain('<h1>Welcome</h1>');
    expect(await save(token, 'ten kittens on a sofa', '/invitation')).toMatchObject({ status: 200 });
    expect(await verifyPassword(await world.passwordHashOf(world.a, id), 'ten kittens on a sofa')).toBe(true);
    // As when the job is tried again, late.
    const mailsBefore = world.mails.length;
    await world.database.tenantDoor(world.a.id, async (trx) => askForLink(trx, id, 'invite'));
    await world.runJobs(world.a);
    expect(world.mails).toHaveLength(mailsBefore);
  });
});

test('guessing links from one network ends at 100 a minute', async () => {
  const answers: PageAnswer[] = [];
  for (let n = 0; n < 101; n += 1)
    answers.push(await visit(pages, world.a, 'GET /new-password', { query: { token: `${n}` } }));
  expect(answers.at(0)?.status).toBe(410);
  expect(answers.at(-1)?.status).toBe(429);
});

test('names in a mail write no HTML and no headers', () => {
  const mail = linkMail('invite', {
    ...{ to: 'x@y', name: '<b>Eva</b>', tenantDisplay: 'A & B\r\nBcc: z@y', href: 'https://h/?token=x' },
  });
  expect(mail.html).toContain('Hello &lt;b&gt;Eva&lt;/b&gt;');
  expect(mail.subject).toBe('Your account at A & B Bcc: z@y');
});
