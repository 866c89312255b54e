// The fast form of FHIRPath for invariants: closures over plain JSON of known type, without collections. What it does not
// cover throws NotFlat and runs over places: https://hl7.org/fhirpath/N1/

import type { Definitions } from '../../definitions.ts';
import { trustedRegExp } from '../safe-reg-exp.ts';
import type { BinaryExpression, CallExpression, Expression, TypeExpression } from '../syntax.ts';
import { constantOf } from '../variables.ts';
import { flatComparison, isOrdered } from './flat-comparison.ts';
import { flatConnective } from './flat-connective.ts';
import { flatMember, focusPart } from './flat-member.ts';
import { type Decision, type FlatPart, type Many, NotFlat, type One, type Truth, type Types } from './flat-part.ts';

export interface FlatInvariant {
  readonly test: Truth;
  /** True where it computes with decimals, whose exact texts plain JSON does not have. */
  readonly comparesDecimals: boolean;
}

/** Where an operand of `and`, `or`, ... is not covered, `elsewhere` compiles it. Throws NotFlat for the rest. */
export function compileFlat(
  expression: Expression,
  type: string,
  definitions: Definitions,
  elsewhere: (operand: Expression) => Truth,
): FlatInvariant {
  const compiler = new FlatCompiler(type, definitions, elsewhere);
  const { test } = compiler.decision(expression, compiler.root);
  return { test, comparesDecimals: compiler.comparesDecimals };
}

/** An expression is compiled against its focus, which is a node of the JSON or a primitive's value. */
class FlatCompiler {
  comparesDecimals = false;
  readonly root: One;
  readonly #type: string;
  readonly #definitions: Definitions;
  readonly #elsewhere: (operand: Expression) => Truth;
  readonly #regExp = trustedRegExp();

  constructor(type: string, definitions: Definitions, elsewhere: (operand: Expression) => Truth) {
    this.root = focusPart([type]);
    this.#type = type;
    this.#definitions = definitions;
    this.#elsewhere = elsewhere;
  }

  /** As a condition: a single value that is no boolean is true. */
  decision(expression: Expression, focus: One): Decision {
    const part = this.#part(expression, focus);
    if (part.kind === 'truth') return part;
    if (part.kind === 'many') throw new NotFlat('a list as a condition');
    const { get, types } = part;
    const isLiteral = expression.kind === 'literal' && typeof expression.value === 'boolean';
    if (isLiteral) return { kind: 'truth', test: get as Truth, isTotal: true };
    if (types.length !== 1 || types[0] !== 'boolean') throw new NotFlat('a value as a condition');
    return { kind: 'truth', test: (node, run) => get(node, run) as boolean | undefined, isTotal: false };
  }

  #part(expression: Expression, focus: One): FlatPart {
    switch (expression.kind) {
      case 'focus':
        return focus;
      case 'literal':
        return constant(expression.value);
      case 'typeRoot':
        if (expression.type !== this.#type) throw new NotFlat(expression.type);
        return focus;
      case 'variable':
        return this.#variable(expression.name);
      case 'member':
        return flatMember(this.#part(expression.of, focus), expression.name, this.#definitions);
      case 'type':
        return this.#typeTest(expression, focus);
      case 'call':
        return this.#call(expression, focus);
      case 'binary':
        return this.#binary(expression, focus);
      default:
        throw new NotFlat(expression.kind);
    }
  }

  #variable(name: string): One {
    const value = constantOf(name);
    if (value !== undefined) return constant(value);
    if (name !== 'resource' || !this.#definitions.resourceTypes.has(this.#resourceType())) throw new NotFlat(name);
    return { kind: 'one', get: (_, run) => run.resource, exists: () => true, types: [this.#resourceType()] };
  }

  /** The resource a backbone element belongs to; a datatype may stand in any. */
  #resourceType(): string {
    return this.#type.split('.', 1)[0] ?? '';
  }

  /** A choice's variant, told by its name in JSON. */
  #typeTest({ of, operator, type }: TypeExpression, focus: One): FlatPart {
    if (operator !== 'is' || of.kind !== 'member') throw new NotFlat(operator);
    const parent = this.#part(of.of, focus);
    const element = flatMember(parent, of.name, this.#definitions);
    if (parent.kind !== 'one' || element.kind !== 'one' || !element.types.includes(type)) throw new NotFlat(type);
    const jsonName = `${of.name}${type.charAt(0).toUpperCase()}${type.slice(1)}`;
    const { get } = parent;
    const isThere = (node: unknown) =>
      Object(node)[jsonName] !== undefined || Object(node)[`_${jsonName}`] !== undefined;
    const test: Truth = (node, run) => (element.exists(node, run) ? isThere(get(node, run)) : undefined);
    return { kind: 'truth', test, isTotal: false };
  }

  #call({ of, name, args }: CallExpression, focus: One): FlatPart {
    const [argument] = args;
    if (name === 'iif' && of.kind === 'focus') return this.#iif(args, focus);
    const part = this.#part(of, focus);
    if (name === 'trace') return part;
    if (args.length > 1) throw new NotFlat(name);
    if (part.kind === 'truth') return ofTruth(part, name);
    if (name === 'where' && argument) return this.#where(part, argument);
    if (name === 'exists' || name === 'empty') {
      const { exists } = argument ? this.#where(part, argument) : part;
      const test: Truth = name === 'exists' ? exists : (node, run) => !exists(node, run);
      return { kind: 'truth', test, isTotal: true };
    }
    if (name === 'not' && !argument && part.kind === 'one') return ofTruth(this.decision(of, focus), name);
    if (name === 'count' && !argument) return counted(part);
    if (part.kind === 'one')
      return argument ? this.#text(part, name, argument, focus) : ofOne(part, name, this.#definitions);
    if (name === 'all' && argument) return this.#all(part, argument);
    if (name === 'select' && argument) return this.#select(part, argument);
    if (name === 'isDistinct' && !argument) return isDistinct(part);
    throw new NotFlat(name);
  }

  #where(part: One | Many, argument: Expression): Many {
    const { test } = this.decision(argument, focusPart(onlyComplex(part.types, this.#definitions)));
    const list: Many['list'] =
      part.kind === 'one'
        ? (node, run) => {
            const value = part.get(node, run);
            return value !== undefined && test(value, run) === true ? [value] : [];
          }
        : (node, run) => part.list(node, run).filter((item) => test(item, run) === true);
    const exists: Many['exists'] =
      part.kind === 'one'
        ? (node, run) => list(node, run).length > 0
        : (node, run) => part.list(node, run).some((item) => test(item, run) === true);
    return { kind: 'many', list, exists, count: (node, run) => list(node, run).length, types: part.types };
  }

  #all({ list, types }: Many, argument: Expression): Decision {
    const { test } = this.decision(argument, focusPart(onlyComplex(types, this.#definitions)));
    return {
      kind: 'truth',
      isTotal: true,
      test: (node, run) => list(node, run).every((item) => test(item, run) === true),
    };
  }

  #select({ list, types }: Many, argument: Expression): Many {
    const part = this.#part(argument, focusPart(onlyComplex(types, this.#definitions)));
    if (part.kind !== 'one') throw new NotFlat('select');
    const { get } = part;
    const selected: Many['list'] = (node, run) =>
      list(node, run)
        .map((item) => get(item, run))
        .filter((value) => value !== undefined);
    const count: Many['count'] = (node, run) => selected(node, run).length;
    return { kind: 'many', list: selected, count, exists: (node, run) => count(node, run) > 0, types: part.types };
  }

  #text({ get, types }: One, name: string, argument: Expression, focus: One): FlatPart {
    const apply = this.#textTests.get(name);
    const other = this.#part(argument, focus);
    const isText = types.length === 1 && !isOrdered(types);
    if (!apply || other.kind !== 'one' || !isText) throw new NotFlat(name);
    const test: Truth = (node, run) => {
      const [text, part] = [get(node, run), other.get(node, run)];
      return typeof text === 'string' && typeof part === 'string' ? apply(text, part) : undefined;
    };
    return { kind: 'truth', test, isTotal: false };
  }

  readonly #textTests = new Map<string, (text: string, argument: string) => boolean>([
    ['startsWith', (text, part) => text.startsWith(part)],
    ['endsWith', (text, part) => text.endsWith(part)],
    ['contains', (text, part) => text.includes(part)],
    ['matches', (text, pattern) => this.#regExp.test(pattern, text)],
  ]);

  #binary({ operator, left, right }: BinaryExpression, focus: One): FlatPart {
    if (operator === 'and' || operator === 'or' || operator === 'xor' || operator === 'implies') {
      return flatConnective(operator, this.#operand(left, focus), this.#operand(right, focus));
    }
    if (operator === '+') return sum(toOne(this.#part(left, focus)), toOne(this.#part(right, focus)));
    if (operator === 'in') return this.#in(left, right, focus);
    const [a, b] = [toOne(this.#part(left, focus)), toOne(this.#part(right, focus))];
    if (operator === '&') return joined(a, b);
    const compared = flatComparison(operator, a, b);
    this.comparesDecimals ||= compared.comparesDecimals;
    return compared.decision;
  }

  #operand(expression: Expression, focus: One): Decision {
    try {
      return this.decision(expression, focus);
    } catch (error) {
      if (!(error instanceof NotFlat) || focus !== this.root) throw error;
      return { kind: 'truth', test: this.#whereNeeded(expression, this.#elsewhere(expression)), isTotal: false };
    }
  }

  /** What begins at an element that is not there is empty, whatever follows. */
  #whereNeeded(expression: Expression, test: Truth): Truth {
    const start = expression.kind === 'call' && expression.args.length === 0 ? startOf(expression.of) : undefined;
    if (expression.kind !== 'call' || start === undefined) return test;
    if (expression.name !== 'exists' && expression.name !== 'empty') return test;
    const { exists } = flatMember(this.root, start, this.#definitions);
    const whenMissing = expression.name === 'empty';
    return (node, run) => (exists(node, run) ? test(node, run) : whenMissing);
  }

  /** Of conditions. */
  #iif([criterion, whenTrue, otherwise]: readonly Expression[], focus: One): Decision {
    if (!criterion || !whenTrue || !otherwise) throw new NotFlat('iif');
    const [a, b, c] = [
      this.decision(criterion, focus),
      this.decision(whenTrue, focus),
      this.decision(otherwise, focus),
    ];
    const test: Truth = (node, run) => (a.test(node, run) === true ? b.test(node, run) : c.test(node, run));
    return { kind: 'truth', test, isTotal: b.isTotal && c.isTotal };
  }

  /** Among literals. */
  #in(left: Expression, right: Expression, focus: One): Decision {
    const { get } = toOne(this.#part(left, focus));
    const allowed = new Set(literals(right));
    const test: Truth = (node, run) => {
      const value = get(node, run);
      return value === undefined ? undefined : allowed.has(value);
    };
    return { kind: 'truth', test, isTotal: false };
  }
}

/** The element of the focus that a path goes through first, where nothing on its way makes something of nothing. */
function startOf(expression: Expression): string | undefined {
  if (expression.kind === 'member') return expression.of.kind === 'focus' ? expression.name : startOf(expression.of);
  const keepsEmpty = expression.kind === 'call' && (expression.name === 'where' || expression.name === 'select');
  return keepsEmpty ? startOf(expression.of) : undefined;
}

function constant(value: unknown): One {
  return { kind: 'one', get: () => value, exists: () => true, types: ['system'] };
}

function literals(expression: Expression): unknown[] {
  if (expression.kind === 'binary' && expression.operator === '|') {
    return [...literals(expression.left), ...literals(expression.right)];
  }
  if (expression.kind !== 'literal' || typeof expression.value !== 'string') throw new NotFlat('in');
  return [expression.value];
}

function toOne(part: FlatPart): One {
  if (part.kind === 'many') throw new NotFlat('a list as an operand');
  return part.kind === 'one' ? part : { kind: 'one', get: part.test, exists: () => true, types: ['boolean'] };
}

function ofTruth({ test, isTotal }: Decision, name: string): Decision {
  if (name !== 'not') throw new NotFlat(name);
  if (isTotal) return { kind: 'truth', isTotal, test: (node, run) => !test(node, run) };
  return {
    kind: 'truth',
    isTotal,
    test: (node, run) => {
      const truth = test(node, run);
      return truth === undefined ? undefined : !truth;
    },
  };
}

function ofOne({ get, types }: One, name: string, definitions: Definitions): Decision {
  const isPrimitive = types.every((type) => definitions.typeDefinition(type)?.kind === 'primitive-type');
  if (name !== 'hasValue' || !isPrimitive) throw new NotFlat(name);
  return { kind: 'truth', isTotal: true, test: (node, run) => get(node, run) !== undefined };
}

function counted(part: One | Many): One {
  const get: One['get'] = part.kind === 'many' ? part.count : (node, run) => (part.exists(node, run) ? 1 : 0);
  return { kind: 'one', get, exists: () => true, types: ['integer'] };
}

/** Texts, for other values have an equality of their own. */
function isDistinct({ list, types }: Many): Decision {
  if (types.length !== 1 || isOrdered(types) || types[0]?.match(/^[A-Z]/)) throw new NotFlat('isDistinct');
  const test: Truth = (node, run) => {
    const values = list(node, run);
    return values.length < 2 || new Set(values).size === values.length;
  };
  return { kind: 'truth', isTotal: true, test };
}

/** Of counts. */
function sum(a: One, b: One): One {
  if ([...a.types, ...b.types].some((type) => type !== 'integer')) throw new NotFlat('+');
  const get: One['get'] = (node, run) => {
    const [left, right] = [a.get(node, run), b.get(node, run)];
    return left === undefined || right === undefined ? undefined : (left as number) + (right as number);
  };
  return { kind: 'one', get, exists: (node, run) => get(node, run) !== undefined, types: ['integer'] };
}

function joined(a: One, b: One): One {
  const get: One['get'] = (node, run) => `${a.get(node, run) ?? ''}${b.get(node, run) ?? ''}`;
  return { kind: 'one', get, exists: () => true, types: ['string'] };
}

function onlyType(types: Types): Types {
  if (types.length !== 1) throw new NotFlat('a choice');
  return types;
}

/** A primitive without value would be passed over. */
function onlyComplex(types: Types, definitions: Definitions): Types {
  const [type = ''] = onlyType(types);
  if (definitions.typeDefinition(type)?.kind === 'primitive-type') throw new NotFlat('a list of primitives');
  return types;
}
