// The reference evaluator reads R4's own examples as R4 does, and owes nothing to what it judges: https://hl7.org/fhir/R4/search.html

import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { readSourceFiles } from '../../support/source-files.ts';
import type { World } from './asked.ts';
import { findAll } from './search.ts';

function finds(type: string, query: string, ...contents: object[]): boolean[] {
  const resources = contents.map((content, index) => ({ resourceType: type, id: `${index}`, ...content }) as Resource);
  const byPlace = new Map(resources.map((one) => [`${type}/${one.id}`, one]));
  const world: World = { resources, byPlace, baseUrl: 'http://hpms.test/fhir', now: Date.UTC(2013, 5, 1) };
  const found = findAll(world, type, [...new URLSearchParams(query)]);
  return resources.map((one) => found.includes(one));
}

test('the evaluator imports only itself and medplum', () => {
  const folder = 'test/search/reference';
  const files = readSourceFiles(path.join(import.meta.dirname, '../../..'), [folder]);
  const own = files.filter(({ file }) => !file.endsWith('.test.ts'));
  const targets = own.flatMap(({ imports }) => imports.map(({ target }) => target));
  expect(targets).toContain(`${folder}/asked.ts`);
  expect(targets.filter((target) => !target.startsWith(`${folder}/`) && !target.startsWith('@medplum/'))).toEqual([]);
});

describe('the table of prefixes for dates', () => {
  const fromMarch15 = { effectivePeriod: { start: '2013-03-15' } };
  const fromJanuary21 = { effectivePeriod: { start: '2013-01-21' } };
  const toJanuary21 = { effectivePeriod: { end: '2013-01-21' } };

  test.each([
    ['eq2013-01-14', '2013-01-14T00:00:00Z', true],
    ['eq2013-01-14', '2013-01-14T10:00:00Z', true],
    ['eq2013-01-14', '2013-01-15T00:00:00Z', false],
    ['ne2013-01-14', '2013-01-15T00:00:00Z', true],
    ['ne2013-01-14', '2013-01-14T10:00:00Z', false],
    ['lt2013-01-14T10:00', '2013-01-14', true],
    ['gt2013-01-14T10:00', '2013-01-14', true],
    ['ap2013-03-14', '2013-03-14', true],
    ['ap2013-03-14', '2015-06-15', false],
  ])('%s and %s', (asked, effectiveDateTime, isFound) => {
    expect(finds('Observation', `date=${asked}`, { effectiveDateTime })).toEqual([isFound]);
  });

  test.each([
    ['ge2013-03-14', [true, true, false]],
    ['le2013-03-14', [false, true, true]],
    ['sa2013-03-14', [true, false, false]],
    ['eb2013-03-14', [false, false, true]],
  ])('%s and periods from 15 March, from 21 January, to 21 January', (asked, areFound) => {
    expect(finds('Observation', `date=${asked}`, fromMarch15, fromJanuary21, toJanuary21)).toEqual(areFound);
  });
});

describe('the examples for numbers and quantities', () => {
  const risk = (probabilityDecimal: number) => ({ prediction: [{ probabilityDecimal }] });

  test.each([
    ['100', [true, true, false, false]],
    ['100.00', [true, false, false, false]],
    ['1e2', [true, true, true, false]],
    ['lt100', [false, false, true, false]],
    ['le100', [true, false, true, false]],
    ['gt100', [false, true, false, true]],
    ['ge100', [true, true, false, true]],
    ['ne100', [false, false, true, true]],
  ])('%s and 100, 100.4, 99.4, 105', (asked, areFound) => {
    expect(finds('RiskAssessment', `probability=${asked}`, risk(100), risk(100.4), risk(99.4), risk(105))).toEqual(
      areFound,
    );
  });

  test('5.4 |http://unitsofmeasure.org|mg finds the same in g, 5.4||mg a unit by its code or its name', () => {
    const quantity = (value: number, code: string, unit: string) => ({
      valueQuantity: { value, unit, code, system: 'http://unitsofmeasure.org' },
    });
    const stored = [
      quantity(5.4, 'mg', 'mg'),
      quantity(0.0054, 'g', 'g'),
      quantity(5.4, 'g', 'mg'),
      quantity(5.5, 'mg', 'mg'),
    ];
    const found = (asked: string) => finds('Observation', `value-quantity=${asked}`, ...stored);
    expect(found('5.4|http://unitsofmeasure.org|mg')).toEqual([true, true, false, false]);
    expect(found('5.40e-3|http://unitsofmeasure.org|g')).toEqual([true, true, false, false]);
    expect(found('5.4||mg')).toEqual([true, false, true, false]);
    expect(found('5.4')).toEqual([true, false, true, false]);
  });
});

test('a composite is met by one element: not by the code of one component and the value of another', () => {
  const component = (code: string, value: number) => ({ code: { coding: [{ code }] }, valueQuantity: { value } });
  const query = 'component-code-value-quantity=systolic$gt130';
  const right = { component: [component('systolic', 140), component('diastolic', 80)] };
  const wrong = { component: [component('systolic', 120), component('diastolic', 140)] };
  expect(finds('Observation', query, right, wrong)).toEqual([true, false]);
});

test(':not finds what has no value, :missing tells whether there is one', () => {
  const patients = [{ gender: 'male' }, { gender: 'female' }, {}];
  expect(finds('Patient', 'gender:not=male', ...patients)).toEqual([false, true, true]);
  expect(finds('Patient', 'gender:missing=true', ...patients)).toEqual([false, false, true]);
  expect(finds('Patient', 'gender:missing=false', ...patients)).toEqual([true, true, false]);
});
