// Attacks 77 to 84, 88 and 90 of security.md: what is sent stays a value, whatever it looks like; what is proven at length elsewhere stands in attacks.md.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { indexedParameters } from '../../src/search/search-parameters.ts';
import { expectNoFailure, expectRefusal } from '../api/refusals.ts';
import { rawRequest, sendRaw } from '../http/raw-request.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.a.request('PUT', '/Patient/known', {
    ...buildPatient({ name: [{ family: 'Percent%Sign_Under' }] }),
    id: 'known',
  });
});
afterAll(async () => {
  expect(({} as { x?: unknown }).x).toBeUndefined();
  expectNoFailure(server.logLines);
  await server.close();
});

const get = (path: string, headers: Record<string, string> = {}) => server.a.request('GET', path, undefined, headers);
const strict = { Prefer: 'handling=strict' };

describe('attack 77: values that look like SQL, in every parameter of every type', () => {
  const definitions = loadDefinitions();
  const marker = 'injected';
  const values = [`' OR 1=1--${marker}`, `$1\\${marker}%`, `http://x/'${marker}|${marker}`];

  test.each(['', ':contains', ':not', ':identifier', ':below', ':of-type'])(
    'with the modifier "%s" no statement has them in its text',
    (modifier) => {
      let compiledCount = 0;
      for (const type of definitions.resourceTypes) {
        for (const code of indexedParameters(definitions, type).keys()) {
          for (const value of values) {
            const found = statementsOf(type, code + modifier, value);
            compiledCount += found.length;
            if (found.some((text) => text.includes(marker))) throw new Error(`${type}?${code}${modifier}=${value}`);
          }
        }
      }
      if (modifier === '') expect(compiledCount).toBeGreaterThan(5_000);
    },
    60_000,
  );

  function statementsOf(type: string, name: string, value: string): string[] {
    try {
      const query = parseSearch(definitions, type, [[name, value]], { handling: 'strict', now: 0 });
      const { statement, countStatement } = compileSearch(query, { tokenOf: () => 1n });
      return [statement.text, countStatement(1_000).text];
    } catch (error) {
      if (error instanceof FhirError && error.status === 400) return [];
      throw error;
    }
  }

  test.each(['%00', '%ff', '%c0%80', '%ed%a0%80', '%', '%zz', '%u0000'])(
    'the bytes %s in a query are a value or 400',
    async (bytes) => {
      for (const name of [
        'name',
        'identifier',
        '_id',
        'birthdate',
        '_lastUpdated',
        'general-practitioner',
        '_filter',
      ]) {
        const { status, body } = await sendRaw(
          server.origin,
          rawRequest([
            `GET /t/clinic-a/fhir/Patient?${name}=${bytes} HTTP/1.1`,
            `Authorization: Bearer ${server.a.token}`,
          ]),
        );
        expect([200, 400]).toContain(status);
        if (status === 200) expect(JSON.parse(body).total).toBe(0);
      }
    },
  );
});

describe('attack 78: names that would be SQL', () => {
  test.each([
    '_sort=id);drop table resource',
    '_sort=-(select 1)',
    "_sort=name'--",
    '_sort=constructor',
    '_include=Patient:x";--',
    '_revinclude=Observation:subject;--',
    '_include=Patient:general-practitioner:x";--',
  ])('%s is 400 under strict handling and ignored with a warning otherwise', async (query) => {
    expectRefusal(await get(`/Patient?${encodeURI(query)}`, strict), 400);
    const { status, json } = await get(`/Patient?_id=known&${encodeURI(query)}`);
    expect([status, json.total]).toEqual([200, 1]);
    expect(json.entry.map((entry: { search: { mode: string } }) => entry.search.mode).sort()).toEqual([
      'match',
      'outcome',
    ]);
  });

  test.each(['_elements=a"b', '_total=none;--', "_summary=true'", '_cursor=x;--', '_count=1;--'])(
    '%s is 400, for ignoring it would change the answer',
    async (query) => expectRefusal(await get(`/Patient?${encodeURI(query)}`), 400),
  );
});

describe('attack 80: parameters that would become objects', () => {
  test.each([
    'name[a]=1',
    'name[$ne]=x',
    'code[$ne]=x',
    'constructor=1',
    '__proto__=1',
    '__proto__[x]=1',
    'toString=1',
    'hasOwnProperty=1',
  ])('%s is no parameter: 400 under strict handling, ignored otherwise', async (query) => {
    expectRefusal(await get(`/Patient?${encodeURI(query)}`, strict), 400);
    expect((await get(`/Patient?_id=known&${encodeURI(query)}`)).json.total).toBe(1);
  });

  test('one that is repeated a thousand times is refused, and a hundred times are a hundred criteria', async () => {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const repeated = (times: number) => Array(times).fill('family=x').join('&');
    expectRefusal(await server.a.request('POST', '/Patient/_search', repeated(1_000), form), 400);
    expect((await server.a.request('POST', '/Patient/_search', repeated(100), form)).json.total).toBe(0);
  });
});

describe('attack 81: headers that name a prototype', () => {
  test.each(['__proto__', 'constructor', 'prototype', 'toString', '__defineGetter__'])(
    '%s: x is a header like any other',
    async (name) => {
      const lines = ['GET /t/clinic-a/fhir/Patient/known HTTP/1.1', `Authorization: Bearer ${server.a.token}`];
      const answer = await sendRaw(server.origin, rawRequest([...lines, `${name}: x`, `${name}: {"x":1}`]));
      expect(answer.status).toBe(200);
      expect((await get('/Patient/known')).status).toBe(200);
    },
  );
});

describe('attack 84: numbers that another reader would round', () => {
  const quantity = (text: string) =>
    JSON.stringify({ ...buildObservation('Patient/known'), valueQuantity: { value: 7 } }).replace(
      '"value":7',
      `"value":${text}`,
    );

  test.each([
    '9007199254740993',
    '1.10',
    '-0.00',
    '0.1000000000000000055511151231257827',
    '1.0e2',
    '100000000000000000000.5',
  ])('%s comes back as it was sent, from the write, the read, the search and the history', async (text) => {
    const made = await server.a.request('POST', '/Observation', quantity(text));
    expect(made.status).toBe(201);
    const { id } = made.json;
    const paths = [`/Observation/${id}`, `/Observation?_id=${id}`, `/Observation/${id}/_history`];
    for (const answer of [made, ...(await Promise.all(paths.map((path) => get(path))))])
      expect(answer.text).toContain(`"value":${text}`);
  });

  test.each(['1e400', '-1e400', '9'.repeat(10_000), `0.${'0'.repeat(10_000)}1`])(
    'one of no decimal is refused (%#)',
    async (text) => {
      expectRefusal(await server.a.request('POST', '/Observation', quantity(text)), [400, 422]);
    },
  );
});

describe('attack 88: pages of no size', () => {
  test.each(['-1', 'NaN', '1e3', '', '0x10', '١'])(
    '_count=%s is 400, or ignored with a warning where it is empty',
    async (count) => {
      const answer = await get(`/Patient?_count=${encodeURIComponent(count)}`);
      if (count === '')
        expect(answer.json.entry.some(({ search }: { search: { mode: string } }) => search.mode === 'outcome')).toBe(
          true,
        );
      else expectRefusal(answer, 400);
    },
  );

  test.each(['2147483648', '9007199254740993'])('_count=%s is cut to the largest page or refused', async (count) => {
    const answer = await get(`/Patient?_count=${count}`);
    if (answer.status === 200)
      expect(Number(/_count=(\d+)/.exec(linkOf(answer, 'self'))?.[1])).toBeLessThanOrEqual(1_000);
    else expectRefusal(answer, 400);
  });

  test('there is no page by number or by offset: pages are led to by links alone', async () => {
    for (const query of ['_offset=1000000', '_page=7', '_getpagesoffset=3', '_skip=1'])
      expectRefusal(await get(`/Patient?${query}`, strict), 400);
  });
});

describe('attack 90: wildcards are letters', () => {
  test.each([
    ['%', 1],
    ['_', 1],
    ['percent%sign_under', 1],
    ['p_rcent', 0],
    ['percent%under', 0],
    ['p%t', 0],
    ['%_%_%'.repeat(50), 0],
    ['\\', 0],
    ['*', 0],
    ['?', 0],
  ])('family:contains=%s finds %i at most', async (value, most) => {
    const answer = await get(`/Patient?family:contains=${encodeURIComponent(value)}&_total=accurate`);
    if (answer.status === 200) expect(answer.json.total).toBeLessThanOrEqual(most);
    else expectRefusal(answer, 400);
  });

  test('a value of 10 kB finds nothing or is refused', async () => {
    const answer = await get(`/Patient?family:contains=${'x'.repeat(10_000)}`);
    expect([200, 400, 414, 431]).toContain(answer.status);
    if (answer.status === 200) expect(answer.json.total).toBe(0);
  });
});

function linkOf({ json }: TestResponse, relation: string): string {
  return json.link.find((link: { relation: string }) => link.relation === relation)?.url ?? '';
}
