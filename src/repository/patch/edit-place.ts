// Edits of a resource's JSON at places that a FHIRPath found: values and their `_name` siblings change together, and what
// becomes empty goes, for FHIR has no empty elements: https://hl7.org/fhir/R4/json.html

import type { Place, Position } from '../../fhir/fhirpath/place.ts';
import { isObject, type JsonObject } from '../exact-tree.ts';

/** A value as JSON holds it: of a primitive, `extras` is what stands beside it as `_name`. */
export interface Item {
  readonly value: unknown;
  readonly extras: object | undefined;
}

export type NamedItem = Item & { readonly jsonName: string };

/** The object that holds a place's child elements: a primitive's is made when it is not there. */
export function holderOf(place: Place): JsonObject {
  if (!place.isPrimitive) return place.value as JsonObject;
  if (place.extras) return place.extras as JsonObject;
  const extras: JsonObject = {};
  if (place.at) putItem(place.at, { value: place.value, extras });
  return extras;
}

export function setSingle(holder: JsonObject, { jsonName, value, extras }: NamedItem): void {
  setOrDelete(holder, jsonName, value);
  setOrDelete(holder, `_${jsonName}`, extras);
}

/** Of a list and its sibling; empty when there is none. */
export function readItems(holder: JsonObject, jsonName: string): Item[] {
  const [values, extras] = [asList(holder[jsonName]), asList(holder[`_${jsonName}`])];
  return Array.from({ length: Math.max(values.length, extras.length) }, (_, index) => {
    const extra = extras[index];
    return { value: values[index] ?? undefined, extras: isObject(extra) ? extra : undefined };
  });
}

/** Nulls fill both lists out, so that their items stand side by side. */
export function writeItems(holder: JsonObject, jsonName: string, items: readonly Item[]): void {
  const hasExtras = items.some(({ extras }) => extras !== undefined);
  setOrDelete(holder, jsonName, items.length > 0 ? items.map(({ value }) => value ?? null) : undefined);
  setOrDelete(holder, `_${jsonName}`, hasExtras ? items.map(({ extras }) => extras ?? null) : undefined);
}

/** A choice element's new value may have another name. */
export function replaceAtPlace(at: Position, item: NamedItem): void {
  if (item.jsonName === at.jsonName) putItem(at, item);
  else {
    const holder = holderOf(at.parent);
    setSingle(holder, { jsonName: at.jsonName, value: undefined, extras: undefined });
    setSingle(holder, item);
  }
}

export function removeAtPlace({ parent, jsonName, index }: Position): void {
  const holder = holderOf(parent);
  if (index === undefined) setSingle(holder, { jsonName, value: undefined, extras: undefined });
  else writeItems(holder, jsonName, readItems(holder, jsonName).toSpliced(index, 1));
  if (Object.keys(holder).every((name) => name === 'id')) removeEmpty(parent, holder);
}

/** An id alone is no content: https://hl7.org/fhir/R4/element.html (ele-1), but it may stand beside a primitive's value. */
function removeEmpty({ at, isPrimitive, value }: Place, holder: JsonObject): void {
  if (!at) return;
  if (!isPrimitive || value === undefined) removeAtPlace(at);
  else if (Object.keys(holder).length === 0) putItem(at, { value, extras: undefined });
}

function putItem({ parent, jsonName, index }: Position, item: Item): void {
  const holder = holderOf(parent);
  if (index === undefined) setSingle(holder, { jsonName, ...item });
  else writeItems(holder, jsonName, readItems(holder, jsonName).with(index, item));
}

function setOrDelete(holder: JsonObject, name: string, value: unknown): void {
  if (value === undefined) delete holder[name];
  else holder[name] = value;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
