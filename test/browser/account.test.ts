// A person's whole way in a real browser, against the whole server: from the invitation's mail to the account page and out again.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import type { Browser, Page } from 'playwright-core';
import { askForLink } from '../../src/people/account-secrets.ts';
import { createAccount } from '../../src/people/accounts.ts';
import { writeSetting } from '../../src/tenants/settings.ts';
import { startSmtpServer, type TestSmtpServer } from '../gateways/smtp-server.ts';
import { describeWith } from '../support/machine.ts';
import { publicUrl, startTestServer, type TestServer } from '../support/server.ts';
import { launchChromium, openPage } from './chromium.ts';

const email = 'ada@clinic.example';
const password = 'seven kittens on a sofa';

describeWith('chromium', 'an account in Chromium', (program) => {
  let smtp: TestSmtpServer;
  let server: TestServer;
  let browser: Browser;

  beforeAll(async () => {
    smtp = await startSmtpServer();
    server = await startTestServer({ smtpUrl: `smtp://127.0.0.1:${smtp.port}` });
    // So that the browser, too, finds the server under the name that stands in its links.
    const { host } = new URL(server.origin);
    browser = await launchChromium(program, [`--host-resolver-rules=MAP ${new URL(publicUrl).host} ${host}`]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await smtp?.close();
  });

  async function invite(): Promise<void> {
    const { keyRing, tenantDoor } = server.app.doors;
    const cipher = await keyRing.cipherOf(server.a.id);
    await tenantDoor(server.a.id, async (trx) => {
      writeSetting(trx, 'second-factor.required', 'all');
      const { id } = await createAccount(trx, cipher, { email, name: 'Ada Lovelace', roles: ['nurse'] });
      askForLink(trx, id, 'invite');
    });
  }

  async function linkOfMail(count: number): Promise<string> {
    await smtp.took(count);
    const text = smtp.mails[count - 1]!.text.replaceAll('=\r\n', '').replaceAll('=3D', '=');
    return /http:\/\/hpms\.test\S+token=[\w-]+/.exec(text)?.[0] ?? '';
  }

  /** Another page than the one that is expected says why it came, so a failure says what there was to be seen. */
  async function heading(page: Page, name: string): Promise<void> {
    try {
      await page.getByRole('heading', { name, level: 1 }).waitFor({ timeout: 20_000 });
    } catch (error) {
      throw new Error(`Instead of ${name}: ${await page.locator('body').textContent()}`, { cause: error });
    }
  }

  /** Chromium gives the focus with the first frame, which may come after the heading is there. */
  async function type(page: Page, text: string): Promise<void> {
    await page.locator('input:focus').waitFor();
    await page.keyboard.type(text);
  }

  async function signIn(page: Page): Promise<void> {
    await heading(page, 'Sign in');
    await type(page, email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
  }

  test('an invited person chooses a password, sets up the second step, keeps the recovery codes, and is in', async () => {
    await invite();
    const { page, complaints } = await openPage(browser, { viewport: { width: 320, height: 640 } });
    await page.goto(await linkOfMail(1));
    await heading(page, 'Welcome');
    await type(page, password);
    await page.keyboard.press('Enter');
    await heading(page, 'Your password is saved');
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page);
    await heading(page, 'Set up the second step');
    await page.getByText('No camera?').click();
    const key = (await page.locator('.key').textContent()) ?? '';
    const totp = new TOTP({ secret: Secret.fromBase32(key) });
    await page.getByLabel('Code').fill(totp.generate());
    await page.keyboard.press('Enter');
    await heading(page, 'Your recovery codes');
    const [recoveryCode = ''] = await page.locator('.codes code').allTextContents();
    await page.getByRole('link', { name: 'I have kept them' }).click();
    await heading(page, 'Your account');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await heading(page, 'You are signed out');

    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page);
    await heading(page, 'Confirm that it is you');
    await type(page, recoveryCode);
    await page.keyboard.press('Enter');
    await heading(page, 'Your account');
    await page.getByText('9 unused recovery codes. Your clinic requires it.').waitFor();
    expect(await page.getByRole('button', { name: 'Turn off' }).count()).toBe(0);
    expect(complaints).toEqual([]);
  }, 60_000);

  test('a forgotten password is replaced from the sign-in page, after a first choice that is refused', async () => {
    const { page } = await openPage(browser);
    await page.goto(`${publicUrl}/t/clinic-a/account`);
    await page.getByRole('link', { name: 'Forgot your password?' }).click();
    await heading(page, 'Forgot your password?');
    await type(page, email);
    await page.keyboard.press('Enter');
    await heading(page, 'Look into your mail');
    await page.goto(await linkOfMail(2));
    await heading(page, 'Choose a new password');
    await type(page, 'password1234');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await type(page, 'eight kittens on a sofa');
    await page.keyboard.press('Enter');
    await heading(page, 'Your password is saved');
  }, 60_000);
});
