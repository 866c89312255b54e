// The parameter `_filter`: https://hl7.org/fhir/R4/search_filter.html

import type { Resource } from '@medplum/fhirtypes';
import type { Matches, World } from './asked.ts';
import { parametersOf, valuesOf } from './parameters.ts';
import { withEscapes } from './split.ts';
import { textsOf, wordsOf } from './string.ts';

type Test = (resource: Resource) => boolean;

export function matchesFilter(world: World, resource: Resource, filter: string, test: Matches): boolean {
  return new FilterReader(world, filter, test).read()(resource);
}

/** "filter = paramExp / logExp / ("not") "(" filter ")"; paramExp = paramPath SP compareOp SP compValue"; `and` binds closer than `or`. */
class FilterReader {
  readonly #world: World;
  readonly #matches: Matches;
  readonly #tokens: readonly string[];
  #place = 0;

  constructor(world: World, filter: string, matches: Matches) {
    this.#world = world;
    this.#matches = matches;
    this.#tokens = filter.match(/"(?:\\.|[^"\\])*"|[()]|[^\s()]+/g) ?? [];
  }

  read(): Test {
    let test = this.#all();
    while (this.#skip('or')) test = either(test, this.#all());
    return test;
  }

  #all(): Test {
    let test = this.#one();
    while (this.#skip('and')) test = both(test, this.#one());
    return test;
  }

  #one(): Test {
    const isReversed = this.#skip('not');
    if (!this.#skip('(')) return this.#comparison();
    const inner = this.read();
    if (!this.#skip(')')) throw new Error('A parenthesis is not closed');
    return isReversed ? (resource) => !inner(resource) : inner;
  }

  #comparison(): Test {
    const [name = '', operator = '', raw = ''] = [this.#next(), this.#next(), this.#next()];
    const value = raw.startsWith('"') ? (JSON.parse(raw) as string) : raw;
    return (resource) => this.#compare(resource, name, operator, value);
  }

  #compare(resource: Resource, name: string, operator: string, value: string): boolean {
    const parameter = parametersOf(resource.resourceType).get(name);
    if (!parameter) throw new Error(`${resource.resourceType} has no parameter ${name}`);
    // "pr: The set is empty or not (value is false or true)"
    if (operator === 'pr') return valuesOf(resource, parameter).length > 0 === (value === 'true');
    if (parameter.type === 'string')
      return valuesOf(resource, parameter).flatMap(textsOf).some(compareTexts(operator, value));
    const prefix =
      parameter.type === 'date' || parameter.type === 'number' || parameter.type === 'quantity' ? operator : '';
    const asked = parameter.type === 'token' || parameter.type === 'quantity' ? value : withEscapes(value);
    return this.#matches(this.#world, resource, [name, prefix + asked]);
  }

  #next(): string | undefined {
    return this.#tokens[this.#place++];
  }

  #skip(token: string): boolean {
    const isNext = this.#tokens[this.#place] === token;
    if (isNext) this.#place++;
    return isNext;
  }
}

/** "eq: an item in the set has an equal value; co: contains this value; sw: starts with; ew: ends with", case and accents aside. */
function compareTexts(operator: string, value: string): (text: string) => boolean {
  const asked = wordsOf(value).join(' ');
  const own = (text: string) => wordsOf(text).join(' ');
  switch (operator) {
    case 'eq':
      return (text) => own(text) === asked;
    case 'co':
      return (text) => own(text).includes(asked);
    case 'sw':
      return (text) => own(text).startsWith(asked);
    case 'ew':
      return (text) => own(text).endsWith(asked);
    default:
      throw new Error(`No reading of the operator ${operator} for texts`);
  }
}

function both(one: Test, other: Test): Test {
  return (resource) => one(resource) && other(resource);
}

function either(one: Test, other: Test): Test {
  return (resource) => one(resource) || other(resource);
}
