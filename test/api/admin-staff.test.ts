// Accounts over the administration API, with their Persons and PractitionerRoles, in two tenants: contract.md 47, domain.md S4-M01, M06, S5-05, S5-08

import { describe, expect, test } from '@jest/globals';
import { makeLink, useLink } from '../../src/people/account-links.ts';
import { setPassword } from '../../src/people/account-secrets.ts';
import { findAccount } from '../../src/people/accounts.ts';
import { insertLoginSession } from '../../src/smart/login-sessions.ts';
import { withClient } from '../support/database.ts';
import type { TestTenant } from '../support/server.ts';
import { adminOf, useAdminServer } from './admin-requests.ts';
import { clientOf } from './clients.ts';
import { expectRefusal } from './refusals.ts';

const admin = useAdminServer();
const { a, b } = admin;

let people = 0;
const person = (more: object = {}) => {
  people += 1;
  return { email: `person-${people}@clinic.example`, name: `Person ${people}`, roles: ['nurse'], ...more };
};
const invite = async (more: object = {}, by = a) => {
  const answer = await by('POST', '/staff', person(more));
  expect([answer.status, answer.text]).toEqual([201, answer.text]);
  return answer.json;
};
const read = (tenant: TestTenant, path: string) => tenant.request('GET', path).then(({ json }) => json);
const rolesOf = async (practitioner: string) =>
  (await read(admin.server.a, `/PractitionerRole?practitioner=${practitioner}`)).entry?.map(
    ({ resource }: { resource: unknown }) => resource,
  ) ?? [];
const outbox = (accountId: string) =>
  admin.server.app.doors.tenantDoor(admin.server.a.id, (trx) =>
    trx.query<{ topic: string }>({
      text: 'SELECT topic FROM outbox WHERE resource_id = $1 ORDER BY created_at, id',
      values: [accountId],
    }),
  );

describe('an invitation', () => {
  test('makes the account with Person, Practitioner and PractitionerRole in one go, and asks for a mail', async () => {
    const answer = await a('POST', '/staff', person({ roles: ['nurse', 'front-desk'] }));
    expect(answer.status).toBe(201);
    const { id, email, name, practitioner } = answer.json;
    expect(answer.headers.get('Location')).toBe(`http://hpms.test/t/clinic-a/admin/staff/${id}`);
    expect(answer.json).toMatchObject({
      status: 'invited',
      active: true,
      roles: ['nurse', 'front-desk'],
      departments: [],
      secondFactor: false,
      mustReset: false,
    });
    expect((await a('GET', `/staff/${id}`)).json).toEqual(answer.json);
    expect(await read(admin.server.a, `/Person/${id}`)).toMatchObject({
      active: true,
      name: [{ text: name }],
      telecom: [{ system: 'email', value: email }],
      link: [{ target: { reference: practitioner } }],
    });
    expect(await read(admin.server.a, `/${practitioner}`)).toMatchObject({ active: true, name: [{ text: name }] });
    const [role, ...more] = await rolesOf(practitioner);
    expect(more).toEqual([]);
    expect(role).toMatchObject({ active: true, practitioner: { reference: practitioner } });
    expect(role.code.map((code: { coding: { code: string }[] }) => code.coding[0]?.code)).toEqual([
      'nurse',
      'front-desk',
    ]);
    expect(await outbox(id)).toEqual([{ topic: 'account.invite' }]);
  });

  test('takes the Practitioner there is, and every department gives a PractitionerRole (domain.md S4-M01)', async () => {
    const made = await admin.server.a.request('POST', '/Practitioner', {
      resourceType: 'Practitioner',
      name: [{ family: 'Ada' }],
    });
    const practitioner = `Practitioner/${made.json.id}`;
    const departments = await Promise.all(
      ['Cardiology', 'Emergency'].map(async (name) => (await a('POST', '/departments', { name })).json.id),
    );
    const { id } = await invite({ practitioner, departments, roles: ['provider'] });
    expect((await read(admin.server.a, `/${practitioner}`)).meta.versionId).toBe('1');
    const active = async () =>
      (await rolesOf(practitioner))
        .filter((role: { active: boolean }) => role.active)
        .map((role: { organization?: { reference: string } }) => role.organization?.reference)
        .sort();
    expect(await active()).toEqual(departments.map((one) => `Organization/${one}`).sort());
    await a('PATCH', `/staff/${id}`, { departments: [departments[1]] });
    expect(await active()).toEqual([`Organization/${departments[1]}`]);
    await a('PATCH', `/staff/${id}`, { departments: [] });
    expect(await active()).toEqual([undefined]);
    await a('PATCH', `/staff/${id}`, { departments: [departments[0]], roles: ['nurse'] });
    expect(await active()).toEqual([`Organization/${departments[0]}`]);
    for (const role of await rolesOf(practitioner)) expect(role.active).toBe(role.period.end === undefined);
  });

  test('of a patient needs the Patient, and the role stands alone', async () => {
    const { json } = await admin.server.a.request('POST', '/Patient', {
      resourceType: 'Patient',
      name: [{ family: 'Own' }],
    });
    const practitioner = `Patient/${json.id}`;
    const { id } = await invite({ roles: ['patient'], practitioner });
    expect((await read(admin.server.a, `/Person/${id}`)).link).toEqual([{ target: { reference: practitioner } }]);
    for (const wrong of [
      { roles: ['patient'] },
      { roles: ['patient'], practitioner: 'Practitioner/1' },
      { roles: ['patient', 'nurse'], practitioner },
      { roles: ['nurse'], practitioner },
    ]) {
      expectRefusal(await a('POST', '/staff', person(wrong)), 422);
    }
  });

  test('is one per address, however it is written, also when two come at once: 409; another tenant tells nothing (security.md 23)', async () => {
    const { email } = await invite();
    expectRefusal(await a('POST', '/staff', { ...person(), email: ` ${email.toUpperCase()} ` }), 409);
    expect((await b('POST', '/staff', { ...person(), email })).status).toBe(201);
    const twice = person();
    const answers = await Promise.all(Array.from({ length: 6 }, () => a('POST', '/staff', twice)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
    const persons = await read(admin.server.a, `/Person?email=${twice.email}`);
    expect(persons.total).toBe(1);
  });

  test.each<[string, object, number?]>([
    ['an unknown role', { roles: ['emperor'] }],
    ['a role named as what every object has', { roles: ['constructor'] }],
    ['no address', { email: 'nobody' }],
    ['a department that is none', { departments: ['none'] }],
    ['a member there is not', { isAdmin: true }, 400],
    ['a password', { passwordHash: 'x' }, 400],
    ['a name of two lines', { name: 'a\nb' }],
    ['a name of blanks', { name: '  ' }],
    ['no roles', { roles: undefined }],
    ['roles that are no list', { roles: 'nurse' }, 400],
    ['a reference that is none', { practitioner: 'Practitioner/../../x' }],
  ])('with %s makes nothing', async (_, wrong, status = 422) => {
    const before = (await read(admin.server.a, '/Person?_summary=count')).total;
    expectRefusal(await a('POST', '/staff', person(wrong)), status);
    expect((await read(admin.server.a, '/Person?_summary=count')).total).toBe(before);
  });
});

describe('a change', () => {
  test('of name and address is in Person too, and keeps what others wrote there', async () => {
    const { id } = await invite();
    const before = await read(admin.server.a, `/Person/${id}`);
    await admin.server.a.request('PUT', `/Person/${id}`, {
      ...before,
      gender: 'female',
      telecom: [...before.telecom, { system: 'phone', value: '+1-555-0199' }],
    });
    const changed = await a('PATCH', `/staff/${id}`, { name: 'New Name', email: 'New.Name@clinic.example' });
    expect(changed.json).toMatchObject({ name: 'New Name', email: 'new.name@clinic.example' });
    expect(await read(admin.server.a, `/Person/${id}`)).toMatchObject({
      gender: 'female',
      name: [{ text: 'New Name' }],
      telecom: [{ value: 'new.name@clinic.example' }, { value: '+1-555-0199' }],
    });
    const other = await invite();
    expectRefusal(await a('PATCH', `/staff/${other.id}`, { email: 'new.name@clinic.example' }), 409);
  });

  test('to disabled is in Person and PractitionerRole, and can be taken back', async () => {
    const { id, practitioner } = await invite();
    expect((await a('PATCH', `/staff/${id}`, { active: false })).json).toMatchObject({
      active: false,
      status: 'disabled',
    });
    expect((await read(admin.server.a, `/Person/${id}`)).active).toBe(false);
    expect((await rolesOf(practitioner))[0]).toMatchObject({ active: false, period: { end: expect.any(String) } });
    expect((await a('PATCH', `/staff/${id}`, { active: true })).json.status).toBe('invited');
    expect((await rolesOf(practitioner))[0].period.end).toBeUndefined();
  });

  test('still works where the tenant enforces profiles and checks references, and its resources are gone', async () => {
    const { id, practitioner } = await invite();
    await a('PUT', '/settings/profiles.check', { value: 'enforce' });
    await a('PUT', '/settings/profiles.required', { value: { Person: 'urn:none', PractitionerRole: 'urn:none' } });
    await a('PUT', '/settings/references.check', { value: true });
    await admin.server.a.request('DELETE', `/Person/${id}`);
    await admin.server.a.request('DELETE', `/${practitioner}`);
    expect((await a('PATCH', `/staff/${id}`, { active: false })).json.active).toBe(false);
    expectRefusal(await a('POST', '/staff', person({ practitioner: 'Practitioner/none' })), 422);
    for (const [key, value] of Object.entries({
      'profiles.check': 'off',
      'profiles.required': {},
      'references.check': false,
    })) {
      expect((await a('PUT', `/settings/${key}`, { value })).status).toBe(200);
    }
  });

  test('of the Person to inactive, or its deletion, disables the account, and nothing in FHIR enables one (domain.md S4-M02)', async () => {
    const [one, two] = [await invite(), await invite()];
    const person = await read(admin.server.a, `/Person/${one.id}`);
    expect((await admin.server.b.request('PUT', `/Person/${one.id}`, { ...person, active: false })).status).toBe(201);
    expect((await a('GET', `/staff/${one.id}`)).json.active).toBe(true);
    expect((await admin.server.a.request('PUT', `/Person/${one.id}`, { ...person, active: false })).status).toBe(200);
    expect((await admin.server.a.request('DELETE', `/Person/${two.id}`)).status).toBe(204);
    for (const { id } of [one, two]) expect((await a('GET', `/staff/${id}`)).json.active).toBe(false);
    expect((await admin.server.a.request('PUT', `/Person/${one.id}`, person)).status).toBe(200);
    expect((await a('GET', `/staff/${one.id}`)).json.active).toBe(false);
    expect((await a('PATCH', `/staff/${two.id}`, { active: true })).json.active).toBe(true);
    expect((await read(admin.server.a, `/Person/${two.id}`)).active).toBe(true);
  });

  test("of another tenant's account, or of none, is a 404 like any other", async () => {
    const { id } = await invite({}, b);
    for (const path of [`/staff/${id}`, '/staff/00000000-0000-4000-8000-000000000000', '/staff/1', "/staff/'"]) {
      expectRefusal(await a('GET', path), 404);
      expectRefusal(await a('PATCH', path, { active: false }), 404);
      expectRefusal(await a('POST', `${path}/reset`), 404);
      expectRefusal(await a('DELETE', `${path}/second-factor`), 404);
      expectRefusal(await a('DELETE', `${path}/identities`), 404);
      expectRefusal(await a('DELETE', `${path}/sessions`), 404);
    }
    expect((await b('GET', `/staff/${id}`)).json.active).toBe(true);
  });

  test('with If-Match needs the version that was read; of many at once one is in time', async () => {
    const { id } = await invite();
    const etag = (await a('GET', `/staff/${id}`)).headers.get('ETag') as string;
    const answers = await Promise.all(
      ['x', 'y', 'z'].map((name) => a('PATCH', `/staff/${id}`, { name }, { 'If-Match': etag })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
    const now = answers.find(({ status }) => status === 200)?.headers.get('ETag') as string;
    expect((await a('PATCH', `/staff/${id}`, { name: 'w' }, { 'If-Match': now })).status).toBe(200);
  });
});

describe('the last administrator', () => {
  test('cannot be disabled or lose the role, also when two leave at once: 409', async () => {
    const [one, two] = [await invite({ roles: ['clinic-admin'] }), await invite({ roles: ['clinic-admin', 'nurse'] })];
    const answers = await Promise.all([
      a('PATCH', `/staff/${one.id}`, { active: false }),
      a('PATCH', `/staff/${two.id}`, { roles: ['nurse'] }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const left = answers[0]?.status === 409 ? one : two;
    expectRefusal(await a('PATCH', `/staff/${left.id}`, { active: false }), 409);
    expectRefusal(await a('PATCH', `/staff/${left.id}`, { roles: [] }), 409);
    const leaving = await read(admin.server.a, `/Person/${left.id}`);
    expect(leaving.active).toBe(true);
    expectRefusal(await admin.server.a.request('PUT', `/Person/${left.id}`, { ...leaving, active: false }), 409);
    expectRefusal(await admin.server.a.request('DELETE', `/Person/${left.id}`), 409);
    const role = { slug: 'people-only', name: 'People', grants: ['op:admin'] };
    expect((await a('POST', '/roles', role)).status).toBe(201);
    const third = await invite({ roles: ['people-only'] });
    expect((await a('PATCH', `/staff/${left.id}`, { active: false })).status).toBe(200);
    expectRefusal(await a('PUT', '/roles/people-only', { ...role, active: false }), 409);
    expectRefusal(await a('PUT', '/roles/people-only', { ...role, grants: [] }), 409);
    expect((await a('PATCH', `/staff/${left.id}`, { active: true, roles: ['clinic-admin'] })).status).toBe(200);
    expect((await a('PATCH', `/staff/${third.id}`, { active: false })).status).toBe(200);
  });
});

describe('what only system administrators give (security.md 34, 39)', () => {
  test('cannot be given or managed by a clinic administrator: 403', async () => {
    expectRefusal(await a('POST', '/staff', person({ roles: ['system-admin'] })), 403);
    const { id } = await invite();
    expectRefusal(await a('PATCH', `/staff/${id}`, { roles: ['nurse', 'system-admin'] }), 403);
    await withClient(admin.server.database.url, (client) =>
      client.query("UPDATE store.account SET roles = '{system-admin}' WHERE id = $1", [id]),
    );
    expectRefusal(await a('PATCH', `/staff/${id}`, { email: 'mine@clinic.example' }), 403);
    expectRefusal(await a('PATCH', `/staff/${id}`, { roles: ['nurse'] }), 403);
    expectRefusal(await admin.server.a.request('DELETE', `/Person/${id}`), 403);
    expectRefusal(await a('POST', `/staff/${id}/reset`), 403);
    expectRefusal(await a('DELETE', `/staff/${id}/second-factor`), 403);
    expectRefusal(await a('DELETE', `/staff/${id}/identities`), 403);
    expectRefusal(await a('DELETE', `/staff/${id}/sessions`), 403);
    const { keyRing, tenantDoor } = admin.server.app.doors;
    const cipher = await keyRing.cipherOf(admin.server.a.id);
    const made = { sessionHash: Buffer.from(id), accountId: id, network: '192.0.2.1', userAgent: 'Desk' };
    await tenantDoor(admin.server.a.id, async (trx) =>
      insertLoginSession(trx, cipher, { ...made, idleSeconds: 600, lifetimeSeconds: 600 }),
    );
    const [session] = (await a('GET', `/sessions?account=${id}`)).json;
    expectRefusal(await a('DELETE', `/sessions/${session.id}`), 403);
    expect((await a('GET', `/sessions?account=${id}`)).json).toHaveLength(1);
    expect((await a('GET', `/staff/${id}`)).json.email).not.toBe('mine@clinic.example');
  });

  test('are given by those who hold them, as in the realm of system administrators', async () => {
    const { token } = await clientOf(admin.server, admin.server.b, '', ['system-admin']);
    const realm = adminOf(admin.server, admin.server.b, token);
    const made = await realm('POST', '/staff', person({ roles: ['system-admin'] }));
    expect(made.status).toBe(201);
    expect((await realm('PATCH', `/staff/${made.json.id}`, { name: 'Operator' })).json.name).toBe('Operator');
    expectRefusal(await b('PATCH', `/staff/${made.json.id}`, { name: 'Mine' }), 403);
    const role = { slug: 'emergency', name: 'Emergency', grants: ['user/Patient.rs', 'op:break-glass'] };
    expect((await realm('POST', '/roles', role)).status).toBe(201);
    expectRefusal(await b('PUT', '/roles/emergency', { name: 'Emergency', grants: ['user/Patient.rs'] }), 403);
    expectRefusal(await b('POST', '/staff', person({ roles: ['emergency'] })), 403);
    expectRefusal(await b('POST', '/clients', { name: 'Mine', roles: ['emergency'] }), 403);
    // Switched off it gives nothing, until somebody switches it on again.
    expect((await realm('PUT', '/roles/emergency', { ...role, active: false })).json.active).toBe(false);
    expectRefusal(await b('POST', '/staff', person({ roles: ['emergency'] })), 403);
  });

  test('no right comes from writing PractitionerRole or Person: they only mirror the account', async () => {
    const { id, practitioner } = await invite();
    const [role] = await rolesOf(practitioner);
    const code = [{ coding: [{ system: 'https://hpms.example/fhir/CodeSystem/role', code: 'clinic-admin' }] }];
    expect((await admin.server.a.request('PUT', `/PractitionerRole/${role.id}`, { ...role, code })).status).toBe(200);
    expect((await a('GET', `/staff/${id}`)).json.roles).toEqual(['nurse']);
  });
});

describe('resets', () => {
  test('ask for a link: another invitation before there is a password, else a new password', async () => {
    const { id } = await invite();
    expect((await a('POST', `/staff/${id}/reset`)).status).toBe(202);
    expect((await a('GET', `/staff/${id}`)).json.mustReset).toBe(false);
    await admin.server.app.doors.tenantDoor(admin.server.a.id, async (trx) => setPassword(trx, id, '$argon2id$none'));
    expect((await a('GET', `/staff/${id}`)).json.status).toBe('active');
    expect((await a('POST', `/staff/${id}/reset`)).status).toBe(202);
    expect((await a('GET', `/staff/${id}`)).json.mustReset).toBe(true);
    expect((await outbox(id)).map(({ topic }) => topic)).toEqual(['account.invite', 'account.invite', 'account.reset']);
    await a('PATCH', `/staff/${id}`, { active: false });
    expectRefusal(await a('POST', `/staff/${id}/reset`), 404);
  });

  test('asked for before an account was disabled by its Person are over when it comes back (security.md 73)', async () => {
    const { id } = await invite();
    const { tenantDoor } = admin.server.app.doors;
    const token = await tenantDoor(admin.server.a.id, (trx) => makeLink(trx, id, 'invite'));
    expect((await admin.server.a.request('DELETE', `/Person/${id}`)).status).toBe(204);
    expect((await a('PATCH', `/staff/${id}`, { active: true })).json.active).toBe(true);
    expect(await tenantDoor(admin.server.a.id, (trx) => useLink(trx, 'invite', token))).toBeUndefined();
  });

  test('take the second factor and its recovery codes away', async () => {
    const { id } = await invite();
    await withClient(admin.server.database.url, async (client) => {
      await client.query(
        "UPDATE store.account SET totp_secret = 'x', totp_confirmed_at = now(), totp_last_step = 1 WHERE id = $1",
        [id],
      );
      await client.query("INSERT INTO store.recovery_code (tenant_id, account_id, hash) VALUES ($1, $2, 'x')", [
        admin.server.a.id,
        id,
      ]);
    });
    expect((await a('GET', `/staff/${id}`)).json.secondFactor).toBe(true);
    expect((await a('DELETE', `/staff/${id}/second-factor`)).status).toBe(204);
    expect((await a('GET', `/staff/${id}`)).json.secondFactor).toBe(false);
    const cipher = await admin.server.app.doors.keyRing.cipherOf(admin.server.a.id);
    const kept = await admin.server.app.doors.tenantDoor(admin.server.a.id, async (trx) => ({
      codes: await trx.query({ text: 'SELECT 1 FROM recovery_code WHERE account_id = $1', values: [id] }),
      account: await findAccount(trx, cipher, id),
    }));
    expect(kept).toMatchObject({ codes: [], account: { secondFactor: false } });
  });
});

describe('the list', () => {
  test('comes in pages, each account once, in the order they were made, of this tenant only', async () => {
    const seen: string[] = [];
    let path: string | undefined = '/staff?limit=3';
    while (path !== undefined) {
      const page = await a('GET', path);
      expect(page.json.length).toBeLessThanOrEqual(3);
      seen.push(...page.json.map(({ id }: { id: string }) => id));
      path = /\/admin(\/staff[^>]*)>; rel="next"/.exec(page.headers.get('Link') ?? '')?.[1];
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual((await a('GET', '/staff?limit=200')).json.map(({ id }: { id: string }) => id));
    const others = (await b('GET', '/staff')).json.map(({ id }: { id: string }) => id);
    expect(seen.filter((id) => others.includes(id))).toEqual([]);
  });

  test('is narrowed by role and activity; a limit or a place that is none is a 400', async () => {
    const off = await invite({ roles: ['clinic-admin'] });
    const on = await invite();
    await a('PATCH', `/staff/${off.id}`, { active: false });
    const idsOf = async (query: string) =>
      (await a('GET', `/staff?limit=200&${query}`)).json.map(({ id }: { id: string }) => id);
    expect(await idsOf('role=clinic-admin')).toContain(off.id);
    expect(await idsOf('role=clinic-admin')).not.toContain(on.id);
    expect(await idsOf('active=false')).toContain(off.id);
    expect(await idsOf('active=false')).not.toContain(on.id);
    for (const query of [
      'limit=0',
      'limit=201',
      'limit=x',
      'active=maybe',
      'after=x',
      'order=name',
      'limit=1&limit=2',
    ]) {
      expectRefusal(await a('GET', `/staff?${query}`), 400);
    }
  });
});
