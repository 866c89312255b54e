// The errors that name the element at fault in a resource's XML: https://hl7.org/fhir/R4/operationoutcome.html

import { type FhirError, fhirError } from '../outcome.ts';
import type { XmlElement } from './layout.ts';
import { expressionOf, type Place } from './place.ts';

/** `fault` is said of the element at `place`, or of the XML as a whole. */
export function faultAt(fault: string, place: Place | undefined): FhirError {
  return refusal(place ? `${expressionOf(place)} ${fault}.` : `The XML ${fault}.`, place);
}

export function refusal(diagnostics: string, place: Place | undefined): FhirError {
  return fhirError('structure', diagnostics, place && { expression: expressionOf(place) });
}

export function unknownFault(name: string, parent: Place, what: 'element' | 'attribute'): FhirError {
  const known = nameOf(name);
  const type = parent.element?.form === 'resource' ? 'What holds a resource' : parent.type;
  const place = expressionOf(parent);
  const expression = known && what === 'element' ? `${place}.${known}` : place;
  return fhirError('structure', `${type} has no ${what} ${known ?? 'of this name'}.`, { expression });
}

export function emptyFault({ form }: XmlElement): string {
  if (form === 'resource') return 'must hold a resource';
  return 'is empty; it needs a value, child elements or extensions, or must be left out';
}

/** Only what can be an element's name is repeated to the client. */
export function nameOf(name: string): string | undefined {
  return /^[A-Za-z][A-Za-z0-9]{0,63}$/.test(name) ? name : undefined;
}
