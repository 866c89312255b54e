// What a search for numbers reads, however many resources have one: https://hl7.org/fhir/R4/search.html#quantity

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TenantCipher } from '../../src/crypto/tenant-cipher.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { decimalOf, orderedNumber } from '../../src/search/exact-number.ts';
import { createExtractor } from '../../src/search/extract.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { type PlanNode, readingOfPlan } from '../search/plan-rows.ts';
import { withClient } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const definitions = loadDefinitions();
const options = { handling: 'strict', baseUrl: 'http://hpms.test', now: 0 } as const;
const observations = 30_000;
const ucum = 'http://unitsofmeasure.org';

let server: TestServer;
let cipher: TenantCipher;
beforeAll(async () => {
  server = await startTestServer();
  cipher = await server.app.doors.keyRing.cipherOf(server.a.id);
  await fill();
}, 60_000);
afterAll(() => server.close());

/** Observations of one code with the values 1 to 30,000, all in mg/dL. */
async function fill(): Promise<void> {
  const valueQuantity = { value: 1, system: ucum, code: 'mg/dL' };
  const code = { coding: [{ system: 'http://loinc.org', code: '2339-0' }] };
  const entries = createExtractor(definitions)({ resourceType: 'Observation', status: 'final', code, valueQuantity });
  const tokens = entries.flatMap((entry) => (entry.kind === 'token' ? [cipher.tokenOf(entry.text)] : []));
  const ids: string[] = [];
  const rows = { id: [] as string[], parameter: [] as string[], unit: [] as bigint[], low: [] as string[] };
  for (let value = 1; value <= observations; value++) {
    const id = `o${String(value).padStart(6, '0')}`;
    ids.push(id);
    for (const entry of entries) {
      if (entry.kind !== 'range') continue;
      rows.id.push(id);
      rows.parameter.push(entry.parameter);
      rows.unit.push(cipher.tokenOf(entry.unit));
      rows.low.push(orderedNumber(decimalOf(/ucum/.test(entry.unit) ? value * 10 : value) as never));
    }
  }
  await withClient(server.database.url, async (client) => {
    await client.query(
      `INSERT INTO store.resource (tenant_id, type, id, version_id, last_updated, deleted, content, tokens)
       SELECT $1::integer, 'Observation', id, 1, now(), false, '\\x00'::bytea, $3::bigint[] FROM unnest($2::text[]) id`,
      [server.a.id, ids, `{${tokens.join(',')}}`],
    );
    await client.query(
      `INSERT INTO store.range_value (tenant_id, type, id, parameter, unit, low, high)
       SELECT $1::integer, 'Observation', r.id, r.parameter, r.unit, r.low, r.low
       FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[]) AS r(id, parameter, unit, low)`,
      [server.a.id, rows.id, rows.parameter, `{${rows.unit.join(',')}}`, rows.low],
    );
    for (const table of ['resource', 'range_value']) await client.query(`VACUUM ANALYZE store.${table}`);
  });
}

/** All rows that tables and their indexes gave, those left out by filters among them. */
async function rowsRead(statement: SearchStatement, mode: string): Promise<number> {
  const text = `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${statement.text}`;
  const rows = await server.app.doors.tenantDoor(
    server.a.id,
    async (trx) => {
      await trx.query({ text: "SELECT set_config('plan_cache_mode', $1, true)", values: [mode] });
      const name = `explain-${mode}-${text.length}`;
      return await trx.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>({ name, text, values: statement.values });
    },
    'write',
  );
  const [explained] = rows[0]?.['QUERY PLAN'] ?? [];
  if (!explained) throw new Error('There is no plan.');
  return readingOfPlan(explained.Plan).rows;
}

const page = 20;
const compiled = (query: string) => {
  const parsed = parseSearch(definitions, 'Observation', new URLSearchParams(query), options);
  return compileSearch({ ...parsed, count: page }, { tokenOf: cipher.tokenOf.bind(cipher) });
};

describe.each(['auto', 'force_generic_plan'])('with %s plans', (mode) => {
  // Rows of numbers and of resources, one each for a candidate.
  test.each([
    ['value-quantity=gt30000', 0],
    ['value-quantity=1e9', 0],
    ['value-quantity=15000', 1],
    ['value-quantity=15000||mg/dL', 1],
    [`value-quantity=150|${ucum}|g/L`, 100],
    [`value-quantity=ge299.95|${ucum}|g/L`, 6],
    ['value-quantity=gt29700', 300],
    ['value-quantity=lt301', 300],
    ['value-quantity=ne15000&_id=o015000', 0],
    ['value-quantity=gt10000&value-quantity=lt10301', 300],
    ['code-value-quantity=2339-0$gt29700', 300],
    ['code-value-quantity=http://loinc.org|2339-0$gt29990', 10],
    [`combo-code-value-quantity=http://loinc.org|2339-0$gt299.9|${ucum}|g/L`, 10],
    ['code-value-quantity=http://loinc.org|2339-0$gt30000', 0],
    ['code-value-quantity=nothing$gt0', 0],
    ['code-value-quantity=http://loinc.org|2339-0$gt29990,http://loinc.org|2339-0$lt11', 20],
    ['value-quantity=29990||mg/dL,gt29995||mg/dL', 6],
    ['value-quantity=gt0&code=http://loinc.org|nothing', 0],
  ])('%s reads about as many rows as it finds: %d', async (query, count) => {
    const rows = await rowsRead(compiled(query).statement, mode);
    expect([query, rows <= 4 * count + 4 * page + 10]).toEqual([query, true]);
    const [row] = await server.app.doors.tenantDoor(
      server.a.id,
      (trx) => trx.query<{ total: number }>(compiled(query).countStatement(50_000)),
      'read',
    );
    expect([query, row?.total]).toEqual([query, count]);
  });

  test('one that finds all stops at the bound, and then walks in its order', async () => {
    const search = compiled('value-quantity=gt0');
    expect(await rowsRead(search.statement, mode)).toBeLessThan(5000 * 2 + 2 * page + 10);
    const walk = search.fallback?.() as SearchStatement;
    expect(await rowsRead(walk, mode)).toBeLessThan(20 * page + 1000);
  });
});
