// Tests criteria on a resource that is not in the database, by the same conditions and rechecks: https://hl7.org/fhir/R4/search.html

import type { Resource } from '@medplum/fhirtypes';
import type { MillisecondRange } from '../fhir/dates.ts';
import { isComposed } from './compile/composed.ts';
import { type Condition, passes, type RangeAlternative } from './compile/condition.ts';
import { compileCriteria } from './compile/criteria.ts';
import type { IndexEntry } from './index-entry.ts';
import { passesNumber } from './number-range.ts';
import type { Criterion } from './search-query.ts';

/** What the database would know of a resource. */
export interface UnstoredResource {
  readonly id: string;
  readonly lastUpdated: Date;
  readonly resource: Resource;
  readonly tokens: ReadonlySet<string>;
  readonly dates: readonly (IndexEntry & { kind: 'date' })[];
  readonly ranges: readonly (IndexEntry & { kind: 'range' })[];
}

export type MeetsCriteria = (one: UnstoredResource) => boolean;

/** No rows refer to what is not stored, so that no link leads to it or from it. */
export function meetsCriteria(criteria: readonly Criterion[]): MeetsCriteria {
  const composed = criteria.filter(isComposed).map(meetsComposed);
  const { conditions, recheck } = compileCriteria(criteria.filter((criterion) => !isComposed(criterion)));
  return (one) =>
    conditions.every((condition) => meets(condition, one)) &&
    composed.every((test) => test(one)) &&
    (recheck?.(one.resource) ?? true);
}

function meetsComposed(criterion: Criterion): MeetsCriteria {
  if (criterion.kind === 'not') {
    const inner = meetsCriteria(criterion.criteria);
    return (one) => !inner(one);
  }
  if (criterion.kind !== 'any') return () => false;
  const alternatives = criterion.anyOf.map(meetsCriteria);
  return (one) => alternatives.some((test) => test(one));
}

function meets(condition: Condition, one: UnstoredResource): boolean {
  switch (condition.kind) {
    case 'tokens':
      return condition.orId === one.id || condition.anyOf.some((texts) => texts.every((text) => one.tokens.has(text)));
    case 'ids':
      return condition.ids.includes(one.id);
    case 'lastUpdated':
      return condition.tests.some((test) => passes(test, spanAt(one.lastUpdated)));
    case 'date': {
      const spans = one.dates.filter(({ parameter }) => parameter === condition.parameter);
      return spans.some((span) => condition.tests.every((list) => list.some((test) => passes(test, span))));
    }
    case 'not':
      return !condition.conditions.every((inner) => meets(inner, one));
    case 'any':
      return condition.anyOf.some((list) => list.every((inner) => meets(inner, one)));
    case 'range':
      return condition.anyOf.some((wanted) => one.ranges.some((range) => isWithin(wanted, range)));
    case 'linked':
      return false;
  }
}

function isWithin({ parameter, unit, tests }: RangeAlternative, range: UnstoredResource['ranges'][number]): boolean {
  return range.parameter === parameter && range.unit === unit && tests.every((test) => passesNumber(test, range));
}

function spanAt(moment: Date): MillisecondRange {
  return { low: moment.getTime(), high: moment.getTime() };
}
