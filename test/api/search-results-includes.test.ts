// What is sent along with the matches, against a plain model of the same resources: https://hl7.org/fhir/R4/search.html#revinclude

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BundleEntry, Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { postEntry, putEntry, sendBundle } from './bundle-requests.ts';
import { clientOf } from './clients.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await sendBundle(
    server.a,
    'transaction',
    graph.map((node) => putEntry(toResource(node))),
  );
  await sendBundle(
    server.b,
    'transaction',
    graph.map((node) => putEntry(toResource(node))),
  );
});
afterAll(() => server.close());

const keysOf = ({ json }: TestResponse, mode: string): string[] =>
  (json.entry ?? [])
    .filter((entry: BundleEntry) => entry.search?.mode === mode)
    .map(({ resource }: BundleEntry) => `${resource?.resourceType}/${resource?.id}`)
    .sort();

/** A resource and where its references lead, by search parameter. */
interface Node {
  readonly type: string;
  readonly id: string;
  readonly links: Readonly<Record<string, string>>;
}

const node = (type: string, id: string, links: Record<string, string> = {}): Node => ({ type, id, links });
const observation = (id: string, patient: string, links: Record<string, string> = {}) =>
  node('Observation', id, { subject: `Patient/${patient}`, patient: `Patient/${patient}`, ...links });

const graph: readonly Node[] = [
  node('Organization', 'o1', { partof: 'Organization/o2' }),
  node('Organization', 'o2', { partof: 'Organization/o3' }),
  node('Organization', 'o3'),
  node('Organization', 'o4', { partof: 'Organization/o4' }),
  node('Patient', 'p1', { organization: 'Organization/o1' }),
  node('Patient', 'p2', { organization: 'Organization/o4', link: 'Patient/p1' }),
  node('Patient', 'p3', { link: 'Patient/p4' }),
  node('Patient', 'p4', { link: 'Patient/p3' }),
  node('Encounter', 'e1', { subject: 'Patient/p1', patient: 'Patient/p1', 'service-provider': 'Organization/o2' }),
  node('Encounter', 'e2', { subject: 'Patient/p1', patient: 'Patient/p1', 'part-of': 'Encounter/e1' }),
  node('Encounter', 'e3', { subject: 'Patient/p2', patient: 'Patient/p2', 'part-of': 'Encounter/missing' }),
  observation('b1', 'p1', { encounter: 'Encounter/e1' }),
  observation('b2', 'p1', { encounter: 'Encounter/e2', 'has-member': 'Observation/b1' }),
  observation('b3', 'p2', { encounter: 'Encounter/e3', 'has-member': 'Observation/b2' }),
  observation('b4', 'p3', { 'has-member': 'Observation/b4' }),
  observation('b5', 'p4'),
];

function toResource({ type, id, links }: Node): Resource {
  const to = (parameter: string) => links[parameter] && { reference: links[parameter] };
  const elements: Record<string, object> = {
    Organization: { name: id, partOf: to('partof') },
    Patient: {
      managingOrganization: to('organization'),
      ...(links.link && { link: [{ other: to('link'), type: 'seealso' }] }),
    },
    Encounter: {
      status: 'planned',
      class: { code: 'AMB' },
      subject: to('subject'),
      partOf: to('part-of'),
      serviceProvider: to('service-provider'),
    },
    Observation: {
      ...buildObservation(links.subject ?? ''),
      encounter: to('encounter'),
      ...(links['has-member'] && { hasMember: [to('has-member')] }),
    },
  };
  return { resourceType: type, ...elements[type], id } as Resource;
}

interface Wanted {
  readonly name: string;
  readonly value: string;
}

/** What the wanted parameters send along with these matches, by fixpoint. */
function model(matches: readonly string[], wanted: readonly Wanted[], readable: (type: string) => boolean): string[] {
  const included = new Set<string>();
  let frontier = matches;
  let asked = wanted;
  while (frontier.length > 0) {
    const found = asked.flatMap((one) => frontier.flatMap((key) => step(key, one)));
    frontier = [...new Set(found)].filter(
      (key) => !matches.includes(key) && !included.has(key) && readable(key.split('/')[0] as string),
    );
    for (const key of frontier) included.add(key);
    asked = wanted.filter(({ name }) => name.endsWith(':iterate'));
  }
  return [...included].sort();
}

function step(key: string, { name, value }: Wanted): string[] {
  const [source = '', parameter = '*', target = '*'] = value.split(':');
  const isWanted = (from: Node, linkName: string, to: string) =>
    [source, '*'].some((type) => type === from.type || source === '*') &&
    (parameter === '*' || parameter === linkName) &&
    (target === '*' || to.startsWith(`${target}/`));
  const exists = (to: string) => graph.some(({ type, id }) => `${type}/${id}` === to);
  const links = graph.flatMap((from) =>
    Object.entries(from.links)
      .filter(([linkName, to]) => isWanted(from, linkName, to) && exists(to))
      .map(([, to]) => ({ from: `${from.type}/${from.id}`, to })),
  );
  if (name.startsWith('_rev')) return links.filter(({ to }) => to === key).map(({ from }) => from);
  return links.filter(({ from }) => from === key).map(({ to }) => to);
}

const values: Readonly<Record<string, readonly string[]>> = {
  _include: ['*', 'Patient:*', 'Patient:link', 'Patient:organization', 'Patient:link:Patient'],
  '_include:iterate': [
    '*',
    'Patient:organization',
    'Organization:partof',
    'Organization:*',
    'Observation:has-member',
    'Encounter:service-provider',
    'Encounter:part-of:Encounter',
  ],
  _revinclude: [
    '*',
    'Observation:*',
    'Observation:patient',
    'Encounter:patient:Patient',
    'Patient:link',
    'Encounter:*',
  ],
  '_revinclude:iterate': ['*', 'Observation:has-member', 'Encounter:part-of', 'Observation:encounter', 'Patient:link'],
};

const wantedArbitrary = fc
  .constantFrom(...Object.entries(values).flatMap(([name, list]) => list.map((value) => ({ name, value }))))
  .filter(({ value }) => value !== '');

const queryOf = (wanted: readonly Wanted[]) => wanted.map(({ name, value }) => `&${name}=${value}`).join('');

describe('_include, _revinclude and :iterate', () => {
  test('send what the model says, each once, whatever is asked for together', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(['p1', 'p2', 'p3', 'p4'], { minLength: 1 }),
        fc.uniqueArray(wantedArbitrary, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('', '&_sort=family', '&gender:missing=true', '&_sort=-_lastUpdated'),
        async (ids, wanted, rest) => {
          const answer = await server.a.request(
            'GET',
            `/Patient?_id=${ids.join()}${rest}${queryOf(wanted)}`,
            undefined,
            {
              Prefer: 'handling=strict',
            },
          );
          expect(answer.status).toBe(200);
          const matches = ids.map((id) => `Patient/${id}`);
          expect(keysOf(answer, 'match')).toEqual(matches);
          expect(keysOf(answer, 'include')).toEqual(model(matches, wanted, () => true));
          expect(answer.json.total).toBe(ids.length);
        },
      ),
      { seed: 20_261_120, numRuns: 120 },
    );
  });

  test('send nothing that the caller may not read, nor what lies behind it', async () => {
    const readable = ['Patient', 'Organization', 'Observation'];
    const client = await clientOf(server, server.a, 'system/Patient.rs system/Organization.r system/Observation.r');
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(wantedArbitrary, { minLength: 1, maxLength: 3 }), async (wanted) => {
        const answer = await client.request('GET', `/Patient?_id=p1,p2${queryOf(wanted)}`);
        expect(answer.status).toBe(200);
        const matches = ['Patient/p1', 'Patient/p2'];
        expect(keysOf(answer, 'include')).toEqual(model(matches, wanted, (type) => readable.includes(type)));
      }),
      { seed: 20_261_120, numRuns: 60 },
    );
  });

  test('send nothing of another tenant', async () => {
    await server.b.request('PUT', '/Observation/only-b', { ...buildObservation('Patient/p1'), id: 'only-b' });
    const answer = await server.a.request('GET', '/Patient?_id=p1&_revinclude=*&_include:iterate=*');
    expect(answer.text).not.toContain('only-b');
  });

  test('go with the page that has their match', async () => {
    const first = await server.a.request(
      'GET',
      '/Patient?_sort=_id&_id=p1,p2&_count=1&_revinclude=Observation:patient',
    );
    expect(keysOf(first, 'include')).toEqual(['Observation/b1', 'Observation/b2']);
    const next = first.json.link.find(({ relation }: { relation: string }) => relation === 'next').url;
    const second = await server.a.request('GET', next.slice(server.a.baseUrl.length));
    expect(keysOf(second, 'include')).toEqual(['Observation/b3']);
  });

  test('are sent whole, for `_elements` is about the matches alone (search.html#elements)', async () => {
    const sent = async (query: string) => {
      const { json } = await server.a.request('GET', `/Patient?_id=p2&_include=Patient:link${query}`);
      return json.entry.map(({ resource }: BundleEntry) => resource);
    };
    const [, whole] = await sent('');
    const [match, included] = await sent('&_elements=gender');
    expect(match).toMatchObject({ id: 'p2', meta: { tag: [{ code: 'SUBSETTED' }] } });
    expect(match).not.toHaveProperty('managingOrganization');
    expect(included).toEqual(whole);
    const [, summarized] = await sent('&_elements=gender&_summary=true');
    expect(summarized).toMatchObject({ id: 'p1', meta: { tag: [{ code: 'SUBSETTED' }] } });
    expect(summarized).toHaveProperty('managingOrganization');
  });

  test('leave out what was deleted', async () => {
    await server.a.request('PUT', '/Observation/b9', { ...buildObservation('Patient/p9'), id: 'b9' });
    await server.a.request('PUT', '/Patient/p9', { ...buildPatient(), id: 'p9' });
    const path = '/Patient?_id=p9&_revinclude=Observation:subject';
    expect(keysOf(await server.a.request('GET', path), 'include')).toEqual(['Observation/b9']);
    await server.a.request('DELETE', '/Observation/b9');
    expect(keysOf(await server.a.request('GET', path), 'include')).toEqual([]);
  });
});

describe('beyond 1,000 resources', () => {
  beforeAll(async () => {
    await server.a.request('PUT', '/Patient/busy', { ...buildPatient(), id: 'busy' });
    const many = Array.from({ length: 1001 }, () => postEntry(buildObservation('Patient/busy')));
    await sendBundle(server.a, 'transaction', many);
  });

  test.each(['_revinclude=Observation:patient', '_revinclude=*', '_include=*&_revinclude:iterate=Observation:*'])(
    '%s sends 1,000 and says that there are more',
    async (asked) => {
      const answer = await server.a.request('GET', `/Patient?_id=busy&${asked}`);
      expect(keysOf(answer, 'include')).toHaveLength(1000);
      expect(answer.json.entry.at(-1)).toMatchObject({
        resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code: 'too-costly' }] },
        search: { mode: 'outcome' },
      });
      expect(answer.json.total).toBe(1);
    },
  );

  test('tells nobody who may not read them', async () => {
    const client = await clientOf(server, server.a, 'system/Patient.rs');
    for (const asked of ['Observation:patient', '*']) {
      const { json } = await client.request('GET', `/Patient?_id=busy&_revinclude=${asked}`);
      expect(json.entry).toHaveLength(1);
    }
  });

  test('references are followed ten times, and the answer says where it stopped', async () => {
    const chain = Array.from({ length: 14 }, (_, n) => ({
      resourceType: 'Organization',
      id: `chain${n}`,
      name: 'Link',
      ...(n < 13 && { partOf: { reference: `Organization/chain${n + 1}` } }),
    }));
    await sendBundle(
      server.a,
      'transaction',
      chain.map((link) => putEntry(link)),
    );
    const answer = await server.a.request('GET', '/Organization?_id=chain0&_include:iterate=Organization:partof');
    expect(keysOf(answer, 'include')).toHaveLength(10);
    expect(answer.json.entry.at(-1).resource.issue[0].diagnostics).toContain('10 times');
  });
});
