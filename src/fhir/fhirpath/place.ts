// An element of a resource together with where in its JSON it stands: https://hl7.org/fhir/R4/json.html

import type { Definitions, Property } from '../definitions.ts';

/** Good until the next change of the resource. */
export interface Place {
  /** Undefined for a primitive that has only extensions. */
  readonly value: unknown;
  /** What JSON keeps of a primitive beside it as `_name`: https://hl7.org/fhir/R4/json.html#primitive */
  readonly extras: object | undefined;
  /** A name of the definitions, of what is really there; undefined for a value that no element holds. */
  readonly type: string | undefined;
  readonly isPrimitive: boolean;
  /** Undefined for the resource itself and for what is computed. */
  readonly at: Position | undefined;
}

export interface Position {
  readonly parent: Place;
  /** `valueQuantity` for an element `value`. */
  readonly jsonName: string;
  readonly property: Property;
  /** In a list. */
  readonly index: number | undefined;
}

export function rootPlace(resource: object, resourceType: string): Place {
  return { value: resource, extras: undefined, type: resourceType, isPrimitive: false, at: undefined };
}

export function computedPlaces(values: readonly unknown[]): Place[] {
  return values.map((value) => ({ value, extras: undefined, type: undefined, isPrimitive: true, at: undefined }));
}

/** A number that keeps its text is an object whose `valueOf` is the number. */
export function valuesOf(places: readonly Place[]): unknown[] {
  return places.map(({ value }) => value?.valueOf()).filter((value) => value !== undefined);
}

/** What an element may be called in JSON: one name, or one per type of a choice. */
export type ElementNames = readonly (readonly [string, Property])[];

/** The places of an element below a place. */
export function childrenOf(parent: Place, names: ElementNames, definitions: Definitions): Place[] {
  const holder = parent.isPrimitive ? parent.extras : parent.value;
  if (typeof holder !== 'object' || holder === null) return [];
  const found: Place[] = [];
  for (const [jsonName, property] of names) {
    const value = own(holder, jsonName);
    const extras = property.isPrimitive ? own(holder, `_${jsonName}`) : undefined;
    if (Array.isArray(value) || Array.isArray(extras)) {
      const [values, extrasOfValues] = [asList(value), asList(extras)];
      for (let index = 0; index < Math.max(values.length, extrasOfValues.length); index++) {
        add(found, { parent, jsonName, property, index }, values[index], extrasOfValues[index], definitions);
      }
    } else add(found, { parent, jsonName, property, index: undefined }, value, extras, definitions);
  }
  return found;
}

/** The places of all elements below a place, in the order of the definitions. */
export function allChildren(parent: Place, definitions: Definitions): Place[] {
  const properties = parent.type === undefined ? undefined : definitions.properties(parent.type);
  return properties ? childrenOf(parent, [...properties], definitions) : [];
}

/** Of element `name` of a type; empty when there is none. */
export function elementNames(type: string, name: string, definitions: Definitions): ElementNames {
  const properties = definitions.properties(type);
  const only = properties.get(name);
  if (only && !only.element.isChoice) return [[name, only]];
  return [...properties].filter(([, { element }]) => element.name === name);
}

/** Whether a type is another one or made from it: a code is a string, an Age a Quantity, a Patient a Resource. */
export function isSpecialisation(type: string, of: string, definitions: Definitions): boolean {
  for (let base: string | undefined = type; base; base = definitions.typeDefinition(base)?.base) {
    if (base === of) return true;
  }
  return false;
}

/** A null stands in a list for what only the other of the two lists has. */
function add(found: Place[], at: Position, value: unknown, extras: unknown, definitions: Definitions): void {
  const members = typeof extras === 'object' && extras !== null ? extras : undefined;
  if ((value === undefined || value === null) && !members) return;
  const { type, isPrimitive } = at.property;
  found.push({
    value: value ?? undefined,
    extras: members,
    type: type.code === 'Resource' ? typeOfResource(value, definitions) : type.code,
    isPrimitive,
    at,
  });
}

function typeOfResource(value: unknown, definitions: Definitions): string | undefined {
  const { resourceType } = Object(value) as { resourceType?: unknown };
  return typeof resourceType === 'string' && definitions.resourceTypes.has(resourceType) ? resourceType : undefined;
}

function own(holder: object, name: string): unknown {
  return Object.hasOwn(holder, name) ? (holder as Record<string, unknown>)[name] : undefined;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
