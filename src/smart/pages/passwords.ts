// Asking for a link to a new password, and choosing one: security.md 69 and 73.

import { button, errorSummary, field, form, hidden, passwordOwner } from './fields.ts';
import { html, safeHref } from './html.ts';
import type { PageBody } from './layout.ts';

/** Sends `email`. */
export interface ResetRequestView {
  readonly kind: 'reset-request';
  readonly action: string;
  /** Absent where there is no session that a forged form could use. */
  readonly csrf?: string;
  readonly loginHref: string;
  readonly error?: string;
}

/** Sends `password`, and `token` where the link in a mail is what proves who it is. */
export interface NewPasswordView {
  readonly kind: 'new-password';
  readonly action: string;
  /** Absent where there is no session that a forged form could use. */
  readonly csrf?: string;
  readonly token?: string;
  /** Tells password managers whose password it is. */
  readonly email?: string;
  /** The person has never signed in. */
  readonly isInvitation?: boolean;
  readonly error?: string;
}

export const passwordHint = 'At least 12 characters. A few words that mean something only to you are a good choice.';

export function resetRequestPage({ action, csrf, loginHref, error }: ResetRequestView): PageBody {
  return {
    title: 'Forgot your password?',
    hasError: error !== undefined,
    body: html`<p>We send you a link with which you choose a new one.</p>
${errorSummary(error)}
${form({
  action,
  csrf,
  content: [
    field({
      ...{ name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'username', hasFocus: true },
      isWrong: error !== undefined,
    }),
    button({ label: 'Send the link' }),
  ],
})}
<p class="aside"><a href="${safeHref(loginHref)}">Back to sign-in</a></p>`,
  };
}

export function newPasswordPage({ action, csrf, token, email, isInvitation, error }: NewPasswordView): PageBody {
  return {
    title: isInvitation ? 'Welcome' : 'Choose a new password',
    hasError: error !== undefined,
    body: html`${isInvitation && html`<p>Choose the password with which you will sign in.</p>`}
${errorSummary(error)}
${form({
  action,
  csrf,
  content: [
    token !== undefined && hidden('token', token),
    email !== undefined && passwordOwner(email),
    field({
      ...{ name: 'password', label: 'New password', type: 'password', autocomplete: 'new-password', hasFocus: true },
      ...{ hint: passwordHint, lengthMax: 1_024, isWrong: error !== undefined },
    }),
    button({ label: 'Save' }),
  ],
})}
${!isInvitation && html`<p class="aside">Saving it signs you out everywhere.</p>`}`,
  };
}
