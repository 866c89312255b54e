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

/** What criteria are about, by the names of their parameters, each once, for those who have to ask otherwise. */
export function partNames(criteria: readonly Criterion[]): readonly string[] {
  const leaves = criteria.flatMap((criterion) => leavesOf(criterion, ''));
  return [...new Set(leaves.flatMap((leaf) => nameOf(leaf.criterion)))];
}

function nameOf(criterion: Criterion): string[] {
  switch (criterion.kind) {
    case 'token':
    case 'value':
      return [criterion.key.split(/[.:~]/)[1] ?? criterion.key];
    case 'codes':
      return [criterion.name];
    case 'composite':
      return criterion.values.map(({ parameter }) => parameter.code);
    case 'missing':
      return [`${criterion.parameter.code}:missing`];
    default:
      return 'parameter' in criterion && typeof criterion.parameter === 'object' ? [criterion.parameter.code] : [];
  }
}
