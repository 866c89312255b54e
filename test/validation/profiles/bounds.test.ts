// The least and the greatest value a profile allows: https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.minValue_x_

import { describe, expect, test } from '@jest/globals';
import type { ElementDefinition } from '@medplum/fhirtypes';
import { parseJson } from '../../../src/fhir/json.ts';
import { structure } from '../../fhir/profiles/structures.ts';
import { check } from './check.ts';

type Bound = Partial<ElementDefinition>;

const observed = (bound: Bound, members: object, options = {}) =>
  check(
    [structure('urn:o', 'Observation', [{ path: 'Observation.value[x]', ...bound }])],
    observation(members),
    options,
  );
const observation = (members: object) => ({ resourceType: 'Observation', ...members });
const refused = ['value Observation.value'];

const quantity = (value: number, code: string, more = {}) => ({
  valueQuantity: { value, unit: code, system: 'http://unitsofmeasure.org', code, ...more },
});
const boundOf = (value: number, code: string) => quantity(value, code).valueQuantity;

describe('both bounds are inclusive', () => {
  test.each<[keyof ElementDefinition, unknown, string, unknown, unknown]>([
    ['minValueDateTime', '2020-06-15', 'valueDateTime', '2020-06-15', '2020-06-14'],
    ['maxValueDateTime', '2020-06-15', 'valueDateTime', '2020-06-15T23:59:59Z', '2020-06-16'],
    ['minValueTime', '08:00:00', 'valueTime', '08:00:00', '07:59:59.999'],
    ['maxValueTime', '18:00:00', 'valueTime', '18:00:00', '18:00:01'],
    ['minValueInteger', -1, 'valueInteger', -1, -2],
    ['maxValueInteger', 10, 'valueInteger', 10, 11],
  ])('%s', (key, bound, name, inside, outside) => {
    expect(observed({ [key]: bound }, { [name]: inside })).toEqual([]);
    expect(observed({ [key]: bound }, { [name]: outside })).toEqual(refused);
  });

  test.each<[string, Bound, object, object]>([
    [
      'date',
      { path: 'Patient.birthDate', minValueDate: '1900-01-01' },
      { birthDate: '1900-01-01' },
      { birthDate: '1899-12-31' },
    ],
    [
      'instant',
      { path: 'Observation.issued', maxValueInstant: '2020-01-01T00:00:00Z' },
      { issued: '2020-01-01T01:00:00+01:00' },
      { issued: '2020-01-01T00:00:00.001Z' },
    ],
    [
      'positiveInt',
      { path: 'Patient.telecom.rank', maxValuePositiveInt: 3 },
      { telecom: [{ rank: 3 }] },
      { telecom: [{ rank: 4 }] },
    ],
    [
      'unsignedInt',
      { path: 'Patient.photo.size', minValueUnsignedInt: 1 },
      { photo: [{ size: 1 }] },
      { photo: [{ size: 0 }] },
    ],
    [
      'decimal',
      { path: 'Observation.valueQuantity.value', minValueDecimal: 0.5 },
      { valueQuantity: { value: 0.5 } },
      { valueQuantity: { value: 0.49 } },
    ],
  ])('%s', (_, element, inside, outside) => {
    const type = (element.path ?? '').split('.')[0] ?? '';
    const judge = (members: object) => check([structure('urn:p', type, [element])], { resourceType: type, ...members });
    expect(judge(inside)).toEqual([]);
    expect(judge(outside)).toEqual([expect.stringMatching(/^value /)]);
  });
});

describe('dates', () => {
  test('are refused only when no moment they may mean is within', () => {
    expect(observed({ minValueDateTime: '2020-06-15' }, { valueDateTime: '2020' })).toEqual([]);
    expect(observed({ minValueDateTime: '2020-06-15' }, { valueDateTime: '2019' })).toEqual(refused);
    expect(observed({ maxValueDateTime: '2020' }, { valueDateTime: '2020-12-31' })).toEqual([]);
    expect(observed({ maxValueDateTime: '2020' }, { valueDateTime: '2021-01-01' })).toEqual(refused);
  });

  test('without a zone are those a dateTime itself shows', () => {
    const bound = { minValueDateTime: '2020-01-01' };
    expect(observed(bound, { valueDateTime: '2020-01-01T00:30:00+02:00' })).toEqual([]);
    expect(observed(bound, { valueDateTime: '2019-12-31T23:30:00-02:00' })).toEqual(refused);
  });

  test('may be bounded by a duration before and after the present', () => {
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    const [past, future] = [{ minValueQuantity: boundOf(1, 'a') }, { maxValueQuantity: boundOf(2, 'wk') }];
    expect(observed(past, { valueDateTime: inDays(-360) })).toEqual([]);
    expect(observed(past, { valueDateTime: inDays(-370) })).toEqual(refused);
    expect(observed(future, { valueDateTime: inDays(13) })).toEqual([]);
    expect(observed(future, { valueDateTime: inDays(15) })).toEqual(refused);
    expect(observed({ maxValueQuantity: boundOf(0, 'd') }, { valueDateTime: inDays(0).slice(0, 10) })).toEqual([]);
    expect(observed({ maxValueQuantity: boundOf(0, 'd') }, { valueDateTime: inDays(3).slice(0, 10) })).toEqual(refused);
  });
});

describe('numbers', () => {
  test('are compared with the digits they were written with', () => {
    const sent = parseJson('{"resourceType":"Observation","valueQuantity":{"value":10.0000000000000000001}}');
    const profile = structure('urn:o', 'Observation', [
      { path: 'Observation.valueQuantity.value', maxValueDecimal: 10 },
    ]);
    expect(check([profile], sent.value as object, { exactNumbers: sent.exactNumbers })).toEqual([
      'value Observation.value.value',
    ]);
  });
});

describe('quantities', () => {
  const least = { minValueQuantity: boundOf(10, 'g') };

  test('are compared in one unit: 100 mg is less than 10 g', () => {
    expect(observed(least, quantity(100, 'mg'))).toEqual(refused);
    expect(observed(least, quantity(10_000, 'mg'))).toEqual([]);
    expect(observed(least, quantity(0.01, 'kg'))).toEqual([]);
    expect(observed({ maxValueQuantity: boundOf(10, 'g') }, quantity(0.011, 'kg'))).toEqual(refused);
  });

  test('that nobody here can compare are let be', () => {
    expect(observed(least, quantity(1, 'cm'))).toEqual([]);
    expect(observed(least, quantity(1, 'mg', { system: 'urn:other' }))).toEqual([]);
    expect(observed(least, { valueQuantity: { value: 1 } })).toEqual([]);
    expect(observed(least, { valueQuantity: { unit: 'g' } })).toEqual([]);
  });

  test('of the same words without codes are compared, and those of a bound without any', () => {
    expect(
      observed({ minValueQuantity: { value: 2, unit: 'tablets' } }, { valueQuantity: { value: 1, unit: 'tablets' } }),
    ).toEqual(refused);
    expect(observed({ minValueQuantity: { value: 2 } }, { valueQuantity: { value: 1, unit: 'tablets' } })).toEqual(
      refused,
    );
  });

  test('with a comparator are refused when all they may mean is outside', () => {
    const most = { maxValueQuantity: boundOf(10, 'g') };
    expect(observed(least, quantity(10, 'g', { comparator: '<' }))).toEqual(refused);
    expect(observed(least, quantity(10, 'g', { comparator: '<=' }))).toEqual([]);
    expect(observed(least, quantity(5, 'g', { comparator: '>' }))).toEqual([]);
    expect(observed(most, quantity(10, 'g', { comparator: '>' }))).toEqual(refused);
    expect(observed(most, quantity(10, 'g', { comparator: '>=' }))).toEqual([]);
    expect(observed(most, quantity(11, 'g', { comparator: '<' }))).toEqual([]);
  });
});
