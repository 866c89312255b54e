// Priced lines as the elements of an Invoice, and the totals over them (contract.md 25): https://hl7.org/fhir/R4/invoice.html

import type { Invoice, InvoiceLineItemPriceComponent } from '@medplum/fhirtypes';
import { formatDecimal, sumOf } from '../../fhir/decimal.ts';
import { type Currency, toMoney } from '../../fhir/money.ts';
import { grossOf, type LineComponent, netOf } from './price-line.ts';

export function toPriceComponent(component: LineComponent, currency: Currency): InvoiceLineItemPriceComponent {
  const { type, code, factor, amountMinor } = component;
  return {
    type,
    ...(code && { code }),
    ...(factor && { factor: Number(formatDecimal(factor)) }),
    amount: toMoney(amountMinor, currency),
  };
}

/** Totals over the components of all lines; components are summed by type, code and factor, so that each tax rate has its own. */
export function totalsOf(
  components: readonly LineComponent[],
  currency: Currency,
): Required<Pick<Invoice, 'totalPriceComponent' | 'totalNet' | 'totalGross'>> {
  const groups = Map.groupBy(
    components.filter(({ type }) => type !== 'informational'),
    ({ type, code, factor }) => JSON.stringify([type, code ?? null, factor ? formatDecimal(factor) : null]),
  );
  const totalPriceComponent = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    return toPriceComponent({ ...first, amountMinor: sumOf(group.map(({ amountMinor }) => amountMinor)) }, currency);
  });
  return {
    totalPriceComponent,
    totalNet: toMoney(netOf(components), currency),
    totalGross: toMoney(grossOf(components), currency),
  };
}
