// Histories of an instance, of a type and of the system over HTTP: https://hl7.org/fhir/R4/http.html#history

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent, Bundle, BundleEntry } from '@medplum/fhirtypes';
import { newId } from '../../src/fhir/ids.ts';
import { buildLocation, buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer, type TestTenant } from '../support/server.ts';
import { untilRecorded } from '../support/until-recorded.ts';
import { postEntry, sendBundle } from './bundle-requests.ts';
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

const get = (path: string, tenant: TestTenant = server.a) => tenant.request('GET', path);
const entriesOf = ({ json }: TestResponse): BundleEntry[] => (json as Bundle).entry ?? [];
/** `Type/id/version`, with a minus for a deletion. */
const namesOf = (answer: TestResponse) =>
  entriesOf(answer).map(({ fullUrl = '', request, response }) => {
    const [type, id] = fullUrl.split('/').slice(-2);
    return `${request?.method === 'DELETE' ? '-' : ''}${type}/${id}/${response?.etag?.slice(3, -1)}`;
  });
const linkOf = ({ json }: TestResponse, relation: string): string | undefined =>
  (json as Bundle).link?.find((link) => link.relation === relation)?.url;
/** Below the FHIR base, as a request needs it. */
const pathOf = (url: string, tenant: TestTenant = server.a) => url.slice(tenant.baseUrl.length);

async function allPages(path: string, tenant: TestTenant = server.a): Promise<TestResponse[]> {
  const pages = [await get(path, tenant)];
  for (let next = linkOf(pages[0] as TestResponse, 'next'); next; next = linkOf(pages.at(-1) as TestResponse, 'next')) {
    pages.push(await get(pathOf(next, tenant), tenant));
  }
  return pages;
}

async function post(resource: object & { resourceType: string }, tenant: TestTenant = server.a) {
  return (await tenant.request('POST', `/${resource.resourceType}`, resource)).json as { id: string };
}

const put = (id: string, tenant: TestTenant = server.a) =>
  tenant.request('PUT', `/Patient/${id}`, { ...buildPatient(), id });

describe('an entry', () => {
  test('says what made its version, and holds it; a deletion holds none', async () => {
    const { id } = await post(buildPatient());
    await put(id);
    await server.a.request('DELETE', `/Patient/${id}`);
    const { status, json } = await get(`/Patient/${id}/_history`);
    expect(status).toBe(200);
    expect(json).toMatchObject({ resourceType: 'Bundle', type: 'history', total: 3 });
    const [deleted, updated, created] = json.entry;
    const fullUrl = `${server.a.baseUrl}/Patient/${id}`;
    expect(deleted).toEqual({
      fullUrl,
      request: { method: 'DELETE', url: `Patient/${id}` },
      response: { status: '204', etag: 'W/"3"', lastModified: expect.stringMatching(/^20.*Z$/) },
    });
    expect(updated).toMatchObject({
      fullUrl,
      request: { method: 'PUT', url: `Patient/${id}` },
      response: { status: '200', etag: 'W/"2"', lastModified: updated.resource.meta.lastUpdated },
      resource: { id, meta: { versionId: '2' } },
    });
    expect(created).toMatchObject({
      fullUrl,
      request: { method: 'POST', url: 'Patient' },
      response: { status: '201', etag: 'W/"1"', lastModified: created.resource.meta.lastUpdated },
      resource: { id, meta: { versionId: '1' } },
    });
    expect(Object.keys(created)).toEqual(['fullUrl', 'request', 'response', 'resource']);
  });

  test.each([
    ['an id of its own', () => 'chosen'],
    ["an id like the server's", () => newId(Date.UTC(2020, 0))],
  ])('of a resource that a client put at %s is a PUT', async (_, chooseId) => {
    const id = chooseId();
    await put(id);
    const [created] = entriesOf(await get(`/Patient/${id}/_history`));
    expect(created?.request).toEqual({ method: 'PUT', url: `Patient/${id}` });
    expect(created?.response?.status).toBe('201');
  });

  test('of a resource that a transaction posted is a POST', async () => {
    const answer = await sendBundle(server.a, 'transaction', [postEntry(buildPatient())]);
    const [, , , , , , , id] = answer.json.entry[0].response.location.split('/');
    const [created] = entriesOf(await get(`/Patient/${id}/_history`));
    expect(created?.request?.method).toBe('POST');
  });

  test('keeps the exact text of decimals', async () => {
    const body = JSON.stringify(buildObservation('Patient/x')).replace('"value":72', '"value":72.500');
    const { json } = await server.a.request('POST', '/Observation', body);
    for (const path of [`/Observation/${json.id}/_history`, '/Observation/_history', '/_history']) {
      expect((await get(path)).text).toContain('"value":72.500');
    }
  });
});

describe('the history of an instance', () => {
  test("is 404 for an id that never was, and for another tenant's (security.md 1)", async () => {
    await put('of-b', server.b);
    const never = await get('/Patient/never/_history');
    expectRefusal(never, 404);
    const ofB = await get('/Patient/of-b/_history');
    expectRefusal(ofB, 404);
    expect(ofB.text).toBe(never.text.replace('never', 'of-b'));
    for (const path of ['/Patient/a_b/_history', '/AuditEvent/x/_history', `/AuditEvent/${newId(0)}/_history`]) {
      expectRefusal(await get(path), 404);
    }
  });

  test('is there after a delete, newest first, also with nothing to list', async () => {
    await put('gone');
    await server.a.request('DELETE', '/Patient/gone');
    await put('gone');
    expect(namesOf(await get('/Patient/gone/_history'))).toEqual([
      'Patient/gone/3',
      '-Patient/gone/2',
      'Patient/gone/1',
    ]);
    const empty = await get('/Patient/gone/_history?_since=2100');
    expect(empty.json).toMatchObject({ type: 'history', total: 0 });
    expect(empty.json).not.toHaveProperty('entry');
  });

  test('is the same text as long as nothing is written', async () => {
    await put('still');
    const before = await get('/Patient/still/_history');
    await put('other');
    expect((await get('/Patient/still/_history')).text).toBe(before.text);
  });

  test('answers HEAD as GET without its body', async () => {
    await put('headed');
    for (const path of ['/Patient/headed/_history', '/Patient/_history', '/_history']) {
      const answer = await fetch(`${server.origin}/t/clinic-a/fhir${path}`, {
        method: 'HEAD',
        headers: { Authorization: `Bearer ${server.a.token}` },
      });
      expect([answer.status, await answer.text()]).toEqual([200, '']);
      expect(answer.headers.get('Content-Type')).toContain('application/fhir+json');
    }
  });
});

describe('the histories of a type and of the system', () => {
  beforeAll(async () => {
    await server.b.request('PUT', '/Location/l', { ...buildLocation(), id: 'l' });
    await put('p', server.b);
    await put('p', server.b);
    await server.b.request('DELETE', '/Location/l');
  });

  test('list all versions of their types, newest first', async () => {
    const ofType = await get('/Location/_history', server.b);
    expect(namesOf(ofType)).toEqual(['-Location/l/2', 'Location/l/1']);
    expect(ofType.json.total).toBe(2);
    const ofSystem = await get('/_history', server.b);
    expect(namesOf(ofSystem).slice(0, 4)).toEqual(['-Location/l/2', 'Patient/p/2', 'Patient/p/1', 'Location/l/1']);
    expect(ofSystem.json.total).toBe(namesOf(ofSystem).length);
    expect(linkOf(ofSystem, 'self')).toBe(`${server.b.baseUrl}/_history`);
    expect(linkOf(ofSystem, 'next')).toBeUndefined();
  });

  test('are an empty Bundle where there is nothing', async () => {
    const { status, json } = await get('/Slot/_history', server.b);
    expect(status).toBe(200);
    expect(json).toEqual({
      resourceType: 'Bundle',
      meta: { lastUpdated: expect.any(String) },
      type: 'history',
      total: 0,
      link: [{ relation: 'self', url: `${server.b.baseUrl}/Slot/_history` }],
    });
  });

  test('are 404 for what is no type', async () => {
    expectRefusal(await get('/Nothing/_history'), 404);
  });

  test('end at the tenant (security.md 8)', async () => {
    await post(buildPatient({ name: [{ family: 'Only-A' }] }));
    for (const path of ['/_history', '/Patient/_history', '/_history?_since=1900', '/AuditEvent/_history']) {
      const [a, b] = [await allPages(path), await allPages(path, server.b)];
      const namesOfA = new Set(a.flatMap(namesOf));
      expect(namesOfA.size).toBeGreaterThan(0);
      expect(b.flatMap(namesOf).filter((name) => namesOfA.has(name))).toEqual([]);
      expect(b.map(({ text }) => text).join()).not.toContain('Only-A');
      expect(b.map(({ text }) => text).join()).not.toContain(server.a.baseUrl);
    }
  });
});

describe('AuditEvents', () => {
  test('are no part of the system history and have their own, with one version each', async () => {
    const ofSystem = (await allPages('/_history')).flatMap(namesOf);
    expect(ofSystem.filter((name) => name.includes('AuditEvent'))).toEqual([]);
    await untilRecorded(server.database.url);
    const pages = await allPages('/AuditEvent/_history?_count=30');
    const names = pages.flatMap(namesOf);
    // Each version of each resource has left one, and what was read or refused leaves more of them all the time.
    const changes = pages.flatMap(entriesOf).filter(({ resource }) => isChange(resource as AuditEvent));
    expect(changes).toHaveLength(ofSystem.length);
    expect(new Set(names).size).toBe(names.length);
    expect(names.every((name) => /^AuditEvent\/.*\/1$/.test(name))).toBe(true);
    expect(pages[0]?.json.total).toBe(names.length);
    const times = pages.flatMap(entriesOf).map(({ response }) => response?.lastModified ?? '');
    expect(times).toEqual([...times].sort().reverse());
    const id = entriesOf(pages[0] as TestResponse)[0]?.resource?.id;
    const ofOne = await get(`/AuditEvent/${id}/_history`);
    expect(namesOf(ofOne)).toEqual([`AuditEvent/${id}/1`]);
    expect(ofOne.json.total).toBe(1);
    const since = namesOf(await get(`/AuditEvent/_history?_since=${times[3]}`));
    const expected = names.slice(0, times.lastIndexOf(times[3] as string) + 1);
    expect(since.slice(-expected.length)).toEqual(expected);
    expect((await get('/AuditEvent/_history?_at=2020')).json.total).toBe(0);
    expect((await get('/AuditEvent/_history?_at=2100&_count=0')).json.total).toBeGreaterThanOrEqual(names.length);
  });
});

/** That was made, of a version. */
function isChange({ action, outcome, entity }: AuditEvent): boolean {
  const version = entity?.[0]?.what?.reference ?? '';
  return ['C', 'U', 'D'].includes(String(action)) && outcome === '0' && version.includes('/_history/');
}

describe('_since and _at', () => {
  /** The times of three versions of one resource. */
  let times: readonly string[];
  beforeAll(async () => {
    for (let version = 1; version <= 3; version++) {
      const { json } = await put('timed');
      // Another millisecond for each version.
      while (Date.now() <= Date.parse(json.meta.lastUpdated)) await new Promise((resolve) => setImmediate(resolve));
    }
    times = entriesOf(await get('/Patient/timed/_history'))
      .map(({ response }) => response?.lastModified ?? '')
      .reverse();
  });

  const shifted = (text: string, ms: number) => new Date(Date.parse(text) + ms).toISOString();
  const versionsOf = async (query: string, path = '/Patient/timed/_history') =>
    namesOf(await get(`${path}?${query}`))
      .filter((name) => name.includes('Patient/timed/'))
      .map((name) => Number(name.split('/')[2]));

  test.each(['/Patient/timed/_history', '/Patient/_history', '/_history'])(
    '%s?_since begins at the time itself (R4: at or after)',
    async (path) => {
      const [, second = '', third = ''] = times;
      expect(await versionsOf(`_since=${second}`, path)).toEqual([3, 2]);
      expect(await versionsOf(`_since=${shifted(second, 1)}`, path)).toEqual([3]);
      expect(await versionsOf(`_since=${shifted(third, 1)}`, path)).toEqual([]);
    },
  );

  test.each(['/Patient/timed/_history', '/Patient/_history', '/_history'])(
    '%s?_at lists what was current at some time of the span',
    async (path) => {
      const [first = '', second = '', third = ''] = times;
      expect(await versionsOf(`_at=${shifted(first, -1)}`, path)).toEqual([]);
      expect(await versionsOf(`_at=${first}`, path)).toEqual([1]);
      expect(await versionsOf(`_at=${second}`, path)).toEqual([2]);
      expect(await versionsOf(`_at=${third}`, path)).toEqual([3]);
      expect(await versionsOf(`_at=${shifted(third, 86_400_000)}`, path)).toEqual([3]);
      expect(await versionsOf(`_at=${second.slice(0, 4)}`, path)).toEqual([3, 2, 1]);
      expect(await versionsOf(`_at=${second.slice(0, 4)}&_since=${second}`, path)).toEqual([3, 2]);
    },
  );

  test('a deletion is listed for the time it happened, and nothing after it', async () => {
    await put('removed');
    await server.a.request('DELETE', '/Patient/removed');
    const [deletion] = entriesOf(await get('/Patient/removed/_history'));
    const at = async (time: string) => namesOf(await get(`/Patient/removed/_history?_at=${time}`));
    const time = deletion?.response?.lastModified ?? '';
    expect(await at(time)).toEqual(['-Patient/removed/2']);
    expect(await at(shifted(time, 1))).toEqual([]);
    expect((await at(time.slice(0, 10)))[0]).toBe('-Patient/removed/2');
  });

  test.each([
    '2020',
    '2020-05',
    '2020-05-17',
    '2020-05-17T10:00Z',
    '2020-05-17T10:00:00Z',
    '2020-05-17T10:00:00.123456%2B02:00',
    '2020-05-17T10:00:00+02:00',
  ])('take the precision of %s', async (time) => {
    expect((await get(`/Patient/timed/_history?_since=${time}`)).json.total).toBe(3);
    expect((await get(`/Patient/timed/_history?_at=${time}`)).json.total).toBe(0);
  });

  test.each(['', 'x', '2020-13', '2020-02-30', '20200101', 'ge2020', '2020-05-17T25:00:00Z', '2020-05-17,2021'])(
    'of "%s" are 400',
    async (time) => {
      for (const path of ['/Patient/timed/_history', '/Patient/_history', '/_history']) {
        for (const name of ['_since', '_at']) {
          const answer = await get(`${path}?${name}=${time}`);
          expectRefusal(answer, 400);
          expect(answer.json.issue[0].diagnostics).toContain(name);
        }
      }
    },
  );

  test('what is asked again from the time the first answer was complete to brings all that came since', async () => {
    const { json } = await get('/_history');
    expect(Date.parse(json.meta.lastUpdated)).toBeLessThan(Date.now());
    await put('newcomer');
    const again = (await allPages(`/_history?_since=${json.meta.lastUpdated}`)).flatMap(namesOf);
    expect(again).toContain('Patient/newcomer/1');
  });
});

describe('pages', () => {
  beforeAll(async () => {
    for (let version = 1; version <= 7; version++) await put('paged');
  });

  test.each(['/Patient/paged/_history', '/Patient/_history', '/_history'])(
    '%s come one after the other',
    async (path) => {
      const whole = await get(`${path}?_count=1000`);
      expect(linkOf(whole, 'next')).toBeUndefined();
      const pages = await allPages(`${path}?_count=3&_since=2020`);
      expect(pages.flatMap(namesOf)).toEqual(namesOf(whole));
      expect(pages.slice(0, -1).every((page) => entriesOf(page).length === 3)).toBe(true);
      for (const page of pages) {
        expect(page.json.total).toBe(whole.json.total);
        expect(linkOf(page, 'self')).toContain(`${path}?_count=3&_since=2020`);
        expect(page.json.meta).toEqual(pages[0]?.json.meta);
      }
    },
  );

  test('_count=0 asks for the total alone', async () => {
    for (const [path, total] of [
      ['/Patient/paged/_history', 7],
      ['/Patient/paged/_history?_since=2100', 0],
      ['/Slot/_history', 0],
    ] as const) {
      const { json } = await get(`${path}${path.includes('?') ? '&' : '?'}_count=0`);
      expect(json.total).toBe(total);
      expect(json).not.toHaveProperty('entry');
      expect(json.link).toHaveLength(1);
    }
    expect((await get('/_history?_count=0')).json.total).toBe((await allPages('/_history')).flatMap(namesOf).length);
    expectRefusal(await get('/Patient/never/_history?_count=0'), 404);
  });

  test.each(['', '-1', '1.5', 'x', '1e3', '99999999999'])('_count=%s is 400', async (count) => {
    for (const path of ['/Patient/paged/_history', '/Patient/_history', '/_history']) {
      expectRefusal(await get(`${path}?_count=${count}`), 400);
    }
  });

  test('of more than 1,000 are cut to that', async () => {
    const bundle = Array.from({ length: 1_001 }, () => postEntry({ resourceType: 'Basic', code: { text: 'x' } }));
    expect((await sendBundle(server.a, 'transaction', bundle)).status).toBe(200);
    const pages = await allPages('/Basic/_history?_count=5000');
    expect(pages.map((page) => [entriesOf(page).length, page.json.total])).toEqual([
      [1_000, undefined],
      [1, undefined],
    ]);
    expect((await get('/Basic/_history?_count=0')).json.total).toBe(1_001);
  });

  describe('have cursors', () => {
    const cursorOf = async (path: string) => {
      const next = linkOf(await get(path), 'next') ?? '';
      return new URL(next).searchParams.get('_cursor') ?? '';
    };

    test('that work for their own question alone', async () => {
      const cursor = await cursorOf('/Patient/_history?_count=2&_since=2020');
      expect((await get(`/Patient/_history?_count=4&_since=2020&_cursor=${cursor}`)).status).toBe(200);
      for (const path of [
        '/Patient/_history?_count=2',
        '/Patient/_history?_count=2&_since=2021',
        '/Patient/_history?_count=2&_since=2020&_at=2020',
        '/Location/_history?_since=2020',
        '/_history?_since=2020',
        '/Patient/paged/_history?_since=2020',
      ]) {
        expectRefusal(await get(`${path}${path.includes('?') ? '&' : '?'}_cursor=${cursor}`), 400);
      }
    });

    test('that nobody else can use (security.md 8)', async () => {
      const path = '/Patient/_history?_count=2';
      const cursor = await cursorOf(path);
      const other = await clientOf(server, server.a, 'system/*.rs');
      expectRefusal(await other.request('GET', `${path}&_cursor=${cursor}`), 400);
      expectRefusal(await get(`${path}&_cursor=${cursor}`, server.b), 400);
    });

    test('that nobody can make or change', async () => {
      const cursor = await cursorOf('/Patient/_history?_count=2');
      const payload = Buffer.from(cursor, 'base64url').subarray(32);
      for (const forged of [
        '',
        'x',
        '1',
        cursor.slice(1),
        `${cursor}AAAA`,
        `${cursor.slice(0, -4)}AAAA`,
        Buffer.concat([Buffer.alloc(32), payload]).toString('base64url'),
        'A'.repeat(4_000),
      ]) {
        const answer = await get(`/Patient/_history?_count=2&_cursor=${forged}`);
        expectRefusal(answer, 400);
        expect(answer.json.issue[0].diagnostics).toContain('cursor');
      }
    });
  });
});

describe('parameters', () => {
  const strict = (path: string) => server.a.request('GET', path, undefined, { Prefer: 'handling=strict' });

  test.each(['_sort=_lastUpdated', '_list=List/1'])(
    '%s is refused, for the answer would be another one',
    async (query) => {
      for (const path of ['/Patient/paged/_history', '/Patient/_history', '/_history']) {
        expectRefusal(await get(`${path}?${query}`), 400);
      }
    },
  );

  test.each(['_total=none', 'name=x', '_include=*', 'constructor=1'])(
    '%s is no parameter of a history: left out, or 400 under strict handling',
    async (query) => {
      for (const path of ['/Patient/paged/_history', '/Patient/_history', '/_history']) {
        const answer = await get(`${path}?${query}&_count=1`);
        expect(answer.status).toBe(200);
        expect(linkOf(answer, 'self')).toBe(`${server.a.baseUrl}${path}?_count=1`);
        expectRefusal(await strict(`${path}?${query}&_count=1`), 400);
        expect((await strict(`${path}?_count=1&_since=2020&_at=2100&_format=json`)).status).toBe(200);
      }
    },
  );

  test('twice are 400', async () => {
    for (const query of ['_count=1&_count=2', '_since=2020&_since=2021', '_at=2020&_at=2021', '_cursor=a&_cursor=b']) {
      expectRefusal(await get(`/Patient/_history?${query}`), 400);
    }
  });
});

describe('a token (security.md 8, 35)', () => {
  beforeAll(async () => {
    await put('scoped');
    await server.a.request('PUT', '/Location/scoped', { ...buildLocation(), id: 'scoped' });
  });

  test.each([
    ['r', [200, 403, 403]],
    ['s', [403, 200, 200]],
    ['rs', [200, 200, 200]],
    ['cud', [403, 403, 403]],
  ])(
    'with system/Patient.%s has the histories of an instance, the type and the system: %p',
    async (letters, statuses) => {
      const client = await clientOf(server, server.a, `system/Patient.${letters}`);
      const paths = ['/Patient/scoped/_history', '/Patient/_history', '/_history'];
      const answers = await Promise.all(paths.map((path) => client.request('GET', path)));
      expect(answers.map(({ status }) => status)).toEqual(statuses);
      expectRefusal(await client.request('GET', '/Location/scoped/_history'), 403);
      expectRefusal(await client.request('GET', '/Location/_history'), 403);
      expectRefusal(await client.request('GET', '/Patient/never/_history'), letters.includes('r') ? 404 : 403);
    },
  );

  test('sees only its types in the system history, whatever else there is', async () => {
    const client = await clientOf(server, server.a, 'system/Location.rs system/Observation.rs');
    const answer = await client.request('GET', '/_history?_since=1900&_count=1000');
    const types = new Set(namesOf(answer).map((name) => name.replace('-', '').split('/')[0]));
    expect([...types].sort()).toEqual(['Location', 'Observation']);
    expect(answer.json.total).toBe(entriesOf(answer).length);
  });

  test('for AuditEvents alone has no system history', async () => {
    const client = await clientOf(server, server.a, 'system/AuditEvent.rs');
    expectRefusal(await client.request('GET', '/_history'), 403);
    expect((await client.request('GET', '/AuditEvent/_history')).status).toBe(200);
  });

  test('sees no Binary whose securityContext is out of its reach, in any history (security.md 110)', async () => {
    const binary = { resourceType: 'Binary', contentType: 'text/plain', data: 'AAAA' };
    for (const [id, more] of [
      ['open', {}],
      ['closed', { securityContext: { reference: 'Patient/scoped' } }],
    ] as const) {
      const answer = await server.a.request('PUT', `/Binary/${id}`, { ...binary, id, ...more });
      expect(answer.status).toBe(201);
    }
    const client = await clientOf(server, server.a, 'system/Binary.rs');
    for (const path of ['/Binary/_history', '/_history']) {
      expect(namesOf(await server.a.request('GET', `${path}?_count=2`))).toEqual(['Binary/closed/1', 'Binary/open/1']);
      expect(namesOf(await client.request('GET', path))).toEqual(['Binary/open/1']);
    }
    const never = await client.request('GET', '/Binary/never/_history');
    const closed = await client.request('GET', '/Binary/closed/_history');
    expect([closed.status, closed.text]).toEqual([404, never.text.replace('never', 'closed')]);
    expect(namesOf(await server.a.request('GET', '/Binary/closed/_history'))).toEqual(['Binary/closed/1']);
  });
});
