// What is common among a tenant's resources decides what a search tries first, and nothing else.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Observation, Patient, Resource } from '@medplum/fhirtypes';
import { collectPage, type SendStatement } from '../../src/search/collect-page.ts';
import type { PagePlace } from '../../src/search/compile/sort.ts';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { type SampleOf, sampleStatement, sampleTokens } from '../../src/search/token-sample.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { parse } from './evaluate.ts';
import { insertIndexed, tokensOfTenant } from './plan-data.ts';
import { type Reading, readingOf } from './plan-rows.ts';

const observations = 2_400;
const patients = 600;

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    await insertIndexed(client, tenants.a, [
      ...Array.from({ length: patients }, (_, n) => patientOf(n)),
      ...Array.from({ length: observations }, (_, n) => observationOf(n)),
    ]);
    await client.query(
      `INSERT INTO store.audit_event (tenant_id, id, last_updated, content, tokens)
       SELECT $1::integer, 'e' || n, now() + n * interval '1 ms', '\\x00', ARRAY[$2::bigint] FROM generate_series(1, 3000) n`,
      [tenants.a, tokensOfTenant(tenants.a)('AuditEvent.action|R').toString()],
    );
    await client.query('VACUUM ANALYZE store.resource, store.date_value, store.reference, store.audit_event');
  });
});
afterAll(() => tenants.close());

function patientOf(n: number): Patient {
  return { resourceType: 'Patient', id: `p${n}`, active: n % 4 !== 0, gender: n % 2 === 0 ? 'female' : 'male' };
}

/** Every hundredth lasts for days. */
function observationOf(n: number): Observation {
  const start = new Date(Date.UTC(2026, 0, 1) + n * 3_600_000);
  const end = new Date(start.getTime() + (n % 200 === 0 ? 20 : 3) * 86_400_000);
  return {
    resourceType: 'Observation',
    id: `o${(n * 7_919) % observations}`,
    status: n % 3 === 0 ? 'amended' : 'final',
    code: { coding: [{ code: `c${n % 100}` }, ...(n === 7 ? [{ code: 'once' }] : [])] },
    subject: { reference: `Patient/p${n % patients}` },
    ...(n % 100 === 0
      ? { effectivePeriod: { start: start.toISOString(), end: end.toISOString() } }
      : { effectiveDateTime: start.toISOString() }),
  };
}

const sendTo =
  (tenantId: number, sent: SearchStatement[] = []): SendStatement =>
  (statement) => {
    sent.push(statement);
    return tenants.tenantDoor(tenantId, (trx) => trx.query(statement), 'read');
  };

describe('a sample', () => {
  const drawn = async (tenantId: number, query: string, tokenOf = tokensOfTenant(tenantId)) => {
    const sent: SearchStatement[] = [];
    const sampleOf = await sampleTokens(parse('Observation', query), { send: sendTo(tenantId, sent), tokenOf });
    return { sampleOf, sent, tokenOf };
  };

  test('tells how common tokens are, of one tenant only', async () => {
    const { sampleOf, tokenOf } = await drawn(tenants.a, 'status=final');
    const sample = sampleOf?.('Observation');
    const shareOf = (code: string) => sample?.shareOf(tokenOf(code)) ?? -1;
    expect(sample?.resources).toBe(observations);
    expect(shareOf('Observation.status|final')).toBeCloseTo(2 / 3, 1);
    expect(shareOf('Observation.code|c7')).toBeLessThan(0.05);
    expect(shareOf('Observation.code|none')).toBe(0);
    expect((await drawn(tenants.b, 'status=final')).sampleOf?.('Observation')).toBeUndefined();
  });

  test('is drawn once, for the types that are asked about', async () => {
    const { sent, tokenOf } = await drawn(tenants.a, 'status=final&patient.active=true');
    expect(sent.map(({ values }) => values[0])).toEqual(['Observation', 'Patient']);
    expect((await drawn(tenants.a, 'patient.gender=male', tokenOf)).sent).toEqual([]);
  });

  test.each(['', 'identifier=a', '_id=a&status=final'])(
    'is not drawn for "%s", which finds few or asks nothing',
    async (query) => {
      const { sent, sampleOf } = await drawn(tenants.a, query);
      expect([sent, sampleOf]).toEqual([[], undefined]);
    },
  );

  test('reads no more than a page may', async () => {
    const { rows, sequential } = await readingOfBoth(sampleStatement('Observation'));
    expect(sequential).toEqual([]);
    expect(rows).toBeLessThanOrEqual(20 * 20 + 1_000);
  });

  test.each([
    [
      'Procedure',
      'of a night, and hardly anything in the years behind it',
      "'2020-01-01Z'::timestamptz + CASE WHEN n < 2000 THEN n * interval '1 s' ELSE (n - 1998) * interval '2 years' END",
    ],
    [
      'Encounter',
      'of some days, and hardly anything in the years before',
      "'2026-01-01Z'::timestamptz - CASE WHEN n < 2000 THEN n * interval '2 min' ELSE (n - 1998) * interval '2 years' END",
    ],
    [
      'List',
      'of evenings, in five of a hundred weeks',
      "'2024-01-01Z'::timestamptz + (n % 5) * interval '20 weeks' + n * interval '5 s'",
    ],
    ['Task', 'of forty moments', "'2024-01-01Z'::timestamptz + (n % 40) * interval '1 day'"],
  ])('of %s is one of all that there is, where most came in little time: %s', async (type, _, at) => {
    const tokenOf = tokensOfTenant(tenants.a);
    const [common, rest] = ['active', 'revoked'].map((status) => `${type}.status|${status}`) as [string, string];
    await withClient(tenants.url, (client) =>
      client.query(
        `INSERT INTO store.resource (tenant_id, type, id, version_id, last_updated, deleted, content, tokens)
         SELECT $1::integer, $2, md5(n::text), 1, ${at}, false, '\\x00', ARRAY[CASE WHEN n % 3 = 0 OR n >= 2000 THEN $4 ELSE $3 END::bigint]
         FROM generate_series(0, 2002) n`,
        [tenants.a, type, tokenOf(common).toString(), tokenOf(rest).toString()],
      ),
    );
    const sampleOf = await sampleTokens(parse(type, 'status=x'), { send: sendTo(tenants.a), tokenOf });
    expect(sampleOf?.(type)?.shareOf(tokenOf(common))).toBeCloseTo(2 / 3, 1);
    expect(sampleOf?.(type)?.shareOf(tokenOf(rest))).toBeCloseTo(1 / 3, 1);
  });

  test('is drawn of AuditEvents as well, the common ones of which are found by a walk', async () => {
    const tokenOf = tokensOfTenant(tenants.a);
    const query = parse('AuditEvent', 'action=R');
    const sampleOf = await sampleTokens(query, { send: sendTo(tenants.a), tokenOf });
    expect(sampleOf?.('AuditEvent')?.shareOf(tokenOf('AuditEvent.action|R'))).toBeCloseTo(1, 1);
    const { rows, bitmapEntries, sequential } = await readingOfBoth(
      compileSearch(query, { tokenOf, sampleOf }).statement,
    );
    expect(sequential).toEqual([]);
    expect(rows).toBeGreaterThan(20);
    expect(rows + bitmapEntries).toBeLessThanOrEqual(20 * 20 + 1_000);
  });
});

/** Planned where hardly anything is, run where all of it is. */
function readingOfBoth(statement: SearchStatement): Promise<Reading> {
  const { values } = statement;
  return tenants.connect('hpms_app', (client) =>
    readingOf(client, {
      statement,
      mode: 'force_generic_plan',
      planned: { tenantId: tenants.b, values },
      measured: { tenantId: tenants.a, values },
    }),
  );
}

test('a page of days is walked where the sample says that it is soon full', async () => {
  const tokenOf = tokensOfTenant(tenants.a);
  const query = parse('Observation', 'status=final&date=2026-02&_sort=date');
  const readingWith = (sampleOf: SampleOf | undefined) =>
    readingOfBoth(compileSearch(query, { tokenOf, sampleOf }).statement);
  const [walked, gathered] = [await readingWith(claiming(2 / 3)), await readingWith(claiming(0.01))];
  expect(gathered.rows).toBeGreaterThan(448);
  expect(walked.rows).toBeGreaterThan(20);
  expect(walked.rows + walked.bitmapEntries).toBeLessThan(10 * 21);
});

/** As if the tenant had a million of each type, of which as many have any token. */
const claiming =
  (share: number): SampleOf =>
  () => ({ resources: 1_000_000, shareOf: () => share });

const queries: readonly [type: string, query: string][] = [
  ['Observation', 'status=final'],
  ['Observation', 'status=final&code=c7'],
  ['Observation', 'code=once'],
  ['Observation', 'code=none'],
  ['Observation', 'status=final&status=amended'],
  ['Observation', 'status:not=final'],
  ['Observation', 'status=final&_sort=-_lastUpdated'],
  ['Observation', 'status=final&_sort=date,-_lastUpdated'],
  ['Observation', 'status=amended&_sort=-date'],
  ['Observation', 'status=final&date=2026-02&_sort=date'],
  ['Observation', 'code=c7,c8&date=ge2026-02-01'],
  ['Observation', 'status=final&date=ge2026-02-01&_sort=_id'],
  ['Observation', 'status=final&date=2026-02'],
  ['Observation', 'date=gt2026-02-01T12:00'],
  ['Observation', 'date=ap2026-02-03'],
  ['Observation', 'date=ge2026-02-01&date=lt2026-02-03,ge2026-03-01&_sort=_id'],
  ['Observation', 'date=sa2026-03-01&_sort=-_id'],
  ['Observation', 'status=final&_lastUpdated=gt2026-01-01T20:00:00Z&_sort=_id'],
  ['Observation', 'patient.active=true'],
  ['Observation', 'code=c7&patient.active=true'],
  ['Observation', 'status=final&patient.gender=male&_sort=date'],
  ['Patient', '_has:Observation:patient:code=c7'],
  ['Patient', '_has:Observation:patient:status=final&active=true'],
  ['Patient', '_filter=active eq true or gender eq male'],
];

describe.each([0, 0.001, 0.02, 1])('where a sample claims that %d of all have each token', (share) => {
  const pageOf = async (type: string, query: string, sampleOf: SampleOf | undefined, place?: PagePlace) => {
    const count = 50;
    const compiled = compileSearch(parse(type, `${query}&_count=${count}`), {
      tokenOf: tokensOfTenant(tenants.a),
      sampleOf,
      place,
    });
    const { matches, hasMore, positionOf } = await collectPage(compiled, count, sendTo(tenants.a));
    return { ids: matches.map(({ id }) => id), hasMore, last: matches.map(positionOf).at(-1) };
  };

  test.each(queries)('%s?%s finds the same on its first pages, there and back', async (type, query) => {
    const sampleOf = claiming(share);
    const first = await pageOf(type, query, undefined);
    expect(await pageOf(type, query, sampleOf)).toEqual(first);
    if (!first.hasMore || !first.last) return;
    for (const isBackward of [false, true]) {
      const place = { isBackward, position: first.last };
      expect(await pageOf(type, query, sampleOf, place)).toEqual(await pageOf(type, query, undefined, place));
    }
  });
});

test('spans of some days that began long before are found, as are those of weeks', async () => {
  const asked = compileSearch(parse('Observation', 'date=ge2026-02-01&date=lt2026-02-01T01:00&_count=200'), {
    tokenOf: tokensOfTenant(tenants.a),
  });
  const { matches } = await collectPage(asked, 200, sendTo(tenants.a));
  const moment = Date.UTC(2026, 1, 1);
  const covering = Array.from({ length: observations }, (_, n) => observationOf(n)).filter(
    (one: Resource & Observation) => {
      const { effectiveDateTime, effectivePeriod: { start = effectiveDateTime, end = effectiveDateTime } = {} } = one;
      return Date.parse(start as string) < moment + 3_600_000 && Date.parse(end as string) >= moment;
    },
  );
  expect(covering.length).toBeGreaterThan(3);
  expect(new Set(matches.map(({ id }) => id))).toEqual(new Set(covering.map(({ id }) => id)));
});
