// Where an element stands in a resource, told as FHIRPath and as JSON Pointer: https://hl7.org/fhir/R4/fhirpath.html

import type { XmlElement } from './layout.ts';

/** A chain from an element up to the resource; a resource inside another shares the place of the element around it. */
export interface Place {
  readonly parent: Place | undefined;
  /** Undefined for a resource. */
  readonly element: XmlElement | undefined;
  readonly index: number;
  /** The resource type, where `element` is undefined. */
  readonly type: string;
}

/** Such as `Patient.name[0].given[1]`. */
export function expressionOf(place: Place): string {
  let expression = '';
  for (let at: Place | undefined = place; at; at = at.parent) {
    if (at.element) expression = `.${at.element.pathName}${at.element.repeats ? `[${at.index}]` : ''}${expression}`;
    else if (!at.parent) expression = at.type + expression;
  }
  return expression;
}

/** Such as `/name/0/given/1`: https://www.rfc-editor.org/rfc/rfc6901 (no element's name needs its escapes) */
export function pointerOf(place: Place): string {
  let pointer = '';
  for (let at: Place | undefined = place; at; at = at.parent) {
    if (at.element) pointer = `/${at.element.name}${at.element.repeats ? `/${at.index}` : ''}${pointer}`;
  }
  return pointer;
}
