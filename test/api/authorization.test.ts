// Who may do what: tokens on every door, SMART scopes inside every door: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Dispatcher, Pool } from 'undici';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { fhirRoutes } from '../../src/http/fhir-routes.ts';
import { disableClient } from '../../src/people/clients.ts';
import { rawRequest, sendRaw } from '../http/raw-request.ts';
import { allOperations } from '../support/all-operations.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { untilRecorded } from '../support/until-recorded.ts';
import {
  deleteEntry,
  expressionsOf,
  getEntry,
  postEntry,
  putEntry,
  sendBundle,
  statusesOf,
} from './bundle-requests.ts';
import { clientOf, type TestClient } from './clients.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const types = [...loadDefinitions().resourceTypes];
const fhirBase = () => `${server.origin}/t/clinic-a/fhir`;
const pathOf = (pattern: string, type: string) =>
  pattern.replace(':type', type).replace(':id', 'x').replace(':versionId', '1');

function expectUnauthorized(answer: TestResponse): void {
  expectRefusal(answer, 401);
  expect(answer.json.issue[0].code).toBe('login');
  expect(answer.headers.get('WWW-Authenticate')).toMatch(/^Bearer /);
}

describe('without an access token', () => {
  test('every FHIR route of every R4 type is 401 with WWW-Authenticate (RFC 6750 section 3)', async () => {
    // Ten thousand answers that are almost all the same: looking at each of them takes longer than getting it.
    const different = new Map<string, readonly [method: string, url: string]>();
    const pool = new Pool(server.origin, { connections: 8 });
    const ask = async (method: Dispatcher.HttpMethod, url: string) => {
      const { statusCode, headers, body } = await pool.request({ method, path: new URL(url).pathname });
      different.set(`${statusCode} ${headers['www-authenticate']} ${await body.text()}`, [method, url]);
    };
    for (const type of types) {
      await Promise.all(
        fhirRoutes(allOperations).map(({ method, path }) =>
          ask(method.toUpperCase() as Dispatcher.HttpMethod, `${fhirBase()}${pathOf(path, type)}`),
        ),
      );
    }
    await pool.close();
    expect(different.size).toBeGreaterThan(0);
    for (const [method, url] of different.values()) expectUnauthorized(await send(url, method));
  }, 120_000);

  test('so are bundles, types that are none, and a tenant there is', async () => {
    for (const [method, path] of [
      ['POST', ''],
      ['POST', '/'],
      ['GET', '/Nothing/x'],
      ['POST', '/Patient/_search'],
    ] as const) {
      expectUnauthorized(await send(`${fhirBase()}${path}`, method));
    }
  });

  test.each([
    '/t/clinic-a/fhir/metadata',
    '/t/clinic-a/fhir/.well-known/smart-configuration',
    '/t/clinic-a/.well-known/openid-configuration',
    '/t/clinic-a/jwks',
    '/healthz',
    '/readyz',
  ])('%s is open', async (path) => {
    const answer = await send(`${server.origin}${path}`, 'GET');
    expect(answer.status).toBe(200);
    expect(answer.json).toBeDefined();
  });

  test('the open documents agree on where tokens come from', async () => {
    const { json } = await send(`${fhirBase()}/.well-known/smart-configuration`, 'GET');
    expect(json.token_endpoint).toBe('http://hpms.test/t/clinic-a/token');
    expect(json.capabilities).toContain('permission-v2');
    const { json: statement } = await send(`${fhirBase()}/metadata`, 'GET');
    expect(statement).toMatchObject({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' });
    expect(statement.rest[0].resource).toHaveLength(types.length);
  });

  test('/metrics has a token of its own, and neither opens the other', async () => {
    const metrics = (token: string) =>
      send(`${server.origin}/metrics`, 'GET', undefined, { Authorization: `Bearer ${token}` });
    expectUnauthorized(await send(`${server.origin}/metrics`, 'GET'));
    expectUnauthorized(await metrics(server.a.token));
    expectUnauthorized(await metrics('x'));
    const { rolePassword } = await import('../../src/database/role-password.ts');
    const { testRootKey } = await import('../support/database.ts');
    const token = rolePassword(testRootKey, 'metrics');
    const answer = await metrics(token);
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('hpms_http_request_seconds');
    expectUnauthorized(await server.a.request('GET', '/Patient', undefined, { Authorization: `Bearer ${token}` }));
  });
});

describe('a token that is none', () => {
  const parts = () => server.a.token.split('.');
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  test.each([
    ['no scheme', () => server.a.token],
    ['Basic', () => `Basic ${Buffer.from(`${server.a.clientId}:${server.a.clientSecret}`).toString('base64')}`],
    ['nothing behind Bearer', () => 'Bearer'],
    ['random letters', () => 'Bearer a.b.c'],
    ['two tokens', () => `Bearer ${server.a.token}, Bearer ${server.a.token}`],
    ['no signature', () => `Bearer ${parts()[0]}.${parts()[1]}.`],
    ['another signature', () => `Bearer ${parts()[0]}.${parts()[1]}.${'A'.repeat(parts()[2]?.length ?? 0)}`],
    ['alg none (security.md 50)', () => `Bearer ${encode({ alg: 'none', typ: 'at+jwt' })}.${parts()[1]}.x`],
    ['other claims', () => `Bearer ${parts()[0]}.${encode({ scope: 'system/*.cruds' })}.${parts()[2]}`],
    ['7,000 letters', () => `Bearer ${'a'.repeat(7_000)}.a.a`],
    ["another tenant's (security.md 2)", () => `Bearer ${server.b.token}`],
  ])('%s is 401, with the error where it came as a token (RFC 6750 section 3.1)', async (_, authorization) => {
    const Authorization = authorization();
    const answer = await send(`${fhirBase()}/Patient`, 'GET', undefined, { Authorization });
    expectUnauthorized(answer);
    const error = Authorization.startsWith('Bearer') ? ', error="invalid_token"' : '';
    expect(answer.headers.get('WWW-Authenticate')).toBe(`Bearer realm="fhir"${error}`);
  });

  test('in the query, in a form or twice is 401 (security.md 63)', async () => {
    expectUnauthorized(await send(`${fhirBase()}/Patient?access_token=${server.a.token}`, 'GET'));
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expectUnauthorized(await send(`${fhirBase()}/Patient/_search`, 'POST', `access_token=${server.a.token}`, form));
    const header = `Authorization: Bearer ${server.a.token}`;
    const twice = await sendRaw(server.origin, rawRequest(['GET /t/clinic-a/fhir/Patient HTTP/1.1', header, header]));
    expectRefusal({ status: twice.status, text: twice.body }, 401);
    expect(server.logLines.join()).not.toContain(server.a.token.slice(-40));
  });

  test('dies with its client', async () => {
    const client = await clientOf(server, server.a, 'system/*.rs');
    expect((await client.request('GET', '/Patient')).status).toBe(200);
    await server.app.doors.tenantDoor(server.a.id, (trx) => disableClient(trx, client.clientId));
    const deadlineMs = Date.now() + 2_000;
    while ((await client.request('GET', '/Patient')).status === 200) expect(Date.now()).toBeLessThan(deadlineMs);
    expectUnauthorized(await client.request('GET', '/Patient'));
  });
});

describe('the letters of a scope (security.md 35)', () => {
  const letters = ['c', 'r', 'u', 'd', 's'] as const;
  const clients = new Map<string, TestClient>();
  beforeAll(async () => {
    for (const scope of [...letters, 'cu'])
      clients.set(scope, await clientOf(server, server.a, `system/Patient.${scope}`));
    for (const id of ['scoped', ...letters]) await server.a.request('PUT', `/Patient/${id}`, { ...buildPatient(), id });
  });

  const interactions: readonly [string, string, (client: TestClient, letter: string) => Promise<TestResponse>][] = [
    ['read', 'r', (client) => client.request('GET', '/Patient/scoped')],
    ['vread', 'r', (client) => client.request('GET', '/Patient/scoped/_history/1')],
    ['history-instance', 'r', (client) => client.request('GET', '/Patient/scoped/_history')],
    ['search by GET', 's', (client) => client.request('GET', '/Patient?name=x')],
    [
      'search by POST',
      's',
      (client) =>
        client.request('POST', '/Patient/_search', 'name=x', { 'Content-Type': 'application/x-www-form-urlencoded' }),
    ],
    ['create', 'c', (client) => client.request('POST', '/Patient', buildPatient())],
    ['update', 'u', (client) => client.request('PUT', '/Patient/scoped', { ...buildPatient(), id: 'scoped' })],
    [
      'patch',
      'u',
      (client) =>
        client.request('PATCH', '/Patient/scoped', [{ op: 'replace', path: '/gender', value: 'male' }], {
          'Content-Type': 'application/json-patch+json',
        }),
    ],
    ['delete', 'd', (client, letter) => client.request('DELETE', `/Patient/${letter}`)],
  ];

  test.each(interactions)('%s needs %s and nothing else will do', async (_, needed, run) => {
    for (const letter of letters) {
      const answer = await run(clients.get(letter) as TestClient, letter);
      if (letter === needed) expect(answer.status).toBeLessThan(300);
      else {
        expectRefusal(answer, 403);
        expect(answer.json.issue[0].code).toBe('forbidden');
      }
    }
  });

  test('update of a new id needs c as well', async () => {
    const put = (letter: string) =>
      clients.get(letter)?.request('PUT', '/Patient/new-id', { ...buildPatient(), id: 'new-id' });
    expectRefusal((await put('u')) as TestResponse, 403);
    expectRefusal((await put('c')) as TestResponse, 403);
    expect((await server.a.request('GET', '/Patient/new-id')).status).toBe(404);
    expect((await put('cu'))?.status).toBe(201);
  });

  test('a refusal is the same whether the resource is there or not', async () => {
    const client = clients.get('s') as TestClient;
    for (const method of ['GET', 'DELETE']) {
      const there = await client.request(method, '/Patient/scoped');
      const nowhere = await client.request(method, '/Patient/nowhere');
      expect(there.status).toBe(403);
      expect(nowhere.text).toBe(there.text);
    }
  });
});

describe('system/Patient.rs', () => {
  let client: TestClient;
  beforeAll(async () => {
    client = await clientOf(server, server.a, 'system/Patient.rs');
    await server.a.request('PUT', '/Patient/limited', { ...buildPatient(), id: 'limited' });
  });

  test('reads Patients and no other of the R4 types (security.md 27)', async () => {
    expect((await client.request('GET', '/Patient/limited')).status).toBe(200);
    for (const type of types.filter((one) => one !== 'Patient')) {
      const answers = await Promise.all([client.request('GET', `/${type}/limited`), client.request('GET', `/${type}`)]);
      for (const answer of answers) expect(answer.status).toBe(403);
    }
  });

  test('cannot widen itself: roles, headers and bodies give no rights (security.md 34, 39)', async () => {
    expectRefusal(await client.request('POST', '/Patient', buildPatient(), { 'X-Scope': 'system/*.cruds' }), 403);
    expectRefusal(await client.request('POST', '/PractitionerRole', { resourceType: 'PractitionerRole' }), 403);
    expectRefusal(await client.request('POST', '/Patient?scope=system/*.cruds', buildPatient()), 403);
  });

  test('fails a transaction whole with 403 for one entry it may not do, and nothing is written', async () => {
    const client2 = await clientOf(server, server.a, 'system/Patient.cruds');
    const family = 'Forbidden';
    const good = postEntry(buildPatient({ name: [{ family }] }));
    for (const bad of [
      postEntry(buildObservation('Patient/limited')),
      putEntry({ ...buildObservation('Patient/limited'), id: 'x' }),
      deleteEntry('Observation/x'),
      getEntry('Observation/x'),
      getEntry('Observation?code=x'),
      getEntry('Observation/x/_history/1'),
    ]) {
      const answer = await client2.request('POST', '', {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [good, bad],
      });
      expectRefusal(answer, 403);
      expect(expressionsOf(answer)[0]).toMatch(/^Bundle\.entry\[1\]/);
    }
    expect((await server.a.request('GET', `/Patient?family=${family}`)).json.total).toBe(0);
  });

  test('fails only those entries of a batch', async () => {
    const bundle = {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [
        getEntry('Patient/limited'),
        postEntry(buildPatient()),
        getEntry('Observation?code=x'),
        getEntry('Patient?name=x'),
        deleteEntry('Patient/limited'),
        putEntry({ ...buildPatient(), id: 'limited' }),
      ],
    };
    const answer = await client.request('POST', '', bundle);
    expect(answer.status).toBe(200);
    expect(statusesOf(answer)).toEqual(['200', '403', '403', '200', '403', '403']);
    expect((await server.a.request('GET', '/Patient/limited')).json.meta.versionId).toBe('1');
  });
});

describe('what a search includes', () => {
  test('leaves out types the token may not read; the total stays (security.md 7)', async () => {
    await server.a.request('PUT', '/Patient/inc', { ...buildPatient(), id: 'inc' });
    await server.a.request('PUT', '/Device/inc', { resourceType: 'Device', id: 'inc' });
    const observation = { ...buildObservation('Patient/inc'), id: 'inc', device: { reference: 'Device/inc' } };
    await server.a.request('PUT', '/Observation/inc', observation);
    const client = await clientOf(server, server.a, 'system/Observation.rs system/Device.s system/Patient.s');
    const withDevice = await clientOf(server, server.a, 'system/Observation.rs system/Device.r');
    for (const include of ['Observation:subject', 'Observation:*', '*', 'Observation:subject:Patient']) {
      const query = `/Observation?_id=inc&_include=${include}`;
      const answer = await client.request('GET', query);
      expect(answer.json.total).toBe(1);
      expect(
        answer.json.entry.map((entry: { resource: { resourceType: string } }) => entry.resource.resourceType),
      ).toEqual(['Observation']);
      expect((await withDevice.request('GET', query)).text).not.toContain('"resourceType":"Patient"');
    }
    const { json } = await withDevice.request('GET', '/Observation?_id=inc&_include=*');
    expect(json.entry[1].resource.resourceType).toBe('Device');
  });
});

describe('what only the server writes (security.md 42, contract.md 39 and 46)', () => {
  const resources: Readonly<Record<string, object>> = {
    AuditEvent: {
      resourceType: 'AuditEvent',
      type: { code: 'rest' },
      recorded: '2026-11-20T08:00:00Z',
      agent: [{ requestor: true }],
      source: { observer: { display: 'x' } },
    },
    PaymentNotice: {
      resourceType: 'PaymentNotice',
      status: 'active',
      created: '2026-11-20',
      payment: { display: 'x' },
      recipient: { display: 'x' },
      amount: { value: 1, currency: 'USD' },
    },
  };
  let auditId = '';
  beforeAll(async () => {
    await server.a.request('POST', '/Patient', buildPatient());
    auditId = (await server.a.request('GET', '/AuditEvent?_count=1')).json.entry[0].resource.id;
  });
  const idOf = (type: string) => (type === 'AuditEvent' ? auditId : 'x');

  test.each(Object.keys(resources))('%s: POST, PUT, PATCH and DELETE are 405 with Allow', async (type) => {
    const id = idOf(type);
    const patch = { 'Content-Type': 'application/json-patch+json' };
    const answers = [
      await server.a.request('POST', `/${type}`, resources[type]),
      await server.a.request('PUT', `/${type}/${id}`, { ...resources[type], id }),
      await server.a.request('PUT', `/${type}/new`, { ...resources[type], id: 'new' }),
      await server.a.request('PATCH', `/${type}/${id}`, [{ op: 'remove', path: '/outcome' }], patch),
      await server.a.request('DELETE', `/${type}/${id}`),
      await server.a.request('DELETE', `/${type}/never-was`),
    ];
    for (const answer of answers) {
      expectRefusal(answer, 405);
      expect(answer.headers.get('Allow')).toBe('GET, HEAD');
    }
    if (type === 'PaymentNotice') expect(answers[0]?.text).toContain('PaymentReconciliation');
  });

  test.each(Object.keys(resources))(
    '%s: a transaction with one fails whole with 405, a batch entry alone',
    async (type) => {
      const id = idOf(type);
      const entries = [
        postEntry(resources[type] as object),
        putEntry({ ...resources[type], id }),
        deleteEntry(`${type}/${id}`),
      ];
      await untilRecorded(server.database.url);
      const changes = '/AuditEvent?action=C,U,D&outcome=0&_summary=count';
      const before = (await server.a.request('GET', changes)).json.total;
      for (const entry of entries) {
        const answer = await sendBundle(server.a, 'transaction', [postEntry(buildPatient()), entry]);
        expectRefusal(answer, 405);
        expect(expressionsOf(answer)[0]).toMatch(/^Bundle\.entry\[1\]/);
      }
      expect((await server.a.request('GET', changes)).json.total).toBe(before);
      expect(statusesOf(await sendBundle(server.a, 'batch', entries))).toEqual(['405', '405', '405']);
      expect((await server.a.request('GET', `/AuditEvent/${auditId}`)).status).toBe(200);
    },
  );
});
