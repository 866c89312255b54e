// Composite parameters: the components meet on one element: https://hl7.org/fhir/R4/search.html#composite

import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { compileCriteria } from '../../src/search/compile/criteria.ts';
import { indexedParameters } from '../../src/search/search-parameters.ts';
import { definitions, extract, finds, parse, queryOf } from './evaluate.ts';

const seed = 20_261_120;
const loinc = 'http://loinc.org';
const ucum = 'http://unitsofmeasure.org';

const code = (...codings: [system: string | undefined, code: string][]) => ({
  coding: codings.map(([system, value]) => ({ ...(system !== undefined && { system }), code: value })),
});
const quantity = (value: number, unit = 'mm[Hg]') => ({ value, unit, system: ucum, code: unit });
const observation = (content: object) => ({ resourceType: 'Observation', ...content }) as unknown as Resource;
const found = (type: string, name: string, value: string, resource: Resource) =>
  finds(parse(type, queryOf([name, value])), resource);
const needsRecheck = (type: string, name: string, value: string) =>
  compileCriteria(parse(type, queryOf([name, value])).criteria).recheck !== undefined;

const pressure = observation({
  code: code([loinc, '85354-9']),
  component: [
    { code: code([loinc, '8480-6'], ['urn:local', 'sys']), valueQuantity: quantity(150) },
    { code: code([loinc, '8462-4']), valueQuantity: quantity(80) },
  ],
});

describe('a code and a number', () => {
  test.each([
    ['8480-6$gt140', true],
    ['8462-4$gt140', false],
    [`${loinc}|8480-6$gt140`, true],
    [`${loinc}|8462-4$gt140`, false],
    [`${loinc}|8480-6$150|${ucum}|mm[Hg]`, true],
    [`${loinc}|8480-6$ge19.9|${ucum}|kPa`, true],
    [`${loinc}|8480-6$lt19.9|${ucum}|kPa`, false],
    ['sys$150', true],
    ['urn:other|sys$150', false],
    ['|8480-6$150', false],
    ['8480-6$150||mm[Hg]', true],
    ['8462-4$150||mm[Hg]', false],
    [`${loinc}|$150`, true],
    ['8462-4$gt140,8480-6$gt140', true],
    ['8462-4$gt140,8480-6$lt140', false],
  ])('component-code-value-quantity=%s', (value, isFound) => {
    expect(found('Observation', 'component-code-value-quantity', value, pressure)).toBe(isFound);
    expect(found('Observation', 'combo-code-value-quantity', value, pressure)).toBe(isFound);
    expect(found('Observation', 'code-value-quantity', value, pressure)).toBe(false);
  });

  test('the index alone tells it, with and without system, so that totals need no content', () => {
    const values = ['8480-6$gt140', `${loinc}|8480-6$gt140`, `${loinc}|8480-6$gt140|${ucum}|kPa`, '8480-6$1,8480-6$2'];
    for (const name of ['code-value-quantity', 'component-code-value-quantity', 'combo-code-value-quantity']) {
      expect(values.map((value) => needsRecheck('Observation', name, value))).toEqual(values.map(() => false));
    }
  });

  test('the same code of two systems is not confused', () => {
    const resource = observation({
      component: [
        { code: code(['urn:a', 'x']), valueQuantity: quantity(1) },
        { code: code(['urn:b', 'x']), valueQuantity: quantity(2) },
        { code: code([undefined, 'x']), valueQuantity: quantity(3) },
      ],
    });
    const values = ['urn:a|x$1', 'urn:a|x$2', 'urn:b|x$2', '|x$3', '|x$1', 'x$1', 'x$2', 'x$4'];
    expect(values.map((value) => found('Observation', 'component-code-value-quantity', value, resource))).toEqual([
      true,
      false,
      true,
      true,
      false,
      true,
      true,
      false,
    ]);
  });

  test('a code of the whole does not meet a number of its part', () => {
    const resource = observation({
      code: code(['urn:a', 'x']),
      valueQuantity: quantity(1),
      component: [{ code: code(['urn:b', 'x']), valueQuantity: quantity(2) }],
    });
    const values = ['urn:b|x$1', 'urn:a|x$2', 'urn:a|x$1', 'urn:b|x$2'];
    expect(values.map((value) => found('Observation', 'combo-code-value-quantity', value, resource))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  test('one coding makes two rows, the number as it is and in base units', () => {
    const resource = observation({ code: code([loinc, '718-7']), valueQuantity: quantity(14, 'g/dL') });
    const parameters = extract(resource).flatMap((entry) => (entry.kind === 'range' ? [entry.parameter] : []));
    expect(parameters.filter((parameter) => parameter.startsWith('code-'))).toEqual([
      'code-value-quantity',
      'code-value-quantity',
    ]);
  });
});

describe('two codes', () => {
  const panel = observation({
    component: [
      { code: code([loinc, 'a']), valueCodeableConcept: code(['urn:v', '1']) },
      { code: code([loinc, 'b']), valueCodeableConcept: code(['urn:v', '2'], ['urn:w', '3']) },
    ],
  });

  test.each([
    ['a$1', true],
    ['a$2', false],
    [`${loinc}|a$urn:v|1`, true],
    [`${loinc}|a$urn:v|2`, false],
    [`${loinc}|b$3`, true],
    ['b$urn:w|3', true],
    ['b$urn:v|3', false],
    [`${loinc}|$urn:v|2`, true],
    ['b$urn:w|', true],
    ['a$urn:w|', false],
  ])('component-code-value-concept=%s', (value, isFound) => {
    expect(found('Observation', 'component-code-value-concept', value, panel)).toBe(isFound);
    expect(found('Observation', 'combo-code-value-concept', value, panel)).toBe(isFound);
  });

  test('a characteristic of a Group is a code or a boolean', () => {
    const group = {
      resourceType: 'Group',
      characteristic: [
        { code: code(['urn:c', 'smoker']), valueBoolean: true, exclude: false },
        { code: code(['urn:c', 'insured']), valueBoolean: false, exclude: false },
      ],
    } as unknown as Resource;
    const values = ['smoker$true', 'smoker$false', 'urn:c|smoker$true', 'urn:c|insured$true'];
    expect(values.map((value) => found('Group', 'characteristic-value', value, group))).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test('the relationship of a document is a code and a reference', () => {
    const document = {
      resourceType: 'DocumentReference',
      relatesTo: [
        { code: 'replaces', target: { reference: 'DocumentReference/1' } },
        { code: 'appends', target: { reference: 'DocumentReference/2' } },
      ],
    } as unknown as Resource;
    const values = ['replaces$DocumentReference/1', 'replaces$DocumentReference/2', 'appends$DocumentReference/2'];
    expect(values.map((value) => found('DocumentReference', 'relationship', value, document))).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe('a code and a text or a date', () => {
  test('code-value-string and code-value-date', () => {
    const text = observation({ code: code([loinc, 'c']), valueString: 'Gram positive cocci' });
    expect(
      ['c$gram', 'c$cocci', 'c$rods', 'd$gram', 'd$gram,c$gram'].map((value) =>
        found('Observation', 'code-value-string', value, text),
      ),
    ).toEqual([true, true, false, false, true]);
    const dated = observation({ code: code([loinc, 'c']), valueDateTime: '2024-05-01' });
    const values = ['c$2024-05', 'c$lt2024', 'd$2024-05', 'd$2024-05,c$ge2024'];
    expect(values.map((value) => found('Observation', 'code-value-date', value, dated))).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });
});

describe('three components', () => {
  const sequence = {
    resourceType: 'MolecularSequence',
    coordinateSystem: 0,
    referenceSeq: { chromosome: code(['urn:chr', '1']), windowStart: 10, windowEnd: 20 },
    variant: [
      { start: 100, end: 110 },
      { start: 200, end: 210 },
    ],
  } as unknown as Resource;

  test('one of them may be of the whole resource', () => {
    const values = ['1$100$110', '1$100$210', '1$ge200$le210', '2$100$110'];
    expect(values.map((value) => found('MolecularSequence', 'chromosome-variant-coordinate', value, sequence))).toEqual(
      [true, false, true, false],
    );
    expect(
      ['1$lt15$gt15', '1$lt5$gt15'].map((value) =>
        found('MolecularSequence', 'chromosome-window-coordinate', value, sequence),
      ),
    ).toEqual([true, false]);
  });
});

describe('values', () => {
  test.each(['a', 'a$', '$1', 'a$1$2', 'a$x', 'a\\$1'])('%s is an error', (value) => {
    expect(() => parse('Observation', queryOf(['code-value-quantity', value]))).toThrow();
  });

  test('a dollar sign with a backslash is one of the value', () => {
    const resource = observation({ code: code([undefined, 'a$b']), valueQuantity: quantity(1) });
    expect(found('Observation', 'code-value-quantity', 'a\\$b$1', resource)).toBe(true);
  });

  test('every composite of R4 is answered', () => {
    const missing = [...definitions.resourceTypes].flatMap((type) =>
      [...definitions.searchParameters(type).values()]
        .filter(
          (parameter) => parameter.type === 'composite' && !indexedParameters(definitions, type).has(parameter.code),
        )
        .map((parameter) => `${type}.${parameter.code}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('property', () => {
  const systems = fc.constantFrom(undefined, 'urn:a', 'urn:b');
  const coding = fc.tuple(systems, fc.constantFrom('x', 'y'));
  const component = fc.record({
    codings: fc.array(coding, { minLength: 1, maxLength: 2 }),
    value: fc.integer({ min: 1, max: 3 }),
  });
  const asked = fc.record({
    system: fc.constantFrom(undefined, '', 'urn:a', 'urn:b'),
    code: fc.constantFrom('x', 'y'),
    value: fc.integer({ min: 1, max: 3 }),
  });

  test('code and number are those of one component', () => {
    fc.assert(
      fc.property(
        fc.array(component, { maxLength: 3 }),
        fc.array(asked, { minLength: 1, maxLength: 2 }),
        (components, values) => {
          const resource = observation({
            component: components.map(({ codings, value }) => ({
              code: code(...codings),
              valueQuantity: quantity(value),
            })),
          });
          const query = values
            .map(({ system, code: own, value }) => `${system === undefined ? '' : `${system}|`}${own}$${value}`)
            .join(',');
          const wanted = values.some((value) =>
            components.some(
              (one) =>
                one.value === value.value &&
                one.codings.some(
                  ([system, own]) =>
                    own === value.code && (value.system === undefined || (system ?? '') === value.system),
                ),
            ),
          );
          expect([query, found('Observation', 'component-code-value-quantity', query, resource)]).toEqual([
            query,
            wanted,
          ]);
        },
      ),
      { seed, numRuns: 1000 },
    );
  });
});
