// Create, read, vread, update, delete and instance history over HTTP: https://hl7.org/fhir/R4/http.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const post = (body: unknown, headers?: Record<string, string>) => server.a.request('POST', '/Patient', body, headers);

describe('create', () => {
  test('gives 201, a server id, version 1, ETag, Last-Modified and Location', async () => {
    const { status, json, headers } = await post(buildPatient());
    expect(status).toBe(201);
    expect(json.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(json.meta.versionId).toBe('1');
    expect(headers.get('ETag')).toBe('W/"1"');
    expect(Date.parse(headers.get('Last-Modified') ?? '')).toBe(
      Math.floor(Date.parse(json.meta.lastUpdated) / 1_000) * 1_000,
    );
    expect(headers.get('Location')).toBe(`${server.a.baseUrl}/Patient/${json.id}/_history/1`);
  });

  test('replaces an id and server-owned meta in the body (security.md 40, 41)', async () => {
    const first = await post(buildPatient());
    const second = await post({
      ...buildPatient(),
      id: first.json.id,
      meta: { versionId: '7', lastUpdated: '2000-01-01T00:00:00Z' },
    });
    expect(second.status).toBe(201);
    expect(second.json.id).not.toBe(first.json.id);
    expect(second.json.meta.versionId).toBe('1');
    expect(second.json.meta.lastUpdated).not.toContain('2000');
  });

  test('keeps the exact text of decimals', async () => {
    const text =
      '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.00},"component":[{"code":{"text":"y"},"valueQuantity":{"value":9007199254740993}}]}';
    const created = await server.a.request('POST', '/Observation', text);
    const read = await server.a.request('GET', `/Observation/${created.json.id}`);
    expect(read.text).toContain('"value":1.00}');
    expect(read.text).toContain('9007199254740993');
  });
});

describe('read and vread', () => {
  test('give the stored version with its ETag', async () => {
    const { json } = await post(buildPatient());
    const read = await server.a.request('GET', `/Patient/${json.id}`);
    expect(read.status).toBe(200);
    expect(read.json).toEqual(json);
    expect(read.headers.get('ETag')).toBe('W/"1"');
    const vread = await server.a.request('GET', `/Patient/${json.id}/_history/1`);
    expect(vread.json).toEqual(json);
  });

  test.each(['/Patient/unknown', '/Patient/unknown/_history/1', '/Patient/unknown/_history'])(
    '%s is 404',
    async (path) => {
      const { status, json } = await server.a.request('GET', path);
      expect(status).toBe(404);
      expect(json.issue[0].code).toBe('not-found');
    },
  );
});

describe('update', () => {
  test('makes the next version and keeps the one before', async () => {
    const { json } = await post(buildPatient());
    const updated = await server.a.request('PUT', `/Patient/${json.id}`, { ...json, active: false });
    expect(updated.status).toBe(200);
    expect(updated.json).toMatchObject({ active: false, meta: { versionId: '2' } });
    expect((await server.a.request('GET', `/Patient/${json.id}/_history/1`)).json).toEqual(json);
  });

  test('of an unknown id creates it there (update-as-create)', async () => {
    const { status, headers } = await server.a.request('PUT', '/Patient/my-own-id', {
      ...buildPatient(),
      id: 'my-own-id',
    });
    expect(status).toBe(201);
    expect(headers.get('Location')).toBe(`${server.a.baseUrl}/Patient/my-own-id/_history/1`);
  });

  test('with a stale If-Match is 412 and changes nothing', async () => {
    const { json } = await post(buildPatient());
    await server.a.request('PUT', `/Patient/${json.id}`, json, { 'If-Match': 'W/"1"' });
    const stale = await server.a.request('PUT', `/Patient/${json.id}`, json, { 'If-Match': 'W/"1"' });
    expect(stale.status).toBe(412);
    expect((await server.a.request('GET', `/Patient/${json.id}`)).json.meta.versionId).toBe('2');
  });

  test('needs the id of the URL in the body', async () => {
    const { json } = await post(buildPatient());
    expect((await server.a.request('PUT', `/Patient/${json.id}`, buildPatient())).status).toBe(400);
    expect((await server.a.request('PUT', `/Patient/${json.id}`, { ...buildPatient(), id: 'other' })).status).toBe(400);
  });

  test('of one resource by 20 writers with If-Match has exactly one winner a round', async () => {
    const { json } = await post(buildPatient());
    const writers = Array.from({ length: 20 }, () =>
      server.a.request('PUT', `/Patient/${json.id}`, json, { 'If-Match': 'W/"1"' }),
    );
    const statuses = (await Promise.all(writers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 412)).toHaveLength(19);
  });

  test('to one new id by 20 writers loses none', async () => {
    const writers = Array.from({ length: 20 }, () =>
      server.a.request('PUT', '/Patient/raced', { ...buildPatient(), id: 'raced' }),
    );
    const statuses = (await Promise.all(writers)).map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array.from({ length: 19 }, () => 200), 201]);
    expect((await server.a.request('GET', '/Patient/raced')).json.meta.versionId).toBe('20');
  });
});

describe('delete', () => {
  test('gives 204, then read is 410, the version before stays readable, and PUT brings it back', async () => {
    const { json } = await post(buildPatient());
    expect((await server.a.request('DELETE', `/Patient/${json.id}`)).status).toBe(204);
    const gone = await server.a.request('GET', `/Patient/${json.id}`);
    expect(gone.status).toBe(410);
    expect(gone.json.issue[0].code).toBe('deleted');
    expect((await server.a.request('GET', `/Patient/${json.id}/_history/1`)).json).toEqual(json);
    expect((await server.a.request('GET', `/Patient/${json.id}/_history/2`)).status).toBe(410);
    const again = await server.a.request('PUT', `/Patient/${json.id}`, json);
    expect(again.json.meta.versionId).toBe('3');
  });

  test('of what is not there is 204 as well', async () => {
    expect((await server.a.request('DELETE', '/Patient/never-was')).status).toBe(204);
    const { json } = await post(buildPatient());
    await server.a.request('DELETE', `/Patient/${json.id}`);
    expect((await server.a.request('DELETE', `/Patient/${json.id}`)).status).toBe(204);
  });

  test('hides the resource from searches', async () => {
    const { json } = await post(buildPatient({ name: [{ family: 'Vanishing' }] }));
    await server.a.request('DELETE', `/Patient/${json.id}`);
    expect((await server.a.request('GET', '/Patient?name=vanishing')).json.total).toBe(0);
  });
});

describe('instance history', () => {
  test('lists versions newest first, deletions as entries, in pages', async () => {
    const { json } = await post(buildPatient());
    await server.a.request('PUT', `/Patient/${json.id}`, json);
    await server.a.request('DELETE', `/Patient/${json.id}`);
    const history = await server.a.request('GET', `/Patient/${json.id}/_history?_count=2`);
    expect(history.json).toMatchObject({ resourceType: 'Bundle', type: 'history', total: 3 });
    expect(history.json.entry.map((entry: { request: { method: string } }) => entry.request.method)).toEqual([
      'DELETE',
      'PUT',
    ]);
    const next = history.json.link.find((link: { relation: string }) => link.relation === 'next').url;
    const rest = await server.a.request('GET', next.slice(server.a.baseUrl.length));
    expect(rest.json.entry).toMatchObject([{ request: { method: 'POST' }, resource: json }]);
    expect(rest.json.link.some((link: { relation: string }) => link.relation === 'next')).toBe(false);
  });
});

describe('large bodies', () => {
  const asResource = { Accept: 'application/fhir+json' };

  test('of over 1 MB and every Binary live outside the row and come back equal', async () => {
    const data = Buffer.alloc(1_500_000, 'HPMS').toString('base64');
    const binary = await server.a.request('POST', '/Binary', {
      resourceType: 'Binary',
      contentType: 'text/plain',
      data,
    });
    const read = (id: string) => server.a.request('GET', `/Binary/${id}`, undefined, asResource);
    expect((await read(binary.json.id)).json.data).toBe(data);
    const small = await server.a.request('POST', '/Binary', {
      resourceType: 'Binary',
      contentType: 'text/plain',
      data: 'SFBNUw==',
    });
    expect((await read(small.json.id)).json.data).toBe('SFBNUw==');
    const rows = await server.app.doors.tenantDoor(server.a.id, (trx) =>
      trx.query({
        text: "SELECT length(content), object_id FROM resource WHERE type = 'Binary' AND (length(content) > 500 OR object_id IS NULL)",
      }),
    );
    expect(rows).toEqual([]);
  });
});
