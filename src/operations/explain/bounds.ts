// The bounds a search runs within, beyond which it is too costly: https://hl7.org/fhir/R4/search.html#count

import { candidatesMax } from '../../search/compile/candidates.ts';
import { includesMax } from '../../search/compile/includes.ts';
import { walkMax } from '../../search/compile/walk-bounds.ts';
import { linksMax } from '../../search/parse/named.ts';
import { accurateMax } from '../../search/run-search.ts';
import type { SearchQuery } from '../../search/search-query.ts';
import { isOrdered } from '../../search/sort-key.ts';
import { sortedMax } from '../../search/sort-opened.ts';

export interface Bound {
  readonly of: string;
  readonly most: number;
}

/** Those that this search may meet. */
export function boundsOf({ criteria, includes, sort, total, summary }: SearchQuery): Bound[] {
  const isLinked = criteria.some(({ kind }) => kind === 'chain' || kind === 'has' || kind === 'list');
  return [
    { of: 'candidates, gathered or opened', most: candidatesMax },
    { of: 'rows of a walk', most: walkMax },
    ...(isLinked ? [{ of: 'links', most: linksMax }] : []),
    ...(sort.every(isOrdered) ? [] : [{ of: 'matches opened to be sorted', most: sortedMax }]),
    ...(includes.length > 0 ? [{ of: 'resources included on a page', most: includesMax }] : []),
    ...(total === 'accurate' || summary === 'count' ? [{ of: 'matches counted exactly', most: accurateMax }] : []),
  ];
}
