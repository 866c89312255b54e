// Asks whether to sign out: a page of somebody else could have sent the browser here.

import type Koa from 'koa';
import { button, form, hidden } from '../pages/fields.ts';
import { html } from '../pages/html.ts';
import { type PageSource, sendBody } from './page.ts';

export interface SignOutForm {
  readonly action: string;
  readonly csrf: string;
  /** What the app has said, to be said again. */
  readonly kept: readonly (readonly [name: string, value: string])[];
}

export function sendSignOutPage(source: PageSource, ctx: Koa.Context, { action, csrf, kept }: SignOutForm): void {
  const redirectUri = kept.find(([name]) => name === 'post_logout_redirect_uri')?.[1];
  const body = html`<p>Apps that work only while you are signed in lose their access.</p>
${form({ action, csrf, content: [...kept.map(([name, value]) => hidden(name, value)), button({ label: 'Sign out' })] })}`;
  sendBody(source, ctx, { title: 'Sign out?', body }, { redirectUri });
}
