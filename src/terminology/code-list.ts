// The codes of value sets that are listed in them or made of others: https://hl7.org/fhir/R4/valueset.html#composition

import type { ValueSet, ValueSetComposeInclude, ValueSetExpansionContains } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';

export interface ListedCode {
  readonly system: string;
  readonly code: string;
}

/** Single codes, and code systems that are in whole. */
export interface CodeList {
  readonly codes: readonly ListedCode[];
  readonly systems: ReadonlySet<string>;
}

/** Gives a value set by its canonical; throws where there is none. */
export type FindValueSet = (canonical: string) => Promise<ValueSet | CodeList>;

/** Longer lists and deeper imports are refused. */
export const codesMax = 1_000;
const importsMax = 20;

/** Throws a FhirError (400) for what needs a terminology service, naming it. */
export async function codeListOf(valueSet: ValueSet | CodeList, find: FindValueSet): Promise<CodeList> {
  return await new Expansion(find).expand(valueSet);
}

class Expansion {
  readonly #find: FindValueSet;
  /** Value sets on the way to the one that is expanded. */
  #depth = 0;
  #imports = 0;

  constructor(find: FindValueSet) {
    this.#find = find;
  }

  async expand(valueSet: ValueSet | CodeList): Promise<CodeList> {
    if (!('resourceType' in valueSet)) return bounded(valueSet);
    const name = nameOf(valueSet);
    const { expansion, compose } = valueSet;
    if (expansion?.contains && isWhole(expansion))
      return bounded({ codes: listed(expansion.contains), systems: new Set() });
    if (!compose) throw notSupported(`${name} lists no codes`);
    const included = await this.#all(compose.include, name);
    return bounded(without(union(included), union(await this.#all(compose.exclude ?? [], name)), name));
  }

  async #all(parts: readonly ValueSetComposeInclude[], name: string): Promise<CodeList[]> {
    const lists: CodeList[] = [];
    for (const part of parts) lists.push(await this.#part(part, name));
    return lists;
  }

  /** What meets everything that one part says. */
  async #part({ system, concept, filter, valueSet = [] }: ValueSetComposeInclude, name: string): Promise<CodeList> {
    if (filter?.length) throw notSupported(`${name} filters a code system`);
    const lists: CodeList[] = [];
    if (system !== undefined && concept?.length) {
      lists.push({ codes: concept.flatMap(({ code }) => (code ? [{ system, code }] : [])), systems: new Set() });
    } else if (system !== undefined) lists.push({ codes: [], systems: new Set([system]) });
    for (const canonical of valueSet) lists.push(await this.#imported(canonical, name));
    const [first, ...others] = lists;
    if (!first) throw notSupported(`${name} has an empty part`);
    return others.reduce(intersection, first);
  }

  async #imported(canonical: string, name: string): Promise<CodeList> {
    this.#imports++;
    if (this.#depth >= 5 || this.#imports > importsMax) throw notSupported(`${name} imports too many value sets`);
    this.#depth++;
    const list = await this.expand(await this.#find(canonical));
    this.#depth--;
    return list;
  }
}

function isWhole({ total, offset, contains = [] }: NonNullable<ValueSet['expansion']>): boolean {
  return !offset && (total === undefined || total <= countOf(contains));
}

function countOf(contains: readonly ValueSetExpansionContains[]): number {
  return contains.reduce((sum, one) => sum + 1 + countOf(one.contains ?? []), 0);
}

/** An abstract one only groups others. */
function listed(contains: readonly ValueSetExpansionContains[]): ListedCode[] {
  return contains.flatMap(({ system, code, abstract, contains: inner = [] }) => {
    const own = system && code && !abstract ? [{ system, code }] : [];
    return [...own, ...listed(inner)];
  });
}

function union(lists: readonly CodeList[]): CodeList {
  const systems = new Set(lists.flatMap((list) => [...list.systems]));
  return { codes: lists.flatMap(({ codes }) => codes), systems };
}

function intersection(a: CodeList, b: CodeList): CodeList {
  const codes = [...a.codes.filter((code) => holds(b, code)), ...b.codes.filter((code) => holds(a, code))];
  return { codes, systems: new Set([...a.systems].filter((system) => b.systems.has(system))) };
}

function without(list: CodeList, excluded: CodeList, name: string): CodeList {
  if (excluded.codes.some(({ system }) => list.systems.has(system) && !excluded.systems.has(system))) {
    throw notSupported(`${name} leaves codes out of a whole code system`);
  }
  return {
    codes: list.codes.filter((code) => !holds(excluded, code)),
    systems: new Set([...list.systems].filter((system) => !excluded.systems.has(system))),
  };
}

function holds({ codes, systems }: CodeList, { system, code }: ListedCode): boolean {
  return systems.has(system) || codes.some((one) => one.system === system && one.code === code);
}

function bounded(list: CodeList): CodeList {
  const codes = new Map(list.codes.map((one) => [`${one.system}|${one.code}`, one]));
  if (codes.size <= codesMax) return { codes: [...codes.values()], systems: list.systems };
  throw fhirError('too-costly', `A value set of a search may hold at most ${codesMax} codes.`);
}

function nameOf({ url, id }: ValueSet): string {
  return `The value set ${url ?? `ValueSet/${id}`}`;
}

function notSupported(reason: string): Error {
  return fhirError('not-supported', `${reason}, which a search cannot be answered for here.`, { status: 400 });
}
