// Totals that a client sends are those of the lines, or it is told the right ones (contract.md 27).

import type { Invoice, Money } from '@medplum/fhirtypes';
import { sumOf } from '../../fhir/decimal.ts';
import { type Currency, formatAmount, isExact, readAmount } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { grossOf, type LineComponent, netOf } from './price-line.ts';

export function checkTotals(invoice: Invoice, components: readonly LineComponent[], currency: Currency): void {
  const netMinor = netOf(components);
  const grossMinor = grossOf(components);
  if (!isExact(netMinor) || !isExact(grossMinor)) {
    throw fhirError('business-rule', 'An Invoice amounts to at most 15 digits.', { expression: 'Invoice.lineItem' });
  }
  const right = isAmount(invoice.totalNet, netMinor, currency) && isAmount(invoice.totalGross, grossMinor, currency);
  if (right && arePartsRight(invoice, components, currency)) return;
  const [net, gross] = [netMinor, grossMinor].map((minor) => `${formatAmount(minor, currency)} ${currency}`);
  const diagnostics = `The totals are not those of the lines: totalNet is ${net}, totalGross is ${gross}. Send these, or leave totals out.`;
  throw fhirError('business-rule', diagnostics, { expression: 'Invoice.totalGross' });
}

/** What was left out is right. */
function isAmount(money: Money | undefined, expectedMinor: bigint, currency: Currency): boolean {
  if (money?.value === undefined) return true;
  return (money.currency ?? currency) === currency && readAmount(money.value, currency) === expectedMinor;
}

/** Components may be summed in other groups than the server's: what counts is the sum of each type. */
function arePartsRight(
  { totalPriceComponent }: Invoice,
  components: readonly LineComponent[],
  currency: Currency,
): boolean {
  if (!totalPriceComponent) return true;
  return (['base', 'surcharge', 'discount', 'deduction', 'tax'] as const).every((type) => {
    const sent = totalPriceComponent.filter((part) => part.type === type);
    const sums = sent.map(({ amount }) => (amount?.value === undefined ? 0n : readAmount(amount.value, currency)));
    if (sums.some((sum) => sum === undefined)) return false;
    const expected = sumOf(components.filter((part) => part.type === type).map(({ amountMinor }) => amountMinor));
    return sumOf(sums as bigint[]) === expected;
  });
}
