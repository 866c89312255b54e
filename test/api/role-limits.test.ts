// What roles may do of a type is less than the type: own prescriptions, a status alone, suppliers, billing's AuditEvents, results that nobody has reviewed (domain.md section 5, SM-5, SM-6).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, MedicationRequest, Resource, VisionPrescription } from '@medplum/fhirtypes';
import { fetchToken, send, startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { clientOf, type TestClient } from './clients.ts';
import { expectRefusal } from './refusals.ts';

let server: TestServer;
let patient: string;
let own: string;
let other: string;
beforeAll(async () => {
  server = await startTestServer();
  patient = await made({ resourceType: 'Patient', name: [{ family: 'Muster' }] });
  own = await made({ resourceType: 'Practitioner', name: [{ family: 'Weiss' }] });
  other = await made({ resourceType: 'Practitioner', name: [{ family: 'Roth' }] });
}, 60_000);
afterAll(() => server.close());

/** `Type/id` of what the clinic's own client has stored. */
async function made(resource: Resource): Promise<string> {
  const { status, json } = await server.a.request('POST', `/${resource.resourceType}`, resource);
  expect(status).toBe(201);
  return `${resource.resourceType}/${json.id}`;
}

const client = (role: string | readonly string[], fhirUser?: string): Promise<TestClient> =>
  clientOf(server, server.a, '', [role].flat(), fhirUser);
const stored = async (place: string) => (await server.a.request('GET', `/${place}`)).json;
const idsOf = ({ json }: TestResponse): string[] =>
  ((json as Bundle).entry ?? []).map(({ resource }) => `${resource?.resourceType}/${resource?.id}`);

const jsonPatch = { 'Content-Type': 'application/json-patch+json' };
const patched = (
  one: Pick<TestClient, 'request'>,
  place: string,
  ...changes: readonly (readonly [string, unknown])[]
) =>
  one.request(
    'PATCH',
    `/${place}`,
    changes.map(([path, value]) => ({ op: 'add', path, value })),
    jsonPatch,
  );

const prescription = (requester: string): MedicationRequest => ({
  ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject: { reference: patient } },
  medicationCodeableConcept: { text: 'Amoxicillin' },
  requester: { reference: requester },
  dosageInstruction: [{ text: 'once a day' }],
});
const dosage = ['/dosageInstruction/0/text', 'ten times a day'] as const;

describe('a provider', () => {
  test('prescribes, and changes what it has prescribed', async () => {
    const provider = await client('provider', own);
    const { status, json } = await provider.request('POST', '/MedicationRequest', prescription(own));
    expect(status).toBe(201);
    const place = `MedicationRequest/${json.id}`;
    expect((await patched(provider, place, dosage)).status).toBe(200);
    expect(idsOf(await provider.request('GET', '/MedicationRequest'))).toContain(place);
  });

  test('neither changes nor takes over what another one has prescribed, and prescribes in nobody else’s name', async () => {
    const provider = await client('provider', own);
    const place = await made(prescription(other));
    for (const change of [dosage, ['/requester', { reference: own }]] as const)
      expectRefusal(await patched(provider, place, change), [403, 404]);
    expectRefusal(
      await provider.request('PUT', `/${place}`, { ...(await stored(place)), requester: { reference: own } }),
      403,
    );
    expectRefusal(await provider.request('POST', '/MedicationRequest', prescription(other)), 403);
    expect((await stored(place)).meta.versionId).toBe('1');
    expect(idsOf(await provider.request('GET', '/MedicationRequest'))).not.toContain(place);
  });

  test('has no own spectacles prescription but where it is the prescriber', async () => {
    const provider = await client('provider', own);
    const spectacles = (prescriber: string): VisionPrescription => ({
      ...{ resourceType: 'VisionPrescription', status: 'active', created: '2026-11-20', dateWritten: '2026-11-20' },
      ...{ patient: { reference: patient }, prescriber: { reference: prescriber } },
      lensSpecification: [{ product: { text: 'lens' }, eye: 'left' }],
    });
    expect((await provider.request('POST', '/VisionPrescription', spectacles(own))).status).toBe(201);
    expectRefusal(await provider.request('POST', '/VisionPrescription', spectacles(other)), 403);
  });
});

describe('a pharmacist', () => {
  test('says how a prescription stands, and why', async () => {
    const pharmacist = await client('pharmacist');
    const place = await made(prescription(other));
    const held = await patched(
      pharmacist,
      place,
      ['/status', 'on-hold'],
      ['/statusReason', { text: 'ask the doctor' }],
    );
    expect([held.status, held.json.status]).toEqual([200, 'on-hold']);
    const back = await pharmacist.request('PUT', `/${place}`, {
      ...held.json,
      status: 'active',
      statusReason: undefined,
    });
    expect([back.status, back.json.statusReason]).toEqual([200, undefined]);
  });

  test('changes nothing else in it: 403, by PATCH, PUT, a transaction and $meta-add', async () => {
    const pharmacist = await client('pharmacist');
    const place = await made(prescription(other));
    const before = await stored(place);
    const entry = [{ resource: { ...before, note: [{ text: 'x' }] }, request: { method: 'PUT', url: place } }];
    const meta = { name: 'meta', valueMeta: { tag: [{ system: 'urn:x', code: 'x' }] } };
    for (const answer of [
      await patched(pharmacist, place, dosage),
      await patched(pharmacist, place, ['/status', 'on-hold'], dosage),
      await patched(pharmacist, place, ['/requester', { reference: own }]),
      await pharmacist.request('PUT', `/${place}`, { ...before, dosageInstruction: undefined }),
      await pharmacist.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry }),
      await pharmacist.request('POST', `/${place}/$meta-add`, { resourceType: 'Parameters', parameter: [meta] }),
    ])
      expectRefusal(answer, 403);
    expectRefusal(await pharmacist.request('POST', '/MedicationRequest', prescription(other)), 403);
    expect(await stored(place)).toEqual(before);
  });

  test('who is a provider as well changes its own in full, and of others the status', async () => {
    const both = await client(['pharmacist', 'provider'], own);
    const [mine, theirs] = [await made(prescription(own)), await made(prescription(other))];
    expect((await patched(both, mine, dosage)).status).toBe(200);
    expect((await patched(both, theirs, ['/status', 'on-hold'])).status).toBe(200);
    for (const change of [dosage, ['/requester', { reference: own }]] as const)
      expectRefusal(await patched(both, theirs, change), 403);
  });
});

describe('a role of the clinic’s own', () => {
  const admin = (method: string, path: string, body: unknown) =>
    send(`${server.origin}/t/clinic-a/admin${path}`, method, body, {
      Authorization: `Bearer ${server.a.token}`,
      'Content-Type': 'application/json',
    });

  test('may name elements where they are looked at, each for the rows of its grant', async () => {
    const grants = [
      'user/MedicationRequest.rs',
      'user/MedicationRequest.u[status]?status=active,on-hold',
      'own:user/MedicationRequest.u[note]',
    ];
    expect((await admin('POST', '/roles', { slug: 'steward', name: 'Steward', grants })).status).toBe(201);
    const { json } = await admin('POST', '/clients', { name: 'Steward', roles: ['steward'], fhirUser: own });
    const token = await fetchToken(server.origin, 'clinic-a', json.clientId, json.clientSecret);
    const steward: Pick<TestClient, 'request'> = {
      request: (method, path, body, headers) =>
        server.a.request(method, path, body, { ...headers, Authorization: `Bearer ${token}` }),
    };
    const [mine, theirs] = [await made(prescription(own)), await made(prescription(other))];
    expect((await patched(steward, theirs, ['/status', 'on-hold'])).status).toBe(200);
    expectRefusal(await patched(steward, theirs, ['/note', [{ text: 'x' }]]), 403);
    expect((await patched(steward, mine, ['/status', 'on-hold'], ['/note', [{ text: 'x' }]])).status).toBe(200);
    expectRefusal(await patched(steward, mine, dosage), 403);
    // What ends a prescription is no longer within the grant's rows.
    expectRefusal(await patched(steward, theirs, ['/status', 'stopped']), 403);
  });

  test.each([
    'user/Patient.u[telecom]',
    'user/MedicationRequest.ru[status]',
    'user/MedicationRequest.u[state]',
    'user/*.u[status]',
    'user/MedicationRequest.u[]',
  ])('%s is refused: nobody would look at it', async (grant) => {
    expectRefusal(await admin('POST', '/roles', { slug: 'refused', name: 'Refused', grants: [grant] }), 422);
  });
});

describe('an inventory manager', () => {
  const organization = (code: string): Resource => ({
    ...{ resourceType: 'Organization', name: code },
    type: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/organization-type', code }] }],
  });

  test('keeps suppliers, and reads the other organizations without changing them', async () => {
    const manager = await client('inventory-manager');
    const { status, json } = await manager.request('POST', '/Organization', organization('supplier'));
    expect(status).toBe(201);
    const supplier = `Organization/${json.id}`;
    expect((await patched(manager, supplier, ['/name', 'Lenses Ltd'])).status).toBe(200);
    const clinic = await made(organization('prov'));
    expect((await manager.request('GET', `/${clinic}`)).status).toBe(200);
    expectRefusal(await patched(manager, clinic, ['/name', 'Mine']), 403);
    expectRefusal(await patched(manager, clinic, ['/type/0/coding/0/code', 'supplier']), 403);
    expectRefusal(await patched(manager, supplier, ['/type/0/coding/0/code', 'prov']), 403);
    expectRefusal(await manager.request('POST', '/Organization', organization('prov')), 403);
  });
});

describe.each(['billing-staff', 'billing-manager'])('%s', (role) => {
  test('sees the AuditEvents of bills, payments and insurance, and no others', async () => {
    const billing = await client(role);
    const account = await made({
      resourceType: 'Coverage',
      status: 'active',
      beneficiary: { reference: patient },
      payor: [{ reference: patient }],
    });
    const observation = await made({ resourceType: 'Observation', status: 'final', code: { text: 'x' } });
    const seen = async (one: TestClient['request'], query: string) =>
      idsOf(await one('GET', `/AuditEvent?${query}&_count=50`));
    expect(await seen(billing.request, `entity=${account}`)).not.toEqual([]);
    const [event = ''] = await seen(server.a.request, `entity=${observation}`);
    expect(event).not.toBe('');
    expect(await seen(billing.request, `entity=${observation}`)).toEqual([]);
    expectRefusal(await billing.request('GET', `/${event}`), 404);
    const types = async () => {
      const { json } = await billing.request('GET', '/AuditEvent?_count=200');
      return (json as Bundle).entry?.flatMap(({ resource }) =>
        resource?.resourceType === 'AuditEvent' ? [resource.entity?.map(({ what }) => what?.type)] : [],
      );
    };
    for (const named of (await types()) ?? []) expect(named).toContain('Coverage');
  });
});

describe('a laboratory technician', () => {
  const report = (status: string) => ({ resourceType: 'DiagnosticReport', status, code: { text: 'Blood count' } });
  const result = (status: string) => ({ resourceType: 'Observation', status, code: { text: 'Haemoglobin' } });

  test.each(['DiagnosticReport', 'Observation'])(
    'enters %s as registered and preliminary, and makes none final',
    async (type) => {
      const technician = await client('lab-technician');
      const of = type === 'Observation' ? result : report;
      expect((await technician.request('POST', `/${type}`, of('registered'))).status).toBe(201);
      const { status, json } = await technician.request('POST', `/${type}`, of('preliminary'));
      expect(status).toBe(201);
      const place = `${type}/${json.id}`;
      expect((await patched(technician, place, ['/code/text', 'Other'])).status).toBe(200);
      for (const done of ['final', 'amended', 'corrected']) {
        expectRefusal(await technician.request('POST', `/${type}`, of(done)), 403);
        expectRefusal(await patched(technician, place, ['/status', done]), 403);
      }
      const manager = await client('lab-manager');
      expect((await patched(manager, place, ['/status', 'final'])).status).toBe(200);
      expect((await technician.request('GET', `/${place}`)).status).toBe(200);
      expectRefusal(await patched(technician, place, ['/status', 'preliminary']), 403);
    },
  );
});

test('who reviews results lets the patient see one by taking NOPAT away, and takes no other label (SM-6)', async () => {
  const label = (code: string) => ({ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code });
  const place = await made({
    ...{ resourceType: 'Observation', status: 'final', code: { text: 'HIV' }, subject: { reference: patient } },
    meta: { security: [label('NOPAT'), label('HIV')] },
  });
  const take = async (role: string, ...codes: string[]) => {
    const valueMeta = { security: codes.map(label) };
    const body = { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta }] };
    return (await (await client(role)).request('POST', `/${place}/$meta-delete`, body)).status;
  };
  expect(await take('lab-technician', 'NOPAT')).toBe(403);
  expect(await take('lab-manager', 'NOPAT', 'HIV')).toBe(403);
  expect(await take('lab-manager', 'NOPAT')).toBe(200);
  expect((await stored(place)).meta.security).toEqual([label('HIV')]);
});
