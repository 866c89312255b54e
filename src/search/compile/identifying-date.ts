// Dates stored as keyed days, months and years only: a range becomes the fewest years, months and days that cover it.

import { type DateKind, type MillisecondRange, parseDate, withinYears } from '../../fhir/dates.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { dayText, spanOf } from '../date-span.ts';
import { printable } from '../parse/search-notes.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { DateValue } from '../search-query.ts';
import { calendarText } from '../token-text.ts';
import { anyText, type CompiledCriterion, passes, sharedWindow, windowOf } from './condition.ts';

const dayMs = 86_400_000;
/** The years an open range is covered by; a date outside of them is found by naming its own years. */
const openYears = { first: 1800, last: 2200 };
/** Years, months and days that are looked at for one search: enough for 500 single days, or two dozen open ranges. */
const periodsMax = 30_000;

/**
 * All criteria of one parameter together: such an element is single, so that `ge` and `lt` are one range. The tokens are
 * exact by day; a time of day is rechecked.
 */
export function compileIdentifyingDates(
  parameter: IndexedParameter,
  criteria: readonly (readonly DateValue[])[],
): CompiledCriterion {
  const together = criteria.filter((values) => isOneRange(values)).flat();
  const apart = criteria.filter((values) => !isOneRange(values));
  const budget: Budget = { parameter, left: periodsMax };
  const lists = apart.map((values) => values.flatMap(splitUnequal).flatMap((value) => periodsPassing([value], budget)));
  if (together.length > 0) lists.push(periodsPassing(together, budget));
  return {
    conditions: lists.map((periods) => anyText(periods.map((period) => calendarText(parameter.key, period)))),
    ...(!criteria.flat().every(isWholeDays) && { recheck: recheckSpans(parameter, criteria) }),
  };
}

function isOneRange(values: readonly DateValue[]): boolean {
  return values.length === 1 && values[0]?.prefix !== 'ne';
}

function splitUnequal(value: DateValue): DateValue[] {
  return value.prefix === 'ne'
    ? [
        { ...value, prefix: 'lt' },
        { ...value, prefix: 'gt' },
      ]
    : [value];
}

/** The stored periods (`1980`, `1980-05`, `1980-05-03`, and `=1980` for a date that is only a year) that pass all tests. */
function periodsPassing(tests: readonly DateValue[], budget: Budget): string[] {
  const aligned = tests.map(toWholeDays);
  const window = sharedWindow(aligned.map(windowOf));
  const periods: string[] = [];
  const [first, last] = yearsOf(window);
  for (let year = first; year <= last; year++) {
    collect(String(year).padStart(4, '0'), { tests: aligned, window, periods, budget });
  }
  return periods;
}

interface Budget {
  readonly parameter: IndexedParameter;
  left: number;
}

interface Collection {
  readonly tests: readonly DateValue[];
  readonly window: MillisecondRange;
  readonly periods: string[];
  readonly budget: Budget;
}

/** Prefixes make the tests monotone in time, so what holds for the first and the last day of a period holds in between. */
function collect(period: string, collection: Collection): void {
  const { tests, window, periods, budget } = collection;
  if (--budget.left < 0) {
    const name = printable(budget.parameter.code);
    throw fhirError('too-costly', `${name} is asked for by too many dates; name fewer, or one range by ge and le.`);
  }
  const span = spanOfPeriod(period);
  if (!span || span.high < window.low || span.low > window.high) return;
  const allPass = (tested: MillisecondRange) => tests.every((test) => passes(test, tested));
  const firstDay = { low: span.low, high: span.low + dayMs - 1 };
  const lastDay = { low: span.high - dayMs + 1, high: span.high };
  if (allPass(firstDay) && allPass(lastDay)) {
    periods.push(period);
  } else if (period.length < 'YYYY-MM-DD'.length) {
    if (allPass(span)) periods.push(`=${period}`);
    const count = period.length === 4 ? 12 : 31;
    for (let part = 1; part <= count; part++) {
      collect(`${period}-${String(part).padStart(2, '0')}`, collection);
    }
  }
}

function spanOfPeriod(period: string): MillisecondRange | undefined {
  const kind: DateKind = 'date';
  return parseDate(period, kind);
}

function yearsOf({ low, high }: MillisecondRange): [first: number, last: number] {
  const first = Number(dayText(withinYears(low)).slice(0, 4));
  const last = Number(dayText(withinYears(high)).slice(0, 4));
  if (last - first <= openYears.last - openYears.first) return [first, last];
  return [Math.max(first, openYears.first), Math.min(last, openYears.last)];
}

function isWholeDays({ low, high }: DateValue): boolean {
  return startOfDay(low) === low && startOfDay(high + 1) === high + 1;
}

/** A test on whole days that everything passes which passes the given one. */
function toWholeDays(test: DateValue): DateValue {
  if (isWholeDays(test)) return test;
  const low = startOfDay(test.low);
  const high = startOfDay(test.high) + dayMs - 1;
  switch (test.prefix) {
    case 'gt':
    case 'sa':
      return { prefix: 'gt', low, high: startOfDay(test.high) - 1 };
    case 'ge':
      return { prefix: 'gt', low, high: low - 1 };
    case 'lt':
    case 'eb':
      return { prefix: 'lt', low: startOfDay(test.low) + dayMs, high };
    case 'le':
      return { prefix: 'lt', low: high + 1, high };
    default:
      return { prefix: test.prefix, low, high };
  }
}

function startOfDay(ms: number): number {
  return Math.floor(ms / dayMs) * dayMs;
}

function recheckSpans(parameter: IndexedParameter, criteria: readonly (readonly DateValue[])[]) {
  return (resource: object): boolean => {
    const spans = parameter
      .read(resource)
      .map(spanOf)
      .filter((span) => span !== undefined);
    return criteria.every((values) => spans.some((span) => values.some((value) => passes(value, span))));
  };
}
