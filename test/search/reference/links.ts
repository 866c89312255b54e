// Chained parameters, reverse chaining and lists: https://hl7.org/fhir/R4/search.html#chaining

import type { Resource } from '@medplum/fhirtypes';
import { listOf, type Matches, membersOf, type Pair, type World } from './asked.ts';
import { parametersOf, valuesOf } from './parameters.ts';
import { literalOf } from './reference.ts';
import { splitAt } from './split.ts';

/**
 * "subject:Patient.name=peter": any resource the reference leads to meets what stands behind the point; "Chained parameters are
 * applied independently to the target resources". Without a type, those types whose own parameter it is.
 */
export function matchesChain(world: World, resource: Resource, name: string, value: string, test: Matches): boolean {
  const point = name.indexOf('.');
  const [code = '', type] = name.slice(0, point).split(':');
  const rest = name.slice(point + 1);
  return targetsOf(world, resource, code)
    .filter((target) => type === undefined || target.resourceType === type)
    .filter((target) => isKnown(target.resourceType, rest))
    .some((target) => test(world, target, [rest, value]));
}

/**
 * "_has:Observation:patient:code=1234-5: requests the server to return Patient resources, where the patient resource is
 * referred to by at least one Observation where the observation has a code 1234, and where the Observation refers to the
 * patient resource in the patient search parameter."
 */
export function matchesHas(world: World, resource: Resource, name: string, value: string, test: Matches): boolean {
  const [, type = '', code = '', ...rest] = name.split(':');
  const pair: Pair = [rest.join(':'), value];
  const isTarget = (source: Resource) => targetsOf(world, source, code).includes(resource);
  return world.resources.some(
    (source) => source.resourceType === type && isTarget(source) && test(world, source, pair),
  );
}

/** "_list: all resources that are referenced by the list" with this id. */
export function matchesList(world: World, resource: Resource, value: string): boolean {
  return splitAt(value, ',').some((id) => {
    const items = listOf(membersOf(world.byPlace.get(`List/${id}`)).entry).map((entry) => membersOf(entry).item);
    return items.flatMap((item) => resolved(world, item)).includes(resource);
  });
}

function targetsOf(world: World, resource: Resource, code: string): Resource[] {
  const parameter = parametersOf(resource.resourceType).get(code);
  return parameter ? valuesOf(resource, parameter).flatMap((reference) => resolved(world, reference)) : [];
}

function resolved(world: World, reference: unknown): Resource[] {
  return literalOf(reference).flatMap((literal) => world.byPlace.get(literal.split('/').slice(0, 2).join('/')) ?? []);
}

function isKnown(type: string, name: string): boolean {
  return name.startsWith('_has:') || parametersOf(type).has(name.split(/[.:]/)[0] ?? '');
}
