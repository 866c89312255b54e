// Where no mail server is configured: says so in the log, and nothing of the mail, whose links would let anybody in.

import type { MailGateway } from './mail.ts';

export interface MailLog {
  warn(fields: object, message: string): void;
}

export function createLoggedMail(log: MailLog): MailGateway {
  return {
    async send() {
      log.warn(
        {},
        'A mail was not sent: SMTP_URL is not set. `npm run admin -- invite` shows the link of an invitation.',
      );
    },
  };
}
