// Tells queries that ask the same, however they are written: in another order, with other escapes, by other forms of a reference.

import { mapLeaves } from './criterion-tree.ts';
import { foldWords } from './fold-text.ts';
import type { Criterion, SearchQuery } from './search-query.ts';

/** The same text for queries of one type whose criteria are the same; result parameters do not count. */
export function queryIdentity({ type, criteria }: SearchQuery): string {
  const texts = criteria.map((criterion) => JSON.stringify(mapLeaves(criterion, type, folded), canonical));
  return `${type}?${[...new Set(texts)].sort().join('&')}`;
}

/** Case and accents do not count where they are not compared. */
function folded(criterion: Criterion): Criterion {
  if (criterion.kind === 'compared') {
    return { ...criterion, text: foldWords(criterion.text).join(' '), narrowing: folded(criterion.narrowing) };
  }
  if (criterion.kind !== 'string' || criterion.match === 'exact') return criterion;
  return { ...criterion, texts: criterion.texts.map((text) => foldWords(text).join(' ')) };
}

/** For JSON.stringify: alternatives in one order, a parameter as its key. */
function canonical(_name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.toSorted(byText);
  if (typeof value !== 'object' || value === null) return value;
  if ('read' in value && 'key' in value) return value.key;
  // How far `ap` reaches depends on when it is asked; its middle does not.
  if ('prefix' in value && value.prefix === 'ap' && 'low' in value && typeof value.low === 'number')
    return { ap: Object.values(value).reduce(sumNumbers, 0) };
  // A name is only repeated in errors.
  if ('kind' in value && 'name' in value) return { ...value, name: undefined };
  return value;
}

function byText(a: unknown, b: unknown): number {
  const [first, second] = [JSON.stringify(a), JSON.stringify(b)];
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

function sumNumbers(sum: number, value: unknown): number {
  return typeof value === 'number' ? sum + value : sum;
}
