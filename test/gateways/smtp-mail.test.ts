// Mail is taken by a real SMTP server, over TLS that is checked unless the server is this machine, and never half (RFC 5321, RFC 8314).

import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createLoggedMail } from '../../src/gateways/logged-mail.ts';
import { createSmtpMail, type SmtpMail } from '../../src/gateways/smtp-mail.ts';
import { makeCertificate, startSmtpServer, type TestSmtpServer } from './smtp-server.ts';

const from = 'Riverside Clinic <no-reply@clinic.example>';
const mail = { to: 'ada@example.org', subject: 'Grüße', text: 'Plain ünicode.', html: '<p>Rich</p>' };

let opened: (TestSmtpServer | SmtpMail)[] = [];
afterEach(async () => {
  for (const one of opened) await one.close();
  opened = [];
});

async function start(...args: Parameters<typeof startSmtpServer>): Promise<TestSmtpServer> {
  const server = await startSmtpServer(...args);
  opened.unshift(server);
  return server;
}

function open(url: string): SmtpMail {
  const gateway = createSmtpMail({ url, from });
  opened.unshift(gateway);
  return gateway;
}

describe('on this machine', () => {
  test('delivers text and HTML, from the configured sender, and asks for no automatic answer', async () => {
    const server = await start();
    await open(`smtp://127.0.0.1:${server.port}`).send(mail);
    const [taken] = server.mails;
    expect(taken).toMatchObject({ to: ['ada@example.org'], from: 'no-reply@clinic.example' });
    expect(taken?.text).toMatch(/^From: Riverside Clinic <no-reply@clinic.example>\r$/m);
    expect(taken?.text).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(taken?.text).toContain('multipart/alternative');
    expect(taken?.text).toContain('Plain =C3=BCnicode.');
  });

  test('sends user and password of the URL, decoded', async () => {
    const seen: unknown[] = [];
    const server = await start({
      ...{ authOptional: false, allowInsecureAuth: true },
      onAuth({ username, password }, _session, done) {
        seen.push([username, password]);
        done(null, { user: username });
      },
    });
    await open(`smtp://cl%40nic:p%3Ass@localhost:${server.port}`).send(mail);
    expect(seen).toEqual([['cl@nic', 'p:ss']]);
  });

  test('takes the address as one, so that nobody else is written to', async () => {
    const server = await start();
    const gateway = open(`smtp://127.0.0.1:${server.port}`);
    await gateway.send({ ...mail, to: 'a@example.org\r\nBcc: thief@example.org' }).catch(() => undefined);
    await gateway.send({ ...mail, to: '"x, thief"@example.org' }).catch(() => undefined);
    await gateway.send({ ...mail, subject: 'Hi\r\nBcc: thief@example.org' });
    const reached = server.mails.flatMap(({ to }) => to);
    expect(reached).toContain('ada@example.org');
    expect(reached.filter((to) => to === 'thief@example.org' || to.includes(' '))).toEqual([]);
    for (const { text } of server.mails) expect(text).not.toMatch(/^Bcc:/m);
  });
});

describe('refusals', () => {
  test('reject, and the next attempt goes through: the job tries again', async () => {
    let refusals = 1;
    const server = await start({
      onRcptTo(_address, _session, done) {
        refusals -= 1;
        if (refusals >= 0) done(Object.assign(new Error('Try later'), { responseCode: 450 }));
        else done();
      },
    });
    const gateway = open(`smtp://127.0.0.1:${server.port}`);
    await expect(gateway.send(mail)).rejects.toMatchObject({ responseCode: 450 });
    await gateway.send(mail);
    expect(server.mails).toHaveLength(1);
  });

  test('a server that is not there rejects', async () => {
    const server = await startSmtpServer();
    await server.close();
    await expect(open(`smtp://127.0.0.1:${server.port}`).send(mail)).rejects.toMatchObject({ code: 'ESOCKET' });
  });
});

describe('elsewhere', () => {
  const certificate = makeCertificate('IP:127.0.0.2');
  const other = makeCertificate('DNS:other.example');
  const before = getCACertificates('default');
  // Signed by whom the machine trusts; it is only not trusted where a test says so.
  beforeAll(() => setDefaultCACertificates([certificate.cert, other.cert]));
  afterAll(() => setDefaultCACertificates(before));
  const host = '127.0.0.2';

  test.each([
    ['smtps', true],
    ['smtp', false],
  ])('%s is encrypted before anything is said', async (scheme, secure) => {
    const server = await start({ ...certificate, secure, host });
    await open(`${scheme}://${host}:${server.port}`).send(mail);
    expect(server.mails).toMatchObject([{ isEncrypted: true }]);
  });

  test('a server that offers no encryption gets nothing', async () => {
    const server = await start({ host });
    await expect(open(`smtp://${host}:${server.port}`).send(mail)).rejects.toMatchObject({ code: 'ETLS' });
    expect(server.mails).toEqual([]);
  });

  test.each([
    ['of another name', other],
    ['that nobody trusts', makeCertificate('IP:127.0.0.2')],
  ])('a certificate %s is refused, with both ways of encryption', async (_what, wrong) => {
    for (const [scheme, secure] of [
      ['smtps', true],
      ['smtp', false],
    ] as const) {
      const server = await start({ ...wrong, secure, host });
      await expect(open(`${scheme}://${host}:${server.port}`).send(mail)).rejects.toThrow();
      expect(server.mails).toEqual([]);
    }
  });
});

test('without a mail server the log says so, and nothing of the mail: its link would let anybody in', async () => {
  const lines: unknown[] = [];
  await createLoggedMail({ warn: (...line) => lines.push(line) }).send({ ...mail, text: 'https://x.example/secret' });
  expect(lines).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toMatch(/secret|ada|Grüße/);
});
