// Attacks 1 to 24 of security.md, on the wall between tenants, each in its shortest form; what is proven at length elsewhere is named there.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { serverCaller } from '../../src/access/caller.ts';
import { connectionSettings } from '../../src/database/pool.ts';
import type { Statement } from '../../src/database/statement.ts';
import { createWorker, type WorkerOptions } from '../../src/jobs/worker.ts';
import { createClient } from '../../src/people/clients.ts';
import { read } from '../../src/repository/read.ts';
import { inSession, type Repository } from '../../src/repository/session.ts';
import { deleteEntry, getEntry, postEntry, sendBundle, statusesOf } from '../api/bundle-requests.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { testRootKey, withClient } from '../support/database.ts';
import { fetchToken, send, startTestServer, type TestResponse, type TestServer } from '../support/server.ts';

let server: TestServer;
/** Ids in B. */
const ofB = { patient: '', observation: '' };
const never = '01a1f784-57fe-71b0-9338-000000000000';
const mrn = (value: string) => [{ system: 'urn:mrn', value }];
let listener: Server;
let callsOut = 0;

beforeAll(async () => {
  server = await startTestServer();
  const { a, b } = server;
  const patient = buildPatient({ identifier: mrn('b-only'), name: [{ family: 'Bergheim' }] });
  ofB.patient = (await b.request('POST', '/Patient', patient)).json.id;
  ofB.observation = (await b.request('POST', '/Observation', buildObservation(`Patient/${ofB.patient}`))).json.id;
  await a.request('POST', '/Patient', buildPatient({ identifier: mrn('a-only'), name: [{ family: 'Alpenblick' }] }));
  listener = createServer((_, answer) => {
    callsOut += 1;
    answer.end();
  }).listen(0, '127.0.0.1');
});
afterAll(async () => {
  listener.close();
  await server.close();
});

/** What a client can compare of an answer, without the id it asked for and what differs by the moment. */
function traceOf({ status, headers, text }: TestResponse, id: string) {
  const passing = ['date', 'x-request-id', 'keep-alive'];
  return { status, headers: [...headers].filter(([name]) => !passing.includes(name)), text: text.replaceAll(id, '') };
}

async function sameAsNever(ask: (id: string) => Promise<TestResponse>, id: string): Promise<TestResponse> {
  const answer = await ask(id);
  expect(traceOf(answer, id)).toEqual(traceOf(await ask(never), never));
  return answer;
}

const versionOfB = async () => (await server.b.request('GET', `/Patient/${ofB.patient}`)).text;

async function clientOf(tenantId: number, tenant: string, scope: string): Promise<string> {
  const { tenantDoor, keyRing } = server.app.doors;
  const cipher = await keyRing.cipherOf(tenantId);
  const registration = { name: 'Other', grantTypes: ['client_credentials'], scope, roles: [] };
  const client = await tenantDoor(tenantId, async (trx) => createClient(trx, cipher, registration));
  return await fetchToken(server.origin, tenant, client.clientId, client.clientSecret);
}

const asOther = (token: string) => ({ Authorization: `Bearer ${token}` });

describe("attack 1: another tenant's id (at length: test/tenancy/http.test.ts)", () => {
  test.each(['', '/_history', '/_history/1'])('Patient/[id]%s is that of an id that never was', async (path) => {
    const answer = await sameAsNever((id) => server.a.request('GET', `/Patient/${id}${path}`), ofB.patient);
    expect(answer.status).toBe(404);
  });
});

describe('attack 2: a token of A at B', () => {
  test('is 401, and no header or parameter names the tenant', async () => {
    const foreign = asOther(server.a.token);
    expect((await server.b.request('GET', `/Patient/${ofB.patient}`, undefined, foreign)).status).toBe(401);
    const path = `/Patient/${ofB.patient}`;
    expect((await server.a.request('GET', path, undefined, { 'X-Tenant-Id': 'clinic-b' })).status).toBe(404);
    expect((await server.a.request('GET', `/Patient?family=Bergheim&tenant=clinic-b`)).text).not.toContain(ofB.patient);
    expect((await server.a.request('GET', '/metadata?tenant=clinic-b')).text).not.toContain('clinic-b');
  });
});

describe("attack 3: a reference to B's patient", () => {
  test('is answered like one to nothing', async () => {
    const answer = await sameAsNever(async (id) => {
      const { status, headers, text, json } = await server.a.request(
        'POST',
        '/Observation',
        buildObservation(`Patient/${id}`),
      );
      const own = new RegExp(`${json.id}|${json.meta?.lastUpdated}`, 'g');
      const kept = new Headers([...headers].filter(([name]) => !['location', 'last-modified', 'etag'].includes(name)));
      return { status, headers: kept, text: text.replace(own, ''), json };
    }, ofB.patient);
    expect(answer.status).toBe(201);
  });
});

describe('attack 4: an absolute reference', () => {
  test('to B by its own URL is text: never resolved, nothing included', async () => {
    const subject = { reference: `${server.b.baseUrl}/Patient/${ofB.patient}` };
    const made = await server.a.request('POST', '/Observation', { ...buildObservation('Patient/x'), subject });
    expect(made.status).toBe(201);
    const found = await server.a.request('GET', `/Observation?_id=${made.json.id}&_include=Observation:subject`);
    expect(found.json.entry).toHaveLength(1);
  });

  test('to anywhere is not fetched', async () => {
    const { port } = listener.address() as AddressInfo;
    const subject = { reference: `http://127.0.0.1:${port}/t/b/fhir/Patient/x` };
    await server.a.request('POST', '/Observation?_include=*', { ...buildObservation('Patient/x'), subject });
    expect(callsOut).toBe(0);
  });
});

describe('attack 5: chains whose links are in B', () => {
  test.each(['subject:Patient.name=Bergheim', 'subject:Patient.identifier=b-only', 'performer:Practitioner.name=x'])(
    'Observation?%s finds nothing',
    async (query) => {
      const answer = await server.a.request('GET', `/Observation?${query}&_total=accurate`);
      expect([answer.status, answer.json.total, answer.json.entry]).toEqual([200, 0, undefined]);
    },
  );
});

describe('attack 6: _has over a type the scopes do not hold', () => {
  test('is 403 and says the same whether something matches or not', async () => {
    const token = await clientOf(server.a.id, 'clinic-a', 'system/Patient.rs');
    const ask = (code: string) =>
      server.a.request('GET', `/Patient?_has:Observation:patient:code=${code}`, undefined, asOther(token));
    const [matching, other] = [await ask('29463-7'), await ask('none')];
    expect([matching.status, matching.text]).toEqual([403, other.text]);
    expect((await server.a.request('GET', '/Patient', undefined, asOther(token))).status).toBe(200);
  });
});

describe('attack 7: includes that reach B', () => {
  test.each(['_include=Observation:subject', '_include:iterate=*', '_revinclude=Provenance:target&_include=*'])(
    '%s adds nothing and leaves the total',
    async (query) => {
      await server.a.request('PUT', '/Observation/to-b', { ...buildObservation(`Patient/${ofB.patient}`), id: 'to-b' });
      const { json, status } = await server.a.request('GET', `/Observation?_id=to-b&_total=accurate&${query}`);
      expect([status, json.total, json.entry.length]).toEqual([200, 1, 1]);
    },
  );
});

describe('attack 8: the history of the system', () => {
  test("has A's versions only, in pages", async () => {
    const ids: string[] = [];
    for (let path: string | undefined = '/_history?_since=1900-01-01T00:00:00Z&_count=3'; path !== undefined; ) {
      const { json }: TestResponse = await server.a.request('GET', path);
      ids.push(...json.entry.map((entry: { fullUrl: string }) => entry.fullUrl));
      const next = json.link.find((link: { relation: string }) => link.relation === 'next')?.url as string | undefined;
      path = next?.slice(server.a.baseUrl.length);
    }
    expect(ids.length).toBeGreaterThan(2);
    expect(ids.every((url) => url.startsWith(`${server.a.baseUrl}/`))).toBe(true);
    expect(ids.join()).not.toContain(ofB.patient);
  });
});

describe('attack 9: a conditional reference', () => {
  test("to B's identifier finds what one to nothing finds, and nothing is written", async () => {
    const before = await server.a.request('GET', '/Observation?_summary=count');
    const ask = (value: string) =>
      sendBundle(server.a, 'transaction', [postEntry(buildObservation(`Patient?identifier=urn:mrn|${value}`))]);
    const [ofOther, ofNobody] = [await ask('b-only'), await ask('no-one')];
    expect([ofOther.status, ofOther.json.issue[0].code]).toEqual([412, 'not-found']);
    expect(ofOther.text.replaceAll('b-only', '')).toBe(ofNobody.text.replaceAll('no-one', ''));
    expect((await server.a.request('GET', '/Observation?_summary=count')).json.total).toBe(before.json.total);
  });
});

describe('attack 10: conditional writes on what B has', () => {
  test('meet nothing and leave B as it is', async () => {
    const before = await versionOfB();
    const query = '/Patient?identifier=urn:mrn|b-only';
    expect((await server.a.request('DELETE', query)).status).toBe(204);
    const patch = [{ op: 'replace', path: '/gender', value: 'other' }];
    const type = { 'Content-Type': 'application/json-patch+json' };
    expect((await server.a.request('PATCH', query, patch, type)).status).toBe(404);
    const put = await server.a.request('PUT', query, buildPatient({ identifier: mrn('b-only') }));
    expect([put.status, put.json.id === ofB.patient]).toEqual([201, false]);
    expect(await versionOfB()).toBe(before);
    await server.a.request('DELETE', query);
  });
});

describe('attack 11: If-None-Exist', () => {
  test('creates in A what only B has', async () => {
    const patient = buildPatient({ identifier: mrn('b-only') });
    const made = await server.a.request('POST', '/Patient', patient, { 'If-None-Exist': 'identifier=urn:mrn|b-only' });
    expect([made.status, made.json.id === ofB.patient]).toEqual([201, false]);
    await server.a.request('DELETE', `/Patient/${made.json.id}`);
  });
});

describe("attack 12: PUT to B's id", () => {
  test('creates in A and changes nothing in B', async () => {
    const before = await versionOfB();
    const made = await server.a.request('PUT', `/Patient/${ofB.patient}`, { ...buildPatient(), id: ofB.patient });
    expect([made.status, made.json.meta.versionId]).toEqual([201, '1']);
    expect(await versionOfB()).toBe(before);
    await server.a.request('DELETE', `/Patient/${ofB.patient}`);
  });
});

describe('attack 13: entries whose URL leaves the tenant', () => {
  test.each([
    'http://hpms.test/t/clinic-b/fhir/Patient/x',
    '//clinic-b/fhir/Patient/x',
    '../../clinic-b/fhir/Patient/x',
    '%2e%2e/%2e%2e/clinic-b/fhir/Patient/x',
    '/t/clinic-b/fhir/Patient/x',
  ])('%s refuses the whole transaction', async (url) => {
    const before = await server.a.request('GET', '/Patient?_summary=count');
    const answer = await sendBundle(server.a, 'transaction', [postEntry(buildPatient()), deleteEntry(url)]);
    expect(answer.status).toBe(400);
    expect((await server.a.request('GET', '/Patient?_summary=count')).json.total).toBe(before.json.total);
    const batch = await sendBundle(server.a, 'batch', [getEntry(url)]);
    expect(statusesOf(batch)[0]).toMatch(/^40[04]$/);
  });
});

describe('attack 15: the status of work in the background', () => {
  test('of another client, another tenant, or with another name is like that of none', async () => {
    const started = await server.a.request('GET', '/Patient', undefined, { Prefer: 'respond-async' });
    expect(started.status).toBe(202);
    const path = (started.headers.get('Content-Location') ?? '').replace(server.a.baseUrl, '');
    const other = await clientOf(server.a.id, 'clinic-a', 'system/*.cruds');
    const asked = (headers: Record<string, string>, at = path) => server.a.request('GET', at, undefined, headers);
    expect([200, 202]).toContain((await asked({})).status);
    expect((await asked(asOther(other))).status).toBe(404);
    expect((await server.b.request('GET', path)).status).toBe(404);
    expect((await asked({}, `${path.slice(0, -1)}${path.endsWith('0') ? '1' : '0'}`)).status).toBe(404);
  });
});

describe('attack 16: a page cursor', () => {
  test('of B, of another client of A, or with one byte changed gives no rows', async () => {
    for (const tenant of [server.a, server.b]) await tenant.request('POST', '/Patient', buildPatient());
    const nextOf = ({ json }: TestResponse, base: string): string =>
      json.link.find((link: { relation: string }) => link.relation === 'next').url.slice(base.length);
    const ofA = nextOf(await server.a.request('GET', '/Patient?_count=1'), server.a.baseUrl);
    const ofOther = nextOf(await server.b.request('GET', '/Patient?_count=1'), server.b.baseUrl);
    expect((await server.a.request('GET', ofA)).status).toBe(200);
    const other = await clientOf(server.a.id, 'clinic-a', 'system/*.cruds');
    const answers = [
      await server.a.request('GET', ofOther),
      await server.a.request('GET', ofA, undefined, asOther(other)),
      await server.a.request(
        'GET',
        ofA.replace(/(.)$/, (last) => (last === 'A' ? 'B' : 'A')),
      ),
      await server.a.request(
        'GET',
        ofA.replace(/_cursor=(.)/, (_, first) => `_cursor=${first === 'A' ? 'B' : 'A'}`),
      ),
    ];
    for (const { status } of answers) expect([400, 404]).toContain(status);
  });
});

describe('attack 17: a Subscription whose endpoint the operator has named', () => {
  test('is kept, and calls nobody: there is no delivery yet', async () => {
    const { port } = listener.address() as AddressInfo;
    const { status } = await server.a.request('POST', '/Subscription', {
      ...{ resourceType: 'Subscription', status: 'requested', reason: 'x', criteria: 'Patient?' },
      channel: { type: 'rest-hook', endpoint: `http://127.0.0.1:${port}/` },
    });
    expect(status).toBe(201);
    for (const tenant of [server.a, server.b]) await tenant.request('POST', '/Patient', buildPatient());
    expect(callsOut).toBe(0);
  });
});

describe('attack 18: a definition under a canonical that B uses', () => {
  test("changes nothing of B's", async () => {
    const url = 'https://vs.example/same';
    const valueSet = (code: string) => ({
      ...{ resourceType: 'ValueSet', id: 'same', url, status: 'active' },
      compose: { include: [{ system: 'urn:codes', concept: [{ code }] }] },
    });
    const expanded = async () => {
      const { json } = await server.b.request('GET', `/ValueSet/$expand?url=${url}`);
      return json.expansion.contains.map((one: { code: string }) => one.code);
    };
    await server.b.request('PUT', '/ValueSet/same', valueSet('of-b'));
    expect(await expanded()).toEqual(['of-b']);
    await server.a.request('PUT', '/ValueSet/same', valueSet('of-a'));
    expect(await expanded()).toEqual(['of-b']);
    const profile = {
      ...{ resourceType: 'StructureDefinition', id: 'strict', url: 'https://sd.example/strict', name: 'Strict' },
      ...{ status: 'active', kind: 'resource', abstract: false, type: 'Patient', derivation: 'constraint' },
      baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
      differential: { element: [{ id: 'Patient.photo', path: 'Patient.photo', min: 1 }] },
    };
    expect((await server.a.request('PUT', '/StructureDefinition/strict', profile)).status).toBe(201);
    expect((await server.b.request('GET', `/StructureDefinition?url=${profile.url}`)).json.total).toBe(0);
    expect((await server.b.request('POST', '/Patient', buildPatient())).status).toBe(201);
  });
});

describe('attack 20: calls of both tenants mixed, with failures (at length: test/tenancy/interleaved*.test.ts)', () => {
  test('give no row of the other', async () => {
    const marks = { 'clinic-a': 'Bergheim', 'clinic-b': 'Alpenblick' } as Record<string, string>;
    const calls = Array.from({ length: 80 }, async (_, index) => {
      const tenant = index % 2 === 0 ? server.a : server.b;
      const answer =
        index % 5 === 0
          ? await sendBundle(tenant, 'transaction', [postEntry(buildPatient()), getEntry('Patient/none')])
          : await tenant.request('GET', index % 3 === 0 ? '/Patient?_count=100' : '/_history?_count=100');
      expect(answer.text).not.toContain(marks[tenant.name]);
    });
    await Promise.all(calls);
  });
});

describe('attack 21: a job that names another tenant (at length: test/jobs/delivery.test.ts)', () => {
  test("has no effect: the event must be in that tenant's outbox", async () => {
    const ran: number[] = [];
    const handler = {
      topic: 'attack',
      consumer: 'attack',
      run: async (trx: { tenantId: number }) => void ran.push(trx.tenantId),
    };
    const dropped: string[] = [];
    let deliver: Parameters<WorkerOptions['queues']['connectConsumer']>[0] | undefined;
    await createWorker({
      tenantDoor: server.app.doors.tenantDoor,
      handlers: [handler],
      queues: {
        connectConsumer: async (callback: NonNullable<typeof deliver>) => {
          deliver = callback;
        },
      },
      log: { warn: () => undefined, error: () => undefined },
      metrics: { jobDropped: () => dropped.push('dropped'), jobDone: () => undefined },
    } as unknown as WorkerOptions);
    const outboxId = await withClient(server.database.url, async (client) => {
      const { rows } = await client.query(
        `INSERT INTO store.outbox (tenant_id, id, event_key, topic, resource_type, resource_id, new_version_id, status)
         VALUES ($1, gen_random_uuid(), 'attack', 'attack', 'Patient', 'x', 1, 'published') RETURNING id`,
        [server.a.id],
      );
      return rows[0].id as string;
    });
    const job = (tenantId: number) => deliver?.({ topic: 'attack', data: { tenantId, outboxId }, starts: 1 } as never);
    await job(server.b.id);
    expect([ran, dropped]).toEqual([[], ['dropped']]);
    await job(server.a.id);
    expect(ran).toEqual([server.a.id]);
  });
});

describe('attack 22: time', () => {
  test("a read of B's id runs the statements of one that never was, each with as many rows: none", async () => {
    const statementsOf = async (id: string) => {
      const asked: { readonly text: string; readonly rows: number }[] = [];
      const repository: Repository = {
        ...server.app.repository,
        tenantDoor: (tenantId, work, kind) =>
          server.app.repository.tenantDoor(tenantId, (trx) => work({ ...recording(trx, asked), tenantId }), kind),
      };
      const reading = inSession(
        repository,
        serverCaller(server.a.id, 'test'),
        (session) => read(session, 'Patient', id),
        'lookup',
      );
      await expect(reading).rejects.toMatchObject({ status: 404 });
      return asked;
    };
    const asked = await statementsOf(ofB.patient === '' ? never : await onlyInB());
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.map(({ rows }) => rows)).toEqual(asked.map(() => 0));
    expect(asked).toEqual(await statementsOf(never));
  });
});

/** Of a Patient that A never had under the same id. */
async function onlyInB(): Promise<string> {
  return (await server.b.request('POST', '/Patient', buildPatient())).json.id;
}

type Asking = Pick<Parameters<Parameters<Repository['tenantDoor']>[1]>[0], 'query' | 'execute'>;

function recording(trx: Asking, asked: { text: string; rows: number }[]): Asking {
  return {
    async query<Row>(statement: Statement) {
      const rows = await trx.query<Row>(statement);
      asked.push({ text: statement.text, rows: rows.length });
      return rows;
    },
    execute: (statement) => trx.execute(statement),
  };
}

describe('attack 23: an address that has an account in B', () => {
  test('is new in A; in A a second time it is a 409 without a word of the database', async () => {
    const invite = (tenant: string, token: string) =>
      send(
        `${server.origin}/t/${tenant}/admin/staff`,
        'POST',
        { email: 'same@example.org', name: 'Same', roles: ['nurse'] },
        { ...asOther(token), 'Content-Type': 'application/json' },
      );
    const inB = await invite('clinic-b', server.b.token);
    const inA = await invite('clinic-a', server.a.token);
    expect([inB.status, inA.status]).toEqual([201, 201]);
    expect(Object.keys(inA.json).sort()).toEqual(Object.keys(inB.json).sort());
    const again = await invite('clinic-a', server.a.token);
    expect(again.status).toBe(409);
    expect(again.text).not.toMatch(/unique|constraint|account_email|duplicate key/i);
  });
});

describe('attack 24: SQL as the application (at length: test/tenancy/tables.test.ts)', () => {
  const asApp = async (text: string): Promise<string> => {
    const client = new pg.Client(
      connectionSettings({ databaseUrl: server.database.url, rootKey: testRootKey, role: 'hpms_app' }),
    );
    await client.connect();
    try {
      await client.query("SELECT set_config('hpms.tenant_id', $1, false)", [String(server.a.id)]);
      await client.query('SET row_security = off');
      const { rowCount } = await client.query(text);
      return `${rowCount} rows`;
    } catch (error) {
      return (error as { code: string }).code;
    } finally {
      await client.end();
    }
  };

  test.each([
    'SET ROLE hpms_owner',
    'SELECT * FROM store.resource',
    'TRUNCATE tenant.resource',
    'COPY tenant.resource TO STDOUT',
    'ALTER TABLE store.resource DISABLE ROW LEVEL SECURITY',
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'UPDATE tenant.tenant_key SET wrapped = wrapped',
    'DELETE FROM tenant.tenant_key',
    "SELECT system.shred_tenant('clinic-b')",
    'SELECT * FROM system.tenant',
  ])('%s fails', async (text) => {
    expect(await asApp(text)).toMatch(/^(42501|42809|0A000|3F000|42P01|42883)$/);
  });

  test("the other tenant's rows are none, and activating again does nothing", async () => {
    expect(await asApp(`SELECT 1 FROM tenant.resource WHERE tenant_id = ${server.b.id}`)).toMatch(/^(0 rows|42501)$/);
    expect(await asApp('SELECT 1 WHERE tenant.activate()')).toMatch(/^(0 rows|42501)$/);
  });
});

test('nobody was called, and nothing failed inside', () => {
  expect(callsOut).toBe(0);
  expect(server.logLines.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
});
