// A tenant's own search parameters beside those of R4, which store the same with and without them: https://hl7.org/fhir/R4/searchparameter.html

import { describe, expect, test } from '@jest/globals';
import type { Patient, SearchParameter as Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { withSearchParameters } from '../../src/fhir/definitions/overlay.ts';
import type { SearchParameter } from '../../src/fhir/definitions/snapshot.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { createExtractor } from '../../src/search/extract.ts';
import { readDefinition } from '../../src/search/own/read-definition.ts';
import { ownParametersMax, ownParametersOfTypeMax, requireDistinct } from '../../src/search/own/require-distinct.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { indexedParameters } from '../../src/search/search-parameters.ts';
import { searchParameter } from '../api/custom-parameters.ts';
import { buildPatient } from '../support/builders.ts';

const base = loadDefinitions();

function own(code: string, expression: string, facts: Partial<SearchParameter> = {}): SearchParameter {
  return { url: `http://example.org/${code}`, code, base: ['Patient'], type: 'string', expression, ...facts };
}

const textsOf = (entries: ReturnType<ReturnType<typeof createExtractor>>) =>
  entries.map((entry) => JSON.stringify(entry)).sort();

describe('what R4 stores of a resource', () => {
  const patient: Patient = {
    ...buildPatient(),
    name: [{ family: 'Muster', given: ['Eva'], prefix: ['Frau'] }],
    telecom: [{ system: 'phone', value: '0123' }],
    address: [{ city: 'Bern', district: 'Mitte' }],
  };

  test.each([
    ['a part of a name', own('prefix', 'Patient.name.prefix')],
    ['a whole that R4 has too', own('whole-name', 'Patient.name')],
    ['all contact points of a system', own('landline', "Patient.telecom.where(system = 'phone')", { type: 'token' })],
    ['alternatives', own('both', 'Patient.gender | Patient.language', { type: 'token' })],
  ])('is the same beside %s', (_, parameter) => {
    const before = textsOf(createExtractor(base)(patient));
    const after = textsOf(createExtractor(withSearchParameters(base, { parameters: [parameter] }))(patient));
    expect(after.filter((text) => before.includes(text))).toEqual(before);
    expect(after.filter((text) => !before.includes(text))).not.toEqual([]);
  });

  test('is that of the same objects for a tenant without any, and of the same maps for other types', () => {
    expect(withSearchParameters(base, { parameters: [] })).toBe(base);
    const overlay = withSearchParameters(base, { parameters: [own('prefix', 'Patient.name.prefix')] });
    expect(indexedParameters(overlay, 'Observation')).toBe(indexedParameters(base, 'Observation'));
    expect([...indexedParameters(overlay, 'Patient').keys()]).toEqual([
      ...indexedParameters(base, 'Patient').keys(),
      'prefix',
    ]);
  });
});

test('tokens of another meaning never match: the key tells expression, type, targets and components', () => {
  const keyOf = (parameter: SearchParameter) =>
    indexedParameters(withSearchParameters(base, { parameters: [parameter] }), 'Patient').get(parameter.code)?.key;
  const first = own('x', 'Patient.name.prefix');
  const keys = [first, own('x', 'Patient.name.suffix'), own('x', 'Patient.name.prefix', { type: 'token' })].map(keyOf);
  expect(new Set(keys).size).toBe(3);
  expect(keyOf({ ...first, url: 'http://example.org/moved' })).toBe(keys[0]);
});

test('a code that R4 comes to have means what R4 says', () => {
  const overlay = withSearchParameters(base, { parameters: [own('gender', 'Patient.name.prefix')] });
  expect(indexedParameters(overlay, 'Patient')).toBe(indexedParameters(base, 'Patient'));
});

test('one that is not ready is no parameter, and whatever asks by it is told why', () => {
  const unready = [{ parameter: own('prefix', 'Patient.name.prefix'), why: 'waits to be indexed' }];
  const overlay = withSearchParameters(base, { parameters: [], unready });
  const ask = (type: string, name: string, value: string) => () =>
    parseSearch(overlay, type, [[name, value]], { handling: 'strict', now: 0 });
  for (const [type, name, value] of [
    ['Patient', 'prefix', 'x'],
    ['Patient', 'prefix:exact', 'x'],
    ['Patient', '_sort', '-prefix'],
    ['Patient', '_filter', 'prefix eq "x"'],
    ['Observation', 'patient.prefix', 'x'],
    ['Observation', 'subject.prefix', 'x'],
    ['Group', '_has:Patient:prefix:name', 'x'],
  ] as const) {
    expect(ask(type, name, value)).toThrow('waits to be indexed');
  }
  expect(ask('Patient', 'prefixes', 'x')).toThrow('is not supported for Patient');
});

describe('of its own a tenant has', () => {
  const many = (count: number, type: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => own(`c${index}`, 'x', { base: [type(index)] }));

  test('so many in all', () => {
    const types = [...base.resourceTypes];
    const all = many(ownParametersMax, (index) => types[index % types.length] as string);
    expect(() => requireDistinct(own('one-more', 'x'), all)).toThrow('at most 200');
    expect(() => requireDistinct(own('one-more', 'x'), all.slice(1))).not.toThrow();
  });

  test('so many of a type', () => {
    const all = many(ownParametersOfTypeMax, () => 'Patient');
    expect(() => requireDistinct(own('one-more', 'x'), all)).toThrow('at most 50');
    expect(() => requireDistinct(own('one-more', 'x', { base: ['Slot'] }), all)).not.toThrow();
  });

  test('each url once', () => {
    const other = own('b', 'x', { url: 'http://example.org/a' });
    expect(() => requireDistinct(other, [own('a', 'x')])).toThrow('this url');
  });
});

test('whatever stands as an expression is a definition or a refusal with its place, at once', () => {
  const words = [
    'Patient',
    '.',
    'name',
    'where',
    '(',
    ')',
    "'x'",
    '=',
    '|',
    'exists',
    '%resource',
    'repeat',
    '[0]',
    'is',
    '$this',
    ' ',
  ];
  const random = fc.oneof(
    fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((parts) => parts.join('')),
    fc.string({ maxLength: 200 }),
    fc.constantFrom('(', 'Patient.', 'not ').chain((part) => fc.nat(700).map((count) => part.repeat(count))),
  );
  fc.assert(
    fc.property(random, (expression) => {
      const resource = searchParameter({
        code: 'x',
        type: 'string',
        base: ['Patient'],
        expression,
      }) as unknown as Resource;
      try {
        expect(readDefinition(resource, base)?.code).toBe('x');
      } catch (error) {
        expect(error).toMatchObject({ status: 422, issues: [{ expression: ['SearchParameter.expression'] }] });
      }
    }),
    { seed: 92, numRuns: 500 },
  );
});
