// Roles over the administration API: the system's are read only, the clinic's are in force at once: contract.md 47, 48, domain.md S4-K1, S4-C01

import { describe, expect, test } from '@jest/globals';
import { rightsOfRoles } from '../../src/people/role-rights.ts';
import { roles } from '../../src/people/roles.ts';
import { useAdminServer } from './admin-requests.ts';
import { expectRefusal } from './refusals.ts';

const admin = useAdminServer();
const { a, b } = admin;

const rightsOf = (slugs: string[], tenantId = admin.server.a.id) =>
  admin.server.app.doors.tenantDoor(tenantId, (trx) => rightsOfRoles(trx, slugs));
const cardiac = {
  slug: 'cardiac-specialist',
  name: 'Cardiac Specialist',
  grants: [
    'user/Patient.rs',
    'user/Observation.rs?category=laboratory&status=final',
    'own:user/Encounter.crus',
    'op:$find',
  ],
};

describe('the system’s roles', () => {
  test('are listed with their grants in the words of scopes, and nobody changes them: 403', async () => {
    const listed = (await a('GET', '/roles')).json;
    expect(
      listed.filter(({ system }: { system: boolean }) => system).map(({ slug }: { slug: string }) => slug),
    ).toEqual(Object.keys(roles));
    const cashier = (await a('GET', '/roles/cashier')).json;
    expect(cashier.grants).toEqual(expect.arrayContaining(['user/Invoice.crus', 'op:$settle-day']));
    const provider = (await a('GET', '/roles/provider')).json;
    expect(provider.grants).toEqual(expect.arrayContaining(['own:user/Slot.cu', 'user/Patient.rus']));
    for (const slug of Object.keys(roles)) {
      expectRefusal(await a('PUT', `/roles/${slug}`, { name: 'x', grants: [] }), 403);
      expectRefusal(await a('POST', '/roles', { slug, name: 'x', grants: [] }), 403);
    }
  });

  test('can be made again from their own words: nothing is lost in them', async () => {
    for (const slug of Object.keys(roles).filter((one) => one !== 'system-admin')) {
      const { grants } = (await a('GET', `/roles/${slug}`)).json;
      expect((await a('PUT', `/roles/copy-of-${slug}`, { name: slug, grants })).status).toBe(201);
      const [copy, own] = [await rightsOf([`copy-of-${slug}`]), await rightsOf([slug])];
      const texts = (rights: typeof own) =>
        new Set(rights.grants.map(({ type, permissions, isOwn }) => JSON.stringify([type, [...permissions], isOwn])));
      expect(texts(copy)).toEqual(texts(own));
      expect(copy.operations).toEqual(own.operations);
    }
  });
});

describe('a clinic’s own role', () => {
  test('is made, read, given, and gives its rights at once; in this tenant only', async () => {
    const made = await a('POST', '/roles', cardiac);
    expect([made.status, made.json]).toEqual([201, { ...cardiac, active: true, system: false }]);
    expect(made.headers.get('Location')).toBe('http://hpms.test/t/clinic-a/admin/roles/cardiac-specialist');
    expect((await a('GET', '/roles/cardiac-specialist')).json).toEqual(made.json);
    expect((await a('GET', '/roles')).json).toContainEqual(made.json);
    const person = { email: 'heart@clinic.example', name: 'Heart', roles: ['nurse', 'cardiac-specialist'] };
    expect((await a('POST', '/staff', person)).status).toBe(201);
    const { grants, operations } = await rightsOf(['cardiac-specialist']);
    expect(grants).toEqual([
      { context: 'user', type: 'Patient', permissions: new Set(['r', 's']) },
      {
        context: 'user',
        type: 'Observation',
        permissions: new Set(['r', 's']),
        constraints: ['category=laboratory', 'status=final'],
      },
      { context: 'user', type: 'Encounter', permissions: new Set(['c', 'r', 'u', 's']), isOwn: true },
    ]);
    expect([...operations]).toEqual(['$find']);
    expectRefusal(await b('GET', '/roles/cardiac-specialist'), 404);
    expectRefusal(await b('POST', '/staff', person), 422);
    expect(await rightsOf(['cardiac-specialist'], admin.server.b.id)).toEqual({ grants: [], operations: new Set() });
  });

  test('is one of several: the rights of all of them together (domain.md S4-K1)', async () => {
    const both = await rightsOf(['nurse', 'cardiac-specialist']);
    const apart = [await rightsOf(['nurse']), await rightsOf(['cardiac-specialist'])];
    expect(both.grants).toEqual(apart.flatMap(({ grants }) => grants));
    expect(both.operations).toEqual(new Set(apart.flatMap(({ operations }) => [...operations])));
  });

  test('is replaced, and switched off for all who hold it', async () => {
    const { slug, name } = cardiac;
    const replaced = await a('PUT', `/roles/${slug}`, { slug, name, grants: ['user/Patient.r'] });
    expect([replaced.status, replaced.json.grants]).toEqual([200, ['user/Patient.r']]);
    expect((await rightsOf([slug])).grants).toHaveLength(1);
    expect((await a('PUT', `/roles/${slug}`, { name, grants: ['user/Patient.r'], active: false })).json.active).toBe(
      false,
    );
    expect((await rightsOf([slug])).grants).toEqual([]);
    // What is not said stays.
    expect((await a('PUT', `/roles/${slug}`, { name, grants: ['user/Patient.r'] })).json.active).toBe(false);
    expectRefusal(await a('PUT', `/roles/${slug}`, { slug: 'other', name, grants: [] }), 400);
    expectRefusal(await a('POST', '/roles', cardiac), 409);
  });

  test('made by several at once is made by one: the others are a 409', async () => {
    const make = (name: string) => a('POST', '/roles', { slug: 'wanted', name, grants: [] });
    const answers = await Promise.all(['x', 'y', 'z'].map(make));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const winner = answers.find(({ status }) => status === 201)?.json.name;
    expect((await a('GET', '/roles/wanted')).json.name).toBe(winner);
  });

  test('changed by two who read the same version: one is in time (If-Match)', async () => {
    const path = `/roles/${cardiac.slug}`;
    const etag = (await a('GET', path)).headers.get('ETag') as string;
    const put = (name: string) => a('PUT', path, { name, grants: ['user/Patient.rs'] }, { 'If-Match': etag });
    expect((await Promise.all([put('x'), put('y')])).map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  test('changed a hundred times while it is used never gives a mixture of two versions', async () => {
    const path = '/roles/flickering';
    const versions = [
      { name: 'Patients', grants: ['user/Patient.rs', 'op:$find'] },
      { name: 'Encounters', grants: ['user/Encounter.crus', 'op:$book'] },
    ];
    await a('PUT', path, versions[0]);
    let isOver = false;
    const seen = new Set<string>();
    const look = async () => {
      while (!isOver) {
        const { grants, operations } = await rightsOf(['flickering']);
        seen.add(JSON.stringify([grants.map(({ type }) => type), [...operations]]));
      }
    };
    const looking = look();
    for (let round = 0; round < 20; round++) {
      await Promise.all([0, 1, 0, 1, 0].map((version) => a('PUT', path, versions[version])));
    }
    isOver = true;
    await looking;
    expect([...seen].sort()).toEqual(['[["Encounter"],["$book"]]', '[["Patient"],["$find"]]']);
  });

  test.each<[string, object, number?]>([
    ['a type that R4 has not', { grants: ['user/Emperor.rs'] }],
    ['letters out of order', { grants: ['user/Patient.sr'] }],
    ['letters that are none', { grants: ['user/Patient.x'] }],
    ['no letters', { grants: ['user/Patient.'] }],
    ['scopes of version 1', { grants: ['user/Patient.read'] }],
    ['scopes of systems and patients', { grants: ['system/Patient.rs'] }],
    ['scopes of patients', { grants: ['patient/Patient.rs'] }],
    ['a scope with NUL', { grants: ['user/Patient.rs\u0000'] }, 400],
    ['an unknown search parameter', { grants: ['user/Observation.rs?colour=red'] }],
    ['a search parameter without a value', { grants: ['user/Observation.rs?category='] }],
    ['a chain', { grants: ['user/Observation.rs?patient.name=x'] }],
    ['a reverse chain', { grants: ['user/Patient.rs?_has:Observation:patient:code=x'] }],
    ['a parameter of results', { grants: ['user/Patient.rs?_count=1'] }],
    ['a filter', { grants: ['user/Patient.rs?_filter=name eq x'] }],
    ['search parameters of every type', { grants: ['user/*.rs?_id=1'] }],
    ['an operation there is not', { grants: ['op:$explode'] }],
    ['an operation without its prefix', { grants: ['$find'] }],
    ['one grant twice', { grants: ['op:$find', 'op:$find'] }],
    ['301 grants', { grants: Array.from({ length: 301 }, (_, index) => `user/Patient.rs?_id=${index}`) }],
    ['no name', { name: undefined }],
    ['a slug with a slash', { slug: 'a/b' }],
    ['a slug in capitals', { slug: 'Nurse' }],
    ['a slug of objects', { slug: '__proto__' }],
    ['a member there is not', { system: true }, 400],
  ])('with %s is refused', async (_, wrong, status = 422) => {
    expectRefusal(await a('POST', '/roles', { ...cardiac, slug: 'wrong', ...wrong }), status);
    expectRefusal(await a('GET', '/roles/wrong'), 404);
  });

  test('never gives the rights of system administrators: 403 (security.md 34)', async () => {
    for (const right of ['op:provision-tenant', 'op:break-glass']) {
      expectRefusal(await a('POST', '/roles', { ...cardiac, slug: 'stolen', grants: [right] }), 403);
      expectRefusal(await a('PUT', '/roles/stolen', { name: 'x', grants: [right], active: false }), 403);
    }
    expectRefusal(await a('GET', '/roles/stolen'), 404);
  });
});
