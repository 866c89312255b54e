// The price components that a client writes into an Invoice line, checked and completed (contract.md 25, 27): https://hl7.org/fhir/R4/invoice-definitions.html#Invoice.lineItem.priceComponent

import type { InvoiceLineItem, InvoiceLineItemPriceComponent, Money } from '@medplum/fhirtypes';
import { type Decimal, readDecimal, sumOf } from '../../fhir/decimal.ts';
import { type Currency, formatAmount, isExact, readAmount } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { ExactNumbers } from '../../repository/change.ts';
import { type LineComponent, netOf } from './price-line.ts';
import { type Rounding, timesRounded } from './rounding.ts';

export interface WrittenLine {
  readonly line: InvoiceLineItem;
  /** Of the Invoice. */
  readonly index: number;
  readonly currency: Currency;
  readonly rounding: Rounding;
  /** Lines of credit notes take back: their amounts are negative. */
  readonly isCredit: boolean;
  readonly exactNumbers: ExactNumbers | undefined;
}

/** Throws 422 for what is no price: another currency, too many decimals, a wrong sign, an amount that its factor does not give. */
export function readWrittenLine(written: WrittenLine): LineComponent[] {
  const parts = (written.line.priceComponent ?? []).map((component, index) => readPart(written, component, index));
  const baseMinor = sumOf(parts.filter(({ type }) => type === 'base').map(({ amountMinor = 0n }) => amountMinor));
  const listed = parts.map((part) => (part.type === 'tax' ? part : withAmount(written, part, baseMinor)));
  const netMinor = netOf(listed.filter(isComplete).filter(({ type }) => type !== 'tax'));
  const components = listed.map((part) => (part.type === 'tax' ? withAmount(written, part, netMinor) : part));
  return components.filter(isComplete);
}

interface Part extends Omit<LineComponent, 'amountMinor'> {
  readonly amountMinor: bigint | undefined;
  readonly place: string;
}

function isComplete(part: Part): part is Part & LineComponent {
  return part.amountMinor !== undefined;
}

function isReduction(type: LineComponent['type']): boolean {
  return type === 'discount' || type === 'deduction';
}

function readPart(written: WrittenLine, component: InvoiceLineItemPriceComponent, index: number): Part {
  const { type, code, amount } = component;
  const place = `Invoice.lineItem[${written.index}].priceComponent[${index}]`;
  const pointer = `/lineItem/${written.index}/priceComponent/${index}`;
  const factor = readFactor(written, component, pointer, place);
  const amountMinor = amount === undefined ? undefined : readMoney(written, amount, pointer, place);
  const part = { type, code, factor, amountMinor, place };
  requireSign(written, part);
  if (type === 'base' && amountMinor === undefined) throw refused('A base component needs its amount.', place);
  if (type !== 'informational' && amountMinor === undefined && !factor) {
    throw refused(`A ${type} component needs an amount or a factor.`, place);
  }
  return part;
}

function readFactor(
  { exactNumbers }: WrittenLine,
  { factor }: InvoiceLineItemPriceComponent,
  pointer: string,
  place: string,
): Decimal | undefined {
  if (factor === undefined) return undefined;
  const read = readDecimal(exactNumbers?.get(`${pointer}/factor`) ?? factor);
  if (read && read.digits >= 0n) return read;
  throw refused('A factor is a decimal of at least 0, such as 0.19.', `${place}.factor`);
}

function readMoney({ exactNumbers, currency }: WrittenLine, amount: Money, pointer: string, place: string): bigint {
  if ((amount.currency ?? currency) !== currency) {
    const diagnostics = `Amounts are in ${currency}, the currency of this clinic: prices of another one are not converted here.`;
    throw refused(diagnostics, `${place}.amount.currency`);
  }
  const text = exactNumbers?.get(`${pointer}/amount/value`) ?? amount.value;
  const amountMinor = text === undefined ? undefined : readAmount(text, currency);
  if (amountMinor !== undefined) return amountMinor;
  const unit = formatAmount(1n, currency);
  throw refused(`An amount has at most 15 digits and no smaller unit than ${unit} ${currency}.`, `${place}.amount`);
}

/** In a credit note the signs are turned round (contract.md 29). */
function requireSign({ isCredit }: WrittenLine, { type, amountMinor = 0n, place }: Part): void {
  if (type === 'informational' || amountMinor === 0n) return;
  const mustBeNegative = isReduction(type) !== isCredit;
  if (amountMinor < 0n === mustBeNegative) return;
  const said = mustBeNegative ? 'is not positive' : 'is not negative';
  const where = isCredit ? 'In a credit note the amount' : 'Outside a credit note the amount';
  throw refused(`${where} of a ${type} component ${said}.`, `${place}.amount`);
}

/** `ofMinor` is what a factor is of. What is written may differ by one unit: it may be a share of a rounded sum. */
function withAmount({ currency, rounding }: WrittenLine, part: Part, ofMinor: bigint): Part {
  const { type, factor, amountMinor, place } = part;
  if (type === 'informational') return { ...part, amountMinor: amountMinor ?? 0n };
  if (!factor || type === 'base') return part;
  const product = timesRounded(ofMinor, factor, rounding);
  const expectedMinor = isReduction(type) ? -product : product;
  if (!isExact(expectedMinor)) throw refused('An amount has at most 15 digits.', place);
  if (amountMinor === undefined) return { ...part, amountMinor: expectedMinor };
  const difference = amountMinor - expectedMinor;
  if (difference <= 1n && difference >= -1n) return part;
  const right = formatAmount(expectedMinor, currency);
  throw refused(`The factor of this ${type} component gives ${right} ${currency}, not the amount beside it.`, place);
}

function refused(diagnostics: string, expression: string): Error {
  return fhirError('business-rule', diagnostics, { expression });
}
