// Pages of registered origins may send every header that the server reads, and read what it answers: https://fetch.spec.whatwg.org/#http-cors-protocol

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeSetting } from '../../src/tenants/settings.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';

const origin = 'https://app.example.org';
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  await server.app.doors.tenantDoor(server.a.id, async (trx) => writeSetting(trx, 'cors.origins', [origin]));
});
afterAll(() => server.close());

const source = path.join(import.meta.dirname, '../../src');
const texts = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && name !== 'http/middleware/cors.ts')
  .map((name) => readFileSync(path.join(source, name), 'utf8'));

/** In lower case, each once. */
const named = (...patterns: RegExp[]) =>
  new Set(
    texts.flatMap((text) =>
      patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, name = '']) => name.toLowerCase())),
    ),
  );

/** Browsers set these by themselves and let no page do so: https://fetch.spec.whatwg.org/#forbidden-request-header */
const byBrowser = /^(?:accept-encoding|content-length|cookie|host|origin|sec-.*|connection|transfer-encoding)$/;

/** What browsers obey or pages may read anyway: https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name */
const forBrowsers =
  /^(?:accept(?:-encoding|-ranges)?|cache-control|clear-site-data|connection|content-.*|cross-origin-.*|expires|permissions-policy|pragma|referrer-policy|set-cookie|strict-transport-security|transfer-encoding|vary|x-content-type-options|x-frame-options)$/;

async function listed(name: string, method: string): Promise<string[]> {
  const headers = { Origin: origin, 'Access-Control-Request-Method': 'POST' };
  const answer = await send(`${server.origin}/t/clinic-a/fhir/Patient/x`, method, undefined, headers);
  return (answer.headers.get(name) ?? '').toLowerCase().split(',');
}

test('every header that the source reads may be sent', async () => {
  const read = named(
    /\b(?:ctx|context)\.get\('([A-Za-z-]+)'\)/g,
    /\bheader\('([A-Za-z-]+)'\)/g,
    /\bheaders\['([a-z-]+)'\]/g,
    /\bheaders\.([a-z]+)\b(?=\s*(?:[;,)]|\?\?|===|!==))/g,
  );
  const wanted = [...read].filter((name) => !byBrowser.test(name));
  for (const name of ['x-confirm-duplicate', 'x-purpose-of-use', 'prefer', 'if-none-exist']) {
    expect(wanted).toContain(name);
  }
  const allowed = await listed('Access-Control-Allow-Headers', 'OPTIONS');
  expect(wanted.filter((name) => !allowed.includes(name))).toEqual([]);
});

test('every header by which an answer tells more than its body may be read', async () => {
  const exposed = await listed('Access-Control-Expose-Headers', 'GET');
  const set = named(/\bctx\.set\('([A-Za-z-]+)'/g, /\b(Link): `/g);
  expect([...set]).toContain('link');
  expect([...set].filter((name) => !exposed.includes(name) && !forBrowsers.test(name))).toEqual([]);
});
