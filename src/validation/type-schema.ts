// The JSON Schemas of one FHIR type, made from its R4 definition: https://hl7.org/fhir/R4/json.html

import type { ElementDefinition, TypeDefinition } from '../fhir/definitions/snapshot.ts';
import type { Definitions, Property } from '../fhir/definitions.ts';
import { grammarOf } from '../terminology/code-grammars.ts';
import type { Choice, FhirKeywords } from './keywords.ts';

export type TypeSchema = Readonly<Record<string, unknown>> & Partial<FhirKeywords>;

/** Which members there may be and of what kind. Nested types are not inlined: each is compiled once, by its name. */
export function shapeSchema(definitions: Definitions, type: TypeDefinition): TypeSchema {
  const properties: Record<string, TypeSchema> = {};
  const seldom: Record<string, TypeSchema> = {};
  const aligned: string[] = [];
  for (const [key, property] of definitions.properties(type.name)) {
    const { repeats, isChoice } = property.element;
    (isChoice ? seldom : properties)[key] = memberSchema(valueSchema(definitions, property, type), repeats);
    if (!takesExtension(property)) continue;
    seldom[`_${key}`] = memberSchema({ datatype: { type: 'Element', mayBeNull: repeats === true } }, repeats);
    if (repeats) aligned.push(key);
  }
  const usual = [...Object.keys(properties), ...(type.kind === 'resource' ? ['resourceType'] : [])];
  return {
    type: 'object',
    properties,
    seldom: { usual, schemas: seldom },
    ...(aligned.length > 0 && { aligned }),
  };
}

/** Which members there must be, and which exclude each other. */
export function presenceSchema(definitions: Definitions, type: TypeDefinition): TypeSchema {
  const rules: TypeSchema[] = [];
  for (const element of type.elements) {
    if (element.isChoice) rules.push({ choice: choiceRule(definitions, type, element) });
    else if (element.isRequired) rules.push({ present: presentRule(definitions, type, element) });
  }
  if (type.kind !== 'resource') rules.push({ content: type.name === 'Element' ? 'any' : 'beside-id' });
  if (type.name === 'Reference') rules.push({ literal: true });
  if (type.name === 'Coding' || type.name === 'Quantity' || type.base === 'Quantity') rules.push({ grammar: true });
  return rules.length > 0 ? { type: 'object', allOf: rules } : { type: 'object' };
}

function memberSchema(item: TypeSchema, repeats: true | undefined): TypeSchema {
  return repeats ? { type: 'array', minItems: 1, items: item } : item;
}

function valueSchema(definitions: Definitions, property: Property, parent: TypeDefinition): TypeSchema {
  const { element, type, isPrimitive } = property;
  if (isPrimitive) {
    const valueSet = type.code === 'code' ? codesOf(definitions, element) : undefined;
    const mayBeNull = element.repeats === true;
    return { primitive: { type: primitiveName(property), mayBeNull, ...(valueSet !== undefined && { valueSet }) } };
  }
  if (type.code === 'Resource') {
    return { resource: parent.kind === 'resource' && element.name === 'contained' ? 'contained' : 'any' };
  }
  const isCoded = codedTypes.has(type.code) && element.binding?.strength === 'required';
  const valueSet = isCoded ? codesOf(definitions, element) : undefined;
  return {
    datatype: { type: type.code },
    ...(type.code === 'Reference' && type.targets && { reference: type.targets }),
    ...(type.code === 'Extension' && parent.name !== 'Extension' && { absolute: true }),
    ...(valueSet !== undefined && { coded: valueSet }),
  };
}

const codedTypes: ReadonlySet<string> = new Set(['CodeableConcept', 'Coding']);

/** The value set that the element's code must be of, where its codes or their grammar are known. */
function codesOf(definitions: Definitions, { binding }: ElementDefinition): string | undefined {
  if (!binding) return undefined;
  const { strength, valueSet } = binding;
  const isListed = strength === 'required' && definitions.valueSet(valueSet) !== undefined;
  return isListed || grammarOf(valueSet, strength) ? valueSet : undefined;
}

/** R4 calls an element's id a string, but one without spaces. */
function primitiveName({ element, type }: Property): string {
  return element.isAttribute && type.code === 'string' ? 'elementId' : type.code;
}

/** Attributes and XHTML have no `_name` beside them. */
function takesExtension({ element, type, isPrimitive }: Property): boolean {
  return isPrimitive && !element.isAttribute && type.code !== 'xhtml';
}

function presentRule(
  definitions: Definitions,
  type: TypeDefinition,
  element: ElementDefinition,
): FhirKeywords['present'] {
  const property = definitions.properties(type.name).get(element.name);
  const hasExtension = property !== undefined && takesExtension(property);
  return {
    key: element.name,
    ...(hasExtension && { extensionKey: `_${element.name}` }),
    ...(element.repeats && { repeats: true }),
  };
}

/** `valueString` and `_valueString` are one variant. An extension has a value or extensions, never both (ext-1). */
function choiceRule(definitions: Definitions, type: TypeDefinition, element: ElementDefinition): Choice {
  const keys: Record<string, string> = {};
  for (const [key, property] of definitions.properties(type.name)) {
    if (property.element !== element) continue;
    keys[key] = key;
    if (takesExtension(property)) keys[`_${key}`] = key;
  }
  const isExtension = type.name === 'Extension';
  if (isExtension) keys.extension = 'extension';
  return { name: element.name, isRequired: isExtension || element.isRequired === true, keys };
}
