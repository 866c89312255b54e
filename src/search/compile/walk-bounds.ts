// How far a search may walk along an index for one page, and what it needs to know to do so.

import type { IndexedParameter } from '../search-parameters.ts';
import type { PageOptions } from './select-page.ts';
import type { SqlContext } from './sql.ts';

/** Rows that are looked at; what does not fill the page within them is too costly. */
export const walkMax = 20_000;

/** Along the values of a parameter. */
export interface ParameterWalk {
  readonly parameter: IndexedParameter;
  readonly page: PageOptions;
  /** What must hold for a resource `r`. */
  readonly tests: string;
  readonly limit: string;
  readonly context: SqlContext;
}
