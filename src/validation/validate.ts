// Validation of a resource against base R4, as it is demanded before a write: https://hl7.org/fhir/R4/validation.html

import type { Definitions } from '../fhir/definitions.ts';
import type { Issue } from '../fhir/outcome.ts';
import { adviceOf } from './advice.ts';
import type { DetailedIssue } from './details.ts';
import { compileInvariants } from './invariants/compile-invariants.ts';
import { issuesMax } from './issue-list.ts';
import { createStructureCheck } from './structure.ts';

/** Finds no issue in a valid resource, else up to 100. */
export type Validate = (resource: unknown, options?: ValidateOptions) => Issue[];

export interface ValidateOptions {
  /** Told as well, but by themselves no reason to refuse anything. */
  readonly warnings?: boolean;
  /** Texts of decimals that their numbers do not hold, as parseJson gives them. */
  readonly exactNumbers?: ReadonlyMap<string, string>;
}

export function createValidator(definitions: Definitions): Validate {
  const structureIssues = createStructureCheck(definitions);
  const invariantIssues = compileInvariants(definitions);
  return (resource, { warnings = false, exactNumbers } = {}) => {
    const structure = structureIssues(resource, exactNumbers);
    if (structure.some(isShapeless)) return [...structure];
    const invariants = invariantIssues(resource, exactNumbers, { warnings });
    if (structure.length === 0 && invariants.length === 0 && !warnings) return [];
    const told = invariants.filter((issue) => !isExplained(issue, structure));
    const advised = warnings ? adviceOf(definitions, resource as object) : [];
    return [...structure, ...told, ...advised].slice(0, issuesMax);
  };
}

/** Invariants are about elements that are of their types; what R4 does not know is no matter to them. */
function isShapeless({ code, severity, details }: DetailedIssue): boolean {
  if (severity === 'information') return true;
  return code === 'structure' && details?.coding[0].code !== 'MSG_UNKNOWN_CONTENT';
}

/** An invariant of a datatype whose own parts are wrong says nothing new; of a resource it is about more than one part. */
function isExplained({ expression }: Issue, others: readonly Issue[]): boolean {
  const place = expression?.[0] ?? '';
  return others.some((other) => {
    const path = other.expression?.[0] ?? '';
    return path === place || (place.includes('.') && path.slice(0, path.lastIndexOf('.')) === place);
  });
}
