// A guide in the manner of US Core and BALP, end to end: its package uploaded, its profiles required, and what is written
// judged by them: https://hl7.org/fhir/R4/profiling.html

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OperationOutcomeIssue } from '@medplum/fhirtypes';
import { writeSetting } from '../../src/tenants/settings.ts';
import { packageOf } from '../support/fhir-package.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { guideCases } from '../validation/profiles/guide-cases.ts';
import { guide, guideFiles } from '../validation/profiles/guide-definitions.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

const profileOf = (id: string) => `${guide}/StructureDefinition/${id}`;

let server: TestServer;
/** Of tenant A, as the guide asks. */
let patientId: string;
beforeAll(async () => {
  server = await startTestServer();
  const response = await fetch(`${server.origin}/t/${server.a.name}/admin/packages`, {
    method: 'POST',
    body: await packageOf(...guideFiles),
    headers: { Authorization: `Bearer ${server.a.token}`, 'Content-Type': 'application/gzip' },
  });
  expect([response.status, response.status === 200 ? '' : await response.text()]).toEqual([200, '']);
  await enforce(required);
  patientId = (await create('patient')).json.id;
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

/** Holds for the next request when this resolves. */
async function enforce(profiles: Record<string, string>): Promise<void> {
  const { doors, repository } = server.app;
  await doors.tenantDoor(server.a.id, async (trx) => {
    writeSetting(trx, 'profiles.check', 'enforce');
    writeSetting(trx, 'profiles.required', profiles);
  });
  const wanted = JSON.stringify({ check: 'enforce', required: profiles });
  while (JSON.stringify((await repository.policiesOf(server.a.id)).profilePolicy) !== wanted) await delay(20);
}

/** Of these types the profile is required by the tenant; the others say themselves which they mean. */
const required = { Patient: profileOf('patient'), AuditEvent: profileOf('audited-read') };

function resourceOf(id: string, change: object = {}, subjectId = patientId): { resourceType: string } {
  const isRequired = Object.values(required).includes(profileOf(id));
  const claim = isRequired ? {} : { meta: { profile: [profileOf(id)] } };
  const text = JSON.stringify({ ...guideCases[id]?.valid, ...claim, ...change });
  return JSON.parse(text.replaceAll('Patient/any', `Patient/${subjectId}`));
}

function create(id: string, change: object = {}): Promise<TestResponse> {
  const resource = resourceOf(id, change);
  return server.a.request('POST', `/${resource.resourceType}`, resource);
}

function errorsOf({ json }: TestResponse): string[] {
  const issues = json.issue as OperationOutcomeIssue[];
  return issues
    .filter(({ severity }) => severity === 'error')
    .map(({ code, expression }) => `${code} ${expression?.[0]}`);
}

/** AuditEvents are the server's to write: of these it is asked what it would say. */
const written = Object.entries(guideCases).filter(([id]) => id !== 'audited-read');

describe.each(written)('%s', (id, { alsoValid = [], invalid }) => {
  test('is written as the guide asks', async () => {
    for (const change of [{}, ...alsoValid]) {
      const { status, text } = await create(id, change);
      expect([change, status, status === 201 ? '' : text]).toEqual([change, 201, '']);
    }
  });

  test('is refused otherwise, at the element', async () => {
    // Another type of target that is nowhere is refused for not being there.
    const told = invalid.filter(([change]) => !JSON.stringify(change).includes('Group/any'));
    for (const [change, issue] of told) {
      const refused = await create(id, change);
      expectRefusal(refused, 422);
      expect([change, errorsOf(refused)]).toEqual([change, expect.arrayContaining([issue])]);
    }
  });

  test('is not another tenant’s business', async () => {
    const ofB = await server.b.request('POST', '/Patient', { resourceType: 'Patient' });
    const told = invalid.filter(([change]) => !JSON.stringify(change).includes('Group/any'));
    for (const [change] of told) {
      const resource = resourceOf(id, change, ofB.json.id);
      const { status, text } = await server.b.request('POST', `/${resource.resourceType}`, resource);
      expect([change, status, status === 201 ? '' : text]).toEqual([change, 201, '']);
    }
  });
});

test('$validate goes by the profile required of AuditEvents', async () => {
  const { alsoValid = [], invalid } = guideCases['audited-read'] ?? { invalid: [] };
  const judge = (change: object) =>
    server.a.request('POST', '/AuditEvent/$validate', resourceOf('audited-read', change));
  for (const change of [{}, ...alsoValid]) expect([change, errorsOf(await judge(change))]).toEqual([change, []]);
  for (const [change, issue] of invalid) {
    expect([change, errorsOf(await judge(change))]).toEqual([change, expect.arrayContaining([issue])]);
  }
});

test('the target of a reference must have the profile that is asked of it', async () => {
  await enforce({});
  const bare = await server.a.request('POST', '/Patient', { resourceType: 'Patient', name: [{ text: 'Ina' }] });
  expect(bare.status).toBe(201);
  const refused = await create('laboratory', { subject: { reference: `Patient/${bare.json.id}` } });
  expectRefusal(refused, 422);
  expect(errorsOf(refused)).toEqual(['structure Observation.subject']);
});
