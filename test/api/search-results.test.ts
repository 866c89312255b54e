// The result side of a search: order, pages forward and back, totals: https://hl7.org/fhir/R4/search.html#return

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BundleEntry, Observation, Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { foldCounts } from '../../src/jobs/fold-counts.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer, type TestTenant } from '../support/server.ts';
import { postEntry, putEntry, sendBundle } from './bundle-requests.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const system = 'http://example.org/results';
const get = (path: string, tenant: TestTenant = server.a) => tenant.request('GET', path);
const resourcesOf = ({ json }: TestResponse): Resource[] =>
  (json.entry ?? []).flatMap((entry: BundleEntry) => (entry.search?.mode === 'match' ? [entry.resource] : []));
const idsOf = (page: TestResponse): string[] => resourcesOf(page).map(({ id }) => id as string);
const linkOf = ({ json }: TestResponse, relation: string): string | undefined =>
  json.link.find((link: { relation: string }) => link.relation === relation)?.url;

/** The pages from this one on, by `next` or by `previous`. */
async function follow(
  first: TestResponse,
  relation: 'next' | 'previous',
  between = async (): Promise<unknown> => null,
) {
  const pages = [first];
  for (let url = linkOf(first, relation); url !== undefined; url = linkOf(pages.at(-1) as TestResponse, relation)) {
    await between();
    const page = await get(url.slice(server.a.baseUrl.length));
    expect(page.status).toBe(200);
    pages.push(page);
  }
  return pages;
}

const open = (url: string | undefined) => get((url ?? '').slice(server.a.baseUrl.length));

function observation(code: string, n: number): Observation {
  const { effectiveDateTime: _, ...rest } = buildObservation(`Patient/${n % 3}`);
  return {
    ...rest,
    code: { coding: [{ system, code }] },
    // Every fifth has no date and no method, and several share theirs.
    ...(n % 5 !== 0 && { effectiveDateTime: `2010-01-${String(1 + ((n * 7) % 9)).padStart(2, '0')}` }),
    ...(n % 5 !== 1 && { method: { coding: [{ system, code: `m${(n * 5) % 4}` }] } }),
  } as Observation;
}

const sorts = ['_id', '-_id', 'date', '-date', '_lastUpdated', '-_lastUpdated', 'method', '-method,date', 'date,-_id'];

describe('pages forward and back (http.html#paging)', () => {
  beforeAll(() =>
    sendBundle(
      server.a,
      'transaction',
      Array.from({ length: 40 }, (_, n) => postEntry(observation('page', n))),
    ),
  );
  const query = `/Observation?code=${system}|page`;

  test('of every order and size are the whole list, in its order, both ways', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('', ...sorts),
        fc.integer({ min: 1, max: 45 }),
        fc.boolean(),
        async (sort, count, isFiltered) => {
          const list = `${query}${sort === '' ? '' : `&_sort=${sort}`}${isFiltered ? '&date=ge2010-01-03' : ''}`;
          const whole = idsOf(await get(`${list}&_count=1000`));
          const forward = await follow(await get(`${list}&_count=${count}`), 'next');
          expect(forward.flatMap(idsOf)).toEqual(whole);
          const back = await follow(forward.at(-1) as TestResponse, 'previous');
          expect(back.toReversed().flatMap(idsOf)).toEqual(whole);
          if (forward.length === 1) return;
          const last = await open(linkOf(forward[0] as TestResponse, 'last'));
          expect(idsOf(last)).toEqual(whole.slice(-count));
          expect((await follow(last, 'previous')).toReversed().flatMap(idsOf)).toEqual(whole);
          expect(idsOf(await open(linkOf(last, 'first')))).toEqual(whole.slice(0, count));
        },
      ),
      { seed: 20_261_120, numRuns: 40 },
    );
  });

  test.each(sorts)(
    'by %s hold what was there once, whichever way, while others are inserted between them',
    async (sort) => {
      const before = idsOf(await get(`${query}&_count=1000`));
      const insert = () => server.a.request('POST', '/Observation', observation('page', before.length));
      for (const relation of ['next', 'previous'] as const) {
        const first = await get(`${query}&_sort=${sort}&_count=9`);
        const pages = await follow(relation === 'next' ? first : await open(linkOf(first, 'last')), relation, insert);
        const ids = pages.flatMap(idsOf);
        expect(new Set(ids).size).toBe(ids.length);
        expect(before.filter((id) => !ids.includes(id))).toEqual([]);
      }
    },
  );

  test('the only page has no links to others, and the first one none to a page before it', async () => {
    const only = await get(`${query}&_count=1000`);
    expect(only.json.link.map(({ relation }: { relation: string }) => relation)).toEqual(['self']);
    const first = await get(`${query}&_count=5`);
    expect(first.json.link.map(({ relation }: { relation: string }) => relation)).toEqual([
      'self',
      'first',
      'next',
      'last',
    ]);
  });

  test('a page that has become empty leads back to the end of the list', async () => {
    await sendBundle(
      server.a,
      'transaction',
      [1, 2, 3].map((n) => putEntry({ ...observation('gone', n), id: `gone${n}` })),
    );
    const first = await get(`/Observation?code=${system}|gone&_count=2&_sort=_id`);
    await server.a.request('DELETE', '/Observation/gone3');
    const empty = await open(linkOf(first, 'next'));
    expect(idsOf(empty)).toEqual([]);
    expect(idsOf(await open(linkOf(empty, 'previous')))).toEqual(['gone1', 'gone2']);
  });

  test('a cursor is no way into another tenant', async () => {
    const url = linkOf(await get(`${query}&_count=5`), 'next') ?? '';
    expect((await get(url.slice(server.a.baseUrl.length), server.b)).status).toBe(400);
    expect((await get(query, server.b)).json.total).toBe(0);
  });
});

describe('pages of a POST with hundreds of ids', () => {
  const wanted = Array.from({ length: 6 }, (_, n) => `long-${n}`);
  const others = () => Array.from({ length: 480 }, () => randomUUID());
  const postSearch = (values: Record<string, string>) =>
    server.a.request('POST', '/Observation/_search', new URLSearchParams(values).toString(), {
      'Content-Type': 'application/x-www-form-urlencoded',
    });
  beforeAll(() =>
    sendBundle(
      server.a,
      'transaction',
      wanted.map((id, n) => putEntry({ ...observation('long', n), id })),
    ),
  );

  test('are led to by links that can be followed', async () => {
    const first = await postSearch({ _id: [...others(), ...wanted].join(), _count: '2', _sort: '_id' });
    const pages = await follow(first, 'next');
    expect(pages.map(idsOf)).toEqual([wanted.slice(0, 2), wanted.slice(2, 4), wanted.slice(4)]);
    expect((await follow(pages.at(-1) as TestResponse, 'previous')).toReversed().map(idsOf)).toEqual(pages.map(idsOf));
  });

  test('are too costly where no link to them could be followed, and whole on one page', async () => {
    const asked = { _id: [...others(), ...wanted].join(), '_id:not': others().join() };
    const refused = await postSearch({ ...asked, _count: '2' });
    expect([refused.status, refused.json.issue[0].code]).toEqual([400, 'too-costly']);
    expect(refused.json.issue[0].diagnostics).toContain('_count');
    expect(idsOf(await postSearch({ ...asked, _count: '6' })).toSorted()).toEqual(wanted);
  });
});

describe('a walk along the order', () => {
  /** One in three has no date, and some a span of months that began before all others or in the midst of them. */
  const condition = (n: number) => ({
    resourceType: 'Condition',
    subject: { reference: 'Patient/1' },
    ...(n % 3 !== 0 && { recordedDate: `2010-01-0${1 + (n % 4)}` }),
    ...(n % 3 === 1 && { onsetDateTime: `2010-01-0${1 + (n % 5)}` }),
    ...(n % 6 === 2 && { onsetPeriod: { start: `200${n % 10}-05-01`, end: '2010-06' } }),
    ...(n % 6 === 5 && { onsetPeriod: { start: `2010-01-0${1 + (n % 5)}` } }),
  });
  beforeAll(() =>
    sendBundle(
      server.a,
      'transaction',
      Array.from({ length: 24 }, (_, n) => postEntry(condition(n))),
    ),
  );

  test.each([
    ['_id', ''],
    ['_lastUpdated', ''],
    ['recorded-date', ''],
    ['onset-date', ''],
    ['onset-date', '&onset-date=ge2010-01-03'],
    ['onset-date', '&onset-date=gt2010-01-02&onset-date=lt2010-02'],
    ['onset-date', '&onset-date=lt2010-01-03'],
  ])('by %s, either way up and with "%s", is the same forward, back and by candidates', async (by, rest) => {
    const ids = idsOf(await get('/Condition?_count=1000'));
    for (const sort of [by, `-${by}`]) {
      const query = `/Condition?_sort=${sort}${rest}`;
      const whole = idsOf(await get(`${query}&_id=${ids.join()}&_count=1000`));
      expect(whole.length).toBeGreaterThan(5);
      const forward = await follow(await get(`${query}&_count=5`), 'next');
      const back = await follow(await open(linkOf(forward[0] as TestResponse, 'last')), 'previous');
      expect(forward.flatMap(idsOf)).toEqual(whole);
      expect(back.toReversed().flatMap(idsOf)).toEqual(whole);
    }
  });

  test('has those without a date at the end', async () => {
    for (const sort of ['recorded-date', '-recorded-date']) {
      const dates = resourcesOf(await get(`/Condition?_sort=${sort}&_count=24`)).map((one) => 'recordedDate' in one);
      expect(dates).toEqual([...Array(16).fill(true), ...Array(8).fill(false)]);
    }
  });
});

describe('_sort by quantities (search.html#sort)', () => {
  const ucum = 'http://unitsofmeasure.org';
  const valued = (id: string, value?: number, unit?: string) => ({
    ...observation('valued', 1),
    id,
    valueQuantity: undefined,
    ...(value !== undefined && {
      valueQuantity: { value, ...(unit !== undefined && { unit, system: ucum, code: unit }) },
    }),
  });

  test.each([
    ['value-quantity', 'q1 q4 q3 q2 q5'],
    ['-value-quantity', 'q2 q3 q4 q1 q5'],
    ['code,value-quantity', 'q1 q4 q3 q2 q5'],
  ])('%s is by their value, whatever the unit, and pages go both ways', async (sort, expected) => {
    const entries = [
      valued('q1', 5, 'mg'),
      valued('q2', 10, 'g'),
      valued('q3', 9.5, 'g'),
      valued('q4', 900, 'mg'),
      valued('q5'),
    ];
    await sendBundle(
      server.a,
      'transaction',
      entries.map((entry) => putEntry(entry)),
    );
    const query = `/Observation?_id=q1,q2,q3,q4,q5&_sort=${sort}&_count=2`;
    const pages = await follow(await get(query), 'next');
    expect(pages.flatMap(idsOf)).toEqual(expected.split(' '));
    const back = await follow(pages.at(-1) as TestResponse, 'previous');
    expect(back.toReversed().flatMap(idsOf)).toEqual(expected.split(' '));
  });
});

describe('_sort (search.html#sort)', () => {
  beforeAll(async () => {
    const people = [
      { id: 'so-1', name: [{ family: 'Ábel' }], birthDate: '1990-05-01', gender: 'male' },
      { id: 'so-2', name: [{ family: 'zeller' }, { family: 'Aaron' }], birthDate: '1980', gender: 'female' },
      { id: 'so-3', name: [{ family: 'Meier' }], gender: 'male' },
      { id: 'so-4', birthDate: '1990-05-01' },
      { id: 'so-5', name: [{ family: 'MEIER', given: ['Ada'] }], birthDate: '2001-01-01', gender: 'other' },
    ];
    const entries = people.map((person) =>
      putEntry({ resourceType: 'Patient', identifier: [{ system, value: 'sorted' }], ...person }),
    );
    await sendBundle(server.a, 'transaction', entries);
    await sendBundle(server.b, 'transaction', [
      putEntry({ ...buildPatient(), identifier: [{ system, value: 'sorted' }], id: 'so-b' }),
    ]);
  });

  // Of several values the one counts that comes first; whoever has none comes last in both directions.
  test.each([
    ['family', '2 1 3 5 4'],
    ['-family', '2 5 3 1 4'],
    ['birthdate', '2 1 4 5 3'],
    ['-birthdate,_id', '5 1 4 2 3'],
    ['gender,-birthdate', '2 1 3 5 4'],
    ['-gender,family', '5 1 3 2 4'],
    ['name', '2 1 3 5 4'],
    // Each has the number of the clinic, which comes before the other one, and was given in this order.
    ['identifier,-_id', '1 2 3 4 5'],
  ])('%s', async (sort, expected) => {
    const ids = expected.split(' ').map((n) => `so-${n}`);
    const query = `/Patient?identifier=${system}|sorted&_sort=${sort}`;
    expect(idsOf(await get(query))).toEqual(ids);
    expect((await follow(await get(`${query}&_count=2`), 'next')).flatMap(idsOf)).toEqual(ids);
  });

  test('shows no name in its links', async () => {
    const url = linkOf(await get(`/Patient?identifier=${system}|sorted&_sort=family&_count=1`), 'next') ?? '';
    expect(Buffer.from(new URL(url).searchParams.get('_cursor') ?? '', 'base64url').toString('latin1')).not.toMatch(
      /aaron/i,
    );
    expect(server.logLines.join('')).not.toMatch(/aaron/i);
  });

  test('by what is stored encrypted opens at most 1,000 matches', async () => {
    const many = Array.from({ length: 1001 }, (_, n) =>
      postEntry(buildPatient({ identifier: [{ system, value: 'many' }], name: [{ family: `N${n % 7}` }] })),
    );
    await sendBundle(server.a, 'transaction', many);
    const query = `/Patient?identifier=${system}|many`;
    const refused = await get(`${query}&_sort=-birthdate,family`);
    expect(refused.status).toBe(400);
    const diagnostics = expect.stringMatching(/1000 matches are sorted by "birthdate", "family"/);
    expect(refused.json.issue[0]).toMatchObject({ code: 'too-costly', diagnostics });
    const sorted = await get(`${query}&_sort=_lastUpdated`);
    // All candidates are known, so that their number is exact.
    expect(sorted.json).toMatchObject({ total: 1001 });
    expect(sorted.json).not.toHaveProperty('_total');
    expect((await get(`${query}&family=n3&_sort=family&_count=5`)).json.total).toBe(143);
  });
});

describe('_total (search.html#total)', () => {
  beforeAll(() =>
    sendBundle(
      server.a,
      'transaction',
      Array.from({ length: 1002 }, () => postEntry({ ...observation('crowd', 1), effectiveDateTime: '1999-01-01' })),
    ),
  );

  test.each(['', '&_total=estimate'])('with "%s" beyond 1,000 is an estimate and says so', async (asked) => {
    const { json } = await get(`/Observation?date=lt2000&_count=2${asked}`);
    expect(json.total).toBe(1001);
    expect(json._total.extension).toEqual([expect.objectContaining({ valueCode: 'estimate' })]);
  });

  test('that is accurate is exact and unmarked', async () => {
    const { json } = await get('/Observation?date=lt2000&_count=2&_total=accurate');
    expect(json.total).toBe(1002);
    expect(json).not.toHaveProperty('_total');
  });

  test('is marked in XML as well', async () => {
    const headers = { Accept: 'application/fhir+xml' };
    const answer = await server.a.request('GET', '/Observation?date=lt2000&_count=2', undefined, headers);
    expect(answer.text).toMatch(
      /<total value="1001">\s*<extension url="[^"]+total-accuracy">\s*<valueCode value="estimate"\/>/,
    );
  });

  test('of a whole type is exact after creations, deletions and returns, while the counts are folded', async () => {
    const put = async (n: number, subject: string) => {
      const condition = { resourceType: 'Condition', id: `counted${n}`, subject: { reference: subject } };
      expect((await server.a.request('PUT', `/Condition/${condition.id}`, condition)).status).toBeLessThan(300);
    };
    const totals = async () => {
      const answers = await Promise.all(
        ['_total=accurate', '_total=estimate', '_summary=count'].map((asked) => get(`/Condition?_count=1&${asked}`)),
      );
      expect(answers.every(({ json }) => json._total === undefined)).toBe(true);
      return [...new Set(answers.map(({ json }) => json.total as number))];
    };
    const [before = 0] = await totals();
    const numbers = Array.from({ length: 30 }, (_, n) => n);
    const fold = () => foldCounts(server.app.doors.systemDoor);
    await Promise.all([...numbers.map((n) => put(n, 'Patient/1')), fold(), fold()]);
    expect(await totals()).toEqual([before + 30]);
    const remove = (n: number) => server.a.request('DELETE', `/Condition/counted${n}`);
    await Promise.all([
      ...numbers.flatMap<Promise<unknown>>((n) => (n < 20 ? [remove(n), remove(n)] : [put(n, 'Patient/2')])),
      fold(),
      fold(),
    ]);
    expect(await totals()).toEqual([before + 10]);
    await Promise.all([put(3, 'Patient/3'), fold()]);
    await fold();
    expect(await totals()).toEqual([before + 11]);
    expect((await get('/Condition?_summary=count', server.b)).json.total).toBe(0);
  });
});
