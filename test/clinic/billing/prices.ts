// Price lists for the tests of billing, in the words of contract.md 22.

import type {
  ChargeItemDefinition,
  ChargeItemDefinitionPropertyGroupPriceComponent,
  CodeableConcept,
} from '@medplum/fhirtypes';
import type { Currency } from '../../../src/fhir/money.ts';
import { buildPrice } from '../../support/builders.ts';

export const x = 'https://hpms.example/fhir/StructureDefinition';

export type DefinitionComponent = ChargeItemDefinitionPropertyGroupPriceComponent;

export function base(value: number, currency: Currency = 'USD'): DefinitionComponent {
  return { type: 'base', amount: { value, currency } };
}

export function tax(factor: number, text = 'VAT'): DefinitionComponent {
  return { type: 'tax', code: { text }, factor };
}

/** A definition with these components; as a price it is that of `buildAppointment`'s visit type. */
export function definition(
  priceComponent: DefinitionComponent[],
  overrides: Partial<ChargeItemDefinition> = {},
): ChargeItemDefinition {
  return buildPrice(0, { propertyGroup: [{ priceComponent }], ...overrides });
}

export function concept(code: string, system = 'https://hpms.example/fhir/CodeSystem/visit-type'): CodeableConcept {
  return { coding: [{ system, code }] };
}

export function forPractitioner(id: string) {
  return { url: `${x}/practitioner`, valueReference: { reference: `Practitioner/${id}` } };
}

export function forDepartment(id: string) {
  return { url: `${x}/department`, valueReference: { reference: `Organization/${id}` } };
}

export function taxCategory(code: string) {
  return { url: `${x}/tax-category`, valueCode: code };
}

export const taxInclusive = { url: `${x}/tax-inclusive`, valueBoolean: true };
