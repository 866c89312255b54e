// Small StructureDefinitions for tests: what a test does not name is there only because the definitions demand it.

import type { ElementDefinition, StructureDefinition } from '@medplum/fhirtypes';
import type { Structure } from '../../../src/fhir/profiles/generate-profile.ts';

export const base = 'http://hl7.org/fhir/StructureDefinition/';

export function structure(
  url: string,
  type: string,
  elements: readonly Partial<ElementDefinition>[],
  overrides: Partial<StructureDefinition> = {},
): Structure {
  const element = elements.map((one) => ({ path: type, ...one })) as ElementDefinition[];
  return {
    resource: {
      resourceType: 'StructureDefinition',
      url,
      name: 'Test',
      status: 'active',
      fhirVersion: '4.0.1',
      kind: 'resource',
      abstract: false,
      type: type as NonNullable<StructureDefinition['type']>,
      baseDefinition: base + type,
      derivation: 'constraint',
      differential: { element: element as [ElementDefinition, ...ElementDefinition[]] },
      ...overrides,
    },
  };
}

/** A simple extension whose value is of one type. */
export function extension(url: string, type: string, overrides: Partial<StructureDefinition> = {}): Structure {
  const elements = [
    { path: 'Extension.extension', max: '0' },
    { path: 'Extension.url', fixedUri: url },
    { path: 'Extension.value[x]', min: 1, type: [{ code: type }] },
  ];
  return structure(url, 'Extension', elements as Partial<ElementDefinition>[], {
    kind: 'complex-type',
    context: [{ type: 'element', expression: 'Patient' }],
    ...overrides,
  });
}
