// Turns `_filter` into criteria, as far as the kinds of parameters can answer its operators: https://hl7.org/fhir/R4/search_filter.html

import type { SearchKind } from '../search-parameters.ts';
import type { Criterion } from '../search-query.ts';
import { type FilterNode, readFilter } from './filter-syntax.ts';
import { linkDepthMax, type NameContext, parseNamed } from './named.ts';
import { invalidValue, printable } from './search-notes.ts';

/** All must hold. A text says why there are none; throws a FhirError (400) for what cannot be read. */
export function parseFilter(value: string, type: string, context: NameContext): readonly Criterion[] | string {
  return criteriaOf(readFilter(value), type, context);
}

function criteriaOf(node: FilterNode, type: string, context: NameContext): readonly Criterion[] | string {
  if (node.kind === 'test') {
    const criterion = testOf(node, type, context);
    return typeof criterion === 'string' ? criterion : [criterion];
  }
  if (node.kind === 'not') {
    const criteria = criteriaOf(node.node, type, context);
    return typeof criteria === 'string' ? criteria : [{ kind: 'not', criteria }];
  }
  const lists: (readonly Criterion[])[] = [];
  for (const part of node.nodes) {
    const criteria = criteriaOf(part, type, context);
    if (typeof criteria === 'string') return criteria;
    lists.push(criteria);
  }
  return node.kind === 'and' ? lists.flat() : [{ kind: 'any', anyOf: lists }];
}

type Operators = ReadonlySet<string>;
const ordered: Operators = new Set(['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'ap', 'sa', 'eb', 'po']);

/**
 * What is answered for each kind of parameter. `ne` asks for another value beside this one, which no index tells but one
 * that is ordered; who means that a value is not there writes not(... eq ...).
 */
const answered: Readonly<Partial<Record<string, Operators>>> = {
  id: new Set(['eq']),
  token: new Set(['eq', 'in', 'ss', 'sb']),
  string: new Set(['eq', 'co', 'sw', 'ew']),
  uri: new Set(['eq']),
  reference: new Set(['eq', 're']),
  lastUpdated: ordered,
  date: ordered,
  identifyingDate: ordered,
  number: ordered,
  quantity: ordered,
} satisfies Partial<Record<SearchKind, Operators>>;

/** Operators that are modifiers of a search parameter. */
const modifiers: Readonly<Record<string, string>> = {
  in: 'in',
  ss: 'above',
  sb: 'below',
  co: 'contains',
  ew: 'contains',
};

type Test = FilterNode & { kind: 'test' };

function testOf(test: Test, type: string, context: NameContext): Criterion | string {
  const { name, operator, value } = test;
  if (operator === 'pr') return presenceOf(test, type, context);
  const kinds = [...new KindReader(context).kindsAt(name, type, 0)];
  const [kind] = kinds;
  if (kind === undefined) {
    const why = context.whyUnready(type, name);
    const refusal = why === undefined ? `is not supported for ${type}` : `cannot be used yet: it ${why}`;
    return `The search parameter ${printable(name)} in _filter ${refusal}.`;
  }
  if (!kinds.every((each) => answered[each]?.has(operator))) {
    return `The operator ${printable(operator)} of ${printable(name)} in _filter is not supported.`;
  }
  const modifier = modifiers[operator];
  const rest = modifier === undefined ? name : `${name}:${modifier}`;
  const prefix = kinds.some((each) => answered[each] === ordered) ? prefixOf(operator) : '';
  const criterion = parseNamed({ type, name, rest, values: [prefix + escaped(value)], depth: 0 }, context);
  return typeof criterion === 'string' ? criterion : refined(criterion, test);
}

/** Two periods, or ranges, overlap where neither begins after the other has ended, which `ap` asks without its slack. */
function prefixOf(operator: string): string {
  return operator === 'po' ? 'eq' : operator;
}

function presenceOf({ name, value }: Test, type: string, context: NameContext): Criterion | string {
  if (value !== 'true' && value !== 'false') throw invalidValue(name, 'true or false');
  const values = [value === 'true' ? 'false' : 'true'];
  return parseNamed({ type, name, rest: `${name}:missing`, values, depth: 0 }, context);
}

/** The operators that are neither a modifier nor a prefix, at the end of any links. */
function refined(criterion: Criterion, test: Test): Criterion {
  switch (criterion.kind) {
    case 'chain':
      return {
        ...criterion,
        targets: criterion.targets.map((target) => ({ ...target, criterion: refined(target.criterion, test) })),
      };
    case 'has':
      return { ...criterion, source: { ...criterion.source, criterion: refined(criterion.source.criterion, test) } };
    case 'string': {
      const { operator } = test;
      if (operator !== 'eq' && operator !== 'sw' && operator !== 'ew') return criterion;
      const { value: text } = test;
      return { kind: 'compared', parameter: criterion.parameter, by: operator, text, narrowing: criterion };
    }
    case 'lastUpdated':
    case 'date':
    case 'identifyingDate':
      return test.operator === 'po' ? { ...criterion, values: overlapping(criterion.values) } : criterion;
    case 'number':
    case 'quantity':
      return test.operator === 'po' ? { ...criterion, values: overlapping(criterion.values) } : criterion;
    default:
      return criterion;
  }
}

function overlapping<T extends { readonly prefix: string }>(values: readonly T[]) {
  return values.map((value) => ({ ...value, prefix: 'ap' as const }));
}

/** The kinds of what a name ends in, which is of several types where a reference leads to several. */
class KindReader {
  readonly #context: NameContext;
  readonly #seen = new Set<string>();

  constructor(context: NameContext) {
    this.#context = context;
  }

  /** None where it has more links than are followed, or was there before. */
  kindsAt(name: string, type: string, depth: number): ReadonlySet<string> {
    const place = `${type}?${name}`;
    if (depth > linkDepthMax || this.#seen.has(place)) return new Set();
    this.#seen.add(place);
    if (name.startsWith('_has:')) return this.#kindsAtSource(name, depth);
    const dot = name.indexOf('.');
    const [code = '', target] = (dot < 0 ? name : name.slice(0, dot)).split(':');
    const parameter = this.#context.parametersOf(type).get(code);
    if (!parameter || dot < 0) return new Set(parameter ? [parameter.kind] : []);
    const targets = target === undefined ? (parameter.targets ?? []) : [target];
    const known = targets.filter((each) => this.#context.resourceTypes.has(each));
    return new Set(known.flatMap((each) => [...this.kindsAt(name.slice(dot + 1), each, depth + 1)]));
  }

  #kindsAtSource(name: string, depth: number): ReadonlySet<string> {
    const [, sourceType = '', , ...more] = name.split(':');
    if (!this.#context.resourceTypes.has(sourceType)) return new Set();
    return this.kindsAt(more.join(':'), sourceType, depth + 1);
  }
}

/** The value is one: only the bar between system and code parts it. */
function escaped(value: string): string {
  return value.replace(/[\\,$]/g, '\\$&');
}
