// Which of several versions a canonical without one means: the tenant's own before shared ones, then the highest: https://hl7.org/fhir/R4/references.html#canonical

import type { Origin } from './stored-concept.ts';

export interface Versioned {
  readonly origin: Origin;
  readonly id: number;
  readonly version: string;
}

/** Numbers in versions count as numbers: 2.9 comes before 2.10. Of equal ones the last that was written. */
export function latestOf<T extends Versioned>(candidates: readonly T[]): T | undefined {
  const own = candidates.filter(({ origin }) => origin === 'tenant');
  const from = own.length > 0 ? own : candidates;
  return from.toSorted((a, b) => order.compare(a.version, b.version) || a.id - b.id).at(-1);
}

const order = new Intl.Collator('en', { numeric: true });
