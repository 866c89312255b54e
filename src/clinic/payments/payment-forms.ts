// What each kind of payment cannot be, told from the payment alone (domain.md SM-4, 6 "Cash drawer").

import { fhirError } from '../../fhir/outcome.ts';
import { isDrawerMove, isMoneyIn, type Payment } from './payment.ts';

/** Throws 422. */
export function requireForm(payment: Payment): void {
  const { kind, phase, method, issuer, allocations, bankFeeMinor } = payment;
  const isCashOnly = (method === undefined || method === 'CASH') && !issuer && allocations.length === 0;
  if (isDrawerMove(kind) && !isCashOnly) {
    throw refused(`A ${kind} is cash of the clinic: nobody’s, for no Invoice, by no other method.`);
  }
  const mayHaveFee = phase === 'void' && isMoneyIn(kind) && method !== 'CASH';
  if (bankFeeMinor === undefined || mayHaveFee) return;
  throw refused('Only a payment by cheque, card or transfer that is cancelled has a bank fee.');
}

function refused(diagnostics: string): Error {
  return fhirError('business-rule', diagnostics, { expression: 'PaymentReconciliation.extension' });
}
