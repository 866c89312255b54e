// One search parameter of a request, as the readers of the single kinds take it.

import { fhirError } from '../../fhir/outcome.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import { invalidValue, printable } from './search-notes.ts';

export interface CriterionSource {
  /** As the request has it, for errors. */
  readonly name: string;
  readonly parameter: IndexedParameter;
  readonly modifier: string | undefined;
  /** The values between commas, still escaped. */
  readonly values: readonly string[];
}

/** Throws for a value that `parse` does not understand. */
export function eachValue<T>(
  { name, values }: Pick<CriterionSource, 'name' | 'values'>,
  wanted: string,
  parse: (raw: string) => T | undefined,
): T[] {
  return values.map((raw) => {
    const value = parse(raw);
    if (value === undefined) throw invalidValue(name, wanted);
    return value;
  });
}

/** Throws where a search for so many would be too much work. */
export function requireFewValues({ name, values }: Pick<CriterionSource, 'name' | 'values'>, valuesMax: number): void {
  if (values.length <= valuesMax) return;
  throw fhirError('too-costly', `${printable(name)} takes at most ${valuesMax} values of this kind.`);
}
