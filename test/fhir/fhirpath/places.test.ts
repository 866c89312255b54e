// FHIRPath that finds places: the same elements as for search, each with where it stands: https://hl7.org/fhirpath/N1/

import { describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { compilePath } from '../../../src/fhir/fhirpath/compile.ts';
import { UnknownElement } from '../../../src/fhir/fhirpath/compiler.ts';
import { NotSingle } from '../../../src/fhir/fhirpath/functions.ts';
import { type Place, valuesOf } from '../../../src/fhir/fhirpath/place.ts';
import { compilePlaces, Steps, TooManySteps } from '../../../src/fhir/fhirpath/places.ts';
import { UnsupportedSyntax } from '../../../src/fhir/fhirpath/tokens.ts';
import { randomResource } from '../../validation/random-resource.ts';

const definitions = loadDefinitions();

const patient = {
  resourceType: 'Patient',
  active: true,
  birthDate: '1974-12-25',
  _birthDate: { extension: [{ url: 'urn:time', valueDateTime: '1974-12-25T14:35:45-05:00' }] },
  deceasedBoolean: false,
  name: [
    { use: 'official', family: "O'Hara", given: ['Peter', 'James'] },
    { use: 'usual', given: ['Jim', null], _given: [null, { extension: [{ url: 'urn:none', valueCode: 'masked' }] }] },
  ],
  telecom: [
    { system: 'phone', value: '1' },
    { system: 'email', value: 'a@b.example' },
  ],
  contained: [{ resourceType: 'Organization', id: 'o', name: 'Org' }],
};

function find(path: string, resource: object = patient, stepsMax = 100_000): Place[] {
  const { resourceType } = resource as { resourceType: string };
  return compilePlaces(path, resourceType, definitions)?.find(resource, new Steps(stepsMax)) ?? [];
}

function values(path: string, resource?: object): unknown[] {
  return valuesOf(find(path, resource));
}

/** As a JSON Pointer. */
function pointer({ at }: Place): string {
  return at ? `${pointer(at.parent)}/${at.jsonName}${at.index === undefined ? '' : `/${at.index}`}` : '';
}

describe('what a path finds', () => {
  test.each<[string, unknown[]]>([
    ['Patient.name.given', ['Peter', 'James', 'Jim']],
    ['name.given', ['Peter', 'James', 'Jim']],
    ['%resource.name.family', ["O'Hara"]],
    ["Patient.name.where(family = 'O\\'Hara').given.first()", ['Peter']],
    ['Patient.name.given[1]', ['James']],
    ['Patient.name.given[99]', []],
    ['Patient.name.first().given.last()', ['James']],
    ['Patient.name.given.tail()', ['James', 'Jim']],
    ['Patient.name.given.skip(1).take(1)', ['James']],
    ['Patient.name.given.count()', [4]],
    ['Patient.name.given.empty()', [false]],
    ['Patient.photo.empty()', [true]],
    ['Patient.name.exists(family.exists())', [true]],
    ["Patient.name.all(use = 'official')", [false]],
    ['Patient.photo.all(title.exists())', [true]],
    ['Patient.deceased', [false]],
    ['(Patient.deceased as boolean)', [false]],
    ['Patient.deceased.ofType(dateTime)', []],
    ['Patient.deceased is boolean', [true]],
    ["Patient.birthDate.extension('urn:time').value", ['1974-12-25T14:35:45-05:00']],
    ['Patient.birthDate = @1974-12-25', [true]],
    ["Patient.name[1].given[1].extension('urn:none').value", ['masked']],
    ['Patient.contained.name', ['Org']],
    ['Patient.contained.ofType(Organization).id', ['o']],
    ['Patient.contained.ofType(Patient).id', []],
    ["Patient.telecom.where(system in ('phone' | 'fax')).value", ['1']],
    ["Patient.telecom.where(('phone' | 'fax') contains system).value", ['1']],
    ["Patient.telecom.where(system != 'phone').value", ['a@b.example']],
    ["Patient.name.where(family ~ 'o\\'HARA ').use", ['official']],
    ["Patient.name.where(family !~ 'x').use", ['official', 'usual']],
    ['Patient.name.where(family.exists().not()).use', ['usual']],
    ["Patient.name.where(use = 'usual' xor use = 'official').count()", [2]],
    ["Patient.name.where(use = 'old' implies false).count()", [2]],
    ["Patient.name.where($this.use = 'usual').given", ['Jim']],
    ['Patient.name.where(%resource.active).count()', [2]],
    ['Patient.telecom.where({}).value', []],
    ["Patient.name.where(`use` = 'usual').given", ['Jim']],
    ['Observation.status', []],
  ])('%s', (path, expected) => {
    expect(values(path)).toEqual(expected);
  });

  test.each([
    ['Patient', ''],
    ['Patient.birthDate', '/birthDate'],
    ['Patient.deceased', '/deceasedBoolean'],
    ["Patient.name.where(use = 'usual').given.last()", '/name/1/given/1'],
    ["Patient.birthDate.extension('urn:time').value", '/birthDate/extension/0/valueDateTime'],
    ['Patient.contained.name', '/contained/0/name'],
  ])('stands somewhere: %s', (path, expected) => {
    expect(find(path).map(pointer)).toEqual([expected]);
  });

  test('of every type is what a search parameter reads', () => {
    const differing: string[] = [];
    let found = 0;
    for (const type of definitions.resourceTypes) {
      const resources = [1, 2, 3].map((seed) => randomResource(definitions, type, seed * 4711));
      for (const { expression = '' } of definitions.searchParameters(type).values()) {
        const own = expression.split(' | ').filter((part) => part.includes(`${type}.`) && !part.includes('resolve('));
        for (const path of own.filter((part) => compilePlaces(`(${part})`, type, definitions) !== undefined)) {
          const { read } = compilePath(path, type, definitions);
          for (const resource of resources) {
            const places = find(path, resource);
            found += places.length;
            if (JSON.stringify(valuesOf(places)) !== JSON.stringify(read(resource))) differing.push(`${type}: ${path}`);
          }
        }
      }
    }
    expect(differing).toEqual([]);
    expect(found).toBeGreaterThan(1_000);
  });
});

describe('what is refused', () => {
  test.each([
    'Patient.name.where(',
    'Patient.name)',
    'Patient..name',
    'Patient.name[1.5]',
    'Patient.constructor()',
    '%unknown',
    'Patient.name.first(1)',
    "Patient.name.take('1')",
    "/name/0'||(...)",
    `${'('.repeat(400)}name${')'.repeat(400)}`,
    `Patient.${'name.'.repeat(300)}given`,
    '',
  ])('unbalanced, unknown or bottomless: %s (security.md 92)', (path) => {
    expect(() => find(path)).toThrow(UnsupportedSyntax);
  });

  test.each([
    'Patient.birthdate',
    'Patient.name.firstName',
    'Patient.deceasedBoolean',
    'Patient.name.where(nothing = 1)',
    'Patient.name[x]',
  ])('an element the definitions do not know, for a mistake must not pass as nothing found: %s', (path) => {
    expect(() => find(path)).toThrow(UnknownElement);
  });

  test('single() of several', () => {
    expect(() => find('Patient.name.single()')).toThrow(NotSingle);
    expect(values('Patient.name.first().single().use')).toEqual(['official']);
  });

  test.each(["Patient.name.family.matches('(a+)+$')", "Patient.name.family.matches('(')"])(
    'a pattern that would run away, or is none: %s (security.md 92)',
    (path) => {
      const resource = { resourceType: 'Patient', name: [{ family: `${'a'.repeat(60)}b` }] };
      expect(() => find(path, resource)).toThrow(TooManySteps);
    },
  );

  test.each([
    "identifier.where(%resource.identifier.where(%resource.identifier.exists(value = 'x')).exists())",
    'identifier.where(%resource.identifier = %resource.identifier)',
    'identifier.where(%resource.identifier ~ %resource.identifier)',
  ])('criteria that multiply over long lists are stopped by their steps: %s', (path) => {
    const identifier = Array.from({ length: 500 }, (_, index) => ({ value: String(index) }));
    expect(() => find(path, { resourceType: 'Patient', identifier })).toThrow(TooManySteps);
  });
});
