// This project's own search parameters: every tenant has them, and what R4's store is the same: https://hl7.org/fhir/R4/searchparameter.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { publishedSearchParameters } from '../../src/fhir/definitions/published-search-parameters.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { createExtractor } from '../../src/search/extract.ts';
import { houseDefinitions } from '../../src/search/own/house-definitions.ts';
import { indexedParameters } from '../../src/search/search-parameters.ts';
import { ownDefinitions } from '../../src/validation/profiles/own-definitions.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { examples } from '../validation/profiles/own-examples.ts';
import { make, searchParameter } from './custom-parameters.ts';
import { ownExtensions } from './own-extensions.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const concept = (code: string) => ({ coding: [{ system: 'urn:c', code }] });
const to = (reference: string) => ({ reference });
const patient = to('Patient/1');
const withOwn = <T extends { resourceType: string }>(resource: T) => ({
  ...resource,
  extension: ownExtensions(resource.resourceType, 0),
});

const claim = withOwn({
  ...{ resourceType: 'Claim', status: 'active', use: 'claim', type: concept('x'), patient, created: '2026-11-20' },
  ...{ provider: to('Practitioner/1'), priority: concept('normal') },
  insurance: [{ sequence: 1, focal: true, coverage: to('Coverage/r0') }],
  billablePeriod: { start: '2026-03-01', end: '2026-03-02' },
});
const payment = withOwn({
  ...{ resourceType: 'PaymentReconciliation', status: 'active', created: '2026-11-20', paymentDate: '2026-11-20' },
  paymentAmount: { value: 1, currency: 'USD' },
  detail: [{ type: concept('payment'), request: to('Invoice/r0') }],
});
const invoice = withOwn({
  ...{ resourceType: 'Invoice', status: 'cancelled', lineItem: [{ chargeItemReference: to('ChargeItem/r0') }] },
});
const ledger = withOwn({ resourceType: 'Basic', code: concept('ledger') });
const price = withOwn({
  ...{ resourceType: 'ChargeItemDefinition', url: 'urn:price', status: 'active', code: concept('visit') },
});
const charge = { resourceType: 'ChargeItem', status: 'billable', code: concept('x'), subject: patient };
const encounter = withOwn({ resourceType: 'Encounter', status: 'arrived', class: { code: 'AMB' } });
const numbers = {
  ...{ resourceType: 'NamingSystem', name: 'x', status: 'active', kind: 'identifier', date: '2026-11-20' },
  uniqueId: [{ type: 'uri', value: 'urn:numbers:invoice' }],
};

/** Of each: a resource that has it, a value that finds it, and one that does not. */
const cases: Readonly<Record<string, readonly [resource: { resourceType: string }, found: string, other: string]>> = {
  'Basic-ledger-account': [ledger, 'ledger-account=Account/r0', 'ledger-account=Account/r1'],
  'Basic-ledger-source': [ledger, 'ledger-source=Invoice/r0', 'ledger-source=Invoice/r1'],
  'Basic-ledger-type': [ledger, 'ledger-type=payment', 'ledger-type=refund'],
  'ChargeItem-status': [charge, 'status=billable', 'status=billed'],
  'ChargeItemDefinition-code': [price, 'code=urn:c|visit', 'code=urn:c|visi'],
  'ChargeItemDefinition-practitioner': [price, 'practitioner=Practitioner/r0', 'practitioner=Practitioner/r1'],
  'Claim-coverage': [claim, 'coverage=Coverage/r0', 'coverage=Coverage/r1'],
  'Claim-lifecycle': [claim, 'lifecycle=submitted', 'lifecycle=paid'],
  'Claim-service-date': [claim, 'service-date=ge2026-03-01&service-date=lt2026-04', 'service-date=gt2026-04'],
  'Encounter-queue-position': [encounter, 'queue-position=gt6', 'queue-position=lt7'],
  'Invoice-corrects': [invoice, 'corrects=Invoice/r0', 'corrects=Invoice/r1'],
  'Invoice-line-item': [invoice, 'line-item=ChargeItem/r0', 'line-item=ChargeItem/r1'],
  'Invoice-payment-state': [invoice, 'payment-state=partial', 'payment-state=paid'],
  'NamingSystem-url': [numbers, 'url=urn:numbers:invoice', 'url=urn:numbers'],
  'PaymentReconciliation-allocation': [payment, 'allocation=Invoice/r0', 'allocation=Invoice/r1'],
  'PaymentReconciliation-method': [payment, 'method=CASH', 'method=CARD'],
  'PaymentReconciliation-patient': [payment, 'patient=Patient/r0', 'patient=Patient/r1'],
  'PaymentReconciliation-payment-type': [payment, 'payment-type=payment', 'payment-type=refund'],
  'PaymentReconciliation-refunds': [payment, 'refunds=PaymentReconciliation/r0', 'refunds=PaymentReconciliation/r1'],
};

/** Of what no client writes: audit-shapes.test.ts. */
const triedElsewhere = ['AuditEvent-purpose'];

const strict = { Prefer: 'handling=strict' };

async function idsOf(tenant: TestTenant, path: string): Promise<string[]> {
  const { status, json, text } = await tenant.request('GET', path, undefined, strict);
  expect([path, status, status === 200 ? '' : text]).toEqual([path, 200, '']);
  return (json.entry ?? []).map(({ resource }: { resource: Resource }) => resource.id);
}

describe('each search parameter of fhir-profiles', () => {
  const made = new Map<object, string>();
  beforeAll(async () => {
    for (const [resource] of Object.values(cases)) {
      if (!made.has(resource)) made.set(resource, await make(server.a, resource));
    }
  });

  test('is tried here', () => {
    expect([...Object.keys(cases), ...triedElsewhere].sort()).toEqual(
      ownDefinitions()
        .searchParameters.map(({ id }) => id)
        .sort(),
    );
  });

  test.each(Object.entries(cases))(
    '%s finds what has the value, in its tenant only',
    async (id, [resource, found, other]) => {
      const [type] = id.split('-');
      expect(await idsOf(server.a, `/${type}?${found}`)).toEqual([made.get(resource)]);
      expect(await idsOf(server.a, `/${type}?${other}`)).toEqual([]);
      expect(await idsOf(server.b, `/${type}?${found}`)).toEqual([]);
    },
  );

  test('can be read and searched for, and stands in the capability statement', async () => {
    const { json: statement } = await server.b.request('GET', '/metadata');
    const declared = statement.rest[0].resource.flatMap(
      ({ searchParam = [] }: { searchParam?: { definition: string }[] }) =>
        searchParam.map(({ definition }) => definition),
    );
    for (const { id, url } of ownDefinitions().searchParameters) {
      const { status, json } = await server.b.request('GET', `/SearchParameter/${id}`);
      expect([status, json.url]).toEqual([200, url]);
      expect(await idsOf(server.b, `/SearchParameter?url=${url}`)).toEqual([id]);
      expect(declared).toContain(url);
      expect(publishedSearchParameters().has(id ?? '')).toBe(false);
    }
  });

  test('keeps its code from a tenant’s own', async () => {
    const facts = { code: 'payment-state', type: 'token', base: ['Invoice'], expression: 'Invoice.status' };
    expectRefusal(await server.a.request('POST', '/SearchParameter', searchParameter(facts)), 422);
  });
});

describe('what R4 stores', () => {
  const [r4, house] = [loadDefinitions(), houseDefinitions()];

  test('of each example of the project’s profiles is the same beside them', () => {
    const [before, after] = [createExtractor(r4), createExtractor(house)];
    const resources = [
      ...Object.values(examples).map(({ valid }) => valid),
      ...Object.values(cases).map(([one]) => one),
    ];
    for (const resource of resources as Resource[]) {
      const [plain, all] = [before(resource), after(resource)].map((entries) =>
        entries.map((one) => JSON.stringify(one)),
      );
      expect(all?.filter((text) => plain?.includes(text))).toEqual(plain);
    }
  });

  test('of other types is not even compiled anew', () => {
    const types = new Set(ownDefinitions().searchParameters.flatMap(({ base }) => base as string[]));
    for (const type of r4.resourceTypes) {
      const isSame = indexedParameters(house, type) === indexedParameters(r4, type);
      expect([type, isSame]).toEqual([type, !types.has(type)]);
    }
  });
});
