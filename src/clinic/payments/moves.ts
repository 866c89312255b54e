// What a write of a PaymentReconciliation does to money, from its old and its new content (domain.md SM-4).

import type { PaymentReconciliation } from '@medplum/fhirtypes';
import { isPlausible, largestAmount } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import { ofWrite } from '../../repository/plan-changes.ts';
import { isMoney, type Payment } from './payment.ts';
import { type Phase, phaseOf } from './phase.ts';
import { readPayment } from './read-payment.ts';

export interface Move {
  readonly change: Change;
  readonly payment: Payment;
  /** Undefined where nothing was known of it before. */
  readonly from: Phase | undefined;
}

/** Those by which something is to be stored or posted. What the server writes itself has been posted by whoever asked for it. */
export function movesOf(changes: readonly Change[]): Move[] {
  return changes.flatMap((change) => {
    const move = change.byServer ? undefined : ofWrite(change.index, () => moveOf(change));
    return move ? [move] : [];
  });
}

function moveOf(change: Change): Move | undefined {
  const resource = change.resource as PaymentReconciliation | undefined;
  if (!resource || !isMoney(resource)) return undefined;
  const [from, to] = [knownPhase(change), phaseOf(resource)];
  // What is void from the beginning is somebody's memory of a payment, and moves nothing.
  if (to === 'draft' || to === from || (from === undefined && to === 'void')) return undefined;
  const payment = readPayment(resource, change.exactNumbers);
  if (to === 'posted' || to === 'queued') requirePlausible(payment);
  return { change, payment, from };
}

/** Throws 422 for more than a clinic takes at once. What was taken is given back and voided whatever it is. */
function requirePlausible({ kind, amountMinor, currency }: Payment): void {
  if (kind === 'refund' || isPlausible(amountMinor)) return;
  const diagnostics = `A payment amounts to at most ${largestAmount(currency)} ${currency}.`;
  throw fhirError('business-rule', diagnostics, { expression: 'PaymentReconciliation.paymentAmount' });
}

/** The phase that a payment has left its first content in; a draft is none yet. */
export function knownPhase({ oldResource }: Change): Phase | undefined {
  const old = oldResource as PaymentReconciliation | undefined;
  const phase = old && isMoney(old) ? phaseOf(old) : undefined;
  return phase === 'draft' ? undefined : phase;
}
