// The receipt of a payment or refund: what was received, how, and what for (domain.md S5-42, "Statements, receipts").

import type { Money, PaymentReconciliation } from '@medplum/fhirtypes';
import type { PatientFacts } from './document-facts.ts';
import { dayText, moneyText } from './format-values.ts';
import type { PageOptions } from './invoice-page.ts';
import type { Page } from './page.ts';
import { sheetPage, sumsOf, tableOf } from './sheet.ts';
import { wordsOf } from './words.ts';

export interface ReceiptFacts {
  readonly payment: PaymentReconciliation;
  readonly patient: PatientFacts | undefined;
  /** Of the receipts (PaymentNotice). */
  readonly numbers: readonly string[];
  /** Numbers of the Invoices, by reference. */
  readonly invoiceNumbers: ReadonlyMap<string, string>;
}

const r5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-PaymentReconciliation';

export function receiptPage(facts: ReceiptFacts, options: PageOptions): Page {
  const { payment, patient, numbers, invoiceNumbers } = facts;
  const { letterhead, language, timeZone, isDuplicate } = options;
  const words = wordsOf(language);
  const isRefund = codeOf(payment, 'type') === 'refund';
  const title = `${isRefund ? words.refund : words.receipt}${payment.status === 'cancelled' ? ` (${words.cancelled})` : ''}`;
  const money = (amount: Money | undefined) => (amount ? moneyText(amount, language) : '');
  const number = numbers.join(', ');
  const amounts = [
    [words.received, money(moneyOf(payment, 'tenderedAmount'))],
    [words.change, money(moneyOf(payment, 'returnedAmount'))],
    [words.total, money(payment.paymentAmount)],
  ] as const;
  return sheetPage({
    ...{ letterhead, language, patient, title, number, isDuplicate },
    facts: [
      [words.number, number],
      [words.date, dayText(payment.paymentDate, language, timeZone)],
      [words.method, codeOf(payment, 'method') ?? ''],
    ],
    content: [
      tableOf(
        [words.forInvoice, words.amount],
        (payment.detail ?? []).map(({ request, amount }) => [
          invoiceNumbers.get(request?.reference ?? '') ?? words.credit,
          money(amount),
        ]),
        1,
      ),
      sumsOf(amounts.filter(([, value]) => value !== '')),
    ],
  });
}

function codeOf({ extension }: PaymentReconciliation, name: 'type' | 'method'): string | undefined {
  const coding = extension?.find(({ url }) => url === `${r5}.${name}`)?.valueCodeableConcept?.coding?.[0];
  return name === 'method' ? (coding?.display ?? coding?.code) : coding?.code;
}

function moneyOf({ extension }: PaymentReconciliation, name: 'tenderedAmount' | 'returnedAmount'): Money | undefined {
  return extension?.find(({ url }) => url === `${r5}.${name}`)?.valueMoney;
}
