// Accounts, clients and whatever else is sealed beside resources follow another data key, while people sign in: issue 8, Privacy.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serverCaller } from '../../src/access/caller.ts';
import { rotateKey } from '../../src/commands/keys.ts';
import { keyVersionOf } from '../../src/crypto/sealed-box.ts';
import { linkIdentity } from '../../src/people/identities.ts';
import { createIdentityProvider } from '../../src/people/identity-providers.ts';
import { createSecondFactors } from '../../src/people/second-factor/second-factors.ts';
import { reencrypt } from '../../src/repository/reindex/rotate-keys.ts';
import { inSession } from '../../src/repository/session.ts';
import { sealedColumns } from '../../src/sealed-columns.ts';
import { type AppWorld, letIn, makeApp, makePerson, refresh, startAppWorld } from '../smart/app-world.ts';
import { openBrowser } from '../smart/browser.ts';
import { buildPatient } from '../support/builders.ts';
import { withClient } from '../support/database.ts';
import { fetchToken, publicUrl, send, type TestTenant } from '../support/server.ts';
import { isIndexed, make, searchParameter } from './custom-parameters.ts';

let world: AppWorld;
beforeAll(async () => {
  world = await startAppWorld();
}, 60_000);
afterAll(() => world.server.close());

const issuer = 'https://id.clinic.example';
const idempotent = { 'Idempotency-Key': 'once' };

/** Something in every sealed column. */
async function fill(tenant: TestTenant) {
  const { server } = world;
  const { tenantDoor, keyRing } = server.app.doors;
  const cipher = await keyRing.cipherOf(tenant.id);
  const person = await makePerson(server, tenant, ['provider']);
  await createSecondFactors({ tenantDoor, keyRing, now: () => new Date() }).enrol(tenant.id, {
    ...person,
    issuer: 'Clinic',
  });
  await makeApp(server, tenant, { name: 'Reached', contacts: ['contact@app.example'] });
  await tenantDoor(tenant.id, async (trx) => {
    await linkIdentity(trx, cipher, person.id, { issuer, subject: 'eva', knownAs: 'Eva of the provider' });
    await createIdentityProvider(trx, cipher, {
      ...{ issuer, clientId: 'hpms', clientSecret: 'of the provider', scopes: 'openid', display: 'Id', active: true },
    });
  });
  await make(
    tenant,
    searchParameter({ code: 'nick', base: ['Patient'], type: 'string', expression: 'Patient.name.given' }),
  );
  await tenant.request('POST', '/Patient', buildPatient(), idempotent);
  const parameter = [{ name: 'reason', valueString: 'Claim' }];
  await tenant.request('POST', '/$legal-hold', { resourceType: 'Parameters', parameter });
  const accepted = await tenant.request('GET', '/Patient', undefined, { Prefer: 'respond-async' });
  const place = (accepted.headers.get('Content-Location') ?? '').slice(tenant.baseUrl.length);
  while ((await tenant.request('GET', place)).status === 202);
  await isIndexed(tenant);
  return { place };
}

interface Box {
  readonly column: string;
  readonly box: Buffer;
}

async function boxesOf({ id }: TestTenant): Promise<Box[]> {
  const boxes = sealedColumns.map(({ table, column, key }) => {
    const order = key.map(({ name }) => name).join(', ');
    return `(SELECT '${table}.${column}' AS column, ${column} AS box FROM store.${table}
             WHERE tenant_id = ${id} AND ${column} IS NOT NULL ORDER BY ${order})`;
  });
  return await withClient(
    world.server.database.url,
    async (client) => (await client.query<Box>(boxes.join(' UNION ALL '))).rows,
  );
}

const versionsIn = (boxes: readonly Box[]) =>
  Object.fromEntries(
    sealedColumns.map(({ table, column }) => {
      const own = boxes.filter((one) => one.column === `${table}.${column}`);
      return [`${table}.${column}`, [...new Set(own.map(({ box }) => keyVersionOf(box)))]];
    }),
  );
const allOf = (version: number) =>
  Object.fromEntries(sealedColumns.map(({ table, column }) => [`${table}.${column}`, [version]]));

describe('another data key with --reencrypt', () => {
  test('seals every one of them again, of that clinic alone, and all of it works on', async () => {
    const { server, provider } = world;
    const { a, b } = server;
    const browser = openBrowser(server.origin);
    const signedIn = await letIn(world, provider, 'openid user/Patient.rs offline_access', browser);
    const { place } = await fill(a);
    await fill(b);
    await openBrowser(server.origin).get(`${publicUrl}/t/${b.name}/account`);
    const [before, ofB] = [await boxesOf(a), await boxesOf(b)];
    expect(versionsIn(before)).toEqual(allOf(1));

    let isOver = false;
    const statuses = new Set<number>();
    const keepSigningIn = async () => {
      for (let count = 0; !isOver || count === 0; count += 1) {
        const { status, body } = await letIn(world, provider, 'openid user/Patient.rs offline_access');
        statuses.add(status);
        statuses.add((await refresh(world, body.refresh_token)).status);
        const made = await makePerson(server, a, ['nurse']);
        expect((await letIn(world, made, 'openid user/Patient.rs')).status).toBe(200);
      }
    };
    const signingIn = keepSigningIn();
    const said = await rotateKey(server.app.repository, { ...a, display: '' }, { purpose: 'data', reencrypts: true });
    expect(said).toContain('writes under data key 2, and what is stored follows');
    await Promise.race([isIndexed(a), signingIn]);
    isOver = true;
    await signingIn;
    expect([...statuses]).toEqual([200]);

    expect(versionsIn(await boxesOf(a))).toEqual(allOf(2));
    expect(await boxesOf(b)).toEqual(ofB);
    server.app.doors.keyRing.forget(a.id);
    expect((await refresh(world, signedIn.body.refresh_token)).status).toBe(200);
    const token = await fetchToken(server.origin, a.name, a.clientId, a.clientSecret);
    const admin = async (path: string) => {
      const headers = { Authorization: `Bearer ${token}` };
      return JSON.stringify((await send(`${server.origin}/t/${a.name}/admin${path}`, 'GET', undefined, headers)).json);
    };
    expect(await admin('/clients')).toContain('contact@app.example');
    expect(await admin('/staff')).toContain('Eva Weiss');
    expect(await admin('/sessions')).toContain('127.0.0.');
    expect(await admin('/identity-providers')).toContain(issuer);
    expect((await browser.get(`${publicUrl}/t/${a.name}/account`)).text).toContain(provider.email);
    const replayed = await a.request('POST', '/Patient', buildPatient(), idempotent);
    expect(replayed.status).toBe(201);
    expect((await a.request('GET', place)).status).toBe(200);
  }, 120_000);

  test('again there is nothing to do: no row is written', async () => {
    const { a, app } = world.server;
    const before = await boxesOf(a);
    await inSession(app.repository, serverCaller(a.id, 'Operator'), (session) => reencrypt(session));
    await isIndexed(a);
    const after = await boxesOf(a);
    for (const one of before.filter(({ column }) => column !== 'login_session.origin'))
      expect(after).toContainEqual(one);
  });
});

/** Bytes that are none of these, and why no rotation of a data key comes by. */
const others: Readonly<Record<string, string>> = {
  'resource.content': 'bodies, sealed again as resources',
  'history.content': 'written once',
  'version.content': 'both of these',
  'audit_event.content': 'written once: its hash is a leaf of the Merkle tree',
  'access_block.content': 'AuditEvents within seconds, and gone then',
  'tenant_key.wrapped': 'under the root key',
  'seal_key.wrapped': 'under the root key',
  'concept_set.members': 'sets of numbers',
  'archive.sha256': 'a hash',
  'archive.signature': 'a signature',
};

test('no other column of bytes is sealed: hashes and what is written once', async () => {
  const { rows } = await withClient(world.server.database.url, (client) =>
    client.query<{ name: string }>(
      `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
       WHERE table_schema = 'tenant' AND data_type = 'bytea' ORDER BY 1`,
    ),
  );
  const isHash = /hash$|^seal_(head|leaves)\.|^idempotency_key\.key$/;
  const found = rows.map(({ name }) => name).filter((name) => !isHash.test(name));
  const declared = [...sealedColumns.map(({ table, column }) => `${table}.${column}`), ...Object.keys(others)];
  expect(found.sort()).toEqual(declared.sort());
});
