// Who is registered twice, and who is meant: contract.md 6, domain.md `$match`, https://hl7.org/fhir/R4/patient-operation-match.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, BundleEntry, Patient, Task } from '@medplum/fhirtypes';
import type { Caller, Grant, Permission } from '../../src/access/caller.ts';
import { create } from '../../src/repository/create.ts';
import { inSession } from '../../src/repository/session.ts';
import { buildTransaction } from '../support/builders.ts';
import { send, startTestServer, type TestServer, type TestTenant } from '../support/server.ts';

let server: TestServer;
let a: TestTenant;
let b: TestTenant;

beforeAll(async () => {
  server = await startTestServer();
  ({ a, b } = server);
  for (const tenant of [a, b]) await checkDuplicates(tenant, true);
});
afterAll(() => server.close());

async function checkDuplicates(tenant: TestTenant, value: boolean): Promise<void> {
  const url = `${server.origin}/t/${tenant.name}/admin/settings/patients.check-duplicates`;
  const headers = { Authorization: `Bearer ${tenant.token}`, 'Content-Type': 'application/json' };
  expect((await send(url, 'PUT', { value }, headers)).status).toBe(200);
}

/** Each test has people of its own. */
let families = 0;
function somebody(overrides: Partial<Patient> = {}): Patient {
  families += 1;
  const family = `Fam${String.fromCharCode(97 + (families % 26))}${families}ily`;
  return {
    resourceType: 'Patient',
    name: [{ family, given: ['Eva', 'Maria'] }],
    gender: 'female',
    birthDate: `19${50 + (families % 50)}-05-0${1 + (families % 9)}`,
    telecom: [{ system: 'phone', value: `+1 555 100 ${1000 + families}` }],
    ...overrides,
  };
}

async function register(patient: Patient, tenant = a): Promise<string> {
  const { status, json } = await tenant.request('POST', '/Patient', patient);
  expect([status, json.issue]).toEqual([201, undefined]);
  return json.id;
}

async function tasksOf(id: string, tenant = a): Promise<Task[]> {
  const { json } = await tenant.request('GET', `/Task?focus=Patient/${id}&_count=50`);
  return ((json as Bundle<Task>).entry ?? []).flatMap(({ resource }) => resource ?? []);
}

const familyOf = ({ name }: Patient) => name?.[0]?.family ?? '';
const duplicateOf = ({ input = [] }: Task) => input[0]?.valueReference?.reference;

describe('the registration of somebody who is there already', () => {
  test('by a system is taken, with one Task for each pair', async () => {
    const eva = somebody();
    const first = await register(eva);
    expect(await tasksOf(first)).toEqual([]);
    const second = await register({
      ...eva,
      name: [{ family: familyOf(eva).toUpperCase(), given: ['eva'] }],
    });
    const [task, ...more] = await tasksOf(second);
    expect(more).toEqual([]);
    expect(task).toMatchObject({
      status: 'requested',
      code: { coding: [{ system: 'https://hpms.example/fhir/CodeSystem/task-code', code: 'possible-duplicate' }] },
      focus: { reference: `Patient/${second}` },
      for: { reference: `Patient/${second}` },
    });
    expect(duplicateOf(task!)).toBe(`Patient/${first}`);
    const third = await register(eva);
    expect((await tasksOf(third)).map(duplicateOf).sort()).toEqual([`Patient/${first}`, `Patient/${second}`].sort());
  });

  test('in one bundle is found among its own entries, too', async () => {
    const eva = somebody();
    const { status, json } = await a.request('POST', '', buildTransaction([eva, somebody(), eva]));
    expect(status).toBe(200);
    const ids = (json as Bundle).entry!.map(({ response }) => response?.location?.split('/').at(-3) ?? '');
    expect((await tasksOf(ids[2]!)).map(duplicateOf)).toEqual([`Patient/${ids[0]}`]);
    expect([await tasksOf(ids[0]!), await tasksOf(ids[1]!)]).toEqual([[], []]);
  });

  test('is none when it is another tenant, another person, an update, or the setting says so', async () => {
    const eva = somebody();
    const id = await register(eva);
    expect(await tasksOf(await register(eva, b), b)).toEqual([]);
    expect(await tasksOf(await register(somebody()))).toEqual([]);
    await a.request('PUT', `/Patient/${id}`, { ...eva, id });
    expect(await tasksOf(id)).toEqual([]);
    await checkDuplicates(b, false);
    expect(await tasksOf(await register(eva, b), b)).toEqual([]);
    await checkDuplicates(b, true);
  });

  test('is found by a phone and a name, and by an identifier and the day of birth', async () => {
    const identifier = [{ system: 'https://insurer.example', value: 'once' }];
    const { birthDate: _birthDate, ...eva } = somebody({ identifier });
    const id = await register(eva);
    expect(
      (await tasksOf(await register({ ...eva, identifier: [{ system: 'https://x.example', value: '1' }] }))).map(
        duplicateOf,
      ),
    ).toEqual([`Patient/${id}`]);
    const huber = { ...somebody(), ...{ name: [{ family: 'Huber', given: ['Anna'] }] }, identifier };
    const married = { ...huber, name: [{ family: 'Berger', given: ['Anna'] }] };
    const before = await register({ ...huber, identifier: [{ system: 'https://insurer.example', value: 'anna' }] });
    const after = await register({ ...married, identifier: [{ system: 'https://insurer.example', value: 'anna' }] });
    expect((await tasksOf(after)).map(duplicateOf)).toContain(`Patient/${before}`);
  });
});

describe('people at the desk', () => {
  const staff = (letters: string, duplicates?: 'confirmed' | 'reported'): Caller => {
    const permissions = new Set(letters) as ReadonlySet<string> as ReadonlySet<Permission>;
    const grant: Grant = { context: 'user', type: 'Patient', permissions };
    return {
      ...{ tenantId: a.id, clientId: 'desk', kind: 'staff', agent: { display: 'Desk' } },
      ...{ grants: [grant], roles: new Set(['front-desk']), ...(duplicates && { duplicates }) },
    };
  };
  const registerAs = (caller: Caller, patient: Patient) =>
    inSession(server.app.repository, caller, (session) => create(session, patient));

  test('are refused with 409 duplicate, and told whom they may read', async () => {
    const eva = somebody();
    const id = await register(eva);
    const error = {
      status: 409,
      issues: [{ code: 'duplicate', diagnostics: expect.stringContaining(`Patient/${id}`) }],
    };
    await expect(registerAs(staff('crus'), eva)).rejects.toMatchObject(error);
    const blind = { status: 409, issues: [{ diagnostics: expect.not.stringContaining(id) }] };
    await expect(registerAs(staff('c'), eva)).rejects.toMatchObject(blind);
  });

  test('are refused all but once where they register the same person at once', async () => {
    const eva = somebody();
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => registerAs(staff('crus'), eva)));
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    expect(refused.map(({ issues }) => issues[0].code)).toEqual(Array.from({ length: 7 }, () => 'duplicate'));
  });

  test('are not held up by the other one of twins', async () => {
    const baby = somebody({ name: [{ family: 'Twinsly', given: ['Baby'] }] });
    await registerAs(staff('crus'), { ...baby, multipleBirthInteger: 1 });
    const second = await registerAs(staff('crus'), { ...baby, multipleBirthInteger: 2 });
    expect(await tasksOf(second.id)).toEqual([]);
    await expect(registerAs(staff('crus'), { ...baby, multipleBirthInteger: 2 })).rejects.toMatchObject({
      status: 409,
    });
  });

  test('may confirm it, and in a bundle are told by a Task', async () => {
    const eva = somebody();
    const id = await register(eva);
    const confirmed = await registerAs(staff('crus', 'confirmed'), eva);
    expect(await tasksOf(confirmed.id)).toEqual([]);
    const reported = await registerAs(staff('crus', 'reported'), eva);
    expect((await tasksOf(reported.id)).map(duplicateOf)).toContain(`Patient/${id}`);
  });

  test('are not held up by one who is only probably the same', async () => {
    const eva = somebody();
    const id = await register(eva);
    const probable = { ...eva, telecom: [{ system: 'phone' as const, value: '+1 555 777 7777' }] };
    const { id: second } = await registerAs(staff('crus'), probable);
    expect((await tasksOf(second)).map(duplicateOf)).toEqual([`Patient/${id}`]);
  });
});

describe('$match', () => {
  const gradeUrl = 'http://hl7.org/fhir/StructureDefinition/match-grade';
  async function match(resource: object, further: object[] = [], tenant = a): Promise<BundleEntry<Patient>[]> {
    const parameter = [{ name: 'resource', resource }, ...further];
    const { status, json } = await tenant.request('POST', '/Patient/$match', { resourceType: 'Parameters', parameter });
    expect([status, json.issue]).toEqual([200, undefined]);
    expect(json).toMatchObject({ resourceType: 'Bundle', type: 'searchset' });
    expect(json.total).toBe((json.entry ?? []).length);
    return json.entry ?? [];
  }

  test('gives a graded searchset, the best first', async () => {
    const eva = somebody();
    const id = await register(eva);
    const nearly = await register({ ...eva, telecom: [{ system: 'phone', value: '+1 555 888 8888' }] });
    const found = await match(eva);
    expect(found.map(({ fullUrl }) => fullUrl)).toEqual([
      `${a.baseUrl}/Patient/${id}`,
      `${a.baseUrl}/Patient/${nearly}`,
    ]);
    expect(found[0]?.search).toEqual({ extension: [{ url: gradeUrl, valueCode: 'certain' }], mode: 'match', score: 1 });
    expect(found[1]?.search?.extension).toEqual([{ url: gradeUrl, valueCode: 'probable' }]);
    expect(found[0]?.resource?.id).toBe(id);
    expect(await match(eva, [{ name: 'count', valueInteger: 1 }])).toHaveLength(1);
    expect((await match(eva, [{ name: 'onlyCertainMatches', valueBoolean: true }]))[0]?.resource?.id).toBe(id);
    expect(await match(eva, [], b)).toEqual([]);
  });

  test('gives none with onlyCertainMatches where two are certain', async () => {
    const eva = somebody();
    await register(eva);
    await register(eva);
    expect(await match(eva, [{ name: 'onlyCertainMatches', valueBoolean: true }])).toEqual([]);
    expect(await match(eva)).toHaveLength(2);
  });

  test('finds by a name in one text, and by the number of the clinic alone with a name', async () => {
    const eva = somebody();
    const id = await register(eva);
    const family = eva.name?.[0]?.family;
    const text = { resourceType: 'Patient', name: [{ text: `maria ${family?.toUpperCase()}, Eva` }], gender: 'female' };
    expect((await match(text)).map(({ resource }) => resource?.id)).toEqual([id]);
    const { json } = await a.request('GET', `/Patient/${id}`);
    const { identifier } = json as Patient;
    const married = { resourceType: 'Patient', identifier, name: [{ family: 'Huber', given: ['Eva', 'Maria'] }] };
    expect((await match(married)).map(({ resource }) => resource?.id)).toContain(id);
  });

  test('takes the Patient alone as its body too, or refuses with 400', async () => {
    for (const parameter of [
      [],
      [{ name: 'resource', resource: { resourceType: 'Patient' } }],
      [{ name: 'resource', resource: { resourceType: 'Person' } }],
      [
        { name: 'resource', resource: somebody() },
        { name: 'count', valueInteger: 0 },
      ],
    ]) {
      const { status } = await a.request('POST', '/Patient/$match', {
        resourceType: 'Parameters',
        ...(parameter.length > 0 && { parameter }),
      });
      expect([400, 422]).toContain(status);
    }
    expect((await a.request('GET', '/Patient/$match')).status).toBeGreaterThanOrEqual(400);
  });
});
