// What the server writes by itself, and what it is seeded with, has the profiles of fhir-profiles.

import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, Extension, Resource } from '@medplum/fhirtypes';
import { demoClinic } from '../../../seeds/demo-clinic.ts';
import { serverCaller } from '../../../src/access/caller.ts';
import { buildChangeAudit } from '../../../src/access/change-audit.ts';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { messageTemplates } from '../../../src/tenants/furnishing/message-templates.ts';
import { checkResource } from '../../../src/validation/profiles/check-resource.ts';
import { ownDefinitions } from '../../../src/validation/profiles/own-definitions.ts';
import { createRegistry } from '../../../src/validation/profiles/registry.ts';
import { Clinic } from '../../clinic/billing/clinic.ts';
import { base, concept, definition, tax } from '../../clinic/billing/prices.ts';
import { buildAppointment, buildPatient, buildPractitioner } from '../../support/builders.ts';

const canonical = 'https://hpms.example/fhir';
const own = ownDefinitions();
const registry = createRegistry(loadDefinitions(), own);

/** The profile of each type; that of a settlement is for one kind of PaymentReconciliation only, and AuditEvents name theirs. */
const profileOfType = new Map(
  own.structures
    .map(({ resource }) => resource)
    .filter(({ type, id }) => type !== 'Extension' && type !== 'AuditEvent' && id !== 'hpms-settlement')
    .map(({ type, url }) => [type as string, url]),
);

function issues(resource: Resource): string[] {
  const profile = profileOfType.get(resource.resourceType);
  const claimed = resource.resourceType === 'AuditEvent' ? (resource.meta?.profile ?? []) : [];
  return checkResource(registry, resource, { profiles: profile === undefined ? claimed : [profile] }).map(
    ({ diagnostics }) => diagnostics,
  );
}

describe('seeds', () => {
  test('the demo clinic', () => {
    const clinic = demoClinic();
    expect(clinic.some(({ resourceType }) => resourceType === 'Schedule')).toBe(true);
    expect(clinic.flatMap(issues)).toEqual([]);
  });

  const folder = path.join(import.meta.dirname, '..', '..', '..', 'seeds', 'bundles');

  test.each(readdirSync(folder))('the records of %s', (name) => {
    const { entry = [] } = JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Bundle;
    const resources = entry.flatMap(({ resource }) => resource ?? []);
    expect(resources.some(({ resourceType }) => resourceType === 'Encounter')).toBe(true);
    // Some of it comes from other systems, with extensions of their own.
    const foreign = 'The definition of this extension is not known here: it is not checked.';
    expect(resources.flatMap(issues).filter((text) => text !== foreign)).toEqual([]);
  });
});

describe('AuditEvents', () => {
  test.each(['create', 'update', 'delete'] as const)('of a %s', (action) => {
    const audit = { id: 'a1', recorded: new Date(), action, version: 'Patient/1/_history/1', patients: ['Patient/1'] };
    const event = buildChangeAudit({ ...audit, caller: serverCaller(1, 'test') });
    expect(event.meta?.profile).toEqual([`${canonical}/StructureDefinition/hpms-audit-patient-${action}`]);
    expect(issues(event)).toEqual([]);
  });
});

describe('message templates', () => {
  const templates = messageTemplates(randomUUID);

  test('of all topics and ways', () => {
    expect(templates.length).toBeGreaterThan(3);
    expect(templates.flatMap(issues)).toEqual([]);
  });

  test.each([
    ['without a body', (part: Extension) => part.url !== 'body'],
    ['without a way', (part: Extension) => part.url !== 'channel'],
  ])('%s would be refused', (_, isKept) => {
    const [template] = templates;
    const [message] = template?.extension ?? [];
    const extension = [{ ...message, extension: message?.extension?.filter(isKept) }];
    expect(issues({ ...template, extension } as Resource)).not.toEqual([]);
  });
});

describe('automatic Invoices', () => {
  let clinic: Clinic;

  beforeAll(async () => {
    clinic = await Clinic.open();
  });

  afterAll(() => clinic.close());

  test.each([
    ['with a price, a discount and tax', [base(80), { type: 'discount' as const, factor: 0.15 }, tax(0.19)]],
    ['without a price', undefined],
  ])('%s', async (name, components) => {
    const patient = `Patient/${await clinic.create(buildPatient())}`;
    const practitioner = `Practitioner/${await clinic.create(buildPractitioner())}`;
    const visitType = name.replaceAll(' ', '-').replaceAll(',', '');
    if (components) await clinic.create(definition(components, { code: concept(visitType) }));
    await clinic.bill(buildAppointment(patient, practitioner, { appointmentType: concept(visitType) }));
    for (const type of ['Appointment', 'Invoice', 'ChargeItem', 'ChargeItemDefinition', 'Task'] as const) {
      const resources = await clinic.all<Resource>(type);
      expect([type, resources.flatMap(issues)]).toEqual([type, []]);
    }
    expect(await clinic.all('Invoice')).not.toEqual([]);
  });
});
