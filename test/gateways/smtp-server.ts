// A mail server in the test's process, as strict as it is told to be, that keeps what it took.

import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

export interface TestSmtpServer {
  readonly port: number;
  /** What was taken, with headers, and to whom. */
  readonly mails: readonly TakenMail[];
  /** Resolves when so many have been taken. */
  took(count: number): Promise<void>;
  close(): Promise<void>;
}

export interface TakenMail {
  readonly to: readonly string[];
  readonly from: string;
  readonly isEncrypted: boolean;
  readonly text: string;
}

export async function startSmtpServer(
  options: SMTPServerOptions & { readonly host?: string } = {},
): Promise<TestSmtpServer> {
  const mails: TakenMail[] = [];
  const waiting: { readonly count: number; readonly tell: () => void }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: options.cert === undefined ? ['STARTTLS'] : [],
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          to: rcptTo.map(({ address }) => address),
          from: mailFrom === false ? '' : mailFrom.address,
          isEncrypted: session.secure,
          text: Buffer.concat(chunks).toString(),
        });
        for (const { count, tell } of waiting) if (mails.length >= count) tell();
        done();
      });
    },
    ...options,
  });
  // A client that turns away is no fault of the server.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, options.host ?? '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    took: (count) =>
      new Promise((resolve) => {
        if (mails.length >= count) resolve();
        else waiting.push({ count, tell: resolve });
      }),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** A certificate that nobody has signed but itself, for these names (`DNS:localhost`, `IP:127.0.0.2`). */
export function makeCertificate(names: string): { readonly key: string; readonly cert: string } {
  const folder = makeTemporaryFolder();
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names}`];
  execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const made = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  rmSync(folder, { recursive: true });
  return made;
}
