// The inputs of a call, held to what the operation declares: https://hl7.org/fhir/R4/operations.html#request

import type { Parameters, ParametersParameter, Resource } from '@medplum/fhirtypes';
import { type FhirError, fhirError } from '../fhir/outcome.ts';
import type { Content, ExactNumbers } from '../repository/change.ts';
import { findExact, markExact } from '../repository/exact-tree.ts';
import type { InputValue, Operation, OperationInputs, OperationParameter } from './operation.ts';

/**
 * Of a body that is a valid Parameters, or the resource itself where that is the only input. Throws 400 with the parameter's
 * name for one that is unknown, missing, of another type, or given too often.
 */
export function readInputs(operation: Operation, { resource, exactNumbers }: Content): OperationInputs {
  const declared = operation.parameters.filter(({ use }) => use === 'in');
  const [only] = declared;
  if (only && declared.length === 1 && fitsResource(only, resource)) {
    return new Map([[only.name, [{ value: resource, ...(exactNumbers && { exactNumbers }) }]]]);
  }
  if (resource.resourceType !== 'Parameters') {
    throw fhirError('invalid', `$${operation.code} takes a Parameters resource.`, { expression: 'resourceType' });
  }
  const inputs = readParameters(operation, declared, resource, exactNumbers);
  for (const { name, min } of declared) {
    if ((inputs.get(name)?.length ?? 0) >= min) continue;
    const often = min > 1 ? ` ${min} times` : '';
    throw fhirError('required', `$${operation.code} needs the parameter "${name}"${often}.`, {
      status: 400,
      expression: 'Parameters.parameter',
    });
  }
  return inputs;
}

/** An input of any type is the body itself only where the body cannot be the Parameters around it. */
function fitsResource({ type }: OperationParameter, resource: Resource): boolean {
  return type === resource.resourceType || (type === 'Resource' && resource.resourceType !== 'Parameters');
}

function readParameters(
  operation: Operation,
  declared: readonly OperationParameter[],
  { parameter = [] }: Parameters,
  exactNumbers: ExactNumbers | undefined,
): OperationInputs {
  const inputs = new Map<string, InputValue[]>();
  const numbers = exactNumbers && (markExact({ parameter }, exactNumbers) as { parameter: ParametersParameter[] });
  for (const [index, given] of parameter.entries()) {
    const refuse = refusalOf(operation, given.name, index);
    const wanted = declared.find(({ name }) => name === given.name);
    if (!wanted) throw refuse(`is unknown; it takes ${listOf(declared)}`);
    const value = valueIn(given, wanted);
    if (value === undefined) throw refuse(wanted.type ? `must be of type ${wanted.type}` : 'must have parts');
    const values = inputs.get(wanted.name) ?? [];
    if (values.length >= Number(wanted.max === '*' ? Infinity : wanted.max)) {
      throw refuse(`may be given ${wanted.max === 1 ? 'once' : `${wanted.max} times`}`);
    }
    const exact = numbers && findExact(valueIn(numbers.parameter[index] as ParametersParameter, wanted));
    inputs.set(wanted.name, [...values, { value, ...(exact?.size && { exactNumbers: exact }) }]);
  }
  return inputs;
}

/** `valueMeta` of a Meta, `resource` of a resource, or the parts; undefined when the parameter holds something else. */
function valueIn(given: ParametersParameter, { type }: OperationParameter): unknown {
  const { resource } = given;
  if (type === undefined) return given.part;
  if (resource) return type === 'Resource' || type === resource.resourceType ? resource : undefined;
  return (given as unknown as Record<string, unknown>)[`value${type.charAt(0).toUpperCase()}${type.slice(1)}`];
}

function listOf(declared: readonly OperationParameter[]): string {
  return declared.length === 0 ? 'none' : declared.map(({ name }) => name).join(', ');
}

function refusalOf(operation: Operation, name: string, index: number): (problem: string) => FhirError {
  // What does not look like a name could be somebody's data.
  const said = /^[\w-]{1,64}$/.test(name) ? `"${name}"` : `number ${index + 1}`;
  return (problem) =>
    fhirError('invalid', `Parameter ${said} of $${operation.code} ${problem}.`, {
      expression: `Parameters.parameter[${index}]`,
    });
}
