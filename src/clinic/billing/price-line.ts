// From a price to the components of one Invoice line (contract.md 24, 25): https://hl7.org/fhir/R4/invoice-definitions.html#Invoice.lineItem.priceComponent

import { type Decimal, powerOfTen, roundToSum, splitByLargestRemainder, sumOf } from '../../fhir/decimal.ts';
import type { PriceComponent } from './price.ts';
import { divideRounded, type Rounding, timesRounded } from './rounding.ts';

/** A component of a line; discounts and deductions are negative, and amounts count for the whole quantity. */
export interface LineComponent extends Omit<PriceComponent, 'amountMinor'> {
  readonly amountMinor: bigint;
}

export interface LineTerms {
  /** Of the chosen price, its own taxes among them. */
  readonly components: readonly PriceComponent[];
  /** Of other definitions of the same tax category. */
  readonly furtherTaxes: readonly PriceComponent[];
  /** The listed amounts hold the taxes already. */
  readonly isTaxInclusive: boolean;
  /** Not negative. */
  readonly quantity: Decimal;
  /** Absent = half up. */
  readonly rounding?: Rounding;
}

/** How often something is charged, and how its parts are rounded. */
type Measure = Required<Pick<LineTerms, 'quantity' | 'rounding'>>;

/** All but the taxes in the order of the price, then the taxes. */
export function priceLine(terms: LineTerms): LineComponent[] {
  const { components, furtherTaxes, isTaxInclusive, quantity, rounding = 'half-up' } = terms;
  const measure = { quantity, rounding };
  const listed = listedComponents(
    components.filter(({ type }) => type !== 'tax'),
    measure,
  );
  const taxes = [...components.filter(({ type }) => type === 'tax'), ...furtherTaxes];
  return isTaxInclusive ? takeTaxesOut(listed, taxes, measure) : addTaxes(listed, taxes, measure);
}

/** The net amount of a line is the sum of these, the gross amount that with the taxes; `informational` is in neither. */
export function netOf(components: readonly LineComponent[]): bigint {
  return sumOf(components.filter(({ type }) => type !== 'tax' && type !== 'informational').map(amountOf));
}

export function grossOf(components: readonly LineComponent[]): bigint {
  return netOf(components) + sumOf(components.filter(({ type }) => type === 'tax').map(amountOf));
}

/** Before discounts and taxes. */
export function listedOf(components: readonly LineComponent[]): bigint {
  return sumOf(components.filter(({ type }) => type === 'base' || type === 'surcharge').map(amountOf));
}

function amountOf({ amountMinor }: LineComponent): bigint {
  return amountMinor;
}

/** R4 applies surcharges, discounts and deductions to the base price; together these never take more than there is. */
function listedComponents(components: readonly PriceComponent[], { quantity, rounding }: Measure): LineComponent[] {
  const times = (amountMinor: bigint, factor: Decimal) => timesRounded(amountMinor, factor, rounding);
  const bases = components.filter(({ type }) => type === 'base');
  const baseMinor = sumOf(bases.map(({ amountMinor = 0n }) => times(amountMinor, quantity)));
  const amounts = components.map(({ type, factor, amountMinor = 0n }) =>
    factor && type !== 'base' ? times(baseMinor, factor) : times(amountMinor, quantity),
  );
  let leftMinor = baseMinor + sumOf(amounts.filter((_, index) => components[index]?.type === 'surcharge'));
  return components.map((component, index) => {
    const amountMinor = amounts[index] ?? 0n;
    if (component.type !== 'discount' && component.type !== 'deduction') return { ...component, amountMinor };
    const takenMinor = min(amountMinor, leftMinor);
    leftMinor -= takenMinor;
    return { ...component, amountMinor: -takenMinor };
  });
}

/** Each tax is reckoned on the discounted net and rounded by itself. */
function addTaxes(
  listed: readonly LineComponent[],
  taxes: readonly PriceComponent[],
  { quantity, rounding }: Measure,
): LineComponent[] {
  const netMinor = netOf(listed);
  const added = taxes.map((tax) => {
    const [amountMinor, times] = tax.factor ? [netMinor, tax.factor] : [tax.amountMinor ?? 0n, quantity];
    return { ...tax, amountMinor: timesRounded(amountMinor, times, rounding) };
  });
  return [...listed, ...added];
}

/**
 * What is listed is gross: taxes of a fixed amount come off first, then net = rest / (1 + sum of rates), and what is left
 * over is shared among the rated taxes. The listed components become their shares of the net.
 */
function takeTaxesOut(
  listed: readonly LineComponent[],
  taxes: readonly PriceComponent[],
  measure: Measure,
): LineComponent[] {
  const grossMinor = netOf(listed);
  const fixed = fixedTaxes(taxes, measure, grossMinor);
  const restMinor = grossMinor - sumOf(fixed);
  const { one, rates } = commonScale(taxes);
  const onePlusRates = one + sumOf(rates);
  const netMinor = divideRounded(restMinor * one, onePlusRates, measure.rounding);
  const ratedMinor = splitByLargestRemainder(restMinor - netMinor, rates);
  const counted = listed.filter(({ type }) => type !== 'informational');
  // Of nothing, all shares are as large as they would be without fixed taxes.
  const [share, whole] = grossMinor === 0n ? [1n, 1n] : [restMinor, grossMinor];
  const nets = roundToSum(
    counted.map(({ amountMinor }) => amountMinor * share * one),
    whole * onePlusRates,
    netMinor,
  );
  const netByComponent = new Map(counted.map((component, index) => [component, nets[index] ?? 0n]));
  return [
    ...listed.map((component) => ({
      ...component,
      amountMinor: netByComponent.get(component) ?? component.amountMinor,
    })),
    ...taxes.map((tax, index) => ({
      ...tax,
      amountMinor: (fixed[index] ?? 0n) + (tax.factor ? (ratedMinor[index] ?? 0n) : 0n),
    })),
  ];
}

/** Zero for those with a rate; together never more than the gross. */
function fixedTaxes(taxes: readonly PriceComponent[], { quantity, rounding }: Measure, grossMinor: bigint): bigint[] {
  let leftMinor = grossMinor;
  return taxes.map(({ factor, amountMinor = 0n }) => {
    const takenMinor = factor ? 0n : min(timesRounded(amountMinor, quantity, rounding), leftMinor);
    leftMinor -= takenMinor;
    return takenMinor;
  });
}

/** The rates as integers, `one` of them being 100 %. */
function commonScale(taxes: readonly PriceComponent[]): { one: bigint; rates: bigint[] } {
  const scale = Math.max(0, ...taxes.map(({ factor }) => factor?.scale ?? 0));
  const rates = taxes.map(({ factor }) => (factor ? factor.digits * powerOfTen(scale - factor.scale) : 0n));
  return { one: powerOfTen(scale), rates };
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
