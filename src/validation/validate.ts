// Structural validation against base R4: every element, cardinality, type and required code: https://hl7.org/fhir/R4/validation.html

import type { Definitions } from '../fhir/definitions.ts';
import type { Issue } from '../fhir/outcome.ts';
import { Explanation } from './explain.ts';
import { TypeChecks } from './type-checks.ts';

/** The validator finds no issue in a valid resource, else up to 20. Checks are compiled per type on first use and kept. */
export function createValidator(definitions: Definitions): (resource: unknown) => Issue[] {
  const checks = new TypeChecks(definitions);
  return (resource) => {
    if (checks.resource.matches(resource)) return [];
    const explanation = new Explanation(definitions, checks);
    explanation.explainResource(resource);
    if (explanation.issues.length === 0) throw new Error('A resource was refused, but no issue found in it.');
    return explanation.issues;
  };
}
