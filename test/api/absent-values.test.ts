// A primitive may have an extension instead of a value, a required one too (https://hl7.org/fhir/R4/json.html#primitive): whatever reads
// it then, a rule of the clinic or a column, the answer is a resource or says what is missing.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import {
  buildAppointment,
  buildObservation,
  buildPatient,
  buildPractitioner,
  buildPrice,
  buildSchedule,
  buildSlot,
} from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Json, randomResource } from '../validation/random-resource.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const unknown = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
};

/** Copies of the resource, in each of which one value is absent, wherever it stands. */
function withoutValues(resource: Json): Json[] {
  const copies: Json[] = [];
  const visit = (path: readonly string[], node: unknown) => {
    for (const [name, value] of Object.entries(node as Json)) {
      if (typeof value === 'object' && value !== null) visit([...path, name], value);
      else if (!isAttribute(path, name) && !name.startsWith('_') && !Array.isArray(node))
        copies.push(without([...path, name]));
    }
  };
  const without = (path: readonly string[]): Json => {
    const copy = structuredClone(resource);
    const name = path.at(-1) as string;
    const node = path.slice(0, -1).reduce<Json>((one, step) => one[step] as Json, copy);
    delete node[name];
    node[`_${name}`] = unknown;
    return copy;
  };
  visit([], resource);
  return copies;
}

/** Of these only the value itself can be left out: they are attributes in XML, or tell what the rest is. */
function isAttribute(path: readonly string[], name: string): boolean {
  return name === 'resourceType' || name === 'id' || (name === 'url' && path.some((one) => /xtension$/.test(one)));
}

async function failuresOf(resources: readonly Json[]): Promise<unknown[]> {
  const failed: unknown[] = [];
  for (let start = 0; start < resources.length; start += 100) {
    const some = resources.slice(start, start + 100);
    const entry = some.map((resource) => ({ resource, request: { method: 'POST', url: resource.resourceType } }));
    const { json } = await server.a.request('POST', '', { resourceType: 'Bundle', type: 'batch', entry });
    for (const [index, one] of (json.entry as { response: { status: string } }[]).entries())
      if (one.response.status >= '500') failed.push([one.response.status, JSON.stringify(some[index])]);
  }
  return failed;
}

test.each([1, 2])('in a resource of any type, seed %d: no answer is a failure of the server', async (seed) => {
  const definitions = loadDefinitions();
  const resources = [...definitions.resourceTypes].flatMap((type) =>
    withoutValues(randomResource(definitions, type, seed)),
  );
  expect(resources.length).toBeGreaterThan(1_500);
  expect(await failuresOf(resources)).toEqual([]);
});

test("in what the clinic's rules read: neither", async () => {
  const { a } = server;
  const create = async (resource: Resource) =>
    `${resource.resourceType}/${(await a.request('POST', `/${resource.resourceType}`, resource)).json.id}`;
  const patient = await create(buildPatient());
  const practitioner = await create(buildPractitioner());
  const schedule = await create(buildSchedule(practitioner));
  const money = { value: 10, currency: 'USD' };
  const invoice = {
    ...{ resourceType: 'Invoice', status: 'draft', subject: { reference: patient } },
    lineItem: [
      {
        chargeItemCodeableConcept: { text: 'x' },
        priceComponent: [{ type: 'base', code: { text: 'x' }, factor: 1, amount: money }],
      },
    ],
  };
  const good = [
    buildAppointment(patient, practitioner),
    buildSlot(schedule),
    buildSchedule(practitioner),
    buildPrice(80),
    buildObservation(patient),
    invoice,
    { ...invoice, status: 'issued' },
    {
      ...{ resourceType: 'Encounter', status: 'arrived', class: { code: 'AMB' }, subject: { reference: patient } },
      ...{ period: { start: '2026-11-23T09:00:00Z' }, participant: [{ individual: { reference: practitioner } }] },
    },
    { resourceType: 'Account', status: 'active', subject: [{ reference: patient }] },
    {
      resourceType: 'Consent',
      status: 'active',
      scope: { text: 'x' },
      policyRule: { text: 'x' },
      provision: { type: 'deny' },
      category: [{ text: 'x' }],
      patient: { reference: patient },
    },
    {
      resourceType: 'Subscription',
      status: 'requested',
      reason: 'x',
      criteria: 'Patient?',
      channel: { type: 'rest-hook', endpoint: 'https://example.test/hook' },
    },
  ] as unknown as Json[];
  for (const one of good) {
    const { status, text } = await a.request('POST', `/${one.resourceType}`, one);
    expect([status, text]).toEqual([201, expect.stringContaining(`"${one.resourceType}"`)]);
  }
  expect(await failuresOf(good.flatMap(withoutValues))).toEqual([]);
});
