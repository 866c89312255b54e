// Clients of every role over HTTP, on a type of every group of domain.md section 5; and roles that change while they are used: contract.md 47, 48

import { describe, expect, test } from '@jest/globals';
import type { Caller, Permission } from '../../src/access/caller.ts';
import { may } from '../../src/access/may.ts';
import { rightsOfRoles } from '../../src/people/role-rights.ts';
import { roles, typeGroups } from '../../src/people/roles.ts';
import { fetchToken, send, type TestResponse } from '../support/server.ts';
import { adminOf, useAdminServer } from './admin-requests.ts';
import { clientOf, type TestClient } from './clients.ts';
import { expectRefusal } from './refusals.ts';

const admin = useAdminServer();
const { a } = admin;

/** One of each group, and one that no group has. */
const sample = [...new Set([...Object.values(typeGroups).map(([type]) => type), 'Basic', 'Group'])];

/** Each asks for one right only; nothing they name is there. */
const requests: readonly (readonly [
  Permission,
  (request: TestClient['request'], type: string) => Promise<TestResponse>,
])[] = [
  ['s', (request, type) => request('GET', `/${type}?_count=1`)],
  ['r', (request, type) => request('GET', `/${type}/none`)],
  ['d', (request, type) => request('DELETE', `/${type}/none`)],
  ['c', (request, type) => request('POST', `/${type}`, { resourceType: type, language: 5 })],
  // Not PUT, which makes what is not there: that needs the right to create as well (security.md 35).
  ['u', (request, type) => request('PATCH', `/${type}/none`, [], { 'Content-Type': 'application/json-patch+json' })],
];

describe.each(Object.keys(roles))('a client with the role %s', (slug) => {
  test('may over HTTP what the role says, and is 403 for everything else', async () => {
    const { request } = await clientOf(admin.server, admin.server.a, '', [slug]);
    const rights = await admin.server.app.doors.tenantDoor(admin.server.a.id, (trx) => rightsOfRoles(trx, [slug]));
    // Without a person nothing is its own.
    const caller = { ...rights, kind: 'client' } as unknown as Caller;
    const wrong: string[] = [];
    for (const type of sample) {
      for (const [letter, ask] of requests) {
        const { status } = await ask(request, type);
        const isAllowed = may(caller, letter, type);
        // What only the server writes is 405 for everybody.
        const fits = isAllowed ? status !== 403 && status !== 401 : status === 403 || status === 405;
        if (!fits) wrong.push(`${type}.${letter}: ${status}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('administers people only when the role has op:admin', async () => {
    const { token } = await clientOf(admin.server, admin.server.a, '', [slug]);
    const { status } = await adminOf(admin.server, admin.server.a, token)('GET', '/staff');
    expect(status).toBe(
      (roles[slug as keyof typeof roles].operations as readonly string[]).includes('op:admin') ? 200 : 403,
    );
  });
});

describe('a role', () => {
  const holder = async (grants: readonly string[]): Promise<{ readonly slug: string; readonly client: TestClient }> => {
    holders += 1;
    const slug = `role-${holders}`;
    expect((await a('POST', '/roles', { slug, name: slug, grants })).status).toBe(201);
    const { json } = await a('POST', '/clients', { name: slug, roles: [slug] });
    const token = await tokenOf(json);
    const base = `${admin.server.origin}/t/clinic-a/fhir`;
    const request: TestClient['request'] = (method, path, body) =>
      send(base + path, method, body, { Authorization: `Bearer ${token}` });
    return { slug, client: { clientId: json.clientId, token, request } };
  };
  let holders = 0;
  const tokenOf = async ({ clientId, clientSecret }: { clientId: string; clientSecret: string }) => {
    return await fetchToken(admin.server.origin, 'clinic-a', clientId, clientSecret);
  };

  test('made, changed and switched off counts with the next request, for tokens issued before too (domain.md S4-C01)', async () => {
    const { slug, client } = await holder(['user/Patient.rs']);
    const statuses = async () => {
      const answers: TestResponse[] = [];
      for (const path of ['/Patient', '/Encounter']) answers.push(await client.request('GET', path));
      return answers.map(({ status }) => status);
    };
    expect(await statuses()).toEqual([200, 403]);
    await a('PUT', `/roles/${slug}`, { name: slug, grants: ['user/Encounter.rs'] });
    expect(await statuses()).toEqual([403, 200]);
    await a('PUT', `/roles/${slug}`, { name: slug, grants: ['user/Encounter.rs'], active: false });
    expect(await statuses()).toEqual([403, 403]);
    await a('PUT', `/roles/${slug}`, { name: slug, grants: ['user/*.rs'], active: true });
    expect(await statuses()).toEqual([200, 200]);
  });

  test('with search parameters reaches the rows that have them, and no others', async () => {
    const observation = (code: string) => ({
      resourceType: 'Observation',
      status: 'final',
      category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code }] }],
      code: { text: code },
    });
    const ids = await Promise.all(
      ['laboratory', 'vital-signs'].map(
        async (code) => (await admin.server.a.request('POST', '/Observation', observation(code))).json.id as string,
      ),
    );
    const { client } = await holder(['user/Observation.rs?category=laboratory']);
    expect((await client.request('GET', `/Observation/${ids[0]}`)).status).toBe(200);
    expectRefusal(await client.request('GET', `/Observation/${ids[1]}`), 404);
    const { json } = await client.request('GET', '/Observation');
    expect(json.entry.map(({ resource }: { resource: { id: string } }) => resource.id)).toEqual([ids[0]]);
  });

  test('of one who holds op:admin alone administers, and reads no patient', async () => {
    const { client } = await holder(['op:admin']);
    const office = adminOf(admin.server, admin.server.a, client.token);
    const person = { email: 'by-people-office@clinic.example', name: 'Made', roles: ['nurse'] };
    const made = await office('POST', '/staff', person);
    expect(made.status).toBe(201);
    expect((await admin.server.a.request('GET', `/Person/${made.json.id}`)).status).toBe(200);
    expectRefusal(await client.request('GET', '/Patient'), 403);
    expectRefusal(await client.request('GET', `/Person/${made.json.id}`), 403);
    expectRefusal(await office('POST', '/staff', { ...person, email: 'x@x.example', roles: ['system-admin'] }), 403);
  });
});
