// What a request says it is for, and the emergency that opens what is closed otherwise (security.md 38):
// https://terminology.hl7.org/CodeSystem-v3-ActReason.html

import { fhirError } from '../fhir/outcome.ts';
import type { Caller, Grant } from './caller.ts';
import { requireOperation } from './may.ts';
import { patientTypes } from './patient-types.ts';
import { isPurpose } from './purpose-codes.ts';

/** An emergency: who has the right may read every patient's records, whatever roles and consents say, and is written down. */
export const breakGlass = 'BTG';

/** Records about the records, and what was signed, are for auditors. */
const apart: ReadonlySet<string> = new Set(['AuditEvent', 'Provenance']);

const emergency: readonly Grant[] = [...patientTypes]
  .filter((type) => !apart.has(type))
  .map((type) => ({ context: 'user', type, permissions: new Set(['r', 's'] as const) }));

/** The caller with the purpose of the header `X-Purpose-Of-Use`. Throws 400 for what is none and 403 for an emergency without the right. */
export function withPurpose(caller: Caller, header: string | readonly string[] | undefined): Caller {
  if (header === undefined) return caller;
  if (typeof header !== 'string' || !isPurpose(header)) {
    throw fhirError('value', 'X-Purpose-Of-Use is one code of v3 PurposeOfUse, such as TREAT.', { status: 400 });
  }
  if (header !== breakGlass) return { ...caller, purposeOfUse: header };
  requireOperation(caller, 'op:break-glass');
  return { ...caller, purposeOfUse: header, grants: [...caller.grants, ...emergency] };
}
