// How each parameter of a search is answered: by an index, by a test of what an index found, by opening resources, or not at all.

import { setImmediate } from 'node:timers/promises';
import { FhirError } from '../../fhir/outcome.ts';
import type { Condition } from '../../search/compile/condition.ts';
import { compileCriteria } from '../../search/compile/criteria.ts';
import { canAnchor } from '../../search/compile/linked-sets.ts';
import { leavesOf, mapLeaves } from '../../search/criterion-tree.ts';
import { isResultParameter } from '../../search/parse/result-parameters.ts';
import type { Criterion, SearchQuery } from '../../search/search-query.ts';
import { settle } from '../../search/settle.ts';
import { isOrdered } from '../../search/sort-key.ts';
import type { ExplainedSearch, Pairs } from './explained-search.ts';

export type AnsweredBy =
  /** Its entries in an index find what meets it. */
  | 'index'
  /** Its entries are tested on what other parameters find. */
  | 'test'
  /** Resources are opened to decide, for the index finds too much or nothing. */
  | 'recheck'
  /** It says what the answer holds, and chooses nothing. */
  | 'answer'
  /** It is left out of the search, or makes the whole of it an error. */
  | 'refused';

export interface DescribedParameter {
  readonly name: string;
  readonly answeredBy: readonly AnsweredBy[];
  readonly notes: readonly string[];
}

/** Each read by itself, as it would be without the others; other requests get their turn in between. */
export async function describeParameters(search: ExplainedSearch, pairs: Pairs): Promise<DescribedParameter[]> {
  const described: DescribedParameter[] = [];
  for (const [name, value] of pairs) {
    described.push({ name, ...(await describe(search, name, value)) });
    await setImmediate();
  }
  return described;
}

type Answer = Omit<DescribedParameter, 'name'>;

async function describe(search: ExplainedSearch, name: string, value: string): Promise<Answer> {
  try {
    const own = [[name, value]] as const;
    // What the search itself adds, such as that of a compartment, comes with every parameter.
    const added = search.parse([]).criteria.length;
    const query = search.parse(own);
    const refused = query.warnings.map(({ diagnostics }) => diagnostics);
    if (refused.length > 0) return { answeredBy: ['refused'], notes: refused };
    const criteria = query.criteria.slice(added);
    if (criteria.length === 0)
      return { answeredBy: ['answer'], notes: isResultParameter(name) ? sortNotes(query) : [] };
    return await describeCriteria({ ...query, criteria });
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    return { answeredBy: ['refused'], notes: error.issues.map(({ diagnostics }) => diagnostics) };
  }
}

function sortNotes({ sort }: SearchQuery): string[] {
  return sort.every(isOrdered) ? [] : ['All matches are opened to be sorted by it.'];
}

async function describeCriteria(query: SearchQuery): Promise<Answer> {
  const isLookedUp = query.criteria.some((criterion) =>
    leavesOf(criterion, query.type).some((leaf) => leaf.criterion.kind === 'codes'),
  );
  const asked = {
    ...query,
    criteria: query.criteria.map((criterion) => mapLeaves(criterion, query.type, withoutCodes)),
  };
  const settled = await settle(asked, nothing);
  const { conditions, recheck } = compileCriteria(settled.criteria);
  const finds = conditions.some(isFinding);
  const answeredBy = [
    ...(finds ? ['index' as const] : []),
    ...(conditions.length > 0 && !finds ? ['test' as const] : []),
    ...(recheck || settled !== asked ? ['recheck' as const] : []),
  ];
  const notes = [
    ...(isLookedUp ? ['The codes it names are looked up first.'] : []),
    ...(settled === asked ? [] : ['A part of it is a search of its own, decided ahead on opened resources.']),
    ...(recheck && conditions.length === 0
      ? ['Nothing is found by it: another parameter should narrow the search.']
      : []),
  ];
  return { answeredBy: answeredBy.length === 0 ? ['test'] : answeredBy, notes };
}

function isFinding(condition: Condition): boolean {
  return condition.kind === 'lastUpdated' || canAnchor(condition);
}

/** Whichever codes they are, they are asked for in one way. */
function withoutCodes(criterion: Criterion): Criterion {
  if (criterion.kind !== 'codes') return criterion;
  const token = { ...criterion.token, values: [{ code: '' }] };
  return criterion.modifier === 'not-in' ? { kind: 'not', criteria: [token] } : token;
}

/** Nothing is asked of the database. */
const nothing = {
  send: () => Promise.resolve([]),
  open: () => Promise.reject(new Error('There is nothing to open.')),
  tokenOf: () => 0n,
};
