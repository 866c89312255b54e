// Chained and reverse chained searches over HTTP, compared with a plain evaluation in memory: https://hl7.org/fhir/R4/search.html#chaining

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { putEntry, sendBundle } from './bundle-requests.ts';
import { clientOf } from './clients.ts';
import { criteria, filters, linkedResources, type Stored } from './linked-model.ts';

const seed = 20_261_120;

let server: TestServer;
const store = new Map<string, Stored>();

/** Two resources are deleted again; the references to one of them stay. */
beforeAll(async () => {
  server = await startTestServer();
  const resources = linkedResources();
  const made = await sendBundle(
    server.a,
    'transaction',
    resources.map((resource) => putEntry(resource)),
  );
  if (made.status !== 200) throw new Error(made.text.slice(0, 2000));
  for (const resource of resources) store.set(`${resource.resourceType}/${resource.id}`, resource);
  for (const place of ['Patient/p4', 'Observation/b5']) {
    expect((await server.a.request('DELETE', `/${place}`)).status).toBe(204);
    store.delete(place);
  }
});
afterAll(() => server.close());

async function find(tenant: Pick<TestTenant, 'request'>, type: string, pairs: readonly (readonly [string, string])[]) {
  const path = `/${type}?${new URLSearchParams([...pairs, ['_count', '200']] as [string, string][])}`;
  const { status, json } = await tenant.request('GET', path, undefined, { Prefer: 'handling=strict' });
  if (status !== 200) throw new Error(`${path} is ${status}: ${JSON.stringify(json)}`);
  const ids: string[] = (json.entry ?? []).map((entry: { resource: Stored }) => entry.resource.id);
  return { ids: ids.sort(), total: json.total as number | undefined };
}

const types = ['Patient', 'Observation', 'Encounter', 'Organization'];
const idsOf = (type: string, matches: (resource: Stored) => boolean) =>
  [...store.values()]
    .filter((resource) => resource.resourceType === type && matches(resource))
    .map(({ id }) => id)
    .sort();

describe('random searches find what a plain evaluation finds', () => {
  test('chains and reverse chains of up to three links, several at once (chaining, has)', async () => {
    const asked = fc
      .constantFrom(...types)
      .chain((type) => fc.tuple(fc.constant(type), fc.array(criteria(type, 3), { minLength: 1, maxLength: 2 })));
    let some = 0;
    await fc.assert(
      fc.asyncProperty(asked, async ([type, all]) => {
        const expected = idsOf(type, (resource) => all.every(({ matches }) => matches(resource, store)));
        const { ids, total } = await find(
          server.a,
          type,
          all.map(({ name, value }) => [name, value] as const),
        );
        expect([all.map(({ name, value }) => `${name}=${value}`), ids]).toEqual([expect.anything(), expected]);
        expect([expected.length, undefined]).toContain(total);
        if (expected.length > 0) some++;
      }),
      { seed, numRuns: 250 },
    );
    expect(some).toBeGreaterThan(90);
  }, 60_000);

  test('filters with and, or, not (search_filter.html)', async () => {
    const asked = fc
      .constantFrom('Patient', 'Observation', 'Encounter')
      .chain((type) => fc.tuple(fc.constant(type), filters(type, 3)));
    await fc.assert(
      fc.asyncProperty(asked, async ([type, { text, matches }]) => {
        const expected = idsOf(type, (resource) => matches(resource, store));
        expect([text, (await find(server.a, type, [['_filter', text]])).ids]).toEqual([text, expected]);
      }),
      { seed, numRuns: 120 },
    );
  }, 60_000);
});

describe('a chain', () => {
  test('takes a word longer than the index holds, and rechecks it on the resource it is about', async () => {
    const isLong = (family: string) => (resource: Stored) => {
      const place = resource.subject?.reference ?? '';
      return JSON.stringify(store.get(place)?.name ?? '').includes(family);
    };
    for (const [value, family] of [
      ['bartholomewsen', 'Bartholomewsen'],
      ['bartholomew-f', 'Bartholomew-Fitz'],
    ] as const) {
      const { ids } = await find(server.a, 'Observation', [['patient.family', value]]);
      expect(ids).toEqual(idsOf('Observation', isLong(family)));
      expect(ids.length).toBeGreaterThan(3);
    }
    expect((await find(server.a, 'Observation', [['patient.family', 'bartholomewsenx']])).ids).toEqual([]);
  });

  test('counts all it finds', async () => {
    const { json } = await server.a.request('GET', '/Observation?patient.gender=male&_summary=count');
    const isMale = ({ subject }: Stored) => store.get(subject?.reference ?? '')?.gender === 'male';
    expect(json.total).toBe(idsOf('Observation', isMale).length);
  });

  test('goes page by page, in the order asked for', async () => {
    const all = (await find(server.a, 'Observation', [['patient.gender', 'male']])).ids;
    const seen: string[] = [];
    let path: string | undefined = '/Observation?patient.gender=male&_sort=-_id&_count=4';
    while (path !== undefined) {
      const { json } = await server.a.request('GET', path);
      seen.push(...json.entry.map((entry: { resource: Stored }) => entry.resource.id));
      const next = json.link.find(({ relation }: { relation: string }) => relation === 'next');
      path = next?.url.slice(server.a.baseUrl.length);
    }
    expect(seen).toEqual(all.toReversed());
  });

  test('is shown in the self link, and in warnings when it is left out', async () => {
    const { json } = await server.a.request('GET', '/Observation?subject:Patient.family=bau&subject.nothing=1');
    expect(json.link[0].url).toMatch(/\?subject:Patient\.family=bau$/);
    expect(JSON.stringify(json.entry.at(-1).resource)).toMatch(/subject\.nothing/);
  });

  test('is offered by the statement, with its bounds (capabilitystatement.html)', async () => {
    const { json } = await server.a.request('GET', '/metadata');
    expect(json.rest[0].documentation).toMatch(
      /`_has:Observation:patient:code=`.*5 links in one parameter and 10 in a search/,
    );
  });

  test('works in POST _search and in a compartment', async () => {
    const body = new URLSearchParams({ 'patient.family': 'bau' }).toString();
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const posted = await server.a.request('POST', '/Observation/_search?_count=200', body, headers);
    expect(posted.json.entry.length).toBe(
      (await find(server.a, 'Observation', [['patient.family', 'bau']])).ids.length,
    );
    const ofPatient = await server.a.request(
      'GET',
      '/Patient/p3/Observation?encounter.status=finished,planned,cancelled',
    );
    const isTheirs = ({ subject, encounter }: Stored) => subject?.reference === 'Patient/p3' && encounter !== undefined;
    const ids = (ofPatient.json.entry ?? []).map((entry: { resource: Stored }) => entry.resource.id);
    expect(ids.sort()).toEqual(idsOf('Observation', isTheirs));
  });
});

describe('`patient`, whose links are stored as those of `subject`', () => {
  const bundle = [
    { resourceType: 'Group', id: 'g1', type: 'person', actual: true },
    {
      resourceType: 'Observation',
      id: 'of-group',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: 'Group/g1' },
    },
  ];
  beforeAll(async () => {
    const made = await sendBundle(
      server.b,
      'transaction',
      [
        ...bundle,
        { resourceType: 'Patient', id: 'p1' },
        { ...bundle[1], id: 'of-patient', subject: { reference: 'Patient/p1' } },
      ].map((resource) => putEntry(resource as Stored)),
    );
    expect(made.status).toBe(200);
  });

  test.each([
    ['Observation', '_include=Observation:patient', ['of-group', 'of-patient', 'p1']],
    ['Observation', '_include=Observation:patient:Patient', ['of-group', 'of-patient', 'p1']],
    ['Observation', '_include=Observation:subject', ['g1', 'of-group', 'of-patient', 'p1']],
    ['Patient', '_revinclude=Observation:patient', ['of-patient', 'p1']],
    ['Group', '_revinclude=Observation:subject', ['g1', 'of-group']],
    ['Observation', 'patient._id=p1', ['of-patient']],
    ['Observation', 'patient:Patient._id=g1', []],
    ['Observation', 'subject:Group._id=g1', ['of-group']],
    ['Patient', '_has:Observation:patient:_id=of-patient,of-group', ['p1']],
  ])('%s?%s: leads to Patients only', async (type, query, expected) => {
    const { status, json } = await server.b.request('GET', `/${type}?${query}`);
    expect(status).toBe(200);
    const ids = (json.entry ?? []).map((entry: { resource: Stored }) => entry.resource.id);
    expect(ids.sort()).toEqual(expected);
  });

  test('in a compartment too, and another kind of subject is in none', async () => {
    const inside = async (path: string) => {
      const { json } = await server.b.request('GET', path);
      return (json.entry ?? []).map((entry: { resource: Stored }) => entry.resource.id);
    };
    expect(await inside('/Patient/p1/*?_type=Observation')).toEqual(['of-patient']);
    expect(await inside('/Patient/p1/Observation')).toEqual(['of-patient']);
  });
});

describe('a search of several types at once', () => {
  test.each([
    '_list=l1',
    '_filter=_lastUpdated gt 2020',
    '_lastUpdated:missing=true',
    '_has:Provenance:target:recorded=2026',
  ])('is no narrower by %s, so says so', async (query) => {
    const strict = { Prefer: 'handling=strict' };
    expect((await server.a.request('GET', `/Patient/p1/*?${query}`, undefined, strict)).status).toBe(400);
    const { json } = await server.a.request('GET', `/Patient/p1/*?${query}`);
    expect(json.entry.at(-1).search.mode).toBe('outcome');
  });
});

describe('another tenant', () => {
  test('is found through no link, whatever its ids are (security.md 5)', async () => {
    await sendBundle(server.b, 'transaction', [
      putEntry({ resourceType: 'Patient', id: 'p1', name: [{ family: 'Onlyhere' }] }),
      putEntry({ resourceType: 'Organization', id: 'o1', name: 'Onlyhere' }),
      putEntry({ resourceType: 'Patient', id: 'lone', managingOrganization: { reference: 'Organization/o2' } }),
    ]);
    const searches = [
      ['Observation', 'subject:Patient.family'],
      ['Observation', 'patient.organization.name'],
      ['Patient', 'organization.partof.name'],
      ['Organization', '_has:Patient:organization:family'],
    ] as const;
    for (const [type, name] of searches) {
      expect(await find(server.a, type, [[name, 'onlyhere']])).toEqual({ ids: [], total: 0 });
    }
    expect((await find(server.b, 'Patient', [['organization.name', 'spital']])).ids).toEqual([]);
    expect((await find(server.b, 'Patient', [['_list', 'l1']])).ids).toEqual([]);
  });
});

describe('every link needs the right to search its type (security.md 6)', () => {
  test.each([
    ['/Patient?_has:Observation:patient:code=', 'Observation.s'],
    ['/Patient?organization.name=', 'Organization.s'],
    ['/Patient?organization.partof.name=', 'Organization.s'],
    ['/Patient?_has:Encounter:patient:service-provider.name=', 'Encounter.s'],
    ['/Patient?_filter=gender eq male or organization.name sw ', 'Organization.s'],
    ['/Patient?_list=', 'List.s'],
  ])('%s is 403 without %s, with and without matches', async (path, scope) => {
    const client = await clientOf(server, server.a, 'system/Patient.rs');
    for (const value of ['pulse', 'spital', 'l1', 'nothing']) {
      const { status, json } = await client.request('GET', `${path}${value}`);
      expect([status, json.issue[0].code]).toEqual([403, 'forbidden']);
      expect(json.issue[0].diagnostics).toContain(scope);
    }
  });

  test('a chain that names no type goes through those that may be searched', async () => {
    const client = await clientOf(server, server.a, 'system/Observation.rs system/Location.rs');
    expect((await find(client, 'Observation', [['subject.name', 'bau']])).ids).toEqual([]);
    const both = await clientOf(server, server.a, 'system/Observation.rs system/Patient.s');
    const all = (await find(server.a, 'Observation', [['subject.name', 'bau']])).ids;
    expect((await find(both, 'Observation', [['subject.name', 'bau']])).ids).toEqual(all);
    expect(all.length).toBeGreaterThan(3);
  });

  test('also in the criteria of conditional requests', async () => {
    const client = await clientOf(server, server.a, 'system/Observation.cruds');
    const { status } = await client.request('DELETE', '/Observation?patient.family=nobody');
    expect(status).toBe(403);
  });
});

describe('conditional requests by a chain', () => {
  test('find what the search finds (http.html#ccreate)', async () => {
    const observation = {
      resourceType: 'Observation',
      status: 'registered',
      code: { coding: [{ code: 'once' }] },
      subject: { reference: 'Patient/p8' },
    };
    const criteriaOf = { 'If-None-Exist': 'patient._id=p8&code=once' };
    const statuses = await Promise.all(
      Array.from({ length: 4 }, () => server.a.request('POST', '/Observation', observation, criteriaOf)),
    );
    expect(statuses.map(({ status }) => status).sort()).toEqual([200, 200, 200, 201]);
    const gone = await server.a.request('DELETE', '/Observation?patient._id=p8&code=once');
    expect(gone.status).toBe(204);
  });
});

describe('_filter', () => {
  const filtered = async (type: string, text: string) => (await find(server.a, type, [['_filter', text]])).ids;

  test('compares whole texts without case, and their beginning and end', async () => {
    const named = (test: (name: string) => boolean) =>
      idsOf('Organization', ({ name }) => typeof name === 'string' && test(name.toLowerCase()));
    expect(await filtered('Organization', 'name eq "spital NORD"')).toEqual(named((name) => name === 'spital nord'));
    expect(await filtered('Organization', 'name eq spital')).toEqual([]);
    expect(await filtered('Organization', 'name sw spital')).toEqual(named((name) => name.startsWith('spital')));
    expect(await filtered('Organization', 'name sw nord')).toEqual([]);
    expect(await filtered('Organization', 'name ew sued')).toEqual(named((name) => name.endsWith('sued')));
    expect(await filtered('Organization', 'name co "tal n"')).toEqual(named((name) => name.includes('tal n')));
  });

  test('tells whether periods overlap (po), and compares dates by prefix', async () => {
    const isApril = ({ effectiveDateTime }: Stored) => effectiveDateTime?.startsWith('2026-04') === true;
    expect(await filtered('Observation', 'date po 2026-04')).toEqual(idsOf('Observation', isApril));
    expect(await filtered('Observation', 'date po 2026-04-14')).toEqual([]);
    expect(
      await filtered('Encounter', '_has:Observation:encounter:date sa 2026-09-14 and status ne finished').catch(String),
    ).toMatch(/operator .*ne.* of .*status/);
  });

  test('takes so many parts that need a look at resources', async () => {
    const text = Array.from({ length: 11 }, (_, n) => `family eq a${n}`).join(' or ');
    await expect(filtered('Patient', text)).rejects.toThrow('too-costly');
  });

  test('follows no name through more links than a search has, however many types it leads to', async () => {
    const name = `${'focus.'.repeat(2000)}code`;
    await expect(filtered('Observation', `${name} eq a`)).rejects.toThrow('not-supported');
  });

  test('reads from left to right, as neither and nor or binds more closely', async () => {
    const text = 'gender eq male or gender eq female and family sw anders';
    const expected = idsOf(
      'Patient',
      ({ gender, name }) => gender !== undefined && JSON.stringify(name).includes('Anders'),
    );
    expect(await filtered('Patient', text)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(1);
  });

  test.each([
    ['gender ne male', 'not-supported', 'gender'],
    ['gender gt male', 'not-supported', 'gender'],
    ['nothing eq 1', 'not-supported', 'nothing'],
    ['link.target eq 1', 'not-supported', 'link'],
    ['gender eq', 'invalid', 'character'],
    ['gender', 'invalid', 'operator'],
    ['(gender eq male', 'invalid', 'parenthesis'],
    ['gender eq male) or', 'invalid', 'character 15'],
    ['link[type eq refer].other eq 1', 'invalid', 'brackets'],
    ['gender pr maybe', 'invalid', 'true or false'],
    ['not gender eq male', 'invalid', 'character 15'],
    [`${'('.repeat(12)}gender eq male${')'.repeat(12)}`, 'too-costly', 'parentheses'],
    [Array.from({ length: 51 }, () => 'gender eq male').join(' or '), 'too-costly', 'comparisons'],
  ])('%s is refused by name', async (text, code, said) => {
    const query = new URLSearchParams({ _filter: text });
    const { status, json } = await server.a.request('GET', `/Patient?${query}`, undefined, {
      Prefer: 'handling=strict',
    });
    expect([status, json.issue[0].code]).toEqual([400, code]);
    expect(json.issue[0].diagnostics).toContain(said);
  });
});
