// Structural validation against base R4: every element, cardinality, type and required code: https://hl7.org/fhir/R4/validation.html

import type { Definitions } from '../fhir/definitions.ts';
import type { DetailedIssue } from './details.ts';
import { Explanation } from './explain.ts';
import { integerTextIssues } from './integer-texts.ts';
import { TypeChecks } from './type-checks.ts';

/** No issue in a well-built resource, else up to 100. Checks are compiled per type on first use and kept. */
export function createStructureCheck(
  definitions: Definitions,
): (resource: unknown, exactNumbers?: ReadonlyMap<string, string>) => readonly DetailedIssue[] {
  const checks = new TypeChecks(definitions);
  return (resource, exactNumbers) => {
    if (checks.resource.matches(resource)) {
      return exactNumbers?.size ? integerTextIssues(definitions, resource, exactNumbers) : none;
    }
    const explanation = new Explanation(definitions, checks);
    explanation.explainResource(resource);
    checks.references.forgetLocal();
    const { issues } = explanation.list;
    if (issues.length === 0) throw new Error('A resource was refused, but no issue found in it.');
    return issues;
  };
}

const none: readonly DetailedIssue[] = [];
