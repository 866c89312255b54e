// From the tree of an expression to closures, over whatever a walk gives: https://hl7.org/fhirpath/N1/#expressions

import type { Definitions } from '../definitions.ts';
import { type ReachedElements, reachMember } from './elements.ts';
import { pickers } from './functions.ts';
import { deciders, isTrue, negation } from './operators.ts';
import { choiceName, type ReadMember } from './read-member.ts';
import { referenceType } from './reference-type.ts';
import type { Expression } from './syntax.ts';
import { UnsupportedSyntax } from './tokens.ts';
import type { Walk } from './walk.ts';

/** Thrown where the walk is strict and the definitions know no such element. */
export class UnknownElement extends Error {}

export interface CompilerOptions<T> {
  readonly resourceType: string;
  readonly definitions: Definitions;
  readonly walk: Walk<T>;
}

export interface Reader<T> {
  readonly read: (root: T) => T[];
  readonly elements: ReachedElements;
}

interface Part<T> {
  readonly evaluate: (focus: readonly T[]) => T[];
  readonly elements: ReachedElements;
}

const truth: ReachedElements = [{ type: 'boolean', repeats: false }];
const wholeNumber: ReachedElements = [{ type: 'integer', repeats: false }];

export class Compiler<T> {
  readonly #resourceType: string;
  readonly #definitions: Definitions;
  readonly #walk: Walk<T>;
  readonly #nothing: Part<T> = { evaluate: () => [], elements: [] };
  /** The resource that is being read, for %resource; kept by expressions with that variable only. */
  #root: T[] = [];
  #usesRoot = false;

  constructor({ resourceType, definitions, walk }: CompilerOptions<T>) {
    this.#resourceType = resourceType;
    this.#definitions = definitions;
    this.#walk = walk;
  }

  /** Undefined means: always empty for this resource type. */
  reader(expression: Expression): Reader<T> | undefined {
    const part = this.#compile(
      expression,
      this.#rootPart((focus) => focus as T[]),
    );
    if (!part) return undefined;
    const { evaluate, elements } = part;
    if (!this.#usesRoot) return { read: (root) => evaluate([root]), elements };
    const read = (root: T) => {
      this.#root = [root];
      return evaluate(this.#root);
    };
    return { read, elements };
  }

  #rootPart(evaluate: Part<T>['evaluate']): Part<T> {
    return { evaluate, elements: [{ type: this.#resourceType, repeats: false }] };
  }

  /** `focus` is what the expression starts from; undefined means: always empty for this resource type. */
  #compile(expression: Expression, focus: Part<T>): Part<T> | undefined {
    switch (expression.kind) {
      case 'focus':
        return focus;
      case 'root':
        this.#usesRoot = true;
        return this.#rootPart(() => this.#root);
      case 'empty':
        return this.#nothing;
      case 'typeRoot':
        return [this.#resourceType, 'Resource', 'DomainResource'].includes(expression.type) ? focus : undefined;
      case 'literal': {
        const literal = this.#walk.computed([expression.value]);
        return { evaluate: () => literal, elements: undefined };
      }
      case 'member':
        return this.#member(expression, focus);
      case 'index':
        return this.#pick(expression.of, focus, (values) => values.slice(expression.index, expression.index + 1));
      case 'type':
        return expression.operator === 'as' ? this.#as(expression, focus) : this.#is(expression, focus);
      case 'call':
        return this.#call(expression, focus);
      case 'binary':
        return this.#binary(expression, focus);
    }
  }

  /** A chain of members is one walk without collections in between. */
  #member(expression: Expression, focus: Part<T>): Part<T> | undefined {
    const names: string[] = [];
    let of = expression;
    while (of.kind === 'member') {
      names.push(of.name);
      of = of.of;
    }
    const parent = this.#compile(of, focus);
    if (!parent) return undefined;
    let { elements } = parent;
    const steps: ReadMember<T>[] = [];
    for (const name of names.reverse()) {
      const member = reachMember(elements, name, this.#definitions);
      if (!member && this.#walk.isStrict) requirePossible(elements, name);
      steps.push(this.#walk.member(name, member));
      elements = member?.elements;
    }
    return follow(parent, elements, (values) => gatherAll(values, steps));
  }

  /** A step that keeps some items of a list as they are. */
  #pick(of: Expression, focus: Part<T>, pick: (values: T[]) => T[]): Part<T> | undefined {
    const list = this.#compile(of, focus);
    const elements = list?.elements?.map((element) => ({ ...element, repeats: false }));
    return list && follow(list, elements, pick);
  }

  #as({ of, type }: Expression & { kind: 'type' }, focus: Part<T>): Part<T> | undefined {
    const { isOfType } = this.#walk;
    if (isOfType) {
      const list = this.#compile(of, focus);
      const elements = list?.elements?.filter((element) => element.type === type);
      const reached = elements?.length ? elements : undefined;
      return list && follow(list, reached, (values) => values.filter((value) => isOfType(value, type)));
    }
    if (of.kind !== 'member') throw new UnsupportedSyntax('it casts something that is not an element');
    const parent = this.#compile(of.of, focus);
    if (!parent) return undefined;
    const member = reachMember(parent.elements, of.name, this.#definitions);
    const elements = member?.elements.filter((element) => element.type === type) ?? [];
    const read = this.#walk.member(of.name, { jsonNames: [choiceName(of.name, type)], elements });
    return follow(parent, member && elements, (values) => gatherAll(values, [read]));
  }

  /** `resolve() is Type` is answered from the reference's text: no other resource is ever fetched. */
  #is({ of, type }: Expression & { kind: 'type' }, focus: Part<T>): Part<T> | undefined {
    const { isOfType } = this.#walk;
    if (of.kind === 'call' && of.name === 'resolve') {
      const references = this.#compile(of.of, focus);
      return references && this.#truth(references, (values) => isReferenceTo(values, type));
    }
    if (!isOfType) throw new UnsupportedSyntax('it tests the type of something that is no reference');
    const list = this.#compile(of, focus);
    return (
      list &&
      follow(list, truth, ([item, ...more]) =>
        item === undefined || more.length > 0 ? [] : this.#walk.computed([isOfType(item, type)]),
      )
    );
  }

  #call({ of, name, argument }: Expression & { kind: 'call' }, focus: Part<T>): Part<T> | undefined {
    if (name === 'where' && argument) return this.#where(of, argument, focus);
    if (name === 'exists' || (name === 'empty' && !argument)) {
      const found = (argument ? this.#where(of, argument, focus) : this.#compile(of, focus)) ?? this.#nothing;
      return this.#always(found, truth, (items) => items.length > 0 === (name === 'exists'));
    }
    if (name === 'all' && argument) return this.#all(of, argument, focus);
    if (name === 'extension' && argument?.kind === 'literal') return this.#extension(of, argument, focus);
    if (name === 'count' && !argument) {
      return this.#always(this.#compile(of, focus) ?? this.#nothing, wholeNumber, (items) => items.length);
    }
    if (name === 'not' && !argument) {
      const list = this.#compile(of, focus);
      return list && this.#truth(list, negation);
    }
    const pick = pickers.get(name)?.(argument);
    if (!pick) throw new UnsupportedSyntax(`the function ${name.slice(0, 50)} is not supported in this form`);
    return this.#pick(of, focus, pick);
  }

  #where(of: Expression, argument: Expression, focus: Part<T>): Part<T> | undefined {
    const list = this.#compile(of, focus);
    if (!list) return undefined;
    const holds = this.#criterion(list, argument);
    return follow(list, list.elements, (values) => values.filter(holds));
  }

  /** True of an empty list, too. */
  #all(of: Expression, argument: Expression, focus: Part<T>): Part<T> {
    const list = this.#compile(of, focus) ?? this.#nothing;
    const holds = this.#criterion(list, argument);
    return this.#always(list, truth, (items) => items.every(holds));
  }

  #criterion({ elements }: Part<T>, argument: Expression): (item: T) => boolean {
    const walk = this.#walk;
    const criterion = this.#compile(argument, { evaluate: (items) => items as T[], elements }) ?? this.#nothing;
    return (item) => {
      walk.spend(1);
      return isTrue(walk.values(criterion.evaluate([item])));
    };
  }

  /** https://hl7.org/fhir/R4/fhirpath.html#functions */
  #extension(of: Expression, right: Expression, focus: Part<T>): Part<T> | undefined {
    const left: Expression = { kind: 'member', of: { kind: 'focus' }, name: 'url' };
    const list: Expression = { kind: 'member', of, name: 'extension' };
    return this.#where(list, { kind: 'binary', operator: '=', left, right }, focus);
  }

  #binary({ operator, left, right }: Expression & { kind: 'binary' }, focus: Part<T>): Part<T> | undefined {
    const a = this.#compile(left, focus);
    const b = this.#compile(right, focus);
    if (operator === '|') return a && b ? union(a, b) : (a ?? b);
    const walk = this.#walk;
    const decide = deciders[operator];
    const [first, second] = [a ?? this.#nothing, b ?? this.#nothing];
    const spend = (count: number) => walk.spend(count);
    const evaluate = (focused: readonly T[]) => {
      const [one, other] = [walk.values(first.evaluate(focused)), walk.values(second.evaluate(focused))];
      return walk.computed(decide(one, other, spend));
    };
    return { evaluate, elements: truth };
  }

  /** What a function says of a list, which may be empty. */
  #always({ evaluate }: Part<T>, elements: ReachedElements, say: (items: readonly T[]) => unknown): Part<T> {
    return { evaluate: (focus) => this.#walk.computed([say(evaluate(focus))]), elements };
  }

  #truth(of: Part<T>, decide: (values: readonly unknown[]) => unknown[]): Part<T> {
    const walk = this.#walk;
    return follow(of, truth, (items) => walk.computed(decide(walk.values(items))));
  }
}

/** Below a resource whose type only the data tells, every name is possible. */
function requirePossible(elements: ReachedElements, name: string): void {
  const [parent] = elements ?? [];
  if (!elements || !parent || elements.some(({ type }) => type === 'Resource' || type === 'DomainResource')) return;
  throw new UnknownElement(`${parent.type} has no element ${name.slice(0, 50)}`);
}

function isReferenceTo(values: readonly unknown[], type: string): unknown[] {
  const types = values.map(referenceType).filter((found) => found !== undefined);
  return types.length === 1 ? [types[0] === type] : [];
}

/** Nothing follows from an empty collection. */
function follow<T>({ evaluate }: Part<T>, elements: ReachedElements, step: (values: T[]) => T[]): Part<T> {
  return {
    evaluate: (focus) => {
      const values = evaluate(focus);
      return values.length === 0 ? values : step(values);
    },
    elements,
  };
}

function union<T>(a: Part<T>, b: Part<T>): Part<T> {
  return {
    evaluate: (focus) => a.evaluate(focus).concat(b.evaluate(focus)),
    elements: a.elements && b.elements && [...a.elements, ...b.elements],
  };
}

function gatherAll<T>(values: readonly T[], steps: readonly ReadMember<T>[]): T[] {
  const out: T[] = [];
  for (const value of values) gather(value, steps, 0, out);
  return out;
}

function gather<T>(value: T, steps: readonly ReadMember<T>[], position: number, out: T[]): void {
  const read = steps[position] as ReadMember<T>;
  if (position === steps.length - 1) {
    read(value, out);
    return;
  }
  const found: T[] = [];
  read(value, found);
  for (const item of found) gather(item, steps, position + 1, out);
}
