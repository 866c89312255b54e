// Which operations a client holds: with system/*.cruds and clinic-admin together all of its tenant's (contract.md 2), else those of its roles

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Caller } from '../../src/access/caller.ts';
import { createClient } from '../../src/people/clients.ts';
import { roles } from '../../src/people/roles.ts';
import { requestToken, type SmartServer, startSmartServer } from './smart-server.ts';

let server: SmartServer;
beforeAll(async () => {
  server = await startSmartServer();
});
afterAll(() => server.close());

async function callerOf(credentials: { clientId: string; clientSecret: string }, scope?: string): Promise<Caller> {
  const token = await requestToken(server, { ...server.a, ...credentials }, scope);
  const tenant = { id: server.a.tenantId, name: server.a.tenant, display: 'Clinic A' };
  return await server.smart.authenticate(tenant, `Bearer ${token}`);
}

async function clientWith(scope: string, held: readonly string[]) {
  const cipher = await server.keyRing.cipherOf(server.a.tenantId);
  const registration = { name: 'Other', grantTypes: ['client_credentials'], scope, roles: held };
  return await server.tenantDoor(server.a.tenantId, async (trx) => createClient(trx, cipher, registration));
}

const reserved = ['op:provision-tenant', 'op:break-glass'];
const all = new Set(Object.values(roles).flatMap(({ operations }): readonly string[] => operations));
const unreserved = new Set([...all].filter((operation) => !reserved.includes(operation)));

test('the first client of a tenant holds all but what is the system administrators’', async () => {
  expect(unreserved.size).toBe(all.size - reserved.length);
  expect((await callerOf(server.a)).operations).toEqual(unreserved);
  const another = await clientWith('system/*.cruds', ['nurse', 'clinic-admin']);
  expect((await callerOf(another)).operations).toEqual(unreserved);
});

test.each<[string, string, readonly (keyof typeof roles)[]]>([
  ['the scope alone', 'system/*.cruds', []],
  ['the scope with other roles', 'system/*.cruds', ['nurse', 'billing-manager']],
  ['the role with a letter less', 'system/*.crus', ['clinic-admin']],
  ['the role with some types', 'system/Patient.cruds', ['clinic-admin']],
])('with %s it is what the roles allow', async (_, scope, held) => {
  const { operations } = await callerOf(await clientWith(scope, held));
  expect(operations).toEqual(new Set(held.flatMap((slug): readonly string[] => roles[slug].operations)));
});

test('a token that asked for less holds what the roles allow', async () => {
  const { operations } = await callerOf(server.a, 'system/*.crus');
  expect(operations).toEqual(new Set(roles['clinic-admin'].operations));
});
