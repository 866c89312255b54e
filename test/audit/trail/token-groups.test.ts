// What many AuditEvents have alike is stored once, and they are found all the same, in both tenants (README, Decisions)

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AuditEvent, Bundle } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { createExtractor } from '../../../src/search/extract.ts';
import { buildPatient } from '../../support/builders.ts';
import { withClient } from '../../support/database.ts';
import { startTestServer, type TestServer, type TestTenant } from '../../support/server.ts';
import { untilRecorded } from '../../support/until-recorded.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  for (const tenant of [server.a, server.b]) {
    const { id } = (await tenant.request('POST', '/Patient', buildPatient())).json;
    for (let time = 0; time < 4; time++) {
      await tenant.request('GET', `/Patient/${id}`);
      await untilRecorded(server.database.url);
      if (time === 2) await untilGrouped(tenant);
    }
  }
}, 60_000);
afterAll(() => server.close());

/** What the third read has in common with the second one is stored. */
async function untilGrouped({ id }: TestTenant): Promise<void> {
  const isThere = async () => (await storedRows()).groups.filter(({ tenant_id }) => tenant_id === id).length > 2;
  while (!(await isThere())) await delay(20);
}

const extract = createExtractor(loadDefinitions());

async function events(tenant: TestTenant, query: string): Promise<AuditEvent[]> {
  const { status, json } = await tenant.request('GET', `/AuditEvent?_count=200&${query}`);
  expect([query, status]).toEqual([query, 200]);
  return ((json as Bundle<AuditEvent>).entry ?? []).flatMap(({ resource }) => resource ?? []);
}

async function storedRows() {
  return await withClient(server.database.url, async (client) => {
    const { rows } = await client.query<{ id: string; tenant_id: number; tokens: string[] }>(
      'SELECT id, tenant_id, tokens::text[] AS tokens FROM store.audit_event',
    );
    const groups = await client.query<{ tenant_id: number; token: string; tokens: string[] }>(
      'SELECT tenant_id, token::text AS token, tokens::text[] AS tokens FROM store.audit_token_group',
    );
    return { rows, groups: groups.rows };
  });
}

test('the first event of its kind has its own tokens, a later one those of its groups and of the patient', async () => {
  const [last, , , first] = await events(server.a, 'subtype=read&action=R&entity-type=Patient');
  const { rows, groups } = await storedRows();
  const tokensOf = (event: AuditEvent | undefined) => rows.find(({ id }) => id === event?.id)?.tokens ?? [];
  const texts = extract(first as AuditEvent).filter(({ kind }) => kind === 'token');
  const expanded = (event: AuditEvent | undefined) =>
    new Set(tokensOf(event).flatMap((one) => groups.find(({ token }) => token === one)?.tokens ?? [one]));
  // Client, address and server it may have in common with the event of the token.
  expect(tokensOf(first).length).toBeGreaterThan(20);
  expect(expanded(first).size).toBe(texts.length);
  expect(tokensOf(last).length).toBeLessThan(12);
  expect(expanded(last)).toEqual(expanded(first));
});

test('each is found by each of its parameters, and by what is not so none is', async () => {
  const all = await events(server.a, '_sort=_id');
  const reads = all.filter(({ subtype }) => subtype?.[0]?.code === 'read');
  expect(reads).toHaveLength(4);
  const [client] = reads[0]?.agent ?? [];
  const [patient] = reads[0]?.entity ?? [];
  const queries: [string, (event: AuditEvent) => boolean][] = [
    ['action=R', ({ action }) => action === 'R'],
    ['action:not=R', ({ action }) => action !== 'R'],
    ['action=C,D', ({ action }) => action === 'C' || action === 'D'],
    ['subtype=http://hl7.org/fhir/restful-interaction|read', ({ subtype }) => subtype?.[0]?.code === 'read'],
    ['subtype=http://hl7.org/fhir/restful-interaction|', ({ type }) => type.code === 'rest'],
    ['outcome=0&action=R&type=rest', ({ action }) => action === 'R'],
    ['outcome=8', () => false],
    ['address=127.0.0', ({ agent }) => agent.some(({ network }) => network?.address === '127.0.0.1')],
    ['address:exact=127.0.0.2', () => false],
    [
      `agent=${client?.who?.reference}`,
      ({ agent }) => agent.some(({ who }) => who?.reference === client?.who?.reference),
    ],
    ['agent=Device/nobody', () => false],
    [
      'agent-role=clinic-admin',
      ({ agent }) => agent.some(({ role }) => role?.[0]?.coding?.[0]?.code === 'clinic-admin'),
    ],
    [
      `entity=${patient?.what?.reference}`,
      ({ entity }) => entity?.some(({ what }) => what?.reference === patient?.what?.reference) ?? false,
    ],
    ['entity-type=Patient', ({ entity }) => entity?.some(({ what }) => what?.type === 'Patient') ?? false],
    ['entity-type=Observation', () => false],
    ['entity-role=1&action=R', ({ action }) => action === 'R'],
  ];
  // What the questions themselves leave behind is not asked for.
  const known = new Set(all.map(({ id }) => id));
  for (const [query, isMeant] of queries) {
    const found = (await events(server.a, query)).filter(({ id }) => known.has(id));
    expect([query, found.map(({ id }) => id).sort()]).toEqual([
      query,
      all
        .filter(isMeant)
        .map(({ id }) => id)
        .sort(),
    ]);
  }
});

test('no tenant has a group of the other', async () => {
  const { groups } = await storedRows();
  const [a = [], b = []] = [...Map.groupBy(groups, ({ tenant_id }) => tenant_id).values()];
  expect(Math.min(a.length, b.length)).toBeGreaterThan(2);
  const inA = new Set(a.flatMap(({ token, tokens }) => [token, ...tokens]));
  expect(b.flatMap(({ token, tokens }) => [token, ...tokens]).filter((token) => inA.has(token))).toEqual([]);
});
