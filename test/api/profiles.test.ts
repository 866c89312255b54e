// A tenant's profiles over HTTP: uploaded, in force at once in every process, by the tenant's policy, for nobody else:
// https://hl7.org/fhir/R4/profiling.html

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { OperationOutcomeIssue, StructureDefinition } from '@medplum/fhirtypes';
import { pino } from 'pino';
import { type App, startApp } from '../../src/app.ts';
import type { ProfilePolicy } from '../../src/repository/profiles/check-profiles.ts';
import { writeSetting } from '../../src/tenants/settings.ts';
import { structure } from '../fhir/profiles/structures.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestResponse, type TestServer, testConfig } from '../support/server.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { expressionsOf, postEntry, putEntry, sendBundle, statusesOf } from './bundle-requests.ts';
import { clientOf } from './clients.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const url = 'urn:test:named';

/** A Patient has this element at least once. */
function asking(element: string, overrides: Partial<StructureDefinition> = {}): StructureDefinition {
  const elements = [
    { id: 'Patient', path: 'Patient' },
    { id: `Patient.${element}`, path: `Patient.${element}`, min: 1 },
  ];
  return structure(url, 'Patient', elements, { id: 'named', ...overrides }).resource;
}

const upload = (resource: StructureDefinition, tenant = server.a) =>
  tenant.request('PUT', `/StructureDefinition/${resource.id}`, resource);

/** Holds for the next request when this resolves. */
async function setPolicy(check: ProfilePolicy['check'], required: ProfilePolicy['required'] = {}): Promise<void> {
  const { doors, repository } = server.app;
  await doors.tenantDoor(server.a.id, async (trx) => {
    writeSetting(trx, 'profiles.check', check);
    writeSetting(trx, 'profiles.required', required);
  });
  const wanted = JSON.stringify({ check, required });
  while (JSON.stringify((await repository.policiesOf(server.a.id)).profilePolicy) !== wanted) await delay(20);
}

const claiming = (overrides = {}) => buildPatient({ meta: { profile: [url] }, ...overrides });
const photo = [{ title: 'x' }];
const told = { Prefer: 'return=OperationOutcome' };

/** But for R4's own advice, such as that a resource should have a narrative. */
const issuesOf = ({ json }: TestResponse): string[] =>
  (json.issue as OperationOutcomeIssue[])
    .filter(({ code, severity }) => code !== 'invariant' || severity === 'error')
    .map(({ severity, code, expression }) => [severity, code, ...(expression ?? [])].join(' '));

const done = 'information informational';

beforeEach(async () => {
  await upload(asking('photo'));
  await setPolicy('off');
});

describe('the policy', () => {
  test('off: claims are not looked at', async () => {
    const answer = await server.a.request('POST', '/Patient', claiming(), told);
    expect([answer.status, issuesOf(answer)]).toEqual([201, [done]]);
  });

  test('warn: what fails is written, and told who prefers to be told (http.html#ops)', async () => {
    await setPolicy('warn');
    const plain = await server.a.request('POST', '/Patient', claiming());
    expect([plain.status, plain.json.resourceType]).toEqual([201, 'Patient']);
    const warning = 'warning required Patient.photo';
    const created = await server.a.request('POST', '/Patient', claiming(), told);
    expect([created.status, issuesOf(created)]).toEqual([201, [done, warning]]);
    const { id } = plain.json;
    const updated = await server.a.request('PUT', `/Patient/${id}`, claiming({ id, active: true }), told);
    expect([updated.status, issuesOf(updated)]).toEqual([200, [done, warning]]);
    const patch = [{ op: 'replace', path: '/active', value: false }];
    const patchHeaders = { ...told, 'Content-Type': 'application/json-patch+json' };
    const patched = await server.a.request('PATCH', `/Patient/${id}`, patch, patchHeaders);
    expect([patched.status, issuesOf(patched)]).toEqual([200, [done, warning]]);
    for (const type of ['batch', 'transaction'] as const) {
      const answer = await sendBundle(server.a, type, [postEntry(claiming())], told);
      expect(issuesOf({ ...answer, json: answer.json.entry[0].response.outcome })).toEqual([done, warning]);
    }
    const sound = await server.a.request('POST', '/Patient', claiming({ photo }), told);
    expect(issuesOf(sound)).toEqual([done]);
  });

  test('warn: a repeated request is told the same (Idempotency-Key)', async () => {
    await setPolicy('warn');
    const headers = { ...told, 'Idempotency-Key': 'once' };
    const [first, second] = [
      await server.a.request('POST', '/Patient', claiming(), headers),
      await server.a.request('POST', '/Patient', claiming(), headers),
    ];
    expect([second.headers.get('Location'), issuesOf(second)]).toEqual([
      first.headers.get('Location'),
      issuesOf(first),
    ]);
    expect(issuesOf(second)).toHaveLength(2);
  });

  test('enforce: what fails is refused, by every way of writing, and nothing of it is stored', async () => {
    await setPolicy('enforce');
    const refused = await server.a.request('POST', '/Patient', claiming());
    expectRefusal(refused, 422);
    expect(issuesOf(refused)).toEqual(['error required Patient.photo']);
    const { json } = await server.a.request('POST', '/Patient', claiming({ photo }));
    const { id } = json;
    expectRefusal(await server.a.request('PUT', `/Patient/${id}`, claiming({ id })), 422);
    expectRefusal(await server.a.request('PUT', '/Patient?identifier=urn:x|new', claiming()), 422);
    const patch = [{ op: 'remove', path: '/photo' }];
    const patchType = { 'Content-Type': 'application/json-patch+json' };
    expectRefusal(await server.a.request('PATCH', `/Patient/${id}`, patch, patchType), 422);
    expect((await server.a.request('GET', `/Patient/${id}`)).json).toEqual(json);
    const meta = {
      resourceType: 'Parameters',
      parameter: [{ name: 'meta', valueMeta: { profile: [`${url}|9`, 'http://hl7.org/fhir/StructureDefinition/bp'] } }],
    };
    expectRefusal(await server.a.request('POST', `/Patient/${id}/$meta-add`, meta), 422);
  });

  test('enforce: a transaction fails as a whole and names the entry, a batch only at the entry', async () => {
    await setPolicy('enforce');
    const identifier = [{ system: 'urn:bundle', value: '1' }];
    const entries = [postEntry(claiming({ photo, identifier })), postEntry(claiming({ identifier }))];
    const transaction = await sendBundle(server.a, 'transaction', entries);
    expectRefusal(transaction, 422);
    expect(expressionsOf(transaction)).toEqual(['Bundle.entry[1].resource.photo']);
    const found = '/Patient?identifier=urn:bundle|1&_summary=count';
    expect((await server.a.request('GET', found)).json.total).toBe(0);
    expect(statusesOf(await sendBundle(server.a, 'batch', entries))).toEqual(['201', '422']);
    expect((await server.a.request('GET', found)).json.total).toBe(1);
  });

  test('required: every resource of the type must have the profile, claimed or not', async () => {
    await setPolicy('enforce', { Patient: url });
    expectRefusal(await server.a.request('POST', '/Patient', buildPatient()), 422);
    expect((await server.a.request('POST', '/Patient', buildPatient({ photo }))).status).toBe(201);
    expect((await server.a.request('POST', '/Observation', buildObservation('Patient/1'))).status).toBe(201);
    await setPolicy('enforce', { Patient: 'urn:test:nobody' });
    const unknown = await server.a.request('POST', '/Patient', buildPatient({ photo }));
    expectRefusal(unknown, 422);
    expect(issuesOf(unknown)).toEqual(['error not-found Patient']);
  });
});

describe('a definition', () => {
  test('that changes is in force with the next request, and with its deletion no more', async () => {
    await setPolicy('enforce');
    const statusOf = async () => (await server.a.request('POST', '/Patient', claiming())).status;
    expect(await statusOf()).toBe(422);
    await upload(asking('gender', { version: '2' }));
    expect(await statusOf()).toBe(201);
    await upload(asking('photo'));
    expect(await statusOf()).toBe(422);
    await server.a.request('DELETE', '/StructureDefinition/named');
    expect(await statusOf()).toBe(201);
  });

  test('that is active must be usable; the answer names its element', async () => {
    const wide = asking('gender');
    const element = [
      { id: 'Patient', path: 'Patient' },
      { id: 'Patient.gender', path: 'Patient.gender', max: '2' },
    ];
    const refused = await upload({ ...wide, id: 'wide', url: 'urn:test:wide', differential: { element } as never });
    expectRefusal(refused, 422);
    expect(expressionsOf(refused)[0]).toBe("StructureDefinition.differential.element.where(id = 'Patient.gender')");
    expect((await server.a.request('GET', '/StructureDefinition/wide')).status).toBe(404);
  });

  test('is in force in every other process as soon as it is stored', async () => {
    const other = await startOther();
    try {
      await setPolicy('enforce');
      while ((await other.app.repository.policiesOf(server.a.id)).profilePolicy.check !== 'enforce') await delay(20);
      expect((await other.request('POST', '/Patient', claiming({ gender: undefined }))).status).toBe(422);
      await upload(asking('gender'));
      expect((await other.request('POST', '/Patient', claiming({ gender: 'female' }))).status).toBe(201);
      await upload(asking('contact'));
      expect((await other.request('POST', '/Patient', claiming({ gender: 'female' }))).status).toBe(422);
    } finally {
      await other.app.close();
    }
  });

  async function startOther(): Promise<{
    app: App;
    request: (...asked: [string, string, object]) => Promise<TestResponse>;
  }> {
    const app = await startApp({
      config: testConfig(makeTemporaryFolder(), 0),
      databaseUrl: server.database.url,
      does: { api: true, jobs: false },
      onFatal(error) {
        throw error;
      },
      log: pino({ level: 'silent' }),
    });
    const base = `http://127.0.0.1:${app.port}/t/${server.a.name}/fhir`;
    const headers = { Authorization: `Bearer ${server.a.token}` };
    return { app, request: (method, path, body) => send(base + path, method, body, headers) };
  }
});

describe('another tenant', () => {
  test('neither has the profile nor the policy, and cannot see the definition', async () => {
    await setPolicy('enforce', { Patient: url });
    expect((await server.b.request('POST', '/Patient', claiming(), told)).status).toBe(201);
    expect((await server.b.request('GET', '/StructureDefinition/named')).status).toBe(404);
    expect((await server.b.request('GET', `/StructureDefinition?url=${url}`)).json.total).toBe(0);
    expect((await server.b.request('GET', `/StructureDefinition/$snapshot?url=${url}`)).status).toBe(404);
    const validated = await server.b.request('POST', `/Patient/$validate?profile=${url}`, buildPatient());
    expect(issuesOf(validated)).toContain('error not-found Patient');
  });

  test('may have another definition of the same canonical', async () => {
    await upload(asking('contact'), server.b);
    const expressionsIn = async (tenant: typeof server.a) =>
      expressionsOf(await tenant.request('POST', `/Patient/$validate?profile=${url}`, buildPatient()));
    expect(await expressionsIn(server.a)).toContain('Patient.photo');
    expect(await expressionsIn(server.b)).toContain('Patient.contact');
    expect(await expressionsIn(server.b)).not.toContain('Patient.photo');
  });
});

describe('$validate', () => {
  const validated = async (path: string, body: object) => issuesOf(await server.a.request('POST', path, body));

  test('goes by the profile that is named, those that are claimed, and the one the tenant requires', async () => {
    const missing = 'error required Patient.photo';
    expect(await validated('/Patient/$validate', buildPatient())).not.toContain(missing);
    expect(await validated(`/Patient/$validate?profile=${url}`, buildPatient())).toContain(missing);
    expect(await validated('/Patient/$validate', claiming())).toContain(missing);
    await setPolicy('warn', { Patient: url });
    expect(await validated('/Patient/$validate', buildPatient())).toContain(missing);
  });

  test('knows the profiles of R4 and those of the server', async () => {
    const bp = 'http://hl7.org/fhir/StructureDefinition/bp';
    expect(await validated(`/Observation/$validate?profile=${bp}`, buildObservation('Patient/1'))).toEqual(
      expect.arrayContaining([expect.stringMatching(/^error \S+ Observation\.component$/)]),
    );
    const invoice = 'https://hpms.example/fhir/StructureDefinition/hpms-invoice';
    const extension = [{ url: 'https://hpms.example/fhir/StructureDefinition/payment-state', valueCode: 'maybe' }];
    const bare = { resourceType: 'Invoice', status: 'draft', extension };
    expect(await validated(`/Invoice/$validate?profile=${invoice}`, bare)).toContainEqual(
      expect.stringMatching(/^error code-invalid Invoice\.extension\[0\]/),
    );
  });
});

describe("the server's own definitions", () => {
  test('are read, found and expanded in every tenant, and written by none', async () => {
    for (const tenant of [server.a, server.b]) {
      for (const [type, id] of [
        ['StructureDefinition', 'hpms-invoice'],
        ['ValueSet', 'hpms-payment-state'],
        ['CodeSystem', 'hpms-payment-state'],
      ] as const) {
        const { status, json } = await tenant.request('GET', `/${type}/${id}`);
        expect([status, json.id]).toEqual([200, id]);
        const found = await tenant.request('GET', `/${type}?url=${json.url}`);
        expect(found.json.entry[0].resource).toEqual(json);
        expectRefusal(await tenant.request('PUT', `/${type}/${id}`, json), 405);
      }
    }
  });

  test('are what operations go by, of an instance and by canonical', async () => {
    for (const asked of [
      '/ValueSet/hpms-payment-state/$expand',
      '/ValueSet/$expand?url=https://hpms.example/fhir/ValueSet/payment-state',
    ]) {
      const { json } = await server.b.request('GET', asked);
      expect(json.expansion.contains.map(({ code }: { code: string }) => code)).toContain('pending');
    }
    const looked = await server.b.request('GET', '/CodeSystem/hpms-payment-state/$validate-code?code=pending');
    expect(looked.json.parameter[0].valueBoolean).toBe(true);
    const { json } = await server.b.request('GET', '/StructureDefinition/hpms-invoice/$snapshot');
    expect(json.snapshot.element[0].path).toBe('Invoice');
  });

  test('leave their names to the tenants: one’s own of the same name is read and found beside them', async () => {
    for (const [type, content] of [
      ['CodeSystem', { content: 'complete', concept: [{ code: 'own' }] }],
      ['ValueSet', { compose: { include: [{ system: 'urn:own:payment-type' }] } }],
    ] as const) {
      const own = { resourceType: type, id: 'payment-type', url: `urn:own:payment-type`, status: 'active', ...content };
      expect((await server.a.request('PUT', `/${type}/payment-type`, own)).status).toBe(201);
      expect((await server.a.request('GET', `/${type}/payment-type`)).json).toMatchObject(own);
      expect((await server.a.request('GET', `/${type}?_id=payment-type`)).json.total).toBe(1);
      const house = await server.a.request('GET', `/${type}?url=https://hpms.example/fhir/${type}/payment-type`);
      expect(house.json.entry[0].resource.id).toBe('hpms-payment-type');
      expect((await server.b.request('GET', `/${type}/payment-type`)).status).toBe(404);
    }
    const expanded = await server.a.request('GET', '/ValueSet/payment-type/$expand');
    expect(expanded.json.expansion.contains).toEqual([{ system: 'urn:own:payment-type', code: 'own' }]);
  });

  test('are named by the capability statement for their types, and a tenant’s own are not', async () => {
    await upload(asking('photo'));
    const { json } = await server.a.request('GET', '/metadata');
    const profilesOf = (type: string) =>
      json.rest[0].resource.find((one: { type: string }) => one.type === type).supportedProfile;
    const canonical = 'https://hpms.example/fhir/StructureDefinition';
    expect(profilesOf('Patient')).toEqual([`${canonical}/hpms-patient`]);
    expect(profilesOf('PaymentReconciliation')).toContain(`${canonical}/hpms-settlement`);
    expect(profilesOf('Group')).toBeUndefined();
    for (const { type, supportedProfile = [] } of json.rest[0].resource) {
      for (const url of supportedProfile) {
        const found = await server.b.request('GET', `/StructureDefinition?url=${url}`);
        expect([url, found.json.entry[0].resource.type]).toEqual([url, type]);
      }
    }
  });

  test('are shown to those only who may read the type', async () => {
    const client = await clientOf(server, server.a, 'system/Patient.rs');
    expectRefusal(await client.request('GET', '/StructureDefinition/hpms-invoice'), 403);
  });

  test('have snapshots that can be asked for', async () => {
    const { json } = await server.a.request(
      'GET',
      '/StructureDefinition/$snapshot?url=https://hpms.example/fhir/StructureDefinition/hpms-invoice',
    );
    expect(json.snapshot.element[0].path).toBe('Invoice');
  });

  test('cannot be replaced under their canonical', async () => {
    const own = 'https://hpms.example/fhir/StructureDefinition/hpms-patient';
    const before = await server.a.request('POST', `/Patient/$validate?profile=${own}`, buildPatient());
    await upload(asking('photo', { id: 'imposter', url: own }));
    const after = await server.a.request('POST', `/Patient/$validate?profile=${own}`, buildPatient());
    expect(issuesOf(after)).toEqual(issuesOf(before));
  });
});

describe('a profile that contains what it names by #id (references.html#contained)', () => {
  const system = 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus';
  const codes = { resourceType: 'ValueSet', id: 'codes', status: 'active', compose: { include: [{ system }] } };
  const named = structure(
    'urn:named',
    'HumanName',
    [
      { id: 'HumanName', path: 'HumanName' },
      { id: 'HumanName.family', path: 'HumanName.family', min: 1 },
    ],
    {
      ...{ id: 'named', kind: 'complex-type' },
    },
  ).resource;
  const binding = { strength: 'extensible', valueSet: 'urn:test:nobody' };
  const greatest = {
    url: 'http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet',
    valueCanonical: '#codes',
  };
  const holding = (bound: object, contained: object[]) =>
    asking('photo', {
      contained: contained as never,
      differential: {
        element: [
          { id: 'Patient', path: 'Patient' },
          { id: 'Patient.name', path: 'Patient.name', type: [{ code: 'HumanName', profile: ['#named'] }] },
          { id: 'Patient.maritalStatus', path: 'Patient.maritalStatus', binding: bound },
        ] as never,
      },
    });

  test('goes by it: a profile of a type, and the greatest value set of a weak binding', async () => {
    const contained = [codes, named];
    const uploaded = await upload(holding({ ...binding, extension: [greatest] }, contained));
    expect([uploaded.status, issuesOf({ ...uploaded, json: { issue: uploaded.json.issue ?? [] } })]).toEqual([200, []]);
    await setPolicy('enforce');
    const sent = (code: string, name: object) =>
      server.a.request('POST', '/Patient', claiming({ name: [name], maritalStatus: { coding: [{ system, code }] } }));
    expect((await sent('M', { family: 'A' })).status).toBe(201);
    const refused = await sent('no-such-code', { text: 'A' });
    expectRefusal(refused, 422);
    expect(issuesOf(refused)).toEqual([
      'error required Patient.name[0].family',
      'error code-invalid Patient.maritalStatus',
    ]);
  });

  test('must contain it, and binds to no #id otherwise in R4 (eld-12)', async () => {
    const missing = await upload(holding({ ...binding, extension: [greatest] }, [codes]));
    expectRefusal(missing, 422);
    expect(missing.json.issue[0].diagnostics).toContain('#named is none of the resources');
    const bound = await upload(holding({ strength: 'required', valueSet: '#codes' }, [codes, named]));
    expectRefusal(bound, 422);
    expect(bound.json.issue[0].diagnostics).toContain('eld-12');
  });
});

test('an extension nobody here knows is stored and told, a modifier refused (extensibility.html#modifierExtension)', async () => {
  await setPolicy('enforce');
  const unknown = { url: 'http://example.org/fhir/StructureDefinition/unknown', valueString: 'x' };
  const ofR5 = { url: 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Patient.new', valueString: 'x' };
  const sent = buildPatient({ extension: [unknown, ofR5] });
  const kept = await server.a.request('POST', '/Patient', sent, told);
  expect([kept.status, issuesOf(kept)]).toEqual([201, [done, 'warning extension Patient.extension[0]']]);
  const stored = await server.a.request(
    'GET',
    (kept.headers.get('Location') ?? '').replace(/^.*(?=\/Patient)/, '').replace(/\/_history.*$/, ''),
  );
  expect(stored.json.extension).toEqual([unknown, ofR5]);
  for (const one of [unknown, ofR5]) {
    const refused = await server.a.request('POST', '/Patient', buildPatient({ modifierExtension: [one] }));
    expectRefusal(refused, 422);
    expect(issuesOf(refused)).toEqual(['error extension Patient.modifierExtension[0]']);
  }
  const relative = await server.a.request(
    'POST',
    '/Patient',
    buildPatient({ extension: [{ url: 'value', valueString: 'x' }] }),
  );
  expectRefusal(relative, 422);
});

test('a bundle may bring a profile and what claims it', async () => {
  await setPolicy('enforce');
  const both = [putEntry(asking('contact', { id: 'named' })), putEntry(claiming({ id: 'claims' }))];
  const answer = await sendBundle(server.a, 'transaction', both);
  // Held by what was in force when the transaction began to write.
  expectRefusal(answer, 422);
  expect(expressionsOf(answer)).toEqual(['Bundle.entry[1].resource.photo']);
});
