// A plain reading of R4's search over plain resources, one by one, without any index: https://hl7.org/fhir/R4/search.html

import type { Resource } from '@medplum/fhirtypes';
import type { Pair, World } from './asked.ts';
import { matchesComposite } from './composite.ts';
import { matchesFilter } from './filter.ts';
import { matchesChain, matchesHas, matchesList } from './links.ts';
import { isNear } from './near.ts';
import { parametersOf, valuesOf } from './parameters.ts';
import { splitAt } from './split.ts';
import { matchesValue } from './value.ts';
import { matchesWords } from './words.ts';

/** "the search returns the intersection of each parameter's matches": all pairs must hold. */
export function findAll(world: World, type: string, pairs: readonly Pair[]): Resource[] {
  return world.resources.filter(
    (resource) => resource.resourceType === type && pairs.every((pair) => matches(world, resource, pair)),
  );
}

/** Undefined or a wrong name is a mistake of the test: throws. */
export function matches(world: World, resource: Resource, [name, value]: Pair): boolean {
  if (name.startsWith('_has:')) return matchesHas(world, resource, name, value, matches);
  if (name.includes('.')) return matchesChain(world, resource, name, value, matches);
  if (name === '_filter') return matchesFilter(world, resource, value, matches);
  if (name === '_list') return matchesList(world, resource, value);
  if (name === '_text' || name === '_content') {
    return splitAt(value, ',').some((raw) => matchesWords(resource, name, raw));
  }
  const [code = '', modifier] = name.split(':');
  // ":not: reverse the code matching described in the paragraph above. Note that this includes resources that have no value
  // for the parameter"; :not-in likewise "tests whether the coding is not in the specified value set".
  if (modifier === 'not') return !matches(world, resource, [code, value]);
  if (modifier === 'not-in') return !matches(world, resource, [`${code}:in`, value]);
  const parameter = parametersOf(resource.resourceType).get(code);
  if (!parameter) throw new Error(`${resource.resourceType} has no parameter ${code}`);
  const values = valuesOf(resource, parameter);
  // "gender:missing=true will return all the resources that don't have a value for the gender parameter".
  if (modifier === 'missing') return (values.length === 0) === (value === 'true');
  // "If ... contains a comma: values are joined with OR".
  return splitAt(value, ',').some((raw) => {
    if (parameter.type === 'composite') return matchesComposite(resource, parameter, raw, world);
    if (parameter.type === 'special') return values.some((position) => isNear(position, raw));
    return matchesValue({ parameter, modifier, raw, values, world });
  });
}
