// Turns the criteria of a query into conditions on index entries, one file per parameter type.

import type { IndexedParameter } from '../search-parameters.ts';
import type { Criterion, DateValue } from '../search-query.ts';
import { compileCompartment } from './compartment.ts';
import type { CompiledCriterion, Recheck } from './condition.ts';
import { compileDates } from './date.ts';
import { compileIdentifyingDates } from './identifying-date.ts';
import { compileReference } from './reference.ts';
import { compileString } from './string.ts';
import { compileToken } from './token.ts';

/** All conditions must hold, and the recheck where there is one. */
export function compileCriteria(criteria: readonly Criterion[]): CompiledCriterion {
  const compiled = [
    ...criteria.flatMap(compileAlone),
    ...together(criteria, 'date').map(([parameter, values]) => compileDates(parameter, values)),
    ...together(criteria, 'identifyingDate').map(([parameter, values]) => compileIdentifyingDates(parameter, values)),
  ];
  const rechecks = compiled.flatMap(({ recheck }) => recheck ?? []);
  return {
    conditions: compiled.flatMap(({ conditions }) => conditions),
    ...(rechecks.length > 0 && { recheck: allOf(rechecks) }),
  };
}

function compileAlone(criterion: Criterion): CompiledCriterion[] {
  switch (criterion.kind) {
    case 'id':
      return [{ conditions: [{ kind: 'ids', ids: criterion.ids }] }];
    case 'lastUpdated':
      return [{ conditions: [{ kind: 'lastUpdated', tests: criterion.values }] }];
    case 'token':
      return [compileToken(criterion)];
    case 'string':
      return [compileString(criterion)];
    case 'value':
      return [compileReference(criterion)];
    case 'compartment':
      return [compileCompartment(criterion)];
    case 'date':
    case 'identifyingDate':
      return [];
  }
}

/** The criteria of each parameter, for dates are compiled with all that is asked of them. */
function together(
  criteria: readonly Criterion[],
  kind: 'date' | 'identifyingDate',
): [IndexedParameter, (readonly DateValue[])[]][] {
  const byParameter = new Map<IndexedParameter, (readonly DateValue[])[]>();
  for (const criterion of criteria) {
    if (criterion.kind !== kind) continue;
    const values = byParameter.get(criterion.parameter);
    if (values) values.push(criterion.values);
    else byParameter.set(criterion.parameter, [criterion.values]);
  }
  return [...byParameter];
}

function allOf(rechecks: readonly Recheck[]): Recheck {
  return (resource) => rechecks.every((recheck) => recheck(resource));
}
