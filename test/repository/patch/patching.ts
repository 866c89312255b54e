// Patches as pure functions, on the definitions and the validator the server has.

import type { Resource } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { parseJson, serializeJson } from '../../../src/fhir/json.ts';
import { type PatchKind, toPatch } from '../../../src/repository/patch/to-patch.ts';
import { createValidator } from '../../../src/validation/validate.ts';

export const definitions = loadDefinitions();
export const validate = createValidator(definitions);

/** The patch document's and the resource's JSON texts, or values to be written as such. */
export function patchText(kind: PatchKind, document: unknown, resource: unknown): string {
  const content = parseJson(textOf(resource));
  const { resourceType: type } = content.value as Resource;
  const apply = toPatch(parseJson(textOf(document)), kind, { type, definitions, validate });
  const { exactNumbers } = content;
  const patched = apply({ resource: content.value as Resource, ...(exactNumbers && { exactNumbers }) });
  return serializeJson(patched.resource, patched.exactNumbers);
}

export function patched(kind: PatchKind, document: unknown, resource: unknown): unknown {
  return JSON.parse(patchText(kind, document, resource));
}

export interface Operation {
  readonly type: string;
  readonly path?: string;
  readonly name?: string;
  readonly index?: number;
  readonly source?: number;
  readonly destination?: number;
  /** Members of the value part: `valueX`, `part` or `resource`. */
  readonly value?: object;
}

/** A FHIRPath Patch: https://hl7.org/fhir/R4/fhirpatch.html */
export function parameters(...operations: readonly Operation[]): object {
  return { resourceType: 'Parameters', ...(operations.length > 0 && { parameter: operations.map(toParameter) }) };
}

function toParameter({ type, path, name, index, source, destination, value }: Operation): object {
  const numbers = Object.entries({ index, source, destination }).filter(([, number]) => number !== undefined);
  const part = [
    { name: 'type', valueCode: type },
    ...(path === undefined ? [] : [{ name: 'path', valueString: path }]),
    ...(name === undefined ? [] : [{ name: 'name', valueString: name }]),
    ...numbers.map(([of, valueInteger]) => ({ name: of, valueInteger })),
    ...(value ? [{ name: 'value', ...value }] : []),
  ];
  return { name: 'operation', part };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
