// Date parameters as tests on stored spans, narrowed to single days by token where they can be: https://hl7.org/fhir/R4/search.html#date

import type { MillisecondRange } from '../../fhir/dates.ts';
import { daysOf, longSpan, shortSpanDays } from '../date-span.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { DateValue } from '../search-query.ts';
import { calendarText } from '../token-text.ts';
import { anyText, type CompiledCriterion, type Condition, sharedWindow, windowOf } from './condition.ts';

type DateCondition = Condition & { kind: 'date' };

/** A stretch of at most so many days is looked up day by day; a longer one in the order of time. */
const daysMax = 31;
const dayMs = 86_400_000;
const shortestMonthDays = 28;

/**
 * All criteria of one parameter together, so that `ge` and `lt` can make a day between them. Different values of a
 * repeating element may satisfy different criteria; a single value has to satisfy all.
 */
export function compileDates(
  parameter: IndexedParameter,
  criteria: readonly (readonly DateValue[])[],
): CompiledCriterion {
  const longText = calendarText(parameter.key, longSpan);
  const single = isSingle(parameter);
  const shape = {
    kind: 'date',
    parameter: parameter.code,
    isSingle: single,
    longText,
    shortSpanDays: isPoint(parameter) ? 1 : shortSpanDays + 1,
  } as const;
  const tests = (single ? [criteria] : criteria.map((values) => [values])).map((lists): DateCondition => {
    return { ...shape, tests: lists };
  });
  const days = narrowestDays(criteria, single);
  if (!days) return { conditions: tests };
  const texts = days.map((day) => calendarText(parameter.key, day));
  const onDays = (all: readonly string[]) => ({ ...anyText(all), ofDate: parameter.code });
  if (!isPoint(parameter) || !isWholeDays(criteria)) return { conditions: [onDays([...texts, longText]), ...tests] };
  return { conditions: [onDays(texts), ...tests.map((condition) => ({ ...condition, isImplied: true }))] };
}

/**
 * True where the days' tokens say all: a point in time lies in one day, and what is long, a month at least, in none of these.
 * Of the tests of several criteria the tokens know one only.
 */
function isWholeDays([values = [], ...others]: readonly (readonly DateValue[])[]): boolean {
  return (
    others.length === 0 &&
    values.every(({ prefix, low, high }) => {
      const days = (high + 1 - low) / dayMs;
      return prefix === 'eq' && low % dayMs === 0 && Number.isInteger(days) && days < shortestMonthDays;
    })
  );
}

function narrowestDays(criteria: readonly (readonly DateValue[])[], single: boolean): string[] | undefined {
  const candidates = criteria.map((values) => daysOfWindows(values.map(windowOf)));
  if (single) {
    const windows = criteria.flatMap(([value, ...others]) => (value && others.length === 0 ? [windowOf(value)] : []));
    if (windows.length > 1) candidates.push(daysOfWindows([sharedWindow(windows)]));
  }
  return candidates.filter((days) => days !== undefined).sort((a, b) => a.length - b.length)[0];
}

function isSingle({ elements }: IndexedParameter): boolean {
  return elements?.every(({ repeats }) => !repeats) ?? false;
}

/** A date or time of its own, at most a day long when it is not `long`. */
function isPoint({ elements }: IndexedParameter): boolean {
  return elements?.every(({ type }) => type === 'date' || type === 'dateTime' || type === 'instant') ?? false;
}

function daysOfWindows(windows: readonly MillisecondRange[]): string[] | undefined {
  const days = new Set<string>();
  for (const window of windows) {
    const found = Number.isFinite(window.low) && Number.isFinite(window.high) ? daysOf(window, daysMax) : undefined;
    if (!found) return undefined;
    for (const day of found) days.add(day);
  }
  return days.size > daysMax ? undefined : [...days];
}
