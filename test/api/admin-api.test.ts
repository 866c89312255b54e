// What holds for every route of a tenant's administration API: who may call, what is refused, what is recorded: security.md 2, 34, 62, 72, 77

import { describe, expect, test } from '@jest/globals';
import type { AuditEvent, BundleEntry } from '@medplum/fhirtypes';
import { adminRoutes } from '../../src/http/admin/routes.ts';
import { createAccount } from '../../src/people/accounts.ts';
import { insertLoginSession } from '../../src/smart/login-sessions.ts';
import { withClient } from '../support/database.ts';
import { send } from '../support/server.ts';
import { type AdminRequests, adminOf, useAdminServer } from './admin-requests.ts';
import { clientOf } from './clients.ts';
import { expectRefusal } from './refusals.ts';

const admin = useAdminServer();
const { a, b } = admin;

const routes = adminRoutes.map(({ method, path, body }) => [method, path.replace(/\{\w+\}/g, 'x'), body] as const);
const call = (tenant: string, [method, path, body]: (typeof routes)[number], authorization: string) =>
  send(`${admin.server.origin}/t/${tenant}/admin${path}`, method, body && {}, {
    Authorization: authorization,
    'Content-Type': body ? 'application/json' : '',
  });

describe('every route', () => {
  test.each(routes.map((route) => [`${route[0]} ${route[1]}`, route] as const))(
    '%s is 401 without a token or with one of another tenant, 403 without the right, 404 at no tenant',
    async (_, route) => {
      expectRefusal(await call('clinic-a', route, ''), 401);
      expectRefusal(await call('clinic-a', route, `Bearer ${admin.server.b.token}`), 401);
      expectRefusal(await call('clinic-a', route, 'Bearer nonsense'), 401);
      const { token } = await clientOf(admin.server, admin.server.a, 'system/*.rs');
      expectRefusal(await call('clinic-a', route, `Bearer ${token}`), 403);
      expectRefusal(await call('nobody', route, `Bearer ${admin.server.a.token}`), 404);
    },
  );

  test('is described once: operationId, method and path, and every parameter of the path is read', () => {
    const ids = adminRoutes.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const places = adminRoutes.map(({ method, path }) => `${method} ${path.replace(/\{\w+\}/g, '{}')}`);
    expect(new Set(places).size).toBe(places.length);
    for (const { body, method, summary, answers } of adminRoutes) {
      expect(summary).toMatch(/^[A-Z].*\.$/);
      expect(Object.keys(answers).length).toBeGreaterThan(0);
      if (body) expect([method, body]).toMatchObject([expect.stringMatching(/POST|PUT|PATCH/), { type: 'object' }]);
      if (body) expect(body.additionalProperties).toBe(false);
    }
  });

  test('that takes a body takes JSON of at most a megabyte, and nothing it does not know', async () => {
    for (const [method, path, body] of routes) {
      if (!body) continue;
      expectRefusal(await a(method, path, '{"x":', {}), 400);
      expectRefusal(await a(method, path, ''), 400);
      expectRefusal(await a(method, path, '[]'), 400);
      expectRefusal(await a(method, path, { unknownMember: 1 }), 400);
      expectRefusal(await a(method, path, 'name=x', { 'Content-Type': 'application/x-www-form-urlencoded' }), 415);
      expectRefusal(await a(method, path, `{"a":"${'x'.repeat(1_000_001)}"}`), 413);
    }
  }, 60_000);

  test('refuses NUL and nonsense in the path and in bodies, with no failure of the server (security.md 77)', async () => {
    for (const [method, path, body] of routes) {
      const named = path.replaceAll('/x', '/%00');
      if (named !== path) expectRefusal(await a(method, named, body && {}), [400, 404, 422]);
      const odd = path.replaceAll('/x', "/'%20OR%201=1--");
      if (odd !== path) expectRefusal(await a(method, odd, body && {}), [400, 403, 404, 422]);
    }
    expectRefusal(await a('GET', '/staff?role=%00'), [400, 422]);
    expectRefusal(await a('PUT', '/settings/profiles.required', { value: { Person: 'x\u0000' } }), 400);
    const app = { name: 'x', redirectUris: ['https://x/\u0000'] };
    expectRefusal(await a('POST', '/clients', app), 400);
  });

  test('reads a text of a megabyte that fits nothing in one go (security.md 91)', async () => {
    const wrong = { slug: 'x', name: `${'a'.repeat(900_000)}\n`, grants: [] };
    expectRefusal(await a('POST', '/roles', wrong), 422);
  });

  test('with an Idempotency-Key works in the transaction that keeps the answer: it needs no second connection', async () => {
    // As many as a process has connections.
    const addresses = Array.from({ length: 16 }, (_, n) => `many-${n}@clinic.example`);
    const answers = await Promise.all(
      addresses.map((email) => a('POST', '/staff', { email, name: 'One', roles: [] }, { 'Idempotency-Key': email })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  });

  test('answers a repeated POST with an Idempotency-Key once (contract.md 8)', async () => {
    const person = { email: 'twice@clinic.example', name: 'Twice', roles: [] };
    const headers = { 'Idempotency-Key': 'invite-twice' };
    const [one, two] = [await a('POST', '/staff', person, headers), await a('POST', '/staff', person, headers)];
    expect([one.status, two.status, two.json]).toEqual([201, 201, one.json]);
  });

  test('answers a repeated refusal as it was: in the same format, and as what it is', async () => {
    const headers = { 'Idempotency-Key': 'refused-twice' };
    const role = { slug: 'refused-twice', name: 'x', grants: ['op:none'] };
    const [one, two] = [await a('POST', '/roles', role, headers), await a('POST', '/roles', role, headers)];
    expectRefusal(one, 422);
    expect([two.status, two.json]).toEqual([422, one.json]);
    expect(two.headers.get('Content-Type')).toBe(one.headers.get('Content-Type'));
  });
});

describe('every call', () => {
  const events = async (path: string) => {
    const { json } = await admin.server.a.request('GET', '/AuditEvent?_sort=-date&_count=50&type=110100');
    const all = (json.entry ?? []).map(({ resource }: BundleEntry) => resource as AuditEvent) as AuditEvent[];
    return all
      .filter(({ entity }) => entity?.[0]?.what?.identifier?.value === path)
      .map(({ subtype, action, outcome, agent }) => [subtype?.[0]?.code, action, outcome, agent[0]?.who?.reference]);
  };

  test('leaves an AuditEvent in its transaction, refused ones too, in the tenant it is about', async () => {
    const device = `Device/${admin.server.a.clientId}`;
    const { json } = await a('POST', '/staff', { email: 'seen@clinic.example', name: 'Seen', roles: [] });
    await a('GET', `/staff/${json.id}`);
    await a('PATCH', `/staff/${json.id}`, { roles: ['emperor'] });
    await a('PATCH', `/staff/${json.id}`, { active: false });
    const found = await events(`staff/${json.id}`);
    expect(found).toHaveLength(4);
    expect(found).toEqual(
      expect.arrayContaining([
        ['inviteStaff', 'C', '0', device],
        ['readStaff', 'R', '0', device],
        ['changeStaff', 'U', '4', device],
        ['changeStaff', 'U', '0', device],
      ]),
    );
    const byEntity = await admin.server.a.request('GET', `/AuditEvent?entity=Person/${json.id}&type=110100`);
    expect(byEntity.json.total).toBe(4);
    expect((await admin.server.b.request('GET', '/AuditEvent?type=110100')).json.total).toBe(0);
  });

  test('that is repeated with its Idempotency-Key leaves one too: of a secret that is shown again, and of a refusal', async () => {
    const headers = { 'Idempotency-Key': 'shown-again' };
    const device = `Device/${admin.server.a.clientId}`;
    const { json } = await a('POST', '/clients', { name: 'Again' }, headers);
    expect((await a('POST', '/clients', { name: 'Again' }, headers)).json.clientSecret).toBe(json.clientSecret);
    const made = await events(`clients/${json.clientId}`);
    expect(made.sort()).toEqual([
      ['registerClient', 'C', '0', device],
      ['registerClient', 'R', '0', device],
    ]);
    const before = (await events('roles')).length;
    const role = { slug: 'unknown-operation', name: 'x', grants: ['op:none'] };
    for (const _ of [1, 2]) expectRefusal(await a('POST', '/roles', role, headers), 422);
    const refused = ['createRole', 'C', '4', device];
    expect((await events('roles')).slice(0, -before || undefined)).toEqual([refused, refused]);
  });

  test('leaves one that XML can say too, whatever stands in the path: nobody keeps auditors from reading the others', async () => {
    const { token } = await clientOf(admin.server, admin.server.a, 'system/*.rs');
    const nobody = adminOf(admin.server, admin.server.a, token);
    for (const odd of ['%00', '%01', '%EF%BF%BE']) expectRefusal(await nobody('GET', `/roles/${odd}`), 403);
    const asked = '/AuditEvent?_sort=-date&_count=50&type=110100';
    const xml = await admin.server.a.request('GET', asked, undefined, { Accept: 'application/fhir+xml' });
    expect([xml.status, xml.text.includes('"roles/%00"'), xml.text.includes('"roles/%EF%BF%BE"')]).toEqual([
      200,
      true,
      true,
    ]);
  });

  test('of somebody without the right leaves one too (security.md, section 2)', async () => {
    const { token, clientId } = await clientOf(admin.server, admin.server.a, 'system/*.rs');
    expectRefusal(await adminOf(admin.server, admin.server.a, token)('PUT', '/roles/theirs', { name: 'x' }), 403);
    expect(await events('roles/theirs')).toEqual([['putRole', 'U', '4', `Device/${clientId}`]]);
  });

  test('that fails at its end leaves nothing it did', async () => {
    const before = (await admin.server.a.request('GET', '/Person?_summary=count')).json.total;
    const [first] = (await a('GET', '/staff?limit=1')).json;
    const answer = await a('POST', '/staff', { email: first.email, name: 'Not made', roles: [] });
    expectRefusal(answer, 409);
    expect((await admin.server.a.request('GET', '/Person?_summary=count')).json.total).toBe(before);
    expect(await events('staff')).toContainEqual(['inviteStaff', 'C', '4', `Device/${admin.server.a.clientId}`]);
  });
});

describe('sessions', () => {
  const signIn = async (tenantId: number, email: string) => {
    const { keyRing, tenantDoor } = admin.server.app.doors;
    const cipher = await keyRing.cipherOf(tenantId);
    return await tenantDoor(tenantId, async (trx) => {
      const { id } = await createAccount(trx, cipher, { email, name: 'Signed in', roles: [] });
      for (const device of ['phone', 'desk']) {
        const userAgent = `Canary ${device}`;
        const times = { idleSeconds: 600, lifetimeSeconds: 3_600 };
        const sessionHash = Buffer.from(`${email}-${device}`);
        insertLoginSession(trx, cipher, { sessionHash, accountId: id, network: '192.0.2.1', userAgent, ...times });
      }
      return id;
    });
  };
  const listed = async (admin: AdminRequests, account: string) =>
    (await admin('GET', `/sessions?account=${account}`)).json;

  test('are listed, and end one by one or all of an account, in this tenant only', async () => {
    const [mine, other] = [
      await signIn(admin.server.a.id, 'in-a@x.example'),
      await signIn(admin.server.b.id, 'in-b@x.example'),
    ];
    const sessions = await listed(a, mine);
    expect(sessions).toHaveLength(2);
    expect(sessions[0]).toMatchObject({
      account: mine,
      network: '192.0.2.1',
      userAgent: expect.stringMatching(/^Canary/),
    });
    expect((await a('GET', '/sessions')).json.map(({ account }: { account: string }) => account)).toEqual([mine, mine]);
    expect(await listed(a, other)).toEqual([]);
    expect(await listed(a, 'none')).toEqual([]);
    const [theirs] = await listed(b, other);
    expectRefusal(await a('DELETE', `/sessions/${theirs.id}`), 404);
    expectRefusal(await a('DELETE', `/staff/${other}/sessions`), 404);
    expectRefusal(await a('DELETE', '/sessions/none'), 404);
    expect((await a('DELETE', `/sessions/${sessions[0].id}`)).status).toBe(204);
    expectRefusal(await a('DELETE', `/sessions/${sessions[0].id}`), 404);
    expect(await listed(a, mine)).toHaveLength(1);
    expectRefusal(await a('DELETE', '/sessions'), 400);
    expectRefusal(await a('DELETE', `/sessions?account=${other}`), 404);
    expect((await a('DELETE', `/sessions?account=${mine}`)).status).toBe(204);
    expect((await a('DELETE', `/staff/${mine}/sessions`)).status).toBe(204);
    expect(await listed(a, mine)).toEqual([]);
    expect(await listed(b, other)).toHaveLength(2);
  });

  test('end with the account that is disabled or reset, and do not come back with it', async () => {
    for (const [method, path, body] of [
      ['PATCH', '', { active: false }],
      ['POST', '/reset', undefined],
    ] as const) {
      const id = await signIn(admin.server.a.id, `ended-${method}@x.example`);
      expect((await a(method, `/staff/${id}${path}`, body)).status).toBeLessThan(300);
      await a('PATCH', `/staff/${id}`, { active: true });
      expect(await listed(a, id)).toEqual([]);
    }
  });
});

test('no name, address or secret that was sent here is readable in the tables (security.md 1.10)', async () => {
  const words = ['canary-person', 'Canary Person', 'canary-app', 'canary-mail', 'canary-idp'];
  const person = { email: 'canary-person@clinic.example', name: 'Canary Person', roles: ['nurse'] };
  const { id } = (await a('POST', '/staff', person)).json;
  await a('PATCH', `/staff/${id}`, { name: 'Canary Person II' });
  const app = await a('POST', '/clients', { name: 'canary-app', contacts: ['canary-mail@x.example'] });
  words.push(app.json.clientSecret);
  const provider = { issuer: 'https://idp.example.org', clientId: 'x', clientSecret: 'canary-idp', display: 'x' };
  expect((await a('POST', '/identity-providers', provider)).status).toBe(201);
  const dump = await withClient(admin.server.database.url, async (client) => {
    const tables = await client.query<{ name: string }>(
      "SELECT tablename AS name FROM pg_tables WHERE schemaname IN ('store', 'jobs')",
    );
    const texts: string[] = [];
    for (const { name } of tables.rows) {
      const schema = await client.query('SELECT to_regclass($1) IS NOT NULL AS isOurs', [`store.${name}`]);
      const place = schema.rows[0].isours ? `store.${name}` : `jobs.${name}`;
      const { rows } = await client.query(`SELECT to_jsonb(t)::text AS text FROM ${place} AS t`);
      texts.push(...rows.map(({ text }) => text));
    }
    return texts.join('\n');
  });
  expect(dump).toContain('https://idp.example.org');
  for (const word of words) {
    expect(dump).not.toContain(word);
    expect(dump).not.toContain(Buffer.from(word).toString('hex'));
    expect(dump).not.toContain(Buffer.from(word).toString('base64').slice(0, 12));
  }
});
