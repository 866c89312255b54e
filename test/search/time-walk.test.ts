// Of many AuditEvents a page is found some days at a time: the same list as by any other way, and nothing else of the year is read.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import type pg from 'pg';
import { collectPage, type SendStatement } from '../../src/search/collect-page.ts';
import type { PagePlace } from '../../src/search/compile/sort.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { runSearch } from '../../src/search/run-search.ts';
import type { SampleOf } from '../../src/search/token-sample.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { extract, parse } from './evaluate.ts';
import { tokensOfTenant } from './plan-data.ts';
import { asTenant } from './plan-rows.ts';

const dayMs = 86_400_000;
const now = Date.UTC(2026, 2, 15, 12);
/** More than are gathered, all older than as many others as a walk may pass. */
const asked = { count: 5_200, fromMs: now - 18 * dayMs, toMs: now - 3 * dayMs };
const others = { count: 21_000, fromMs: now - 2 * dayMs, toMs: now };
const between = { count: 6_000, fromMs: now - 24 * dayMs, toMs: now - 3 * dayMs };
/** Somebody who has long left. */
const former = { count: 5_100, fromMs: now - 200 * dayMs, toMs: now - 100 * dayMs };

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    for (let n = 7; n <= 14; n++) {
      const month = new Date(Date.UTC(2025, n)).toISOString().slice(0, 10);
      await client.query("SELECT store.make_partition('audit_event', $1::date)", [month]);
    }
    await insertEvents(client, tenants.a);
    await insertEvents(client, tenants.b);
    await client.query('VACUUM ANALYZE store.audit_event');
  });
});
afterAll(() => tenants.close());

interface Event {
  readonly id: string;
  readonly at: number;
}

/** Several at one moment now and then. */
const eventsIn = (name: string, { count, fromMs, toMs }: typeof asked): Event[] =>
  Array.from({ length: count }, (_, n) => ({
    id: `${name}${(n * 7_919) % count}`,
    at: Math.floor(fromMs + ((n - (n % 3)) * (toMs - fromMs)) / count),
  }));

const ofAsked = eventsIn('asked', asked);
const ofFormer = eventsIn('former', former);

/** In the order of their time, as they are stored; bodies of a usual length. */
async function insertEvents(client: pg.Client, tenantId: number): Promise<void> {
  const tokenOf = tokensOfTenant(tenantId);
  const tokensOf = (user: string) => {
    const event = { resourceType: 'AuditEvent', agent: [{ who: { reference: `Practitioner/${user}` } }] } as AuditEvent;
    return `{${extract(event).flatMap((entry) => (entry.kind === 'token' ? [tokenOf(entry.text)] : []))}}`;
  };
  const rows = [
    ...ofAsked.map((event) => ({ ...event, tokens: tokensOf('asked') })),
    ...ofFormer.map((event) => ({ ...event, tokens: tokensOf('former') })),
    ...[...eventsIn('other', others), ...eventsIn('between', between)].map((event) => {
      return { ...event, tokens: tokensOf('other') };
    }),
  ].sort((a, b) => a.at - b.at);
  await client.query(
    `INSERT INTO store.audit_event (tenant_id, id, last_updated, content, tokens)
     SELECT $1, id, at, decode(repeat(md5(id), 25), 'hex'), tokens::bigint[]
     FROM unnest($2::text[], $3::timestamptz[], $4::text[]) WITH ORDINALITY AS row (id, at, tokens, n) ORDER BY n`,
    [
      tenantId,
      rows.map(({ id }) => id),
      rows.map(({ at }) => new Date(at).toISOString()),
      rows.map(({ tokens }) => tokens),
    ],
  );
}

const sendTo =
  (tenantId: number): SendStatement =>
  (statement) =>
    tenants.tenantDoor(tenantId, (trx) => trx.query(statement), 'read');

/** The ids from the first page on, or back from the last; and how many pages the stretches of days had. */
async function listOf(query: string, isBackward = false) {
  const search = parse('AuditEvent', `${query}&_count=500`);
  const ids: string[] = [];
  let byStretches = 0;
  let place: PagePlace | undefined = isBackward ? { isBackward } : undefined;
  for (;;) {
    const sent: string[] = [];
    const page = await collectPage(
      compileSearch(search, { tokenOf: tokensOfTenant(tenants.a), place, nowMs: now }),
      search.count,
      (statement) => {
        sent.push(statement.text);
        return sendTo(tenants.a)(statement);
      },
    );
    if (sent.at(-1)?.includes('found1')) byStretches++;
    ids.push(...page.matches.map(({ id }) => id));
    const last = page.matches.at(-1);
    if (!page.hasMore || !last) return { ids, byStretches };
    place = { isBackward, position: page.positionOf(last) };
  }
}

function newestFirst(events: readonly Event[]): string[] {
  return [...events].sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1)).map(({ id }) => id);
}

const iso = (ms: number) => new Date(ms).toISOString();

describe('what a user did, of more than are gathered', () => {
  const [from, to] = [now - 16 * dayMs, now - 4 * dayMs];
  test.each([
    ['', () => true],
    [`&date=ge${iso(from)}`, ({ at }: Event) => at >= from],
    [`&date=lt${iso(to)}`, ({ at }: Event) => at < to],
    [`&date=ge${iso(from)}&date=lt${iso(to)}`, ({ at }: Event) => at >= from && at < to],
    [`&date=ge${iso(to - 7 * dayMs)}&date=lt${iso(to)}`, ({ at }: Event) => at >= to - 7 * dayMs && at < to],
    ['&outcome:not=8', () => true],
  ])('agent=Practitioner/asked%s is the same list, there and back', async (more, isMeant) => {
    const expected = newestFirst(ofAsked.filter(isMeant));
    expect(expected.length).toBeGreaterThan(1_000);
    const there = await listOf(`agent=Practitioner/asked${more}`);
    expect(there.ids).toEqual(expected);
    expect(there.byStretches).toBeGreaterThan(0);
    expect((await listOf(`agent=Practitioner/asked${more}`, true)).ids.reverse()).toEqual(expected);
    expect((await listOf(`agent=Practitioner/asked${more}&_sort=date`)).ids.reverse()).toEqual(expected);
  });

  test('is found where it was long ago', async () => {
    const expected = newestFirst(ofFormer);
    expect((await listOf('agent=Practitioner/former')).ids).toEqual(expected);
    expect((await listOf('agent=Practitioner/former&_sort=date&date=ge2025-06')).ids.reverse()).toEqual(expected);
  });

  test('is nothing where two that are common never come together', async () => {
    const search = parse('AuditEvent', 'agent=Practitioner/asked&agent=Practitioner/other');
    const half: SampleOf = () => ({ resources: 25_000, shareOf: () => 0.5 });
    const options = { tokenOf: tokensOfTenant(tenants.a), sampleOf: half, nowMs: now };
    const page = await collectPage(compileSearch(search, options), search.count, sendTo(tenants.a));
    expect(page).toMatchObject({ matches: [], hasMore: false });
  });

  test('has an estimated total, as more than 1,000 are', async () => {
    const search = parse('AuditEvent', `agent=Practitioner/asked&date=lt${iso(now)}&_count=20`);
    const access = { send: sendTo(tenants.a), tokenOf: tokensOfTenant(tenants.a), open: () => Promise.reject() };
    expect(await runSearch(search, access)).toMatchObject({ total: 1_001, isEstimate: true });
    expect(await runSearch({ ...search, total: 'accurate' }, access)).toMatchObject({ total: asked.count });
  });
});

interface Node {
  readonly 'Exact Heap Blocks'?: number;
  readonly 'Lossy Heap Blocks'?: number;
  readonly Plans?: readonly Node[];
}

function heapBlocksOf({ 'Exact Heap Blocks': exact = 0, 'Lossy Heap Blocks': lossy = 0, Plans = [] }: Node): number {
  return exact + lossy + Plans.reduce((sum, one) => sum + heapBlocksOf(one), 0);
}

test('what a user did on a day is read without the rest of the month', async () => {
  const day = `date=ge${iso(now - 10 * dayMs)}&date=lt${iso(now - 9 * dayMs)}`;
  const search = parse('AuditEvent', `agent=Practitioner/asked&${day}`);
  const { statement } = compileSearch(search, { tokenOf: tokensOfTenant(tenants.a) });
  const blocks = await tenants.connect('hpms_app', async (client) => {
    const [row] = await asTenant<{ 'QUERY PLAN': [{ Plan: Node }] }>(
      client,
      tenants.a,
      `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${statement.text}`,
      statement.values,
    );
    return heapBlocksOf(row?.['QUERY PLAN'][0].Plan as Node);
  });
  const ofDay = ofAsked.filter(({ at }) => at >= now - 10 * dayMs && at < now - 9 * dayMs).length;
  expect(blocks).toBeGreaterThan(0);
  expect(blocks).toBeLessThan(ofDay);
});
