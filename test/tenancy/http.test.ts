// Two tenants over HTTP: another one's resource is like one that never was: security.md 2A, attacks 1 to 13

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { deleteEntry, getEntry, postEntry, putEntry, sendBundle, statusesOf } from '../api/bundle-requests.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestResponse, type TestServer } from '../support/server.ts';

let server: TestServer;
/** A Patient of B with two versions, a deleted one, an AuditEvent, an Observation. */
const ofB = { patient: '', deleted: '', audit: '', observation: '' };
/** An id of this server's form that exists nowhere. */
const never = '01a1f784-57fe-71b0-9338-000000000000';
let before: Snapshot;

beforeAll(async () => {
  server = await startTestServer();
  const { b } = server;
  const make = async (resource: object) =>
    (await b.request('POST', `/${(resource as Resource).resourceType}`, resource)).json.id;
  ofB.patient = await make(
    buildPatient({ identifier: [{ system: 'urn:mrn', value: 'b-only' }], name: [{ family: 'Geheim' }] }),
  );
  const { json } = await b.request('GET', `/Patient/${ofB.patient}`);
  await b.request('PUT', `/Patient/${ofB.patient}`, { ...json, active: true });
  ofB.deleted = await make(buildPatient());
  await b.request('DELETE', `/Patient/${ofB.deleted}`);
  ofB.observation = await make(buildObservation(`Patient/${ofB.patient}`));
  ofB.audit = (await b.request('GET', '/AuditEvent?_count=1')).json.entry[0].resource.id;
  const equal = { resourceType: 'Organization', id: 'equal', name: 'Equal words on both sides', active: true };
  for (const tenant of [server.a, b]) await tenant.request('PUT', '/Organization/equal', equal);
  before = await snapshotOfB();
});
afterAll(() => server.close());

interface Snapshot {
  readonly patient: string;
  readonly history: string;
  readonly audits: number;
}

async function snapshotOfB(): Promise<Snapshot> {
  const { b } = server;
  const patient = await b.request('GET', `/Patient/${ofB.patient}`);
  const history = await b.request('GET', `/Patient/${ofB.patient}/_history`);
  const audits = await b.request('GET', '/AuditEvent?_summary=count&action=C,U,D&outcome=0');
  return { patient: patient.text, history: history.text, audits: audits.json.total };
}

const unchanged = async () => expect(await snapshotOfB()).toEqual(before);

/** Everything of an answer that a client can compare, with the id it asked for taken out. */
function traceOf({ status, headers, text }: TestResponse, id: string) {
  const passing = ['date', 'x-request-id', 'keep-alive'];
  const kept = [...headers].filter(([name]) => !passing.includes(name));
  return { status, headers: kept, text: text.replaceAll(id, '<id>') };
}

describe("another tenant's id is answered byte for byte like one that never was (security.md 1)", () => {
  const paths = (id: string) => [
    `/Patient/${id}`,
    `/Patient/${id}/_history`,
    `/Patient/${id}/_history/1`,
    `/Patient/${id}/_history/2`,
    `/Patient?_id=${id}`,
    `/Patient?_id=${id}&_summary=count`,
    `/Observation?subject=Patient/${id}`,
    `/Observation?_id=${id}&_include=*`,
    `/AuditEvent/${id}`,
    `/AuditEvent?entity=Patient/${id}&action=C,U`,
    `/AuditEvent?patient=Patient/${id}&action=C,U`,
  ];

  test.each(['patient', 'deleted', 'audit', 'observation'] as const)('its %s', async (kind) => {
    const id = ofB[kind];
    for (const [index, path] of paths(id).entries()) {
      const answer = await server.a.request('GET', path);
      expect(traceOf(answer, id)).toEqual(traceOf(await server.a.request('GET', paths(never)[index] ?? ''), never));
    }
    const read = await server.a.request('GET', `/Patient/${id}`);
    expect(read.status).toBe(404);
  });

  test('also when it is deleted, updated with If-Match or patched', async () => {
    const patch = { 'Content-Type': 'application/json-patch+json' };
    const attempts: ((id: string) => Promise<TestResponse>)[] = [
      (id) => server.a.request('DELETE', `/Patient/${id}`),
      (id) => server.a.request('DELETE', `/Patient/${id}`, undefined, { 'If-Match': 'W/"2"' }),
      (id) => server.a.request('PUT', `/Patient/${id}`, { ...buildPatient(), id }, { 'If-Match': 'W/"2"' }),
      (id) => server.a.request('PATCH', `/Patient/${id}`, [{ op: 'remove', path: '/name' }], patch),
    ];
    for (const attempt of attempts) {
      expect(traceOf(await attempt(ofB.patient), ofB.patient)).toEqual(traceOf(await attempt(never), never));
    }
    await unchanged();
  });

  test('also in a batch and a transaction', async () => {
    for (const type of ['batch', 'transaction'] as const) {
      const ask = (id: string) => sendBundle(server.a, type, [getEntry(`Patient/${id}`), deleteEntry(`Patient/${id}`)]);
      const lastModified = /"lastModified":"[^"]*"/g;
      const [there, nowhere] = [await ask(ofB.patient), await ask(never)];
      expect(there.text.replaceAll(ofB.patient, never).replace(lastModified, '')).toBe(
        nowhere.text.replace(lastModified, ''),
      );
    }
    await unchanged();
  });
});

describe('searches', () => {
  test('of every kind find nothing of another tenant', async () => {
    const { b, a } = server;
    const queries = [
      '/Patient?identifier=urn:mrn|b-only',
      '/Patient?family=geheim',
      '/Patient?family:exact=Geheim',
      `/Patient?_id=${ofB.patient}`,
      `/Observation?subject=Patient/${ofB.patient}`,
      `/AuditEvent?entity=Patient/${ofB.patient}&action=C,U&outcome=0`,
      `/AuditEvent?agent=Device/${b.clientId}`,
    ];
    for (const query of queries) {
      expect((await b.request('GET', query)).json.total).toBeGreaterThan(0);
      expect((await a.request('GET', query)).json.total).toBe(0);
    }
  });

  test("include nothing across tenants, also by another tenant's absolute URL (security.md 4, 7)", async () => {
    const subjects = [
      `Patient/${ofB.patient}`,
      `${server.b.baseUrl}/Patient/${ofB.patient}`,
      `${server.origin}/t/clinic-b/fhir/Patient/${ofB.patient}`,
    ];
    for (const [index, subject] of subjects.entries()) {
      const code = { coding: [{ system: 'urn:cross', code: String(index) }] };
      expect((await server.a.request('POST', '/Observation', { ...buildObservation(subject), code })).status).toBe(201);
      const answer = await server.a.request(
        'GET',
        `/Observation?code=urn:cross|${index}&_include=Observation:subject&_include=*`,
      );
      expect(answer.json.total).toBe(1);
      expect(answer.json.entry).toHaveLength(1);
    }
    await unchanged();
  });

  test('keep the tokens of two tenants apart: equal values have nothing in common in the database', async () => {
    const tokensOf = async (tenantId: number) => {
      const rows = await server.app.doors.tenantDoor(tenantId, (trx) =>
        trx.query<{ token: string }>({ text: 'SELECT DISTINCT unnest(tokens)::text AS token FROM resource' }),
      );
      return rows.map(({ token }) => token);
    };
    const ofA = new Set(await tokensOf(server.a.id));
    const shared = (await tokensOf(server.b.id)).filter((token) => ofA.has(token));
    expect(ofA.size).toBeGreaterThan(20);
    expect(shared).toEqual([]);
  });
});

describe("a PUT to another tenant's id (security.md 12)", () => {
  test('creates in the own tenant and leaves the other one as it was', async () => {
    const mine = { ...buildPatient({ name: [{ family: 'Eigen' }] }), id: ofB.patient };
    const answer = await server.a.request('PUT', `/Patient/${ofB.patient}`, mine);
    expect(answer.status).toBe(201);
    expect(answer.json.meta.versionId).toBe('1');
    await unchanged();
    expect((await server.a.request('GET', `/Patient/${ofB.patient}`)).json.name[0].family).toBe('Eigen');
    expect((await server.b.request('GET', '/Patient?family=Eigen')).json.total).toBe(0);
    expect((await server.a.request('GET', `/Patient/${ofB.patient}/_history`)).json.total).toBe(1);
    await server.a.request('DELETE', `/Patient/${ofB.patient}`);
    await unchanged();
  });

  test('in a transaction does the same', async () => {
    const answer = await sendBundle(server.a, 'transaction', [
      putEntry({ ...buildObservation('Patient/x'), id: ofB.observation }),
    ]);
    expect(statusesOf(answer)).toEqual(['201']);
    await unchanged();
    expect((await server.b.request('GET', `/Observation/${ofB.observation}`)).json.subject.reference).toBe(
      `Patient/${ofB.patient}`,
    );
  });
});

describe('references (security.md 3)', () => {
  test("to another tenant's resource are refused like those to nothing where they are checked, and taken where not", async () => {
    const { a, app } = server;
    const post = (id: string) => a.request('POST', '/Observation', buildObservation(`Patient/${id}`));
    expect((await post(ofB.patient)).status).toBe(201);
    const { writeSetting } = await import('../../src/tenants/settings.ts');
    await app.doors.tenantDoor(a.id, async (trx) => writeSetting(trx, 'references.check', true));
    const deadlineMs = Date.now() + 3_000;
    while ((await post(never)).status === 201) expect(Date.now()).toBeLessThan(deadlineMs);
    const there = await post(ofB.patient);
    expect(there.status).toBe(422);
    expect(traceOf(there, ofB.patient)).toEqual(traceOf(await post(never), never));
    const { id } = (await a.request('POST', '/Patient', buildPatient())).json;
    expect((await post(id)).status).toBe(201);
    const both = [postEntry(buildPatient(), 'urn:uuid:1'), postEntry(buildObservation('urn:uuid:1'))];
    expect((await sendBundle(a, 'transaction', both)).status).toBe(200);
    await app.doors.tenantDoor(a.id, async (trx) => writeSetting(trx, 'references.check', false));
    await unchanged();
  });
});

describe('the tenant is that of the URL and the token (security.md 2)', () => {
  test("a token of A is 401 at every door of B, and a token of B at A's", async () => {
    const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
    for (const [method, path] of [
      ['GET', `/Patient/${ofB.patient}`],
      ['GET', '/Patient'],
      ['POST', ''],
      ['POST', '/Patient'],
      ['DELETE', `/Patient/${ofB.patient}`],
    ] as const) {
      expect(
        (await send(`${server.origin}/t/clinic-b/fhir${path}`, method, undefined, bearer(server.a.token))).status,
      ).toBe(401);
      expect(
        (await send(`${server.origin}/t/clinic-a/fhir${path}`, method, undefined, bearer(server.b.token))).status,
      ).toBe(401);
    }
    await unchanged();
  });

  test('headers and parameters that name a tenant change nothing', async () => {
    const headers = { 'X-Tenant-Id': 'clinic-b', 'X-Tenant': String(server.b.id), 'X-Forwarded-Prefix': '/t/clinic-b' };
    const answer = await server.a.request(
      'GET',
      `/Patient/${ofB.observation}?tenant=clinic-b&tenant_id=2`,
      undefined,
      headers,
    );
    expect(answer.status).toBe(404);
    const created = await server.a.request(
      'POST',
      '/Patient?tenant=clinic-b',
      buildPatient({ name: [{ family: 'Woher' }] }),
      headers,
    );
    expect(created.status).toBe(201);
    expect((await server.b.request('GET', '/Patient?family=Woher')).json.total).toBe(0);
  });

  test('elements that name a tenant are refused (security.md 40)', async () => {
    for (const extra of [{ tenant_id: server.b.id }, { _tenant_id: server.b.id }, { meta: { tenant: server.b.id } }]) {
      expect((await server.a.request('POST', '/Patient', { ...buildPatient(), ...extra })).status).toBe(400);
    }
  });
});
