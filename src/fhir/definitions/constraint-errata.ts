// Invariants that R4 published wrongly, as later releases or their own sentence have them: https://hl7.org/fhir/R4/conformance-rules.html#constraints

import type { Constraint } from './snapshot.ts';

export interface ConstraintErratum {
  /** What is evaluated instead. */
  readonly expression: string;
  readonly reason: string;
}

const anchored = 'Without anchors matches() is content with any part of the name (R5 anchors it).';
const undecided =
  'Where the precision or the unit of the two differs nothing is known, and that is no fault (R5 compares their boundaries).';

/** By the published expression. An invariant is met by true alone, so an expression that R4 lets be empty is one of these. */
export const constraintErrata: ReadonlyMap<string, ConstraintErratum> = new Map([
  [
    "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')",
    {
      expression: "name.exists() implies name.matches('^[A-Z]([A-Za-z0-9_]){0,254}$')",
      reason: `${anchored} A definition without name has no wrong one (R5: name.exists() implies ...); ChargeItemDefinition never has one.`,
    },
  ],
  [
    'start.hasValue().not() or end.hasValue().not() or (start <= end)',
    {
      expression: 'start.hasValue().not() or end.hasValue().not() or iif(start > end, false, true)',
      reason: undecided,
    },
  ],
  [
    'low.empty() or high.empty() or (low <= high)',
    { expression: 'low.empty() or high.empty() or iif(low > high, false, true)', reason: undecided },
  ],
  [
    'whenHandedOver.empty() or whenPrepared.empty() or whenHandedOver >= whenPrepared',
    {
      expression: 'whenHandedOver.empty() or whenPrepared.empty() or iif(whenHandedOver < whenPrepared, false, true)',
      reason: undecided,
    },
  ],
  [
    'lastModified.exists().not() or authoredOn.exists().not() or lastModified >= authoredOn',
    {
      expression:
        'lastModified.exists().not() or authoredOn.exists().not() or iif(lastModified < authoredOn, false, true)',
      reason: undecided,
    },
  ],
  [
    'probability is decimal implies (probability as decimal) <= 100',
    {
      expression: 'probability.empty() or (probability is decimal implies (probability as decimal) <= 100)',
      reason: 'A prediction without probability makes the published expression empty.',
    },
  ],
  [
    "operator = 'exists' implies (answer is Boolean)",
    {
      expression: "operator = 'exists' implies (answer is boolean)",
      reason: 'Boolean is a type of FHIRPath; an element is of the type boolean (mended in R4B).',
    },
  ],
  [
    "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or category.select($this='problem-list-item').empty()",
    {
      expression:
        "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or category.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-category' and code = 'problem-list-item').empty()",
      reason: 'A CodeableConcept is never equal to a string, so every category would be at fault.',
    },
  ],
  [
    "offset.empty() or (when.exists() and ((when in ('C' | 'CM' | 'CD' | 'CV')).not()))",
    {
      expression: "offset.empty() or (when.exists() and when.all(($this in ('C' | 'CM' | 'CD' | 'CV')).not()))",
      reason: 'when repeats, and the operator in takes one value (R5: when.select(...).allFalse()).',
    },
  ],
  [
    "path.matches('[^\\\\s\\\\.,:;\\\\\\'\"\\\\/|?!@#$%&*()\\\\[\\\\]{}]{1,64}(\\\\.[^\\\\s\\\\.,:;\\\\\\'\"\\\\/|?!@#$%&*()\\\\[\\\\]{}]{1,64}(\\\\[x\\\\])?(\\\\:[^\\\\s\\\\.]+)?)*')",
    {
      expression:
        "path.matches('^[^\\\\s\\\\.,:;\\\\\\'\"\\\\/|?!@#$%&*()\\\\[\\\\]{}]{1,64}(\\\\.[^\\\\s\\\\.,:;\\\\\\'\"\\\\/|?!@#$%&*()\\\\[\\\\]{}]{1,64}(\\\\[x\\\\])?(\\\\:[^\\\\s\\\\.]+)?)*$')",
      reason: anchored,
    },
  ],
  [
    "path.matches('[A-Za-z][A-Za-z0-9]*(\\\\.[a-z][A-Za-z0-9]*(\\\\[x])?)*')",
    { expression: "path.matches('^[A-Za-z][A-Za-z0-9]*(\\\\.[a-z][A-Za-z0-9]*(\\\\[x])?)*$')", reason: anchored },
  ],
]);

/** Of the datatype profiles that R4's own elements ask for, by canonical: https://hl7.org/fhir/R4/datatypes.html#SimpleQuantity */
export const profileConstraints: ReadonlyMap<string, Constraint> = new Map([
  [
    'http://hl7.org/fhir/StructureDefinition/SimpleQuantity',
    {
      key: 'sqty-1',
      severity: 'error',
      human: 'The comparator is not used on a SimpleQuantity',
      expression: 'comparator.empty()',
    } as const,
  ],
]);
