// Functions that need to know where an element stands: https://hl7.org/fhir/R4/fhirpath.html#functions

import type { Definitions } from '../definitions.ts';
import { allChildren, childrenOf, computedPlaces, elementNames, type Place, valuesOf } from './place.ts';
import { referenceType } from './reference-type.ts';
import type { Spend } from './system/equality.ts';
import { systemTypeOf } from './system-value.ts';
import type { Roots, WalkFunction } from './walk.ts';

/** What only others know; where one is absent or answers undefined, the function gives nothing. */
export interface Hooks {
  /** Whether a code, Coding or CodeableConcept is of a value set. */
  memberOf?(value: unknown, valueSetUrl: string): boolean | undefined;
  /** Whether a Coding or CodeableConcept stands for all that the other one does. */
  subsumes?(general: unknown, specific: unknown): boolean | undefined;
  /** Whether a resource or element conforms to a profile. */
  conformsTo?(value: unknown, profileUrl: string): boolean | undefined;
  /** Whether a Narrative's text keeps the rules of https://hl7.org/fhir/R4/narrative.html#xhtml */
  htmlChecks?(xhtml: string): boolean;
  /** The value of a `%name` that is not the specification's. */
  constant?(name: string): unknown;
}

export function placeFunctions(
  definitions: Definitions,
  spend: Spend,
  hooks: Hooks,
): ReadonlyMap<string, WalkFunction<Place>> {
  const children = (places: readonly Place[]) => {
    const found = places.flatMap((place) => allChildren(place, definitions));
    spend(found.length + 1);
    return found;
  };
  const asked = (
    ask: ((value: unknown, argument: unknown) => boolean | undefined) | undefined,
  ): WalkFunction<Place> => ({
    arity: [1, 1],
    run: ([place, ...more], [argument]) => {
      const isOne = place !== undefined && more.length === 0 && argument?.length === 1;
      const answer = isOne ? ask?.(place.value, argument[0]) : undefined;
      return computedPlaces(answer === undefined ? [] : [answer]);
    },
  });
  const { memberOf, conformsTo, subsumes } = hooks;
  return new Map<string, WalkFunction<Place>>([
    ['children', { arity: [0, 0], run: children }],
    ['descendants', { arity: [0, 0], run: (places) => descendants(places, children) }],
    ['hasValue', { arity: [0, 0], run: (places) => computedPlaces([places.length === 1 && hasValue(places[0])]) }],
    ['getValue', { arity: [0, 0], run: (places) => computedPlaces(places.length === 1 ? ownValue(places[0]) : []) }],
    ['extension', { arity: [1, 1], run: (places, [url]) => extensions(places, url?.[0], definitions) }],
    ['resolve', { arity: [0, 0], run: (places, _, roots) => resolve(places, roots, definitions) }],
    ['htmlChecks', { arity: [0, 0], run: (places) => computedPlaces(htmlChecks(places, hooks)) }],
    ['type', { arity: [0, 0], run: (places) => computedPlaces(places.map(typeInfo)) }],
    ['checkModifiers', { arity: [0, 20], run: (places) => [...places] }],
    ['memberOf', asked(memberOf && ((value, url) => memberOf(value, String(url))))],
    ['conformsTo', asked(conformsTo && ((value, url) => conformsTo(value, String(url))))],
    ['subsumes', asked(subsumes)],
    ['subsumedBy', asked(subsumes && ((value, other) => subsumes(other, value)))],
  ]);
}

function descendants(places: readonly Place[], children: (places: readonly Place[]) => Place[]): Place[] {
  const found: Place[] = [];
  for (let round = children(places); round.length > 0; round = children(round)) {
    for (const place of round) found.push(place);
  }
  return found;
}

/** Of a primitive; its extensions are no value. */
function hasValue(place: Place | undefined): boolean {
  return place?.isPrimitive === true && place.value !== undefined;
}

function ownValue(place: Place | undefined): unknown[] {
  return place && hasValue(place) ? valuesOf([place]) : [];
}

function extensions(places: readonly Place[], url: unknown, definitions: Definitions): Place[] {
  const found = places.flatMap((place) =>
    childrenOf(place, elementNames(place.type ?? '', 'extension', definitions), definitions),
  );
  return found.filter(({ value }) => Object(value).url === url);
}

/** A contained resource, or for another one all that the reference itself tells: its type. */
function resolve(places: readonly Place[], { rootResource }: Roots<Place>, definitions: Definitions): Place[] {
  return places.flatMap(({ value }) => {
    const reference: unknown = typeof value === 'string' ? value : Object(value).reference;
    if (reference === '#') return rootResource;
    if (typeof reference === 'string' && reference.startsWith('#')) {
      const names = elementNames(rootResource.type ?? '', 'contained', definitions);
      const contained = childrenOf(rootResource, names, definitions);
      return contained.filter((place) => Object(place.value).id === reference.slice(1));
    }
    const type = referenceType(value);
    const isKnown = type !== undefined && definitions.resourceTypes.has(type);
    return isKnown ? { value: { resourceType: type }, extras: undefined, type, isPrimitive: false, at: undefined } : [];
  });
}

function htmlChecks(places: readonly Place[], hooks: Hooks): unknown[] {
  const texts = valuesOf(places);
  return hooks.htmlChecks ? [texts.every((text) => typeof text === 'string' && hooks.htmlChecks?.(text))] : [];
}

/** https://hl7.org/fhirpath/N1/#reflection */
function typeInfo({ type, value }: Place): object {
  if (type === undefined) return { namespace: 'System', name: systemTypeOf(value) };
  return { namespace: 'FHIR', name: type };
}
