// Legal holds by operation: a patient's or a clinic's, kept at every door that deletes, until each is released: issue 8, Archiving.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent, Bundle, Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { createSystemClient } from '../../src/tenants/system-tenant.ts';
import { shredTenant, suspendTenant } from '../../src/tenants/tenant-status.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { withClient } from '../support/database.ts';
import { fetchToken, send, startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { deleteEntry, sendBundle } from './bundle-requests.ts';
import { clientOf } from './clients.ts';
import { make } from './custom-parameters.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
let a: TestTenant;
let b: TestTenant;
beforeAll(async () => {
  server = await startTestServer();
  ({ a, b } = server);
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const parameters = (values: Readonly<Record<string, string>>): Parameters => ({
  resourceType: 'Parameters',
  parameter: Object.entries(values).map(
    ([name, value]): ParametersParameter => (name === 'hold' ? { name, valueId: value } : { name, valueString: value }),
  ),
});
const hold = (tenant: TestTenant, patient?: string, reason = 'Claim 7') =>
  tenant.request('POST', `${patient === undefined ? '' : `/Patient/${patient}`}/$legal-hold`, parameters({ reason }));
const release = (tenant: TestTenant, id: string) =>
  tenant.request('POST', '/$legal-hold-release', parameters({ hold: id, reason: 'Settled' }));

/** The parts of the only or first hold in an answer, by name. */
function partsOf(json: Parameters) {
  const [found] = json.parameter?.filter(({ name }) => name === 'hold') ?? [];
  return Object.fromEntries(
    (found?.part ?? []).map(({ name, valueReference, ...value }) => [
      name,
      valueReference?.reference ?? Object.values(value)[0],
    ]),
  );
}
const idOf = (json: Parameters) => String(partsOf(json).id);
const listed = async (tenant: TestTenant, path = '') =>
  ((await tenant.request('GET', `${path}/$legal-holds`)).json as Parameters).parameter ?? [];

describe('a held patient', () => {
  let patient: string;
  let other: string;
  let observation: string;
  let moved: string;
  let binary: string;
  let attached: string;
  let linked: string;
  let enlisted: string;
  let id: string;
  beforeAll(async () => {
    [patient, other] = [await make(a, { ...buildPatient() }), await make(a, { ...buildPatient() })];
    observation = await make(a, { ...buildObservation(`Patient/${patient}`) });
    moved = await make(a, { ...buildObservation(`Patient/${patient}`) });
    await a.request('PUT', `/Observation/${moved}`, { ...buildObservation(`Patient/${other}`), id: moved });
    const securityContext = { reference: `Observation/${observation}` };
    binary = await make(a, {
      resourceType: 'Binary',
      contentType: 'text/plain',
      data: 'eA==',
      securityContext,
    } as never);
    const content = { resourceType: 'Binary', contentType: 'text/plain', data: 'eA==' } as never;
    [attached, linked, enlisted] = [await make(a, content), await make(a, content), await make(a, content)];
    const subject = { reference: `Patient/${patient}` };
    await make(a, {
      ...{ resourceType: 'DocumentReference', status: 'current', subject },
      content: [`Binary/${attached}`, `${a.baseUrl}/Binary/${linked}`].map((url) => ({
        attachment: { contentType: 'text/plain', url },
      })),
    });
    await make(a, {
      ...{ resourceType: 'List', status: 'current', mode: 'working', subject },
      entry: [{ item: { reference: `Binary/${enlisted}` } }],
    });
    const answer = await hold(a, patient);
    expect(answer.status).toBe(200);
    id = idOf(answer.json);
  });

  test('is named with who, when and why, for this clinic alone', async () => {
    expect(partsOf((await a.request('GET', `/Patient/${patient}/$legal-holds`)).json)).toEqual({
      ...{ id, patient: `Patient/${patient}`, reason: 'Claim 7', level: 'clinic' },
      ...{ at: expect.stringMatching(/^\d{4}-.*Z$/), by: `Device/${a.clientId}` },
    });
    expect(await listed(a)).toHaveLength(1);
    expect(await listed(a, `/Patient/${other}`)).toEqual([]);
    expect(await listed(b)).toEqual([]);
  });

  const places = () => ({
    patient: `Patient/${patient}`,
    'what is about it': `Observation/${observation}`,
    'what was about it once': `Observation/${moved}`,
    'a content that is about it': `Binary/${binary}`,
    'what a document of it has attached': `Binary/${attached}`,
    'what a document of it links to': `Binary/${linked}`,
    'what a list of it refers to': `Binary/${enlisted}`,
  });

  test.each([
    ...(['patient', 'what is about it', 'what was about it once', 'a content that is about it'] as const),
    ...(['what a document of it has attached', 'what a document of it links to'] as const),
    ...(['what a list of it refers to'] as const),
  ])('is not deleted by any door: %s', async (name) => {
    const place = places()[name];
    const [type = '', key = ''] = place.split('/');
    expectRefusal(await a.request('DELETE', `/${place}`), 409);
    if (type !== 'Binary') expectRefusal(await a.request('DELETE', `/${type}?_id=${key}`), 409);
    const transaction = await sendBundle(a, 'transaction', [deleteEntry(place)]);
    expectRefusal(transaction, 409);
    const batch = await sendBundle(a, 'batch', [deleteEntry(place)]);
    expect(batch.json.entry[0].response.status).toMatch(/^409/);
    const refused = await a.request('DELETE', `/${place}`);
    expect(refused.json.issue[0].diagnostics).toContain(`Patient/${patient} is under legal hold`);
    expect((await a.request('GET', `/${place}`)).status).toBe(200);
  });

  test('one held among many keeps all of a conditional delete', async () => {
    const before = (await a.request('GET', '/Observation?_summary=count')).json.total;
    expectRefusal(await a.request('DELETE', `/Observation?subject=Patient/${patient},Patient/${other}`), 409);
    expect((await a.request('GET', '/Observation?_summary=count')).json.total).toBe(before);
  });

  test('may be written on, and others may be deleted', async () => {
    const body = { ...buildObservation(`Patient/${patient}`), id: observation };
    expect((await a.request('PUT', `/Observation/${observation}`, body)).status).toBe(200);
    const free = await make(a, { ...buildObservation(`Patient/${other}`) });
    expect((await a.request('DELETE', `/Observation/${free}`)).status).toBe(204);
  });

  test('the same id in another clinic is nobody who is held', async () => {
    await b.request('PUT', `/Patient/${patient}`, { ...buildPatient(), id: patient });
    expect((await b.request('DELETE', `/Patient/${patient}`)).status).toBe(204);
    expectRefusal(await release(b, id), 404);
  });

  test('stays held until the last hold is released; both acts are on record, and in no reach of the patient', async () => {
    const second = idOf((await hold(a, patient, 'Claim 8')).json);
    expect((await release(a, id)).status).toBe(200);
    expectRefusal(await a.request('DELETE', `/Observation/${moved}`), 409);
    expect((await release(a, second)).status).toBe(200);
    expectRefusal(await release(a, second), 404);
    for (const place of Object.values(places()).reverse())
      expect([place, (await a.request('DELETE', `/${place}`)).status]).toEqual([place, 204]);
    const events = async (query: string) =>
      ((await a.request('GET', `/AuditEvent?_sort=date&${query}`)).json as Bundle<AuditEvent>).entry ?? [];
    const found = await events('subtype=placeLegalHold,releaseLegalHold');
    expect(found.map(({ resource }) => resource?.subtype?.[0]?.code)).toEqual([
      ...['placeLegalHold', 'placeLegalHold', 'releaseLegalHold', 'releaseLegalHold'],
    ]);
    const [first, , third] = found.map(({ resource }) => resource?.entity?.[0]);
    expect(first).toMatchObject({
      what: { identifier: { value: `legal-holds/${id}` }, display: `Patient/${patient}` },
      detail: [{ type: 'reason', valueString: 'Claim 7' }],
    });
    expect(third?.detail?.[0]?.valueString).toBe('Settled');
    expect(await events(`subtype=placeLegalHold&patient=Patient/${patient}`)).toEqual([]);
  });
});

describe('who sets one', () => {
  test('is an administrator of the clinic, with a reason', async () => {
    const patient = await make(a, { ...buildPatient() });
    const client = await clientOf(server, a, 'system/*.cruds');
    for (const path of ['', `/Patient/${patient}`])
      expectRefusal(await client.request('POST', `${path}/$legal-hold`, parameters({ reason: 'x' })), 403);
    expectRefusal(await client.request('GET', '/$legal-holds'), 403);
    expectRefusal(
      await client.request('POST', '/$legal-hold-release', parameters({ hold: patient, reason: 'x' })),
      403,
    );
    expectRefusal(await a.request('POST', '/$legal-hold', parameters({})), 400);
    expectRefusal(await hold(a, patient, ' '), 400);
    expectRefusal(await hold(a, patient, 'x'.repeat(1_001)), 400);
    expectRefusal(await hold(a, 'nobody'), 404);
    expectRefusal(await a.request('GET', `/Patient/${patient}/$legal-hold`), 405);
    expect(await listed(a)).toEqual([]);
  });

  test('the reason stands encrypted', async () => {
    const id = idOf((await hold(a, undefined, 'Unsagbar')).json);
    const { rows } = await withClient(server.database.url, (client) =>
      client.query<{ row: string }>('SELECT legal_hold::text AS row FROM store.legal_hold'),
    );
    expect(rows.map(({ row }) => row).join()).not.toContain(Buffer.from('Unsagbar').toString('hex'));
    await release(a, id);
  });

  test('deletions that are under way are waited for, and none comes behind', async () => {
    const patient = await make(a, { ...buildPatient() });
    const ids = await Promise.all([1, 2, 3, 4, 5, 6].map(() => make(a, { ...buildObservation(`Patient/${patient}`) })));
    const [held, ...deleted] = await Promise.all([
      hold(a, patient),
      ...ids.map((one) => a.request('DELETE', `/Observation/${one}`)),
    ]);
    const heldAt = Date.parse(String(partsOf(held.json).at));
    const { rows } = await withClient(server.database.url, (client) =>
      client.query<{ id: string }>(
        "SELECT id FROM store.resource WHERE type = 'Observation' AND deleted AND id = ANY($1)",
        [ids],
      ),
    );
    expect(heldAt).toBeGreaterThan(0);
    expect(deleted.filter(({ status }) => status === 204)).toHaveLength(rows.length);
    for (const { status } of deleted) expect([204, 409]).toContain(status);
    await release(a, idOf(held.json));
  });
});

describe('an administrator of the system', () => {
  test('holds a tenant or one of its patients, and releases also what the clinic has set', async () => {
    const { clientId, clientSecret } = await createSystemClient({ ...server.app.doors, ...server.app }, 'Officer');
    const token = await fetchToken(server.origin, 'system', clientId, clientSecret);
    const admin = (method: string, path: string, body?: object) =>
      send(`${server.origin}/admin/tenants${path}`, method, body, {
        Authorization: `Bearer ${token}`,
        ...(body && { 'Content-Type': 'application/json' }),
      });
    const patient = await make(a, { ...buildPatient() });
    const placed = await admin('POST', `/${a.name}/legal-holds`, { patient, reason: 'Order of the court' });
    expect([placed.status, placed.json]).toEqual([
      201,
      {
        ...{ id: expect.any(String), patient, reason: 'Order of the court', level: 'system' },
        ...{ heldAt: expect.any(String), heldBy: `system administrator ${clientId}` },
      },
    ]);
    expectRefusal(await a.request('DELETE', `/Patient/${patient}`), 409);
    expectRefusal(await release(a, placed.json.id), 403);
    const own = idOf((await hold(a, patient)).json);
    const { holds } = (await admin('GET', `/${a.name}/legal-holds`)).json;
    expect(holds.map(({ id }: { id: string }) => id).sort()).toEqual([own, placed.json.id].sort());
    expect((await admin('GET', `/${b.name}/legal-holds`)).json).toEqual({ holds: [] });
    expect((await admin('DELETE', `/${b.name}/legal-holds/${own}`)).status).toBe(404);
    for (const id of [own, placed.json.id])
      expect((await admin('DELETE', `/${a.name}/legal-holds/${id}`)).status).toBe(204);
    expect((await admin('DELETE', `/${a.name}/legal-holds/${own}`)).status).toBe(404);
    expect((await a.request('DELETE', `/Patient/${patient}`)).status).toBe(204);
    for (const body of [{ patient }, { reason: '' }, { reason: 'x', patient: '/' }, { reason: 'x', patient: 'nobody' }])
      expect([400, 404, 422]).toContain((await admin('POST', `/${a.name}/legal-holds`, body)).status);
    expect((await admin('POST', '/none/legal-holds', { reason: 'x' })).status).toBe(404);
    const told = await a.request('GET', `/AuditEvent?subtype=placeLegalHold&_sort=-date&_count=2`);
    const events = (told.json as Bundle<AuditEvent>).entry?.map(({ resource }) => resource?.agent[0]?.who) ?? [];
    // By name: the Device of that client is none of this tenant.
    expect(events).toContainEqual({ display: 'Officer' });
  });
});

describe('a held clinic', () => {
  test('keeps all of its patients, and cannot be shredded; what is about nobody may go', async () => {
    const patient = await make(b, { ...buildPatient() });
    const basic = await make(b, { resourceType: 'Basic', code: { text: 'x' } } as never);
    const { json } = await hold(b);
    expect(partsOf(json)).not.toHaveProperty('patient');
    expectRefusal(await b.request('DELETE', `/Patient/${patient}`), 409);
    expect((await b.request('DELETE', `/Basic/${basic}`)).status).toBe(204);
    expect((await a.request('DELETE', `/Patient/${await make(a, { ...buildPatient() })}`)).status).toBe(204);
    const { systemDoor } = server.app.doors;
    await suspendTenant(systemDoor, b.name);
    await expect(shredTenant(systemDoor, b.name)).rejects.toThrow('under legal hold');
    await expect(
      withClient(server.database.url, (client) => client.query('SELECT system.shred_tenant($1)', [b.name])),
    ).rejects.toThrow('under legal hold');
  });
});

test("the operator's own hold is kept from the servers' role", async () => {
  const { tenantDoor } = server.app.doors;
  await withClient(server.database.url, (client) =>
    client.query("INSERT INTO store.legal_hold (tenant_id, held_by, level) VALUES ($1, $2, 'operator')", [
      a.id,
      'operator@host',
    ]),
  );
  const patient = await make(a, { ...buildPatient() });
  expectRefusal(await a.request('DELETE', `/Patient/${patient}`), 409);
  expect(partsOf({ resourceType: 'Parameters', parameter: await listed(a) })).toMatchObject({ level: 'operator' });
  expectRefusal(await release(a, idOf({ resourceType: 'Parameters', parameter: await listed(a) })), 403);
  for (const text of [
    'DELETE FROM legal_hold',
    "UPDATE legal_hold SET reason = 'x'",
    "INSERT INTO legal_hold (held_by, level) VALUES ('x', 'operator')",
  ]) {
    await expect(tenantDoor(a.id, async (trx) => trx.execute({ text }))).rejects.toThrow("operator's");
  }
  // Another clinic's is not there for it.
  await tenantDoor(b.id, async (trx) => trx.execute({ text: "DELETE FROM legal_hold WHERE level = 'operator'" }));
  expect(await listed(a)).toHaveLength(1);
});
