// What overload turns away is on record by its number, each tenant's in its own log: security.md 122, fault 32

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AuditEvent, BundleEntry } from '@medplum/fhirtypes';
import { createAccessTrail } from '../../../src/audit/trail/access-trail.ts';
import { createTurnedAway } from '../../../src/http/turned-away.ts';
import { createTenantRegistry } from '../../../src/tenants/registry.ts';
import { until } from '../../jobs/job-bed.ts';
import { startTestServer, type TestServer, type TestTenant } from '../../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

function noError(error: unknown): void {
  throw error;
}

const at = new Date();
const away = '/AuditEvent?outcome=8&action=E';

async function eventsOf(tenant: TestTenant): Promise<AuditEvent[]> {
  const { json } = await tenant.request('GET', away);
  return (json.entry ?? []).map(({ resource }: BundleEntry) => resource as AuditEvent);
}

function tenantsOf(tenants: readonly TestTenant[], met: readonly TestTenant[] = []) {
  const find = (of: string) =>
    tenants.map(({ id, name }) => ({ id, name, display: name })).find(({ name }) => name === of);
  return { find, hasMet: (of: string) => met.some(({ name }) => name === of) };
}

const numbersIn = (events: readonly AuditEvent[]) =>
  events.map(({ period, entity }) => [period?.start, entity?.[0]?.detail?.[0]?.valueString]);

test('one AuditEvent says how many of a tenant’s since when, in no other’s log; names that are nobody’s are dropped', async () => {
  const { a, b, app } = server;
  const trail = createAccessTrail({ repository: app.repository, pool: app.doors.trailPool, onError: noError });
  const recorded: number[] = [];
  let isFull = true;
  const counting = createTurnedAway({
    trail: {
      async record(tenantId, facts) {
        // The first time there is no room for it either.
        if (isFull) throw new Error('Too many.');
        recorded.push(tenantId);
        await trail.record(tenantId, facts);
      },
    },
    tenants: tenantsOf([a, b]),
    now: () => at,
  });
  for (const name of [a.name, b.name, a.name, 'nobody', 'x'.repeat(64), a.name]) counting.count(name);
  await counting.close();
  expect(recorded).toEqual([]);
  isFull = false;
  counting.count(a.name);
  await counting.close();
  expect(recorded).toEqual([a.id, b.id]);
  await until(async () => (await eventsOf(b)).length > 0 && (await eventsOf(a)).length > 0);
  expect(numbersIn(await eventsOf(a))).toEqual([[at.toISOString(), '4']]);
  expect(numbersIn(await eventsOf(b))).toEqual([[at.toISOString(), '1']]);
  expect((await eventsOf(a))[0]).toMatchObject({
    meta: { profile: ['https://hpms.example/fhir/StructureDefinition/hpms-audit-overload'] },
    ...{ outcome: '8', outcomeDesc: 'throttled', recorded: at.toISOString() },
  });
  await trail.close();
});

test('a name is met when its tenant was found', async () => {
  const registry = createTenantRegistry(server.app.doors.systemDoor);
  for (const name of [server.a.name, 'nobody']) {
    expect(registry.hasMet(name)).toBe(false);
    await registry.find(name);
  }
  registry.forget();
  expect([server.a.name, server.b.name, 'nobody'].map(registry.hasMet)).toEqual([true, false, false]);
});

test('names that are nobody’s take no clinic’s place that was there before', async () => {
  const { a, b } = server;
  const recorded: number[] = [];
  const counting = createTurnedAway({
    trail: { record: async (tenantId) => void recorded.push(tenantId) },
    tenants: tenantsOf([a, b], [a]),
    now: () => at,
  });
  for (let n = 0; n < 2_000; n++) counting.count(`nobody-${n}`);
  for (const { name } of [a, b]) counting.count(name);
  await counting.close();
  expect(recorded).toEqual([a.id]);
  // The next few seconds have room for others again.
  counting.count(b.name);
  await counting.close();
  expect(recorded).toEqual([a.id, b.id]);
});
