// What browsers and apps are told where there is no tenant: people get a page (README, Connect an app).

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { expectRefusal } from '../api/refusals.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const ask = (path: string, accept: string) =>
  fetch(`${server.origin}/t/nobody${path}`, { headers: { accept }, redirect: 'manual' });

test.each(['/authorize?client_id=x', '/interaction/x', '/account', '/account/new-password?token=x', '/logout'])(
  'a browser at %s gets a page with the headers of all pages, an app an OperationOutcome: 404',
  async (path) => {
    const page = await ask(path, 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8');
    expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('There is no such tenant.');
    for (const accept of ['application/json', '*/*']) {
      const answer = await ask(path, accept);
      expectRefusal({ status: answer.status, text: await answer.text() }, 404);
    }
  },
);
