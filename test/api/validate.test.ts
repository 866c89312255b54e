// The operation $validate over HTTP: https://hl7.org/fhir/R4/resource-operation-validate.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OperationOutcomeIssue } from '@medplum/fhirtypes';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { clientOf } from './clients.ts';
import { expectNoFailure } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

/** The status, and each issue as `severity code expression`. */
async function validated(method: 'GET' | 'POST', path: string, body?: unknown, tenant = server.a): Promise<unknown[]> {
  const { status, json } = await tenant.request(method, path, body as object);
  expect(json.resourceType).toBe('OperationOutcome');
  return [
    status,
    ...json.issue.map((one: OperationOutcomeIssue) => `${one.severity} ${one.code} ${one.expression?.[0] ?? '-'}`),
  ];
}

const allOk = [200, 'information informational -'];
const patient = {
  resourceType: 'Patient',
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
};
const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter });

describe('of a type', () => {
  test('a valid resource is answered with one information, and is not stored', async () => {
    const identifier = [{ system: 'urn:validate', value: '1' }];
    expect(await validated('POST', '/Patient/$validate', { ...patient, identifier })).toEqual(allOk);
    const { json } = await server.a.request('GET', '/Patient?identifier=urn:validate|1');
    expect(json.total ?? json.entry?.length ?? 0).toBe(0);
  });

  test('a wrong one is answered with 200 and all its errors and warnings', async () => {
    const maritalStatus = { coding: [{ system: 'urn:x', code: 'y' }] };
    const wrong = { ...patient, birthDate: '2026-02-30', gender: 'man', nickname: 'x', maritalStatus };
    expect(await validated('POST', '/Patient/$validate', { ...wrong, nickname: undefined })).toEqual([
      200,
      'error value Patient.birthDate',
      'error code-invalid Patient.gender',
      'warning code-invalid Patient.maritalStatus',
    ]);
    expect(await validated('POST', '/Patient/$validate', wrong)).toContain('error structure Patient.nickname');
  });

  test('the resource may stand in Parameters with mode and profile, or these in the URL', async () => {
    const resource = { ...patient, gender: 'man' };
    const fault = [200, 'error code-invalid Patient.gender'];
    expect(await validated('POST', '/Patient/$validate', parameters({ name: 'resource', resource }))).toEqual(fault);
    const mode = { name: 'mode', valueCode: 'create' };
    expect(await validated('POST', '/Patient/$validate', parameters(mode, { name: 'resource', resource }))).toEqual(
      fault,
    );
    expect(await validated('POST', '/Patient/$validate?mode=create', resource)).toEqual(fault);
    const profile = 'http://hl7.org/fhir/StructureDefinition/Patient';
    expect(await validated('POST', `/Patient/$validate?profile=${profile}`, patient)).toEqual(allOk);
  });

  test('a Parameters may itself be what is validated', async () => {
    expect(await validated('POST', '/Parameters/$validate', parameters({ name: 'a', valueString: 'x' }))).toEqual(
      allOk,
    );
    expect(await validated('POST', '/Parameters/$validate', parameters({ valueString: 'x' }))).toEqual([
      200,
      'error required Parameters.parameter[0].name',
    ]);
  });

  test('a resource of another type, and a profile that is not there, are errors', async () => {
    expect(await validated('POST', '/Observation/$validate', patient)).toEqual([200, 'error invalid resourceType']);
    const profile = 'http://example.org/StructureDefinition/unknown';
    expect(await validated('POST', `/Patient/$validate?profile=${profile}`, patient)).toEqual([
      200,
      'error not-found Patient',
    ]);
    const observation = 'http://hl7.org/fhir/StructureDefinition/Observation';
    expect(await validated('POST', `/Patient/$validate?profile=${observation}`, patient)).toEqual([
      200,
      'error structure Patient',
    ]);
    const patientOfR3 = 'http://hl7.org/fhir/StructureDefinition/Patient|3.0.2';
    expect(await validated('POST', `/Patient/$validate?profile=${patientOfR3}`, patient)).toEqual([
      200,
      'error not-found Patient',
    ]);
    expect(
      await validated('POST', `/Patient/$validate?profile=${patientOfR3.replace('3.0.2', '4.0.1')}`, patient),
    ).toEqual(allOk);
  });

  test('what is no call of it is 400', async () => {
    expect((await validated('POST', '/Patient/$validate?mode=check', patient))[0]).toBe(400);
    expect((await validated('POST', '/Patient/$validate?mode=delete', patient))[0]).toBe(400);
    expect((await validated('POST', '/Patient/$validate?mode=update', patient))[0]).toBe(400);
    expect((await validated('POST', '/Patient/$validate?mode=profile', patient))[0]).toBe(400);
    expect((await validated('POST', '/Patient/$validate?depth=1', patient))[0]).toBe(400);
    expect((await validated('POST', '/Patient/$validate?mode=create&mode=update', patient))[0]).toBe(400);
    expect((await validated('POST', '/Patient/$validate', parameters({ name: 'mode', valueCode: 'create' })))[0]).toBe(
      400,
    );
    expect((await validated('POST', '/Patient/$validate', parameters({ name: 'mode', valueInteger: 1 })))[0]).toBe(400);
    expect((await validated('GET', '/Patient/$validate'))[0]).toBe(400);
  });
});

describe('of an instance', () => {
  test('without a resource the stored one is looked at, by GET and by POST', async () => {
    const { json } = await server.a.request('POST', '/Patient', { ...buildPatient(), text: patient.text });
    expect(await validated('GET', `/Patient/${json.id}/$validate`)).toEqual(allOk);
    expect(await validated('GET', `/Patient/${json.id}/$validate?mode=delete`)).toEqual(allOk);
    expect(
      await validated('POST', `/Patient/${json.id}/$validate`, parameters({ name: 'mode', valueCode: 'update' })),
    ).toEqual(allOk);
  });

  test('an update must be about the same id', async () => {
    const { json } = await server.a.request('POST', '/Patient', buildPatient());
    const place = `/Patient/${json.id}/$validate?mode=update`;
    expect(await validated('POST', place, { ...patient, id: json.id })).toEqual(allOk);
    expect(await validated('POST', place, { ...patient, id: 'other' })).toEqual([200, 'error value Patient.id']);
    expect(await validated('POST', place, patient)).toEqual([200, 'error required Patient.id']);
  });

  test('nobody learns of what is not there, is gone, or is another tenant’s', async () => {
    const { json } = await server.a.request('POST', '/Patient', buildPatient());
    expect((await validated('GET', `/Patient/${json.id}/$validate`, undefined, server.b))[0]).toBe(404);
    expect((await validated('GET', '/Patient/never/$validate'))[0]).toBe(404);
    expect((await validated('GET', `/Patient/${json.id}/$validate?mode=delete`, undefined, server.b))[0]).toBe(404);
    await server.a.request('DELETE', `/Patient/${json.id}`);
    expect((await validated('GET', `/Patient/${json.id}/$validate?mode=delete`))[0]).toBe(410);
  });
});

test('who may not read the type may not validate it', async () => {
  const client = await clientOf(server, server.a, 'system/Observation.rs');
  const { status } = await client.request('POST', '/Patient/$validate', patient);
  expect(status).toBe(403);
});

describe('a write', () => {
  test('is refused with the same errors, each with its message, element and sentence', async () => {
    const { status, json } = await server.a.request('POST', '/Patient', { ...patient, birthDate: '2026-02-30' });
    expect(status).toBe(422);
    const system = 'http://terminology.hl7.org/CodeSystem/operation-outcome';
    expect(json.issue).toEqual([
      {
        severity: 'error',
        code: 'value',
        details: { coding: [{ system, code: 'MSG_DATE_FORMAT' }] },
        diagnostics: expect.stringMatching(/^Patient\.birthDate must be .*; found a month or day that/),
        expression: ['Patient.birthDate'],
      },
    ]);
  });

  test('is not refused for a warning', async () => {
    const maritalStatus = { coding: [{ system: 'urn:x', code: 'y' }] };
    const { status, json } = await server.a.request('POST', '/Patient', {
      ...buildPatient(),
      ...patient,
      maritalStatus,
    });
    expect(status).toBe(201);
    expect(await validated('GET', `/Patient/${json.id}/$validate`)).toEqual([
      200,
      'warning code-invalid Patient.maritalStatus',
    ]);
  });

  test('of XML is held to the same rules', async () => {
    const xml = '<Patient xmlns="http://hl7.org/fhir"><birthDate value="2026-02-30"/></Patient>';
    const { json } = await server.a.request('POST', '/Patient/$validate', xml, {
      'Content-Type': 'application/fhir+xml',
      Accept: 'application/fhir+json',
    });
    expect(json.issue).toContainEqual(expect.objectContaining({ code: 'value', expression: ['Patient.birthDate'] }));
  });
});
