// Compiles the FHIRPath of a search parameter to closures once, so that an extraction walks plain properties and parses nothing.
// What the closures do not cover runs in @medplum/core's evaluator: https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression

import { evalFhirPathTyped, parseFhirPath, toTypedValue } from '@medplum/core';
import type { Definitions } from '../definitions.ts';
import { Compiler } from './compiler.ts';
import type { ReachedElement } from './elements.ts';
import { readAnyChoice, readNames } from './read-member.ts';
import { parseExpression } from './syntax.ts';
import { UnsupportedSyntax } from './tokens.ts';
import type { Walk } from './walk.ts';

export interface CompiledPath {
  /** From a resource to the elements the expression names; a union may give an element twice. */
  readonly read: (resource: object) => unknown[];
  /** What it reaches; absent when the definitions do not tell. */
  readonly elements?: readonly ReachedElement[];
  /** False when the full evaluator runs. */
  readonly isNative: boolean;
}

/**
 * Compiles an expression for resources of one type. Alternatives that start at another type give nothing and cost nothing.
 * Throws when the expression is no FHIRPath at all.
 */
export function compilePath(source: string, resourceType: string, definitions: Definitions): CompiledPath {
  try {
    const compiler = new Compiler({ resourceType, definitions, walk: overValues });
    const { read, elements } = compiler.reader(parseExpression(source)) ?? nothing;
    return { read, ...(elements && { elements }), isNative: true };
  } catch (error) {
    if (error instanceof UnsupportedSyntax) return { read: interpreted(source), isNative: false };
    throw error;
  }
}

function interpreted(source: string): CompiledPath['read'] {
  const expression = parseFhirPath(source);
  return (resource) => evalFhirPathTyped(expression, [toTypedValue(resource)]).map((typed) => typed.value);
}

const nothing = { read: () => [], elements: [] };

const overValues: Walk<unknown> = {
  member: (name, known) => (known ? readNames(known.jsonNames) : readAnyChoice(name)),
  values: (items) => items,
  computed: (values) => values,
  spend: () => undefined,
  isStrict: false,
};
