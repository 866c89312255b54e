// From the tree of an expression to closures, over whatever a walk gives: https://hl7.org/fhirpath/N1/#expressions

import type { Definitions } from '../definitions.ts';
import { type ReachedElements, reachMember } from './elements.ts';
import { Frame } from './frame.ts';
import { valueFunctions } from './functions/value-functions.ts';
import { distinct, type ListFunction, listFunctions } from './functions.ts';
import { aggregated, chosen, repeated } from './iteration.ts';
import { deciders, isTrue, negation, single, truthOf, typedOperators } from './operators.ts';
import { bothElements, concatenated, follow, gatherAll, type Part } from './part.ts';
import { choiceName, type ReadMember } from './read-member.ts';
import { referenceType } from './reference-type.ts';
import type { BinaryExpression, BinaryOperator, CallExpression, Expression, TypeExpression } from './syntax.ts';
import { UnsupportedSyntax } from './tokens.ts';
import { constantOf } from './variables.ts';
import type { Roots, TypedWalk, Walk } from './walk.ts';

/** Thrown where the walk is strict and the definitions know no such element. */
export class UnknownElement extends Error {}

export interface CompilerOptions<T> {
  /** Of what the expression starts from: a resource, or any type of the definitions. */
  readonly type: string;
  readonly definitions: Definitions;
  readonly walk: Walk<T>;
}

export interface Reader<T> {
  /** `roots` where the focus is not the resource itself. */
  readonly read: (focus: T, roots?: Roots<T>) => T[];
  readonly elements: ReachedElements;
}

const truth: ReachedElements = [{ type: 'boolean', repeats: false }];
const wholeNumber: ReachedElements = [{ type: 'integer', repeats: false }];

export class Compiler<T> {
  readonly #type: string;
  readonly #definitions: Definitions;
  readonly #walk: Walk<T>;
  readonly #nothing: Part<T> = { evaluate: () => [], elements: [] };
  readonly #frame = new Frame<T>();

  constructor({ type, definitions, walk }: CompilerOptions<T>) {
    this.#type = type;
    this.#definitions = definitions;
    this.#walk = walk;
  }

  /** Undefined means: always empty for this type. */
  reader(expression: Expression): Reader<T> | undefined {
    const elements = [{ type: this.#type, repeats: false }];
    const part = this.#compile(expression, { evaluate: (focus) => focus as T[], elements });
    if (!part) return undefined;
    const read = (focus: T, roots?: Roots<T>) => this.#frame.run(focus, roots, part.evaluate);
    return { read, elements: part.elements };
  }

  /** `focus` is what the expression starts from; undefined means: always empty for this type. */
  #compile(expression: Expression, focus: Part<T>): Part<T> | undefined {
    switch (expression.kind) {
      case 'focus':
        return focus;
      case 'variable':
        return this.#variable(expression.name);
      case 'special':
        return this.#special(expression.name);
      case 'empty':
        return this.#nothing;
      case 'typeRoot':
        return this.#isOwnType(expression.type) ? focus : undefined;
      case 'literal':
        return this.#constant(expression.value);
      case 'member':
        return this.#member(expression, focus);
      case 'index':
        return this.#indexed(expression, focus);
      case 'type':
        return expression.operator === 'as' ? this.#as(expression, focus) : this.#is(expression, focus);
      case 'call':
        return this.#call(expression, focus);
      case 'binary':
        return this.#binary(expression, focus);
      case 'negative': {
        const left: Expression = { kind: 'literal', value: -1 };
        return this.#binary({ kind: 'binary', operator: '*', left, right: expression.of }, focus);
      }
    }
  }

  #isOwnType(name: string): boolean {
    if (name === this.#type || name === 'Resource' || name === 'DomainResource') return true;
    return this.#definitions.typeDefinition(this.#type)?.base === name;
  }

  #variable(name: string): Part<T> {
    const elements = this.#definitions.resourceTypes.has(this.#type)
      ? [{ type: this.#type, repeats: false }]
      : undefined;
    if (name === 'context') return { evaluate: () => this.#frame.context, elements };
    if (name === 'resource' || name === 'rootResource') {
      return { evaluate: () => [this.#frame.roots[name]], elements };
    }
    const value = constantOf(name) ?? this.#walk.typed?.constant(name);
    if (value === undefined) throw new UnsupportedSyntax(`there is no variable %${name.slice(0, 50)}`);
    return this.#constant(value);
  }

  #constant(value: unknown): Part<T> {
    const items = this.#walk.computed([value]);
    return { evaluate: () => items, elements: undefined };
  }

  #special(name: 'index' | 'total'): Part<T> {
    const frame = this.#frame;
    if (name === 'total') return { evaluate: () => frame.total, elements: undefined };
    const evaluate = () => this.#walk.computed(frame.index === undefined ? [] : [frame.index]);
    return { evaluate, elements: wholeNumber };
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
    const found = follow(parent, elements, (values) => gatherAll(values, steps));
    return of.kind === 'variable' ? this.#frame.oncePerRun(found) : found;
  }

  #indexed({ of, index }: Expression & { kind: 'index' }, focus: Part<T>): Part<T> | undefined {
    const list = this.#compile(of, focus);
    const position = this.#compile(index, focus) ?? this.#nothing;
    if (index.kind === 'literal' && !Number.isInteger(index.value))
      throw new UnsupportedSyntax('an index in it is no whole number');
    const evaluate = (items: readonly T[]) => {
      const values = list?.evaluate(items) ?? [];
      const at = single(this.#walk.values(position.evaluate(items)), 'an index');
      return typeof at === 'number' && at >= 0 ? values.slice(at, at + 1) : [];
    };
    return list && { evaluate, elements: withoutRepeats(list.elements) };
  }

  #as({ of, type }: TypeExpression, focus: Part<T>): Part<T> | undefined {
    const { typed } = this.#walk;
    if (typed) {
      const list = this.#compile(of, focus);
      const elements = list?.elements?.filter((element) => element.type === type);
      const reached = elements?.length ? elements : undefined;
      return list && follow(list, reached, (values) => values.filter((value) => typed.isOfType(value, type)));
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
  #is({ of, type }: TypeExpression, focus: Part<T>): Part<T> | undefined {
    const { typed } = this.#walk;
    if (!typed && of.kind === 'call' && of.name === 'resolve') {
      const references = this.#compile(of.of, focus);
      return references && this.#truth(references, (values) => isReferenceTo(values, type));
    }
    const { isOfType } = this.#typed('a test of the type of something that is no reference');
    const list = this.#compile(of, focus);
    return (
      list &&
      follow(list, truth, ([item, ...more]) =>
        item === undefined || more.length > 0 ? [] : this.#walk.computed([isOfType(item, type)]),
      )
    );
  }

  #call(call: CallExpression, focus: Part<T>): Part<T> | undefined {
    const { of, name, args } = call;
    const [argument] = args;
    if (name === 'where' && argument) return this.#where(of, argument, focus);
    if (name === 'exists' || name === 'empty') {
      requireArity(call, [0, name === 'exists' ? 1 : 0]);
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
      return list && this.#truth(list, (values) => negation(this.#condition(values, name)));
    }
    const list = listFunctions.get(name);
    if (list) return this.#listFunction(call, list, focus);
    const typed = this.#typed(`the function ${name.slice(0, 50)}`);
    return this.#iteration(call, focus) ?? this.#typedFunction(call, typed, focus);
  }

  #typed(what: string): TypedWalk<T> {
    if (this.#walk.typed) return this.#walk.typed;
    throw new UnsupportedSyntax(`${what} is not supported in this form`);
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

  #criterion(list: Part<T>, argument: Expression): (item: T, index: number) => boolean {
    const { evaluate } = this.#perItem(list, argument);
    return (item, index) => isTrue(this.#walk.values(evaluate(item, index)));
  }

  /** An expression that is evaluated for one item after the other. */
  #perItem({ elements }: Part<T>, argument: Expression) {
    const part = this.#compile(argument, { evaluate: (items) => items as T[], elements }) ?? this.#nothing;
    const evaluate = (item: T, index: number): T[] => {
      this.#walk.spend(1);
      const outer = this.#frame.index;
      this.#frame.index = index;
      const found = part.evaluate([item]);
      this.#frame.index = outer;
      return found;
    };
    return { evaluate, elements: part.elements };
  }

  /** https://hl7.org/fhir/R4/fhirpath.html#functions */
  #extension(of: Expression, right: Expression, focus: Part<T>): Part<T> | undefined {
    const left: Expression = { kind: 'member', of: { kind: 'focus' }, name: 'url' };
    const list: Expression = { kind: 'member', of, name: 'extension' };
    return this.#where(list, { kind: 'binary', operator: '=', left, right }, focus);
  }

  /** Functions whose argument is an expression: https://hl7.org/fhirpath/N1/#filtering-and-projection */
  #iteration(call: CallExpression, focus: Part<T>): Part<T> | undefined {
    const { of, name, args } = call;
    const [argument, second] = args;
    const list = this.#compile(of, focus) ?? this.#nothing;
    if (name === 'trace') {
      requireArity(call, [1, 2]);
      return list;
    }
    if (!argument) return undefined;
    if (name === 'select') {
      const { evaluate, elements } = this.#perItem(list, argument);
      return follow(list, elements, (items) => items.flatMap(evaluate));
    }
    if (name === 'repeat' || name === 'aggregate') {
      const { evaluate } = this.#perItem({ ...list, elements: undefined }, argument);
      if (name === 'repeat') return repeated(list, evaluate, this.#walk);
      return aggregated(list, (second && this.#compile(second, focus)) ?? this.#nothing, evaluate, this.#frame);
    }
    if (name !== 'iif' || !second) return undefined;
    const found: Part<T> = { evaluate: (items) => items as T[], elements: list.elements };
    return chosen(
      list,
      args.map((arg) => this.#compile(arg, found) ?? this.#nothing),
      this.#walk,
    );
  }

  #listFunction(call: CallExpression, { arity, run, addsArgument }: ListFunction, focus: Part<T>): Part<T> {
    requireArity(call, arity);
    const list = this.#compile(call.of, focus) ?? this.#nothing;
    const [arg] = call.args;
    const argument = (arg && this.#compile(arg, focus)) ?? this.#nothing;
    if ((call.name === 'skip' || call.name === 'take') && arg?.kind === 'literal' && !Number.isInteger(arg.value))
      throw new UnsupportedSyntax(`the function ${call.name} needs a whole number`);
    return {
      evaluate: (items) => run(list.evaluate(items), argument.evaluate(items), this.#walk),
      elements: addsArgument ? bothElements(list, argument) : withoutRepeats(list.elements),
    };
  }

  #typedFunction(call: CallExpression, { functions, surroundings }: TypedWalk<T>, focus: Part<T>): Part<T> {
    const { of, name } = call;
    const list = this.#compile(of, focus) ?? this.#nothing;
    const args = call.args.map((arg) => this.#compile(arg, focus) ?? this.#nothing);
    const walk = this.#walk;
    const argumentsOf = (items: readonly T[]) => args.map(({ evaluate }) => walk.values(evaluate(items)));
    const ofItems = functions.get(name);
    if (ofItems) {
      requireArity(call, ofItems.arity);
      const evaluate = (items: readonly T[]) =>
        ofItems.run(list.evaluate(items), argumentsOf(items), this.#frame.roots);
      return { evaluate, elements: undefined };
    }
    const ofValues = valueFunctions.get(name);
    if (!ofValues) throw new UnsupportedSyntax(`there is no function ${name.slice(0, 50)}`);
    requireArity(call, ofValues.arity);
    return {
      evaluate: (items) =>
        walk.computed(ofValues.run(walk.values(list.evaluate(items)), argumentsOf(items), surroundings)),
      elements: undefined,
    };
  }

  #binary({ operator, left, right }: BinaryExpression, focus: Part<T>): Part<T> | undefined {
    const a = this.#compile(left, focus);
    const b = this.#compile(right, focus);
    const walk = this.#walk;
    if (operator === '|') {
      if (!a || !b) return a ?? b;
      const both = concatenated(a, b);
      // Who reads bare values takes an element twice; the language's own union does not.
      return walk.typed ? follow(both, both.elements, (items) => distinct(items, walk)) : both;
    }
    if (typedOperators.has(operator)) this.#typed(`the operator ${operator}`);
    const decide = deciders[operator];
    const [first, second] = [a ?? this.#nothing, b ?? this.#nothing];
    const spend = (count: number) => walk.spend(count);
    const operand = ({ evaluate }: Part<T>, focused: readonly T[]) => {
      const values = walk.values(evaluate(focused));
      return connectives.has(operator) ? this.#condition(values, operator) : values;
    };
    const decisive = decisiveLeft[operator];
    const evaluate = (focused: readonly T[]) => {
      const one = operand(first, focused);
      const isDecided = decisive !== undefined && truthOf(one) === decisive;
      return walk.computed(decide(one, isDecided ? [] : operand(second, focused), spend));
    };
    return { evaluate, elements: typedOperators.has(operator) ? undefined : truth };
  }

  /** Of one item at most. Bare values are read leniently: no write fails by what it is found by. */
  #condition(values: readonly unknown[], what: string): readonly unknown[] {
    if (this.#walk.typed) single(values, what);
    return values;
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

const connectives: ReadonlySet<BinaryOperator> = new Set(['and', 'or', 'xor', 'implies'] as const);

/** What the left operand must be so that the right one says nothing more. */
const decisiveLeft: Readonly<Partial<Record<BinaryOperator, boolean>>> = { and: false, or: true, implies: false };

function withoutRepeats(elements: ReachedElements): ReachedElements {
  return elements?.map((element) => ({ ...element, repeats: false }));
}

function requireArity({ name, args }: CallExpression, [min, max]: readonly [number, number]): void {
  if (args.length < min || args.length > max)
    throw new UnsupportedSyntax(`the function ${name.slice(0, 50)} takes another number of arguments`);
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
