// The lines of a draft as the server reckons them: what the client has written is completed, what it left out is priced by the list (contract.md 26, 27).

import type { ChargeItem, Invoice, InvoiceLineItem } from '@medplum/fhirtypes';
import type { Currency } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { ExactNumbers } from '../../repository/change.ts';
import { chargeItemIdOf } from './charge-items.ts';
import { toPriceComponent } from './invoice-amounts.ts';
import type { Price } from './price.ts';
import {
  asListed,
  type Charge,
  chargeOfConcept,
  chargeOfItem,
  type PricedCharge,
  priceCharge,
} from './price-charge.ts';
import { type LineComponent, netOf } from './price-line.ts';
import { inPackages } from './price-packages.ts';
import type { Rounding } from './rounding.ts';
import { createLineTest, readStoredLine } from './stored-lines.ts';
import { readWrittenLine } from './written-line.ts';

export interface LineWorld {
  readonly currency: Currency;
  readonly rounding: Rounding;
  readonly prices: readonly Price[];
  readonly chargeItems: ReadonlyMap<string, ChargeItem>;
  /** Milliseconds since 1970: of what has no time of its own. */
  readonly at: number;
}

export interface CompletedLine {
  readonly line: InvoiceLineItem;
  readonly components: readonly LineComponent[];
  /** What the list asks for it, whatever is written in line and ChargeItem; undefined where the list has no price. */
  readonly asked: PricedCharge | undefined;
}

export interface DraftContent {
  readonly invoice: Invoice;
  readonly old: Invoice | undefined;
  readonly exactNumbers: ExactNumbers | undefined;
  readonly isCredit: boolean;
}

/** More is no bill that anybody reads; a month's collective bill has hundreds. */
const linesMax = 10_000;

/** Fills the components of the Invoice's lines in place; a line that no price is known for keeps none. */
export function completeLines(draft: DraftContent, world: LineWorld): CompletedLine[] {
  const { invoice, old, isCredit } = draft;
  const lines = invoice.lineItem ?? [];
  if (lines.length > linesMax) throw tooLong();
  // What was reckoned before is right as it is: shares of a tax that was taken out need not be what their factors give.
  const isStored = createLineTest(old?.lineItem ?? []);
  const charges = lines.map((line) => (isCredit ? undefined : chargeOf(line, world)));
  const price = (charge: Charge | undefined) => charge && priceCharge(world.prices, charge, world.rounding);
  const priced = charges.map(price);
  const inPackage = inPackages(priced);
  return lines.map((line, index) => {
    const charge = charges[index];
    const asked = inPackage[index] ?? price(charge && asListed(charge));
    const isWritten = (line.priceComponent ?? []).length > 0;
    if (isWritten && isStored(line) && isIn(line, world.currency)) {
      return { line, components: readStoredLine(line, world.currency), asked };
    }
    const listed = (inPackage[index] ?? priced[index])?.components ?? [];
    const components = isWritten ? readWrittenLine({ ...draft, ...world, line, index }) : listed;
    requireNotNegative(components, isCredit, index);
    if (components.length > 0) line.priceComponent = mergeComponents(line, components, world.currency);
    return { line, components, asked };
  });
}

function chargeOf(line: InvoiceLineItem, { chargeItems, currency, at }: LineWorld): Charge | undefined {
  const { chargeItemCodeableConcept } = line;
  if (chargeItemCodeableConcept) return chargeOfConcept(chargeItemCodeableConcept, at);
  const item = chargeItems.get(chargeItemIdOf(line) ?? '');
  return item && chargeOfItem(item, currency, at);
}

function tooLong(): Error {
  return fhirError('business-rule', `An Invoice has at most ${linesMax} lines.`, { expression: 'Invoice.lineItem' });
}

/** Where the clinic has changed its currency since, a line is none that was reckoned here. */
function isIn({ priceComponent = [] }: InvoiceLineItem, currency: Currency): boolean {
  return priceComponent.every(({ amount }) => (amount?.currency ?? currency) === currency);
}

function requireNotNegative(components: readonly LineComponent[], isCredit: boolean, index: number): void {
  if (isCredit || netOf(components) >= 0n) return;
  throw fhirError('business-rule', 'A line costs at least nothing; what is given back goes into a credit note.', {
    expression: `Invoice.lineItem[${index}].priceComponent`,
  });
}

/** What a client wrote stays as it wrote it; only amounts that it left out are added. */
function mergeComponents(
  { priceComponent }: InvoiceLineItem,
  components: readonly LineComponent[],
  currency: Currency,
): NonNullable<InvoiceLineItem['priceComponent']> {
  const reckoned = components.map((component) => toPriceComponent(component, currency));
  if (!priceComponent || priceComponent.length !== reckoned.length) return reckoned;
  return priceComponent.map((written, index) => {
    const amount = reckoned[index]?.amount;
    return amount && written.type !== 'informational' ? { ...written, amount } : written;
  });
}
