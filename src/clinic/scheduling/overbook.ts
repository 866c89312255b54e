// The override of a double booking: an administrator says why (domain.md S2-FR-S01, contract.md 12).

import type { Appointment } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';

const url = 'https://hpms.example/fhir/StructureDefinition/overbook';
const overbooking = 'op:overbook';

export function isOverbooked(appointment: Appointment): boolean {
  return appointment.extension?.some((extension) => extension.url === url) ?? false;
}

/** Throws 403 for who has not the right and 422 for a blank reason. */
export function requireOverbookAllowed(appointment: Appointment, caller: Session['caller']): void {
  const override = appointment.extension?.find((extension) => extension.url === url);
  if (!override) return;
  if (caller.kind !== 'server' && !caller.operations?.has(overbooking)) {
    throw fhirError('forbidden', 'Only a clinic administrator may overbook.', { expression: 'Appointment.extension' });
  }
  const reason = override.extension?.find((extension) => extension.url === 'reason')?.valueString;
  if (reason === undefined || reason.trim() === '') {
    throw fhirError('business-rule', 'Overbooking needs a reason.', { expression: 'Appointment.extension' });
  }
}
