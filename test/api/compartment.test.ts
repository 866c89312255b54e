// Search in a compartment over HTTP: https://hl7.org/fhir/R4/http.html#vsearch

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BundleEntry, Resource } from '@medplum/fhirtypes';
import { buildAppointment, buildObservation, buildPatient, buildPractitioner } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer, type TestTenant } from '../support/server.ts';
import { putEntry, sendBundle } from './bundle-requests.ts';
import { clientOf } from './clients.ts';

let server: TestServer;
const get = (path: string, headers?: Record<string, string>) => server.a.request('GET', path, undefined, headers);
const form = (path: string, body: string, headers: Record<string, string> = {}) =>
  server.a.request('POST', path, body, { 'Content-Type': 'application/x-www-form-urlencoded', ...headers });

const namesOf = ({ json }: TestResponse, mode = 'match'): string[] =>
  (json.entry ?? [])
    .filter((entry: BundleEntry) => entry.search?.mode === mode)
    .map((entry: BundleEntry) => `${entry.resource?.resourceType}/${entry.resource?.id}`);
const linkOf = ({ json }: TestResponse, relation: string): string | undefined =>
  json.link.find((link: { relation: string }) => link.relation === relation)?.url;
const below = (url = '') => url.slice(server.a.baseUrl.length);

async function found(path: string): Promise<string[]> {
  const answer = await get(path);
  expect([path, answer.status]).toEqual([path, 200]);
  expect(answer.json).toMatchObject({ resourceType: 'Bundle', type: 'searchset' });
  return namesOf(answer);
}

/** The names on all pages, in their order. */
async function foundOnAll(path: string): Promise<string[]> {
  const names: string[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const page: TestResponse = await get(next);
    expect(page.status).toBe(200);
    names.push(...namesOf(page));
    const url = linkOf(page, 'next');
    next = url && below(url);
  }
  return names;
}

const encounter = (id: string, patient: string): object => ({
  resourceType: 'Encounter',
  id,
  status: 'planned',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
  subject: { reference: patient },
});

/** One patient with something of most kinds, and another who has the like. */
function chart(p: string, other: string): object[] {
  const subject = { reference: `Patient/${p}` };
  return [
    { ...buildPatient(), id: p },
    { ...buildPatient({ link: [{ other: subject, type: 'seealso' }] }), id: `${p}-twin` },
    { ...buildPractitioner(), id: `${p}-doctor` },
    { resourceType: 'RelatedPerson', id: `${p}-mother`, patient: subject },
    { resourceType: 'Device', id: `${p}-pump`, patient: subject },
    encounter(`${p}-visit`, `Patient/${p}`),
    { ...buildObservation(`Patient/${p}`, { encounter: { reference: `Encounter/${p}-visit` } }), id: `${p}-pulse` },
    {
      ...buildObservation(`Patient/${other}`, {
        status: 'amended',
        performer: [subject, { reference: `Practitioner/${p}-doctor` }, { reference: `RelatedPerson/${p}-mother` }],
        device: { reference: `Device/${p}-pump` },
      }),
      id: `${p}-measured-by`,
    },
    { ...buildAppointment(`Patient/${p}`, `Practitioner/${p}-doctor`, { status: 'proposed' }), id: `${p}-date` },
    {
      resourceType: 'Basic',
      id: `${p}-note`,
      code: { text: 'note' },
      author: { reference: `RelatedPerson/${p}-mother` },
    },
    { resourceType: 'Organization', id: `${p}-home`, name: 'Home' },
  ];
}

async function fill(tenant: TestTenant, resources: readonly object[]): Promise<void> {
  const answer = await sendBundle(
    tenant,
    'transaction',
    resources.map((resource) => putEntry(resource)),
  );
  expect([answer.status, answer.status === 200 ? '' : answer.text]).toEqual([200, '']);
}

beforeAll(async () => {
  server = await startTestServer();
  await fill(server.a, [...chart('p1', 'p2'), ...chart('p2', 'p3'), { ...buildPatient(), id: 'p3' }]);
  // The same ids in another clinic, and one that only that has.
  await fill(server.b, [...chart('p1', 'p2'), ...chart('p2', 'of-b'), { ...buildPatient(), id: 'of-b' }]);
  await server.b.request('PUT', '/Observation/p1-of-b', { ...buildObservation('Patient/p1'), id: 'p1-of-b' });
});
afterAll(() => server.close());

describe('of one type gives what refers to the resource in any listed parameter, and nothing else', () => {
  test.each([
    ['/Patient/p1/Observation', ['Observation/p1-measured-by', 'Observation/p1-pulse']],
    ['/Patient/p1/Observation?status=amended', ['Observation/p1-measured-by']],
    ['/Patient/p1/Observation?_id=p1-pulse,p2-pulse', ['Observation/p1-pulse']],
    ['/Patient/p1/Observation?date=2026-11-20&_sort=-date', ['Observation/p1-pulse', 'Observation/p1-measured-by']],
    ['/Patient/p1/Patient', ['Patient/p1', 'Patient/p1-twin']],
    ['/Patient/p1/Patient?gender=male', []],
    ['/Patient/p3/Observation', ['Observation/p2-measured-by']],
    ['/Patient/p3/Condition', []],
    ['/Practitioner/p1-doctor/Observation', ['Observation/p1-measured-by']],
    ['/Practitioner/p1-doctor/Appointment', ['Appointment/p1-date']],
    ['/Practitioner/p1-doctor/Practitioner', ['Practitioner/p1-doctor']],
    ['/RelatedPerson/p1-mother/Basic', ['Basic/p1-note']],
    ['/RelatedPerson/p1-mother/RelatedPerson', ['RelatedPerson/p1-mother']],
    ['/Device/p1-pump/Observation', ['Observation/p1-measured-by']],
    ['/Device/p1-pump/Device', ['Device/p1-pump']],
    ['/Encounter/p1-visit/Observation', ['Observation/p1-pulse']],
    ['/Encounter/p1-visit/Encounter', ['Encounter/p1-visit']],
    ['/Encounter/p1-visit/Encounter?status=finished', []],
  ])('GET %s', async (path, names) => {
    expect((await found(path)).sort()).toEqual([...names].sort());
  });

  test('AuditEvents are found by the patient they are about, newest first', async () => {
    const events = await get('/Patient/p1/AuditEvent?_count=100');
    expect(events.json.total).toBeGreaterThan(5);
    for (const { resource } of events.json.entry) expect(JSON.stringify(resource.entity)).toContain('"Patient/p1"');
  });

  test('with all that a search of the type has', async () => {
    const path =
      '/Patient/p1/Observation?_sort=_id&_count=1&_total=accurate&_elements=status&_include=Observation:subject';
    const first = await get(path);
    expect(namesOf(first)).toEqual(['Observation/p1-measured-by']);
    expect(namesOf(first, 'include')).toEqual(['Patient/p2']);
    expect(first.json.total).toBe(2);
    expect(first.json.entry[0].resource.valueQuantity).toBeUndefined();
    expect(linkOf(first, 'self')).toBe(`${server.a.baseUrl}${path}`);
    expect(linkOf(first, 'next')).toContain('/Patient/p1/Observation?_sort=_id&');
    expect(namesOf(await get(below(linkOf(first, 'next'))))).toEqual(['Observation/p1-pulse']);
    expect((await get('/Patient/p1/Observation?_summary=count')).json).toMatchObject({ total: 2 });
  });

  test('also by POST (search.html#get-post)', async () => {
    const answer = await form('/Patient/p1/Observation/_search', 'status=amended');
    expect(namesOf(answer)).toEqual(['Observation/p1-measured-by']);
    expect(linkOf(answer, 'self')).toBe(`${server.a.baseUrl}/Patient/p1/Observation?status=amended`);
  });
});

describe('of * gives all types of the compartment in the order of type and id', () => {
  test.each([
    [
      '/Patient/p1/*',
      [
        'Appointment/p1-date',
        'Encounter/p1-visit',
        'Observation/p1-measured-by',
        'Observation/p1-pulse',
        'Patient/p1',
        'Patient/p1-twin',
        'RelatedPerson/p1-mother',
      ],
    ],
    ['/Patient/p3/*', ['Observation/p2-measured-by', 'Patient/p3']],
    ['/Practitioner/p1-doctor/*', ['Appointment/p1-date', 'Observation/p1-measured-by', 'Practitioner/p1-doctor']],
    ['/RelatedPerson/p1-mother/*', ['Basic/p1-note', 'Observation/p1-measured-by', 'RelatedPerson/p1-mother']],
    ['/Device/p1-pump/*', ['Device/p1-pump', 'Observation/p1-measured-by']],
    ['/Encounter/p1-visit/*', ['Encounter/p1-visit', 'Observation/p1-pulse']],
    [
      '/Patient/p1/*?_type=Observation,Patient',
      ['Observation/p1-measured-by', 'Observation/p1-pulse', 'Patient/p1', 'Patient/p1-twin'],
    ],
    ['/Patient/p1/*?_type=Condition', []],
  ])('GET %s', async (path, names) => {
    const whole = await get(path);
    expect(namesOf(whole)).toEqual(names);
    expect(whole.json.total).toBe(names.length);
    expect(linkOf(whole, 'self')).toBe(`${server.a.baseUrl}${path}`);
    expect(linkOf(whole, 'next')).toBeUndefined();
    for (const count of [1, 2, 3]) {
      expect(await foundOnAll(`${path}${path.includes('?') ? '&' : '?'}_count=${count}`)).toEqual(names);
    }
  });

  test('_total, _summary and _elements shape it', async () => {
    expect((await get('/Patient/p1/*?_count=2')).json.total).toBe(7);
    expect((await get('/Patient/p1/*?_count=2&_total=accurate')).json.total).toBe(7);
    expect((await get('/Patient/p1/*?_count=2&_total=none')).json.total).toBeUndefined();
    const counted = (await get('/Patient/p1/*?_summary=count')).json;
    expect([counted.total, counted.entry]).toEqual([7, undefined]);
    const [entry] = (await get('/Patient/p1/*?_type=Patient&_elements=gender')).json.entry;
    expect(entry.fullUrl).toBe(`${server.a.baseUrl}/Patient/p1`);
    expect(entry.resource).toMatchObject({ gender: 'female', meta: { tag: [{ code: 'SUBSETTED' }] } });
    expect(entry.resource.birthDate).toBeUndefined();
  });

  test('_lastUpdated gives what changed since', async () => {
    await fill(server.a, [
      { ...buildPatient(), id: 'since' },
      { ...buildObservation('Patient/since'), id: 'since-1' },
    ]);
    const [{ resource }] = (await get('/Patient/since/*?_type=Observation')).json.entry;
    const moment = encodeURIComponent(resource.meta.lastUpdated);
    expect(await foundOnAll(`/Patient/since/*?_lastUpdated=ge${moment}&_count=1`)).toEqual([
      'Observation/since-1',
      'Patient/since',
    ]);
    await fill(server.a, [{ ...buildPatient({ active: true }), id: 'since' }]);
    const changed = await get(`/Patient/since/*?_lastUpdated=gt${moment}`);
    expect([namesOf(changed), changed.json.total]).toEqual([['Patient/since'], 1]);
    expect(await found('/Patient/since/*?_lastUpdated=lt2020')).toEqual([]);
    expect((await get('/Patient/since/*?_lastUpdated=ge2020&_summary=count')).json.total).toBe(2);
    expect((await get('/Patient/since/*?_lastUpdated=lt2020&_summary=count')).json.total).toBe(0);
  });

  test('also by POST, and as its escaped spelling', async () => {
    expect(namesOf(await form('/Patient/p3/*/_search', '_type=Patient'))).toEqual(['Patient/p3']);
    expect(await found('/Patient/p3/%2A?_type=Patient')).toEqual(['Patient/p3']);
  });

  test('what is not understood is a warning, or 400 under handling=strict', async () => {
    const lenient = await get('/Patient/p3/*?code=x');
    expect(lenient.json.entry.at(-1)).toMatchObject({ search: { mode: 'outcome' } });
    expect((await get('/Patient/p3/*?code=x', { Prefer: 'handling=strict' })).status).toBe(400);
    expect((await get('/Patient/p3/*?_type=Organization')).status).toBe(400);
  });

  test('the pages go back as they came, from the last one too', async () => {
    const path = '/Patient/p1/*?_total=none';
    const all = await foundOnAll(`${path}&_count=100`);
    for (const count of [1, 2, 3, all.length - 1]) {
      const first = await get(`${path}&_count=${count}`);
      expect(linkOf(first, 'previous')).toBeUndefined();
      const seen: string[] = [];
      for (let at = linkOf(first, 'last'); at !== undefined; ) {
        const page = await get(below(at));
        expect(page.status).toBe(200);
        seen.unshift(...namesOf(page));
        at = linkOf(page, 'previous');
      }
      expect([count, seen]).toEqual([count, all]);
      const second = await get(below(linkOf(first, 'next')));
      expect(namesOf(await get(below(linkOf(second, 'previous'))))).toEqual(namesOf(first));
    }
    expect((await get(`${path}&_count=${all.length}`)).json.link).toHaveLength(1);
  });

  test('what is written or deleted between pages moves no other resource', async () => {
    const extra = (id: string) => ({ ...buildObservation('Patient/moving'), id });
    await fill(server.a, [{ ...buildPatient(), id: 'moving' }, ...['b', 'd', 'f', 'h'].map((id) => extra(`mv-${id}`))]);
    const first = await get('/Patient/moving/*?_count=2');
    await fill(server.a, [extra('mv-a'), extra('mv-g')]);
    await server.a.request('DELETE', '/Observation/mv-d');
    const rest = await foundOnAll(below(linkOf(first, 'next')));
    expect(namesOf(first)).toEqual(['Observation/mv-b', 'Observation/mv-d']);
    expect(rest).toEqual(['Observation/mv-f', 'Observation/mv-g', 'Observation/mv-h', 'Patient/moving']);
    expect(await found('/Patient/moving/*?_type=Observation')).not.toContain('Observation/mv-d');
  });
});

describe('a compartment that is not there', () => {
  test.each(['Observation', '*'])('is 404 for %s, and 410 when its resource was deleted', async (member) => {
    const unknown = await get(`/Patient/nobody/${member}`);
    expect(unknown.status).toBe(404);
    expect(unknown.json).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'not-found' }] });
    await fill(server.a, [
      { ...buildPatient(), id: 'left' },
      { ...buildObservation('Patient/left'), id: 'left-behind' },
    ]);
    await server.a.request('DELETE', '/Patient/left');
    const gone = await get(`/Patient/left/${member}`);
    expect([gone.status, gone.json.issue[0].code]).toEqual([410, 'deleted']);
  });

  test("of another clinic is 404 as one that never was, and another clinic's resources are not in one's own", async () => {
    for (const member of ['Observation', '*']) {
      const foreign = await get(`/Patient/of-b/${member}`);
      const never = await get(`/Patient/of-c/${member}`);
      expect(foreign.status).toBe(404);
      expect(foreign.text.replaceAll('of-b', 'of-c')).toBe(never.text);
      expect(await found(`/Patient/p1/${member}`)).not.toContain('Observation/p1-of-b');
    }
    const theirs = await server.b.request('GET', '/Patient/p1/Observation');
    expect(namesOf(theirs)).toContain('Observation/p1-of-b');
  });

  test.each([
    ['/Patient/p1/Organization', 'not-supported'],
    ['/Encounter/p1-visit/Patient', 'not-supported'],
    ['/Organization/p1-home/Observation', 'not-supported'],
    ['/Organization/p1-home/*', 'not-supported'],
    ['/Patient/p1/Nothing', 'not-found'],
    ['/Patient/p1/observation', 'not-found'],
    ['/Patient/p1/$nothing', 'not-supported'],
    ['/Patient/p1/_nothing', 'not-found'],
    ['/Patient/p1/**', 'not-found'],
    ['/Patient/p1/constructor', 'not-found'],
    ['/Patient/a%20b/Observation', 'not-found'],
    [`/Patient/${'x'.repeat(65)}/*`, 'not-found'],
    ['/Nothing/p1/Observation', 'not-supported'],
  ])('%s is 404 with a sentence', async (path, code) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(answer.json.issue).toEqual([expect.objectContaining({ code })]);
  });

  test('the paths of history are not taken for a compartment', async () => {
    expect((await get('/Patient/p1/_history')).json.type).toBe('history');
    expect((await get('/Patient/p1/_history/1')).json.resourceType).toBe('Patient');
  });
});

describe('a cursor is good for its own compartment only (security.md, paging)', () => {
  test.each([
    ['/Patient/p1/Observation', ['/Patient/p2/Observation', '/Observation', '/Patient/p1/*', '/Patient/p1/Encounter']],
    ['/Patient/p1/*', ['/Patient/p2/*', '/Patient/p1/Observation', '/Device/p1-pump/*', '/Patient/p1/*?_type=Patient']],
  ])('of %s', async (path, others) => {
    const cursor = new URL(linkOf(await get(`${path}?_count=1`), 'next') ?? '').searchParams.get('_cursor');
    expect((await get(`${path}?_cursor=${cursor}`)).status).toBe(200);
    for (const other of others) {
      const answer = await get(`${other}${other.includes('?') ? '&' : '?'}_cursor=${cursor}`);
      expect([other, answer.status]).toEqual([other, 400]);
    }
    const theirs = await server.b.request('GET', `${path}?_cursor=${cursor}`);
    expect(theirs.status).toBe(400);
  });
});

describe('scopes', () => {
  test('a search of one type needs s on that type', async () => {
    const client = await clientOf(server, server.a, 'system/Observation.s system/Patient.r');
    expect((await client.request('GET', '/Patient/p1/Observation')).status).toBe(200);
    for (const path of ['/Patient/p1/Encounter', '/Patient/nobody/Encounter', '/Patient/nobody/*?_type=Encounter']) {
      const refused = await client.request('GET', path);
      expect([refused.status, refused.json.issue[0].code]).toEqual([403, 'forbidden']);
    }
  });

  test('of * types outside the scopes are absent and not counted, and includes need r (security.md 7)', async () => {
    const client = await clientOf(server, server.a, 'system/Observation.s system/Encounter.r system/Patient.r');
    const all = await client.request('GET', '/Patient/p1/*');
    expect(namesOf(all)).toEqual(['Observation/p1-measured-by', 'Observation/p1-pulse']);
    expect(all.json.total).toBe(2);
    expect((await client.request('GET', '/Patient/p1/*?_type=Encounter')).status).toBe(403);
    const included = await client.request('GET', '/Patient/p1/Observation?_include=*');
    expect(namesOf(included, 'include').sort()).toEqual(['Encounter/p1-visit', 'Patient/p2', 'Patient/p1'].sort());
  });

  test('who may not read the resource does not learn whether there is one', async () => {
    const client = await clientOf(server, server.a, 'system/Observation.s');
    const empty = await client.request('GET', '/Patient/nobody/Observation');
    expect(empty.status).toBe(200);
    expect(empty.json.total).toBe(0);
  });
});

test('what is in the compartment of a patient is what the searches of its types give together', async () => {
  const all = await foundOnAll('/Patient/p1/*?_count=3');
  const types = new Set(all.map((name) => name.split('/')[0]));
  const together: string[] = [];
  for (const type of types) together.push(...(await found(`/Patient/p1/${type}`)));
  expect([...together].sort()).toEqual([...all].sort());
  const resources = (await get('/Patient/p1/*?_count=100')).json.entry.map(
    ({ resource }: { resource: Resource }) => resource,
  );
  for (const resource of resources) {
    const read = await get(`/${resource.resourceType}/${resource.id}`);
    expect(resource).toEqual(read.json);
  }
});
