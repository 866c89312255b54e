// Walks the criteria that others are made of, down to those that are about one parameter: https://hl7.org/fhir/R4/search.html#chaining

import type { Criterion } from './search-query.ts';

/** The same criterion with others in the place of its leaves, each of which is told the type it is about. */
export function mapLeaves(
  criterion: Criterion,
  type: string,
  map: (leaf: Criterion, type: string) => Criterion,
): Criterion {
  const mapAll = (criteria: readonly Criterion[]) => criteria.map((one) => mapLeaves(one, type, map));
  switch (criterion.kind) {
    case 'not':
      return { ...criterion, criteria: mapAll(criterion.criteria) };
    case 'any':
      return { ...criterion, anyOf: criterion.anyOf.map(mapAll) };
    case 'chain':
      return {
        ...criterion,
        targets: criterion.targets.map((target) => ({
          type: target.type,
          criterion: mapLeaves(target.criterion, target.type, map),
        })),
      };
    case 'has': {
      const { source } = criterion;
      return { ...criterion, source: { type: source.type, criterion: mapLeaves(source.criterion, source.type, map) } };
    }
    default:
      return map(criterion, type);
  }
}

/** All leaves, with the type each is about. */
export function leavesOf(
  criterion: Criterion,
  type: string,
): { readonly criterion: Criterion; readonly type: string }[] {
  const leaves: { criterion: Criterion; type: string }[] = [];
  mapLeaves(criterion, type, (leaf, leafType) => {
    leaves.push({ criterion: leaf, type: leafType });
    return leaf;
  });
  return leaves;
}
