// API clients, staff accounts, their roles and passwords: nothing personal or secret is readable at rest (security.md 69 to 76).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { rehashPassword } from '../../src/people/account-secrets.ts';
import { type Account, createAccount, findAccountByEmail } from '../../src/people/accounts.ts';
import {
  type ClientRegistration,
  createClient,
  createClientWithKeys,
  disableClient,
  findClient,
  type JsonWebKeySet,
} from '../../src/people/clients.ts';
import { hashPassword, needsRehash, verifyPassword } from '../../src/people/password.ts';
import { type Role, requireRoles, roles, typeGroups } from '../../src/people/roles.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { withClient } from '../support/database.ts';
import { openTenantDatabase, type TenantDatabase } from '../tenants/tenant-database.ts';

let database: TenantDatabase;
let a: number;
let b: number;

beforeAll(async () => {
  database = await openTenantDatabase();
  a = (await createTenant(database, { name: 'a' })).tenantId;
  b = (await createTenant(database, { name: 'b' })).tenantId;
});
afterAll(() => database.close());

const person = { email: 'Eva.Muster@Clinic.example', name: 'Eva Muster', roles: ['nurse'] };

async function create(tenantId: number, details: Parameters<typeof createAccount>[2]): Promise<string> {
  const cipher = await database.keyRing.cipherOf(tenantId);
  return (await database.tenantDoor(tenantId, (trx) => createAccount(trx, cipher, details))).id;
}

async function find(tenantId: number, email: string): Promise<Account | undefined> {
  const cipher = await database.keyRing.cipherOf(tenantId);
  return await database.tenantDoor(tenantId, (trx) => findAccountByEmail(trx, cipher, email));
}

describe('staff accounts', () => {
  test('are found by their e-mail address however it is written, in their tenant only (security.md 23, 70)', async () => {
    const id = await create(a, { ...person, practitioner: 'Practitioner/1' });
    const account = {
      ...{ id, email: 'eva.muster@clinic.example', name: 'Eva Muster', roles: ['nurse'], departments: [] },
      ...{ active: true, secondFactor: false, mustReset: false },
    };
    for (const email of [person.email, ' eva.muster@clinic.example ', 'ｅva.muster@clinic.example']) {
      expect(await find(a, email)).toEqual({ ...account, practitioner: 'Practitioner/1' });
    }
    expect(await find(b, person.email)).toBeUndefined();
    expect(await find(a, 'other@clinic.example')).toBeUndefined();
  });

  test('one per address in a tenant: 409; the same address in another tenant is another account', async () => {
    await expect(create(a, { ...person, email: 'EVA.MUSTER@clinic.example' })).rejects.toMatchObject({ status: 409 });
    expect(await create(b, person)).toEqual(expect.any(String));
  });

  test.each(['', 'nobody', 'a@b@c', 'a b@c', `${'x'.repeat(260)}@y`])(
    'no account for the address %j: 422',
    async (email) => {
      await expect(create(a, { ...person, email })).rejects.toMatchObject({ status: 422 });
    },
  );

  test('cannot hold a role that is none', async () => {
    for (const role of ['root', '__proto__', 'constructor', '']) {
      await expect(create(a, { ...person, email: 'x@y', roles: [role] })).rejects.toMatchObject({ status: 422 });
    }
  });

  test('address, name and password are not readable in the table', async () => {
    const passwordHash = await hashPassword('correct horse battery');
    await create(a, { ...person, email: 'canary@clinic.example', name: 'Canary Bird', passwordHash });
    const { rows } = await withClient(database.url, (client) =>
      client.query('SELECT to_jsonb(t)::text AS text FROM store.account AS t'),
    );
    const dump = JSON.stringify(rows);
    for (const text of ['canary@clinic.example', 'Canary Bird', 'Eva Muster', 'correct horse battery']) {
      expect(dump).not.toContain(text);
      expect(dump).not.toContain(Buffer.from(text).toString('hex'));
    }
  });
});

describe('passwords', () => {
  test('are Argon2id with 19 MiB, 2 passes, 1 lane: security.md 76', async () => {
    const hash = await hashPassword('correct horse battery');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await verifyPassword(hash, 'correct horse battery')).toBe(true);
    expect(await verifyPassword(hash, 'correct horse batterY')).toBe(false);
    expect(await hashPassword('correct horse battery')).not.toBe(hash);
  });

  test('have 12 to 1,024 bytes, and a longer guess costs nothing: security.md 72', async () => {
    await expect(hashPassword('short')).rejects.toMatchObject({ status: 422 });
    await expect(hashPassword('x'.repeat(1_025))).rejects.toMatchObject({ status: 422 });
    expect(await verifyPassword('no hash at all', 'x'.repeat(1_000_000))).toBe(false);
  });

  test('of nobody take as long and are never right: security.md 69', async () => {
    expect(await verifyPassword(undefined, 'correct horse battery')).toBe(false);
    expect(await verifyPassword(undefined, '')).toBe(false);
  });

  test('hashed with other parameters are hashed again at login, unless the password has changed meanwhile: security.md 76', async () => {
    const old = await hash('correct horse battery', { memoryCost: 8_192, timeCost: 1, parallelism: 1 });
    const today = await hashPassword('correct horse battery');
    expect([needsRehash(old), needsRehash(today), needsRehash('$2b$12$bcrypt')]).toEqual([true, false, true]);
    const id = await create(a, { ...person, email: 'rehash@clinic.example', passwordHash: old });
    const stored = async () => (await find(a, 'rehash@clinic.example'))?.passwordHash;
    await database.tenantDoor(a, async (trx) => rehashPassword(trx, id, { from: 'another', to: 'nothing' }));
    expect(await stored()).toBe(old);
    await database.tenantDoor(b, async (trx) => rehashPassword(trx, id, { from: old, to: 'nothing' }));
    expect(await stored()).toBe(old);
    await database.tenantDoor(a, async (trx) => rehashPassword(trx, id, { from: old, to: today }));
    expect(await stored()).toBe(today);
    expect(await verifyPassword(today, 'correct horse battery')).toBe(true);
  });

  test('200 at once: as many as may wait are answered, the rest is 429 at once', async () => {
    const hash = await hashPassword('correct horse battery');
    const guesses = await Promise.allSettled(Array.from({ length: 200 }, () => verifyPassword(hash, 'wrong guess')));
    const refused = guesses.filter((guess) => guess.status === 'rejected');
    expect(refused.length).toBeGreaterThan(100);
    for (const { reason } of refused) expect(reason).toMatchObject({ status: 429, retryAfterSeconds: 1 });
    expect(await verifyPassword(hash, 'correct horse battery')).toBe(true);
  });
});

describe('API clients', () => {
  const registration: ClientRegistration = {
    name: 'Laboratory',
    grantTypes: ['client_credentials'],
    scope: 'system/*.rs',
    roles: ['lab-technician'],
    fhirUser: 'Practitioner/1',
  };
  const rsa = { kty: 'RSA', n: 'x'.repeat(342), e: 'AQAB' };

  test('with a secret, with keys; disabled once', async () => {
    const cipher = await database.keyRing.cipherOf(a);
    const { clientId } = await database.tenantDoor(a, async (trx) =>
      createClientWithKeys(trx, cipher, registration, { keys: [rsa] }),
    );
    const read = () => database.tenantDoor(a, (trx) => findClient(trx, cipher, clientId));
    expect(await read()).toEqual({
      ...registration,
      clientId,
      jwks: { keys: [rsa] },
      tokenEndpointAuthMethod: 'private_key_jwt',
      ...{ redirectUris: [], postLogoutRedirectUris: [], origins: [], contacts: [] },
      active: true,
      createdAt: expect.any(Date),
    });
    expect(await database.tenantDoor(b, (trx) => disableClient(trx, clientId))).toBe(false);
    expect(await database.tenantDoor(a, (trx) => disableClient(trx, clientId))).toBe(true);
    expect(await read()).toMatchObject({ active: false });
    const secret = await database.tenantDoor(a, async (trx) => createClient(trx, cipher, registration));
    expect(Buffer.from(secret.clientSecret, 'base64url')).toHaveLength(32);
  });

  test.each<[string, JsonWebKeySet]>([
    ['none', { keys: [] }],
    ['a private key', { keys: [{ ...rsa, d: 'x' }] }],
    ['a private key without its exponent', { keys: [{ ...rsa, p: 'x', q: 'x' }] }],
    ['a key of 64 kB', { keys: [{ ...rsa, e: 'x'.repeat(65_536) }] }],
    ['a modulus that is no text', { keys: [{ ...rsa, n: { length: 400 } as never }] }],
    ['an RSA key of 1024 bits', { keys: [{ ...rsa, n: 'x'.repeat(171) }] }],
    ['an RSA key of 65536 bits', { keys: [{ ...rsa, n: 'x'.repeat(10_923) }] }],
    ['a symmetric key', { keys: [{ kty: 'oct', k: 'x' }] }],
    ['a curve SMART does not use', { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] }],
    ['21 keys', { keys: Array.from({ length: 21 }, () => rsa) }],
  ])('cannot be registered with keys like %s', async (_, jwks) => {
    const cipher = await database.keyRing.cipherOf(a);
    const register = database.tenantDoor(a, async (trx) => createClientWithKeys(trx, cipher, registration, jwks));
    await expect(register).rejects.toMatchObject({ status: 422 });
  });
});

describe('the table of roles', () => {
  const all: [string, Role][] = Object.entries(roles);

  test('has the slugs of contract.md 48', () => {
    expect(all.map(([slug]) => slug)).toEqual([
      ...['system-admin', 'clinic-admin', 'provider', 'nurse', 'front-desk', 'cashier', 'billing-manager'],
      ...['billing-staff', 'pharmacist', 'optical-staff', 'lab-technician', 'lab-manager', 'inventory-manager'],
      ...['auditor', 'patient'],
    ]);
    expect(() => requireRoles(all.map(([slug]) => slug))).not.toThrow();
  });

  test('names only types of R4 and letters of SMART in their order', () => {
    const { resourceTypes } = loadDefinitions();
    for (const type of Object.values(typeGroups).flat()) expect(resourceTypes).toContain(type);
    for (const [, { grants }] of all) {
      for (const grant of grants) {
        const [, target = '', letters] = /^(?:own:)?(\w+)\.((?=[cruds])c?r?u?d?s?)(?:\[[\w,]+\]|\?[\w-]+=\S+)?$/.exec(
          grant,
        ) ?? [grant];
        expect([grant, letters]).toEqual([grant, expect.any(String)]);
        expect([grant, Object.hasOwn(typeGroups, target) || resourceTypes.has(target)]).toEqual([grant, true]);
      }
    }
  });

  test('lets nobody delete money or audit records, and the auditor change nothing: domain.md section 5', () => {
    for (const [, { grants }] of all) {
      expect(grants.filter((grant) => /^(own:)?(billing|payments|ledger|audit)\.c?r?u?d/.test(grant))).toEqual([]);
    }
    expect(roles.auditor.grants.filter((grant) => /\.[rs]*[cud]/.test(grant))).toEqual([]);
  });
});
