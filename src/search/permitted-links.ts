// The links of a search need the right to search what they lead to: whoever may not search Observations could otherwise learn
// their values one by one from the Patients that are found: https://hl7.org/fhir/R4/search.html#has

import type { Caller } from '../access/caller.ts';
import { may, requirePermission } from '../access/may.ts';
import type { Criterion, SearchQuery } from './search-query.ts';

/**
 * Throws 403 for a link to a type that the caller may not search. A chain that names no type goes through those of the types
 * it can lead to that the caller may search.
 */
export function permitLinks<Query extends SearchQuery>(query: Query, caller: Caller): Query {
  const criteria = query.criteria.map((criterion) => permitted(criterion, caller));
  const isSame = criteria.every((criterion, index) => criterion === query.criteria[index]);
  return isSame ? query : Object.freeze({ ...query, criteria: Object.freeze(criteria) });
}

function permitted(criterion: Criterion, caller: Caller): Criterion {
  switch (criterion.kind) {
    case 'not':
      return { ...criterion, criteria: criterion.criteria.map((one) => permitted(one, caller)) };
    case 'any':
      return { ...criterion, anyOf: criterion.anyOf.map((list) => list.map((one) => permitted(one, caller))) };
    case 'chain':
      return permittedChain(criterion, caller);
    case 'has': {
      const { source } = criterion;
      requirePermission(caller, 's', source.type);
      return { ...criterion, source: { ...source, criterion: permitted(source.criterion, caller) } };
    }
    case 'list':
      requirePermission(caller, 's', 'List');
      return criterion;
    default:
      return criterion;
  }
}

function permittedChain(criterion: Criterion & { kind: 'chain' }, caller: Caller): Criterion {
  const [first] = criterion.targets;
  const targets = criterion.targets.filter(({ type }) => may(caller, 's', type));
  if (first && targets.length === 0) requirePermission(caller, 's', first.type);
  return {
    ...criterion,
    targets: targets.map((target) => ({ ...target, criterion: permitted(target.criterion, caller) })),
  };
}
