// Turns the criteria of a query into conditions on index entries, one file per parameter type.

import { fhirError } from '../../fhir/outcome.ts';
import { printable } from '../parse/search-notes.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { CodesCriterion, Criterion, DateValue, QuantityValue } from '../search-query.ts';
import { compileCompared } from './compared.ts';
import { compileCompartment } from './compartment.ts';
import { compileComposed } from './composed.ts';
import { compileComposite } from './composite.ts';
import type { CompiledCriterion, Recheck } from './condition.ts';
import { compileDates } from './date.ts';
import { compileIdentifyingDates } from './identifying-date.ts';
import { compileMissing } from './missing.ts';
import { compileNear } from './near.ts';
import { compileQuantities } from './quantity.ts';
import { compileReference } from './reference.ts';
import { compileString } from './string.ts';
import { compileToken, compileTypedIdentifier } from './token.ts';
import { compileWords } from './words.ts';

/** All conditions must hold, and the recheck where there is one. */
export function compileCriteria(criteria: readonly Criterion[]): CompiledCriterion {
  const compiled = [
    ...criteria.flatMap(compileAlone),
    ...together(criteria, 'date').map(([parameter, values]) => compileDates(parameter, values)),
    ...together(criteria, 'identifyingDate').map(([parameter, values]) => compileIdentifyingDates(parameter, values)),
    ...quantitiesTogether(criteria),
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
    case 'words':
      return [compileWords(criterion)];
    case 'typedIdentifier':
      return [compileTypedIdentifier(criterion)];
    case 'codes':
      throw unresolved(criterion);
    case 'value':
      return [compileReference(criterion)];
    case 'compartment':
      return [compileCompartment(criterion)];
    case 'compared':
      return [compileCompared(criterion, compileCriteria)];
    case 'missing':
      return [compileMissing(criterion)];
    case 'not':
    case 'any':
    case 'chain':
    case 'has':
    case 'list':
      return [compileComposed(criterion, compileCriteria)];
    case 'composite':
      return [compileComposite(criterion, compileCriteria)];
    case 'near':
      return [compileNear(criterion)];
    case 'date':
    case 'identifyingDate':
    case 'number':
    case 'quantity':
      return [];
  }
}

/** Where nothing looks up value sets and code systems, as for the criteria of conditional requests. */
function unresolved({ name, modifier }: CodesCriterion): Error {
  return fhirError('not-supported', `The modifier "${modifier}" of ${printable(name)} cannot be used here.`, {
    status: 400,
  });
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

/** Numbers and quantities likewise. */
function quantitiesTogether(criteria: readonly Criterion[]): CompiledCriterion[] {
  const byParameter = new Map<IndexedParameter, (readonly QuantityValue[])[]>();
  for (const criterion of criteria) {
    if (criterion.kind !== 'number' && criterion.kind !== 'quantity') continue;
    const { parameter, values } = criterion;
    byParameter.set(parameter, [...(byParameter.get(parameter) ?? []), values]);
  }
  return [...byParameter].map(([parameter, values]) => compileQuantities(parameter, values));
}

function allOf(rechecks: readonly Recheck[]): Recheck {
  return (resource) => rechecks.every((recheck) => recheck(resource));
}
