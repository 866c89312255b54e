// The shape of a function that works on values alone: https://hl7.org/fhirpath/N1/#functions

import { NotSingle } from '../functions.ts';
import { DecimalNumber } from '../system/decimal-number.ts';
import type { Collection, Spend } from '../system/equality.ts';
import { Temporal } from '../system/temporal.ts';

export interface Surroundings {
  readonly spend: Spend;
  readonly regExp: SafeRegExp;
  /** The same in all of one evaluation: https://hl7.org/fhirpath/N1/#current-date-and-time-functions */
  readonly now: Date;
}

export interface SafeRegExp {
  test(pattern: string, text: string): boolean;
  replace(pattern: string, text: string, substitution: string): string;
}

export interface ValueFunction {
  /** How many arguments it may have. */
  readonly arity: readonly [min: number, max: number];
  readonly run: (input: Collection, args: readonly Collection[], surroundings: Surroundings) => unknown[];
}

/** Of at most one value; empty gives empty, and so does what `apply` makes undefined. */
export function ofOne(
  arity: ValueFunction['arity'],
  apply: (value: unknown, args: readonly unknown[], surroundings: Surroundings) => unknown,
): ValueFunction {
  return {
    arity,
    run: (input, args, surroundings) => {
      if (input.length > 1 || args.some((arg) => arg.length > 1))
        throw new NotSingle('a function of one value finds more than one element');
      if (input.length === 0) return [];
      const result = apply(
        input[0],
        args.map(([arg]) => arg),
        surroundings,
      );
      return result === undefined ? [] : [result];
    },
  };
}

/** The text of a string, or of what FHIR writes as one; undefined for others. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Temporal ? value.text : undefined;
}

export function numberOf(value: unknown): number | undefined {
  if (value instanceof DecimalNumber) return value.valueOf();
  return typeof value === 'number' ? value : undefined;
}
