// What patients see and say of themselves: nothing that is not released, nothing of others, and neither who they are one with nor their number (domain.md section 5, SM-6; security.md 25 to 29).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, Patient, Resource } from '@medplum/fhirtypes';
import { type AppWorld, letIn, makePerson, type Person, startAppWorld } from '../smart/app-world.ts';
import type { TestResponse } from '../support/server.ts';
import { clientOf } from './clients.ts';
import { expectRefusal } from './refusals.ts';

type Ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<TestResponse>;

let world: AppWorld;
/** The patient's app, and a client that holds the role and stands for the patient (contract.md 47). */
let app: Ask;
let client: Ask;
let anna: string;
let bert: string;
beforeAll(async () => {
  world = await startAppWorld();
  [anna, bert] = [`Patient/${world.anna}`, `Patient/${world.bert}`];
  app = await appOf(world.patient, 'openid launch/patient patient/*.cruds');
  client = (await clientOf(world.server, world.server.a, 'user/*.cruds', ['patient'], anna)).request;
}, 60_000);
afterAll(() => world.server.close());

const staff: Ask = (...asked) => world.server.a.request(...asked);

async function appOf(person: Person, scope: string): Promise<Ask> {
  const { body } = await letIn(world, person, scope);
  const authorization = { Authorization: `Bearer ${body.access_token}` };
  return (method, path, content, headers = {}) => staff(method, path, content, { ...headers, ...authorization });
}

async function made(resource: Resource): Promise<string> {
  const { status, json } = await staff('POST', `/${resource.resourceType}`, resource);
  expect(status).toBe(201);
  return `${resource.resourceType}/${json.id}`;
}

const idsOf = ({ json }: TestResponse): string[] =>
  ((json as Bundle).entry ?? []).map(({ resource }) => `${resource?.resourceType}/${resource?.id}`);

const notForPatients = { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'NOPAT' }] };
const code = { text: 'x' };
const results = {
  Observation: (status: string) => ({ resourceType: 'Observation', status, code, subject: { reference: anna } }),
  DiagnosticReport: (status: string) => ({
    resourceType: 'DiagnosticReport',
    status,
    code,
    subject: { reference: anna },
  }),
  Composition: (status: string) => ({
    ...{ resourceType: 'Composition', status, type: code, date: '2026-11-20', title: 'Note' },
    ...{ subject: { reference: anna }, author: [{ display: 'x' }] },
  }),
} as const;

/** What of this place the patient is shown, by every way to ask. */
async function isShown(ask: Ask, place: string): Promise<boolean[]> {
  const [type, id] = place.split('/');
  return [
    (await ask('GET', `/${place}`)).status === 200,
    (await ask('GET', `/${place}/_history/1`)).status === 200,
    (await ask('GET', `/${place}/_history`)).status === 200,
    idsOf(await ask('GET', `/${type}?_id=${id}`)).includes(place),
    idsOf(await ask('GET', `/${anna}/${type}?_count=100`)).includes(place),
    (await ask('GET', `/${type}?_id=${id}&_summary=count`)).json.total === 1,
  ];
}

const all = [true, true, true, true, true, true];
const none = all.map(() => false);

describe.each([
  ['the app of a patient', () => app],
  ['a client with the role patient', () => client],
])('%s', (_, asked) => {
  test.each([
    ['Observation', ['registered', 'preliminary', 'unknown'], ['final', 'amended', 'corrected']],
    ['DiagnosticReport', ['registered', 'partial', 'preliminary'], ['final', 'amended', 'corrected', 'appended']],
    ['Composition', ['preliminary'], ['final', 'amended']],
  ] as const)('sees %s once it is released', async (type, hidden, shown) => {
    for (const status of [...hidden, ...shown]) {
      const place = await made(results[type](status) as Resource);
      const expected = (shown as readonly string[]).includes(status) ? all : none;
      expect([status, await isShown(asked(), place)]).toEqual([status, expected]);
    }
  });

  test('sees nothing that is labelled NOPAT, of whatever type, until the label is taken away', async () => {
    const subject = { reference: anna };
    const labelled: Resource[] = [
      { ...results.Observation('final'), meta: notForPatients } as Resource,
      { ...results.DiagnosticReport('final'), meta: notForPatients } as Resource,
      { resourceType: 'Condition', subject, code, meta: notForPatients },
      { resourceType: 'Procedure', subject, code, status: 'completed', meta: notForPatients },
      { resourceType: 'ServiceRequest', subject, code, status: 'active', intent: 'order', meta: notForPatients },
    ];
    for (const resource of labelled) {
      const place = await made(resource);
      expect([resource.resourceType, await isShown(asked(), place)]).toEqual([resource.resourceType, none]);
      const parameter = [{ name: 'meta', valueMeta: notForPatients }];
      const freed = await staff('POST', `/${place}/$meta-delete`, { resourceType: 'Parameters', parameter });
      expect(freed.status).toBe(200);
      expect((await asked()('GET', `/${place}`)).status).toBe(200);
      // What was said before it was released is not shown afterwards.
      expectRefusal(await asked()('GET', `/${place}/_history/1`), 404);
    }
  });

  test('does not find what is hidden by way of another resource', async () => {
    const result = await made(results.Observation('preliminary') as Resource);
    const report = await made({ ...results.DiagnosticReport('final'), result: [{ reference: result }] } as Resource);
    const answer = await asked()(
      'GET',
      `/DiagnosticReport?_id=${report.split('/')[1]}&_include=DiagnosticReport:result`,
    );
    expect(idsOf(answer)).toEqual([report]);
    expect(idsOf(await asked()('GET', `/DiagnosticReport?result.status=preliminary`))).toEqual([]);
    expect(idsOf(await asked()('GET', `/${anna}?_revinclude=Observation:subject`))).not.toContain(result);
  });
});

test('staff see what patients do not, in an app that is opened for the patient too', async () => {
  const place = await made({ ...results.DiagnosticReport('preliminary'), meta: notForPatients } as Resource);
  const doctor = (await clientOf(world.server, world.server.a, '', ['lab-technician'])).request;
  expect((await doctor('GET', `/${place}`)).status).toBe(200);
  const opened = await appOf(world.provider, 'openid launch/patient patient/DiagnosticReport.rs');
  expect((await opened('GET', `/${place}`)).status).toBe(200);
});

describe('who has the role patient and no Patient', () => {
  const visit = (...actors: string[]): Resource => ({
    ...{ resourceType: 'Appointment', status: 'proposed' },
    participant: actors.map((reference) => ({ actor: { reference }, status: 'accepted' as const })),
  });

  test('sees no patient’s rows, as a person and as a client: security.md 26', async () => {
    const theirs = await made(visit(bert));
    const person = await makePerson(world.server, world.server.a, ['patient']);
    const nobody = [
      await appOf(person, 'openid user/*.rs'),
      (await clientOf(world.server, world.server.a, '', ['patient'])).request,
      (await clientOf(world.server, world.server.a, 'system/Appointment.rs', ['patient'])).request,
    ];
    for (const ask of nobody) {
      for (const path of [`/${theirs}`, '/Appointment', '/Appointment?_summary=count', `/${bert}`, '/Observation'])
        expectRefusal(await ask('GET', path), [403, 404]);
    }
    expect((await (nobody[0] as Ask)('GET', '/Slot')).status).toBe(200);
  });

  test('and with a Patient a client sees the own appointments alone', async () => {
    const [mine, theirs] = [await made(visit(anna)), await made(visit(bert))];
    const found = idsOf(await client('GET', '/Appointment?_count=100'));
    expect([found.includes(mine), found.includes(theirs)]).toEqual([true, false]);
    expectRefusal(await client('GET', `/${theirs}`), 404);
  });
});

describe.each([
  ['the app of a patient', () => app],
  ['a client with the role patient', () => client],
])('%s and the own Patient', (_, asked) => {
  const now = async () => (await staff('GET', `/${anna}`)).json as Patient;

  test('changes what a patient knows best', async () => {
    const telecom = [{ system: 'phone', value: `+1-555-01${Math.floor(Math.random() * 90 + 10)}` }];
    const { status } = await asked()('PUT', `/${anna}`, { ...(await now()), telecom });
    expect([status, (await now()).telecom]).toEqual([200, telecom]);
  });

  test.each(['replaced-by', 'replaces', 'seealso', 'refer'])('does not link it to another one as %s', async (type) => {
    const before = await now();
    const link = [{ type, other: { reference: bert } }];
    expectRefusal(await asked()('PUT', `/${anna}`, { ...before, link }), 403);
    const patch = [{ op: 'add', path: '/link', value: link }];
    expectRefusal(await asked()('PATCH', `/${anna}`, patch, { 'Content-Type': 'application/json-patch+json' }), 403);
    expect(await now()).toEqual(before);
  });

  test('neither closes it nor gives itself a number of the clinic, and may keep all of that as it is', async () => {
    const before = await now();
    const number = {
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] },
      value: 'MR-1',
    };
    const refused = [
      { ...before, active: false },
      { ...before, identifier: [...(before.identifier ?? []), number] },
      {
        ...before,
        identifier: [...(before.identifier ?? []), { system: 'https://hpms.example/fhir/sid/card', value: '1' }],
      },
    ];
    for (const body of refused) expectRefusal(await asked()('PUT', `/${anna}`, body), 403);
    expect(await now()).toEqual(before);
    const passport = { system: 'urn:passport', value: '1' };
    const identifier = [...(before.identifier ?? []), passport];
    expect((await asked()('PUT', `/${anna}`, { ...before, identifier, active: true })).status).toBe(200);
    const { identifier: _, ...without } = before;
    // The clinic's number stays without being sent (contract.md 45).
    const kept = await asked()('PUT', `/${anna}`, without);
    expect([kept.status, kept.json.identifier]).toEqual([200, before.identifier]);
  });
});

test('staff link Patients as before', async () => {
  const before = (await staff('GET', `/${bert}`)).json;
  const link = [{ type: 'seealso', other: { reference: anna } }];
  expect((await staff('PUT', `/${bert}`, { ...before, link, active: false })).status).toBe(200);
});
