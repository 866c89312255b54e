// Reads a payment strictly: what is not clear about its money is refused with 422 before anything is posted (contract.md 31 to 36, security.md 111).

import type { Money, PaymentReconciliation, PaymentReconciliationDetail } from '@medplum/fhirtypes';
import { sumOf } from '../../fhir/decimal.ts';
import { type Currency, isCurrency, readAmount } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { ExactNumbers } from '../../repository/change.ts';
import { localTarget } from '../billing/local-target.ts';
import { extensionUrls, mainDrawerId } from './canonicals.ts';
import { type MethodCode, methodCodes, methodOf } from './money-method.ts';
import {
  type Allocation,
  extensionOf,
  extensionsOf,
  isDrawerMove,
  kindOf,
  type Payment,
  type PaymentKind,
  targetOf,
} from './payment.ts';
import { requireForm } from './payment-forms.ts';
import { type Phase, phaseOf } from './phase.ts';

/** A payment of more parts is several. */
const allocationsMax = 1_000;

/** Of a valid resource. */
export function readPayment(resource: PaymentReconciliation, exactNumbers: ExactNumbers | undefined): Payment {
  for (const url of Object.values(extensionUrls)) {
    if (extensionsOf(resource, url).length > 1) throw refused('An extension of a payment is given once.', 'extension');
  }
  const kind = readKind(resource);
  const { amountMinor, currency } = readMoney(resource.paymentAmount, 'paymentAmount', exactNumbers);
  requireTendered(resource, { amountMinor, currency }, exactNumbers);
  const payment: Payment = {
    kind,
    phase: readPhase(resource),
    amountMinor,
    currency,
    method: readMethod(resource, kind),
    issuer: targetOf(resource, extensionUrls.issuer),
    drawer: readDrawer(resource),
    day: readDay(resource),
    refunds: readRefunds(resource, kind),
    allocations: readAllocations(resource, { amountMinor, currency }, exactNumbers),
    bankFeeMinor: readHanded(resource, extensionUrls.bankFee, currency, exactNumbers),
  };
  requireForm(payment);
  return payment;
}

interface Amount {
  readonly amountMinor: bigint;
  readonly currency: Currency;
}

function readKind(resource: PaymentReconciliation): PaymentKind {
  const kind = kindOf(resource);
  if (kind === undefined) {
    throw refused(
      'The type must be payment, advance or adjustment of HL7, or copay, refund, float, pay-in, pay-out or hand-over of the house.',
      'extension',
    );
  }
  if (kind === 'settlement') {
    throw refused('A settlement is made by $settle-day, which counts the drawer against its payments.', 'extension');
  }
  return kind;
}

function readPhase(resource: PaymentReconciliation): Phase {
  const phase = phaseOf(resource);
  if (phase !== undefined) return phase;
  throw refused('The outcome of a payment must be queued, complete or error.', 'outcome');
}

/** Decimals are read from their text, so that nothing is rounded on the way. */
function readMoney(money: Money | undefined, element: string, exactNumbers: ExactNumbers | undefined): Amount {
  const { value, currency } = money ?? {};
  if (value === undefined || currency === undefined) throw refused('An amount needs a value and a currency.', element);
  if (!isCurrency(currency))
    throw refused('The currency has no smallest unit that money could be counted in.', element);
  const amountMinor = readAmount(exactNumbers?.get(pointerOf(element)) ?? value, currency);
  if (amountMinor === undefined) {
    throw refused(`An amount has no more decimals than ${currency} has, and at most 15 digits.`, element);
  }
  return { amountMinor, currency };
}

/** `detail[0].amount` is `/detail/0/amount/value`. */
function pointerOf(element: string): string {
  return `/${element.replaceAll(/[.[]/g, '/').replaceAll(']', '')}/value`;
}

function readPositive(money: Money | undefined, element: string, exactNumbers: ExactNumbers | undefined): Amount {
  const amount = readMoney(money, element, exactNumbers);
  if (amount.amountMinor <= 0n)
    throw refused('Amounts are more than zero: what a payment does its type says.', element);
  return amount;
}

function requireTendered(resource: PaymentReconciliation, paid: Amount, exactNumbers: ExactNumbers | undefined): void {
  if (paid.amountMinor <= 0n) {
    throw refused('Amounts are more than zero: what a payment does its type says.', 'paymentAmount');
  }
  const tendered = readHanded(resource, extensionUrls.tendered, paid.currency, exactNumbers);
  const returned = readHanded(resource, extensionUrls.returned, paid.currency, exactNumbers);
  if (tendered === undefined && returned === undefined) return;
  if ((tendered ?? 0n) - (returned ?? 0n) === paid.amountMinor) return;
  throw refused('What was tendered less what was returned must be the amount that was paid.', 'extension');
}

function readHanded(
  resource: PaymentReconciliation,
  url: string,
  currency: Currency,
  exactNumbers: ExactNumbers | undefined,
): bigint | undefined {
  const index = resource.extension?.findIndex((one) => one.url === url) ?? -1;
  if (index < 0) return undefined;
  const element = `extension[${index}].valueMoney`;
  const handed = readMoney(resource.extension?.[index]?.valueMoney, element, exactNumbers);
  if (handed.amountMinor < 0n || handed.currency !== currency) {
    throw refused('Such an amount is in the currency of the payment, and not negative.', element);
  }
  return handed.amountMinor;
}

function readMethod(resource: PaymentReconciliation, kind: PaymentKind): MethodCode | undefined {
  const concept = extensionOf(resource, extensionUrls.method)?.valueCodeableConcept;
  const method = methodOf(concept);
  const mayLack = kind === 'refund' || isDrawerMove(kind);
  if (method !== undefined || (concept === undefined && mayLack)) return method;
  throw refused(`A payment needs a method that has an account: one of ${methodCodes.join(', ')}.`, 'extension');
}

function readDrawer(resource: PaymentReconciliation): string | undefined {
  if (!extensionOf(resource, extensionUrls.drawer)) return undefined;
  const target = targetOf(resource, extensionUrls.drawer);
  if (target?.type === 'Location') return target.id === mainDrawerId ? undefined : target.id;
  throw refused('A drawer is a Location of this clinic.', 'extension');
}

/** A day, since a month has no drawer. */
function readDay({ paymentDate }: PaymentReconciliation): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(paymentDate ?? '')) return paymentDate as string;
  throw refused('The date of a payment is a day.', 'paymentDate');
}

function readRefunds(resource: PaymentReconciliation, kind: PaymentKind): Payment['refunds'] {
  const target = targetOf(resource, extensionUrls.refunds);
  if (kind !== 'refund') {
    if (!extensionOf(resource, extensionUrls.refunds)) return undefined;
    throw refused('Only a refund says what it refunds.', 'extension');
  }
  if (target?.type === 'PaymentReconciliation' || target?.type === 'Invoice') return target;
  throw refused('A refund names the payment or the credit note whose money it gives back.', 'extension');
}

function readAllocations(
  { detail = [] }: PaymentReconciliation,
  paid: Amount,
  exactNumbers: ExactNumbers | undefined,
): Allocation[] {
  if (detail.length > allocationsMax) throw refused(`A payment has at most ${allocationsMax} parts.`, 'detail');
  const allocations = detail.map((one, index): Allocation => {
    const { amountMinor, currency } = readPositive(one.amount, `detail[${index}].amount`, exactNumbers);
    if (currency !== paid.currency) throw refused('A payment has one currency.', `detail[${index}].amount`);
    return { index, target: readTarget(one, index), amountMinor };
  });
  if (sumOf(allocations.map(({ amountMinor }) => amountMinor)) <= paid.amountMinor) return allocations;
  throw refused('The parts are more than the payment.', 'detail');
}

function readTarget({ request }: PaymentReconciliationDetail, index: number): Allocation['target'] {
  if (request === undefined) return undefined;
  const target = localTarget(request);
  if (target?.type === 'Invoice' || target?.type === 'Appointment') return target;
  throw refused('A payment is for Invoices and Appointments of this clinic.', `detail[${index}].request`);
}

function refused(diagnostics: string, element: string): Error {
  return fhirError('business-rule', diagnostics, { expression: `PaymentReconciliation.${element}` });
}
