// Builds the smallest resource that has a node at a path, for tables of invariants.

import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import type { Json } from '../random-resource.ts';

export const definitions = loadDefinitions();

export interface Built {
  readonly resource: Json;
  /** The path with the indexes of lists: `Patient.contact[0]`. */
  readonly expression: string;
}

/** `Patient.contact` and `{gender: 'male'}` make `{resourceType: 'Patient', contact: [{gender: 'male'}]}`. */
export function buildAt(path: string, node: unknown): Built {
  const [type = '', ...names] = path.split('.');
  const resource: Json = { resourceType: type };
  let [parent, typeName, expression] = [resource, type, type];
  for (const [index, name] of names.entries()) {
    const property = definitions.properties(typeName).get(name)!;
    const child: Json = {};
    const value = index === names.length - 1 ? node : child;
    parent[name] = property.element.repeats ? [value] : value;
    expression += `.${property.element.name}${property.element.repeats ? '[0]' : ''}`;
    [parent, typeName] = [child, property.type.code];
  }
  return { resource: names.length === 0 ? { ...resource, ...(node as Json) } : resource, expression };
}
