// What each shape of search reads among a million resources, under every kind of plan (architecture.md, Search). With
// PLAN_REPORT=file the table of readings is written there.

import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { connectionSettings } from '../../src/database/pool.ts';
import { versionWalk } from '../../src/repository/history-walk.ts';
import { parseCompartmentSearch } from '../../src/search/compartment-query.ts';
import { runCompartmentSearch } from '../../src/search/compartment-search.ts';
import { memberStatement } from '../../src/search/compile/members.ts';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import { runSearch, type SearchAccess } from '../../src/search/run-search.ts';
import { parseSystemSearch } from '../../src/search/system-query.ts';
import { runSystemSearch } from '../../src/search/system-search.ts';
import { sampleTokens } from '../../src/search/token-sample.ts';
import { testRootKey, withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { baseUrl, definitions, now, parse } from './evaluate.ts';
import { countsAt, type Kind, storedAt } from './plan-clinic.ts';
import { loadPlanClinic } from './plan-load.ts';
import { PlanProbe, type Probed } from './plan-probe.ts';
import type { PlanMode } from './plan-rows.ts';
import { type Group, shapesOf } from './plan-shapes.ts';

const counts = countsAt(1);
const minuteMs = 60_000;

let tenants: TwoTenants;
const clients = new Map<PlanMode, pg.Client>();
const probes = new Map<PlanMode, PlanProbe>();
const modes: readonly PlanMode[] = ['force_generic_plan', 'auto'];

beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, (client) => loadPlanClinic(client, tenants.a, counts));
  for (const mode of modes) {
    const settings = { databaseUrl: tenants.url, role: 'hpms_app', rootKey: testRootKey } as const;
    const client = new pg.Client(connectionSettings(settings));
    await client.connect();
    clients.set(mode, client);
    probes.set(mode, new PlanProbe({ client, mode, counts, tenants: { large: tenants.a, small: tenants.b } }));
  }
}, 30 * minuteMs);
afterAll(async () => {
  for (const client of clients.values()) await client.end();
  await tenants?.close();
});

type Run = Parameters<PlanProbe['probe']>[0];

async function probed(mode: PlanMode, title: string, group: Group, run: Run): Promise<Probed> {
  const reading = await (probes.get(mode) as PlanProbe).probe(run);
  report(mode, title, group, reading);
  expect(reading.sequential).toEqual([]);
  return reading;
}

function report(mode: PlanMode, title: string, group: Group, reading: Probed): void {
  const file = process.env.PLAN_REPORT;
  const { found, rows, bitmapEntries, ms, statements } = reading;
  const cells = [mode, title, group, found, rows, bitmapEntries, ms.toFixed(1), statements];
  if (file) appendFileSync(file, `| ${cells.join(' | ')} |\n`);
}

/** What the issue allows a search to read for a page. */
const readMax = (pageSize: number) => 20 * pageSize + 1_000;

const cases = shapesOf(counts).flatMap(({ queries, ...shape }) =>
  (Object.entries(queries) as [Group, string][]).map(
    ([group, query]) => [shape.title, group, `${shape.type}?${query}`, { ...shape, query }] as const,
  ),
);

describe.each(modes)('before, with plan_cache_mode=%s', (mode) => {
  test.each(Object.keys(counts))('a sample of %s reads no more than a page may', async (type) => {
    const reading = await probed(mode, `a sample of ${type}`, 'all', async (access) => {
      await sampleTokens(parse(type, '_tag=any'), access);
      return { matches: [] };
    });
    expect(reading.rows + reading.bitmapEntries).toBeLessThanOrEqual(readMax(20));
  });
});

describe.each(modes)('with plan_cache_mode=%s, of a million resources', (mode) => {
  test.each(cases)('%s, %s: %s reads no more than a page may, or is too costly', async (title, group, _, shape) => {
    const query = parse(shape.type, shape.query);
    const reading = await probed(mode, title, group, (access) => runSearch(query, access, shape.place));
    const { found, rows, bitmapEntries } = reading;
    if (found === 'too-costly') return;
    const max = readMax(query.count);
    expect(rows + bitmapEntries).toBeLessThanOrEqual(group === 'some' ? Math.max(shape.someMax ?? 0, max) : max);
    if (group === 'none') expect(found).toBe(0);
    else if (query.summary !== 'count' && !shape.place) expect(found).toBeGreaterThan(0);
  });

  const options = { handling: 'strict', baseUrl, now } as const;

  test.each<[Group, string]>([
    ['none', 'nobody'],
    ['some', 'p0000007'],
    ['all', 'p0000100'],
  ])('everything in a compartment, %s: Practitioner/%s reads a page', async (group, id) => {
    const query = parseCompartmentSearch(definitions, { type: 'Practitioner', id }, [], options);
    const reading = await probed(mode, 'everything in a compartment', group, ({ send }) =>
      runCompartmentSearch(query, send),
    );
    expect(reading.rows + reading.bitmapEntries).toBeLessThanOrEqual(readMax(query.count));
    expect(reading.found).toBe(group === 'none' ? 0 : query.count);
  });

  test('a deep page of everything in a compartment reads a page', async () => {
    const query = parseCompartmentSearch(definitions, { type: 'Practitioner', id: 'p0000100' }, [], options);
    const after = { type: 'Observation', id: 'o0250000' };
    const reading = await probed(mode, 'everything in a compartment, deep', 'all', async ({ send }) => ({
      matches: await send(memberStatement(query, after)),
    }));
    expect(reading.found).toBe(query.count + 1);
    expect(reading.rows + reading.bitmapEntries).toBeLessThanOrEqual(readMax(query.count));
  });

  test.each<[Group, string]>([
    ['none', '_lastUpdated=gt2199'],
    ['one', '_id=v0000007'],
    ['all', '_lastUpdated=ge2024-01-01'],
  ])('all types, %s: ?%s reads a page, and a little for each type', async (group, asked) => {
    const query = parseSystemSearch(definitions, new URLSearchParams(asked), options);
    const reading = await probed(mode, 'all types', group, (access: SearchAccess) =>
      runSystemSearch(query, access, (one) => Promise.resolve(one)),
    );
    expect(reading.rows + reading.bitmapEntries).toBeLessThanOrEqual(readMax(query.count));
    expect(reading.found).toBe({ none: 0, one: 1, some: undefined, all: query.count }[group]);
  });

  const last = counts.Observation - 1;
  test.each<[Group, number, number]>([
    ['none', storedAt(last + 1).getTime(), 0],
    ['one', storedAt(last).getTime(), 1],
    ['some', storedAt(last - Math.floor(last / 100)).getTime(), 20],
    ['all', 0, 20],
  ])('history of a type with _since, %s, reads a page and its total', async (group, sinceMs, found) => {
    const request = { type: 'Observation', id: '', count: 20, sinceMs };
    const source = versionWalk(request, { types: ['Observation'], totalMax: 1_000 });
    const reading = await probed(mode, 'history with _since', group, async ({ send }) => {
      await send(source.count(source.totalMax) as SearchStatement);
      return { matches: await send(source.page(20) as SearchStatement) };
    });
    expect(reading.rows + reading.bitmapEntries).toBeLessThanOrEqual(readMax(20));
    expect(reading.found).toBe(found);
  });
});

test('the table has every kind of resource', () => {
  const kinds = new Set<Kind>(shapesOf(counts).map(({ type }) => type));
  expect([...kinds].sort()).toEqual([
    'Appointment',
    'Location',
    'Observation',
    'Patient',
    'RiskAssessment',
    'ValueSet',
  ]);
});
