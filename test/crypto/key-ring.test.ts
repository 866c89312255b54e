// Each tenant's keys: wrapped in the database, renewed before they are used too often, apart from all others: architecture.md, Storage

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createKeyRing, type KeyRing } from '../../src/crypto/key-ring.ts';
import { keyVersionOf } from '../../src/crypto/sealed-box.ts';
import { testRootKey, withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';

const block = 2 ** 20;
const usesMax = 2 ** 31;

let tenants: TwoTenants;
let ring: KeyRing;
beforeAll(async () => {
  tenants = await makeTwoTenants(8);
});
beforeEach(async () => {
  await withClient(tenants.url, (client) => client.query('TRUNCATE store.tenant_key'));
  ring = newRing();
  for (const id of [tenants.a, tenants.b]) await tenants.tenantDoor(id, async (trx) => ring.createKeys(trx));
});
afterAll(() => tenants.close());

const newRing = (rootKey = testRootKey) => createKeyRing(rootKey, tenants.tenantDoor);

interface KeyState {
  readonly version: number;
  readonly uses: number;
}

const dataKeys = (tenantId: number): Promise<KeyState[]> =>
  tenants.tenantDoor(tenantId, (trx) =>
    trx.query<KeyState>({
      text: "SELECT version, uses_reserved::float8 AS uses FROM tenant_key WHERE purpose = 'data' ORDER BY version",
    }),
  );

const setUses = (tenantId: number, uses: number) =>
  tenants.tenantDoor(tenantId, async (trx) =>
    trx.execute({ text: "UPDATE tenant_key SET uses_reserved = $1 WHERE purpose = 'data'", values: [uses] }),
  );

describe('a key ring', () => {
  test('gives every process the same keys, at once when they are loaded', async () => {
    expect(ring.loadedCipherOf(tenants.a)).toBeUndefined();
    const cipher = await ring.cipherOf(tenants.a);
    expect(ring.loadedCipherOf(tenants.a)).toBe(cipher);
    const other = await newRing().cipherOf(tenants.a);
    expect(other.open(cipher.seal(Buffer.from('x'), 'c'), 'c').toString()).toBe('x');
    expect(other.tokenOf('Patient.identifier|1')).toBe(cipher.tokenOf('Patient.identifier|1'));
  });

  test('keeps tenants apart: neither bodies nor tokens have anything in common', async () => {
    const [a, b] = [await ring.cipherOf(tenants.a), await ring.cipherOf(tenants.b)];
    expect(() => b.open(a.seal(Buffer.from('x'), 'c'), 'c')).toThrow();
    expect(a.tokenOf('Patient.identifier|1')).not.toBe(b.tokenOf('Patient.identifier|1'));
  });

  test('stores keys wrapped only: under another root key, or moved, they do not open', async () => {
    await expect(newRing(Buffer.alloc(32, 'other')).cipherOf(tenants.a)).rejects.toThrow();
    await withClient(tenants.url, (client) =>
      client.query(
        `UPDATE store.tenant_key own SET wrapped = other.wrapped FROM store.tenant_key other
         WHERE own.tenant_id = $1 AND other.tenant_id = $2 AND own.purpose = other.purpose`,
        [tenants.a, tenants.b],
      ),
    );
    await expect(newRing().cipherOf(tenants.a)).rejects.toThrow();
  });

  test('does not take the index key for the data key', async () => {
    await withClient(tenants.url, (client) =>
      client.query(
        `UPDATE store.tenant_key own SET wrapped = other.wrapped FROM store.tenant_key other
         WHERE own.tenant_id = $1 AND other.tenant_id = $1 AND own.purpose = 'data' AND other.purpose = 'index'`,
        [tenants.a],
      ),
    );
    await expect(newRing().cipherOf(tenants.a)).rejects.toThrow();
  });

  test('says which tenant has no keys', async () => {
    await withClient(tenants.url, (client) => client.query('TRUNCATE store.tenant_key'));
    await expect(newRing().cipherOf(tenants.a)).rejects.toThrow(`Tenant ${tenants.a} has no data key`);
  });
});

describe('uses of a data key', () => {
  test('are reserved in blocks before the first, by every process its own', async () => {
    await Promise.all(Array.from({ length: 8 }, () => newRing().cipherOf(tenants.a)));
    expect(await dataKeys(tenants.a)).toEqual([{ version: 1, uses: 8 * block }]);
    expect(await dataKeys(tenants.b)).toEqual([{ version: 1, uses: 0 }]);
  });

  test('are one block however many ask for the cipher at once', async () => {
    await Promise.all(Array.from({ length: 50 }, () => ring.cipherOf(tenants.a)));
    expect(await dataKeys(tenants.a)).toEqual([{ version: 1, uses: block }]);
  });

  test('outlast the keys that are loaded again: other keys, or a box that names none, cost no block', async () => {
    const cipher = await ring.cipherOf(tenants.a);
    const box = cipher.seal(Buffer.from('x'), 'c');
    box.writeUInt32BE(7, 1);
    for (let time = 0; time < 3; time++) {
      const current = await ring.cipherOf(tenants.a);
      expect(() => current.open(box, 'c')).toThrow('data key version 7');
      expect(ring.loadedCipherOf(tenants.a)).toBeUndefined();
    }
    expect(await dataKeys(tenants.a)).toEqual([{ version: 1, uses: block }]);
    await tenants.tenantDoor(tenants.a, (trx) => ring.addKey(trx, 'data', 'asked'));
    ring.outdate(tenants.a);
    expect(keyVersionOf((await ring.cipherOf(tenants.a)).seal(Buffer.from('x'), 'c'))).toBe(2);
    expect(await dataKeys(tenants.a)).toEqual([
      { version: 1, uses: block },
      { version: 2, uses: block },
    ]);
  });

  test('end at 2^31: the next block is of a new version, and the old one still opens (security.md decisions)', async () => {
    const old = (await ring.cipherOf(tenants.a)).seal(Buffer.from('old'), 'c');
    await setUses(tenants.a, usesMax - block);
    const last = await newRing().cipherOf(tenants.a);
    expect(keyVersionOf(last.seal(Buffer.from('x'), 'c'))).toBe(1);
    expect(await dataKeys(tenants.a)).toEqual([{ version: 1, uses: usesMax }]);
    const next = await newRing().cipherOf(tenants.a);
    expect(keyVersionOf(next.seal(Buffer.from('x'), 'c'))).toBe(2);
    expect(next.open(old, 'c').toString()).toBe('old');
    expect(await dataKeys(tenants.a)).toEqual([
      { version: 1, uses: usesMax },
      { version: 2, uses: block },
    ]);
  });

  test('end once, though many processes come to the end together', async () => {
    await setUses(tenants.a, usesMax - 2 * block);
    const ciphers = await Promise.all(Array.from({ length: 6 }, () => newRing().cipherOf(tenants.a)));
    const versions = ciphers.map((cipher) => keyVersionOf(cipher.seal(Buffer.from('x'), 'c'))).sort();
    expect(versions).toEqual([1, 1, 2, 2, 2, 2]);
    expect(await dataKeys(tenants.a)).toEqual([
      { version: 1, uses: usesMax },
      { version: 2, uses: 4 * block },
    ]);
  });

  test('a process that does not know a version yet reads what another one sealed under it', async () => {
    const early = await ring.cipherOf(tenants.a);
    await setUses(tenants.a, usesMax);
    const late = await newRing().cipherOf(tenants.a);
    const box = late.seal(Buffer.from('new'), 'c');
    expect(keyVersionOf(box)).toBe(2);
    expect(() => early.open(box, 'c')).toThrow('version 2');
    expect((await ring.cipherOf(tenants.a)).open(box, 'c').toString()).toBe('new');
  });
});
