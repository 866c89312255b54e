// Code systems, value sets and concept maps of the tests of terminology, and how its operations are called.

import type { CodeSystem, ConceptMap, Parameters, ParametersParameter, ValueSet } from '@medplum/fhirtypes';
import type { TestResponse, TestTenant } from '../support/server.ts';

export const animals = 'urn:animals';

/** Several parents: a guide dog is a dog and a helper. */
export const animalSystem: CodeSystem = {
  resourceType: 'CodeSystem',
  id: 'animals',
  url: animals,
  version: '1',
  name: 'Animals',
  title: 'Animals of the tests',
  status: 'active',
  content: 'complete',
  hierarchyMeaning: 'is-a',
  caseSensitive: true,
  valueSet: 'urn:animals:all',
  property: [
    { code: 'legs', type: 'integer', description: 'How many legs it has' },
    { code: 'home', type: 'code' },
    { code: 'subsumedBy', type: 'code' },
    { code: 'status', type: 'code' },
  ],
  concept: [
    {
      code: 'animal',
      display: 'Animal',
      property: [{ code: 'notSelectable', valueBoolean: true }],
      concept: [
        {
          code: 'dog',
          display: 'Dog',
          definition: 'A domestic dog',
          designation: [
            { language: 'de', value: 'Hund' },
            { language: 'fr-CA', use: { system: 'urn:use', code: 'short' }, value: 'Chien' },
          ],
          property: [
            { code: 'legs', valueInteger: 4 },
            { code: 'home', valueCode: 'house' },
          ],
          concept: [
            { code: 'poodle', display: 'Standard poodle' },
            { code: 'guide', display: 'Guide dog', property: [{ code: 'subsumedBy', valueCode: 'helper' }] },
          ],
        },
        { code: 'cat', display: 'Cat', property: [{ code: 'home', valueCode: 'house' }] },
        { code: 'auk', display: 'Great auk', property: [{ code: 'status', valueCode: 'retired' }] },
      ],
    },
    { code: 'helper', display: 'Helper of people' },
  ],
};

export const valueSet = (id: string, compose: ValueSet['compose'], rest: Partial<ValueSet> = {}): ValueSet => ({
  resourceType: 'ValueSet',
  id,
  url: `urn:vs:${id}`,
  status: 'active',
  ...(compose && { compose }),
  ...rest,
});

export const animalMap: ConceptMap = {
  resourceType: 'ConceptMap',
  id: 'animal-map',
  url: 'urn:map:animals',
  version: '1',
  status: 'active',
  sourceUri: 'urn:vs:dogs',
  targetUri: 'urn:vs:beings',
  group: [
    {
      source: animals,
      target: 'urn:beings',
      element: [
        { code: 'dog', target: [{ code: 'canine', display: 'Canine', equivalence: 'equivalent' }] },
        { code: 'poodle', target: [{ code: 'canine', equivalence: 'wider' }] },
        { code: 'auk', target: [{ equivalence: 'unmatched', comment: 'extinct' }] },
        {
          code: 'guide',
          target: [
            {
              code: 'canine',
              equivalence: 'wider',
              product: [{ property: 'urn:role', system: 'urn:r', value: 'aid' }],
            },
          ],
        },
      ],
      unmapped: { mode: 'fixed', code: 'other' },
    },
  ],
};

export async function put<T extends { resourceType: string; id?: string }>(
  tenant: TestTenant,
  resource: T,
): Promise<TestResponse> {
  const answer = await tenant.request('PUT', `/${resource.resourceType}/${resource.id}`, resource);
  if (answer.status > 201) throw new Error(`${resource.resourceType}/${resource.id}: ${answer.text}`);
  return answer;
}

export async function call(tenant: TestTenant, path: string, parameter: ParametersParameter[]): Promise<TestResponse> {
  return await tenant.request('POST', path, {
    resourceType: 'Parameters',
    ...(parameter.length > 0 && { parameter }),
  } satisfies Parameters);
}

/** The values of the parameters of this name. */
export function valuesOf(json: Parameters, name: string): unknown[] {
  return (json.parameter ?? []).filter((one) => one.name === name).map(valueOfParameter);
}

/** Parts as an object by name. */
export function partsOf(json: Parameters, name: string): Record<string, unknown>[] {
  return (json.parameter ?? [])
    .filter((one) => one.name === name)
    .map(({ part = [] }) => Object.fromEntries(part.map((one) => [one.name, valueOfParameter(one)])));
}

function valueOfParameter(parameter: ParametersParameter): unknown {
  return Object.entries(parameter).find(([key]) => key.startsWith('value'))?.[1];
}
