// Lists in the order of numbers, quantities and codes, page by page both ways, as a plain reading of R4 sorts them; and who has
// none: https://hl7.org/fhir/R4/search.html#sort

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BundleEntry, Quantity, Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { buildObservation } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer, type TestTenant } from '../support/server.ts';
import { compareBy } from './agreement-order.ts';
import { postEntry, sendBundle } from './bundle-requests.ts';

const system = 'http://example.org/order';
const ucum = 'http://unitsofmeasure.org';
const seed = 20_261_120;

let server: TestServer;
/** Of tenant a, as stored. */
const stored: Resource[] = [];
beforeAll(async () => {
  server = await startTestServer();
  await sendBundle(
    server.b,
    'transaction',
    resources().map((one) => postEntry(one)),
  );
  stored.push(...(await store(resources())));
}, 60_000);
afterAll(() => server?.close());

async function store(list: readonly Resource[]): Promise<Resource[]> {
  const { json, status, text } = await sendBundle(
    server.a,
    'transaction',
    list.map((one) => postEntry(one)),
  );
  if (status !== 200) throw new Error(text.slice(0, 500));
  return json.entry.map(({ resource }: BundleEntry) => resource);
}

function resources(): Resource[] {
  return Array.from({ length: 45 }, (_, n) => [observation(n), assessment(n), task(n)]).flat();
}

const units = ['mg', 'g', 'ug', 'min', 'h'];

/** Values in several units, some alike, some open at an end, every sixth without. */
function observation(n: number): Resource {
  const unit = units[n % units.length] as string;
  const quantity: Quantity = { value: ((n * 7) % 11) - 2.5, system: ucum, code: unit, unit };
  const { valueQuantity: _, ...rest } = buildObservation(`Patient/${n % 3}`);
  return {
    ...rest,
    code: { coding: [{ system, code: n % 3 === 0 ? 'A' : 'b' }, ...(n % 7 === 0 ? [{ code: 'A' }] : [])] },
    ...(n % 6 === 1 && { valueSampledData: { origin: quantity, period: 1, dimensions: 1, data: '2 1 3' } }),
    ...(n % 6 === 2 && { valueQuantity: { value: n % 4, unit: 'of something' } }),
    ...(n % 6 === 3 && { valueQuantity: { ...quantity, comparator: n % 4 === 0 ? '>' : '<' } }),
    ...(n % 6 > 3 && { valueQuantity: quantity }),
  } as Resource;
}

function assessment(n: number): Resource {
  return {
    resourceType: 'RiskAssessment',
    status: 'final',
    subject: { reference: `Patient/${n % 3}` },
    ...(n % 4 > 0 && {
      prediction: Array.from({ length: n % 4 }, (_, i) => ({ probabilityDecimal: ((n * (3 + i)) % 10) / 10 })),
    }),
  } as Resource;
}

function task(n: number): Resource {
  const priority = ['urgent', 'routine', 'stat', undefined][n % 4];
  const status = ['ready', 'requested', 'completed'][(n * 5) % 3];
  return { resourceType: 'Task', intent: 'order', status, ...(priority && { priority }) } as Resource;
}

const get = (path: string, tenant: TestTenant = server.a) => tenant.request('GET', path);
const idsOf = ({ json }: TestResponse): string[] => (json.entry ?? []).map(({ resource }: BundleEntry) => resource?.id);
const linkOf = ({ json }: TestResponse, name: string): string | undefined =>
  json.link.find(({ relation }: { relation: string }) => relation === name)?.url;

/** The ids of all pages, in their order. */
async function listOf(path: string, from: 'first' | 'last', between = async (): Promise<unknown> => null) {
  const open = (url: string) => get(url.slice(server.a.baseUrl.length));
  const first = await get(path);
  expect([path, first.status]).toEqual([path, 200]);
  const last = from === 'last' ? linkOf(first, 'last') : undefined;
  const pages = [last === undefined ? first : await open(last)];
  for (;;) {
    const url = linkOf(pages.at(-1) as TestResponse, from === 'first' ? 'next' : 'previous');
    if (url === undefined) return (from === 'first' ? pages : pages.reverse()).flatMap(idsOf);
    await between();
    pages.push(await open(url));
  }
}

const codesOf = (resource: Resource) => (resource as { code?: { coding: { code: string }[] } }).code?.coding ?? [];
/** Read along the order, or gathered and sorted; each with what is found. */
const lists: readonly [query: string, isFound: (resource: Resource) => boolean][] = [
  ['Observation?', () => true],
  [`Observation?code=${system}|A`, (one) => codesOf(one).some((coding) => 'system' in coding && coding.code === 'A')],
  ['Observation?code=b', (one) => codesOf(one).some(({ code }) => code === 'b')],
  ['Observation?code=|A', (one) => codesOf(one).some((coding) => !('system' in coding))],
  ['Observation?status=final', () => true],
  ['Observation?subject:missing=false', () => true],
  ['RiskAssessment?', () => true],
  [
    'RiskAssessment?subject=Patient/1',
    (one) => (one as { subject?: { reference: string } }).subject?.reference === 'Patient/1',
  ],
  ['Task?', () => true],
  ['Task?intent=order', () => true],
];
const sorts: Readonly<Record<string, readonly string[]>> = {
  Observation: ['value-quantity', '-value-quantity', 'value-quantity,-_id', '-value-quantity,status'],
  RiskAssessment: ['probability', '-probability', 'probability,-_id'],
  Task: ['status', '-status', 'priority', '-priority', 'priority,-status'],
};

describe('_sort by numbers, quantities and codes', () => {
  const asked = fc.constantFrom(...lists).chain(([query, isFound]) => {
    const sort = fc.constantFrom(...(sorts[query.split('?')[0] as string] as string[]));
    return fc.record({
      query: fc.constant(query),
      isFound: fc.constant(isFound),
      sort,
      count: fc.integer({ min: 4, max: 50 }),
    });
  });

  test('is the order of a plain reading of R4, forward and back, whatever finds the resources', async () => {
    await fc.assert(
      fc.asyncProperty(asked, async ({ query, isFound, sort, count }) => {
        const type = query.split('?')[0];
        // Between equals the id decides, in the direction of the last key.
        const last = sort.split(',').at(-1)?.startsWith('-') ? '-_id' : '_id';
        const rules = [...sort.split(','), last];
        const expected = stored
          .filter((one) => one.resourceType === type && isFound(one))
          .toSorted((a, b) => compareBy(a, b, rules));
        const path = `/${query}&_sort=${sort}&_count=${count}`;
        for (const from of ['first', 'last'] as const) {
          expect([path, from, await listOf(path, from)]).toEqual([path, from, expected.map(({ id }) => id)]);
        }
      }),
      { seed, numRuns: 80 },
    );
  }, 60_000);

  test.each([
    ['Observation?', 'value-quantity', observation],
    [`Observation?code=${system}|A`, '-value-quantity', observation],
    ['RiskAssessment?', '-probability', assessment],
    ['Task?', 'priority', task],
  ] as const)(
    '%s&_sort=%s holds what was there once, while others come in between',
    async (query, sort, make) => {
      let n = 0;
      const insert = () => server.a.request('POST', `/${query.split('?')[0]}`, make(n++));
      for (const from of ['first', 'last'] as const) {
        const before = await listOf(`/${query}&_count=1000`, 'first');
        const ids = await listOf(`/${query}&_sort=${sort}&_count=7`, from, insert);
        expect(new Set(ids).size).toBe(ids.length);
        expect(before.filter((id) => !ids.includes(id))).toEqual([]);
      }
    },
    60_000,
  );

  type Asked = readonly [type: string, name: string, prefixes: readonly string[], value: string];
  const criteria = fc.constantFrom<Asked[]>(
    ['Observation', 'value-quantity', ['gt', 'ge', 'lt', 'le', 'eq', 'sa', 'eb', 'ap', 'ne'], `5|${ucum}|mg`],
    ['Observation', 'value-quantity', ['gt', 'le', 'eq', 'ap'], '2'],
    ['Observation', 'value-quantity', ['gt', 'lt', 'ge'], `-0.0015|${ucum}|g`],
    ['RiskAssessment', 'probability', ['gt', 'ge', 'lt', 'le', 'eq', 'ap'], '0.5'],
    ['Task', 'priority:missing', [''], 'true'],
    ['Task', 'priority:missing', [''], 'false'],
    ['Observation', 'value-quantity:missing', [''], 'true'],
    ['Observation', 'value-quantity:missing', [''], 'false'],
  );

  test('finds by a walk what is found without, when criteria are on the same values', async () => {
    const { doors } = server.app;
    const cipher = await doors.keyRing.cipherOf(server.a.id);
    let compared = 0;
    const asked = fc.record({
      criterion: criteria,
      isDescending: fc.boolean(),
      isBackward: fc.boolean(),
      pick: fc.nat(20),
    });
    await fc.assert(
      fc.asyncProperty(asked, async ({ criterion, isDescending, isBackward, pick }) => {
        const [type, name, prefixes, value] = criterion;
        const query = new URLSearchParams({
          [name]: `${prefixes[pick % prefixes.length]}${value}`,
          _sort: `${isDescending ? '-' : ''}${name.split(':')[0]}`,
          _count: '100',
        });
        const options = { handling: 'strict', baseUrl: server.a.baseUrl, now: 0 } as const;
        const parsed = parseSearch(loadDefinitions(), type, query, options);
        const compiled = compileSearch(parsed, { tokenOf: cipher.tokenOf.bind(cipher), place: { isBackward } });
        const walk = compiled.fallback?.() ?? compiled.statement;
        expect(walk.text).toContain('lacking AS MATERIALIZED');
        const rows = await doors.tenantDoor(server.a.id, (trx) => trx.query<{ id: string | null }>(walk), 'read');
        const ids = rows.flatMap(({ id }) => id ?? []);
        const expected = idsOf(await get(`/${type}?${query}`));
        expect([`${query}`, isBackward ? ids.reverse() : ids]).toEqual([`${query}`, expected]);
        compared += ids.length;
      }),
      { seed, numRuns: 80 },
    );
    expect(compared).toBeGreaterThan(500);
  }, 60_000);

  test('follows a resource that changes', async () => {
    const [one] = await store([{ ...task(1), identifier: [{ system, value: 'changing' }] } as Resource]);
    const { json: other } = await server.a.request('POST', '/Task', { ...one, id: undefined, priority: 'stat' });
    const query = `/Task?identifier=${system}|changing&_sort=priority`;
    expect(idsOf(await get(query))).toEqual([one?.id, other.id]);
    await server.a.request('PUT', `/Task/${one?.id}`, { ...one, priority: 'urgent' });
    expect(idsOf(await get(query))).toEqual([other.id, one?.id]);
    await server.a.request('PUT', `/Task/${other.id}`, { ...other, priority: undefined });
    expect(idsOf(await get(query))).toEqual([one?.id, other.id]);
    await server.a.request('DELETE', `/Task/${one?.id}`);
    expect(await listOf('/Task?_sort=priority&_count=50', 'first')).not.toContain(one?.id);
  });
});

describe(':missing (search.html#missing)', () => {
  test.each([
    ['Observation', 'value-quantity', (one: object) => 'valueQuantity' in one || 'valueSampledData' in one],
    ['Observation', 'encounter', () => false],
    ['Observation', 'subject', () => true],
    ['Observation', 'code', () => true],
    ['RiskAssessment', 'probability', (one: object) => 'prediction' in one],
    ['Task', 'priority', (one: object) => 'priority' in one],
    ['Task', 'status', () => true],
  ])('of %s by %s divides all resources, with an exact total', async (type, code, hasOne) => {
    const all = (await get(`/${type}?_count=1000`)).json.entry.map(({ resource }: BundleEntry) => resource);
    for (const isMissing of [true, false]) {
      const expected = all.filter((one: object) => hasOne(one) !== isMissing).map(({ id }: Resource) => id);
      const page = await get(`/${type}?${code}:missing=${isMissing}&_count=1000&_total=accurate`);
      expect(idsOf(page).toSorted()).toEqual(expected.toSorted());
      expect(page.json.total).toBe(expected.length);
    }
  });

  test('of another tenant’s resources finds none of them', async () => {
    const own = new Set(idsOf(await get('/Task?_count=1000')));
    const others = idsOf(await get('/Task?priority:missing=true&_count=1000', server.b));
    expect(others.length).toBeGreaterThan(5);
    expect(others.filter((id) => own.has(id))).toEqual([]);
  });
});
