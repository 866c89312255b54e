// Subscriptions as they are written: endpoints on the public network alone, and headers that nobody reads again (security.md 101, 104).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, Subscription } from '@medplum/fhirtypes';
import { endpointProblem } from '../../src/repository/subscriptions/endpoint.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { putEntry, sendBundle } from './bundle-requests.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
let a: TestTenant;
beforeAll(async () => {
  server = await startTestServer();
  ({ a } = server);
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const hook = 'https://hooks.example.org/told';
const subscription = (channel: Partial<Subscription['channel']>, id?: string): Subscription => ({
  ...{ resourceType: 'Subscription', status: 'requested', reason: 'x', criteria: 'Patient?' },
  ...(id !== undefined && { id }),
  channel: { type: 'rest-hook', endpoint: hook, payload: 'application/fhir+json', ...channel },
});

// 127.0.0.1 and localhost are named by the operator of the tests.
describe('an endpoint', () => {
  test.each([
    ...[
      'http://127.0.0.2:6379/',
      'https://127.0.0.2/',
      'https://169.254.169.254/latest/',
      'https://[::ffff:127.0.0.1]/',
    ],
    ...['https://0x7f.2/', 'https://2130706434/', 'https://[::1]/', 'https://10.0.0.7/', 'https://clinic.localhost/'],
    ...[
      'https://metadata.google.internal/',
      'https://metadata.internal./',
      'https://printer.local/',
      'https://intranet/',
    ],
    ...['https://user@hooks.example.org/', 'https://:password@hooks.example.org/', 'https://hooks.example.org:6379/'],
    ...[
      'http://hooks.example.org/',
      'file:///etc/passwd',
      'gopher://hooks.example.org/_SET',
      'hooks.example.org',
      'ws://a.b/',
    ],
  ])('%s is refused by every door', async (endpoint) => {
    const body = subscription({ endpoint }, 'refused');
    expectRefusal(await a.request('POST', '/Subscription', body), 422);
    expectRefusal(await a.request('PUT', '/Subscription/refused', body), 422);
    expectRefusal(await sendBundle(a, 'transaction', [putEntry(body)]), 422);
    const { json } = await a.request('PUT', '/Subscription/refused', {
      ...body,
      channel: { ...body.channel, type: 'message' },
    });
    expect(json.issue[0].expression).toEqual(['Subscription.channel.endpoint']);
    expect(json.issue[0].diagnostics).not.toContain(endpoint);
  });

  test.each([hook, 'https://hooks.example.org:8443/', 'https://93.184.215.14/', 'HTTPS://Hooks.Example.ORG./'])(
    '%s is taken',
    async (endpoint) => {
      expect((await a.request('POST', '/Subscription', subscription({ endpoint }))).status).toBe(201);
    },
  );

  test('that is no call to an address is what the client says', async () => {
    const mail = subscription({ type: 'email', endpoint: 'mailto:clinic@example.org' });
    expect((await a.request('POST', '/Subscription', mail)).status).toBe(201);
  });

  test('inside is taken where the operator names its host, without TLS too, and no other spelling of it', () => {
    const allowed = new Set(['hooks.hospital.internal', '127.0.0.1']);
    expect(endpointProblem('http://hooks.hospital.internal:8080/x', allowed)).toBeUndefined();
    expect(endpointProblem('http://127.1:9000/', allowed)).toBeUndefined();
    expect(endpointProblem('https://other.hospital.internal/', allowed)).toBeDefined();
    expect(endpointProblem('ftp://hooks.hospital.internal/', allowed)).toBeDefined();
  });
});

describe('a header', () => {
  const secret = 'Bearer 7f0d-secret-of-the-hook';
  const header = [`Authorization: ${secret}`, 'X-Clinic: seven'];

  test.each([
    'Host: x\r\nX: y',
    'Authorization: a\nb',
    'no colon',
    ': nothing',
    'Host: inside',
    'content-length: 7',
    'X: ü',
  ])('%j is refused', async (line) => {
    const { status, json } = await a.request('POST', '/Subscription', subscription({ header: ['X-A: 1', line] }));
    expect([status, json.issue[0].expression]).toEqual([422, ['Subscription.channel.header']]);
  });

  test('more than 20 are refused', async () => {
    const many = Array.from({ length: 21 }, (_, n) => `X-${n}: 1`);
    expectRefusal(await a.request('POST', '/Subscription', subscription({ header: many })), 422);
  });

  test('is shown by no door again', async () => {
    const created = await a.request('POST', '/Subscription', subscription({ header }), {
      Prefer: 'return=representation',
    });
    const place = `/Subscription/${created.json.id}`;
    await a.request('PUT', place, { ...created.json, reason: 'another', channel: { ...created.json.channel, header } });
    const shown = [created.text];
    for (const path of [
      place,
      `${place}/_history`,
      '/Subscription?_count=50',
      '/AuditEvent?_count=100&entity-type=Subscription',
    ])
      shown.push((await a.request('GET', path)).text);
    const details = shown.flatMap((text) => [...text.matchAll(/"valueBase64Binary":"([^"]+)"/g)]);
    shown.push(...details.map(([, base64 = '']) => Buffer.from(base64, 'base64').toString()));
    expect(shown.filter((text) => text.includes('secret-of-the-hook') || text.includes('seven'))).toEqual([]);
    expect(created.json.channel.header).toEqual([
      expect.stringMatching(/^Authorization: sealed:[\w-]{40,}$/),
      expect.stringMatching(/^X-Clinic: sealed:[\w-]{40,}$/),
    ]);
  });

  test('sent back as it was read, or as it was first sent, stays as it is', async () => {
    const body = subscription({ header }, 'again');
    await a.request('PUT', '/Subscription/again', body);
    const { json } = await a.request('GET', '/Subscription/again');
    for (const sent of [json, body]) {
      const { status } = await a.request('PUT', '/Subscription/again', sent);
      expect([status, (await a.request('GET', '/Subscription/again')).json.channel]).toEqual([200, json.channel]);
    }
    const patch = [{ op: 'replace', path: '/reason', value: 'patched' }];
    const type = { 'Content-Type': 'application/json-patch+json' };
    const patched = await a.request('PATCH', '/Subscription/again', patch, {
      ...type,
      Prefer: 'return=representation',
    });
    expect(patched.json.channel.header).toEqual(json.channel.header);
  });

  test('goes to no other endpoint, Subscription or clinic by whoever does not know it', async () => {
    await a.request('PUT', '/Subscription/own', subscription({ header }, 'own'));
    const { json } = await a.request('GET', '/Subscription/own');
    const { channel } = json as Subscription;
    const elsewhere = { ...channel, endpoint: 'https://thief.example.org/' };
    expectRefusal(await a.request('PUT', '/Subscription/own', { ...json, channel: elsewhere }), 422);
    expectRefusal(await a.request('PUT', '/Subscription/copy', { ...json, id: 'copy' }), 422);
    expectRefusal(await a.request('POST', '/Subscription', subscription(elsewhere)), 422);
    expectRefusal(await server.b.request('PUT', '/Subscription/own', json), 422);
    const batch = (await sendBundle(a, 'batch', [putEntry({ ...json, channel: elsewhere })])).json as Bundle;
    expect(batch.entry?.[0]?.response?.status).toMatch(/^422/);
    const known = { ...json, channel: { ...elsewhere, header } };
    expect((await a.request('PUT', '/Subscription/own', known)).status).toBe(200);
  });

  test('that is no list of texts is refused as such', async () => {
    const body = { ...subscription({}), channel: { type: 'rest-hook', header: [7, { a: 1 }] } };
    expectRefusal(await a.request('POST', '/Subscription', body as never), 400);
    expectRefusal(await a.request('POST', '/Subscription', { ...body, channel: 'x' } as never), 400);
  });
});
