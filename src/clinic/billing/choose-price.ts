// Which price a visit is charged by, and which taxes of other definitions join it (contract.md 23, 24).

import type { CodeableConcept } from '@medplum/fhirtypes';
import { hasBase, isInForce, type Price, type PriceComponent } from './price.ts';

/** What of an Appointment decides its price. */
export interface Visit {
  /** Milliseconds since 1970: the Appointment's end. */
  readonly at: number;
  /** Each list counts only where the one before it has found nothing. */
  readonly concepts: readonly (readonly CodeableConcept[])[];
  /** References. */
  readonly practitioners: ReadonlySet<string>;
  readonly departments: ReadonlySet<string>;
}

export function choosePrice(prices: readonly Price[], visit: Visit): Price | undefined {
  const fitting = prices.filter((price) => hasBase(price) && isInForce(price, visit.at) && isMeantFor(price, visit));
  for (const concepts of visit.concepts) {
    const wanted = new Set(concepts.flatMap(codingKeys));
    const [best] = fitting.filter((price) => isPriceOf(price, wanted)).sort(byPrecedence);
    if (best) return best;
  }
  return undefined;
}

/** The tax components of every other definition with the price's tax category and no base, in force at the visit. */
export function furtherTaxes(prices: readonly Price[], chosen: Price, at: number): PriceComponent[] {
  if (chosen.taxCategory === undefined) return [];
  return prices
    .filter((price) => price.taxCategory === chosen.taxCategory && !hasBase(price) && isInForce(price, at))
    .sort((a, b) => compare(a.canonical, b.canonical) || compare(a.id, b.id))
    .flatMap((price) => price.components.filter(({ type }) => type === 'tax'));
}

function isMeantFor({ practitioners, departments }: Price, visit: Visit): boolean {
  return isAnyOf(practitioners, visit.practitioners) && isAnyOf(departments, visit.departments);
}

function isAnyOf(wanted: readonly string[], present: ReadonlySet<string>): boolean {
  return wanted.length === 0 || wanted.some((reference) => present.has(reference));
}

function isPriceOf({ code }: Price, wanted: ReadonlySet<string>): boolean {
  return code !== undefined && codingKeys(code).some((key) => wanted.has(key));
}

/** System and code; a blank parts them, which no uri contains. */
function codingKeys({ coding = [] }: CodeableConcept): string[] {
  return coding.flatMap(({ system = '', code }) => (code === undefined ? [] : `${system} ${code}`));
}

/** The practitioner's price before the department's before that of all, then the latest start, then the newest. */
function byPrecedence(a: Price, b: Price): number {
  return (
    specificity(b) - specificity(a) ||
    compare(b.validFrom, a.validFrom) ||
    compare(b.lastUpdated, a.lastUpdated) ||
    compare(b.id, a.id)
  );
}

function specificity({ practitioners, departments }: Price): number {
  return (practitioners.length > 0 ? 2 : 0) + (departments.length > 0 ? 1 : 0);
}

function compare<T extends string | number>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
