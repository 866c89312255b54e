// Exact decimals and the rounding of money, all in integers: https://hl7.org/fhir/R4/datatypes.html#decimal

/** `digits` divided by ten to the power of `scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** FHIR asks for 18 digits of precision; no price has more. */
const placesMax = 18;
const syntax = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * The number that was written. A number of a parsed body counts as its shortest text, which is what was written for up to
 * 15 digits. Undefined for anything that is no decimal or needs more than 18 places before or after the point.
 */
export function readDecimal(written: string | number): Decimal | undefined {
  const match = syntax.exec(String(written));
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const kept = fraction.replace(/0+$/, '');
  const scale = kept.length - Number(exponent);
  if (scale > placesMax || whole.length + Number(exponent) > placesMax) return undefined;
  const digits = BigInt(whole + kept) * 10n ** BigInt(Math.max(0, -scale));
  return { digits: sign === '-' ? -digits : digits, scale: Math.max(0, scale) };
}

/** Without trailing zeros and without exponent. */
export function formatDecimal({ digits, scale }: Decimal): string {
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0');
  const point = text.length - scale;
  const fraction = text.slice(point).replace(/0+$/, '');
  return `${digits < 0n ? '-' : ''}${text.slice(0, point)}${fraction === '' ? '' : `.${fraction}`}`;
}

export function powerOfTen(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

/** Rounded to an integer, halves away from zero, so that a correction mirrors what it corrects. */
export function divideHalfUp(numerator: bigint, denominator: bigint): bigint {
  if (denominator < 0n) return divideHalfUp(-numerator, -denominator);
  if (numerator < 0n) return -divideHalfUp(-numerator, denominator);
  return (2n * numerator + denominator) / (2n * denominator);
}

/** An integer amount times a factor, rounded half up. */
export function timesHalfUp(amount: bigint, factor: Decimal): bigint {
  return divideHalfUp(amount * factor.digits, powerOfTen(factor.scale));
}

/**
 * The parts `numerators[i] / denominator` as integers whose sum is `total`, which must be what their exact sum rounds to:
 * each is rounded down, and the largest remainders are rounded up instead, the earlier first among equals.
 */
export function roundToSum(numerators: readonly bigint[], denominator: bigint, total: bigint): bigint[] {
  const parts = numerators.map((numerator) => floorDivide(numerator, denominator));
  const remainders = numerators.map((numerator, index) => numerator - (parts[index] ?? 0n) * denominator);
  const missing = total - sumOf(parts);
  if (missing < 0n || missing > parts.length) throw new RangeError('The parts do not round to the total.');
  const byRemainder = [...parts.keys()].sort((a, b) => compare(remainders[b] ?? 0n, remainders[a] ?? 0n) || a - b);
  const raised = new Set(byRemainder.slice(0, Number(missing)));
  return parts.map((part, index) => (raised.has(index) ? part + 1n : part));
}

/**
 * Splits an amount in the proportion of the weights (none negative) without losing a unit; equally when all weights are
 * zero. A negative amount is split like its opposite.
 */
export function splitByLargestRemainder(total: bigint, weights: readonly bigint[]): bigint[] {
  if (total < 0n) return splitByLargestRemainder(-total, weights).map((part) => -part);
  const shares = weights.some((weight) => weight > 0n) ? weights : weights.map(() => 1n);
  const numerators = shares.map((share) => total * share);
  return roundToSum(numerators, sumOf(shares) || 1n, total);
}

export function sumOf(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}

function floorDivide(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  return quotient * denominator > numerator ? quotient - 1n : quotient;
}

function compare(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
