// What a mapping depends on: https://hl7.org/fhir/R4/conceptmap-definitions.html#ConceptMap.group.element.target.dependsOn

import type { CodeableConcept, ConceptMapGroupElementTarget } from '@medplum/fhirtypes';

/** What another element holds. */
export interface Dependency {
  readonly element: string;
  readonly concept: CodeableConcept;
}

/**
 * "This mapping is only applicable if the specified element can be resolved, and it has the specified value": the first
 * element that is not so, undefined where all are.
 */
export function unmetBy(
  { dependsOn = [] }: Partial<ConceptMapGroupElementTarget>,
  dependencies: readonly Dependency[] = [],
): string | undefined {
  const unmet = dependsOn.find(
    (wanted) => !dependencies.some(({ element, concept }) => element === wanted.property && hasValue(concept, wanted)),
  );
  return unmet && (unmet.property ?? '');
}

type Wanted = NonNullable<ConceptMapGroupElementTarget['dependsOn']>[number];

/** A code of the system, where one is named; else a code or a text. */
function hasValue({ coding = [], text }: CodeableConcept, { system, value }: Wanted): boolean {
  if (system === undefined && text === value) return true;
  const [url] = (system ?? '').split('|');
  return coding.some((one) => one.code === value && (system === undefined || one.system === url));
}
