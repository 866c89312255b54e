// The constraints a profile adds: https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.constraint

import { typeCode } from '../../fhir/profiles/narrow.ts';
import type { ElementRules, ProfileElement } from '../../fhir/profiles/profile-element.ts';
import { type Compilation, contentTypeOf } from './compilation.ts';
import type { PlaceCheck } from './run.ts';

type Constraint = NonNullable<ElementRules['constraint']>[number];

export function compileInvariants(
  element: ProfileElement,
  baseline: ProfileElement,
  { id, where }: { readonly id: string; readonly where: string },
  compilation: Compilation,
): PlaceCheck | undefined {
  const known = new Set((baseline.definition.constraint ?? []).map(({ key }) => key));
  const own = (element.definition.constraint ?? []).filter(({ key, expression }) => expression && !known.has(key));
  const isRoot = !id.includes('.');
  const typeName = isRoot ? element.name : contentTypeOf(element, (element.definition.type ?? []).map(typeCode));
  const checks = own
    .filter(({ key }) => key !== 'ele-1' && key !== 'ext-1')
    .map((constraint) => compileConstraint(constraint, typeName, { id, where }, compilation))
    .filter((check) => check !== undefined);
  if (checks.length === 0) return undefined;
  return (place, run) => {
    for (const check of checks) check(place, run);
  };
}

function compileConstraint(
  { key = '', severity, human = '', expression = '' }: Constraint,
  typeName: string,
  { id, where }: { readonly id: string; readonly where: string },
  { expression: compile, problem }: Compilation,
): PlaceCheck | undefined {
  const holds = compile(expression, typeName);
  if (!holds) {
    problem('warning', id, `constraint ${key} is no FHIRPath this server can evaluate: it is not checked.`);
    return undefined;
  }
  const level = severity === 'warning' ? 'warning' : 'error';
  return (place, run) => {
    run.steps.spend(10);
    const found = holds(place, run);
    if (found === 'unknown') {
      run.add('warning', 'too-costly', { place }, `${key} could not be evaluated (${where}).`);
    } else if (!found) run.add(level, 'invariant', { place }, `${key}: ${human.slice(0, 500)} (${where})`);
  };
}
