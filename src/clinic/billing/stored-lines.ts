// The lines of an Invoice as they stand in it, as amounts to reckon with; what is no amount counts as nothing.

import type { Invoice, InvoiceLineItem } from '@medplum/fhirtypes';
import { readDecimal } from '../../fhir/decimal.ts';
import { type Currency, isCurrency, readAmount } from '../../fhir/money.ts';
import type { LineComponent } from './price-line.ts';

export function readStoredLine({ priceComponent = [] }: InvoiceLineItem, currency: Currency): LineComponent[] {
  return priceComponent.map(({ type, code, factor, amount }) => ({
    type,
    code,
    factor: factor === undefined ? undefined : readDecimal(factor),
    amountMinor: (amount?.value === undefined ? undefined : readAmount(amount.value, currency)) ?? 0n,
  }));
}

export function readStoredComponents(invoice: Invoice, currency: Currency): LineComponent[] {
  return (invoice.lineItem ?? []).flatMap((line) => readStoredLine(line, currency));
}

/** The first one that is named; undefined where no amount has one. */
export function currencyOf(invoice: Invoice): Currency | undefined {
  const { totalGross, totalNet, lineItem = [] } = invoice;
  const amounts = lineItem.flatMap(({ priceComponent = [] }) => priceComponent.map(({ amount }) => amount));
  return [totalGross, totalNet, ...amounts]
    .map((money) => money?.currency as string | undefined)
    .find((code): code is Currency => code !== undefined && isCurrency(code));
}

/** Whether a line is one of these, wherever it stands among them. */
export function createLineTest(lines: readonly InvoiceLineItem[]): (line: InvoiceLineItem) => boolean {
  const texts = new Set(lines.map(lineText));
  return (line) => texts.has(lineText(line));
}

/** The same for lines of the same content, in whatever order their members are written. */
function lineText({ sequence: _, ...line }: InvoiceLineItem): string {
  return JSON.stringify(line, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
