// Sends a page, with the token that its forms must bring back: only who was shown the page can act on it (security.md 59).

import { createHmac, timingSafeEqual } from 'node:crypto';
import type Koa from 'koa';
import { layOut, type PageBody } from '../pages/layout.ts';
import { pageHeaders } from '../pages/page-headers.ts';
import { type PageView, renderPage } from '../pages/pages.ts';
import type { IssuerUrls } from '../urls.ts';

export interface PageSource {
  readonly urls: IssuerUrls;
  readonly tenantDisplay: string;
}

export interface PageOptions {
  readonly status?: number;
  /** Where sending the page's form may end. */
  readonly redirectUri?: string | undefined;
}

export function sendPage(
  { urls, tenantDisplay }: PageSource,
  ctx: Koa.Context,
  view: PageView,
  options: PageOptions = {},
): void {
  send(ctx, renderPage(view, { tenantDisplay, basePath: urls.basePath, language: 'en' }), options);
}

/** Of a page that only one place sends. */
export function sendBody(
  { urls, tenantDisplay }: PageSource,
  ctx: Koa.Context,
  body: PageBody,
  options: PageOptions = {},
): void {
  send(ctx, layOut(body, { tenantDisplay, basePath: urls.basePath, language: 'en' }), options);
}

function send(ctx: Koa.Context, text: string, { status = 200, redirectUri }: PageOptions): void {
  ctx.status = status;
  ctx.set(pageHeaders(redirectUri === undefined ? {} : { redirectUri }));
  ctx.body = text;
}

export function sendError(source: PageSource, ctx: Koa.Context, status: number, text: string): void {
  sendPage(source, ctx, { kind: 'message', title: 'This did not work', text, isError: true }, { status });
}

/** Bound to one thing, such as an interaction: what is right for one is not for another. */
export function csrfToken(key: string, boundTo: string): string {
  return createHmac('sha256', key).update(`csrf|${boundTo}`).digest('base64url');
}

/** False also when a browser says that the form stood on somebody else's page. */
export function isOwnForm(ctx: Koa.Context, presented: string | null, token: string): boolean {
  if (ctx.get('Sec-Fetch-Site') === 'cross-site') return false;
  const [given, expected] = [Buffer.from(presented ?? ''), Buffer.from(token)];
  return given.length === expected.length && timingSafeEqual(given, expected);
}
