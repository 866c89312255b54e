// The two mails that hold a link to an account: an invitation, and the way to a new password.

import type { Mail } from '../../gateways/mail.ts';
import type { LinkPurpose } from '../../people/account-links.ts';
import { type Html, html } from '../pages/html.ts';

export interface LinkMail {
  readonly to: string;
  /** Of the person. */
  readonly name: string;
  /** The clinic's name, for people. */
  readonly tenantDisplay: string;
  readonly href: string;
}

interface Wording {
  readonly subject: string;
  readonly before: string;
  readonly action: string;
  readonly after: string;
}

export function linkMail(purpose: LinkPurpose, { to, name, tenantDisplay, href }: LinkMail): Mail {
  const { subject, before, action, after } = purpose === 'invite' ? invitation(tenantDisplay) : reset(tenantDisplay);
  return {
    to,
    subject,
    text: `Hello ${name},\n\n${before}\n\n${action}:\n${href}\n\n${after}\n\n${tenantDisplay}\n`,
    html: page(html`<p>Hello ${name},</p>
<p>${before}</p>
<p><a href="${href}">${action}</a></p>
<p>If the link does not open, copy this address into your browser:<br/>${href}</p>
<p>${after}</p>
<p>${tenantDisplay}</p>`),
  };
}

function invitation(tenantDisplay: string): Wording {
  return {
    subject: `Your account at ${oneLine(tenantDisplay)}`,
    before: `An account was made for you at ${tenantDisplay}. To use it, choose a password.`,
    action: 'Choose your password',
    after: 'The link is good once, and for seven days. If you did not expect this mail, you need not do anything.',
  };
}

function reset(tenantDisplay: string): Wording {
  return {
    subject: `A new password for ${oneLine(tenantDisplay)}`,
    before: `Somebody, hopefully you, asked for a new password for your account at ${tenantDisplay}.`,
    action: 'Choose a new password',
    after:
      'The link is good once, and for 15 minutes. If it was not you, you need not do anything: your password stays as it is.',
  };
}

/** Mail programs know little CSS, and this needs none. */
function page(body: Html): string {
  return html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"/><title>Mail</title></head><body>
${body}
</body></html>
`.toString();
}

/** A subject is one line: RFC 5322 section 2.2. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}
