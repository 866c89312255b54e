// How many apps may register themselves, and how long they stay when nobody uses them: RFC 7591 section 5, security.md 64

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { sweepExpired } from '../../src/smart/sweep-expired.ts';
import { writeSetting } from '../../src/tenants/settings.ts';
import { withClient } from '../support/database.ts';
import { send, startTestServer, type TestServer, type TestTenant } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  for (const { id } of [server.a, server.b]) {
    await server.app.doors.tenantDoor(id, async (trx) => writeSetting(trx, 'clients.dynamic-registration', true));
  }
  for (const tenant of [server.a, server.b]) {
    for (const end = Date.now() + 1_500; (await register(tenant)).status === 403 && Date.now() < end; );
  }
}, 60_000);
afterAll(() => server.close());
beforeEach(() => sql('DELETE FROM store.client WHERE self_registered'));

const redirect_uris = ['https://app.example.org/cb'];
const register = (tenant: TestTenant) =>
  send(
    `${server.origin}/t/${tenant.name}/register`,
    'POST',
    { redirect_uris, token_endpoint_auth_method: 'none' },
    {
      'Content-Type': 'application/json',
    },
  );

const sql = (text: string, values: unknown[] = []) =>
  withClient(server.database.url, async (client) => (await client.query(text, values)).rows);

/** As if so many had registered themselves at that time. */
const seed = (tenant: TestTenant, amount: number, age: string) =>
  sql(
    `INSERT INTO store.client (tenant_id, client_id, name, grant_types, scope, roles, token_endpoint_auth_method,
       created_at, self_registered)
     SELECT $1, gen_random_uuid()::text, '\\x00', '{authorization_code}', '', '{}', 'none', now() - $3::interval, true
     FROM generate_series(1, $2) RETURNING client_id`,
    [tenant.id, amount, age],
  );

async function isSlowedDown(tenant: TestTenant): Promise<boolean> {
  const { status, json, headers } = await register(tenant);
  if (status === 201) return false;
  expect([status, json.error]).toEqual([429, 'temporarily_unavailable']);
  const seconds = Number(headers.get('retry-after'));
  expect(seconds > 0 && seconds <= 3_600).toBe(true);
  return true;
}

test('a hundred an hour of one clinic, and no clinic for another', async () => {
  await seed(server.a, 99, '59 minutes');
  expect(await isSlowedDown(server.a)).toBe(false);
  expect(await isSlowedDown(server.a)).toBe(true);
  expect(await isSlowedDown(server.b)).toBe(false);
});

test('those of earlier hours count no more, until there are 5,000 that nobody uses', async () => {
  await seed(server.a, 4_999, '2 hours');
  expect(await isSlowedDown(server.a)).toBe(false);
  expect(await isSlowedDown(server.a)).toBe(true);
  await sql(
    `INSERT INTO store.app_consent (tenant_id, account_id, client_id, granted, refused)
     SELECT tenant_id, gen_random_uuid(), client_id, '{openid}', '{}' FROM store.client WHERE self_registered LIMIT 10`,
  );
  expect(await isSlowedDown(server.a)).toBe(false);
  await sql('DELETE FROM store.app_consent');
});

test('what nobody has let in within 30 days is removed; what somebody has, stays', async () => {
  const [fresh] = await seed(server.a, 1, '29 days');
  const [unused, used] = await seed(server.a, 2, '31 days');
  const [abroad] = await seed(server.b, 1, '31 days');
  await sql(
    `INSERT INTO store.app_consent (tenant_id, account_id, client_id, granted, refused)
     VALUES ($1, gen_random_uuid(), $2, '{openid}', '{}')`,
    [server.a.id, used.client_id],
  );
  // The same id elsewhere is another client.
  await sql('UPDATE store.client SET client_id = $1 WHERE client_id = $2', [used.client_id, abroad.client_id]);
  await sweepExpired(server.app.doors.systemDoor);
  const left = await sql('SELECT tenant_id, client_id FROM store.client WHERE self_registered');
  expect(left.map(({ tenant_id, client_id }) => [tenant_id, client_id]).sort()).toEqual(
    [fresh, used].map(({ client_id }) => [server.a.id, client_id]).sort(),
  );
  expect(unused.client_id).not.toBe(used.client_id);
});

test('the clinic takes one over by changing it', async () => {
  const { json } = await register(server.a);
  const headers = { 'Content-Type': 'application/json' };
  const path = `/../admin/clients/${json.client_id}`;
  expect((await server.a.request('PATCH', path, JSON.stringify({ name: 'Ours' }), headers)).status).toBe(200);
  await sql("UPDATE store.client SET created_at = now() - interval '31 days' WHERE client_id = $1", [json.client_id]);
  await sweepExpired(server.app.doors.systemDoor);
  expect((await server.a.request('GET', path)).status).toBe(200);
});

test('thirty an hour from one network, those that were refused too', async () => {
  const statuses: number[] = [];
  for (let n = 0; n < 31; n += 1) statuses.push((await register(server.b)).status);
  expect(statuses.at(-1)).toBe(429);
  const { headers } = await register(server.b);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(3_000);
});
