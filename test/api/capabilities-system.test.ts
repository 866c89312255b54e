// What the CapabilityStatement declares of the whole system gives the right result: https://hl7.org/fhir/R4/capabilitystatement.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CapabilityStatement, Resource } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { getEntry, postEntry, sendBundle, statusesOf } from './bundle-requests.ts';
import { sampleResource } from './capabilities-samples.ts';
import { expectNoFailure } from './refusals.ts';

let server: TestServer;
let statement: CapabilityStatement;
beforeAll(async () => {
  server = await startTestServer();
  statement = (await send(`${server.origin}/t/clinic-a/fhir/metadata`, 'GET')).json;
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const placesOf = ({ json }: TestResponse): string[] =>
  (json.entry ?? []).map(({ resource }: { resource: Resource }) => `${resource.resourceType}/${resource.id}`);

async function newPatient(): Promise<string> {
  const { json } = await server.a.request('POST', '/Patient', buildPatient());
  return `Patient/${json.id}`;
}

async function transaction(): Promise<void> {
  const uuid = 'urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d';
  const entries = [postEntry(buildObservation(uuid)), postEntry(buildPatient(), uuid)];
  const answer = await sendBundle(server.a, 'transaction', entries);
  expect(statusesOf(answer)).toEqual(['201', '201']);
  const [, observation = '', patient = ''] =
    /(Observation\/[^/]+).*(Patient\/[^/]+)/.exec(JSON.stringify(answer.json.entry.map(locationOf))) ?? [];
  expect((await server.a.request('GET', `/${observation}`)).json.subject.reference).toBe(patient);
}

const locationOf = ({ response }: { readonly response: { readonly location: string } }) => response.location;

async function batch(): Promise<void> {
  const patient = await newPatient();
  const answer = await sendBundle(server.a, 'batch', [getEntry(patient), getEntry('Patient/nobody')]);
  expect(statusesOf(answer)).toEqual(['200', '404']);
  expect(answer.json.entry[0].resource).toEqual((await server.a.request('GET', `/${patient}`)).json);
}

async function historySystem(): Promise<void> {
  const patient = await newPatient();
  await server.a.request('DELETE', `/${patient}`);
  const { json } = await server.a.request('GET', '/_history?_count=20');
  const methods = json.entry
    .filter(({ fullUrl }: { fullUrl: string }) => fullUrl.endsWith(patient))
    .map(({ request }: { request: { method: string } }) => request.method);
  expect(methods).toEqual(['DELETE', 'POST']);
}

async function searchSystem(): Promise<void> {
  const patient = await newPatient();
  const id = patient.split('/')[1];
  expect(placesOf(await server.a.request('GET', `/?_type=Patient&_id=${id}`))).toEqual([patient]);
}

const interactions: Readonly<Record<string, () => Promise<void>>> = {
  transaction,
  batch,
  'history-system': historySystem,
  'search-system': searchSystem,
};

async function explain(): Promise<void> {
  const { status, text } = await server.a.request('GET', '/$explain?_lastUpdated=gt2020');
  expect([status, text]).toEqual([200, expect.stringContaining('"valueCode":"page"')]);
}

async function reindex(): Promise<void> {
  const body = { resourceType: 'Parameters', parameter: [{ name: 'type', valueCode: 'Basic' }] };
  const { status, json } = await server.a.request('POST', '/$reindex', body);
  expect([status, json.parameter]).toEqual([200, [{ name: 'run', valueId: expect.any(String) }]]);
  expect((await server.a.request('GET', '/$reindex-status')).text).toContain(json.parameter[0].valueId);
}

async function legalHold(): Promise<void> {
  const withReason = (...parameter: object[]) => ({
    resourceType: 'Parameters',
    parameter: [{ name: 'reason', valueString: 'Claim 7' }, ...parameter],
  });
  const { status, json } = await server.a.request('POST', '/$legal-hold', withReason());
  expect(status).toBe(200);
  const { valueId } = json.parameter[0].part.find(({ name }: { name: string }) => name === 'id');
  expect((await server.a.request('GET', '/$legal-holds')).text).toContain(valueId);
  const release = withReason({ name: 'hold', valueId });
  expect((await server.a.request('POST', '/$legal-hold-release', release)).status).toBe(200);
  expect((await server.a.request('GET', '/$legal-holds')).text).not.toContain(valueId);
}

const operations: Readonly<Record<string, () => Promise<void>>> = {
  ...{ explain, reindex, 'reindex-status': reindex },
  ...{ 'legal-hold': legalHold, 'legal-hold-release': legalHold, 'legal-holds': legalHold },
};

test('every interaction of the whole system', async () => {
  for (const { code = '' } of statement.rest?.[0]?.interaction ?? []) {
    const step = interactions[code];
    if (!step) throw new Error(`The walk does not know ${code}: teach it.`);
    await step();
  }
});

test('every operation of the whole system', async () => {
  const declared = statement.rest?.[0]?.operation ?? [];
  expect(declared.map(({ name }) => name)).toEqual(Object.keys(operations));
  for (const step of Object.values(operations)) await step();
});

test('every format, out and in', async () => {
  const patient = await newPatient();
  const { json } = await server.a.request('GET', `/${patient}`);
  for (const format of statement.format ?? []) {
    const answer = await server.a.request('GET', `/${patient}?_format=${encodeURIComponent(format)}`);
    const isXml = format.includes('xml');
    expect([format, answer.status, /xml/.test(answer.headers.get('Content-Type') ?? '')]).toEqual([format, 200, isXml]);
    if (!isXml) expect(answer.json).toEqual(json);
    else expect(answer.text).toMatch(/<Patient xmlns="http:\/\/hl7\.org\/fhir">.*<family value="Muster"\/>/s);
    if (!format.includes('/')) continue;
    const sent = await server.a.request('POST', '/Patient', answer.text, { 'Content-Type': format });
    expect([format, sent.status]).toEqual([format, 201]);
    // Each has a number of its own.
    const { id, meta, identifier: _, ...rest } = json;
    expect((await server.a.request('GET', `/Patient/${sent.json.id}`)).json).toMatchObject(rest);
  }
});

const fhirPatch = (value: string) => ({
  resourceType: 'Parameters',
  parameter: [
    {
      name: 'operation',
      part: [
        { name: 'type', valueCode: 'replace' },
        { name: 'path', valueString: 'Patient.gender' },
        { name: 'value', valueCode: value },
      ],
    },
  ],
});

const patches: Readonly<Record<string, (gender: string) => unknown>> = {
  'application/json-patch+json': (value) => [{ op: 'replace', path: '/gender', value }],
  'application/merge-patch+json': (gender) => ({ gender }),
  'application/fhir+json': fhirPatch,
  'application/fhir+xml': (value) =>
    `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>
      <part><name value="type"/><valueCode value="replace"/></part>
      <part><name value="path"/><valueString value="Patient.gender"/></part>
      <part><name value="value"/><valueCode value="${value}"/></part></parameter></Parameters>`,
};

test('every patch format', async () => {
  const patient = await newPatient();
  for (const [index, format] of (statement.patchFormat ?? []).entries()) {
    const gender = ['male', 'other'][index % 2] ?? '';
    const patch = patches[format];
    if (!patch) throw new Error(`The walk does not know the patch ${format}: teach it.`);
    const answer = await server.a.request('PATCH', `/${patient}`, patch(gender), { 'Content-Type': format });
    expect([format, answer.status]).toEqual([format, 200]);
    expect((await server.a.request('GET', `/${patient}`)).json).toMatchObject({ gender });
  }
});

describe('compartments', () => {
  /** The element by which an Observation is in each. */
  const members: Readonly<Record<string, (reference: string) => object>> = {
    Device: (reference) => ({ device: { reference } }),
    Encounter: (reference) => ({ encounter: { reference } }),
    Patient: (reference) => ({ subject: { reference } }),
    Practitioner: (reference) => ({ performer: [{ reference }] }),
    RelatedPerson: (reference) => ({ performer: [{ reference }] }),
  };

  test('each holds what it should, and not what another of its kind has', async () => {
    for (const url of statement.rest?.[0]?.compartment ?? []) {
      const type = Object.keys(members).find((name) => url.toLowerCase().endsWith(`/${name.toLowerCase()}`)) ?? '';
      const member = members[type];
      if (!member) throw new Error(`The walk does not know the compartment ${url}: teach it.`);
      const made = await Promise.all(
        ['one', 'two'].map(async (id) => {
          const owner = sampleResource(loadDefinitions(), type, { family: 0, variant: 0, isMinimal: true });
          expect((await server.a.request('PUT', `/${type}/${id}`, { ...owner, id })).status).toBe(201);
          const observation = buildObservation('Patient/nobody', member(`${type}/${id}`));
          const { json } = await server.a.request('POST', '/Observation', observation);
          return `Observation/${json.id}`;
        }),
      );
      for (const path of ['Observation', '*']) {
        const answer = await server.a.request('GET', `/${type}/one/${path}`);
        expect([type, path, answer.status]).toEqual([type, path, 200]);
        expect(placesOf(answer).filter((place) => made.includes(place))).toEqual([made[0]]);
      }
    }
  });
});
