// Sign-in with e-mail and password, or through the clinic's own identity provider.

import { button, errorSummary, field, form } from './fields.ts';
import { html, safeHref } from './html.ts';
import type { PageBody } from './layout.ts';

/** Sends `email` and `password`. */
export interface LoginView {
  readonly kind: 'login';
  readonly action: string;
  readonly csrf: string;
  readonly email?: string;
  readonly error?: string;
  /** The app that asks, for people; absent when signing in to the account page. */
  readonly clientName?: string;
  readonly providers: readonly IdentityProviderLink[];
  readonly resetHref: string;
}

export interface IdentityProviderLink {
  readonly name: string;
  readonly href: string;
}

export function loginPage({ action, csrf, email, error, clientName, providers, resetHref }: LoginView): PageBody {
  const isWrong = error !== undefined;
  return {
    title: 'Sign in',
    hasError: isWrong,
    body: html`${clientName !== undefined && html`<p class="lead">to go on to <strong><bdi>${clientName}</bdi></strong></p>`}
${errorSummary(error)}
${form({
  action,
  csrf,
  content: [
    field({
      ...{ name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'username', value: email, isWrong },
      hasFocus: email === undefined,
    }),
    field({
      ...{ name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password', isWrong },
      ...{ lengthMax: 1_024, hasFocus: email !== undefined },
    }),
    button({ label: 'Sign in' }),
  ],
})}
<p class="aside"><a href="${safeHref(resetHref)}">Forgot your password?</a></p>
${providers.length > 0 && providerLinks(providers)}`,
  };
}

function providerLinks(providers: readonly IdentityProviderLink[]) {
  return html`<section aria-label="Other ways to sign in">
<p class="or"><span>or</span></p>
${providers.map(({ name, href }) => html`<a class="button secondary" href="${safeHref(href)}"><span>Sign in with <bdi>${name}</bdi></span></a>`)}
</section>`;
}
