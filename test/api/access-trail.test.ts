// Every interaction leaves one AuditEvent before it is answered, refusals too: contract.md 46, security.md 1.8 and attack 122.

import http from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import { allEvents, gist, patientsOf, type Sent, send } from '../audit/trail/events.ts';
import { until } from '../jobs/job-bed.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { deleteEntry, getEntry, postEntry, putEntry } from './bundle-requests.ts';
import { clientOf } from './clients.ts';

let server: TestServer;
let patientId: string;
let observationId: string;
beforeAll(async () => {
  server = await startTestServer();
  const { a } = server;
  patientId = (await a.request('POST', '/Patient', buildPatient())).json.id;
  observationId = (await a.request('POST', '/Observation', buildObservation(`Patient/${patientId}`))).json.id;
});
afterAll(() => server.close());

const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

interface Row {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly gist: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly patients?: readonly string[];
}

/** Once the two resources are known. */
function rows(): Row[] {
  const patient = `/Patient/${patientId}`;
  const patients = [`Patient/${patientId}`];
  const get = { method: 'GET', status: 200 };
  const stale = { ...buildPatient(), id: patientId };
  return [
    { what: 'read', ...get, path: patient, gist: 'read R 0', patients },
    { what: 'HEAD', ...get, method: 'HEAD', path: `${patient}?_format=xml`, gist: 'read R 0', patients },
    {
      what: '304',
      ...get,
      path: patient,
      headers: { 'If-None-Match': 'W/"1"' },
      status: 304,
      gist: 'read R 0',
      patients,
    },
    {
      what: 'read of what is about a patient',
      ...get,
      path: `/Observation/${observationId}`,
      gist: 'read R 0',
      patients,
    },
    { what: 'read as XML', ...get, path: `${patient}?_format=xml`, gist: 'read R 0', patients },
    { what: 'vread', ...get, path: `${patient}/_history/1`, gist: 'vread R 0', patients },
    { what: 'history-instance', ...get, path: `${patient}/_history`, gist: 'history-instance R 0', patients },
    { what: 'history-type', ...get, path: '/Observation/_history', gist: 'history-type R 0', patients },
    { what: 'history-system', ...get, path: '/_history?_count=5', gist: 'history-system R 0', patients },
    { what: 'search', ...get, path: `/Observation?subject=Patient/${patientId}`, gist: 'search-type E 0', patients },
    {
      what: 'search that finds nothing',
      ...get,
      path: '/Encounter?patient=nobody',
      gist: 'search-type E 0',
      patients: ['Patient/nobody'],
    },
    {
      what: 'search by a reference that finds nothing',
      ...get,
      path: '/Encounter?patient=Patient/nobody',
      gist: 'search-type E 0',
      patients: ['Patient/nobody'],
    },
    {
      what: 'search by POST',
      ...get,
      method: 'POST',
      path: '/Observation/_search',
      body: `patient=${patientId}`,
      headers: form,
      gist: 'search-type E 0',
      patients,
    },
    { what: 'search of all types', ...get, path: '/?_type=Observation', gist: 'search-system E 0', patients },
    {
      what: 'search of a compartment',
      ...get,
      path: `${patient}/Observation`,
      gist: 'search E 0',
      patients,
    },
    { what: 'search of AuditEvents', ...get, path: '/AuditEvent?action=D', gist: 'search-type E 0' },
    { what: 'operation', ...get, path: `${patient}/$meta`, gist: 'operation E 0', patients },
    { what: 'Binary that is not there', ...get, path: '/Binary/none', status: 404, gist: 'read R 4' },
    { what: 'definition of the server', ...get, path: '/StructureDefinition/none', status: 404, gist: 'read R 4' },
    {
      what: 'conditional create that finds one',
      method: 'POST',
      path: '/Patient',
      body: buildPatient(),
      headers: { 'If-None-Exist': `_id=${patientId}` },
      status: 200,
      gist: 'read R 0',
      patients,
    },
    {
      what: 'delete of nothing',
      method: 'DELETE',
      path: '/Patient/never-was',
      status: 204,
      gist: 'delete D 0',
      patients: ['Patient/never-was'],
    },
    { what: '400', ...get, path: '/Patient?_count=x', status: 400, gist: 'search-type E 4' },
    {
      what: '401',
      ...get,
      path: patient,
      headers: { Authorization: 'Bearer a.b.c' },
      status: 401,
      gist: 'read R 4',
      patients,
    },
    {
      what: '401 without a token',
      ...get,
      path: patient,
      headers: { Authorization: '' },
      status: 401,
      gist: 'read R 4',
      patients,
    },
    { what: '404', ...get, path: '/Patient/none', status: 404, gist: 'read R 4', patients: ['Patient/none'] },
    { what: '404 of a type that is none', ...get, path: '/Nothing/1', status: 404, gist: 'read R 4' },
    {
      what: '404 of no route',
      ...get,
      path: '/Patient/1/2/3/4/5',
      status: 404,
      gist: 'GET R 4',
      patients: ['Patient/1'],
    },
    { what: '405', method: 'PATCH', path: '/', status: 405, gist: 'PATCH E 4' },
    { what: '406', ...get, path: patient, headers: { Accept: 'image/png' }, status: 406, gist: 'read R 4', patients },
    {
      what: '412',
      method: 'PUT',
      path: patient,
      body: stale,
      headers: { 'If-Match': 'W/"7"' },
      status: 412,
      gist: 'update U 4',
      patients,
    },
    {
      what: '415',
      method: 'POST',
      path: '/Patient',
      body: 'x',
      headers: { 'Content-Type': 'text/plain' },
      status: 415,
      gist: 'create C 4',
    },
    {
      what: '422',
      method: 'POST',
      path: '/Patient',
      body: { ...buildPatient(), gender: 'x' },
      status: 422,
      gist: 'create C 4',
    },
    { what: 'a body that is no JSON', method: 'POST', path: '/Patient', body: '{', status: 400, gist: 'create C 4' },
    { what: 'a bundle that is none', method: 'POST', path: '', body: buildPatient(), status: 400, gist: 'POST E 4' },
    {
      what: 'a transaction that fails',
      method: 'POST',
      path: '',
      body: bundle('transaction', getEntry('Patient/none')),
      status: 404,
      gist: 'transaction E 4',
    },
    { what: 'an empty batch', method: 'POST', path: '', body: bundle('batch'), status: 200, gist: 'batch E 0' },
    {
      what: 'emergency without the right',
      ...get,
      path: patient,
      headers: { 'X-Purpose-Of-Use': 'BTG' },
      status: 403,
      gist: 'read R 4',
      patients,
    },
  ];
}

const bundle = (type: string, ...entry: unknown[]) => ({
  resourceType: 'Bundle',
  type,
  ...(entry.length > 0 && { entry }),
});

describe('each interaction leaves one', () => {
  const sent: { readonly row: Row; readonly one: Sent }[] = [];
  let events: ReadonlyMap<string, readonly AuditEvent[]>;
  beforeAll(async () => {
    const reader = await clientOf(server, server.a, 'system/*.cruds');
    for (const row of rows()) sent.push({ row, one: await send(reader, row.method, row.path, row) });
    events = await allEvents(server.a);
  });

  test('and only one, with its interaction, action and outcome', () => {
    const found = sent.map(({ row, one }) => [
      row.what,
      one.answer.status,
      (events.get(one.requestId) ?? []).map(gist),
    ]);
    expect(found).toEqual(rows().map(({ what, status, gist: expected }) => [what, status, [expected]]));
  });

  test('which names the patients whose records were shown or asked for', () => {
    const found = sent.map(({ row, one }) => [row.what, (events.get(one.requestId) ?? []).flatMap(patientsOf)]);
    expect(found).toEqual(rows().map(({ what, patients = [] }) => [what, patients]));
  });

  test('which names who asked, and nobody where no valid token says so', () => {
    const whoOf = (what: string) => {
      const one = sent.find(({ row }) => row.what === what)?.one.requestId ?? '';
      return events.get(one)?.[0]?.agent.find(({ requestor }) => requestor)?.who?.reference;
    };
    expect(whoOf('read')).toMatch(/^Device\//);
    expect(whoOf('emergency without the right')).toBe(whoOf('read'));
    expect(whoOf('401')).toBeUndefined();
  });

  test('and none of them is of the other tenant', async () => {
    const others = await allEvents(server.b);
    expect(sent.filter(({ one }) => others.has(one.requestId))).toEqual([]);
  });

  test('which is a valid AuditEvent', () => {
    const { validate } = server.app.repository;
    expect([...events.values()].flat().flatMap((event) => validate(event))).toEqual([]);
  });
});

describe('what was shown is about whom that version was about', () => {
  let path: string;
  const [first, second, mentioned] = ['about-first', 'about-second', 'mentioned'].map((id) => `Patient/${id}`) as [
    string,
    string,
    string,
  ];
  const url = 'https://example.test/StructureDefinition/told-by';
  beforeAll(async () => {
    const { a } = server;
    for (const patient of [first, second, mentioned])
      await a.request('PUT', `/${patient}`, { ...buildPatient(), id: patient.slice(8) });
    const created = (await a.request('POST', '/Observation', buildObservation(first))).json;
    path = `/Observation/${created.id}`;
    // An extension has no search parameter, and what is of another server is not ours.
    const extension = [
      { url, valueReference: { reference: `${mentioned}/_history/1` } },
      { url, valueReference: { reference: `https://example.test/fhir/${first}` } },
    ];
    const updated = { ...created, subject: { reference: second }, extension };
    expect((await a.request('PUT', path, updated)).status).toBe(200);
  });

  test.each([
    ['a version before', () => `${path}/_history/1`, [first]],
    ['the current one', () => path, [second, mentioned]],
    ['a history', () => `${path}/_history`, [first, second, mentioned]],
    ['a search', () => `/Observation?_id=${path.split('/').at(-1)}`, [second, mentioned]],
    ['a search for a part', () => `/Observation?_id=${path.split('/').at(-1)}&_elements=status`, [second, mentioned]],
  ])('%s', async (_, pathOf, expected) => {
    const { answer, requestId } = await send(server.a, 'GET', pathOf());
    expect(answer.status).toBe(200);
    const found = (await allEvents(server.a)).get(requestId) ?? [];
    expect(found.flatMap(patientsOf).sort()).toEqual([...expected].sort());
  });
});

test('a change leaves its own and no second one', async () => {
  const { a } = server;
  const created = await send(a, 'POST', '/Patient', { body: buildPatient() });
  const path = `/Patient/${created.answer.json.id}`;
  const body = { ...created.answer.json, active: false };
  const updated = await send(a, 'PUT', path, { body });
  const patch = [{ op: 'replace', path: '/active', value: true }];
  const headers = { 'Content-Type': 'application/json-patch+json' };
  const patched = await send(a, 'PATCH', path, { body: patch, headers });
  const deleted = await send(a, 'DELETE', path);
  const binary = await send(a, 'POST', '/Binary', { body: 'some text', headers: { 'Content-Type': 'text/plain' } });
  const all = [created, updated, patched, deleted, binary];
  expect(all.map(({ answer }) => answer.status)).toEqual([201, 200, 200, 204, 201]);
  const events = await allEvents(a);
  expect(all.map(({ requestId }) => (events.get(requestId) ?? []).map(gist))).toEqual([
    ['create C 0'],
    ['update U 0'],
    ['update U 0'],
    ['delete D 0'],
    ['create C 0'],
  ]);
});

test('an operation that changes something leaves one, beside that of the change', async () => {
  const { a } = server;
  const { id } = (await a.request('POST', '/Patient', buildPatient())).json;
  const meta = { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { tag: [{ code: 'x' }] } }] };
  const { answer, requestId } = await send(a, 'POST', `/Patient/${id}/$meta-add`, { body: meta });
  expect(answer.status).toBe(200);
  const events = (await allEvents(a)).get(requestId) ?? [];
  expect(events.map(gist).sort()).toEqual(['operation E 0', 'update U 0']);
});

describe('bundles', () => {
  const entries = () => [
    getEntry(`Patient/${patientId}`),
    getEntry(`Observation?patient=${patientId}`),
    postEntry(buildPatient()),
    putEntry({ ...buildPatient(), id: patientId }, { ifMatch: 'W/"99"' }),
    getEntry('Patient/none'),
    deleteEntry('Patient/never-was'),
    { request: { method: 'GET', url: 'http://elsewhere.test/Patient/1' } },
  ];

  test('a batch leaves one per entry, whether it was read, changed or refused', async () => {
    const { answer, requestId } = await send(server.a, 'POST', '', { body: bundle('batch', ...entries()) });
    expect(answer.status).toBe(200);
    const events = (await allEvents(server.a)).get(requestId) ?? [];
    expect(events.map(gist).sort()).toEqual(
      ['read R 0', 'search-type E 0', 'create C 0', 'update U 4', 'read R 4', 'delete D 0', 'GET R 4'].sort(),
    );
  });

  test('a transaction leaves one per entry', async () => {
    const body = bundle('transaction', ...entries().slice(0, 3), deleteEntry('Patient/never-was'));
    const { answer, requestId } = await send(server.a, 'POST', '', { body });
    expect(answer.status).toBe(200);
    const events = (await allEvents(server.a)).get(requestId) ?? [];
    expect(events.map(gist).sort()).toEqual(['create C 0', 'delete D 0', 'read R 0', 'search-type E 0']);
  });

  test('a batch of 1,000 reads leaves 1,000, in a few blocks', async () => {
    const { b } = server;
    const { id } = (await b.request('POST', '/Patient', buildPatient())).json;
    const reads = Array.from({ length: 1_000 }, (_, n) => getEntry(n % 2 ? `Patient/${id}` : `Patient/none-${n}`));
    const countOf = async (query: string) =>
      (await b.request('GET', `/AuditEvent?_total=accurate&${query}`)).json.total;
    await allEvents(b);
    const refusedBefore = await countOf('subtype=read&outcome=4');
    const { answer } = await send(b, 'POST', '', { body: bundle('batch', ...reads) });
    expect(answer.status).toBe(200);
    await allEvents(b);
    expect(await countOf(`entity=Patient/${id}&subtype=read&outcome=0`)).toBe(500);
    // And the marker.
    expect(await countOf('subtype=read&outcome=4')).toBe(refusedBefore + 501);
  });
});

test('in the background a request is put on record when it runs, and asking for its state is', async () => {
  const { a } = server;
  const path = `/Observation?patient=${patientId}`;
  const accepted = await send(a, 'GET', path, { headers: { Prefer: 'respond-async' } });
  expect(accepted.answer.status).toBe(202);
  const place = (accepted.answer.headers.get('Content-Location') ?? '').slice(a.baseUrl.length);
  let asked = await send(a, 'GET', place);
  await until(async () => {
    asked = await send(a, 'GET', place);
    return asked.answer.status === 200;
  });
  const events = await allEvents(a);
  expect(events.get(accepted.requestId)?.map(gist)).toEqual(['search-type E 0']);
  expect(events.get(accepted.requestId)?.flatMap(patientsOf)).toEqual([`Patient/${patientId}`]);
  expect(events.get(asked.requestId)?.map(gist)).toEqual(['read R 0']);
});

test('who hangs up while being answered is on record all the same', async () => {
  const requestId = `hang-up-${Date.now()}`;
  await new Promise<void>((resolve) => {
    const headers = { Authorization: `Bearer ${server.a.token}`, 'X-Request-Id': requestId };
    const request = http.get(`${server.origin}/t/clinic-a/fhir/Patient/${patientId}`, { headers });
    request.on('error', () => resolve());
    // What was sent has left this process, and nothing of the answer was read.
    request.on('finish', () => setImmediate(() => request.destroy()));
    request.on('close', () => resolve());
  });
  await until(async () => (await allEvents(server.a)).has(requestId));
  expect((await allEvents(server.a)).get(requestId)?.map(gist)).toEqual(['read R 0']);
});

test('what anybody may know of the server leaves none, and an unknown tenant has none', async () => {
  const { a } = server;
  const metadata = await send(a, 'GET', '/metadata');
  const smart = await send(a, 'GET', '/.well-known/smart-configuration');
  const response = await fetch(`${server.origin}/t/nobody-here/fhir/Patient/1`);
  expect([metadata.answer.status, smart.answer.status, response.status]).toEqual([200, 200, 404]);
  const events = await allEvents(a);
  expect([events.has(metadata.requestId), events.has(smart.requestId)]).toEqual([false, false]);
});
