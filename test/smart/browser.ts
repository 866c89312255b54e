// A browser without a screen: keeps cookies by path, follows redirects inside the server, reads and posts forms.

import { publicUrl } from '../support/server.ts';

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Where a redirect to somewhere else led; the page is then not that of the other server. */
  readonly leftTo?: URL;
}

interface Cookie {
  readonly value: string;
  readonly path: string;
  readonly attributes: string;
}

export interface Browser {
  readonly cookies: Map<string, Cookie>;
  get(url: string): Promise<Page>;
  post(url: string, form: Record<string, string> | URLSearchParams, headers?: Record<string, string>): Promise<Page>;
  /** Sends the page's form, with its hidden fields and what is ticked, and these values over them. */
  submit(page: Page, values?: Record<string, string | readonly string[]>): Promise<Page>;
}

export function openBrowser(origin: string): Browser {
  const cookies = new Map<string, Cookie>();

  async function visit(first: string, request: RequestInit): Promise<Page> {
    let [url, init] = [first, request];
    for (let hops = 0; hops < 20; hops += 1) {
      const { pathname } = new URL(url);
      const cookie = [...cookies]
        .filter(([, { path }]) => pathname === path || pathname.startsWith(path.replace(/\/?$/, '/')))
        .map(([key, { value }]) => `${key.split('\n')[0]}=${value}`)
        .join('; ');
      const headers = { ...(init.headers as Record<string, string>), ...(cookie === '' ? {} : { cookie }) };
      const response = await fetch(url.replace(publicUrl, origin), { ...init, headers, redirect: 'manual' });
      for (const line of response.headers.getSetCookie()) keep(line);
      const location = response.headers.get('location');
      const text = await response.text();
      const page = { url, status: response.status, headers: response.headers, text };
      if (location === null || response.status < 300 || response.status > 399) return page;
      const next = new URL(location, url);
      if (next.origin !== new URL(publicUrl).origin) return { ...page, leftTo: next };
      [url, init] = [next.href, { method: 'GET', headers: {} }];
    }
    throw new Error('There are too many redirects.');
  }

  function keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ');
    const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    const path = attributes.find((one) => one.startsWith('path='))?.slice(5) ?? '/';
    if (value === '' || attributes.some((one) => one.startsWith('expires=Thu, 01 Jan 1970'))) {
      cookies.delete(`${name}\n${path}`);
    } else cookies.set(`${name}\n${path}`, { value, path, attributes: attributes.join('; ') });
  }

  const get = (url: string) => visit(url, { method: 'GET', headers: {} });
  const post = (url: string, form: Record<string, string> | URLSearchParams, headers = {}) =>
    visit(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(form).toString(),
    });
  return {
    ...{ cookies, get, post },
    async submit(page, values = {}) {
      const action = /<form method="post" action="([^"]+)"/.exec(page.text)?.[1];
      if (action === undefined) throw new Error(`There is no form: ${page.status} ${page.text}`);
      const form = new URLSearchParams();
      for (const [name, value] of fieldsOf(page)) if (!(name in values)) form.append(name, value);
      for (const [name, value] of Object.entries(values)) for (const one of [value].flat()) form.append(name, one);
      return await post(new URL(plainOf(action), page.url).href, form);
    },
  };
}

/** Hidden and ticked fields of the first form. */
export function fieldsOf({ text }: Page): [name: string, value: string][] {
  const form = /<form[\s\S]*?<\/form>/.exec(text)?.[0] ?? '';
  return [...form.matchAll(/<input [^>]*>/g)].flatMap(([input]) => {
    const [name, value] = [/ name="([^"]*)"/.exec(input)?.[1], / value="([^"]*)"/.exec(input)?.[1]];
    const isSent = / type="hidden"/.test(input) || / checked=""/.test(input);
    return name !== undefined && value !== undefined && isSent ? [[name, plainOf(value)]] : [];
  });
}

export function titleOf({ text }: Page): string {
  return /<h1>([^<]*)<\/h1>/.exec(text)?.[1] ?? text.slice(0, 400);
}

function plainOf(text: string): string {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'" };
  return text.replace(/&(#?\w+);/g, (all, name: string) => entities[name] ?? all);
}
