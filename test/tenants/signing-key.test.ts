// The keys a tenant signs with: one of each algorithm, whoever makes them.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { createIdentityKey, readSigningKeys } from '../../src/tenants/signing-key.ts';
import { openTenantDatabase, type TenantDatabase } from './tenant-database.ts';

let database: TenantDatabase;
beforeAll(async () => {
  database = await openTenantDatabase();
});
afterAll(() => database.close());

test('the key of id_tokens is made once, by however many processes at the same time', async () => {
  const { tenantId } = await createTenant(database, { name: 'north' });
  const cipher = await database.keyRing.cipherOf(tenantId);
  const create = () => createIdentityKey(database.tenantDoor, tenantId, cipher);
  const read = () => database.tenantDoor(tenantId, (trx) => readSigningKeys(trx, cipher));
  expect((await read()).map(({ alg }) => alg)).toEqual(['ES256']);
  await Promise.all([create(), create(), create(), create()]);
  const keys = await read();
  expect(keys.map(({ alg }) => alg).sort()).toEqual(['ES256', 'RS256']);
  await create();
  expect(await read()).toEqual(keys);
});
