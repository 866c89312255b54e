// Attack 75 of security.md where it matters most: behind a proxy that ends TLS, below a path, every cookie is Secure and signing in works.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { type App, startApp } from '../../src/app.ts';
import { createAccount } from '../../src/people/accounts.ts';
import { hashPassword } from '../../src/people/password.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { testConfig } from '../support/server.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

const publicUrl = 'https://hpms.test/base';
const [email, password] = ['eva@clinic.example', 'seven kittens on a sofa'];

let database: TestDatabase;
let app: App;
beforeAll(async () => {
  database = await createTestDatabase();
  const config = testConfig(makeTemporaryFolder(), 0);
  app = await startApp({
    config: { ...config, http: { ...config.http, publicUrl } },
    databaseUrl: database.url,
    does: { api: true, jobs: false },
    onFatal(error) {
      throw error;
    },
    log: pino({ level: 'silent' }),
  });
  const { tenantId } = await createTenant(app.doors, { name: 'a' });
  const cipher = await app.doors.keyRing.cipherOf(tenantId);
  const passwordHash = await hashPassword(password);
  await app.doors.tenantDoor(tenantId, (trx) =>
    createAccount(trx, cipher, { email, name: 'Eva', roles: ['nurse'], passwordHash }),
  );
}, 60_000);
afterAll(async () => {
  await app.close();
  await database.drop();
});

/** What the proxy passes on: the path without its own beginning, and the cookies of before. */
function startProxy() {
  const cookies = new Map<string, string>();
  const attributes: string[] = [];
  return {
    attributes,
    async ask(url: string, init: RequestInit = {}): Promise<{ readonly url: string; readonly text: string }> {
      const { pathname, search } = new URL(url);
      expect(pathname).toMatch(/^\/base\//);
      const headers = { ...init.headers, cookie: [...cookies].map((pair) => pair.join('=')).join('; ') };
      const inner = `http://127.0.0.1:${app.port}${pathname.slice('/base'.length)}${search}`;
      const response = await fetch(inner, { ...init, headers, redirect: 'manual' });
      for (const line of response.headers.getSetCookie()) {
        const [pair = '', ...rest] = line.split('; ');
        const [name = '', value = ''] = pair.split(/=(.*)/s);
        if (value === '') cookies.delete(name);
        else cookies.set(name, value);
        attributes.push(rest.join('; '));
      }
      const location = response.headers.get('location');
      const text = await response.text();
      return location === null ? { url, text } : await this.ask(new URL(location, url).href);
    },
  };
}

test('somebody signs in, and no cookie goes without encryption, to scripts, to other sites or out of the path', async () => {
  const proxy = startProxy();
  const page = await proxy.ask(`${publicUrl}/t/a/account`);
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const account = await proxy.ask(page.url, {
    method: 'POST',
    body: new URLSearchParams({ csrf, email, password }),
    headers: { origin: 'https://hpms.test' },
  });
  expect(account.text).toContain('<h1>Your account</h1>');
  expect(account.url).toBe(`${publicUrl}/t/a/account`);
  expect(proxy.attributes.length).toBeGreaterThan(4);
  for (const attributes of proxy.attributes) {
    expect(attributes).toMatch(/(^|; )secure(;|$)/i);
    expect(attributes).toMatch(/(^|; )httponly(;|$)/i);
    expect(attributes).toMatch(/(^|; )samesite=lax(;|$)/i);
    expect(attributes).toMatch(/(^|; )path=\/base\/t\/a(\/|;|$)/i);
  }
}, 60_000);
