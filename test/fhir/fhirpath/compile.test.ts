// Compiled search-parameter expressions read what @medplum/core's evaluator reads: https://hl7.org/fhirpath/N1/

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { evalFhirPathTyped, indexStructureDefinitionBundle, parseFhirPath, toTypedValue } from '@medplum/core';
import type { Bundle, Resource } from '@medplum/fhirtypes';
import { sourceDirectory } from '../../../src/fhir/definitions/snapshot.ts';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { compilePath } from '../../../src/fhir/fhirpath/compile.ts';
import { randomResource } from '../../validation/random-resource.ts';

const definitions = loadDefinitions();
const types = [...definitions.resourceTypes];
const syntheaFolder = process.env.SYNTHEA_DIR ?? path.join(import.meta.dirname, '../../../../shared/data/synthea');

function read(source: string, resource: object, type = 'Patient'): unknown[] {
  return compilePath(source, type, definitions).read(resource);
}

/** Expressions of a type's search parameters with both ways to evaluate them. */
const pathsOf = (() => {
  const known = new Map<
    string,
    { source: string; compiled: (resource: object) => unknown[]; interpreted: (r: Resource) => unknown[] }[]
  >();
  return (type: string) => {
    const paths =
      known.get(type) ??
      [...definitions.searchParameters(type).values()].flatMap(({ expression }) => {
        if (!expression) return [];
        const reference = parseFhirPath(inItsDialect(expression, type));
        const interpreted = (resource: Resource) =>
          evalFhirPathTyped(reference, [toTypedValue(resource)]).map(({ value }) => value as unknown);
        return [{ source: expression, compiled: compilePath(expression, type, definitions).read, interpreted }];
      });
    known.set(type, paths);
    return paths;
  };
})();

/** Its `.as()` filters nothing, where the operator does, and it does not know that a Patient is a Resource. */
function inItsDialect(expression: string, type: string): string {
  return expression.replace(/([\w.]+)\.as\((\w+)\)/g, '($1 as $2)').replace(/\b(Domain)?Resource\./g, `${type}.`);
}

/** Duplicates of a union aside, and in any order. */
function asSet(values: readonly unknown[]): string[] {
  return [...new Set(values.map((value) => JSON.stringify(value)))].sort();
}

function compare(resources: Iterable<Resource>): { compared: number; found: number; differing: Set<string> } {
  let compared = 0;
  let found = 0;
  const differing = new Set<string>();
  for (const resource of resources) {
    for (const { source, compiled, interpreted } of pathsOf(resource.resourceType)) {
      const values = asSet(compiled(resource));
      compared++;
      if (values.length > 0) found++;
      if (JSON.stringify(values) !== JSON.stringify(asSet(interpreted(resource)))) differing.add(source);
    }
  }
  return { compared, found, differing };
}

/**
 * Its evaluator merges `_name` into `name`, drops empty objects, takes only `Type/id` for a reference and not its `type`,
 * and no Quantity without value for one: all left out here.
 */
function withoutOddities(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutOddities).filter((item) => item !== null && !isEmpty(item));
  if (typeof node !== 'object' || node === null) return node;
  const hasLiteral = 'reference' in node && typeof node.reference === 'string';
  const entries = Object.entries(node)
    .filter(([key, value]) => !key.startsWith('_') && !(key === 'type' && (hasLiteral || isTypeName(value))))
    .map(([key, value]) => [key, withoutOddities(value)] as const)
    .filter(([, value]) => !isEmpty(value));
  const hasQuantity = entries.some(([key]) => key === 'valueQuantity');
  return {
    ...Object.fromEntries(entries),
    ...(hasLiteral && { reference: 'Patient/1' }),
    ...(hasQuantity && { valueQuantity: { value: 1 } }),
  };
}

function isTypeName(value: unknown): boolean {
  return typeof value === 'string' && definitions.resourceTypes.has(value);
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

describe('against @medplum/core', () => {
  beforeAll(() => {
    for (const name of ['profiles-types.json', 'profiles-resources.json']) {
      indexStructureDefinitionBundle(JSON.parse(readFileSync(path.join(sourceDirectory, name), 'utf8')) as Bundle);
    }
  });

  test('every R4 search parameter is compiled without the full evaluator', () => {
    const interpreted = types.flatMap((type) =>
      [...definitions.searchParameters(type).values()]
        .filter(({ expression }) => expression && !compilePath(expression, type, definitions).isNative)
        .map(({ code }) => `${type}.${code}`),
    );
    expect(interpreted).toEqual([]);
  });

  test('all parameters read the same from generated resources of every type', () => {
    const resources = types.flatMap((type) =>
      [1, 2, 3, 4].map((seed) => withoutOddities(randomResource(definitions, type, seed * 7919)) as Resource),
    );
    const { found, differing } = compare(resources);
    expect([...differing]).toEqual([]);
    expect(found).toBeGreaterThan(2000);
  });

  const isThere = existsSync(syntheaFolder);
  if (!isThere) console.log(`SKIPPED: no Synthea bundles in ${syntheaFolder}`);
  (isThere ? test : test.skip)('all parameters read the same from the Synthea bundles', () => {
    const { compared, differing } = compare(syntheaResources());
    expect([...differing]).toEqual([]);
    expect(compared).toBeGreaterThan(50_000);
  });
});

/** With `urn:uuid` references resolved, as a transaction does. */
function* syntheaResources(): Generator<Resource> {
  for (const name of readdirSync(syntheaFolder).filter((file) => file.endsWith('.json'))) {
    const text = readFileSync(path.join(syntheaFolder, name), 'utf8');
    const entries = (JSON.parse(text) as Bundle).entry ?? [];
    const ids = new Map(
      entries.map(({ fullUrl, resource }) => [fullUrl, `${resource?.resourceType}/${fullUrl?.slice(9)}`]),
    );
    const resolved = JSON.parse(text.replace(/urn:uuid:[0-9a-f-]{36}/g, (urn) => ids.get(urn) ?? urn)) as Bundle;
    for (const { resource } of resolved.entry ?? []) if (resource) yield resource;
  }
}

describe('the compiled language', () => {
  const telecom = [
    { system: 'phone', value: '1' },
    { system: 'email', value: 'a@b' },
  ];

  test('a choice element is read by the type it has, and cast to one', () => {
    const observation = { resourceType: 'Observation', valueQuantity: { value: 1 } };
    expect(read('Observation.value', observation, 'Observation')).toEqual([{ value: 1 }]);
    for (const cast of [
      '(Observation.value as Quantity)',
      'Observation.value.as(Quantity)',
      'Observation.value.ofType(Quantity)',
    ]) {
      expect(read(cast, observation, 'Observation')).toEqual([{ value: 1 }]);
    }
    expect(read('(Observation.value as string)', observation, 'Observation')).toEqual([]);
  });

  test('an element is not taken for another one whose name goes on like a type', () => {
    const coverage = { resourceType: 'Coverage', subscriberId: '7' };
    expect(read('Coverage.subscriber', coverage, 'Coverage')).toEqual([]);
  });

  test.each([
    ["Patient.telecom.where(system = 'phone').value", ['1']],
    ["Patient.telecom.where(system = 'phone' or system = 'email').value", ['1', 'a@b']],
    ["Patient.telecom.exists(system = 'fax')", [false]],
    ['Patient.telecom[1].value', ['a@b']],
    ['Patient.telecom[2].value', []],
    ["Patient.extension('urn:e').value", [true]],
    ["Patient.extension.where(url = 'urn:e').valueBoolean", [true]],
    ['Patient.deceased.exists() and Patient.deceased != false', [true]],
    [
      'Patient.generalPractitioner.where(resolve() is Practitioner).reference',
      ['https://o.example/Practitioner/1/_history/2'],
    ],
    ['Patient.name.given | Patient.name.family', ['Eva', 'Muster']],
    ['Patient.name.given.first()', ['Eva']],
    ["Patient.telecom.where(%resource.gender = 'female')[0].value", ['1']],
    ['Patient.telecom.skip(1).take(1).value', ['a@b']],
    ["Patient.telecom.where(system in ('fax' | 'email')).value", ['a@b']],
    ['Patient.telecom.where(value.exists().not()).count()', [0]],
    ['Organization.name | Patient.gender', ['female']],
    ['`Patient`.`gender`', ['female']],
  ])('%s', (source, values) => {
    const patient = {
      resourceType: 'Patient',
      gender: 'female',
      name: [{ family: 'Muster', given: ['Eva', null] }],
      telecom,
      deceasedDateTime: '2026',
      extension: [{ url: 'urn:e', valueBoolean: true }],
      generalPractitioner: [
        { reference: 'https://o.example/Practitioner/1/_history/2' },
        { reference: 'urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d', type: 'Organization' },
      ],
    };
    expect(read(source, patient)).toEqual(values);
  });

  test.each(["Patient.name.given.trace('x')", 'Patient.name.count() > 1', 'iif(Patient.active, 1, 2)'])(
    'what bare values do not tell is asked of places: %s',
    (source) => {
      const compiled = compilePath(source, 'Patient', definitions);
      expect(compiled.isNative).toBe(false);
      expect(compiled.read({ resourceType: 'Patient', active: true, name: [{ given: ['Eva'] }] })).toHaveLength(1);
    },
  );

  test.each(['Patient.', 'Patient.name.(', '#'])('no FHIRPath at all is refused: %s', (source) => {
    expect(() => compilePath(source, 'Patient', definitions)).toThrow();
  });
});

describe('what an expression reaches', () => {
  test.each([
    ['Patient.identifier', 'Patient', [{ type: 'Identifier', repeats: true }]],
    ['Patient.birthDate | Person.birthDate', 'Patient', [{ type: 'date', repeats: false }]],
    ['(Patient.deceased as dateTime)', 'Patient', [{ type: 'dateTime', repeats: false }]],
    ['Bundle.entry[0].resource', 'Bundle', [{ type: 'Resource', repeats: false }]],
    ['Patient.deceased.exists()', 'Patient', [{ type: 'boolean', repeats: false }]],
  ])('%s', (source, type, elements) => {
    expect(compilePath(source, type, definitions).elements).toEqual(elements);
  });

  test('the binding of a code is told', () => {
    const [gender] = compilePath('Patient.gender', 'Patient', definitions).elements ?? [];
    expect(gender?.binding?.valueSet).toBe('http://hl7.org/fhir/ValueSet/administrative-gender');
  });
});
