// Accounts are linked by issuer and subject only: security.md 57

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createAccount } from '../../../src/people/accounts.ts';
import {
  findAccountOfIdentity,
  type Identity,
  linkIdentity,
  unlinkIdentities,
} from '../../../src/people/identities.ts';
import { withClient } from '../../support/database.ts';
import { type SmartServer, startSmartServer } from '../smart-server.ts';

let server: SmartServer;
beforeAll(async () => {
  server = await startSmartServer();
});
afterAll(() => server.close());

const hospital: Identity = { issuer: 'https://idp.hospital.example', subject: 'eva' };

async function account(email: string, { tenantId } = server.a): Promise<string> {
  const cipher = await server.keyRing.cipherOf(tenantId);
  const details = { email, name: email, roles: ['nurse'] };
  return (await server.tenantDoor(tenantId, (trx) => createAccount(trx, cipher, details))).id;
}

async function link(accountId: string, identity: Identity, { tenantId } = server.a): Promise<void> {
  const cipher = await server.keyRing.cipherOf(tenantId);
  await server.tenantDoor(tenantId, (trx) => linkIdentity(trx, cipher, accountId, identity));
}

async function find(identity: Identity, { tenantId } = server.a): Promise<string | undefined> {
  const cipher = await server.keyRing.cipherOf(tenantId);
  return await server.tenantDoor(tenantId, (trx) => findAccountOfIdentity(trx, cipher, identity));
}

test('an identity finds its account, in its tenant only', async () => {
  const eva = await account('eva@clinic.example');
  await link(eva, hospital);
  await link(eva, hospital);
  expect(await find(hospital)).toBe(eva);
  expect(await find({ ...hospital, subject: 'Eva' })).toBeUndefined();
  expect(await find({ ...hospital, issuer: 'https://idp.hospital.example/' })).toBeUndefined();
  expect(await find(hospital, server.b)).toBeUndefined();
  await link(await account('eva@clinic.example', server.b), hospital, server.b);
  expect(await find(hospital)).toBe(eva);
});

test('the e-mail address links nobody: the subject may be the address of an administrator', async () => {
  await account('admin@clinic.example');
  expect(await find({ ...hospital, subject: 'admin@clinic.example' })).toBeUndefined();
});

test('of two accounts that take one identity at the same time one has it, the other is refused with 409', async () => {
  const accounts = await Promise.all(Array.from({ length: 8 }, (_, n) => account(`n${n}@clinic.example`)));
  const contested = { ...hospital, subject: 'contested' };
  const results = await Promise.allSettled(accounts.map((one) => link(one, contested)));
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  expect(refused.map(({ status }) => status)).toEqual(Array(7).fill(409));
  expect(accounts).toContain(await find(contested));
});

test('an account has ten at most, and loses them all at once', async () => {
  const maria = await account('maria@clinic.example');
  for (let n = 0; n < 10; n++) await link(maria, { issuer: 'https://ten.example', subject: `maria-${n}` });
  await expect(link(maria, { ...hospital, subject: 'maria' })).rejects.toMatchObject({ status: 409 });
  await server.tenantDoor(server.a.tenantId, async (trx) => unlinkIdentities(trx, maria));
  expect(await find({ issuer: 'https://ten.example', subject: 'maria-0' })).toBeUndefined();
});

test('no subject is readable in the table', async () => {
  const stored = await withClient(
    server.database.url,
    async (client) =>
      (await client.query("SELECT string_agg(identity::text, ' ') AS text FROM store.identity AS identity")).rows[0],
  );
  expect(stored.text).toContain(hospital.issuer);
  expect(stored.text).not.toContain('eva');
});
