// What a call may hand to an operation: https://hl7.org/fhir/R4/operations.html#request

import { describe, expect, test } from '@jest/globals';
import type { Parameters, Resource } from '@medplum/fhirtypes';
import { parseJson } from '../../src/fhir/json.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import type { Operation, OperationParameter } from '../../src/operations/operation.ts';
import { queryParameters, takesGet } from '../../src/operations/query-parameters.ts';
import { readInputs } from '../../src/operations/read-inputs.ts';

function operationWith(...parameters: Partial<OperationParameter>[]): Operation {
  return {
    code: 'try',
    definition: { id: 'try', url: 'urn:try', name: 'Try', title: 'Try', description: 'Tries.' },
    levels: ['system'],
    affectsState: false,
    permission: 'r',
    parameters: parameters.map((one) => ({
      ...{ name: 'it', use: 'in', min: 0, max: 1, type: 'string', documentation: '' },
      ...one,
    })),
    run: () => Promise.reject(new Error('It is never run.')),
  };
}

const call = (operation: Operation, ...parameter: object[]) =>
  readInputs(operation, { resource: { resourceType: 'Parameters', parameter } as Parameters });

function refusalOf(work: () => unknown): { status: number; text: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof FhirError) return { status: error.status, text: error.message };
  }
  throw new Error('It was not refused.');
}

describe('inputs that are not as declared are 400 with their name', () => {
  test.each([
    [
      'unknown',
      operationWith({ name: 'it' }),
      [{ name: 'that', valueString: 'x' }],
      /"that" of \$try is unknown; it takes it\./,
    ],
    ['unknown where there are none', operationWith(), [{ name: 'that', valueString: 'x' }], /"that".*it takes none/],
    ['missing', operationWith({ min: 1 }), [], /\$try needs the parameter "it"\./],
    ['too few', operationWith({ min: 2, max: '*' }), [{ name: 'it', valueString: 'x' }], /"it" 2 times/],
    [
      'of another type',
      operationWith({ type: 'Coding' }),
      [{ name: 'it', valueString: 'x' }],
      /"it".*must be of type Coding/,
    ],
    [
      'another resource',
      operationWith({ type: 'Patient' }, { name: 'other' }),
      [{ name: 'it', resource: { resourceType: 'Person' } }],
      /"it".*must be of type Patient/,
    ],
    [
      'twice',
      operationWith({}),
      [
        { name: 'it', valueString: 'x' },
        { name: 'it', valueString: 'y' },
      ],
      /"it".*given once/,
    ],
    [
      'too often',
      operationWith({ max: 2 }),
      Array.from({ length: 3 }, () => ({ name: 'it', valueString: 'x' })),
      /"it".*given 2 times/,
    ],
    [
      'an output',
      operationWith({ use: 'out', name: 'return' }),
      [{ name: 'return', valueString: 'x' }],
      /"return".*is unknown/,
    ],
    ['a name that is somebody', operationWith(), [{ name: 'Eva Muster', valueString: 'x' }], /Parameter number 1 of/],
  ])('%s', (_, operation, parameters, text) => {
    const refusal = refusalOf(() => call(operation, ...parameters));
    expect(refusal.status).toBe(400);
    expect(refusal.text).toMatch(text);
    expect(refusal.text).not.toContain('Muster');
  });

  test('a body that is no Parameters', () => {
    const body = { resourceType: 'Patient' } as Resource;
    expect(refusalOf(() => readInputs(operationWith({}), { resource: body })).text).toMatch(/takes a Parameters/);
  });
});

describe('inputs as declared', () => {
  test('come by name, in their order', () => {
    const operation = operationWith({ name: 'a', max: '*' }, { name: 'b', type: 'Coding' });
    const inputs = call(
      operation,
      { name: 'a', valueString: 'x' },
      { name: 'b', valueCoding: { code: 'y' } },
      { name: 'a', valueString: 'z' },
    );
    expect(inputs.get('a')).toEqual([{ value: 'x' }, { value: 'z' }]);
    expect(inputs.get('b')).toEqual([{ value: { code: 'y' } }]);
  });

  test('the only input, a resource, may be the body itself', () => {
    const patient = { resourceType: 'Patient', active: true } as Resource;
    const operation = operationWith({ name: 'resource', type: 'Resource', min: 1 });
    expect(readInputs(operation, { resource: patient }).get('resource')).toEqual([{ value: patient }]);
    expect(call(operation, { name: 'resource', resource: patient }).get('resource')).toEqual([{ value: patient }]);
  });

  test('numbers keep their texts', () => {
    const text = '{"resourceType":"Parameters","parameter":[{"name":"it","valueQuantity":{"value":1.10}}]}';
    const { value, exactNumbers } = parseJson(text);
    const inputs = readInputs(operationWith({ type: 'Quantity' }), {
      resource: value as Resource,
      ...(exactNumbers && { exactNumbers }),
    });
    expect(inputs.get('it')).toEqual([{ value: { value: 1.1 }, exactNumbers: new Map([['/value', '1.10']]) }]);
  });
});

describe('GET', () => {
  test('is for operations that change nothing and need primitive inputs only', () => {
    expect(takesGet(operationWith({ min: 1 }, { name: 'b', type: 'Coding' }))).toBe(true);
    expect(takesGet(operationWith({ min: 1, type: 'Coding' }))).toBe(false);
    expect(takesGet({ ...operationWith(), affectsState: true })).toBe(false);
  });

  test('gives each value its declared type and exact text', () => {
    const operation = operationWith({ name: 'yes', type: 'boolean' }, { name: 'n', type: 'decimal' }, { name: 's' });
    const pairs = [
      ['yes', 'true'],
      ['n', '2.50'],
      ['s', '7'],
      ['other', '1'],
    ] as const;
    const { resource, exactNumbers } = queryParameters(operation, pairs);
    expect(resource).toEqual({
      resourceType: 'Parameters',
      parameter: [
        { name: 'yes', valueBoolean: true },
        { name: 'n', valueDecimal: 2.5 },
        { name: 's', valueString: '7' },
        { name: 'other', valueString: '1' },
      ],
    });
    expect(exactNumbers).toEqual(new Map([['/parameter/1/valueDecimal', '2.50']]));
  });
});
