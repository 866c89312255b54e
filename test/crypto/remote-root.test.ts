// A root key that somebody else keeps: what it has unwrapped is good for a while, then nothing is (security.md, fault 33)

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createKeyRing, type KeyRing, type KeyRingOptions } from '../../src/crypto/key-ring.ts';
import { soleRoot } from '../../src/crypto/root-keys.ts';
import { createAwsKms } from '../../src/gateways/kms-aws.ts';
import { KeyRefusal } from '../../src/gateways/root-key.ts';
import { type AwsKmsServer, awsCredentials, startAwsKmsServer } from '../gateways/aws-kms-server.ts';
import { testRootKey, withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';

const cacheMs = 3_600_000;
let tenants: TwoTenants;
let kms: AwsKmsServer;
let nowMs = 0;
const rings: KeyRing[] = [];
beforeAll(async () => {
  [tenants, kms] = await Promise.all([makeTwoTenants(8), startAwsKmsServer()]);
});
beforeEach(async () => {
  kms.isDown = false;
  await withClient(tenants.url, (client) => client.query('TRUNCATE store.tenant_key'));
  for (const id of [tenants.a, tenants.b]) await tenants.tenantDoor(id, (trx) => newRing().createKeys(trx));
});
afterAll(async () => {
  for (const ring of rings) ring.close();
  await Promise.all([kms.close(), tenants.close()]);
});

const rootOf = () =>
  createAwsKms({ region: 'eu-central-1', prefix: 'hpms', endpoint: kms.url, credentials: () => awsCredentials });

/** As another process; its clock is the test's. */
function newRing(options: KeyRingOptions = {}): KeyRing {
  const settings = { cacheMs, retryMs: 0, nowMs: () => nowMs, ...options };
  const ring = createKeyRing({ current: rootOf(), earlier: [] }, tenants.tenantDoor, settings);
  rings.push(ring);
  return ring;
}

const usesOf = async (tenantId: number) => {
  const text = "SELECT uses_reserved::float8 AS uses FROM tenant_key WHERE purpose = 'data'";
  const [row] = await tenants.tenantDoor(tenantId, (trx) => trx.query<{ uses: number }>({ text }));
  return row?.uses;
};
const decrypts = () => kms.asked.filter(({ headers }) => headers['x-amz-target'] === 'TrentService.Decrypt').length;
const isUnavailable = { name: 'FhirError', status: 503, retryAfterSeconds: 5 };

describe('while the root key is out of reach', () => {
  test('keys that are in memory go on working, and no use of them asks again', async () => {
    const ring = newRing();
    const cipher = await ring.cipherOf(tenants.a);
    const before = decrypts();
    kms.isDown = true;
    const box = cipher.seal(Buffer.from('x'), 'c');
    expect(ring.loadedCipherOf(tenants.a)?.open(box, 'c').toString()).toBe('x');
    // Another process has made a newer key, or a block of uses is through: what is known is not asked for again.
    ring.outdate(tenants.a);
    expect((await ring.cipherOf(tenants.a)).open(box, 'c').toString()).toBe('x');
    expect(decrypts()).toBe(before);
  });

  test('a process that has not got them answers 503, never in the clear, and takes no uses', async () => {
    kms.isDown = true;
    const ring = newRing();
    for (let times = 0; times < 3; times++) await expect(ring.cipherOf(tenants.b)).rejects.toMatchObject(isUnavailable);
    expect(ring.loadedCipherOf(tenants.b)).toBeUndefined();
    expect(await usesOf(tenants.b)).toBe(0);
    kms.isDown = false;
    expect((await ring.cipherOf(tenants.b)).seal(Buffer.from('x'), 'c').length).toBeGreaterThan(30);
  });

  test('a moment passes before anybody is asked again, however many want to know', async () => {
    const ring = newRing({ retryMs: 600_000 });
    kms.says = { status: 500, body: { __type: 'KMSInternalException' } };
    const before = kms.asked.length;
    await Promise.allSettled(Array.from({ length: 50 }, () => ring.cipherOf(tenants.a)));
    await expect(ring.cipherOf(tenants.a)).rejects.toMatchObject(isUnavailable);
    kms.says = undefined;
    expect(kms.asked.length - before).toBeLessThanOrEqual(2);
  });

  test('no tenant can be made, and none is left half made', async () => {
    kms.isDown = true;
    await withClient(tenants.url, (client) => client.query('TRUNCATE store.tenant_key'));
    const made = tenants.tenantDoor(tenants.a, (trx) => newRing().createKeys(trx));
    await expect(made).rejects.toMatchObject(isUnavailable);
    const rows = await withClient(tenants.url, (client) => client.query('SELECT * FROM store.tenant_key'));
    expect(rows.rows).toEqual([]);
  });

  test('keys are asked for ahead of time; those that nobody confirms in time are forgotten', async () => {
    const errors: unknown[] = [];
    const ring = newRing({ onError: (error) => errors.push(error) });
    await Promise.all([ring.cipherOf(tenants.a), ring.cipherOf(tenants.b)]);
    nowMs += cacheMs / 2 - 1;
    const early = decrypts();
    await ring.renew();
    expect(decrypts()).toBe(early);
    nowMs += 1;
    await ring.renew();
    expect(decrypts()).toBe(early + 4);
    kms.isDown = true;
    nowMs += cacheMs - 1;
    await ring.renew();
    expect(new Set(ring.loadedTenants())).toEqual(new Set([tenants.a, tenants.b]));
    nowMs += 1;
    await ring.renew();
    expect(ring.loadedTenants()).toEqual([]);
    await expect(ring.cipherOf(tenants.a)).rejects.toMatchObject(isUnavailable);
    expect(errors).toHaveLength(4);
    expect(errors[0]).toMatchObject(isUnavailable);
    kms.isDown = false;
    await ring.cipherOf(tenants.a);
    expect(ring.loadedTenants()).toEqual([tenants.a]);
  });
});

describe('a key that is refused', () => {
  test('is forgotten at once: its tenant is dark from the next question on, the other one is not', async () => {
    const ring = newRing({ onError: () => undefined });
    await Promise.all([ring.cipherOf(tenants.a), ring.cipherOf(tenants.b)]);
    await ring.destroyKeys(tenants.a);
    nowMs += cacheMs / 2;
    await ring.renew();
    expect(ring.loadedTenants()).toEqual([tenants.b]);
    await expect(ring.cipherOf(tenants.a)).rejects.toThrow(KeyRefusal);
    await expect(newRing().cipherOf(tenants.a)).rejects.toThrow(`tenant ${tenants.a} does not open under aws-kms:`);
    // The test's own tenants have their KMS keys for as long as the service lives.
    for (const key of kms.keys.values()) key.state = 'Enabled';
  });

  test('because this process has another root key is named with the one it needs', async () => {
    const ring = createKeyRing(soleRoot(testRootKey), tenants.tenantDoor);
    await expect(ring.cipherOf(tenants.a)).rejects.toThrow(
      `The data key 1 of tenant ${tenants.a} does not open under aws-kms:eu-central-1/hpms: this process has not been given that root key.`,
    );
  });

  test.each(['flipped', "another tenant's"])('because it is %s takes nobody else along', async (what) => {
    await withClient(tenants.url, (client) =>
      what === 'flipped'
        ? client.query(
            "UPDATE store.tenant_key SET wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) WHERE tenant_id = $1 AND purpose = 'index'",
            [tenants.a],
          )
        : client.query(
            `UPDATE store.tenant_key own SET wrapped = other.wrapped FROM store.tenant_key other
             WHERE own.tenant_id = $1 AND other.tenant_id = $2 AND own.purpose = other.purpose`,
            [tenants.a, tenants.b],
          ),
    );
    const ring = newRing();
    await expect(ring.cipherOf(tenants.a)).rejects.toThrow(KeyRefusal);
    expect(await usesOf(tenants.a)).toBe(0);
    const other = await ring.cipherOf(tenants.b);
    expect(other.open(other.seal(Buffer.from('x'), 'c'), 'c').toString()).toBe('x');
  });
});
