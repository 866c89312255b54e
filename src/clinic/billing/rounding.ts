// How a clinic rounds half a smallest unit: up, or to the even last digit (setting `money.rounding`, domain.md 3.4).

import { type Decimal, divideHalfUp, powerOfTen } from '../../fhir/decimal.ts';

export type Rounding = 'half-up' | 'half-even';

export function divideRounded(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  const up = divideHalfUp(numerator, denominator);
  if (rounding === 'half-up') return up;
  const isHalf = abs(2n * (up * denominator - numerator)) === abs(denominator);
  if (!isHalf || up % 2n === 0n) return up;
  // Half up is away from zero, so the even neighbour is the one nearer to it.
  return up > 0n ? up - 1n : up + 1n;
}

export function timesRounded(amount: bigint, factor: Decimal, rounding: Rounding): bigint {
  return divideRounded(amount * factor.digits, powerOfTen(factor.scale), rounding);
}

function abs(amount: bigint): bigint {
  return amount < 0n ? -amount : amount;
}
