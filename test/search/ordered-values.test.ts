// What is stored so that a sort can walk, and that of codes only those are readable that are declared: https://hl7.org/fhir/R4/search.html#sort

import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { hasOrder, plainCodes, streamOf } from '../../src/search/ordered-values.ts';
import { indexedParameters } from '../../src/search/search-parameters.ts';
import { definitions, extract, tokensOf } from './evaluate.ts';
import { searchableResource } from './random-search.ts';

const ucum = 'http://unitsofmeasure.org';

/** `unit low high` of each row of the parameter. */
function rowsOf(resource: object, parameter: string): string[] {
  return extract(resource as Resource).flatMap((entry) =>
    entry.kind === 'range' && entry.parameter === parameter ? [`${entry.unit} ${entry.low} ${entry.high}`] : [],
  );
}

const orderOf = (resource: object, parameter: string) =>
  rowsOf(resource, parameter).filter((row) => /^(order|none)/.test(row));

describe('values in order', () => {
  const coded = {
    resourceType: 'Observation',
    code: { coding: [{ system: 'http://loinc.org', code: 'A-1' }, { code: 'b' }] },
  };

  test('a quantity has a row in base units, and one for each code beside it', () => {
    const valueQuantity = { value: 5, system: ucum, code: 'mg' };
    expect(orderOf({ ...coded, valueQuantity }, 'value-quantity')).toEqual([
      'order 219985 219985',
      'order of |a-1 219985 219985',
      'order of |b 219985 219985',
    ]);
  });

  test('a resource without one has a row among those that have none', () => {
    expect(orderOf(coded, 'value-quantity')).toEqual(['none  ', 'none of |a-1  ', 'none of |b  ']);
    expect(orderOf({ ...coded, valueQuantity: { unit: 'mg' } }, 'value-quantity')[0]).toBe('none  ~');
    expect(orderOf({ resourceType: 'RiskAssessment' }, 'probability')).toEqual(['none  ']);
  });

  test('a number is in order as it is', () => {
    const prediction = [{ probabilityDecimal: 0.5 }, { probabilityDecimal: 0.25 }];
    expect(rowsOf({ resourceType: 'RiskAssessment', prediction }, 'probability')).toEqual([
      ' 220005 220005',
      ' 2200025 2200025',
    ]);
  });

  test('no unit of a quantity is written like those of an order', () => {
    const valueQuantity = { value: 5, system: 'order of |b', code: 'x' };
    const units = new Set(
      rowsOf({ ...coded, valueQuantity }, 'value-quantity').map((row) => row.replace(/ \S+ \S+$/, '')),
    );
    expect(units).toContain('order of |b|x');
    // The code `b|x` is written `b\|x`, and no uri has a space: https://hl7.org/fhir/R4/datatypes.html#uri
    const named = { ...coded, code: { coding: [{ code: 'b|x' }] }, valueQuantity };
    expect(orderOf(named, 'value-quantity').join()).toContain('order of |b\\|x');
  });
});

describe('plain codes', () => {
  test('are elements of type code with a required binding, of resources of workflow', () => {
    for (const key of plainCodes) {
      const [type = '', code = ''] = key.split('.');
      const parameter = indexedParameters(definitions, type).get(code);
      expect([key, parameter?.kind, parameter && streamOf(parameter).isSingle]).toEqual([key, 'token', true]);
      for (const { type: elementType, binding } of parameter?.elements ?? []) {
        expect([key, elementType, binding?.strength]).toEqual([key, 'code', 'required']);
      }
      expect(['status', 'priority']).toContain(code);
    }
  });

  test('make one row a resource, or one among those that have none', () => {
    expect(rowsOf({ resourceType: 'Appointment', status: 'booked' }, 'status')).toEqual(['order booked booked']);
    expect(rowsOf({ resourceType: 'Task', status: 'ready' }, 'priority')).toEqual(['none  ']);
  });

  test('are no texts that somebody wrote in their place', () => {
    expect(rowsOf({ resourceType: 'Appointment', status: 'Eva Muster' }, 'status')).toEqual(['none  ~']);
  });

  test('are the only texts that rows of numbers hold, in resources of every type', () => {
    const readable = /^([012][\d}~]*|[-~]|)$/;
    for (const type of definitions.resourceTypes) {
      for (let seed = 0; seed < 4; seed++) {
        const resource = searchableResource(
          type,
          seed,
          (items) => items[seed % items.length] as (typeof items)[number],
        );
        for (const entry of extract(resource)) {
          if (entry.kind !== 'range') continue;
          const isNumber = readable.test(entry.low) && readable.test(entry.high);
          expect([type, entry.parameter, isNumber || plainCodes.has(`${type}.${entry.parameter}`)]).toEqual([
            type,
            entry.parameter,
            true,
          ]);
        }
      }
    }
  });
});

describe('whether there is a value', () => {
  test('is a token of what is not usual', () => {
    const patient = {
      resourceType: 'Patient',
      gender: 'male',
      link: [{ other: { reference: 'Patient/1' }, type: 'seealso' }],
    } as Resource;
    expect(tokensOf(patient, 'Patient.link:missing')).toEqual(['false']);
    expect(tokensOf(patient, 'Patient.gender:missing')).toEqual([]);
    expect(tokensOf(patient, 'Patient.family:missing')).toEqual(['true']);
    expect(tokensOf(patient, 'Patient.organization:missing')).toEqual([]);
  });

  test('costs nothing where R4 requires one', () => {
    const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' } } as Resource;
    for (const code of ['code', 'status']) expect(tokensOf(observation, `Observation.${code}:missing`)).toEqual([]);
  });

  test('is known by rows where there is an order', () => {
    const parameters = indexedParameters(definitions, 'Observation');
    expect([...parameters.values()].filter(hasOrder).map(({ code }) => code)).toEqual(['value-quantity']);
  });
});
