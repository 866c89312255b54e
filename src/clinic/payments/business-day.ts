// The day that money belongs to, in the clinic's own time (contract.md 38).

import { fhirError } from '../../fhir/outcome.ts';

/** Throws 422 for money of tomorrow. */
export function requirePast(day: string, today: string, writeIndex?: number): void {
  if (day <= today) return;
  throw fhirError('business-rule', `The day of a payment is not in the future: in this clinic it is ${today}.`, {
    expression: 'PaymentReconciliation.paymentDate',
    ...(writeIndex !== undefined && { writeIndex }),
  });
}
