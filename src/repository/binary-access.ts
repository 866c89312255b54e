// Who may see a Binary: whoever may read what its securityContext names: https://hl7.org/fhir/R4/binary.html#security-context

import type { Reference } from '@medplum/fhirtypes';
import type { Caller } from '../access/caller.ts';
import { may } from '../access/may.ts';
import { referenceType } from '../fhir/fhirpath/reference-type.ts';

/**
 * Beside the right on Binary the caller needs the right to read the type the context names; a context that does not say
 * its type is for those who may read every type. Without a context the right on Binary is enough.
 */
export function mayReadContext(caller: Caller, securityContext: Reference | undefined): boolean {
  return securityContext === undefined || may(caller, 'r', referenceType(securityContext) ?? '*');
}
