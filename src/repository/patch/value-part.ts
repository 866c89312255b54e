// The value of a FHIRPath Patch operation, made to fit the element it goes to: https://hl7.org/fhir/R4/fhirpatch.html

import type { Definitions, Property } from '../../fhir/definitions.ts';
import { type ElementNames, elementNames, isSpecialisation } from '../../fhir/fhirpath/place.ts';
import { copyTree, isObject, type JsonObject } from '../exact-tree.ts';
import { type Item, type NamedItem, readItems, setSingle, writeItems } from './edit-place.ts';
import { CannotApply } from './failed.ts';

/** A part of a Parameters resource that was found valid. */
export interface Part {
  readonly name: string;
  readonly resource?: JsonObject;
  readonly part?: readonly Part[];
  readonly [jsonName: string]: unknown;
}

/** An element by the names it can have in JSON. */
export interface Target {
  /** As FHIRPath has it. */
  readonly name: string;
  readonly candidates: ElementNames;
}

/** Throws CannotApply when the type has no such element. */
export function requireTarget(type: string, name: string, definitions: Definitions): Target {
  const candidates = elementNames(type, name, definitions);
  if (candidates.length > 0) return { name, candidates };
  throw new CannotApply(`${type} has no element ${/^\w{1,64}$/.test(name) ? name : 'of this name'}`);
}

/** Throws CannotApply when the value is of no type that the element may have. */
export function fitValue(part: Part, target: Target, definitions: Definitions): NamedItem {
  const given = typedValue(part, definitions);
  if ([given, part.resource, part.part].filter((one) => one !== undefined).length !== 1) {
    throw new CannotApply(`${target.name} needs one value[x], resource or list of parts`);
  }
  if (part.resource) return fitResource(part.resource, target);
  if (part.part) return fitParts(part.part, target, definitions);
  return fitTyped(given as TypedItem, target, definitions);
}

/** Appends to a list; an element that is none must not be there yet. */
export function addElement(holder: JsonObject, target: Target, item: NamedItem): void {
  if (isList(target)) {
    writeItems(holder, item.jsonName, [...readItems(holder, item.jsonName), item]);
    return;
  }
  const isThere = target.candidates.some(([name]) => Object.hasOwn(holder, name) || Object.hasOwn(holder, `_${name}`));
  if (isThere) throw new CannotApply(`${target.name} is there already and is no list; replace it`);
  setSingle(holder, item);
}

export function isList({ candidates }: Target): boolean {
  return candidates[0]?.[1].element.repeats === true;
}

function fitTyped({ type, value, extras }: TypedItem, target: Target, definitions: Definitions): NamedItem {
  const candidate = target.candidates.find(([, property]) => takes(property, type, definitions));
  if (!candidate) throw new CannotApply(`${target.name} takes ${typesOf(target)}, not ${type}`);
  const [jsonName, { element }] = candidate;
  if (extras && element.isAttribute) throw new CannotApply(`${target.name} takes no extension`);
  return { jsonName, value: copyTree(value), extras: copyTree(extras) as object | undefined };
}

/** A Parameters resource cannot hold xhtml, so a string stands for it. */
const implicit: ReadonlySet<string> = new Set(['date>dateTime', 'integer>decimal', 'string>xhtml']);

/** What is made from the type is of the type; a choice names its types one by one. */
function takes({ element, type: { code } }: Property, type: string, definitions: Definitions): boolean {
  if (element.isChoice) return code === type;
  return isSpecialisation(type, code, definitions) || implicit.has(`${type}>${code}`);
}

/** Parts are the elements of a value, and those of one name the items of a list. */
function fitParts(parts: readonly Part[], target: Target, definitions: Definitions): NamedItem {
  const [candidate, ...others] = target.candidates;
  if (!candidate || others.length > 0 || candidate[1].isPrimitive || candidate[1].type.code === 'Resource') {
    throw new CannotApply(`${target.name} takes ${typesOf(target)}, not parts`);
  }
  const [jsonName, { type }] = candidate;
  const value: JsonObject = {};
  for (const part of parts) {
    const element = requireTarget(type.code, part.name, definitions);
    addElement(value, element, fitValue(part, element, definitions));
  }
  return { jsonName, value, extras: undefined };
}

function fitResource(resource: JsonObject, target: Target): NamedItem {
  const [jsonName, property] = target.candidates[0] as ElementNames[number];
  if (property.type.code !== 'Resource') throw new CannotApply(`${target.name} takes ${typesOf(target)}, no resource`);
  return { jsonName, value: copyTree(resource), extras: undefined };
}

type TypedItem = Item & { readonly type: string };

/** `valueX` and, of a primitive, `_valueX`; undefined for none and for several. */
function typedValue(part: Part, definitions: Definitions): TypedItem | undefined {
  const names = Object.keys(part).filter((name) => /^_?value[A-Z]/.test(name));
  const [jsonName, ...others] = new Set(names.map((name) => name.replace('_', '')));
  const type = jsonName && definitions.properties('Parameters.parameter').get(jsonName)?.type.code;
  if (!type || others.length > 0) return undefined;
  const extras = part[`_${jsonName}`];
  return { type, value: part[jsonName], extras: isObject(extras) ? extras : undefined };
}

function typesOf({ candidates }: Target): string {
  return candidates.map(([, { type }]) => type.code).join(', ');
}
