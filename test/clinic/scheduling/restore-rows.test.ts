// Hours, places and leave that were stored before there were rows of them come back with the next run of the reindex, as they are:
// no new version, and nothing of another clinic (README, Decisions).

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Location, Schedule, Slot } from '@medplum/fhirtypes';
import { pino } from 'pino';
import { startApp } from '../../../src/app.ts';
import { runSql } from '../../jobs/job-bed.ts';
import {
  buildAppointment,
  buildLocation,
  buildPractitioner,
  buildSchedule,
  buildSlot,
} from '../../support/builders.ts';
import { startTestServer, type TestServer, type TestTenant, testConfig } from '../../support/server.ts';
import { makeTemporaryFolder } from '../../support/temporary-folder.ts';
import { hoursExtension } from './office.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const tables = ['place', 'schedule_actor', 'leave'] as const;

const rowsOf = (tenantId: number) =>
  Promise.all(
    tables.map((table) =>
      runSql(server.database.url, `SELECT to_jsonb(r) AS row FROM store.${table} r WHERE tenant_id = $1 ORDER BY 1`, [
        tenantId,
      ]),
    ),
  );

async function create(tenant: TestTenant, resource: object & { resourceType: string }): Promise<string> {
  const { status, json } = await tenant.request('POST', `/${resource.resourceType}`, resource);
  expect(status).toBe(201);
  return json.id;
}

/** A room in a zone, a practitioner with hours in it, and a leave. */
async function furnish(tenant: TestTenant): Promise<{ readonly practitioner: string; readonly ids: string[] }> {
  const timezone = { url: 'http://hl7.org/fhir/StructureDefinition/timezone', valueCode: 'Europe/Berlin' };
  const room: Location = {
    ...buildLocation({ extension: [timezone] }),
    physicalType: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/location-physical-type', code: 'ro' }],
    },
  };
  const location = await create(tenant, room);
  const practitioner = `Practitioner/${await create(tenant, buildPractitioner())}`;
  const hours: Schedule = buildSchedule(practitioner, {
    actor: [{ reference: practitioner }, { reference: `Location/${location}` }],
    extension: [hoursExtension({ timezone: undefined })],
  });
  const schedule = await create(tenant, hours);
  const leave: Slot = buildSlot(`Schedule/${schedule}`, { status: 'busy-unavailable' });
  const slot = await create(tenant, leave);
  const free = await create(tenant, buildSlot(`Schedule/${schedule}`, { status: 'free' }));
  return {
    practitioner,
    ids: [`Location/${location}`, `Schedule/${schedule}`, `Slot/${slot}`, `Slot/${free}`],
  };
}

const versionsOf = (tenant: TestTenant, ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await tenant.request('GET', `/${id}`)).json.meta.versionId));

test('as an older server has left it: a run of a new generation writes the rows again', async () => {
  const { practitioner, ids } = await furnish(server.a);
  await furnish(server.b);
  const [ofA, ofB] = [await rowsOf(server.a.id), await rowsOf(server.b.id)];
  expect(ofA.every((rows) => rows.length > 0)).toBe(true);
  for (const table of tables) {
    await runSql(server.database.url, `DELETE FROM store.${table} WHERE tenant_id = $1`, [server.a.id]);
  }
  const visit = buildAppointment('Patient/x', practitioner);
  expect((await server.a.request('POST', '/Appointment', visit)).status).toBe(201);
  await runSql(server.database.url, 'UPDATE store.search_index SET generation = 0 WHERE tenant_id = $1', [server.a.id]);
  const worker = await startApp({
    config: testConfig(makeTemporaryFolder(), 0),
    databaseUrl: server.database.url,
    does: { api: false, jobs: true },
    onFatal: () => undefined,
    log: pino({ level: 'silent' }),
  });
  while ((await rowsOf(server.a.id)).some((rows, index) => rows.length !== ofA[index]?.length)) await delay(50);
  await worker.close();
  expect([await rowsOf(server.a.id), await rowsOf(server.b.id)]).toEqual([ofA, ofB]);
  expect(await versionsOf(server.a, ids)).toEqual(['1', '1', '1', '1']);
  const later = { ...visit, start: '2026-11-23T09:10:00Z', end: '2026-11-23T09:20:00Z' };
  expect((await server.a.request('POST', '/Appointment', later)).status).toBe(409);
}, 60_000);
