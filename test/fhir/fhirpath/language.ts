// Evaluates expressions on a Patient for the tables of the language: https://hl7.org/fhirpath/N1/

import { expect, test } from '@jest/globals';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { type BoundedRun, compileBounded } from '../../../src/fhir/fhirpath/compile-bounded.ts';
import { rootPlace } from '../../../src/fhir/fhirpath/place.ts';
import type { Hooks } from '../../../src/fhir/fhirpath/place-functions.ts';
import { DecimalNumber } from '../../../src/fhir/fhirpath/system/decimal-number.ts';
import { SystemQuantity } from '../../../src/fhir/fhirpath/system/quantity.ts';
import { Temporal } from '../../../src/fhir/fhirpath/system/temporal.ts';

export const definitions = loadDefinitions();

export const patient = {
  resourceType: 'Patient',
  id: 'p1',
  active: true,
  gender: 'male',
  birthDate: '1974-12-25',
  _birthDate: { extension: [{ url: 'urn:time', valueDateTime: '1974-12-25T14:35:45-05:00' }] },
  deceasedBoolean: false,
  multipleBirthInteger: 2,
  name: [
    { use: 'official', family: 'Chalmers', given: ['Peter', 'James'], period: { start: '2001', end: '2002-05' } },
    { use: 'usual', given: ['Jim'] },
    { use: 'maiden', family: 'Windsor', given: ['Peter', 'James'], _given: [{ id: 'g' }, null] },
  ],
  telecom: [
    { system: 'phone', value: '(03) 5555 6473', rank: 1 },
    { system: 'email', value: 'p@example.org', rank: 2 },
    { system: 'phone', _value: { extension: [{ url: 'urn:why', valueCode: 'masked' }] } },
  ],
  contained: [{ resourceType: 'Organization', id: 'org', name: 'Org' }],
  managingOrganization: { reference: '#org' },
  generalPractitioner: [{ reference: 'Practitioner/7' }, { display: 'nobody known' }],
};

/** Values of the language as they are written in it, so that tables read well: `1.50`, `@2012T`, `4 'mg'`. */
export function evaluate(source: string, resource: object = patient, options: BoundedRun & { hooks?: Hooks } = {}) {
  const { hooks, ...run } = options;
  const type = (resource as { resourceType: string }).resourceType;
  const path = compileBounded(source, { type, definitions, ...(hooks && { hooks }) });
  const root = rootPlace(resource, type);
  const found = path.find(root, { ...run, roots: { resource: root, rootResource: root } });
  return found.map(({ value }) => written(value)).filter((value) => value !== undefined);
}

function written(value: unknown): unknown {
  if (value instanceof DecimalNumber || value instanceof SystemQuantity) return `${value}`;
  return value instanceof Temporal ? `@${value.kind === 'time' ? 'T' : ''}${value.text}` : value;
}

/** An expression, and the values it gives for the patient. */
export type Row = readonly [source: string, ...values: unknown[]];

export function holds(rows: readonly Row[]): void {
  test.each(rows.map(([source, ...values]) => [source, values] as const))('%s', (source, values) => {
    expect(evaluate(source)).toEqual(values);
  });
}
