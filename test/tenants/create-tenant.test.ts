// Making a tenant, finding it by name, and finishing one that a crash left half made (issue 2; architecture.md, Tenancy).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findClient, hashSecret } from '../../src/people/clients.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { createTenantRegistry } from '../../src/tenants/registry.ts';
import { readSigningKeys } from '../../src/tenants/signing-key.ts';
import { withClient } from '../support/database.ts';
import { openTenantDatabase, type TenantDatabase } from './tenant-database.ts';

let database: TenantDatabase;
beforeAll(async () => {
  database = await openTenantDatabase();
});
afterAll(() => database.close());

const count = async (table: string, tenantId: number) =>
  await withClient(database.url, async (client) => {
    const { rows } = await client.query(`SELECT count(*)::int AS n FROM store.${table} WHERE tenant_id = $1`, [
      tenantId,
    ]);
    return rows[0].n as number;
  });

describe('a new tenant', () => {
  test('has keys, a signing key and a client of contract.md 2', async () => {
    const made = await createTenant(database, { name: 'north' });
    expect(made).toEqual({
      tenantId: expect.any(Number),
      tenant: 'north',
      clientId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      clientSecret: expect.stringMatching(/^[\w-]{43}$/),
    });
    const cipher = await database.keyRing.cipherOf(made.tenantId);
    const client = await database.tenantDoor(made.tenantId, (trx) => findClient(trx, cipher, made.clientId));
    expect(client).toMatchObject({
      clientId: made.clientId,
      name: 'First client',
      secretHash: hashSecret(made.clientSecret),
      jwks: undefined,
      grantTypes: ['client_credentials'],
      scope: 'system/*.cruds',
      roles: ['clinic-admin'],
      active: true,
    });
    const keys = await database.tenantDoor(made.tenantId, (trx) => readSigningKeys(trx, cipher));
    expect(keys).toEqual([expect.objectContaining({ kty: 'EC', crv: 'P-256', alg: 'ES256', d: expect.any(String) })]);
  });

  test('shares no key with another', async () => {
    const [one, two] = [await createTenant(database, { name: 'one' }), await createTenant(database, { name: 'two' })];
    const ciphers = await Promise.all([one, two].map(({ tenantId }) => database.keyRing.cipherOf(tenantId)));
    expect(ciphers[0]!.tokenOf('x')).not.toBe(ciphers[1]!.tokenOf('x'));
    const sealed = ciphers[0]!.seal(Buffer.from('x'), 'context');
    expect(() => ciphers[1]!.open(sealed, 'context')).toThrow();
  });

  test.each(['', 'Upper', '-x', 'a_b', 'a/b', '..', 'x'.repeat(64), "x'; DROP TABLE"])(
    'cannot be called %j: 422',
    async (name) => {
      await expect(createTenant(database, { name })).rejects.toMatchObject({ status: 422 });
    },
  );

  test('with a taken name: 409 duplicate, and the first one stays as it is', async () => {
    const { tenantId } = await createTenant(database, { name: 'taken' });
    await expect(createTenant(database, { name: 'taken' })).rejects.toMatchObject({
      status: 409,
      issues: [{ code: 'duplicate' }],
    });
    expect([await count('client', tenantId), await count('signing_key', tenantId)]).toEqual([1, 1]);
  });

  test('made by 5 at once is made once', async () => {
    const made = await Promise.allSettled(Array.from({ length: 5 }, () => createTenant(database, { name: 'raced' })));
    const [winner, ...others] = made.filter(({ status }) => status === 'fulfilled');
    expect(others).toEqual([]);
    const { tenantId } = (winner as PromiseFulfilledResult<{ tenantId: number }>).value;
    expect(await count('tenant_key', tenantId)).toBe(2);
    expect([await count('client', tenantId), await count('signing_key', tenantId)]).toEqual([1, 1]);
  });
});

describe('a tenant that a crash left half made is finished by making it again', () => {
  const register = (name: string) =>
    database.systemDoor(async (trx) => {
      const rows = await trx.query<{ id: number }>({
        text: 'INSERT INTO tenant (name, display) VALUES ($1, $1) RETURNING id',
        values: [name],
      });
      return rows[0]!.id;
    });

  test('after its registry row', async () => {
    const id = await register('half');
    const made = await createTenant(database, { name: 'half' });
    expect(made.tenantId).toBe(id);
    expect(await count('tenant_key', id)).toBe(2);
    await expect(createTenant(database, { name: 'half' })).rejects.toMatchObject({ status: 409 });
  });

  test('after its keys: they stay', async () => {
    const id = await register('keys');
    await database.tenantDoor(id, async (trx) => database.keyRing.createKeys(trx));
    const sealed = (await database.keyRing.cipherOf(id)).seal(Buffer.from('kept'), 'context');
    await createTenant(database, { name: 'keys' });
    expect((await database.keyRing.cipherOf(id)).open(sealed, 'context').toString()).toBe('kept');
  });
});

describe('the registry', () => {
  test('finds tenants by name, suspended ones like unknown ones, and answers at once the second time', async () => {
    const { tenantId } = await createTenant(database, { name: 'found', display: 'Clinic Found' });
    const registry = createTenantRegistry(database.systemDoor);
    expect(await registry.find('found')).toEqual({ id: tenantId, name: 'found', display: 'Clinic Found' });
    expect(registry.find('found')).not.toBeInstanceOf(Promise);
    expect(await registry.find('nowhere')).toBeUndefined();
    expect(registry.find('No Name')).toBeUndefined();
    await database.systemDoor(async (trx) =>
      trx.execute({ text: "UPDATE tenant SET status = 'suspended' WHERE name = 'found'" }),
    );
    registry.forget();
    expect(await registry.find('found')).toBeUndefined();
  });
});
