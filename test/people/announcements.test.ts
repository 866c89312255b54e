// What rights depend on is announced to every process when it changes, at once to the one that changes it, and a sign-in is no news: security.md 62

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { rehashPassword, requireNewPassword } from '../../src/people/account-secrets.ts';
import { changeAccount, createAccount } from '../../src/people/accounts.ts';
import { createClient, disableClient } from '../../src/people/clients.ts';
import { putCustomRole } from '../../src/people/custom-roles.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { openTenantDatabase, type TenantDatabase } from '../tenants/tenant-database.ts';

let database: TenantDatabase;
let tenantId: number;
let listener: pg.Client;
let toldHere = 0;
beforeAll(async () => {
  database = await openTenantDatabase(() => (toldHere += 1));
  tenantId = (await createTenant(database, { name: 'a' })).tenantId;
  listener = new pg.Client({ connectionString: database.url });
  await listener.connect();
  await listener.query('LISTEN hpms_access');
  await listener.query('LISTEN nothing');
});
afterAll(async () => {
  await listener.end();
  await database.close();
});

/** Notices are in the order of commits: the one on the other channel comes last. */
async function isAnnounced(work: Parameters<TenantDatabase['tenantDoor']>[1]): Promise<boolean> {
  const heard: string[] = [];
  const hear = ({ channel }: pg.Notification) => heard.push(channel);
  listener.on('notification', hear);
  const toldBefore = toldHere;
  await database.tenantDoor(tenantId, work);
  const isToldHere = toldHere > toldBefore;
  await database.tenantDoor(tenantId, (trx) => trx.query({ text: "SELECT pg_notify('nothing', '')" }));
  while (!heard.includes('nothing')) await once(listener, 'notification');
  listener.off('notification', hear);
  expect(heard.includes('hpms_access')).toBe(isToldHere);
  return isToldHere;
}

test('roles, accounts and clients are announced; a rehashed password, and an account that can do nothing yet, are not', async () => {
  const cipher = await database.keyRing.cipherOf(tenantId);
  let id = '';
  let clientId = '';
  const account = { email: 'a@x.example', name: 'A', roles: ['nurse'] };
  expect(await isAnnounced(async (trx) => ({ id } = await createAccount(trx, cipher, account)))).toBe(false);
  for (const change of [{ roles: [] }, { active: false }, { practitioner: 'Practitioner/1' }]) {
    expect(await isAnnounced((trx) => changeAccount(trx, cipher, id, change))).toBe(true);
  }
  expect(await isAnnounced(async (trx) => requireNewPassword(trx, id))).toBe(true);
  expect(await isAnnounced((trx) => changeAccount(trx, cipher, id, { name: 'B' }))).toBe(false);
  expect(await isAnnounced(async (trx) => rehashPassword(trx, id, { from: 'x', to: 'y' }))).toBe(false);
  const role = { slug: 'own', name: 'Own', grants: ['user/Patient.r'], active: true };
  expect(await isAnnounced((trx) => putCustomRole(trx, role))).toBe(true);
  expect(await isAnnounced((trx) => putCustomRole(trx, { ...role, active: false }))).toBe(true);
  const client = { name: 'C', grantTypes: ['client_credentials'], scope: 'system/*.rs', roles: [] };
  expect(await isAnnounced(async (trx) => ({ clientId } = createClient(trx, cipher, client)))).toBe(true);
  expect(await isAnnounced((trx) => disableClient(trx, clientId))).toBe(true);
});

test('is told once, and not again by who has the connection next', async () => {
  await database.tenantDoor(tenantId, async (trx) => requireNewPassword(trx, randomUUID()));
  const before = toldHere;
  for (let turn = 0; turn < 10; turn++) await database.tenantDoor(tenantId, (trx) => trx.query({ text: 'SELECT 1' }));
  expect(toldHere).toBe(before);
});
