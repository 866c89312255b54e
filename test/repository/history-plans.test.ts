// The first and every further page of a history is read along indexes, however much history there is (architecture.md, Search).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Statement } from '../../src/database/statement.ts';
import { auditEventSource } from '../../src/repository/history-audit-event.ts';
import type { HistoryPosition, HistoryRequest } from '../../src/repository/history-source.ts';
import { versionWalk } from '../../src/repository/history-walk.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';

const limit = 51;
const types = ['Appointment', 'Encounter', 'Observation', 'Patient'];
const middleMs = Date.UTC(2026, 10, 10);

let tenants: TwoTenants;
/** For each tenant 20,000 versions in three months: 8,000 current ones, each replaced at most twice. */
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    for (const month of ['2026_09', '2026_10', '2026_11']) {
      const from = `${month.replace('_', '-')}-01Z`;
      await client.query(`CREATE TABLE IF NOT EXISTS store.history_${month} PARTITION OF store.history
        FOR VALUES FROM ('${from}') TO ('${from}'::timestamptz + interval '1 month')`);
    }
    for (const tenant of [tenants.a, tenants.b]) {
      await client.query(`
        INSERT INTO store.history (tenant_id, type, id, version_id, last_updated, deleted, content)
        SELECT ${tenant}, (ARRAY['${types.join("','")}'])[n % 4 + 1], 'r' || n % 8000, n / 8000 + 1,
          '2026-09-01Z'::timestamptz + n * interval '9 min', false, '\\x00'
        FROM generate_series(1, 12000) AS n;
        INSERT INTO store.resource (tenant_id, type, id, version_id, last_updated, deleted, content, tokens)
        SELECT ${tenant}, (ARRAY['${types.join("','")}'])[n % 4 + 1], 'r' || n, 3,
          '2026-10-20Z'::timestamptz + n * interval '5 min', n % 10 = 0, '\\x00', '{}'
        FROM generate_series(1, 8000) AS n;
        INSERT INTO store.audit_event (tenant_id, id, last_updated, content, tokens)
        SELECT ${tenant}, 'r' || n, date_trunc('month', now()) + n * interval '1 s', '\\x00', '{}'
        FROM generate_series(1, 20000) AS n`);
    }
    await client.query('ANALYZE store.resource, store.history, store.audit_event');
  });
});
afterAll(() => tenants.close());

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

/** All steps that read a table, as they ran in sight of tenant A. */
async function scansOf(statement: Statement): Promise<Plan[]> {
  const text = `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${statement.text}`;
  const rows = await tenants.tenantDoor(tenants.a, (trx) =>
    trx.query<{ 'QUERY PLAN': readonly [{ Plan: Plan }] }>({ ...statement, text }),
  );
  const scans: Plan[] = [];
  const collect = (plan: Plan) => {
    if (plan['Relation Name']) scans.push(plan);
    plan.Plans?.forEach(collect);
  };
  for (const row of rows) for (const { Plan } of row['QUERY PLAN']) collect(Plan);
  return scans;
}

/** A row that a step reads and throws away counts as one it reads. */
function rowsRead(scans: readonly Plan[]): number {
  return scans.reduce(
    (sum, scan) => sum + (scan['Actual Rows'] + (scan['Rows Removed by Filter'] ?? 0)) * scan['Actual Loops'],
    0,
  );
}

const everything: HistoryRequest = { type: '', id: '', count: limit - 1 };
const position: HistoryPosition = { lastUpdatedMs: middleMs, type: 'Encounter', id: 'r100', versionId: 1 };
const ofPatient = { ...position, type: 'Patient' };
/** Of AuditEvents, which are of this month. */
const today = new Date();
const inMonth = {
  ...position,
  type: 'AuditEvent',
  lastUpdatedMs: Date.UTC(today.getUTCFullYear(), today.getUTCMonth()) + 10_000_000,
};
const at = { low: middleMs, high: middleMs + 1_000 };
const walk = (request: HistoryRequest, some?: readonly string[]) =>
  versionWalk(request, { types: some, totalMax: 1_000 });

describe('of 20,000 versions', () => {
  // A page of each type from both tables, and a row of each type to know it.
  const perType = 2 * limit + 2;

  test.each<[string, number, () => Statement]>([
    ['the first page of a type', perType, () => walk(everything, ['Patient']).page(limit)],
    ['a later page of a type', perType, () => walk(everything, ['Patient']).page(limit, ofPatient)],
    [
      'a page of a type with _since',
      perType,
      () => walk({ ...everything, sinceMs: middleMs }, ['Patient']).page(limit),
    ],
    ['the first page of the system', 5 * perType, () => walk(everything).page(limit)],
    ['a later page of the system', 5 * perType, () => walk(everything).page(limit, position)],
    ['the system for two types', 2 * perType, () => walk(everything, ['Patient', 'Encounter']).page(limit)],
    // The planner cannot tell how much lies below bounds of many types, and may sort the whole span of time.
    ['a page of the system with _since', 1_600, () => walk({ ...everything, sinceMs: middleMs }).page(limit)],
    ['the total of the system', 3_000, () => walk(everything).count(1_000)],
    ['the total of a type', 1_001, () => walk(everything, ['Patient']).count(1_000)],
    // What is looked at comes from both tables, with what replaced it.
    ['what was current in a type', 4_000, () => walk({ ...everything, at }, ['Patient']).page(limit)],
    ['the first page of AuditEvents', limit, () => auditEventSource(everything, 1_000).page(limit)],
    ['a later page of AuditEvents', limit, () => auditEventSource(everything, 1_000).page(limit, inMonth)],
    ['the total of AuditEvents', 1_001, () => auditEventSource(everything, 1_000).count(1_000)],
  ])('%s reads %d rows at most, along indexes', async (_, rowsMax, statement) => {
    const scans = await scansOf(statement());
    // The partitions of months to come are empty, and an empty table is read through at once.
    expect(rowsRead(scans.filter((scan) => scan['Node Type'] === 'Seq Scan'))).toBe(0);
    expect(rowsRead(scans)).toBeLessThanOrEqual(rowsMax);
    expect(rowsRead(scans)).toBeGreaterThan(0);
  });

  test('a type would be read through without the index on time', async () => {
    await withClient(tenants.url, (client) => client.query('DROP INDEX store.history_last_updated'));
    const scans = await scansOf(walk(everything, ['Patient']).page(limit));
    expect(rowsRead(scans)).toBeGreaterThan(2_000);
  });
});
