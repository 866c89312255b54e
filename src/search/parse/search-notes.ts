// Collects what a search request cannot be answered for: https://hl7.org/fhir/R4/search.html#errors

import { fhirError, type Issue } from '../../fhir/outcome.ts';

/** `Prefer: handling=strict` or `lenient`. */
export type Handling = 'strict' | 'lenient';

export class SearchNotes {
  readonly warnings: Issue[] = [];
  readonly #handling: Handling;

  constructor(handling: Handling) {
    this.#handling = handling;
  }

  /** A parameter is left out: an error under strict handling, a warning in the answer under lenient handling. */
  ignore(diagnostics: string): void {
    if (this.#handling === 'strict') throw fhirError('not-supported', diagnostics, { status: 400 });
    this.warnings.push({ severity: 'warning', code: 'not-supported', diagnostics: `Ignored: ${diagnostics}` });
  }
}

/** A supported parameter with a value that means nothing is an error in both modes: ignoring it would widen the answer. */
export function invalidValue(name: string, wanted: string): Error {
  return fhirError('invalid', `A value of the search parameter ${printable(name)} is not ${wanted}.`);
}

/** A parameter's name as an error may repeat it: what does not look like one could be somebody's data. */
export function printable(name: string): string {
  return /^[\w:.-]{1,100}$/.test(name) ? `"${name}"` : '(unprintable)';
}
