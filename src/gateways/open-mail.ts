// The mail gateway that the settings ask for.

import { createLoggedMail, type MailLog } from './logged-mail.ts';
import { createSmtpMail, type SmtpMail } from './smtp-mail.ts';

export interface MailSettings {
  /** Absent: no mail is sent, and the log says so. */
  readonly smtpUrl?: string;
  readonly from: string;
}

export function openMail({ smtpUrl, from }: MailSettings, log: MailLog): SmtpMail {
  if (smtpUrl === undefined) return { ...createLoggedMail(log), close: () => undefined };
  return createSmtpMail({ url: smtpUrl, from });
}
