// Functions that keep a part of a list as it is: https://hl7.org/fhirpath/N1/#subsetting

import type { Expression } from './syntax.ts';

type Pick = <T>(values: T[]) => T[];

/** By name, made for its argument; undefined where the function takes another one. */
export const pickers: ReadonlyMap<string, (argument: Expression | undefined) => Pick | undefined> = new Map([
  ['first', withoutArgument((values) => values.slice(0, 1))],
  ['last', withoutArgument((values) => values.slice(-1))],
  ['tail', withoutArgument((values) => values.slice(1))],
  ['single', withoutArgument(requireSingle)],
  ['skip', withNumber((count) => (values) => values.slice(Math.max(count, 0)))],
  ['take', withNumber((count) => (values) => values.slice(0, Math.max(count, 0)))],
]);

/** https://hl7.org/fhirpath/N1/#single-collection */
export class NotSingle extends Error {}

function requireSingle<T>(values: T[]): T[] {
  if (values.length > 1) throw new NotSingle('single() finds more than one element');
  return values;
}

function withoutArgument(pick: Pick) {
  return (argument: Expression | undefined) => (argument === undefined ? pick : undefined);
}

function withNumber(make: (count: number) => Pick) {
  return (argument: Expression | undefined) => {
    const count = argument?.kind === 'literal' ? argument.value : undefined;
    return typeof count === 'number' && Number.isInteger(count) ? make(count) : undefined;
  };
}
