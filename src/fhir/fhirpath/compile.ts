// Compiles the FHIRPath of a search parameter to closures once, so that an extraction walks plain properties and parses nothing:
// https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression

import type { Definitions } from '../definitions.ts';
import { Compiler } from './compiler.ts';
import type { ReachedElement } from './elements.ts';
import { type Place, rootPlace, valuesOf } from './place.ts';
import { PlaceWalk } from './place-walk.ts';
import { readAnyChoice, readNames } from './read-member.ts';
import { trustedRegExp } from './safe-reg-exp.ts';
import { type Expression, parseExpression } from './syntax.ts';
import { UnsupportedSyntax } from './tokens.ts';
import type { Walk } from './walk.ts';

export interface CompiledPath {
  /** From a resource to the elements the expression names; a union may give an element twice. */
  readonly read: (resource: object) => unknown[];
  /** What it reaches; absent when the definitions do not tell. */
  readonly elements?: readonly ReachedElement[];
  /** False where bare values do not tell enough and places are walked. */
  readonly isNative: boolean;
}

/**
 * Compiles an expression of the definitions for resources of one type; one from outside is for compileBounded. Alternatives
 * that start at another type give nothing and cost nothing. Throws UnsupportedSyntax when the expression is no FHIRPath.
 */
export function compilePath(source: string, resourceType: string, definitions: Definitions): CompiledPath {
  const expression = parseExpression(source);
  try {
    const compiler = new Compiler({ type: resourceType, definitions, walk: overValues });
    const { read, elements } = compiler.reader(expression) ?? nothing;
    return { read, ...(elements && { elements }), isNative: true };
  } catch (error) {
    if (error instanceof UnsupportedSyntax) return overPlaces(expression, resourceType, definitions);
    throw error;
  }
}

/** Throws an UnknownElement where the expression names what is no element of its parents in R4, in criteria too. */
export function requireElements(source: string, resourceType: string, definitions: Definitions): void {
  const walk = { ...overValues, isStrict: true };
  new Compiler({ type: resourceType, definitions, walk }).reader(parseExpression(source));
}

function overPlaces(expression: Expression, type: string, definitions: Definitions): CompiledPath {
  const walk = new PlaceWalk({ definitions, isStrict: false, regExp: trustedRegExp });
  const reader = new Compiler<Place>({ type, definitions, walk }).reader(expression);
  const read = (resource: object) =>
    walk.run(undefined, undefined, () => valuesOf(reader?.read(rootPlace(resource, type)) ?? []));
  return { read, ...(reader?.elements && { elements: reader.elements }), isNative: false };
}

const nothing = { read: () => [], elements: [] };

const overValues: Walk<unknown> = {
  member: (name, known) => (known ? readNames(known.jsonNames) : readAnyChoice(name)),
  values: (items) => items,
  extrasOf: () => undefined,
  computed: (values) => values,
  spend: () => undefined,
  isStrict: false,
};
