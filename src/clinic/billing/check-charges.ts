// A ChargeItem is charged once, and to the patient it is for (domain.md S4-K2, S4-M12).

import type { ChargeItem, Invoice } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import { chargeItemIdOf } from './charge-items.ts';
import { localTarget } from './local-target.ts';

/** Throws 422. What is not stored, or is not for a Patient, is not judged here. */
export function checkCharges(invoice: Invoice, chargeItems: ReadonlyMap<string, ChargeItem>): void {
  const patient = localTarget(invoice.subject);
  const charged = new Set<string>();
  for (const [index, line] of (invoice.lineItem ?? []).entries()) {
    const id = chargeItemIdOf(line);
    if (id === undefined) continue;
    if (charged.has(id)) throw refused(`ChargeItem/${id} is on two lines: it is charged once.`, index);
    charged.add(id);
    const subject = localTarget(chargeItems.get(id)?.subject);
    const isOfOther = subject?.type === 'Patient' && patient?.type === 'Patient' && subject.id !== patient.id;
    if (isOfOther) throw refused(`ChargeItem/${id} is for another patient than this Invoice.`, index);
  }
}

function refused(diagnostics: string, index: number): Error {
  return fhirError('business-rule', diagnostics, { expression: `Invoice.lineItem[${index}].chargeItemReference` });
}
