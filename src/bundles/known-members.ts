// Refuses what a Bundle has no element for: a precondition with a slip in its name would be none: https://hl7.org/fhir/R4/json.html

import type { Definitions } from '../fhir/definitions.ts';
import { fhirError } from '../fhir/outcome.ts';

/** Throws 400 for the first; `type` is `Bundle` or one of its backbone elements. What is no object is another's matter. */
export function requireKnownMembers(definitions: Definitions, type: string, node: unknown, place: string): void {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
  const properties = definitions.properties(type);
  for (const name of Object.keys(node)) {
    const isKnown = properties.has(name.startsWith('_') ? name.slice(1) : name);
    if (isKnown || (type === 'Bundle' && name === 'resourceType')) continue;
    // What can be no element's name is not repeated.
    const isName = /^_?[A-Za-z]\w{0,63}$/.test(name);
    throw fhirError('structure', `${type} has no element ${isName ? name : 'of this name'}.`, {
      expression: isName ? `${place}.${name}` : place,
    });
  }
}
