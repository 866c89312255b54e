// What a document says of the resources that its source names: the texts of charges, the numbers of invoices and receipts.

import type { ChargeItem, Identifier, Invoice, PaymentNotice, PaymentReconciliation } from '@medplum/fhirtypes';
import type { Session } from '../../repository/session.ts';
import { readAllocations } from '../payments/allocation-rows.ts';
import { readVisible } from './document-facts.ts';
import { numberOf } from './invoice-page.ts';

const receiptSystem = 'https://hpms.example/fhir/sid/receipt';

/** By the references of the lines; those that the caller may not read are not there. */
export async function chargeTexts(session: Session, { lineItem = [] }: Invoice): Promise<ReadonlyMap<string, string>> {
  const items = await readAll<ChargeItem>(
    session,
    lineItem.flatMap(({ chargeItemReference }) => chargeItemReference?.reference ?? []),
  );
  return new Map(
    [...items].map(([reference, { code, quantity }]) => {
      const text = code.text ?? code.coding?.[0]?.display ?? code.coding?.[0]?.code ?? '';
      const count = quantity?.value;
      return [reference, count === undefined || count === 1 ? text : `${count} × ${text}`];
    }),
  );
}

export interface Allocated {
  /** Of the receipts, in the order of their allocations. */
  readonly receiptNumbers: readonly string[];
  /** By the references of the payment's details. */
  readonly invoiceNumbers: ReadonlyMap<string, string>;
  /** Of the first of these Invoices. */
  readonly subject: string | undefined;
}

export async function readAllocated(session: Session, payment: PaymentReconciliation): Promise<Allocated> {
  const allocations = await readAllocations(session, [String(payment.id)]);
  const receipts = await readAll<PaymentNotice>(
    session,
    allocations.flatMap(({ receiptId }) => (receiptId === undefined ? [] : [`PaymentNotice/${receiptId}`])),
  );
  const named = (payment.detail ?? []).flatMap(({ request }) => request?.reference ?? []);
  const invoices = await readAll<Invoice>(
    session,
    named.filter((reference) => reference.startsWith('Invoice/')),
  );
  return {
    receiptNumbers: [...receipts.values()].flatMap(({ identifier }) => receiptNumberOf(identifier)),
    invoiceNumbers: new Map([...invoices].map(([reference, invoice]) => [reference, numberOf(invoice)])),
    subject: [...invoices.values()][0]?.subject?.reference,
  };
}

function receiptNumberOf(identifier: readonly Identifier[] = []): string[] {
  return identifier.flatMap(({ system, value }) => (system === receiptSystem && value !== undefined ? [value] : []));
}

/** All are asked for at once, so that they travel in one message. */
async function readAll<R extends ChargeItem | Invoice | PaymentNotice>(
  session: Session,
  references: readonly string[],
): Promise<Map<string, R>> {
  const unique = [...new Set(references)];
  const found = await Promise.all(unique.map((reference) => readVisible<R>(session, reference)));
  return new Map(unique.flatMap((reference, index) => (found[index] ? [[reference, found[index]] as const] : [])));
}
