// Search of one type on the real database over HTTP: https://hl7.org/fhir/R4/search.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BundleEntry, Resource } from '@medplum/fhirtypes';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { postEntry, sendBundle } from './bundle-requests.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const get = (path: string, headers?: Record<string, string>) => server.a.request('GET', path, undefined, headers);
const put = (resource: Resource) => server.a.request('PUT', `/${resource.resourceType}/${resource.id}`, resource);
const form = (path: string, body: string, headers: Record<string, string> = {}) =>
  server.a.request('POST', path, body, { 'Content-Type': 'application/x-www-form-urlencoded', ...headers });

const idsOf = ({ json }: TestResponse, mode = 'match'): string[] =>
  (json.entry ?? [])
    .filter((entry: BundleEntry) => entry.search?.mode === mode)
    .map((entry: BundleEntry) => entry.resource?.id);
const linkOf = ({ json }: TestResponse, relation: string): string | undefined =>
  json.link.find((link: { relation: string }) => link.relation === relation)?.url;

/** Follows `next` from this page to the last one. */
async function pagesFrom(first: TestResponse, between: () => Promise<unknown> = async () => undefined) {
  const pages = [first];
  for (let next = linkOf(first, 'next'); next !== undefined; next = linkOf(pages.at(-1)!, 'next')) {
    await between();
    pages.push(await get(next.slice(server.a.baseUrl.length)));
    expect(pages.at(-1)?.status).toBe(200);
  }
  return pages;
}

async function found(path: string): Promise<string[]> {
  const answer = await get(path);
  expect(answer.status).toBe(200);
  expect(answer.json).toMatchObject({ resourceType: 'Bundle', type: 'searchset' });
  return idsOf(answer).sort();
}

const system = 'http://example.org/search';
const mine = (id: string, code: string, extra: object = {}) =>
  put({ ...buildObservation('Patient/s1'), code: { coding: [{ system, code }] }, id, ...extra } as Resource);

describe('token (search.html#token)', () => {
  beforeAll(async () => {
    await mine('t1', 'alpha', { status: 'final' });
    await mine('t2', 'alpha', { status: 'amended' });
    await mine('t3', 'Alpha', { code: { coding: [{ code: 'alpha' }, { system, code: 'beta' }] } });
  });

  test.each([
    [`code=${system}|alpha`, ['t1', 't2']],
    ['code=|alpha', ['t3']],
    ['code=alpha', ['t1', 't2', 't3']],
    [`code=${system}|`, ['t1', 't2', 't3']],
    [`code=${system}|alpha&status=amended`, ['t2']],
    [`code=${system}|alpha,${system}|beta`, ['t1', 't2', 't3']],
    [`code=${system}|alpha&code=${system}|beta`, []],
    [`code=${system}|beta&code=|alpha`, ['t3']],
    [`code=http://other|alpha`, []],
    [`code=${system}|ALPHA`, []],
  ])('%s', async (query, expected) => {
    expect(await found(`/Observation?_id=t1,t2,t3&${query}`)).toEqual(expected);
    expect(await found(`/Observation?${query}`)).toEqual(expected);
  });

  const statuses = 'http://hl7.org/fhir/observation-status';
  test.each([
    [`status=${statuses}|`, ['t1', 't2', 't3']],
    [`status:not=${statuses}|`, []],
    [`status=${statuses}|amended,http://other|`, ['t2']],
    [`status=http://other|`, []],
    [`_filter=status eq "${statuses}|"`, ['t1', 't2', 't3']],
  ])('whose system the binding implies: %s', async (query, expected) => {
    const path = `/Observation?_id=t1,t2,t3&${encodeURI(query)}`;
    expect(await found(path)).toEqual(expected);
    expect((await get(`${path}&_summary=count`)).json.total).toBe(expected.length);
  });

  test('of one of several systems that the binding implies', async () => {
    const task = { resourceType: 'Task', status: 'requested' };
    await put({ ...task, id: 'i1', intent: 'order' } as Resource);
    await put({ ...task, id: 'i2', intent: 'unknown' } as Resource);
    expect(await found('/Task?intent=http://hl7.org/fhir/task-intent|')).toEqual(['i2']);
    expect(await found('/Task?intent=http://hl7.org/fhir/request-intent|')).toEqual(['i1']);
  });
});

describe('string (search.html#string)', () => {
  beforeAll(async () => {
    await put({ ...buildPatient({ name: [{ family: 'Größer-Łukasz', given: ['Maximilianus', 'Q'] }] }), id: 'n1' });
    await put({ ...buildPatient({ name: [{ family: 'Grosser', given: ['Maximiliane'] }] }), id: 'n2' });
  });

  test.each([
    ['family=grosser', ['n1', 'n2']],
    ['family=LUKA', ['n1']],
    ['family:exact=Grosser', ['n2']],
    ['family:exact=grosser', []],
    ['given=maximilian', ['n1', 'n2']],
    ['given=maximilianu', ['n1']],
    ['name=q grosser', ['n1']],
    ['name=osser', []],
    ['given=%25', undefined],
  ])('%s', async (query, expected) => {
    if (expected) expect(await found(`/Patient?${query}`)).toEqual(expected);
    else expect((await get(`/Patient?${query}`)).status).toBe(400);
  });

  test('a page of rechecked matches is full, and its total counts what was really found', async () => {
    const given = (n: number) => ({ given: [n % 3 === 0 ? 'Abcdefghijkl' : 'Abcdefghijkm'], family: `R${n}` });
    const entries = Array.from({ length: 30 }, (_, n) => postEntry(buildPatient({ name: [given(n)] })));
    await sendBundle(server.a, 'transaction', entries);
    const first = await get('/Patient?given=abcdefghijkl&_count=4');
    const pages = await pagesFrom(first);
    expect(pages.map((page) => idsOf(page).length)).toEqual([4, 4, 2]);
    expect(new Set(pages.flatMap((page) => idsOf(page))).size).toBe(10);
    expect((await get('/Patient?given=abcdefghijkl&_summary=count')).json.total).toBe(10);
  });
});

describe('date (search.html#date)', () => {
  beforeAll(async () => {
    const at = (id: string, effective: object) => mine(id, 'dated', { effectiveDateTime: undefined, ...effective });
    await at('d-day', { effectiveDateTime: '2020-02-29' });
    await at('d-instant', { effectiveDateTime: '2020-02-29T23:30:00-05:00' });
    await at('d-year', { effectiveDateTime: '2020' });
    await at('d-open', { effectivePeriod: { start: '2020-02-28T12:00:00Z' } });
    await at('d-none', {});
  });

  test.each([
    ['date=2020-02-29', ['d-day']],
    ['date=2020-03-01', ['d-instant']],
    ['date=2020-02-29T23:30:00-05:00', ['d-instant']],
    ['date=2020-03-01T04:30:00Z', ['d-instant']],
    ['date=2020-03-01T04:30Z', ['d-instant']],
    ['date=2020', ['d-day', 'd-instant', 'd-year']],
    ['date=ge2020-03-01', ['d-instant', 'd-open', 'd-year']],
    ['date=gt2020-03-01', ['d-open', 'd-year']],
    ['date=lt2020-02-29', ['d-open', 'd-year']],
    ['date=sa2020-02-29', ['d-instant']],
    ['date=eb2020-03-01', ['d-day']],
    ['date=ne2020', ['d-open']],
    ['date=2020-02-29,2020-03-01', ['d-day', 'd-instant']],
    ['date=ge2020-02-29&date=lt2020-03-01', ['d-day', 'd-open', 'd-year']],
    ['date=1999', []],
  ])('%s', async (query, expected) => {
    expect(await found(`/Observation?code=${system}|dated&${query}`)).toEqual(expected);
  });

  test('a long Period that ends soon after the moment asked is found once, whatever finds it', async () => {
    const period = { start: '2020-02-29', end: '2021-01-01' };
    await put({ resourceType: 'Encounter', id: 'long', status: 'planned', class: { code: 'AMB' }, period });
    for (const sort of ['', '&_sort=_id', '&_sort=-date,_id', '&_sort=date']) {
      expect(await found(`/Encounter?date=gt2020${sort}`)).toEqual(['long']);
    }
  });

  test('a long Period is found where another one of the same resource ends soon after the moment asked', async () => {
    const at = (start: string, end?: string) => ({
      location: { reference: 'Location/x' },
      period: { start, ...(end !== undefined && { end }) },
    });
    const location = [at('2020-02'), at('2019', '2020-03-01T04:30:00Z')];
    await put({ resourceType: 'Encounter', id: 'places', status: 'planned', class: { code: 'AMB' }, location });
    for (const sort of ['', '&_sort=_id', '&_sort=-location-period']) {
      expect(await found(`/Encounter?location-period=ge2020-03${sort}`)).toEqual(['places']);
    }
  });

  test('of birth is found by day, month, year and prefix, though the index holds no readable date', async () => {
    await put({ ...buildPatient({ birthDate: '1931-07-14' }), id: 'born' });
    for (const query of ['1931-07-14', '1931-07', 'ge1931-07-14', 'lt1931-08', 'eb1932']) {
      expect(await found(`/Patient?birthdate=${query}&_id=born`)).toEqual(['born']);
    }
    for (const query of ['1931-07-15', 'gt1931-07-14', 'sa1931', 'lt1931']) {
      expect(await found(`/Patient?birthdate=${query}&_id=born`)).toEqual([]);
    }
  });

  test.each(['2020-13', '2020-02-30', 'yesterday', '24:00', '2020-02-29T25:00Z', 'xx2020', ''])(
    'date=%s is refused, or ignored where it is empty',
    async (value) => {
      const answer = await get(`/Observation?date=${value}`, { Prefer: 'handling=strict' });
      expect(answer.status).toBe(400);
      expect(answer.json.issue[0].diagnostics).toContain('date');
    },
  );
});

describe('reference (search.html#reference)', () => {
  beforeAll(async () => {
    await mine('r1', 'ref', { subject: { reference: 'Patient/r-p' } });
    await mine('r2', 'ref', { subject: { reference: 'Group/r-p' } });
    await mine('r3', 'ref', { subject: { reference: 'https://other.example/fhir/Patient/r-p' } });
    await mine('r4', 'ref', { subject: { identifier: { system, value: 'r-p' } } });
    await mine('r5', 'ref', { subject: { reference: 'Patient/r-p/_history/3' } });
  });

  test.each([
    ['subject=Patient/r-p', ['r1', 'r5']],
    ['patient=r-p', ['r1', 'r5']],
    ['subject:Patient=r-p', ['r1', 'r5']],
    ['subject:Group=r-p', ['r2']],
    ['subject=r-p', ['r1', 'r2', 'r5']],
    ['subject=https://other.example/fhir/Patient/r-p', ['r3']],
    [`subject:identifier=${system}|r-p`, ['r4']],
    ['subject=Patient/r-p/_history/3', ['r5']],
    ['subject=Patient/other', []],
  ])('%s', async (query, expected) => {
    expect(await found(`/Observation?code=${system}|ref&${query}`)).toEqual(expected);
  });

  test("below the tenant's own base URL is the same as relative", async () => {
    const absolute = encodeURIComponent(`${server.a.baseUrl}/Patient/r-p`);
    expect(await found(`/Observation?code=${system}|ref&subject=${absolute}`)).toEqual(['r1', 'r5']);
  });
});

describe('where case says nothing (search.html#token: "if the underlying datatype is string")', () => {
  beforeAll(async () => {
    await put({ resourceType: 'Medication', id: 'lot', batch: { lotNumber: 'L1-b' } });
  });

  test.each([
    ['lot-number=L1-b', ['lot']],
    ['lot-number=l1-B', ['lot']],
    ['lot-number=l1', []],
    ['lot-number:not=l1-b', []],
    ['_filter=lot-number eq L1-B', ['lot']],
  ])('%s', async (query, expected) => {
    expect(await found(`/Medication?_id=lot&${query}`)).toEqual(expected);
  });
});

describe('_id and _lastUpdated (search.html#all)', () => {
  test('_id finds what is there of a list, of this type only', async () => {
    await put({ ...buildPatient(), id: 'i1' });
    await put({ ...buildPatient(), id: 'i2' });
    await mine('i1', 'id');
    expect(await found('/Patient?_id=i1,i2,i3')).toEqual(['i1', 'i2']);
    expect(await found('/Observation?_id=i1,i2,i3')).toEqual(['i1']);
  });

  test('_lastUpdated is exact to the millisecond and follows updates', async () => {
    const first = (await put({ ...buildPatient(), id: 'lu' })).json.meta.lastUpdated as string;
    expect(await found(`/Patient?_id=lu&_lastUpdated=${first}`)).toEqual(['lu']);
    expect(await found(`/Patient?_id=lu&_lastUpdated=gt${first}`)).toEqual([]);
    await put({ ...buildPatient(), id: 'lu' });
    expect(await found(`/Patient?_id=lu&_lastUpdated=gt${first}`)).toEqual(['lu']);
    expect(await found(`/Patient?_id=lu&_lastUpdated=${first}`)).toEqual([]);
  });
});

describe('updates and deletions', () => {
  test('a search finds the new values only, of every kind', async () => {
    await mine('u1', 'before', { effectiveDateTime: '2001-01-01', subject: { reference: 'Patient/before' } });
    await mine('u1', 'after', { effectiveDateTime: '2002-02-02', subject: { reference: 'Patient/after' } });
    for (const query of [`code=${system}|before`, 'date=2001', 'subject=Patient/before']) {
      expect(await found(`/Observation?_id=u1&${query}`)).toEqual([]);
      expect(await found(`/Observation?${query}`)).not.toContain('u1');
    }
    for (const query of [`code=${system}|after`, 'date=2002', 'subject=Patient/after']) {
      expect(await found(`/Observation?_id=u1&${query}`)).toEqual(['u1']);
    }
  });

  test('what was deleted is found by nothing, and again when it comes back', async () => {
    const observation = (await mine('u2', 'gone', { effectiveDateTime: '2003-03-03' })).json;
    await server.a.request('DELETE', '/Observation/u2');
    const queries = [`code=${system}|gone`, 'date=2003-03-03', '_id=u2', '_lastUpdated=ge2000&_id=u2'];
    for (const query of queries) expect(await found(`/Observation?${query}`)).toEqual([]);
    expect((await get('/Observation?_sort=_id&_count=1000')).text).not.toContain('"u2"');
    await put(observation);
    for (const query of queries) expect(await found(`/Observation?${query}`)).toEqual(['u2']);
  });
});

describe('_include (search.html#include)', () => {
  beforeAll(async () => {
    await put({ ...buildPatient(), id: 'inc-p' });
    await put({ ...buildPatient(), id: 'inc-gone' });
    await put({ resourceType: 'Device', id: 'inc-d' });
    const device = { device: { reference: 'Device/inc-d' } };
    await mine('inc-1', 'inc', { subject: { reference: 'Patient/inc-p' }, ...device });
    await mine('inc-2', 'inc', { subject: { reference: 'Patient/inc-p' } });
    await mine('inc-3', 'inc', { subject: { reference: 'Patient/inc-gone' } });
    await server.a.request('DELETE', '/Patient/inc-gone');
  });
  const query = `/Observation?code=${system}|inc`;

  test.each([
    ['_include=Observation:subject', ['inc-p']],
    ['_include=Observation:patient', ['inc-p']],
    ['_include=Observation:subject:Patient', ['inc-p']],
    ['_include=Observation:subject:Group', []],
    ['_include=Observation:device', ['inc-d']],
    ['_include=Observation:*', ['inc-d', 'inc-p']],
    ['_include=*', ['inc-d', 'inc-p']],
    ['_include=Observation:subject&_include=Observation:device', ['inc-d', 'inc-p']],
  ])(
    '%s sends each target once, none that was deleted, and the total counts matches only',
    async (include, expected) => {
      const answer = await get(`${query}&${include}`);
      expect(idsOf(answer).sort()).toEqual(['inc-1', 'inc-2', 'inc-3']);
      expect(idsOf(answer, 'include').sort()).toEqual(expected);
      expect(answer.json.total).toBe(3);
    },
  );

  test('goes with the page that has its source', async () => {
    const pages = await pagesFrom(await get(`${query}&_include=Observation:device&_count=1&_sort=_id`));
    expect(pages.map((page) => idsOf(page, 'include'))).toEqual([['inc-d'], [], []]);
  });
});

describe('pages (http.html#paging)', () => {
  const rows = 25;
  beforeAll(async () => {
    const entries = Array.from({ length: rows }, (_, n) =>
      postEntry({
        ...buildObservation('Patient/page'),
        code: { coding: [{ system, code: 'page' }] },
        effectiveDateTime: `2010-01-${String(1 + ((n * 7) % rows)).padStart(2, '0')}`,
      }),
    );
    await sendBundle(server.a, 'transaction', entries);
  });
  const query = `/Observation?code=${system}|page`;

  test.each([
    '',
    '&_sort=_id',
    '&_sort=-_id',
    '&_sort=date',
    '&_sort=-date',
    '&_sort=_lastUpdated',
    '&_sort=-_lastUpdated',
  ])(
    'with "%s" hold everything that was there once, while others are inserted and updated between them',
    async (sort) => {
      const before = await found(`${query}&_count=1000`);
      const pages = await pagesFrom(await get(`${query}${sort}&_count=4`), async () => {
        await server.a.request('POST', '/Observation', {
          ...buildObservation('Patient/page'),
          code: { coding: [{ system, code: 'page' }] },
          effectiveDateTime: '2010-01-10',
        });
      });
      const ids = pages.flatMap((page) => idsOf(page));
      expect(new Set(ids).size).toBe(ids.length);
      expect(before.filter((id) => !ids.includes(id))).toEqual([]);
      expect(pages.at(-1)?.json.link.some((link: { relation: string }) => link.relation === 'next')).toBe(false);
    },
  );

  test.each([
    ['date', 1],
    ['-date', -1],
  ])('sorted by %s are in that order across pages', async (sort, sign) => {
    const pages = await pagesFrom(await get(`${query}&_sort=${sort}&_count=7`));
    const dates = pages.flatMap((page) =>
      page.json.entry.map((entry: { resource: { effectiveDateTime: string } }) => entry.resource.effectiveDateTime),
    );
    const sorted = [...dates].sort();
    expect(dates).toEqual(sign > 0 ? sorted : sorted.reverse());
  });

  test('name the search as it was understood in self, with the total on each', async () => {
    const first = await get(`${query}&_sort=_id&_count=10&unknown=1`);
    const self = linkOf(first, 'self') ?? '';
    expect(self).toContain(`${server.a.baseUrl}/Observation?code=`);
    expect(self).not.toContain('unknown');
    const pages = await pagesFrom(first);
    expect(new Set(pages.map((page) => page.json.total))).toEqual(new Set([first.json.total]));
  });

  test('of _count=0 and _summary=count are the total alone', async () => {
    for (const shape of ['_count=0', '_summary=count']) {
      const answer = await get(`${query}&${shape}`);
      expect(answer.json.entry).toBeUndefined();
      expect(answer.json.total).toBeGreaterThanOrEqual(rows);
    }
  });

  test('of _total=none say no total, of _total=accurate the exact one', async () => {
    expect((await get(`${query}&_total=none&_count=2`)).json.total).toBeUndefined();
    const all = await found(`${query}&_count=1000`);
    expect((await get(`${query}&_total=accurate&_count=2`)).json.total).toBe(all.length);
  });

  test('beyond the largest size are cut to it and go on', async () => {
    expect((await get(`${query}&_count=2147483647`)).status).toBe(400);
    expect((await get(`${query}&_count=999999999`)).status).toBe(200);
  });
});

describe('search by POST (search.html#get-post)', () => {
  test('is the same search, its form and its query together', async () => {
    await mine('post-1', 'posted');
    await mine('post-2', 'posted', { status: 'amended' });
    const answer = await form('/Observation/_search', `code=${encodeURIComponent(`${system}|posted`)}&_count=1`);
    expect(answer.status).toBe(200);
    expect(answer.json.total).toBe(2);
    const next = linkOf(answer, 'next') ?? '';
    expect(idsOf(await get(next.slice(server.a.baseUrl.length)))).toHaveLength(1);
    const both = await form('/Observation/_search?status=amended', `code=${encodeURIComponent(`${system}|posted`)}`);
    expect(idsOf(both)).toEqual(['post-2']);
  });

  test('takes a form only', async () => {
    const answer = await form('/Observation/_search', '{}', { 'Content-Type': 'application/fhir+json' });
    expect(answer.status).toBe(415);
    expect(answer.json.resourceType).toBe('OperationOutcome');
  });
});

describe('what is not understood (search.html#errors)', () => {
  const strict = { Prefer: 'handling=strict' };
  test.each([
    'unknown=1',
    'family:phonetic=x',
    '_sort=nothing',
    '_sort=id);drop table resource--',
    '_include=Patient:link:other:more',
    '_include=Observation:subject',
    'general-practitioner.nothing=x',
    '_has:Observation:code:status=x',
    'family=',
  ])('%s is 400 under handling=strict and a warning without', async (query) => {
    const refused = await get(`/Patient?${encodeURI(query)}`, strict);
    expect(refused.status).toBe(400);
    expect(refused.json.issue[0].code).toBe('not-supported');
    const lenient = await get(`/Patient?_id=nobody&${encodeURI(query)}`);
    expect(lenient.status).toBe(200);
    const [outcome] = lenient.json.entry;
    expect(outcome.search.mode).toBe('outcome');
    expect(outcome.resource).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ severity: 'warning' }] });
    expect(lenient.json.total).toBe(0);
    expect(decodeURIComponent(linkOf(lenient, 'self') ?? '')).not.toContain(query);
  });

  test.each([
    '_count=-1',
    '_count=NaN',
    '_count=1e3',
    '_count=99999999999999999999',
    '_total=some',
    '_summary=maybe',
    '_elements=a"b',
    '_id=..%2F..',
    'birthdate=notadate',
    'identifier=a|b|c',
    'identifier=|',
    `_sort=${'_id,'.repeat(10)}_id`,
    `identifier=${'x,'.repeat(501)}`,
    `family=${'x'.repeat(20_001)}`,
    Array.from({ length: 101 }, (_, n) => `identifier=${n}`).join('&'),
  ])('%s is 400 in both, for ignoring it would widen the answer', async (query) => {
    for (const headers of [{}, strict] as Record<string, string>[]) {
      const short = query.length < 15_000;
      const answer = short ? await get(`/Patient?${query}`, headers) : await form('/Patient/_search', query, headers);
      expect(answer.status).toBe(400);
      expect(answer.json.resourceType).toBe('OperationOutcome');
    }
  });

  test.each([
    "' OR 1=1--",
    '$1',
    '\\',
    '%',
    '_',
    '\u0000',
    '\ud7ff',
    '$x{}',
    "'; DROP TABLE resource; --",
    '\\u0000',
    '{1,2}',
  ])('the value %j reaches no statement: nothing found, or 400 (security.md 77)', async (value) => {
    for (const name of [
      'identifier',
      'family:exact',
      'general-practitioner',
      '_id',
      'gender',
      '_sort',
      '_elements',
      '_cursor',
    ]) {
      const answer = await get(`/Patient?${name}=${encodeURIComponent(value)}`);
      expect([200, 400]).toContain(answer.status);
      if (answer.status === 200 && !name.startsWith('_')) expect(answer.json.total).toBe(0);
    }
  });
});
