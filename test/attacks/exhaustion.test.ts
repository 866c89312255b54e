// Attacks 89 to 98 of security.md, on time and memory: bounded work, told by what is refused and by what is not done. Times are measured by `npm run bench:attacks`.

import type { Server } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { listen } from '../../src/http/listen.ts';
import { expectNoFailure, expectRefusal } from '../api/refusals.ts';
import { rawRequest, sendRaw } from '../http/raw-request.ts';
import { buildPatient } from '../support/builders.ts';
import { publicUrl, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const get = (path: string, headers: Record<string, string> = {}) => server.a.request('GET', path, undefined, headers);

describe('attack 89: searches that lead everywhere', () => {
  test.each([
    [
      '20 chains',
      `Observation?${Array(20).fill('subject:Patient.general-practitioner:Practitioner.name=x').join('&')}`,
    ],
    ['a chain of 20', `Patient?${'link:Patient.'.repeat(20)}name=x`],
    ['_has six deep', `Observation?${'_has:Observation:has-member:'.repeat(6)}code=x`],
    ['_has twelve times', `Patient?${Array(12).fill('_has:Observation:subject:code=x').join('&')}`],
    ['501 values', `Patient?identifier=${'x,'.repeat(500)}x`],
  ])('%s: 400', async (_, query) => expectRefusal(await get(`/${query}`), 400));
});

describe('attack 91: texts that make patterns run away', () => {
  const long = 30_000;
  const values = [
    'a'.repeat(long),
    '1'.repeat(long),
    `${'9,'.repeat(long / 2)}x`,
    ' '.repeat(long),
    '-'.repeat(long),
    `2026${'-01'.repeat(long / 3)}`,
    '.'.repeat(long),
    '\t '.repeat(long / 2),
  ];

  test.each([
    'birthdate',
    'identifier',
    'general-practitioner',
    '_lastUpdated',
    '_id',
    '_sort',
    '_elements',
    '_filter',
    '_include',
    '_cursor',
    'phone',
  ])('by POST in %s', async (name) => {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    for (const value of values) {
      const body = new URLSearchParams([[name, value]]).toString();
      expectRefusal(
        await server.a.request('POST', '/Patient/_search', body, { ...form, Prefer: 'handling=strict' }),
        400,
      );
    }
  });

  test.each([
    'If-Match',
    'If-None-Match',
    'If-Modified-Since',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'Forwarded',
    'Prefer',
    'Accept-Language',
    'Accept-Encoding',
    'Range',
  ])('in the header %s: answered', async (name) => {
    for (const value of ['W/"1",'.repeat(4_000), `a${';a="'.repeat(6_000)}`, ' ,'.repeat(12_000), 'x'.repeat(28_000)]) {
      const answer = await get('/Patient/none', { [name]: value });
      expect([400, 404, 412]).toContain(answer.status);
    }
  });

  test('an Accept of 10,000 entries is more than a head may hold', async () => {
    const accept = Array.from({ length: 10_000 }, (_, n) => `a/b${n};q=0.${n}`).join(',');
    const lines = ['GET /t/clinic-a/fhir/Patient/none HTTP/1.1', `Authorization: Bearer ${server.a.token}`];
    expect((await sendRaw(server.origin, rawRequest([...lines, `Accept: ${accept}`]))).status).toBe(431);
  });

  test.each(['', '@', 'a'.repeat(40_000), `${'a@'.repeat(20_000)}`, `${'a.'.repeat(20_000)}@x`])(
    'an e-mail address %#: an account page',
    async (email) => {
      const answer = await fetch(`${server.origin}/t/clinic-a/account/forgot`, {
        method: 'POST',
        headers: { Origin: publicUrl },
        body: new URLSearchParams({ email }),
      });
      expect(await answer.text()).toContain('<html');
      expect([200, 400, 413, 422]).toContain(answer.status);
    },
  );
});

describe('attack 94: clients that take their time (closed in time: slow-clients.long.test.ts)', () => {
  test('heads, requests and idle connections have their time, and connections their number', async () => {
    let http: Server | undefined;
    const listener = await listen((request, response) => {
      http = (request.socket as unknown as { server: Server }).server;
      response.end();
    }, 0);
    await (await fetch(`http://127.0.0.1:${listener.port}/`)).text();
    expect(http?.headersTimeout).toBeLessThanOrEqual(10_000);
    expect(http?.requestTimeout).toBeLessThanOrEqual(120_000);
    expect(http?.keepAliveTimeout).toBeLessThanOrEqual(65_000);
    expect(http?.maxConnections).toBeLessThanOrEqual(10_000);
    await listener.close(1_000);
  });

  test('HTTP/2 is not spoken, so that none of its floods is understood', async () => {
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
    expect([0, 400, 505]).toContain((await sendRaw(server.origin, preface)).status);
  });

  test('200 connections that send half a head do not keep others waiting', async () => {
    const { hostname, port } = new URL(server.origin);
    const sockets = Array.from({ length: 200 }, () => {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.on('error', () => undefined);
      socket.write('GET /t/clinic-a/fhir/Patient/none HTTP/1.1\r\nHost: hpms.test\r\nX-Slow: ');
      return socket;
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => get('/Patient/none')));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(404));
    for (const socket of sockets) socket.destroy();
  });
});

describe('attack 95: line ends that would become headers', () => {
  test.each([
    ['GET', '/Patient/a%0d%0aSet-Cookie:x', {}],
    ['GET', '/Patient/none?_format=application/fhir%2Bjson%0d%0aX-Injected:1', {}],
    ['GET', '/Patient?_cursor=%0d%0aX-Injected:1', {}],
    ['GET', '/Patient?name=%0d%0aX-Injected:1', {}],
    ['GET', '/Patient/none', { Prefer: 'return=%0d%0aX-Injected: 1', 'X-Request-Id': 'a%0d%0aX-Injected: 1' }],
  ] as const)('%s %s', async (method, path, headers) => {
    const answer = await server.a.request(method, path, undefined, headers);
    expect([200, 400, 404, 406]).toContain(answer.status);
    expect([...answer.headers.keys()].filter((name) => /cookie|injected/i.test(name))).toEqual([]);
  });

  test('an id that a client chose is in Location as it is, and can hold nothing else', async () => {
    const made = await server.a.request('PUT', '/Patient/a.b-C', { ...buildPatient(), id: 'a.b-C' });
    expect(made.headers.get('location')).toBe(`${server.a.baseUrl}/Patient/a.b-C/_history/1`);
  });
});

describe('attack 97: keys that would collide', () => {
  const body = (keys: readonly string[]) =>
    `{"resourceType":"Patient",${keys.map((key) => `${JSON.stringify(key)}:1`).join(',')}}`;

  test.each([
    ['numbers', (n: number) => String(n)],
    ['multiples of 2^20', (n: number) => String(n * 1_048_576)],
    [
      'pairs of the same sum',
      (n: number) => n.toString(2).padStart(20, '0').replaceAll('0', 'Aa').replaceAll('1', 'BB'),
    ],
  ])('100,000 %s are refused where they stand', async (_, keyOf) => {
    const answer = await server.a.request(
      'POST',
      '/Patient',
      body(Array.from({ length: 100_000 }, (_one, n) => keyOf(n))),
    );
    expectRefusal(answer, [400, 413, 422]);
    expect(answer.json.issue.length).toBeLessThanOrEqual(100);
  });

  test('a query of 10,000 names is refused', async () => {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const query = Array.from({ length: 10_000 }, (_, n) => `${n}=1`).join('&');
    expectRefusal(await server.a.request('POST', '/Patient/_search', query, form), [400, 413]);
  });
});

describe('attack 98: terminology that grows', () => {
  const valueSet = (url: string, compose: object) => ({ resourceType: 'ValueSet', status: 'active', url, compose });

  test('value sets that include each other are refused, or expanded to what they hold', async () => {
    const [one, other] = ['http://x.test/vs-1', 'http://x.test/vs-2'];
    const coded = { system: 'urn:codes', concept: [{ code: 'a' }] };
    await server.a.request('PUT', '/ValueSet/vs-1', {
      ...valueSet(one, { include: [{ valueSet: [other] }, coded] }),
      id: 'vs-1',
    });
    await server.a.request('PUT', '/ValueSet/vs-2', {
      ...valueSet(other, { include: [{ valueSet: [one] }] }),
      id: 'vs-2',
    });
    const own = valueSet('http://x.test/vs-3', { include: [{ valueSet: ['http://x.test/vs-3'] }] });
    await server.a.request('PUT', '/ValueSet/vs-3', { ...own, id: 'vs-3' });
    for (const url of [one, other, 'http://x.test/vs-3']) {
      const answer = await get(`/ValueSet/$expand?url=${encodeURIComponent(url)}`);
      if (answer.status === 200) expect(answer.json.expansion.total ?? 0).toBeLessThanOrEqual(1);
      else expectRefusal(answer, [400, 404, 422]);
      expect(
        (await get(`/ValueSet/$validate-code?url=${encodeURIComponent(url)}&system=urn:codes&code=a`)).status,
      ).toBeLessThan(500);
      expect((await get(`/Observation?code:in=${encodeURIComponent(url)}`)).status).toBeLessThan(500);
    }
  });

  test('1,000 includes of each other, and a filter that runs away, are bounded', async () => {
    const include = Array.from({ length: 1_000 }, (_, n) => ({ valueSet: [`http://x.test/many-${n}`] }));
    const filter = [{ property: 'concept', op: 'regex', value: '(a+)+$' }];
    for (const compose of [
      { include },
      { include: [{ system: 'http://hl7.org/fhir/administrative-gender', filter }] },
    ]) {
      const inline = {
        resourceType: 'Parameters',
        parameter: [{ name: 'valueSet', resource: valueSet('http://x.test/inline', compose) }],
      };
      expect((await server.a.request('POST', '/ValueSet/$expand', inline)).status).toBeLessThan(500);
    }
  });

  test('$validate of 10 MB is answered with at most 100 issues', async () => {
    const name = Array.from({ length: 100_000 }, (_, n) => ({ family: `x${n}`, use: 'nobody', text: 'y'.repeat(50) }));
    const answer = await server.a.request('POST', '/Patient/$validate', { resourceType: 'Patient', name });
    expect([200, 400, 413, 422]).toContain(answer.status);
    expect(answer.json.issue.length).toBeLessThanOrEqual(101);
  });
});
