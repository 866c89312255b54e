// The inputs of $validate, whose resource need be no valid one: https://hl7.org/fhir/R4/resource-operation-validate.html

import type { Resource } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import type { Content, ExactNumbers } from '../repository/change.ts';
import type { InputValue, OperationInputs } from './operation.ts';

/** Of Parameters around the resource, or of the resource itself, with `mode` and `profile` in the URL. */
export function readValidateInputs(
  { resource: body, exactNumbers }: Content,
  query: Iterable<readonly [string, string]>,
): OperationInputs {
  const inputs = new Map<string, readonly InputValue[]>();
  for (const [name, value] of query) addInput(inputs, name, { value });
  if (!isEnvelope(body)) {
    if (body !== undefined) addInput(inputs, 'resource', { value: body, ...(exactNumbers && { exactNumbers }) });
    return inputs;
  }
  for (const [index, parameter] of body.parameter.entries()) {
    const { name, resource, ...values } = (parameter ?? {}) as EnvelopeParameter;
    const value = name === 'resource' ? resource : (values[valueKeys[name ?? ''] ?? ''] ?? values.valueString);
    if (value === undefined)
      throw refused(typeof name === 'string' && name in valueKeys ? `holds no ${name}` : 'is unknown', index);
    const exact = name === 'resource' ? below(exactNumbers, `/parameter/${index}/resource`) : undefined;
    addInput(inputs, String(name), { value, ...(exact && { exactNumbers: exact }) }, index);
  }
  return inputs;
}

interface EnvelopeParameter extends Readonly<Record<string, unknown>> {
  readonly name?: string;
  readonly resource?: unknown;
}

const valueKeys: Readonly<Record<string, string>> = {
  resource: 'resource',
  mode: 'valueCode',
  profile: 'valueUri',
};

/** A Parameters without a parameter of these names is itself what is to be validated. */
function isEnvelope(body: Resource | undefined): body is Resource & { readonly parameter: readonly unknown[] } {
  const { resourceType, parameter } = (body ?? {}) as { readonly resourceType?: unknown; readonly parameter?: unknown };
  if (resourceType !== 'Parameters' || !Array.isArray(parameter)) return false;
  return parameter.some((one) => Object.hasOwn(valueKeys, String((one as EnvelopeParameter | null)?.name)));
}

function addInput(inputs: Map<string, readonly InputValue[]>, name: string, value: InputValue, index?: number): void {
  if (!Object.hasOwn(valueKeys, name)) throw refused('is unknown', index);
  if (inputs.has(name)) throw refused(`gives ${name} a second time`, index);
  if (name !== 'resource' && typeof value.value !== 'string') throw refused(`holds no ${name}`, index);
  inputs.set(name, [value]);
}

function refused(problem: string, index: number | undefined) {
  const which = index === undefined ? 'A parameter in the URL' : `Parameter number ${index + 1}`;
  return fhirError('invalid', `${which} of $validate ${problem}; it takes resource, mode and profile.`, {
    ...(index !== undefined && { expression: `Parameters.parameter[${index}]` }),
  });
}

function below(exactNumbers: ExactNumbers | undefined, pointer: string): ExactNumbers | undefined {
  const found = [...(exactNumbers ?? [])].filter(([place]) => place.startsWith(`${pointer}/`));
  return found.length === 0 ? undefined : new Map(found.map(([place, text]) => [place.slice(pointer.length), text]));
}
