// Where an element stands, in the two notations of issues and of exact numbers.

import type { Place } from '../../fhir/fhirpath/place.ts';

/** FHIRPath, as `Issue.expression` has it. */
export function expressionOf({ at, type }: Place): string {
  if (!at) return type ?? 'Resource';
  const { parent, property, index } = at;
  const step = index === undefined ? property.element.name : `${property.element.name}[${index}]`;
  return `${expressionOf(parent)}.${step}`;
}

/** JSON Pointer, as the side map of exact numbers has it. */
export function pointerOf({ at }: Place): string {
  if (!at) return '';
  const { parent, jsonName, index } = at;
  return `${pointerOf(parent)}/${jsonName}${index === undefined ? '' : `/${index}`}`;
}

/** The resource an element is in, and the one that contains it: https://hl7.org/fhir/R4/fhirpath.html#variables */
export function rootsOf(place: Place): { readonly resource: Place; readonly rootResource: Place } {
  let resource = place;
  while (resource.at && resource.at.property.type.code !== 'Resource') resource = resource.at.parent;
  const { at } = resource;
  return { resource, rootResource: at?.jsonName === 'contained' ? at.parent : resource };
}
