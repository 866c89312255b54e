// The API of the system's administrators over HTTP: who may, what it does, and what it leaves behind (issue 6, Tenants; README, System administration).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent, Resource } from '@medplum/fhirtypes';
import { pino } from 'pino';
import { serverCaller } from '../../src/access/caller.ts';
import { type App, startApp } from '../../src/app.ts';
import { inSession } from '../../src/repository/session.ts';
import { write } from '../../src/repository/write.ts';
import { createSystemClient } from '../../src/tenants/system-tenant.ts';
import { withClient } from '../support/database.ts';
import {
  fetchToken,
  send,
  startTestServer,
  type TestResponse,
  type TestServer,
  testConfig,
} from '../support/server.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { expectRefusal } from './refusals.ts';

let server: TestServer;
let token: string;
beforeAll(async () => {
  server = await startTestServer();
  const { clientId, clientSecret } = await createSystemClient({ ...server.app.doors, ...server.app }, 'Operator');
  token = await fetchToken(server.origin, 'system', clientId, clientSecret);
});
afterAll(() => server.close());

const admin = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  send(`${server.origin}/admin${path}`, method, body, {
    Authorization: `Bearer ${token}`,
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...headers,
  });

interface Clinic {
  readonly name: string;
  readonly fhirBase: string;
  readonly token: string;
  fhir(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<TestResponse>;
}

async function makeClinic(name: string): Promise<Clinic> {
  const made = await admin('POST', '/tenants', { name, firstClient: true });
  expect(made.status).toBe(201);
  const ownToken = await fetchToken(server.origin, name, made.json.clientId, made.json.clientSecret);
  const fhirBase = `${server.origin}/t/${name}/fhir`;
  return {
    ...{ name, fhirBase, token: ownToken },
    fhir: (method, path, body, headers = {}) =>
      send(fhirBase + path, method, body, { Authorization: `Bearer ${ownToken}`, ...headers }),
  };
}

const patient = { resourceType: 'Patient', name: [{ family: 'Canary' }] };

/** Asks until the answer is this one; the test's own time limit ends it. */
async function until(wanted: number, ask: () => Promise<TestResponse>): Promise<TestResponse> {
  for (;;) {
    const answer = await ask();
    if (answer.status === wanted) return answer;
  }
}

describe('who may', () => {
  const everyRoute = [
    ['POST', '/tenants'],
    ['GET', '/tenants'],
    ['GET', '/tenants/clinic-a'],
    ['POST', '/tenants/clinic-a/suspend'],
    ['POST', '/tenants/clinic-a/resume'],
    ['POST', '/tenants/clinic-a/export'],
    ['GET', '/tenants/clinic-a/export/Patient'],
    ['GET', '/tenants/clinic-a/legal-holds'],
    ['POST', '/tenants/clinic-a/legal-holds'],
    ['DELETE', '/tenants/clinic-a/legal-holds/x'],
    ['POST', '/tenants/clinic-a/shred'],
  ] as const;

  test.each(everyRoute)('%s %s: 401 without a token, 403 with a clinic administrator’s', async (method, path) => {
    expect((await admin(method, path, undefined, { Authorization: '' })).status).toBe(401);
    expect((await admin(method, path, undefined, { Authorization: 'Bearer a.b.c' })).status).toBe(401);
    const foreign = await admin(method, path, undefined, { Authorization: `Bearer ${server.a.token}` });
    expect([foreign.status, foreign.json.issue[0].code]).toEqual([403, 'forbidden']);
    // Nothing was done.
    expect((await server.a.request('GET', '/Patient?_count=1')).status).toBe(200);
  });

  test('a token that was altered to name the system as its issuer: 401', async () => {
    const [head, , signature] = server.a.token.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(server.a.token.split('.')[1] as string, 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...claims, iss: 'http://hpms.test/t/system' })).toString('base64url');
    const answer = await admin('GET', '/tenants', undefined, {
      Authorization: `Bearer ${head}.${forged}.${signature}`,
    });
    expect(answer.status).toBe(401);
  });

  test("a client of the system tenant without the role: 403, and the role's own reads no clinic", async () => {
    const { systemDoor, tenantDoor, keyRing } = server.app.doors;
    const [system] = await systemDoor((trx) =>
      trx.query<{ id: number }>({ text: "SELECT id FROM tenant WHERE name = 'system'" }),
    );
    const cipher = await keyRing.cipherOf(system!.id);
    const { createClient } = await import('../../src/people/clients.ts');
    const auditor = await tenantDoor(system!.id, async (trx) =>
      createClient(trx, cipher, {
        ...{ name: 'Auditor', grantTypes: ['client_credentials'], scope: 'system/*.cruds', roles: ['auditor'] },
      }),
    );
    const weak = await fetchToken(server.origin, 'system', auditor.clientId, auditor.clientSecret);
    expect((await admin('GET', '/tenants', undefined, { Authorization: `Bearer ${weak}` })).status).toBe(403);
    // Whatever its scopes are, there is nothing of patients in this realm.
    const inRealm = (type: string, body: object) =>
      send(`${server.origin}/t/system/fhir/${type}`, 'POST', body, { Authorization: `Bearer ${weak}` });
    expect((await inRealm('Patient', patient)).status).toBe(403);
    expect((await inRealm('Practitioner', { resourceType: 'Practitioner', active: true })).status).toBe(201);
    const patients = `${server.origin}/t/clinic-a/fhir/Patient`;
    expect((await send(patients, 'GET', undefined, { Authorization: `Bearer ${token}` })).status).toBe(401);
    const own = `${server.origin}/t/system/fhir`;
    expect((await send(`${own}/Patient`, 'POST', patient, { Authorization: `Bearer ${token}` })).status).toBe(403);
    expect((await send(`${own}/AuditEvent`, 'GET', undefined, { Authorization: `Bearer ${token}` })).status).toBe(200);
  });

  test('the first person is invited with the client: it administers its own realm too', async () => {
    const invited = await send(
      `${server.origin}/t/system/admin/staff`,
      'POST',
      { email: 'operator@example.org', name: 'Operator', roles: ['system-admin'] },
      { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    );
    expect(invited.status).toBe(201);
  });

  test('there is no $provision-tenant: the URL is nobody’s', async () => {
    const url = `${server.origin}/t/system/fhir/$provision-tenant`;
    const answer = await send(url, 'POST', { resourceType: 'Parameters' }, { Authorization: `Bearer ${token}` });
    expect([404, 405]).toContain(answer.status);
  });
});

describe('making a tenant', () => {
  test('answers where it is; its Organization and accounts are there, and it is listed', async () => {
    const made = await admin('POST', '/tenants', {
      name: 'harbour',
      display: 'Harbour clinic',
      organization: { name: 'Harbour clinic Ltd', telecom: [{ system: 'phone', value: '1' }] },
      currency: 'EUR',
      timezone: 'Europe/Berlin',
      administrator: { email: 'chief@harbour.example', name: 'Chief' },
      firstClient: true,
    });
    expect(made.status).toBe(201);
    expect(made.headers.get('Location')).toBe('http://hpms.test/admin/tenants/harbour');
    expect(made.json).toMatchObject({
      ...{ name: 'harbour', display: 'Harbour clinic', status: 'active', currency: 'EUR', timezone: 'Europe/Berlin' },
      fhirBaseUrl: 'http://hpms.test/t/harbour/fhir',
      tokenUrl: 'http://hpms.test/t/harbour/token',
      organization: expect.stringMatching(/^Organization\//),
      administrator: { id: expect.any(String) },
    });
    expect(made.text).not.toContain('chief@harbour');
    const own = await fetchToken(server.origin, 'harbour', made.json.clientId, made.json.clientSecret);
    const asked = (path: string) =>
      send(`${server.origin}/t/harbour/fhir${path}`, 'GET', undefined, { Authorization: `Bearer ${own}` });
    expect((await asked(`/${made.json.organization}`)).json.name).toBe('Harbour clinic Ltd');
    const cash = await asked('/Account?identifier=https://hpms.example/fhir/sid/gl-account|1010');
    expect(cash.json.total).toBe(1);
    const one = await admin('GET', '/tenants/harbour');
    expect(one.json).toMatchObject({ name: 'harbour', status: 'active', createdAt: expect.any(String) });
  });

  test('the same Idempotency-Key gets the first answer again, the secret with it; without one it is a 409', async () => {
    const body = { name: 'once', firstClient: true };
    const key = { 'Idempotency-Key': 'make-once' };
    const first = await admin('POST', '/tenants', body, key);
    const again = await admin('POST', '/tenants', body, key);
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text]);
    expect((await admin('POST', '/tenants', { ...body, display: 'Other' }, key)).status).toBe(422);
    const other = await admin('POST', '/tenants', body);
    expect([other.status, other.json.issue[0].code]).toEqual([409, 'duplicate']);
    const asked = `${server.origin}/t/system/fhir/AuditEvent?subtype=createTenant&action=R`;
    const shown = await send(asked, 'GET', undefined, { Authorization: `Bearer ${token}` });
    expect(shown.json.entry.map((one: { resource: AuditEvent }) => one.resource.outcome)).toEqual(['0']);
  });

  test('of two at once one makes it', async () => {
    const answers = await Promise.all([1, 2].map(() => admin('POST', '/tenants', { name: 'twice' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  test('of many at once each is made, or told to come again with the same key', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `many-${index}`);
    const make = (name: string) => admin('POST', '/tenants', { name }, { 'Idempotency-Key': name });
    const first = await Promise.all(names.map(make));
    for (const { status, headers } of first) {
      expect([201, 503]).toContain(status);
      if (status === 503) expect(headers.get('Retry-After')).toBe('2');
    }
    for (const name of names) expect((await make(name)).status).toBe(201);
  });

  test.each<[string, unknown, number, string | undefined]>([
    ['no name', {}, 422, 'name'],
    ['a bad name', { name: '../x' }, 422, 'name'],
    ['the system tenant', { name: 'system' }, 409, undefined],
    ['an unknown member', { name: 'x1', role: 'admin' }, 400, undefined],
    ['a name that is no text', { name: 1 }, 400, 'name'],
    ['an administrator without address', { name: 'x2', administrator: { name: 'N' } }, 422, 'administrator.email'],
    ['no object', [], 400, undefined],
    ['a key twice', '{"name":"x3","name":"x4"}', 400, undefined],
    ['half a text', '{"name":', 400, undefined],
    ['nothing', '', 400, undefined],
  ])('%s is refused', async (_, body, status, expression) => {
    const answer = await admin('POST', '/tenants', body);
    expect(answer.status).toBe(status);
    if (expression !== undefined) expect(answer.json.issue[0].expression).toEqual([expression]);
  });

  test('other types than JSON: 415; a parameter that is none: 400', async () => {
    expect((await admin('POST', '/tenants', '<a/>', { 'Content-Type': 'application/xml' })).status).toBe(415);
    expect((await admin('GET', '/tenants?name=a')).status).toBe(400);
    expect((await admin('GET', '/tenants?count=0')).status).toBe(400);
    expect((await admin('GET', '/tenants?count=1&count=2')).status).toBe(400);
  });

  test('NUL in a name: 404, in a parameter: 422, and no failure of the server (security.md 77)', async () => {
    expectRefusal(await admin('GET', '/tenants?after=%00'), 422);
    expectRefusal(await admin('GET', '/tenants/%00'), 404);
    expectRefusal(await admin('POST', '/tenants/clinic-a%00/suspend'), 404);
    expectRefusal(await admin('GET', '/tenants/clinic-a%00/export/Patient'), 404);
    const events = await send(`${server.origin}/t/system/fhir/AuditEvent`, 'GET', undefined, {
      ...{ Authorization: `Bearer ${token}`, Accept: 'application/fhir+xml' },
    });
    expect(events.status).toBe(200);
  });

  test('is listed in pages, each tenant once', async () => {
    const names: string[] = [];
    for (let after = ''; ; ) {
      const page = await admin('GET', `/tenants?count=2${after === '' ? '' : `&after=${after}`}`);
      names.push(...page.json.tenants.map((one: { name: string }) => one.name));
      if (page.json.next === undefined) break;
      after = page.json.next;
    }
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toEqual(expect.arrayContaining(['clinic-a', 'clinic-b', 'harbour', 'system']));
    expect((await admin('GET', '/tenants/nowhere')).status).toBe(404);
  });
});

describe('suspending', () => {
  test('refuses tokens at once, keeps jobs waiting, leaves others alone; resuming lets both go on', async () => {
    const clinic = await makeClinic('pausing');
    const created = await clinic.fhir('POST', '/Patient', patient);
    const fulfilled: Resource = {
      resourceType: 'Appointment',
      status: 'fulfilled',
      start: '2026-11-02T09:00:00Z',
      end: '2026-11-02T09:30:00Z',
      participant: [{ actor: { reference: `Patient/${created.json.id}` }, status: 'accepted' }],
    };
    const suspended = await admin('POST', '/tenants/pausing/suspend');
    expect(suspended.json).toMatchObject({ status: 'suspended', suspendedAt: expect.any(String) });
    const refused = await until(401, () => clinic.fhir('GET', '/Patient'));
    expect(refused.json.issue[0].code).toBe('login');
    expect((await clinic.fhir('POST', '/Patient', patient)).status).toBe(401);
    expect((await send(`${server.origin}/t/pausing/fhir/metadata`, 'GET')).status).toBe(404);
    expect((await send(`${server.origin}/t/pausing/token`, 'POST', 'grant_type=client_credentials')).status).toBe(404);
    expect((await server.a.request('GET', '/Patient')).status).toBe(200);
    await writeDirectly('pausing', fulfilled);
    expect(await waitingEvents('pausing')).toEqual([{ status: 'pending', topic: 'appointment.fulfilled' }]);
    expect((await admin('POST', '/tenants/pausing/suspend')).status).toBe(200);
    expect((await admin('POST', '/tenants/pausing/resume')).json).toMatchObject({ status: 'active' });
    await until(200, () => clinic.fhir('GET', '/Patient'));
    const found = async () => (await clinic.fhir('GET', '/Invoice')).json.total as number;
    for (let total = await found(); total !== 1; ) total = await found();
    expect((await admin('POST', '/tenants/pausing/resume')).status).toBe(200);
  });

  test('holds on every process, and the keys of a shredded tenant leave the memory of each', async () => {
    const clinic = await makeClinic('elsewhere');
    const other = await startApp({
      config: testConfig(makeTemporaryFolder(), 0),
      databaseUrl: server.database.url,
      does: { api: true, jobs: false },
      onFatal: (error) => {
        throw error;
      },
      log: pino({ level: 'silent' }),
    });
    try {
      const there = () =>
        send(`http://127.0.0.1:${other.port}/t/elsewhere/fhir/Patient`, 'GET', undefined, {
          Authorization: `Bearer ${clinic.token}`,
        });
      expect((await there()).status).toBe(200);
      const id = await tenantIdOf('elsewhere');
      await admin('POST', '/tenants/elsewhere/suspend');
      await until(401, there);
      await admin('POST', '/tenants/elsewhere/resume');
      await until(200, there);
      expect(other.doors.keyRing.loadedTenants()).toContain(id);
      await admin('POST', '/tenants/elsewhere/suspend');
      await admin('POST', '/tenants/elsewhere/shred', { confirm: 'elsewhere' });
      await until(404, there);
      await untilForgotten(other, id);
    } finally {
      await other.close();
    }
  });

  test('during requests: each is answered whole or refused, and what was acknowledged is there', async () => {
    const clinic = await makeClinic('busy');
    const acknowledged: string[] = [];
    let isRefused = false;
    const writer = async () => {
      while (!isRefused) {
        const answer = await clinic.fhir('POST', '/Patient', patient);
        expect([201, 401]).toContain(answer.status);
        if (answer.status === 201) acknowledged.push(answer.json.id);
        else isRefused = true;
      }
    };
    const writers = [writer(), writer(), writer()];
    await admin('POST', '/tenants/busy/suspend');
    await Promise.all(writers);
    await admin('POST', '/tenants/busy/resume');
    await until(200, () => clinic.fhir('GET', '/Patient'));
    for (const id of acknowledged) expect((await clinic.fhir('GET', `/Patient/${id}`)).status).toBe(200);
    expect((await clinic.fhir('GET', '/Patient?_summary=count')).json.total).toBe(acknowledged.length);
  });

  test('is not for the system tenant, nor for one that is not there', async () => {
    expect((await admin('POST', '/tenants/system/suspend')).status).toBe(422);
    expect((await admin('POST', '/tenants/system/shred', { confirm: 'system' })).status).toBe(422);
    expect((await admin('POST', '/tenants/nowhere/suspend')).status).toBe(404);
    await withClient(server.database.url, async (client) => {
      const forced = client.query("UPDATE store.tenant SET status = 'suspended' WHERE name = 'system'");
      await expect(forced).rejects.toMatchObject({ constraint: 'tenant_reserved' });
    });
  });
});

/** As a job of its own would, that began before. */
async function writeDirectly(tenant: string, resource: Resource): Promise<void> {
  const caller = serverCaller(await tenantIdOf(tenant), 'test');
  await inSession(server.app.repository, caller, (session) => write(session, [{ action: 'create', resource }]));
}

/** After a chance for whoever would work on it. */
async function waitingEvents(tenant: string): Promise<unknown[]> {
  return await withClient(server.database.url, async (client) => {
    await client.query("SELECT pg_notify('hpms_outbox', '')");
    expect((await server.a.request('POST', '/Patient', patient)).status).toBe(201);
    const { rows } = await client.query(
      `SELECT outbox.status, topic FROM store.outbox JOIN store.tenant ON tenant.id = tenant_id
       WHERE name = $1 AND outbox.status <> 'done'`,
      [tenant],
    );
    return rows;
  });
}

describe('exporting', () => {
  test('lists files that hold every version of everything, accounts without secrets, and nothing of others', async () => {
    const clinic = await makeClinic('leaving');
    const created = await clinic.fhir('POST', '/Patient', patient);
    const { id } = created.json;
    await clinic.fhir('PUT', `/Patient/${id}`, { ...patient, id, active: true });
    const gone = await clinic.fhir('POST', '/Patient', patient);
    await clinic.fhir('DELETE', `/Patient/${gone.json.id}`);
    await clinic.fhir('POST', '/Binary', 'plain text', { 'Content-Type': 'text/plain' });
    await server.b.request('POST', '/Patient', { ...patient, name: [{ family: 'Zanzibarian' }] });
    await admin('POST', '/tenants/leaving/suspend');
    const manifest = await admin('POST', '/tenants/leaving/export');
    expect(manifest.status).toBe(200);
    const files = new Map<string, string[]>();
    for (const { name, url } of manifest.json.files as { name: string; url: string }[]) {
      const file = await fetch(url.replace('http://hpms.test', server.origin), {
        headers: { Authorization: `Bearer ${token}` },
      });
      expect([file.status, file.headers.get('Content-Type')]).toEqual([200, 'application/fhir+ndjson']);
      files.set(name, (await file.text()).split('\n').slice(0, -1));
    }
    const versions = (files.get('Patient') ?? []).map((line) => JSON.parse(line));
    expect(versions.map((one) => [one.resourceType, one.id, one.meta?.versionId])).toEqual(
      expect.arrayContaining([
        ['Patient', id, '2'],
        ['Patient', id, '1'],
        ['Patient', gone.json.id, '1'],
        ['Bundle', undefined, undefined],
      ]),
    );
    expect(versions).toHaveLength(4);
    const [deletion] = versions.filter((one) => one.resourceType === 'Bundle');
    expect(deletion.entry[0].request).toEqual({ method: 'DELETE', url: `Patient/${gone.json.id}` });
    expect(JSON.parse(files.get('Binary')?.[0] ?? '').data).toBe(Buffer.from('plain text').toString('base64'));
    expect(manifest.json.files).toContainEqual(expect.objectContaining({ name: 'Patient', resources: 1 }));
    for (const name of ['Account', 'AuditEvent', 'clients', 'settings', 'number-series']) {
      expect(files.get(name)?.length).toBeGreaterThan(0);
    }
    const all = [...files.values()].flat().join('\n');
    expect(all).not.toContain('Zanzibarian');
    expect(all).not.toMatch(/secretHash|passwordHash|private|wrapped/);
    expect((await admin('GET', '/tenants/leaving/export/secrets')).status).toBe(404);
    expect((await admin('GET', '/tenants/leaving/export/..%2f..%2fx')).status).toBe(404);
  });
});

describe('shredding', () => {
  test('needs the name once more and a suspended tenant; then nothing of it can be read, and its name stays taken', async () => {
    const clinic = await makeClinic('ending');
    const created = await clinic.fhir('POST', '/Patient', patient);
    const shred = (body: unknown) => admin('POST', '/tenants/ending/shred', body);
    expect((await shred({ confirm: 'ending' })).status).toBe(409);
    await admin('POST', '/tenants/ending/suspend');
    expect((await shred({ confirm: 'other' })).status).toBe(422);
    expect((await shred({})).status).toBe(422);
    const id = await tenantIdOf('ending');
    expect((await shred({ confirm: 'ending' })).json).toMatchObject({
      status: 'shredded',
      shreddedAt: expect.any(String),
    });
    await until(404, () => clinic.fhir('GET', `/Patient/${created.json.id}`));
    expect((await admin('POST', '/tenants/ending/resume')).status).toBe(409);
    expect((await admin('POST', '/tenants/ending/export')).status).toBe(409);
    expect((await admin('POST', '/tenants', { name: 'ending' })).status).toBe(409);
    expect((await shred({ confirm: 'ending' })).status).toBe(200);
    await untilForgotten(server.app, id);
    await expect(server.app.doors.keyRing.cipherOf(id)).rejects.toThrow('has no data key');
    await withClient(server.database.url, async (client) => {
      const keys = await client.query('SELECT 1 FROM store.tenant_key WHERE tenant_id = $1', [id]);
      const rows = await client.query('SELECT 1 FROM store.resource WHERE tenant_id = $1', [id]);
      expect([keys.rowCount, (rows.rowCount ?? 0) > 0]).toEqual([0, true]);
      const back = client.query("UPDATE store.tenant SET status = 'active' WHERE name = 'ending'");
      await expect(back).rejects.toMatchObject({ constraint: 'tenant_shredded' });
    });
  });
});

async function untilForgotten(app: App, tenantId: number): Promise<void> {
  while (app.doors.keyRing.loadedTenants().includes(tenantId)) await new Promise((resolve) => setImmediate(resolve));
}

async function tenantIdOf(name: string): Promise<number> {
  return await withClient(server.database.url, async (client) => {
    const { rows } = await client.query('SELECT id FROM store.tenant WHERE name = $1', [name]);
    return rows[0].id as number;
  });
}

test('each call leaves an AuditEvent in the system tenant, refusals too, and one in the tenant it was about', async () => {
  const clinic = await makeClinic('audited');
  await admin('POST', '/tenants/audited/shred', { confirm: 'audited' });
  await admin('POST', '/tenants/audited/suspend');
  await admin('POST', '/tenants/audited/resume');
  await until(200, () => clinic.fhir('GET', '/Patient'));
  const told = await clinic.fhir(
    'GET',
    '/AuditEvent?subtype=suspendTenant,resumeTenant,shredTenant,createTenant&_count=50',
  );
  const acts = (bundle: TestResponse) =>
    bundle.json.entry.map((one: { resource: { subtype: { code: string }[] } }) => one.resource.subtype[0]?.code).sort();
  expect(acts(told)).toEqual(['createTenant', 'resumeTenant', 'suspendTenant']);
  const inSystem = await send(
    `${server.origin}/t/system/fhir/AuditEvent?subtype=shredTenant&outcome=4&_count=50`,
    'GET',
    undefined,
    { Authorization: `Bearer ${token}` },
  );
  const names = inSystem.json.entry.map(
    (one: { resource: { entity: { what: { identifier: { value: string } } }[] } }) =>
      one.resource.entity[0]?.what.identifier.value,
  );
  expect(names).toContain('audited');
  await admin('GET', '/tenants', undefined, { Authorization: `Bearer ${clinic.token}` });
  const refused = await send(
    `${server.origin}/t/system/fhir/AuditEvent?subtype=refusedCall&_sort=-date&_count=1`,
    'GET',
    undefined,
    { Authorization: `Bearer ${token}` },
  );
  const { outcome, agent, entity } = refused.json.entry[0].resource;
  expect(outcome).toBe('4');
  expect(agent[0]).toMatchObject({ requestor: true, who: { display: 'First client' } });
  expect(entity[0]).toMatchObject({ what: { identifier: { value: 'audited' } } });
});
