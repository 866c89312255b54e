// What a ChargeItem, or a code alone, costs by the price list: for lines that come without price components (contract.md 22 to 26).

import type { ChargeItem, CodeableConcept } from '@medplum/fhirtypes';
import { parseDate } from '../../fhir/dates.ts';
import { type Decimal, readDecimal } from '../../fhir/decimal.ts';
import { type Currency, isExact, readAmount } from '../../fhir/money.ts';
import { choosePrice, furtherTaxes, type Visit } from './choose-price.ts';
import { localTarget } from './local-target.ts';
import { hasBase, isInForce, type Price, type PriceComponent } from './price.ts';
import { grossOf, type LineComponent, netOf, priceLine } from './price-line.ts';
import type { Rounding } from './rounding.ts';

/** What of a charge decides its price. */
export interface Charge extends Visit {
  /** `url` or `url|version` of definitions that were named for it. */
  readonly definitions: readonly string[];
  /** With the factor that overrides the list price, where there is one. */
  readonly quantity: Decimal;
  readonly listedQuantity: Decimal;
  /** The net of all of it, instead of what the price says but for its taxes. */
  readonly overrideMinor: bigint | undefined;
}

export interface PricedCharge {
  readonly price: Price;
  readonly components: readonly LineComponent[];
}

const one: Decimal = { digits: 1n, scale: 0 };

/** Undefined where no price fits, or none that a JSON number can hold. */
export function priceCharge(prices: readonly Price[], charge: Charge, rounding: Rounding): PricedCharge | undefined {
  const price = namedPrice(prices, charge) ?? choosePrice(prices, charge);
  return price && applyPrice(prices, price, charge, rounding);
}

export function applyPrice(
  prices: readonly Price[],
  price: Price,
  charge: Charge,
  rounding: Rounding,
): PricedCharge | undefined {
  const terms = { furtherTaxes: furtherTaxes(prices, price, charge.at), rounding };
  const { overrideMinor } = charge;
  const listed = priceLine({ ...terms, ...price, quantity: charge.quantity });
  // The net of the price itself, as `$apply` writes it, is that price: taxes put on it again may be a unit off those taken out of it.
  const isListed = overrideMinor === undefined || overrideMinor === netOf(listed);
  const line = isListed
    ? listed
    : priceLine({ ...terms, components: overridden(price, overrideMinor), isTaxInclusive: false, quantity: one });
  const amounts = [...line.map(({ amountMinor }) => amountMinor), grossOf(line)];
  return amounts.every(isExact) ? { price, components: line } : undefined;
}

/** Of a line that names a code only. */
export function chargeOfConcept(concept: CodeableConcept, atMs: number): Charge {
  const nobody: ReadonlySet<string> = new Set();
  return {
    at: atMs,
    concepts: [[concept]],
    practitioners: nobody,
    departments: nobody,
    definitions: [],
    quantity: one,
    listedQuantity: one,
    overrideMinor: undefined,
  };
}

export function chargeOfItem(item: ChargeItem, currency: Currency, atMs: number): Charge {
  const { code, performer = [], performingOrganization, requestingOrganization, costCenter, priceOverride } = item;
  const override = priceOverride?.value === undefined ? undefined : readAmount(priceOverride.value, currency);
  const isOverridden = override !== undefined && override >= 0n && (priceOverride?.currency ?? currency) === currency;
  return {
    at: timeOf(item) ?? atMs,
    concepts: [[code]],
    practitioners: new Set(performer.flatMap(({ actor }) => localTarget(actor)?.reference ?? [])),
    departments: new Set(
      [performingOrganization, requestingOrganization, costCenter].flatMap((one) => localTarget(one)?.reference ?? []),
    ),
    definitions: [...(item.definitionCanonical ?? []), ...(item.definitionUri ?? [])],
    ...quantitiesOf(item),
    overrideMinor: isOverridden ? override : undefined,
  };
}

/** A price that is named must be in force, as one that is found; who it is meant for has been decided by the one who named it. */
function namedPrice(prices: readonly Price[], { definitions, at }: Charge): Price | undefined {
  const named = new Set(definitions);
  return prices.find(
    (price) => hasBase(price) && isInForce(price, at) && (named.has(price.canonical) || named.has(price.url)),
  );
}

/** What the list asks, whatever a ChargeItem says instead. */
export function asListed(charge: Charge): Charge {
  return { ...charge, quantity: charge.listedQuantity, overrideMinor: undefined };
}

function overridden({ components }: Price, overrideMinor: bigint): PriceComponent[] {
  const taxes = components.filter(({ type }) => type === 'tax');
  return [{ type: 'base', code: undefined, factor: undefined, amountMinor: overrideMinor }, ...taxes];
}

function timeOf({ occurrenceDateTime, occurrencePeriod, enteredDate }: ChargeItem): number | undefined {
  const text = occurrencePeriod?.end ?? occurrenceDateTime ?? occurrencePeriod?.start ?? enteredDate;
  return text === undefined ? undefined : parseDate(text, 'dateTime')?.low;
}

function quantitiesOf({ quantity, factorOverride }: ChargeItem): Pick<Charge, 'quantity' | 'listedQuantity'> {
  const listedQuantity = positive(quantity?.value);
  const factor = positive(factorOverride);
  const product = { digits: listedQuantity.digits * factor.digits, scale: listedQuantity.scale + factor.scale };
  return { quantity: product, listedQuantity };
}

/** What is no quantity that can be charged counts as one. */
function positive(value: number | undefined): Decimal {
  const read = value === undefined ? undefined : readDecimal(value);
  return read && read.digits >= 0n ? read : one;
}
