// What was answered before and what was put off count by the rights of now: README (Roles and rights), security.md 60 and 62

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/access/caller.ts';
import { acceptAsync } from '../../src/http/async/accept.ts';
import { asyncStatusInteraction } from '../../src/http/async/status.ts';
import type { InteractionRequest } from '../../src/http/interaction.ts';
import { changeAccount, createAccount } from '../../src/people/accounts.ts';
import { inSession } from '../../src/repository/session.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestResponse, type TestServer, type TestTenant } from '../support/server.ts';
import { adminOf } from './admin-requests.ts';
import { getEntry, postEntry, putEntry } from './bundle-requests.ts';
import { deliverAsync } from './deliver-async.ts';
import { expectRefusal } from './refusals.ts';

/** Does nothing in the background until it is told to. */
let server: TestServer;
let admin: ReturnType<typeof adminOf>;
beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  admin = adminOf(server, server.a);
  await server.a.request('PUT', '/Patient/kept-p2', { ...named('Beta'), id: 'kept-p2' });
  const observation = { ...buildObservation('Patient/kept-p2'), id: 'kept-o2' };
  await server.a.request('PUT', '/Observation/kept-o2', observation);
});
afterAll(() => server.close());

const named = (family: string) => buildPatient({ name: [{ family }] });
const bundle = (type: string, ...entry: unknown[]) => ({ resourceType: 'Bundle', type, entry });
const respondAsync = { Prefer: 'respond-async' };
const keyed = () => ({ 'Idempotency-Key': randomUUID() });
const matching = (family: string) => {
  const resource = { resourceType: 'Parameters', parameter: [{ name: 'resource', resource: named(family) }] };
  return bundle('batch', { resource, request: { method: 'POST', url: 'Patient/$match' } });
};
const countOf = async (family: string) => (await server.a.request('GET', `/Patient?family=${family}`)).json.total;

type Send = TestTenant['request'];

interface Registered {
  readonly clientId: string;
  readonly request: Send;
  /** With a token of its own, of less scope where that is given. */
  readonly anew: (scope?: string) => Promise<Send>;
  readonly change: (to: object) => Promise<unknown>;
}

async function register(rights: { scope?: string; roles?: readonly string[] }): Promise<Registered> {
  const made = await admin('POST', '/clients', { name: 'Kept', grantTypes: ['client_credentials'], ...rights });
  expect(made.status).toBe(201);
  const { clientId, clientSecret } = made.json;
  const anew = async (scope?: string): Promise<Send> => {
    const answer = await fetch(`${server.origin}/t/clinic-a/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) }),
    });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    return (method, path, body, headers = {}) =>
      send(`${server.origin}/t/clinic-a/fhir${path}`, method, body, { Authorization: `Bearer ${token}`, ...headers });
  };
  const change = async (to: object) => expect((await admin('PATCH', `/clients/${clientId}`, to)).status).toBe(200);
  return { clientId, request: await anew(), anew, change };
}

function statusPathOf({ status, headers }: TestResponse): string {
  expect(status).toBe(202);
  return headers.get('Content-Location')?.slice(server.a.baseUrl.length) ?? '';
}

/** Accepted and done. */
async function doneAsync(accepted: TestResponse): Promise<string> {
  const path = statusPathOf(accepted);
  await deliverAsync(server, path);
  return path;
}

describe('an answer kept under an Idempotency-Key', () => {
  test('of a batch is withheld entry by entry from who may not read it any more', async () => {
    const { request, change } = await register({ roles: ['front-desk'] });
    const body = bundle('batch', getEntry('Patient/kept-p2'), getEntry('Location/none'));
    const key = keyed();
    expect((await request('POST', '', body, key)).text).toContain('Beta');
    await change({ roles: ['inventory-manager'] });
    const again = await request('POST', '', body, key);
    expect(again.text).not.toContain('Beta');
    expect(again.json.entry.map(({ response }: never) => (response as { status: string }).status.slice(0, 3))).toEqual([
      '403',
      '404',
    ]);
  });

  test('of an operation is withheld where anything of the rights is another', async () => {
    const { request, change } = await register({ roles: ['front-desk'] });
    const key = keyed();
    const first = await request('POST', '', matching('Beta'), key);
    expect(first.text).toContain('kept-p2');
    expect((await request('POST', '', matching('Beta'), key)).text).toBe(first.text);
    // What was found may still be read, but how it was found is more than that.
    await change({ roles: ['front-desk', 'inventory-manager'] });
    const again = await request('POST', '', matching('Beta'), key);
    expect(again.json.entry[0].response.status).toMatch(/^403/);
    expect(again.text).not.toContain('kept-p2');
  });

  test('of a create is withheld, and nothing is written again', async () => {
    const { request, change } = await register({ scope: 'system/Patient.crus' });
    const key = keyed();
    expect((await request('POST', '/Patient', named('Keptcreate'), key)).status).toBe(201);
    await change({ scope: 'system/Organization.r' });
    const again = await request('POST', '/Patient', named('Keptcreate'), key);
    expectRefusal(again, 403);
    expect(again.text).not.toContain('Keptcreate');
    expect(await countOf('Keptcreate')).toBe(1);
  });

  test('of a transaction is withheld from a token of less scope', async () => {
    const { request, anew } = await register({ scope: 'system/*.cruds' });
    const body = bundle('transaction', postEntry(named('Kepttransaction')), getEntry('Observation/kept-o2'));
    const key = keyed();
    const first = await request('POST', '', body, key);
    expect(first.status).toBe(200);
    const narrow = await anew('system/Patient.crus');
    expectRefusal(await narrow('POST', '', body, key), 403);
    expect((await request('POST', '', body, key)).text).toBe(first.text);
    expect(await countOf('Kepttransaction')).toBe(1);
  });

  test('is given again to who has other rights and may still read all of it, and to who never could', async () => {
    const reader = await register({ scope: 'system/*.cruds' });
    const writer = await register({ scope: 'system/Patient.c' });
    for (const [{ request, anew }, scope] of [
      [reader, 'system/Patient.crs'],
      [writer, 'system/Patient.c'],
    ] as const) {
      const key = keyed();
      const first = await request('POST', '/Patient', named('Keptreadable'), key);
      const again = await (await anew(scope))('POST', '/Patient', named('Keptreadable'), key);
      expect([again.status, again.text]).toEqual([201, first.text]);
    }
  });

  test('of a refusal is given again: it shows nobody', async () => {
    const { request, change } = await register({ scope: 'system/Patient.crus' });
    const key = keyed();
    const broken = { ...named('Keptrefusal'), gender: 'nonsense' };
    expectRefusal(await request('POST', '/Patient', broken, key), 422);
    await change({ scope: 'system/Organization.r' });
    expectRefusal(await request('POST', '/Patient', broken, key), 422);
  });
});

describe('the answer of a request in the background', () => {
  test('is not there for who may not read it any more, with the token of then or one of now', async () => {
    const { request, anew, change } = await register({ roles: ['front-desk'] });
    const path = await doneAsync(await request('GET', '/Patient?family=Beta', undefined, respondAsync));
    expect((await request('GET', path)).text).toContain('kept-p2');
    await change({ roles: ['inventory-manager'] });
    for (const send of [request, await anew()]) {
      const again = await send('GET', path);
      expect([again.status, again.text.includes('kept-p2')]).toEqual([404, false]);
    }
    await change({ roles: ['inventory-manager', 'front-desk'] });
    expect((await request('GET', path)).text).toContain('kept-p2');
  });

  test('is not there for a token of less scope, even where the rows found may be read', async () => {
    const { request, anew } = await register({ scope: 'system/*.cruds' });
    const path = await doneAsync(
      await request('GET', '/Patient?family=Beta&_has:Observation:patient:_id=kept-o2', undefined, respondAsync),
    );
    expect((await (await anew('system/Patient.crus'))('GET', path)).status).toBe(404);
    expect((await (await anew())('GET', path)).json.entry[0].resource.total).toBe(1);
  });

  test('of a batch that wrote is there for who may read what it shows', async () => {
    const { request, anew } = await register({ scope: 'system/*.cruds' });
    const body = bundle('batch', postEntry(named('Keptbatch')));
    const path = await doneAsync(await request('POST', '', body, respondAsync));
    expect((await (await anew('system/Patient.rs'))('GET', path)).text).toContain('Keptbatch');
    expect((await (await anew('system/Organization.rs'))('GET', path)).status).toBe(404);
  });
});

describe('a Consent that denies since then', () => {
  test('keeps its patient out of what was answered, and nobody else', async () => {
    const { request, clientId } = await register({ scope: 'system/*.cruds' });
    await server.a.request('PUT', '/Patient/kept-c1', { ...named('Keptconsent'), id: 'kept-c1' });
    const [write, other, operation] = [keyed(), keyed(), keyed()];
    const posted = { ...buildObservation('Patient/kept-c1'), note: [{ text: 'Keptconsent' }] };
    expect((await request('POST', '/Observation', posted, write)).status).toBe(201);
    expect((await request('POST', '/Patient', named('Keptother'), other)).status).toBe(201);
    const first = await request('POST', '', matching('Keptconsent'), operation);
    expect(first.text).toContain('kept-c1');
    const path = await doneAsync(await request('GET', '/Patient?family=Keptconsent', undefined, respondAsync));
    expect((await request('GET', path)).text).toContain('kept-c1');

    const consent = {
      ...{ resourceType: 'Consent', id: 'kept-consent', status: 'active', patient: { reference: 'Patient/kept-c1' } },
      scope: { coding: [{ code: 'patient-privacy' }] },
      category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
      policyRule: { text: 'None' },
      provision: {
        type: 'deny',
        actor: [{ role: { text: 'any' }, reference: { reference: `Device/${clientId}` } }],
      },
    };
    const written = await server.a.request('PUT', '/Consent/kept-consent', consent);
    expect([written.status, written.text]).toEqual([201, written.text]);
    const observed = await request('GET', '/Observation?patient=kept-c1');
    expect(observed.json.total).toBe(0);
    expectRefusal(await request('POST', '/Observation', posted, write), 403);
    const again = await request('POST', '', matching('Keptconsent'), operation);
    expect(again.json.entry[0].response.status).toMatch(/^403/);
    expect((await request('GET', path)).status).toBe(404);
    expect((await request('POST', '/Patient', named('Keptother'), other)).status).toBe(201);
    await server.a.request('DELETE', '/Consent/kept-consent');
  });
});

describe('a request that waits in the background', () => {
  const batch = (family: string) => bundle('batch', postEntry(named(family)), postEntry(named(family)));

  test('is 401 and writes nothing when its client was removed', async () => {
    const { request, clientId, anew, change } = await register({ scope: 'system/*.cruds' });
    const path = statusPathOf(await request('POST', '', batch('Keptgone'), respondAsync));
    expect((await admin('DELETE', `/clients/${clientId}`)).status).toBe(204);
    await expect(deliverAsync(server, path)).rejects.toThrow('refused');
    expect(await countOf('Keptgone')).toBe(0);
    expect((await request('GET', path)).status).toBe(401);
    expect((await server.a.request('GET', path)).status).toBe(404);
    await change({ active: true });
    const { entry } = (await (await anew())('GET', path)).json;
    expect(entry[0].response.status).toMatch(/^401/);
    expect(await countOf('Keptgone')).toBe(0);
  });

  test('does only what its client may do by now, and shows that', async () => {
    const { request, anew, change } = await register({ scope: 'system/*.cruds' });
    await server.a.request('PUT', '/Organization/kept-o', { resourceType: 'Organization', id: 'kept-o', name: 'Kept' });
    const renamed = { resourceType: 'Organization', id: 'kept-o', name: 'Renamed' };
    const body = bundle('batch', postEntry(named('Keptless')), putEntry(renamed), getEntry('Observation/kept-o2'));
    const path = statusPathOf(await request('POST', '', body, respondAsync));
    await change({ scope: 'system/Organization.cruds' });
    await deliverAsync(server, path);
    const answer = await (await anew())('GET', path);
    expect(answer.status).toBe(200);
    const statuses = answer.json.entry[0].resource.entry.map(({ response }: never) =>
      (response as { status: string }).status.slice(0, 3),
    );
    expect(statuses).toEqual(['403', '200', '403']);
    expect(await countOf('Keptless')).toBe(0);
  });

  test('has no more rights than it was accepted with', async () => {
    const { anew, change } = await register({ scope: 'system/*.cruds' });
    const narrow = await anew('system/Organization.rs');
    const path = statusPathOf(await narrow('POST', '', batch('Keptmore'), respondAsync));
    await change({ roles: ['clinic-admin'] });
    await deliverAsync(server, path);
    expect(await countOf('Keptmore')).toBe(0);
  });

  test.each([
    ['is done for a person as the roles are', { roles: ['inventory-manager'] }, /^403/],
    ['is 401 for a person who may not sign in any more', { active: false }, /^401/],
  ] as const)('%s', async (_, changed, status) => {
    const { repository } = server.app;
    const { clientId } = await register({ scope: 'user/*.cruds' });
    const accountId = await inTenant(async ({ trx, cipher }) => {
      const email = `${randomUUID()}@kept.test`;
      return (await createAccount(trx, cipher, { email, name: 'Kept', roles: ['front-desk'] })).id;
    });
    const caller: Caller = {
      ...{ tenantId: server.a.id, clientId, accountId, kind: 'staff', agent: { display: 'Kept' } },
      grants: [{ context: 'user', type: 'Patient', permissions: new Set(['r', 's'] as const) }],
      roles: new Set(['front-desk']),
    };
    const request: InteractionRequest = {
      ...{ method: 'GET', baseUrl: server.a.baseUrl, type: 'Patient', id: '', versionId: '', params: {} },
      ...{ query: new URLSearchParams('family=Beta'), body: undefined, header: () => undefined },
    };
    const accepting = () => inSession(repository, caller, (session) => acceptAsync(session, 'Patient', request));
    const entryOf = async (path: string) => {
      const asked = { ...request, id: path.slice('/_async/'.length) };
      const { body } = await inSession(repository, caller, (session) => asyncStatusInteraction(session, asked));
      return JSON.parse(String(body)).entry[0];
    };
    const pathOf = async () => (await accepting()).headers['Content-Location']?.slice(server.a.baseUrl.length) ?? '';
    const [first, second] = [await pathOf(), await pathOf()];
    await deliverAsync(server, first);
    expect((await entryOf(first)).resource.entry[0].resource.id).toBe('kept-p2');
    await inTenant(async ({ trx, cipher }) => await changeAccount(trx, cipher, accountId, changed));
    await expect(deliverAsync(server, second)).rejects.toThrow('refused');
    expect((await entryOf(second)).response.status).toMatch(status);
  });
});

type InTenant = Parameters<typeof inSession>[2];

function inTenant<T>(work: (session: Parameters<InTenant>[0]) => Promise<T>): Promise<T> {
  const { tenantId, ...rest } = { tenantId: server.a.id, clientId: 'test', agent: { display: 'Test' } };
  return inSession(server.app.repository, { ...rest, tenantId, kind: 'server', grants: [], roles: new Set() }, work);
}
