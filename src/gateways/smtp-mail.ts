// Mail through an SMTP server, encrypted on the way unless that server is on this machine: https://www.rfc-editor.org/rfc/rfc8314

import type { Transporter } from 'nodemailer';
import type { MailGateway } from './mail.ts';

export interface SmtpMailOptions {
  /** `smtps://user:password@host:port`, or `smtp://`, which is then encrypted by STARTTLS. */
  readonly url: string;
  /** Who the mails are from: `Clinic <no-reply@clinic.example>` or the address alone. */
  readonly from: string;
}

export interface SmtpMail extends MailGateway {
  close(): void;
}

const ports: Readonly<Record<string, number>> = { 'smtp:': 587, 'smtps:': 465 };
const thisMachine = new Set(['localhost', '127.0.0.1', '[::1]']);
const timeouts = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000, dnsTimeout: 10_000 };

export function createSmtpMail({ url, from }: SmtpMailOptions): SmtpMail {
  let transport: Promise<Transporter> | undefined;
  return {
    async send({ to, ...content }) {
      transport ??= openTransport({ url, from });
      // As an object the address is one, whatever commas and quotes it has.
      await (await transport).sendMail({ to: { name: '', address: to }, ...content });
    },
    close: () => void transport?.then((opened) => opened.close()),
  };
}

/** Loaded with the first mail: nodemailer takes 2 MB. */
async function openTransport({ url, from }: SmtpMailOptions): Promise<Transporter> {
  const { createTransport } = await import('nodemailer');
  const { protocol, hostname, port, username, password } = new URL(url);
  const secure = protocol === 'smtps:';
  const isPlain = !secure && thisMachine.has(hostname);
  return createTransport(
    {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (ports[protocol] ?? 587) : Number(port),
      secure,
      requireTLS: !secure && !isPlain,
      // A mail server on this machine often has a certificate that nobody can check.
      ignoreTLS: isPlain,
      tls: { minVersion: 'TLSv1.2' },
      ...(username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
      ...{ pool: true, maxConnections: 2, maxMessages: 100 },
      ...timeouts,
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    // Nobody's holiday notice shall come back: RFC 3834 section 5.
    { from, headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' } },
  );
}
