// Makes queries of a class from what is stored, so that most of them find something and few find everything.

import type { Resource, ValueSet } from '@medplum/fhirtypes';
import { listOf, membersOf, type Pair, type World } from '../search/reference/asked.ts';
import { evaluate, parametersOf, type ReferenceParameter, valuesOf } from '../search/reference/parameters.ts';
import { literalOf } from '../search/reference/reference.ts';
import { wordsOf } from '../search/reference/string.ts';
import type { AgreementClass, Ask } from './agreement-classes.ts';
import { type AgreementType, counts, type Pick, positions } from './agreement-resources.ts';
import {
  type AskValue,
  askDate,
  askFilterPart,
  askQuantity,
  askToken,
  askUri,
  askWords,
  isCoded,
} from './agreement-values.ts';

/** A resource with a value of one of its parameters. */
interface Place {
  readonly resource: Resource;
  readonly parameter: ReferenceParameter;
}

interface Link {
  readonly source: Resource;
  readonly parameter: ReferenceParameter;
  readonly target: Resource;
}

export interface MadeQuery {
  readonly type: string;
  readonly pairs: readonly Pair[];
  /** Those of the pairs. */
  readonly classes: readonly string[];
}

/** Not offered as a search of their own, or asked by a class of its own. */
const apart: ReadonlySet<string> = new Set(['phonetic', '_query', '_id']);
const attemptsMax = 100;
const types = Object.keys(counts) as AgreementType[];
const askAny: Readonly<Record<string, AskValue>> = {
  token: askToken,
  string: askWords,
  uri: askUri,
  date: askDate('ge'),
  quantity: askQuantity('le'),
};

export class QueryMaker {
  readonly #world: World;
  readonly #classes: readonly AgreementClass[];
  /** By type of parameter, then by type of resource and code, so that rare parameters come as often as common ones. */
  readonly #places = new Map<string, Place[][]>();
  readonly #links: Link[];

  constructor(world: World, classes: readonly AgreementClass[]) {
    this.#world = world;
    this.#classes = classes;
    for (const type of types) {
      const resources = world.resources.filter(({ resourceType }) => resourceType === type);
      for (const parameter of parametersOf(type).values()) {
        if (apart.has(parameter.code) || parameter.expression === '') continue;
        const places = resources
          .filter((one) => valuesOf(one, parameter).length > 0)
          .map((resource) => ({ resource, parameter }));
        if (places.length > 0) this.#places.set(parameter.type, [...(this.#places.get(parameter.type) ?? []), places]);
      }
    }
    this.#links = (this.#places.get('reference') ?? []).flat().flatMap((place) => this.#linksOf(place));
  }

  /** One to three parameters, the first of a class chosen evenly; only one where the class is given. */
  make(pick: Pick, only?: string): MadeQuery {
    const classes = this.#classes.filter(({ name }) => only === undefined || name === only);
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const query = this.#try(pick, pick(classes), only === undefined ? pick([0, 0, 1, 1, 2]) : 0);
      if (query) return query;
    }
    throw new Error('What is stored gives nothing to ask for');
  }

  /** Undefined where the value chosen cannot be asked for. */
  #try(pick: Pick, first: AgreementClass, others: number): MadeQuery | undefined {
    let asked = this.#ask(first.ask, pick);
    for (let attempt = 0; !asked && attempt < attemptsMax; attempt++) asked = this.#ask(first.ask, pick);
    if (!asked) return undefined;
    const { resource, pair } = asked;
    const pairs = [this.#withAlternative(pair, first.ask, resource, pick)];
    const names = [first.name];
    for (let more = others; more > 0; more--) {
      const other = pick(this.#classes);
      const again = this.#ask(other.ask, pick, resource);
      if (!again) continue;
      pairs.push(again.pair);
      names.push(other.name);
    }
    return { type: resource.resourceType, pairs, classes: names };
  }

  #withAlternative([name, value]: Pair, ask: Ask, { resourceType }: Resource, pick: Pick): Pair {
    if (ask.by === 'missing' || ask.by === 'filter' || pick([true, true, false])) return [name, value];
    const others = this.#world.resources.filter((one) => one.resourceType === resourceType);
    const again = this.#ask(ask, pick, pick(others));
    return again?.pair[0] === name ? [name, `${value},${again.pair[1]}`] : [name, value];
  }

  /** A pair that is made from `resource`, or from any. */
  #ask(ask: Ask, pick: Pick, resource?: Resource): { resource: Resource; pair: Pair } | undefined {
    switch (ask.by) {
      case 'value':
        return this.#askValue(ask.type, ask.value, pick, resource);
      case 'not':
        return this.#askValue(ask.type, (value) => modified('not', askToken(value, pick)), pick, resource);
      case 'in':
      case 'not-in':
        return this.#askValue(
          ask.type,
          (value) => (isCoded(value) ? { modifier: ask.by, raw: this.#valueSet(pick) } : undefined),
          pick,
          resource,
        );
      case 'missing':
        return this.#askValue(ask.type, () => ({ modifier: 'missing', raw: pick(['true', 'false']) }), pick, resource);
      case 'composite':
        return this.#askValue(
          'composite',
          (element, _, parameter) => askComposite(element, pick, parameter),
          pick,
          resource,
        );
      case 'near':
        return this.#askValue('special', () => ({ raw: nearText(pick) }), pick, resource);
      case 'chain':
      case 'chain2':
        return this.#askChain(ask.by === 'chain' ? 1 : 2, pick, resource);
      case 'has':
      case 'has2':
        return this.#askHas(ask.by === 'has' ? 1 : 2, pick, resource);
      case 'filter':
        return this.#askFilter(pick, resource);
      default:
        return this.#askSpecial(ask.by, pick, resource);
    }
  }

  #askValue(type: string, askValue: AskValue, pick: Pick, resource?: Resource) {
    const all = this.#places.get(type) ?? [];
    const own = resource ? all.flatMap((places) => places.filter((place) => place.resource === resource)) : [];
    if (resource ? own.length === 0 : all.length === 0) return undefined;
    const place = resource ? pick(own) : pick(pick(all));
    const asked = askValue(pick(valuesOf(place.resource, place.parameter)), pick, place.parameter);
    if (!asked) return undefined;
    const name = asked.modifier === undefined ? place.parameter.code : `${place.parameter.code}:${asked.modifier}`;
    return { resource: place.resource, pair: [name, asked.raw] as const };
  }

  #askChain(depth: number, pick: Pick, resource?: Resource): { resource: Resource; pair: Pair } | undefined {
    const links = resource ? this.#links.filter(({ source }) => source === resource) : this.#links;
    if (links.length === 0) return undefined;
    const { source, parameter, target } = pick(links);
    const inner = depth === 1 ? this.#askAny(target, pick) : this.#askLinked(depth - 1, pick, target);
    if (!inner) return undefined;
    const type = parameter.targets.length === 1 && pick([true, false]) ? '' : `:${target.resourceType}`;
    return { resource: source, pair: [`${parameter.code}${type}.${inner[0]}`, inner[1]] };
  }

  #askHas(depth: number, pick: Pick, resource?: Resource): { resource: Resource; pair: Pair } | undefined {
    const links = resource ? this.#links.filter(({ target }) => target === resource) : this.#links;
    if (links.length === 0) return undefined;
    const { source, parameter, target } = pick(links);
    const inner = depth === 1 ? this.#askAny(source, pick) : this.#askLinked(depth - 1, pick, source);
    if (!inner) return undefined;
    return { resource: target, pair: [`_has:${source.resourceType}:${parameter.code}:${inner[0]}`, inner[1]] };
  }

  #askFilter(pick: Pick, given?: Resource): { resource: Resource; pair: Pair } | undefined {
    const resource = given ?? pick(this.#world.resources);
    const [one, other] = [this.#filterPart(resource, pick), this.#filterPart(resource, pick)];
    if (!one || !other) return undefined;
    const filter = pick([
      one,
      `${one} and ${other}`,
      `(${one} or ${other})`,
      `not (${one}) and ${other}`,
      `${one} or not(${other})`,
    ]);
    return { resource, pair: ['_filter', filter] };
  }

  #filterPart(resource: Resource, pick: Pick): string | undefined {
    const type = pick(['token', 'string', 'date', 'number', 'quantity']);
    const all = this.#places.get(type) ?? [];
    const own = all.flatMap((places) => places.filter((place) => place.resource === resource));
    if (own.length === 0) return undefined;
    const { parameter } = pick(own);
    const value = pick(valuesOf(resource, parameter));
    if (pick([0, 0, 0, 0, 1]) === 1) return `${parameter.code} pr ${pick(['true', 'false'])}`;
    return askFilterPart(type, value, pick, parameter);
  }

  /** A chain within a reverse chain, or the other way round, or more of the same. */
  #askLinked(depth: number, pick: Pick, resource: Resource): Pair | undefined {
    const asked = pick([true, false]) ? this.#askChain(depth, pick, resource) : this.#askHas(depth, pick, resource);
    return asked?.pair;
  }

  /** By a class of one parameter, of those the server offers. */
  #askAny(resource: Resource, pick: Pick): Pair | undefined {
    const plain = this.#classes.filter(({ ask }) => 'type' in ask);
    return this.#ask(pick(plain).ask, pick, resource)?.pair;
  }

  #askSpecial(by: 'id' | 'list' | '_text' | '_content', pick: Pick, given?: Resource) {
    const resource = given ?? pick(this.#world.resources.filter(({ resourceType }) => resourceType !== 'List'));
    const narrative = String(membersOf(membersOf(resource).text).div ?? '').replace(/<[^>]*>/g, ' ');
    if (by === 'id') return { resource, pair: ['_id', resource.id ?? ''] as const };
    if (by === '_text' || by === '_content') {
      return narrative === ''
        ? undefined
        : { resource, pair: [by, pick(wordsOf(narrative).filter(({ length }) => length >= 4))] as const };
    }
    const lists = this.#world.resources.filter(({ resourceType }) => resourceType === 'List');
    const items = listOf(membersOf(pick(lists)).entry).map((entry) => membersOf(entry).item);
    const listed = items.flatMap((item) => this.#world.byPlace.get(literalOf(item)[0] ?? '') ?? []);
    const list = pick(lists);
    return listed.length === 0
      ? undefined
      : { resource: given ?? pick(listed), pair: ['_list', list.id ?? ''] as const };
  }

  #valueSet(pick: Pick): string {
    const valueSets = this.#world.resources.filter((one): one is ValueSet => one.resourceType === 'ValueSet');
    const { id, url } = pick(valueSets);
    // Which of several is the latest does not stand in them.
    const isOnlyOne = url !== undefined && valueSets.filter((one) => one.url === url).length === 1;
    return isOnlyOne && pick([true, false]) ? url : `ValueSet/${id}`;
  }

  #linksOf({ resource, parameter }: Place): Link[] {
    return valuesOf(resource, parameter)
      .flatMap(literalOf)
      .flatMap((literal) => {
        const target = this.#world.byPlace.get(literal);
        return target ? [{ source: resource, parameter, target }] : [];
      });
  }
}

function modified(modifier: string, asked: ReturnType<AskValue>) {
  return asked && { ...asked, modifier };
}

function askComposite(element: unknown, pick: Pick, parameter: ReferenceParameter) {
  const raws = parameter.components.map(({ expression, type }) => {
    const values = evaluate(expression, element);
    const askValue = askAny[type];
    return values.length > 0 && askValue ? askValue(pick(values), pick, { ...parameter, targets: [] })?.raw : undefined;
  });
  return raws.some((raw) => raw === undefined) ? undefined : { raw: raws.join('$') };
}

/** None of these distances is within a hundredth of one between two positions: no model of the earth's shape decides. */
function nearText(pick: Pick): string {
  const { latitude, longitude } = pick(positions);
  return `${latitude}|${longitude}|${pick(['1|km', '50|km', '80000|m', '120', '250|km', '2000|km', '60|[mi_i]'])}`;
}
