// Searches of SearchParameter and OperationDefinition find what the server itself offers beside the tenant's own: https://hl7.org/fhir/R4/references.html#canonical

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Resource, SearchParameter } from '@medplum/fhirtypes';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { getEntry, putEntry, sendBundle } from './bundle-requests.ts';
import { clientOf } from './clients.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const r4 = 'http://hl7.org/fhir/SearchParameter';
const strict = { Prefer: 'handling=strict' };

async function search(path: string, tenant: TestTenant = server.a) {
  const { status, json, text } = await tenant.request('GET', path, undefined, strict);
  expect([path, status, status === 200 ? '' : text]).toEqual([path, 200, '']);
  const resources: Resource[] = (json.entry ?? []).map(({ resource }: { resource: Resource }) => resource);
  const links: Record<string, string> = Object.fromEntries(
    json.link.map(({ relation, url }: { relation: string; url: string }) => [relation, url]),
  );
  return { total: json.total as number, ids: resources.map(({ id }) => id ?? ''), resources, links };
}

const idsOf = async (path: string) => (await search(path)).ids;

describe('a built-in definition is found', () => {
  test.each([
    ['url', `/SearchParameter?url=${r4}/Patient-identifier`, ['Patient-identifier']],
    [
      'url with others',
      `/SearchParameter?url=${r4}/Patient-active,${r4}/Resource-id`,
      ['Patient-active', 'Resource-id'],
    ],
    ['id', '/SearchParameter?_id=Patient-identifier,nothing', ['Patient-identifier']],
    ['base and code', '/SearchParameter?base=Patient&code=active', ['Patient-active']],
    ['type and target', '/SearchParameter?type=reference&target=Endpoint&base=Location', ['Location-endpoint']],
    ['name, whole', '/SearchParameter?name:exact=near', ['Location-near']],
    [
      'filter',
      '/SearchParameter?_filter=base eq Location and (code eq "near" or code eq "endpoint")',
      ['Location-endpoint', 'Location-near'],
    ],
    ['opposite', '/SearchParameter?base=Slot&type:not=token&code:not=start', ['Slot-schedule']],
    ['absence of a quantity', '/SearchParameter?base=Slot&code=start&context-quantity:missing=true', ['Slot-start']],
    ['operation', '/OperationDefinition?code=meta', ['Resource-meta']],
    [
      'operation by url',
      '/OperationDefinition?url=http://hl7.org/fhir/OperationDefinition/Resource-meta-add',
      ['Resource-meta-add'],
    ],
  ])('by %s', async (_, path, ids) => {
    const found = await search(path);
    expect([found.ids, found.total]).toEqual([ids, ids.length]);
  });

  test('as it is read, in every tenant, by POST and in a batch', async () => {
    const path = '/SearchParameter?code=birthdate&base=Patient';
    const { json } = await server.a.request('GET', '/SearchParameter/individual-birthdate');
    for (const tenant of [server.a, server.b]) expect((await search(path, tenant)).resources).toEqual([json]);
    const batch = await sendBundle(server.a, 'batch', [getEntry(path.slice(1))]);
    expect(batch.json.entry[0].resource.entry[0].resource).toEqual(json);
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const posted = await server.a.request('POST', '/SearchParameter/_search', 'code=birthdate&base=Patient', form);
    expect(posted.json.entry[0]).toMatchObject({
      resource: json,
      fullUrl: `${server.a.baseUrl}/SearchParameter/${json.id}`,
    });
  });

  test('with `_elements` and `_summary`, and only by who may search the type', async () => {
    const { resources } = await search('/SearchParameter?_id=Patient-active&_elements=expression');
    expect(Object.keys(resources[0] ?? {})).not.toContain('xpath');
    expect(resources[0]).toMatchObject({ expression: 'Patient.active', meta: { tag: [{ code: 'SUBSETTED' }] } });
    expect(await search('/SearchParameter?base=Patient&_summary=count')).toMatchObject({ ids: [] });
    const client = await clientOf(server, server.a, 'system/Patient.rs');
    expectRefusal(await client.request('GET', `/SearchParameter?url=${r4}/Patient-active`), 403);
  });

  test('only where it is offered', async () => {
    for (const path of [`/SearchParameter?url=${r4}/Patient-phonetic`, '/SearchParameter?code=phonetic']) {
      expect(await search(path)).toMatchObject({ ids: [], total: 0 });
    }
  });

  test('for every definition that the capability statement names', async () => {
    const { json } = await server.a.request('GET', '/metadata');
    const urls = json.rest[0].resource.flatMap(({ searchParam = [] }: { searchParam?: { definition: string }[] }) =>
      searchParam.map(({ definition }) => definition),
    );
    const all = await everyPage('/SearchParameter?_count=500');
    const found = new Set(all.resources.map((resource) => (resource as SearchParameter).url));
    expect([...new Set(urls)].filter((url) => !found.has(url as string))).toEqual([]);
    expect(found.size).toBeGreaterThan(1000);
    expect(all.total).toBe(found.size);
  });
});

async function everyPage(path: string, tenant: TestTenant = server.a) {
  const resources: Resource[] = [];
  let page = await search(path, tenant);
  const { total } = page;
  for (;;) {
    resources.push(...page.resources);
    const { next } = page.links;
    if (next === undefined) return { resources, total };
    page = await search(next.slice(tenant.baseUrl.length), tenant);
  }
}

const mine = (members: Partial<SearchParameter>): SearchParameter => ({
  ...{ resourceType: 'SearchParameter', status: 'draft', name: 'mine', description: 'Mine', code: 'mine' },
  ...{ base: ['Patient'], type: 'token', expression: 'Patient.active', url: 'http://example.org/SearchParameter/mine' },
  ...members,
});

describe('beside the tenant’s own', () => {
  test('each is found once, page by page forward and back, in every order', async () => {
    for (const name of ['aardvark', 'near', 'zebra']) {
      await server.b.request(
        'POST',
        '/SearchParameter',
        mine({ name, url: `http://example.org/${name}`, base: ['Slot'] }),
      );
    }
    for (const sort of ['_id', '-_id', 'name', '-name,code', '_lastUpdated', '-date']) {
      const path = `/SearchParameter?base=Slot&_sort=${sort}`;
      const whole = await search(path, server.b);
      expect([sort, whole.total, new Set(whole.ids).size]).toEqual([sort, whole.ids.length, whole.ids.length]);
      const paged = await everyPage(`${path}&_count=2`, server.b);
      expect([sort, paged.total, paged.resources.map(({ id }) => id)]).toEqual([sort, whole.total, whole.ids]);
      const first = await search(`${path}&_count=2`, server.b);
      const last = await search(first.links.last?.slice(server.b.baseUrl.length) ?? '', server.b);
      expect(last.ids).toEqual(whole.ids.slice(-2));
      const before = await search(last.links.previous?.slice(server.b.baseUrl.length) ?? '', server.b);
      expect(before.ids).toEqual(whole.ids.slice(-4, -2));
    }
    const names = (await search('/SearchParameter?base=Slot&_sort=name', server.b)).resources.map(
      (resource) => (resource as SearchParameter).name,
    );
    expect([names[0], names.at(-1)]).toEqual(['aardvark', 'zebra']);
  });

  test('one with the same url is found in the place of the built-in, for that tenant only', async () => {
    const url = `${r4}/Patient-language`;
    const { json } = await server.a.request('POST', '/SearchParameter', mine({ url, code: 'tongue' }));
    expect(await idsOf(`/SearchParameter?url=${url}`)).toEqual([json.id]);
    // Also where the tenant's own is no match itself.
    expect(await idsOf('/SearchParameter?base=Patient&code=language')).toEqual([]);
    expect((await search(`/SearchParameter?url=${url}`, server.b)).ids).toEqual(['Patient-language']);
    await server.a.request('DELETE', `/SearchParameter/${json.id}`);
    expect(await idsOf(`/SearchParameter?url=${url}`)).toEqual(['Patient-language']);
  });

  test('searches across types and criteria of writes find what is stored only', async () => {
    expect(await idsOf('/?_type=SearchParameter&_id=Patient-active')).toEqual([]);
    const url = `${r4}/Patient-deceased`;
    const criteria = { 'If-None-Exist': `url=${url}` };
    const made = await server.b.request('POST', '/SearchParameter', mine({ url }), criteria);
    expect(made.status).toBe(201);
    expect((await server.b.request('POST', '/SearchParameter', mine({ url }), criteria)).status).toBe(200);
  });
});

describe('what is in memory meets the same criteria as what is stored', () => {
  const place = 'http://copies.test/SearchParameter';
  const base = 'base=Appointment,Slot,Location,Observation';
  const sizes: number[] = [];

  beforeAll(async () => {
    const { resources } = await search(`/SearchParameter?${base}&_count=1000`);
    expect(resources.length).toBeGreaterThan(70);
    const copies = resources.map((resource) => {
      const { meta: _, id = '', ...rest } = resource as SearchParameter;
      return putEntry({ ...rest, id: `copy-${id}`, url: `${place}/${id}`, status: 'retired' } as Resource & {
        id: string;
      });
    });
    expect((await sendBundle(server.b, 'transaction', copies)).status).toBe(200);
  });

  test.each([
    '',
    'code=date,status,near',
    'code:not=date',
    'type=token',
    'type:not=token&target:missing=true',
    'target=Patient',
    'target:missing=false',
    'name=co',
    'name:exact=Status',
    'name:contains=ode',
    'description=the type',
    'description:contains=ing',
    'description:contains=zz',
    'date=2019',
    'date=ge2019-11-01&date=lt2020',
    'date=gt2030',
    'date:missing=true',
    'version=4.0.1',
    'version:missing=true',
    'publisher=health',
    'publisher:contains=vel seven',
    'component:missing=false',
    'context-type=focus',
    'context:missing=true',
    'derived-from:missing=false',
    'jurisdiction:missing=true',
    'code:above=date',
    '_text=appointment',
    '_content=appointment',
    '_content=appointment practitioner',
    '_has:SearchParameter:component:code=a',
    '_filter=code eq "status" or name co "ate"',
    '_filter=not (type eq token) and description co "the"',
    '_filter=date ge 2019 and not (target pr true)',
  ])('%s', async (query) => {
    const [known, stored] = [
      await answerOf(server.a, `http://hl7.org/fhir/`, query),
      await answerOf(server.b, place, query),
    ];
    sizes.push(stored.length);
    expect(known.map((id) => (/^\d{3}/.test(id) ? id : `copy-${id}`))).toEqual(stored);
  });

  test('and half of these queries find some and not all', () => {
    expect(sizes.filter((size) => size > 0 && size < Math.max(...sizes)).length).toBeGreaterThan(sizes.length / 2);
  });

  /** The ids, or the status of a refusal. */
  async function answerOf(tenant: TestTenant, below: string, query: string): Promise<string[]> {
    const path = `/SearchParameter?${base}&url:below=${below}&_count=1000&${query}`;
    const { status, json } = await tenant.request('GET', path, undefined, strict);
    if (status !== 200) return [String(status)];
    return (json.entry ?? []).map(({ resource }: { resource: Resource }) => resource.id).sort();
  }
});
