// The receipt of each Invoice that a payment has settled, made by the server only (contract.md 39): https://hl7.org/fhir/R4/paymentnotice.html

import type { PaymentNotice, Resource } from '@medplum/fhirtypes';
import { newId } from '../../fhir/ids.ts';
import { exactAmounts, toMoney } from '../../fhir/money.ts';
import type { WriteIntent } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { takeNumbers } from '../numbers/take-numbers.ts';
import type { AllocationRow } from './allocation-rows.ts';
import { receiptNumberSystem } from './canonicals.ts';
import type { Receipt } from './posting.ts';

export interface MadeReceipts {
  readonly intents: readonly WriteIntent[];
  readonly allocations: readonly AllocationRow[];
}

/** With the next numbers of the series, in the order of the payments. */
export async function makeReceipts(session: Session, receipts: readonly Receipt[]): Promise<MadeReceipts> {
  const numbers = await takeNumbers(session, 'RCT', receipts.length);
  const made = receipts.map((receipt, index) => {
    const id = newId(session.at.getTime());
    const notice = receiptOf(receipt, id, numbers[index] ?? '', session.at);
    const { paymentId, invoiceId, amountMinor } = receipt;
    return { notice, allocation: { paymentId, invoiceId, amountMinor, receiptId: id } };
  });
  return {
    intents: made.map(({ notice }) => ({
      action: 'create',
      id: notice.id,
      resource: notice,
      exactNumbers: exactAmounts(notice),
    })),
    allocations: made.map(({ allocation }) => allocation),
  };
}

function receiptOf(receipt: Receipt, id: string, number: string, at: Date): PaymentNotice & { readonly id: string } {
  const { paymentId, invoiceId, amountMinor, currency, day } = receipt;
  return {
    resourceType: 'PaymentNotice',
    id,
    identifier: [{ system: receiptNumberSystem, value: number }],
    status: 'active',
    request: { reference: `Invoice/${invoiceId}` },
    created: at.toISOString(),
    payment: { reference: `PaymentReconciliation/${paymentId}` },
    paymentDate: day,
    // R4 wants to know who is told, which can be nobody but an organization: the clinic tells itself.
    recipient: { type: 'Organization', display: 'The clinic that was paid' },
    amount: toMoney(amountMinor, currency),
    paymentStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/paymentstatus', code: 'paid' }] },
  };
}

export function cancelReceipts(ids: readonly string[]): WriteIntent[] {
  return ids.map((id) => ({
    action: 'patch',
    type: 'PaymentNotice',
    id,
    apply: (content) => ({ ...content, resource: { ...content.resource, status: 'cancelled' } as Resource }),
  }));
}
