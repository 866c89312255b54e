// The operations $reindex and $reindex-status index resources again in the background and tell how far that is:
// https://hl7.org/fhir/R4/operations.html

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { startApp } from '../../src/app.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { withClient } from '../support/database.ts';
import { startTestServer, type TestServer, type TestTenant, testConfig } from '../support/server.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { holdTransaction, idsFound, isIndexed, make, statusOf } from './custom-parameters.ts';

let server: TestServer;
let a: TestTenant;
let b: TestTenant;
beforeAll(async () => {
  server = await startTestServer();
  ({ a, b } = server);
});
afterAll(() => server.close());

/** Two of them make a body that is stored outside the row. */
const longText = { url: 'http://example.org/text', valueString: 'x'.repeat(600_000) };

const reindex = (tenant: TestTenant, ...types: string[]) =>
  tenant.request('POST', '/$reindex', {
    resourceType: 'Parameters',
    ...(types.length > 0 && { parameter: types.map((type) => ({ name: 'type', valueCode: type })) }),
  });

/** As if another version of the code had indexed them: nothing finds them. */
async function forgetIndex(tenant: TestTenant): Promise<void> {
  await server.app.doors.tenantDoor(tenant.id, async (trx) => {
    trx.execute({ text: "UPDATE resource SET tokens = '{}', count_class = NULL" });
    for (const table of ['reference', 'date_value', 'range_value']) trx.execute({ text: `DELETE FROM ${table}` });
  });
}

const rowsOf = (tenant: TestTenant, columns: string, table: string) =>
  server.app.doors.tenantDoor(tenant.id, (trx) =>
    trx.query({ text: `SELECT ${columns} FROM ${table} ORDER BY ${columns}` }),
  );

/** All that searches read of a tenant, and what says that a resource has changed. */
async function indexOf(tenant: TestTenant) {
  const arrays =
    'type, id, version_id, last_updated, tx::text, count_class, ARRAY(SELECT unnest(tokens) ORDER BY 1)::text AS tokens';
  return [
    await server.app.doors.tenantDoor(tenant.id, (trx) =>
      trx.query({ text: `SELECT ${arrays} FROM resource ORDER BY type, id` }),
    ),
    await rowsOf(tenant, 'source_type, source_id, parameter, target_type, target_id', 'reference'),
    await rowsOf(tenant, 'type, id, parameter, low, high', 'date_value'),
    await rowsOf(tenant, 'type, id, parameter, unit, low, high', 'range_value'),
  ];
}

describe('$reindex', () => {
  test('stores exactly what a write stores, for resources of every kind, deleted ones too', async () => {
    for (const tenant of [a, b]) {
      const patient = await make(tenant, { ...buildPatient() });
      await make(tenant, { ...buildObservation(`Patient/${patient}`) });
      const weight = { value: 80, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' };
      const gone = await make(tenant, { ...buildObservation(`Patient/${patient}`), valueQuantity: weight });
      await tenant.request('DELETE', `/Observation/${gone}`);
      await make(tenant, {
        resourceType: 'Binary',
        contentType: 'text/plain',
        data: 'eA==',
        meta: { tag: [{ code: 't' }] },
      });
      await make(tenant, { ...buildPatient({ extension: [longText, longText] }) });
    }
    const [ofA, ofB] = [await indexOf(a), await indexOf(b)];
    await forgetIndex(a);
    await forgetIndex(b);
    const forgotten = await indexOf(b);
    expect(await idsFound(a, '/Patient?family=Muster')).toEqual([]);
    expect((await reindex(a)).json.parameter[0].name).toBe('run');
    await isIndexed(a);
    expect(await indexOf(a)).toEqual(ofA);
    expect(await indexOf(b)).toEqual(forgotten);
    expect((await reindex(b, 'Patient')).status).toBe(200);
    await isIndexed(b);
    expect(await idsFound(b, '/Patient?family=Muster')).toHaveLength(2);
    expect(await idsFound(b, '/Observation?code=8867-4')).toEqual([]);
    expect((await reindex(b, 'Observation', 'Binary')).status).toBe(200);
    await isIndexed(b);
    expect(await indexOf(b)).toEqual(ofB);
  });

  test('writes no row that is as it should be', async () => {
    const transactions = () =>
      withClient(server.database.url, async (client) => {
        const tables = ['resource', 'reference', 'date_value', 'range_value'];
        const texts = tables.map((table) => `SELECT '${table}', xmin::text, ctid::text FROM store.${table}`);
        return (await client.query({ text: `${texts.join(' UNION ALL ')} ORDER BY 1, 2, 3`, rowMode: 'array' })).rows;
      });
    const before = await transactions();
    await reindex(a);
    await isIndexed(a);
    expect(await transactions()).toEqual(before);
  });

  test('asked for again while it waits is one run with all the types', async () => {
    const held = await holdTransaction(server, a);
    const first = await reindex(a, 'Slot');
    const second = await reindex(a, 'Patient');
    expect(second.json.parameter[0].valueId).toBe(first.json.parameter[0].valueId);
    const [run] = await statusOf(a, 'run');
    expect(run).toMatchObject({ id: first.json.parameter[0].valueId, reason: 'request', state: 'waiting', done: 0 });
    await held.end();
    await isIndexed(a);
    const [done] = await statusOf(a, 'run');
    expect(done).toMatchObject({ id: run?.id, state: 'done', done: 2, total: 2, finished: expect.any(String) });
  });

  test('of what is no type that is indexed again is refused', async () => {
    for (const type of ['AuditEvent', 'Patients', '']) expect((await reindex(a, type)).status).toBe(400);
    expect((await a.request('POST', '/Patient/$reindex', { resourceType: 'Parameters' })).status).toBe(404);
    expect((await a.request('GET', '/$reindex')).status).toBe(405);
  });
});

test('a tenant that older code has indexed is indexed again when a worker starts, and only that one', async () => {
  await forgetIndex(a);
  await forgetIndex(b);
  await server.app.doors.tenantDoor(a.id, async (trx) =>
    trx.execute({ text: 'UPDATE search_index SET generation = 0' }),
  );
  const runsOfB = await statusOf(b, 'run');
  const worker = await startApp({
    config: testConfig(makeTemporaryFolder(), 0),
    databaseUrl: server.database.url,
    does: { api: false, jobs: true },
    onFatal: () => undefined,
    log: pino({ level: 'silent' }),
  });
  while ((await statusOf(a, 'run'))[0]?.reason !== 'generation') await delay(20);
  await isIndexed(a);
  await worker.close();
  expect(await idsFound(a, '/Patient?family=Muster')).not.toEqual([]);
  expect(await statusOf(b, 'run')).toEqual(runsOfB);
  const generations = await rowsOf(a, 'generation', 'search_index');
  expect(generations).toEqual(await rowsOf(b, 'generation', 'search_index'));
});
