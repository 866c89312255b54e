// Criteria made of other criteria, on the resource itself or on one that is linked to it: https://hl7.org/fhir/R4/search.html#chaining

import type { Criterion, Linked } from '../search-query.ts';
import type { CompiledCriterion, Condition } from './condition.ts';

export const composedKinds = ['not', 'any', 'chain', 'has', 'list'] as const;

export type ComposedCriterion = Criterion & { kind: (typeof composedKinds)[number] };

export function isComposed(criterion: Criterion): criterion is ComposedCriterion {
  return (composedKinds as readonly string[]).includes(criterion.kind);
}

type CompileAll = (criteria: readonly Criterion[]) => CompiledCriterion;

/** What needs a recheck inside was settled before (settle.ts): it could only be rechecked on the resource it is about. */
export function compileComposed(criterion: ComposedCriterion, compileAll: CompileAll): CompiledCriterion {
  switch (criterion.kind) {
    case 'not':
      return compileNot(compileAll(criterion.criteria));
    case 'any':
      return { conditions: [{ kind: 'any', anyOf: criterion.anyOf.map((list) => exact(compileAll(list))) }] };
    case 'chain': {
      const { parameter, targets } = criterion;
      return {
        conditions: [oneOf(targets.map((target) => linked(target, { parameter, isReverse: false }, compileAll)))],
      };
    }
    case 'has': {
      const { parameter, source } = criterion;
      return { conditions: [linked(source, { parameter, isReverse: true }, compileAll)] };
    }
    case 'list': {
      const ids: Condition = { kind: 'ids', ids: criterion.ids };
      return { conditions: [{ kind: 'linked', isReverse: true, parameter: 'item', type: 'List', conditions: [ids] }] };
    }
  }
}

function compileNot({ conditions, recheck }: CompiledCriterion): CompiledCriterion {
  if (recheck && conditions.length === 0) return { conditions: [], recheck: (resource) => !recheck(resource) };
  return { conditions: [{ kind: 'not', conditions: exact({ conditions, ...(recheck && { recheck }) }) }] };
}

function linked(
  { type, criterion }: Linked,
  link: { readonly parameter: string; readonly isReverse: boolean },
  compileAll: CompileAll,
): Condition {
  return { kind: 'linked', ...link, type, conditions: exact(compileAll([criterion])) };
}

function oneOf(conditions: readonly Condition[]): Condition {
  const [only, ...others] = conditions;
  if (only && others.length === 0) return only;
  return { kind: 'any', anyOf: conditions.map((condition) => [condition]) };
}

function exact({ conditions, recheck }: CompiledCriterion): readonly Condition[] {
  if (recheck) throw new Error('A criterion that needs a recheck was not settled before it was compiled.');
  return conditions;
}
