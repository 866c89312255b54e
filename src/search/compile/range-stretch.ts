// Where on the index of a sort resources can stand that meet the criteria on its own parameter, as a walk need pass nothing else:
// https://hl7.org/fhir/R4/search.html#prefix

import { anyUnit } from '../extract/quantity.ts';
import type { NumberTest } from '../number-range.ts';
import { type OrderedStream, streamOf } from '../ordered-values.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { RangeCondition } from './range-sql.ts';
import type { SqlContext } from './sql.ts';

export interface Stretch {
  /** True for the rows `v` of values; a range that reaches into the stretch may be left out where there is `from`. */
  readonly tests: readonly string[];
  /** Ranges that begin before this may reach beyond it. */
  readonly from?: string;
  /** Only resources without a value are asked for, or only others. */
  readonly who: 'absent' | 'valued' | 'all';
}

export function stretchOf(
  ranges: readonly RangeCondition[],
  parameter: IndexedParameter,
  stream: OrderedStream,
  { values }: SqlContext,
): Stretch {
  const asked = ranges.filter(({ anyOf }) => anyOf.every((one) => one.parameter === parameter.code));
  const who = whoOf(asked, streamOf(parameter).absentUnit);
  // Of several values another one may be what the criteria are met by.
  const tests = stream.isSingle && who === 'valued' ? asked.flatMap((condition) => testsIn(condition, stream)) : [];
  const froms = tests.flatMap(({ prefix, low }) => (reaching.has(prefix) ? [low] : [])).sort();
  const starts = tests.flatMap(({ prefix, low }) => (starting.has(prefix) ? [low] : []));
  const ends = tests.flatMap(({ prefix, high }) => (ending.has(prefix) ? [high] : []));
  const from = froms.length > 0 ? values.bind(froms.at(-1)) : undefined;
  return {
    who,
    ...(from !== undefined && { from }),
    tests: [
      ...(from === undefined ? [] : [`v.low >= ${from}`]),
      ...starts.map((low) => `v.low >= ${values.bind(low)}`),
      ...ends.map((high) => `v.low <= ${values.bind(high)}`),
    ],
  };
}

function whoOf(asked: readonly RangeCondition[], absentUnit: string): Stretch['who'] {
  const have = (isAbsent: boolean) =>
    asked.some(({ anyOf }) => anyOf.every(({ unit }) => (unit === absentUnit) === isAbsent));
  if (have(true)) return 'absent';
  return have(false) ? 'valued' : 'all';
}

/** What passes begins at the low end at the earliest; with the others so do single numbers, while ranges may reach there. */
const starting: ReadonlySet<string> = new Set(['eq', 'sa']);
const reaching: ReadonlySet<string> = new Set(['gt', 'ge', 'ap']);
/** What passes begins at the high end at the latest. */
const ending: ReadonlySet<string> = new Set(['eq', 'lt', 'le', 'eb', 'ap']);

/** Of one alternative, in the unit of the stream or in base units, which are those of an order of values in several units. */
function testsIn({ anyOf: [only, ...others] }: RangeCondition, { unit }: OrderedStream): readonly NumberTest[] {
  if (!only || others.length > 0) return [];
  return only.unit === unit || only.unit !== anyUnit ? only.tests : [];
}
