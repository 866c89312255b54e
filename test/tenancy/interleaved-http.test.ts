// Two tenants with the same ids under one load over HTTP, a third of it refused: every answer is of the own tenant: security.md 20

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { getEntry, postEntry, putEntry, sendBundle } from '../api/bundle-requests.ts';
import { expectNoFailure } from '../api/refusals.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer, type TestTenant } from '../support/server.ts';

const seed = 20_261_120;
const count = 1_500;
const concurrency = 32;
const ids = ['one', 'two', 'three', 'four'];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  for (const id of ids) for (const tenant of [server.a, server.b]) await put(tenant, id);
});
afterAll(() => server.close());

/** The word that marks a tenant's data. */
const markOf = ({ name }: TestTenant) => (name === 'clinic-a' ? 'Alpenblick' : 'Bergheim');
/** Not that of the role `clinic-admin`. */
const nameOf = ({ name }: TestTenant) => new RegExp(`\\b${name}\\b(?!-)`);
const patientOf = (tenant: TestTenant, id: string) => ({ ...buildPatient({ name: [{ family: markOf(tenant) }] }), id });
const put = (tenant: TestTenant, id: string) => tenant.request('PUT', `/Patient/${id}`, patientOf(tenant, id));

const calls: readonly ((tenant: TestTenant, id: string) => Promise<TestResponse>)[] = [
  put,
  (tenant, id) => tenant.request('GET', `/Patient/${id}`),
  (tenant, id) => tenant.request('GET', `/Patient/${id}/_history?_count=3`),
  (tenant) => tenant.request('GET', `/Patient?family=${markOf(tenant)}&_count=5`),
  (tenant) => tenant.request('GET', '/Patient?_sort=-_lastUpdated&_count=5'),
  (tenant, id) => tenant.request('GET', `/Observation?subject=Patient/${id}&_include=*&_count=3`),
  (tenant, id) => tenant.request('GET', `/AuditEvent?entity=Patient/${id}&_count=3`),
  (tenant, id) => tenant.request('POST', '/Observation', buildObservation(`Patient/${id}`)),
  (tenant, id) =>
    sendBundle(tenant, 'batch', [getEntry(`Patient/${id}`), getEntry('Patient/none'), putEntry(patientOf(tenant, id))]),
  // Those that fail, before, in and after their statements.
  (tenant, id) => tenant.request('PUT', `/Patient/${id}`, patientOf(tenant, id), { 'If-Match': 'W/"99999"' }),
  (tenant, id) => tenant.request('PUT', `/Patient/${id}`, { ...patientOf(tenant, id), gender: 'x' }),
  (tenant, id) => sendBundle(tenant, 'transaction', [postEntry(patientOf(tenant, id)), getEntry('Patient/none')]),
  (tenant) => tenant.request('POST', '/Patient', '{'),
  (tenant) => tenant.request('GET', '/Patient/none'),
];

test(`${count} calls, ${concurrency} at a time (seed ${seed})`, async () => {
  const foreign: string[] = [];
  const statuses = new Map<number, number>();
  const call = fc.record({ isA: fc.boolean(), which: fc.nat(calls.length - 1), id: fc.constantFrom(...ids) });
  const queue = fc.sample(call, { numRuns: count, seed }).values();
  const walk = async () => {
    for (const { isA, which, id } of queue) {
      const [own, other] = isA ? [server.a, server.b] : [server.b, server.a];
      const answer = await (calls[which] as (typeof calls)[number])(own, id);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.text.includes(markOf(other)) || nameOf(other).test(answer.text)) foreign.push(`${own.name} ${which}`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, walk));
  expect(foreign).toEqual([]);
  expect([...statuses.keys()].filter((status) => ![200, 201, 400, 404, 409, 412, 422].includes(status))).toEqual([]);
  expect(statuses.get(200)).toBeGreaterThan(count / 3);
  expectNoFailure(server.logLines);
}, 120_000);
