// Compiles the FHIRPath of a search parameter to closures once, so that an extraction walks plain properties and parses nothing.
// What the closures do not cover runs in @medplum/core's evaluator: https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression

import { evalFhirPathTyped, parseFhirPath, toTypedValue } from '@medplum/core';
import type { Definitions } from '../definitions.ts';
import { type ReachedElement, type ReachedElements, reachMember } from './elements.ts';
import { type Collection, deciders, isTrue } from './operators.ts';
import { choiceName, type ReadMember, readAnyChoice, readNames } from './read-member.ts';
import { referenceType } from './reference-type.ts';
import { type Expression, parseExpression, UnsupportedSyntax } from './syntax.ts';

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
    const focus: Part = {
      evaluate: (values) => values as unknown[],
      elements: [{ type: resourceType, repeats: false }],
    };
    const part = new Compiler(resourceType, definitions).compile(parseExpression(source), focus) ?? nothing;
    const { evaluate, elements } = part;
    return { read: (resource) => evaluate([resource]), ...(elements && { elements }), isNative: true };
  } catch (error) {
    if (error instanceof UnsupportedSyntax) return { read: interpreted(source), isNative: false };
    throw error;
  }
}

function interpreted(source: string): CompiledPath['read'] {
  const expression = parseFhirPath(source);
  return (resource) => evalFhirPathTyped(expression, [toTypedValue(resource)]).map((typed) => typed.value);
}

interface Part {
  readonly evaluate: (focus: Collection) => unknown[];
  readonly elements: ReachedElements;
}

const nothing: Part = { evaluate: () => [], elements: [] };

class Compiler {
  readonly #resourceType: string;
  readonly #definitions: Definitions;

  constructor(resourceType: string, definitions: Definitions) {
    this.#resourceType = resourceType;
    this.#definitions = definitions;
  }

  /** `focus` is what the expression starts from; undefined means: always empty for this resource type. */
  compile(expression: Expression, focus: Part): Part | undefined {
    switch (expression.kind) {
      case 'focus':
        return focus;
      case 'typeRoot':
        return [this.#resourceType, 'Resource', 'DomainResource'].includes(expression.type) ? focus : undefined;
      case 'literal':
        return { evaluate: () => [expression.value], elements: undefined };
      case 'member':
        return this.#member(expression, focus);
      case 'index':
        return this.#index(expression, focus);
      case 'type':
        return expression.operator === 'as' ? this.#as(expression, focus) : this.#is(expression, focus);
      case 'call':
        return this.#call(expression, focus);
      case 'binary':
        return this.#binary(expression, focus);
    }
  }

  /** A chain of members is one walk without collections in between. */
  #member(expression: Expression, focus: Part): Part | undefined {
    const names: string[] = [];
    let of = expression;
    while (of.kind === 'member') {
      names.unshift(of.name);
      of = of.of;
    }
    const parent = this.compile(of, focus);
    if (!parent) return undefined;
    let { elements } = parent;
    const steps: ReadMember[] = [];
    for (const name of names) {
      const member = reachMember(elements, name, this.#definitions);
      steps.push(member ? readNames(member.jsonNames) : readAnyChoice(name));
      elements = member?.elements;
    }
    return follow(parent, elements, (values) => gatherAll(values, steps));
  }

  #index({ of, index }: Expression & { kind: 'index' }, focus: Part): Part | undefined {
    const list = this.compile(of, focus);
    const elements = list?.elements?.map((element) => ({ ...element, repeats: false }));
    return list && follow(list, elements, (values) => values.slice(index, index + 1));
  }

  #as({ of, type }: Expression & { kind: 'type' }, focus: Part): Part | undefined {
    if (of.kind !== 'member') throw new UnsupportedSyntax('A cast of something that is not an element.');
    const parent = this.compile(of.of, focus);
    if (!parent) return undefined;
    const member = reachMember(parent.elements, of.name, this.#definitions);
    const read = readNames([choiceName(of.name, type)]);
    const elements = member?.elements.filter((element) => element.type === type);
    return follow(parent, elements, (values) => gatherAll(values, [read]));
  }

  /** Only `resolve() is Type`, which is answered from the reference's text: a resource is never fetched to be indexed. */
  #is({ of, type }: Expression & { kind: 'type' }, focus: Part): Part | undefined {
    if (of.kind !== 'call' || of.name !== 'resolve') throw new UnsupportedSyntax('A type test of something else.');
    const references = this.compile(of.of, focus);
    return (
      references &&
      follow(references, truth, (values) => {
        const types = values.map(referenceType).filter((found) => found !== undefined);
        return types.length === 1 ? [types[0] === type] : [];
      })
    );
  }

  #call({ of, name, argument }: Expression & { kind: 'call' }, focus: Part): Part | undefined {
    if (name === 'where' && argument) return this.#where(of, argument, focus);
    if (name === 'exists') {
      const found = (argument ? this.#where(of, argument, focus) : this.compile(of, focus)) ?? nothing;
      return { evaluate: (values) => [found.evaluate(values).length > 0], elements: truth };
    }
    if (name !== 'extension' || argument?.kind !== 'literal') throw new UnsupportedSyntax(`The function ${name}.`);
    const url: Expression = { kind: 'member', of: { kind: 'focus' }, name: 'url' };
    return this.#where(
      { kind: 'member', of, name: 'extension' },
      { kind: 'binary', operator: '=', left: url, right: argument },
      focus,
    );
  }

  #where(of: Expression, argument: Expression, focus: Part): Part | undefined {
    const list = this.compile(of, focus);
    if (!list) return undefined;
    const item: Part = { evaluate: (values) => values as unknown[], elements: list.elements };
    const criterion = this.compile(argument, item) ?? nothing;
    return follow(list, list.elements, (values) => values.filter((value) => isTrue(criterion.evaluate([value]))));
  }

  #binary({ operator, left, right }: Expression & { kind: 'binary' }, focus: Part): Part | undefined {
    const a = this.compile(left, focus);
    const b = this.compile(right, focus);
    if (operator === '|') return a && b ? union(a, b) : (a ?? b);
    const decide = deciders[operator];
    const [first, second] = [a ?? nothing, b ?? nothing];
    return { evaluate: (values) => decide(first.evaluate(values), second.evaluate(values)), elements: truth };
  }
}

const truth: ReachedElements = [{ type: 'boolean', repeats: false }];

/** Nothing follows from an empty collection. */
function follow({ evaluate }: Part, elements: ReachedElements, step: (values: unknown[]) => unknown[]): Part {
  return {
    evaluate: (focus) => {
      const values = evaluate(focus);
      return values.length === 0 ? values : step(values);
    },
    elements,
  };
}

function union(a: Part, b: Part): Part {
  return {
    evaluate: (focus) => a.evaluate(focus).concat(b.evaluate(focus)),
    elements: a.elements && b.elements && [...a.elements, ...b.elements],
  };
}

function gatherAll(values: Collection, steps: readonly ReadMember[]): unknown[] {
  const out: unknown[] = [];
  for (const value of values) gather(value, steps, 0, out);
  return out;
}

function gather(value: unknown, steps: readonly ReadMember[], position: number, out: unknown[]): void {
  const read = steps[position] as ReadMember;
  if (position === steps.length - 1) {
    read(value, out);
    return;
  }
  const found: unknown[] = [];
  read(value, found);
  for (const item of found) gather(item, steps, position + 1, out);
}
