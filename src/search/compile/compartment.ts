// Membership in a compartment as an overlap of reference tokens: https://hl7.org/fhir/R4/compartmentdefinition.html

import type { Criterion } from '../search-query.ts';
import { valueText } from '../token-text.ts';
import { anyText, type CompiledCriterion } from './condition.ts';

export function compileCompartment(criterion: Criterion & { kind: 'compartment' }): CompiledCriterion {
  const { keys, reference, ownId } = criterion;
  if (ownId !== undefined && keys.length === 0) return { conditions: [{ kind: 'ids', ids: [ownId] }] };
  const condition = anyText(keys.map((key) => valueText(key, reference)));
  return { conditions: [ownId === undefined ? condition : { ...condition, orId: ownId }] };
}
