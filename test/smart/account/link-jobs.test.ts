// Mails with links through the outbox and a real mail server: tried again when it refuses, each time with a link that is good.

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { askForLink } from '../../../src/people/account-secrets.ts';
import { createAccount } from '../../../src/people/accounts.ts';
import { startSmtpServer } from '../../gateways/smtp-server.ts';
import { withClient } from '../../support/database.ts';
import { publicUrl, startTestServer, type TestServer } from '../../support/server.ts';
import { openBrowser, titleOf } from '../browser.ts';

async function invite({ app, a }: TestServer, email: string): Promise<void> {
  const cipher = await app.doors.keyRing.cipherOf(a.id);
  await app.doors.tenantDoor(a.id, async (trx) => {
    const { id } = await createAccount(trx, cipher, { email, name: 'Eva', roles: ['nurse'] });
    askForLink(trx, id, 'invite');
  });
}

test('a mail that is refused at first is sent by the next attempt, and its link opens', async () => {
  let refusals = 2;
  const smtp = await startSmtpServer({
    onMailFrom(_address, _session, done) {
      refusals -= 1;
      if (refusals < 0) return done();
      return done(Object.assign(new Error('Try later'), { responseCode: 451 }));
    },
  });
  const server = await startTestServer({ smtpUrl: `smtp://127.0.0.1:${smtp.port}` });
  try {
    await invite(server, 'eva@clinic.example');
    await smtp.took(1);
    expect(refusals).toBe(-1);
    const text = smtp.mails[0]!.text.replaceAll('=\r\n', '').replaceAll('=3D', '=');
    expect(text).toMatch(/^From: clinic@hpms\.test\r$/m);
    const link = new RegExp(`${publicUrl}/t/clinic-a/account/invitation\\?token=[\\w-]{43}`).exec(text)?.[0] ?? '';
    expect(titleOf(await openBrowser(server.origin).get(link))).toBe('Welcome');
    expect(server.logLines.join('')).not.toMatch(/eva@clinic\.example|token=/);
  } finally {
    await server.close();
    await smtp.close();
  }
}, 60_000);

test('without a mail server the event is done, no link is made known, and the log says what is missing', async () => {
  const server = await startTestServer();
  try {
    await invite(server, 'eva@clinic.example');
    await withClient(server.database.url, async (client) => {
      const isDone = "SELECT FROM store.outbox WHERE topic = 'account.invite' AND status = 'done'";
      while ((await client.query(isDone)).rowCount === 0) await delay(20);
    });
    const lines = server.logLines.filter((line) => line.includes('SMTP_URL'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/eva|token/);
  } finally {
    await server.close();
  }
}, 60_000);
