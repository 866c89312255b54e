// Totals of searches by bound codes come from counters, exact whatever becomes of the resources: https://hl7.org/fhir/R4/search.html#total

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceRequest } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { foldCounts } from '../../src/jobs/fold-counts.ts';
import { withClient } from '../support/database.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { postEntry, sendBundle } from './bundle-requests.ts';
import { isIndexed } from './custom-parameters.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const priorities = ['routine', 'urgent', 'asap', undefined] as const;
const statuses = ['draft', 'active', 'completed'] as const;
const searches = [
  ...['status=active', 'status=active,draft', 'status:not=active', 'priority:missing=true', 'priority=routine,stat'],
  ...['status=completed&priority:not=urgent', 'priority=http://hl7.org/fhir/request-priority|asap&status=draft'],
];

function order(status: string, priority: string | undefined): ServiceRequest {
  const base = { resourceType: 'ServiceRequest', intent: 'order', subject: { reference: 'Patient/1' } } as const;
  return { ...base, status, ...(priority && { priority }) } as ServiceRequest;
}

async function totalOf(tenant: TestTenant, search: string, type = 'ServiceRequest'): Promise<number> {
  const answers = await Promise.all(
    ['_total=accurate&_count=1', '_summary=count'].map((asked) => tenant.request('GET', `/${type}?${search}&${asked}`)),
  );
  const totals = new Set(answers.map(({ json }) => json.total as number));
  expect(totals.size).toBe(1);
  expect(answers.every(({ json }) => json._total === undefined)).toBe(true);
  return [...totals][0] as number;
}

/** By what is on the pages, which no counter knows. */
async function listed(tenant: TestTenant, search: string): Promise<number> {
  const { json } = await tenant.request('GET', `/ServiceRequest?${search}&_total=none&_count=1000`);
  return (json.entry ?? []).length;
}

async function expectExact(tenant: TestTenant): Promise<void> {
  for (const search of searches)
    expect([search, await totalOf(tenant, search)]).toEqual([search, await listed(tenant, search)]);
}

const within = (tenant: TestTenant, text: string) =>
  server.app.doors.tenantDoor(tenant.id, (trx) => trx.query<{ n: number }>({ text }));

/** Tells by the way what the totals come from: it is the counters of the one class that say more than there is. */
async function withFalseCounter<T>(tenant: TestTenant, work: () => Promise<T>): Promise<T> {
  const say = (amount: number) =>
    withClient(server.database.url, (client) =>
      client.query(
        `UPDATE store.type_count SET amount = amount + $1 WHERE (tenant_id, type, id) IN (
           SELECT tenant_id, type, max(id) FROM store.type_count WHERE tenant_id = $2 AND type = 'ServiceRequest'
             AND count_class IS NOT NULL GROUP BY tenant_id, type)`,
        [amount, tenant.id],
      ),
    );
  await say(muchMore);
  try {
    return await work();
  } finally {
    await say(-muchMore);
  }
}

const isCounted = (tenant: TestTenant) =>
  withFalseCounter(tenant, async () => {
    const all = await tenant.request('GET', `/ServiceRequest?status=${statuses.join()}&_summary=count`);
    return all.json.total >= muchMore;
  });

interface Change {
  readonly n: number;
  readonly status: string;
  readonly priority: string | undefined;
  readonly isDeletion: boolean;
}

/** More than there ever are. */
const muchMore = 100_000;

describe('totals of searches by bound codes', () => {
  test('are exact after any creations, changes, deletions and returns, while the counts are folded', async () => {
    const change = fc.record({
      n: fc.nat(11),
      status: fc.constantFrom(...statuses),
      priority: fc.constantFrom(...priorities),
      isDeletion: fc.boolean(),
    });
    const apply = async ({ n, status, priority, isDeletion }: Change) => {
      const path = `/ServiceRequest/counted-${n}`;
      const body = { ...order(status, priority), id: `counted-${n}` };
      const answer = await (isDeletion ? server.a.request('DELETE', path) : server.a.request('PUT', path, body));
      // Of those at the same moment one may win.
      expect([200, 201, 204, 409, 412]).toContain(answer.status);
    };
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 5, maxLength: 25 }), async (changes) => {
        await Promise.all([...changes.map(apply), foldCounts(server.app.doors.systemDoor)]);
        await expectExact(server.a);
        await foldCounts(server.app.doors.systemDoor);
        await expectExact(server.a);
      }),
      { seed: 20_261_124, numRuns: 8 },
    );
    expect(await isCounted(server.a)).toBe(true);
    expect(await totalOf(server.b, 'status=draft,active,completed')).toBe(0);
  });

  test('are exact and unmarked, whatever the counters of another tenant say', async () => {
    await sendBundle(
      server.b,
      'transaction',
      Array.from({ length: 990 }, (_, n) => postEntry(order(n % 11 === 0 ? 'draft' : 'active', priorities[n % 4]))),
    );
    const { json } = await server.b.request('GET', '/ServiceRequest?status=active&_count=2');
    expect([json.total, json._total]).toEqual([900, undefined]);
    await withFalseCounter(server.a, () => expectExact(server.b));
  });

  test('count one by one what an earlier version stored, until it is indexed again', async () => {
    await within(
      server.b,
      "UPDATE resource SET count_class = NULL WHERE id = (SELECT min(id) FROM resource WHERE type = 'ServiceRequest')",
    );
    expect(await isCounted(server.b)).toBe(false);
    await expectExact(server.b);
    await server.b.request('POST', '/$reindex', { resourceType: 'Parameters' });
    await isIndexed(server.b);
    expect(await isCounted(server.b)).toBe(true);
    await expectExact(server.b);
  });

  test('do not tell of what the caller may not see', async () => {
    const [row] = await within(
      server.b,
      "SELECT count(*)::int AS n FROM resource WHERE type = 'ServiceRequest' AND NOT deleted",
    );
    expect(row?.n).toBe(990);
    for (const id of ['1', '2']) await server.b.request('PUT', `/Patient/${id}`, { resourceType: 'Patient', id });
    const scoped = await server.b.request('GET', '/ServiceRequest?status=active&subject=Patient/2&_summary=count');
    expect(scoped.json.total).toBe(0);
    const { json } = await server.b.request('GET', '/Patient/1/ServiceRequest?status=active&_summary=count');
    expect(json.total).toBe(900);
    const other = await server.b.request('GET', '/Patient/2/ServiceRequest?status=active&_summary=count');
    expect(other.json.total).toBe(0);
  });
});
