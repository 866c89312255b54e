// Numbers of patients and appointments over HTTP: contract.md 45, 47; domain.md D11, S4-M09, S5-22.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Appointment, Bundle, Identifier, Patient } from '@medplum/fhirtypes';
import { serverCaller } from '../../src/access/caller.ts';
import { takeNumbers } from '../../src/clinic/numbers/take-numbers.ts';
import type { SeriesCode } from '../../src/people/number-series.ts';
import { inSession } from '../../src/repository/session.ts';
import { buildAppointment, buildPatient, buildTransaction } from '../support/builders.ts';
import { withClient } from '../support/database.ts';
import { send, startTestServer, type TestServer, type TestTenant } from '../support/server.ts';

const patientSystem = 'https://hpms.example/fhir/sid/patient';
const appointmentSystem = 'https://hpms.example/fhir/sid/appointment';

let server: TestServer;
let a: TestTenant;
/** The server's clock stands still: at noon it is the same day in Tokyo. */
let now = new Date();
now.setUTCHours(12, 0, 0, 0);
const year = now.getUTCFullYear();

beforeAll(async () => {
  server = await startTestServer({ now: () => now });
  // The clock will be set to the end of the year, and a new database has not all of its months.
  await withClient(server.database.url, (client) => client.query('SELECT system.make_partitions(12)'));
  a = server.a;
});
afterAll(() => server.close());

type Numbered = { readonly identifier?: readonly Identifier[] };

const numbersOf = ({ identifier = [] }: Numbered, system = patientSystem) =>
  identifier.filter((one) => one.system === system).map(({ value }) => value);

/** Of the name, so that no two are taken for one person. */
let people = 0;
function somebody(overrides: Partial<Patient> = {}): Patient {
  people += 1;
  return buildPatient({ name: [{ family: `Family${people}`, given: [`Given${people}`] }], ...overrides });
}

async function register(tenant: TestTenant, patient = somebody()): Promise<Patient> {
  const { status, json } = await tenant.request('POST', '/Patient', patient);
  expect([status, json.issue]).toEqual([201, undefined]);
  return json;
}

/** The number behind the last dash. */
const countOf = (patient: Numbered) => Number(/\d+$/.exec(numbersOf(patient)[0] ?? '')?.[0]);

async function putSeries(tenant: TestTenant, code: string, body: object) {
  const url = `${server.origin}/t/${tenant.name}/admin/number-series/${code}`;
  return await send(url, 'PUT', body, {
    Authorization: `Bearer ${tenant.token}`,
    'Content-Type': 'application/json',
  });
}

async function nextOf(tenant: TestTenant, code: string): Promise<number> {
  const url = `${server.origin}/t/${tenant.name}/admin/number-series/${code}`;
  return (await send(url, 'GET', undefined, { Authorization: `Bearer ${tenant.token}` })).json.next;
}

describe('a number', () => {
  test('is given at create as an identifier of type MR, beside what the client sends', async () => {
    const own = { system: 'https://hospital.example/mrn', value: '1' };
    const patient = await register(server.b, somebody({ identifier: [own] }));
    expect(patient.identifier).toEqual([
      own,
      {
        use: 'usual',
        type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] },
        system: patientSystem,
        value: `PAT-${year}-00001`,
      },
    ]);
    const found = await server.b.request('GET', `/Patient?identifier=${patientSystem}|PAT-${year}-00001`);
    expect(found.json.entry[0].resource.id).toBe(patient.id);
    expect(
      (await a.request('GET', `/Patient?identifier=${patientSystem}|PAT-${year}-00001`)).json.entry,
    ).toBeUndefined();
  });

  test('of an appointment has a series of its own', async () => {
    const { id } = await register(a);
    const { json } = await a.request('POST', '/Appointment', buildAppointment(`Patient/${id}`, 'Practitioner/none'));
    expect(numbersOf(json as Appointment, appointmentSystem)).toEqual([`APT-${year}-00001`]);
  });

  test('of a client in the systems of the server is replaced at create', async () => {
    const forged = { system: patientSystem, value: `PAT-${year}-99999` };
    const patient = await register(a, somebody({ identifier: [forged, forged] }));
    expect(numbersOf(patient)).toEqual([expect.stringMatching(new RegExp(`^PAT-${year}-0000\\d$`))]);
  });

  test('is kept by update and patch, whatever they say of it, and numbers beside it keep their text', async () => {
    const { id, identifier = [] } = await register(a);
    const own = numbersOf({ identifier });
    const extension = [{ url: 'https://hospital.example/weight', valueDecimal: 1 }];
    const body = JSON.stringify({
      ...somebody(),
      id,
      identifier: [
        { system: patientSystem, value: 'other' },
        { system: 'https://x.example', value: '7', extension },
      ],
    }).replace('"valueDecimal":1', '"valueDecimal":1.50');
    const put = await a.request('PUT', `/Patient/${id}`, body);
    expect([put.status, numbersOf(put.json)]).toEqual([200, own]);
    expect(put.text).toContain('"valueDecimal":1.50');
    expect(numbersOf((await a.request('PUT', `/Patient/${id}`, { ...somebody(), id })).json)).toEqual(own);
    const patch = [{ op: 'remove', path: '/identifier' }];
    const patched = await a.request('PATCH', `/Patient/${id}`, patch, {
      'Content-Type': 'application/json-patch+json',
    });
    expect([patched.status, numbersOf(patched.json)]).toEqual([200, own]);
  });

  test('is given to an upsert as to a create', async () => {
    const { status, json } = await a.request('PUT', '/Patient/chosen', { ...somebody(), id: 'chosen' });
    expect([status, numbersOf(json).length]).toEqual([201, 1]);
  });

  test('of what has a shape that is none is no failure of the server', async () => {
    for (const identifier of ['x', [null], [7], {}]) {
      const { status } = await a.request('POST', '/Patient', { ...somebody(), identifier });
      expect([400, 422]).toContain(status);
    }
  });

  test('comes back with who was deleted, for it stands on a card', async () => {
    const first = await register(a);
    expect((await a.request('DELETE', `/Patient/${first.id}`)).status).toBe(204);
    const again = await a.request('PUT', `/Patient/${first.id}`, { ...somebody(), id: first.id });
    expect(numbersOf(again.json)).toEqual(numbersOf(first));
  });
});

describe('numbers have no gaps', () => {
  test('a refused write takes none', async () => {
    const before = countOf(await register(a));
    for (const wrong of [{ birthDate: 'yesterday' }, { unknown: true }]) {
      expect((await a.request('POST', '/Patient', { ...somebody(), ...wrong })).status).toBeGreaterThanOrEqual(400);
    }
    const bundle = buildTransaction([somebody(), { ...somebody(), gender: 'none' as 'male' }]);
    expect((await a.request('POST', '', bundle)).status).toBeGreaterThanOrEqual(400);
    expect(countOf(await register(a))).toBe(before + 1);
  });

  test('neither does a conditional create that finds something', async () => {
    const identifier = [{ system: 'https://hospital.example/mrn', value: 'once' }];
    const headers = { 'If-None-Exist': 'identifier=https://hospital.example/mrn|once' };
    const first = await a.request('POST', '/Patient', somebody({ identifier }), headers);
    const second = await a.request('POST', '/Patient', somebody({ identifier }), headers);
    expect([first.status, second.status, second.json.id]).toEqual([201, 200, first.json.id]);
    expect(countOf(await register(a))).toBe(countOf(first.json) + 1);
  });

  test('50 at once are 50 that follow each other, also with refused ones between them', async () => {
    const before = await nextOf(a, 'PAT');
    const requests = Array.from({ length: 60 }, (_, index) =>
      index % 6 === 0 ? a.request('POST', '/Patient', { ...somebody(), gender: 'none' }) : register(a),
    );
    const made = (await Promise.all(requests)).filter((one) => 'resourceType' in one) as Patient[];
    const counts = made.map(countOf).sort((x, y) => x - y);
    expect(counts).toEqual(Array.from({ length: 50 }, (_, index) => before + index));
  });

  test('a bundle of 1,000 takes them in its own order', async () => {
    const before = await nextOf(a, 'PAT');
    const { status, json } = await a.request(
      'POST',
      '',
      buildTransaction(Array.from({ length: 1_000 }, () => somebody())),
      {
        Prefer: 'return=representation',
      },
    );
    expect(status).toBe(200);
    const counts = ((json as Bundle).entry ?? []).map(({ resource }) => countOf(resource as Patient));
    expect(counts).toEqual(Array.from({ length: 1_000 }, (_, index) => before + index));
    expect(countOf(await register(a))).toBe(before + 1_000);
  });

  test.each<SeriesCode>(['PAT', 'INV'])('an aborted transaction gives its numbers of %s back', async (code) => {
    const take = (count: number) =>
      inSession(server.app.repository, serverCaller(a.id, 'test'), (session) => takeNumbers(session, code, count));
    const [first] = await take(1);
    const failing = inSession(server.app.repository, serverCaller(a.id, 'test'), async (session) => {
      expect(await takeNumbers(session, code, 300)).toHaveLength(300);
      throw new Error('aborted');
    });
    await expect(failing).rejects.toThrow('aborted');
    const [second] = await take(1);
    const count = (text = '') => Number(/\d+$/.exec(text)?.[0]);
    expect(count(second)).toBe(count(first) + 1);
  });
});

describe('a series that is changed', () => {
  test('goes on under its new pattern, and where the administrator says, also among numbers laid out ahead', async () => {
    const before = countOf(await register(a));
    expect((await putSeries(a, 'PAT', { pattern: 'P{yy}-{000000}' })).status).toBe(200);
    expect(numbersOf(await register(a))).toEqual([`P${year % 100}-${String(before + 1).padStart(6, '0')}`]);
    expect((await putSeries(a, 'PAT', { pattern: 'P{yy}-{000000}', next: before + 10 })).json.next).toBe(before + 10);
    expect(countOf(await register(a))).toBe(before + 10);
    expect((await putSeries(a, 'PAT', { pattern: 'P{yy}-{000000}', next: before + 10 })).status).toBe(409);
    expect((await putSeries(a, 'PAT', { pattern: 'P{yy}-{000000}', next: 90_000 })).json.next).toBe(90_000);
    expect(countOf(await register(a))).toBe(90_000);
    expect(await nextOf(a, 'PAT')).toBe(90_001);
  });

  test("begins again at 1 with the new year of the clinic's own zone", async () => {
    const { b } = server;
    const settings = `${server.origin}/t/${b.name}/admin/settings/timezone`;
    const headers = { Authorization: `Bearer ${b.token}`, 'Content-Type': 'application/json' };
    expect((await send(settings, 'PUT', { value: 'Asia/Tokyo' }, headers)).status).toBe(200);
    expect(numbersOf(await register(b))).toEqual([expect.stringMatching(`^PAT-${year}-`)]);
    const today = now;
    now = new Date(Date.UTC(year, 11, 31, 15));
    const made = await Promise.all(Array.from({ length: 20 }, () => register(b)));
    expect(made.map((one) => numbersOf(one)[0]).sort()).toEqual(
      Array.from({ length: 20 }, (_, index) => `PAT-${year + 1}-${String(index + 1).padStart(5, '0')}`),
    );
    // Somebody whose clock is behind does not open the old year again.
    now = new Date(Date.UTC(year, 11, 31, 14, 59, 59));
    expect(numbersOf(await register(b))).toEqual([`PAT-${year + 1}-00021`]);
    now = today;
  });
});
