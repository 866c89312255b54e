// Where a search asks by numbers of one parameter and by nothing else, and no order was asked for: along the index of these numbers,
// which has what is meant side by side, wherever it is in the order of ids.

import type { IndexedParameter } from '../search-parameters.ts';
import type { Criterion } from '../search-query.ts';
import type { SortedConditions } from './candidates.ts';
import { isSingle } from './quantity.ts';
import type { SortOrder, SortPosition } from './sort.ts';

export interface NumberWalk {
  readonly parameter: IndexedParameter;
  /** In which the values are that are asked for. */
  readonly unit: string;
}

/** What the sort key begins with, which is the number as it is stored, for that may look like a slice. */
export const numberMark = '=';

/** True for such a key. */
export function isNumberKey(key: string | number | null): boolean {
  return String(key).startsWith(numberMark);
}

/** Undefined where the index has not all that is meant in one stretch, each once. */
export function numberWalkOf(criteria: readonly Criterion[], { all }: SortedConditions): NumberWalk | undefined {
  const [criterion] = criteria;
  const [only, ...others] = all;
  if (criterion?.kind !== 'number' && criterion?.kind !== 'quantity') return undefined;
  if (only?.kind !== 'range' || only.anyOf.length !== 1 || others.length > 0) return undefined;
  const { parameter } = criterion;
  const [{ parameter: code, unit } = { parameter: '', unit: '' }] = only.anyOf;
  return isSingle(parameter) && code === parameter.code ? { parameter, unit } : undefined;
}

export function numberOrder({ parameter }: NumberWalk, isReversed: boolean): SortOrder {
  return { keys: [{ by: parameter, isDescending: false }], idDescends: false, isReversed };
}

/** The position with the number as it is stored. */
export function atNumber({ id, keys }: SortPosition): SortPosition {
  return { id, keys: keys.map((key) => String(key).slice(numberMark.length)) };
}
