// The links of a search need the right to search what they lead to: whoever may not search Observations could otherwise learn
// their values one by one from the Patients that are found: https://hl7.org/fhir/R4/search.html#has

import type { Caller } from '../access/caller.ts';
import { may, requirePermission } from '../access/may.ts';
import type { Criterion, Linked, SearchQuery } from './search-query.ts';

/** What the caller may find of a type, as criteria; none = all of it. */
type CriteriaOf = (type: string) => readonly Criterion[];

/**
 * Throws 403 for a link to a type that the caller may not search. A chain that names no type goes through those of the types
 * it can lead to that the caller may search. Only such linked resources count as the caller may find.
 */
export function permitLinks<Query extends SearchQuery>(query: Query, caller: Caller, criteriaOf: CriteriaOf): Query {
  if (!query.criteria.some(mayLead)) return query;
  const criteria = query.criteria.map((criterion) => permitted(criterion, caller, criteriaOf));
  const isSame = criteria.every((criterion, index) => criterion === query.criteria[index]);
  return isSame ? query : Object.freeze({ ...query, criteria: Object.freeze(criteria) });
}

/** Most searches ask of the row alone. */
function mayLead({ kind }: Criterion): boolean {
  return kind === 'not' || kind === 'any' || kind === 'chain' || kind === 'has' || kind === 'list';
}

function permitted(criterion: Criterion, caller: Caller, criteriaOf: CriteriaOf): Criterion {
  const permittedAll = (criteria: readonly Criterion[]) => criteria.map((one) => permitted(one, caller, criteriaOf));
  switch (criterion.kind) {
    case 'not':
      return { ...criterion, criteria: permittedAll(criterion.criteria) };
    case 'any':
      return { ...criterion, anyOf: criterion.anyOf.map(permittedAll) };
    case 'chain':
      return permittedChain(criterion, caller, criteriaOf);
    case 'has': {
      const { source } = criterion;
      requirePermission(caller, 's', source.type);
      return { ...criterion, source: permittedLink(source, caller, criteriaOf) };
    }
    case 'list':
      requirePermission(caller, 's', 'List');
      return permittedList(criterion, criteriaOf('List'));
    default:
      return criterion;
  }
}

function permittedChain(criterion: Criterion & { kind: 'chain' }, caller: Caller, criteriaOf: CriteriaOf): Criterion {
  const [first] = criterion.targets;
  const targets = criterion.targets.filter(({ type }) => may(caller, 's', type));
  if (first && targets.length === 0) requirePermission(caller, 's', first.type);
  return { ...criterion, targets: targets.map((target) => permittedLink(target, caller, criteriaOf)) };
}

function permittedLink({ type, criterion }: Linked, caller: Caller, criteriaOf: CriteriaOf): Linked {
  const asked = permitted(criterion, caller, criteriaOf);
  const rows = criteriaOf(type);
  return { type, criterion: rows.length === 0 ? asked : allOf([...rows, asked]) };
}

/** A List counts as what refers to its items. */
function permittedList(criterion: Criterion & { kind: 'list' }, rows: readonly Criterion[]): Criterion {
  if (rows.length === 0) return criterion;
  const lists: Criterion = { kind: 'id', ids: criterion.ids };
  return {
    kind: 'has',
    name: '_list',
    parameter: 'item',
    source: { type: 'List', criterion: allOf([lists, ...rows]) },
  };
}

function allOf(criteria: readonly Criterion[]): Criterion {
  return { kind: 'any', anyOf: [criteria] };
}
