// Compiles the FHIRPath of a search parameter to closures once, so that an extraction walks plain properties and parses nothing.
// What the closures do not cover runs in @medplum/core's evaluator: https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression

import { evalFhirPathTyped, parseFhirPath, toTypedValue } from '@medplum/core';
import { readMember, readTypedMember } from './read-member.ts';
import { referenceType } from './reference-type.ts';
import { type Expression, parseExpression, UnsupportedSyntax } from './syntax.ts';

/** From a resource to the elements the expression names; a union may give an element twice. */
export type CompiledPath = (resource: object) => unknown[];
type Collection = readonly unknown[];
type Evaluate = (focus: Collection) => unknown[];

/**
 * Compiles an expression for resources of one type. Alternatives that start at another type give nothing and cost nothing.
 * Throws when the expression is no FHIRPath at all.
 */
export function compilePath(source: string, resourceType: string): CompiledPath {
  const evaluate = compileNatively(source, resourceType);
  if (!evaluate) return interpreted(source);
  return (resource) => evaluate([resource]);
}

/** Undefined when the expression needs the full evaluator. */
export function compileNatively(source: string, resourceType: string): Evaluate | undefined {
  try {
    return new Compiler(resourceType).compile(parseExpression(source)) ?? nothing;
  } catch (error) {
    if (error instanceof UnsupportedSyntax) return undefined;
    throw error;
  }
}

function interpreted(source: string): CompiledPath {
  const expression = parseFhirPath(source);
  return (resource) => evalFhirPathTyped(expression, [toTypedValue(resource)]).map((typed) => typed.value);
}

const nothing: Evaluate = () => [];

class Compiler {
  readonly #resourceType: string;

  constructor(resourceType: string) {
    this.#resourceType = resourceType;
  }

  /** Undefined means: always empty for this resource type. */
  compile(expression: Expression): Evaluate | undefined {
    switch (expression.kind) {
      case 'focus':
        return (focus) => focus as unknown[];
      case 'typeRoot':
        return this.#isOwnType(expression.type) ? (focus) => focus as unknown[] : undefined;
      case 'literal':
        return () => [expression.value];
      case 'member':
        return this.#member(expression);
      case 'index':
        return map(this.compile(expression.of), (values) => values.slice(expression.index, expression.index + 1));
      case 'type':
        return expression.operator === 'as' ? this.#as(expression) : this.#is(expression);
      case 'call':
        return this.#call(expression);
      case 'binary':
        return this.#binary(expression);
    }
  }

  #isOwnType(type: string): boolean {
    return type === this.#resourceType || type === 'Resource' || type === 'DomainResource';
  }

  /** A chain of members is one walk without collections in between. */
  #member(expression: Expression): Evaluate | undefined {
    const names: string[] = [];
    let of = expression;
    while (of.kind === 'member') {
      names.unshift(of.name);
      of = of.of;
    }
    return map(this.compile(of), (values) => {
      const out: unknown[] = [];
      for (const value of values) gather(value, names, 0, out);
      return out;
    });
  }

  #as({ of, type }: Expression & { kind: 'type' }): Evaluate | undefined {
    if (of.kind !== 'member') throw new UnsupportedSyntax('A cast of something that is not an element.');
    const { name } = of;
    return map(this.compile(of.of), (values) => {
      const out: unknown[] = [];
      for (const value of values) readTypedMember(value, name, type, out);
      return out;
    });
  }

  /** Only `resolve() is Type`, which is answered from the reference's text: a resource is never fetched to be indexed. */
  #is({ of, type }: Expression & { kind: 'type' }): Evaluate | undefined {
    if (of.kind !== 'call' || of.name !== 'resolve')
      throw new UnsupportedSyntax('A type test of something else than resolve().');
    return map(this.compile(of.of), (values) => {
      const types = values.map(referenceType).filter((found) => found !== undefined);
      return types.length === 1 ? [types[0] === type] : [];
    });
  }

  #call({ of, name, argument }: Expression & { kind: 'call' }): Evaluate | undefined {
    if (name === 'where' && argument) return this.#where(of, argument);
    if (name === 'exists') {
      const values = argument ? this.#where(of, argument) : this.compile(of);
      return values ? (focus) => [values(focus).length > 0] : () => [false];
    }
    if (name === 'extension' && argument?.kind === 'literal') {
      const url = argument.value;
      return map(this.#member({ kind: 'member', of, name: 'extension' }), (values) =>
        values.filter((extension) => (extension as { url?: unknown }).url === url),
      );
    }
    throw new UnsupportedSyntax(`The function ${name}.`);
  }

  #where(of: Expression, argument: Expression): Evaluate | undefined {
    const criterion = this.compile(argument);
    return criterion && map(this.compile(of), (values) => values.filter((value) => isTrue(criterion([value]))));
  }

  #binary(expression: Expression & { kind: 'binary' }): Evaluate | undefined {
    const left = this.compile(expression.left);
    const right = this.compile(expression.right);
    if (expression.operator === '|')
      return left && right ? (focus) => left(focus).concat(right(focus)) : (left ?? right);
    const decide = deciders[expression.operator];
    return (focus) => decide((left ?? nothing)(focus), (right ?? nothing)(focus));
  }
}

function map(of: Evaluate | undefined, step: (values: unknown[]) => unknown[]): Evaluate | undefined {
  if (!of) return undefined;
  return (focus) => {
    const values = of(focus);
    return values.length === 0 ? values : step(values);
  };
}

function gather(value: unknown, names: readonly string[], position: number, out: unknown[]): void {
  const name = names[position] as string;
  if (position === names.length - 1) {
    readMember(value, name, out);
    return;
  }
  const found: unknown[] = [];
  readMember(value, name, found);
  for (const item of found) gather(item, names, position + 1, out);
}

/** Three-valued: an empty collection is neither true nor false, https://hl7.org/fhirpath/N1/#boolean-logic */
const deciders = {
  and: (left: Collection, right: Collection) => {
    if (isFalse(left) || isFalse(right)) return [false];
    return isTrue(left) && isTrue(right) ? [true] : [];
  },
  or: (left: Collection, right: Collection) => {
    if (isTrue(left) || isTrue(right)) return [true];
    return isFalse(left) && isFalse(right) ? [false] : [];
  },
  '=': (left: Collection, right: Collection) => compare(left, right, true),
  '!=': (left: Collection, right: Collection) => compare(left, right, false),
};

function compare(left: Collection, right: Collection, whenEqual: boolean): unknown[] {
  if (left.length === 0 || right.length === 0) return [];
  const equal = left.length === right.length && left.every((value, index) => isSame(value, right[index]));
  return [equal === whenEqual];
}

function isSame(left: unknown, right: unknown): boolean {
  return left === right || (typeof left === 'object' && JSON.stringify(left) === JSON.stringify(right));
}

function isTrue(values: Collection): boolean {
  return values.length === 1 && values[0] === true;
}

function isFalse(values: Collection): boolean {
  return values.length === 1 && values[0] === false;
}
