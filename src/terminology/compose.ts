// Evaluates the composition of a value set: https://hl7.org/fhir/R4/valueset.html#composition

import type { ValueSet, ValueSetComposeInclude, ValueSetExpansionContains } from '@medplum/fhirtypes';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import { type Ask, conceptsThatMeet } from './filters.ts';
import { findSystem, type Queries } from './find-system.ts';
import { findCanonicalValueSet } from './find-value-set.ts';
import { intersection, type Listed, type Members, membersOf, noMembers, type Part, union, without } from './members.ts';
import { withoutInactive } from './narrow.ts';
import { SystemReader } from './system-reader.ts';

/** Which version of a code system counts: https://hl7.org/fhir/R4/valueset-operation-expand.html */
export interface SystemVersions {
  /** Where the value set names none. */
  readonly usual?: ReadonlyMap<string, string>;
  /** Whatever the value set names. */
  readonly forced?: ReadonlyMap<string, string>;
  /** Any other is an error. */
  readonly checked?: ReadonlyMap<string, string>;
}

const importsMax = 50;
const depthMax = 10;
/** Codes that one value set may list, those it imports included. */
export const listedMax = 100_000;

/** Throws a FhirError (400) that names what is unknown or cannot be told here. */
export async function membersOfValueSet(
  trx: Queries,
  valueSet: ValueSet,
  versions: SystemVersions = {},
): Promise<Members> {
  return await new Composition(trx, versions).evaluate(valueSet);
}

export interface MembersToCheck {
  readonly members: Members;
  /** Why members are missing: whoever is not among them may be one all the same. */
  readonly doubts: readonly FhirError[];
}

/** Those of one code system, where it is given; what cannot be told of a part leaves the others as they are. */
export async function membersToCheck(
  trx: Queries,
  valueSet: ValueSet,
  versions: SystemVersions,
  only: string | undefined,
): Promise<MembersToCheck> {
  const doubts: FhirError[] = [];
  const members = await new Composition(trx, versions, { only, doubts }).evaluate(valueSet);
  return { members, doubts };
}

export function nameOf({ url, id }: Pick<ValueSet, 'url' | 'id'>): string {
  return url === undefined && id === undefined ? 'This value set' : `The value set ${url ?? `ValueSet/${id}`}`;
}

class Composition {
  readonly #trx: Queries;
  readonly #versions: SystemVersions;
  /** Value sets on the way to the one that is evaluated. */
  #depth = 0;
  #imports = 0;
  #listed = 0;
  readonly #only: string | undefined;
  /** Takes what cannot be told; undefined where that is an error, as in what is excluded. */
  #doubts: FhirError[] | undefined;

  constructor(
    trx: Queries,
    versions: SystemVersions,
    { only, doubts }: { readonly only?: string | undefined; readonly doubts?: FhirError[] } = {},
  ) {
    this.#trx = trx;
    this.#versions = versions;
    this.#only = only;
    this.#doubts = doubts;
  }

  async evaluate(valueSet: ValueSet): Promise<Members> {
    const { expansion, compose } = valueSet;
    if (expansion?.contains && isWhole(expansion)) {
      return await this.#listedMembers(codesIn(expansion.contains).filter(({ url }) => this.#isLookedAt(url)));
    }
    if (!compose) throw unsupported(`${nameOf(valueSet)} has neither a composition nor a whole expansion`);
    let members = noMembers;
    for (const include of compose.include) members = union(members, await this.#included(include, valueSet));
    members = without(members, await this.#excluded(compose.exclude ?? [], valueSet));
    // https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.compose.inactive
    return compose.inactive === false ? await withoutInactive(this.#trx, members) : members;
  }

  async #included(include: ValueSetComposeInclude, of: ValueSet): Promise<Members> {
    try {
      return await this.#part(include, of);
    } catch (error) {
      if (!this.#doubts || !(error instanceof FhirError) || error.status >= 500) throw error;
      this.#doubts.push(error);
      return noMembers;
    }
  }

  async #excluded(excludes: readonly ValueSetComposeInclude[], of: ValueSet): Promise<Members> {
    const doubts = this.#doubts;
    this.#doubts = undefined;
    try {
      let excluded = noMembers;
      for (const exclude of excludes) excluded = union(excluded, await this.#part(exclude, of));
      return excluded;
    } finally {
      this.#doubts = doubts;
    }
  }

  /** What meets everything that one include or exclude says. */
  async #part(include: ValueSetComposeInclude, of: ValueSet): Promise<Members> {
    const all: Members[] = [];
    if (!this.#isLookedAt(include.system)) return noMembers;
    if (include.system !== undefined) all.push(await this.#ofSystem(include.system, include, of));
    for (const canonical of include.valueSet ?? []) all.push(await this.#imported(canonical, of));
    const [first, ...others] = all;
    if (!first) throw unsupported(`${nameOf(of)} has a part without system and value set`);
    return others.reduce(intersection, first);
  }

  #isLookedAt(system: string | undefined): boolean {
    return this.#only === undefined || system === undefined || system === this.#only;
  }

  async #ofSystem(url: string, include: ValueSetComposeInclude, of: ValueSet): Promise<Members> {
    const { concept = [], filter = [] } = include;
    const version = this.#versionOf(url, include.version);
    if (concept.length > 0) {
      if (filter.length > 0) throw unsupported(`${nameOf(of)} lists codes and filters them in one part`);
      return await this.#listedMembers(concept.map((one) => ({ url, version, listed: listedOf(one) })));
    }
    const system = await findSystem(this.#trx, url, version);
    if (!system) {
      if (filter.length > 0) throw unsupported(`${nameOf(of)} filters the code system ${url}, which is not here`);
      return membersOf({ url, version: version ?? '', isWhole: true, listed: new Map() });
    }
    if (system.content === 'example') {
      throw unsupported(`Of the code system ${url} only examples are here`);
    }
    const reader = new SystemReader(this.#trx, system);
    const asks = filter.map(({ property = '', op = '=', value = '' }): Ask => ({ property, op, value }));
    return membersOf({ system, set: await conceptsThatMeet(reader, asks), listed: new Map() });
  }

  #versionOf(url: string, named: string | undefined): string | undefined {
    const { usual, forced, checked } = this.#versions;
    const version = forced?.get(url) ?? named ?? usual?.get(url) ?? checked?.get(url);
    const wanted = checked?.get(url);
    if (wanted === undefined || wanted === version) return version;
    throw fhirError('business-rule', `The value set asks for version ${version} of ${url}, not ${wanted}.`, {
      status: 400,
    });
  }

  /** Codes that a code system, of which all is here, does not have are left out. */
  async #listedMembers(codes: readonly ListedCode[]): Promise<Members> {
    this.#listed += codes.length;
    if (this.#listed > listedMax) {
      throw fhirError(
        'too-costly',
        `A value set may list at most ${listedMax} codes here; filter a code system instead.`,
      );
    }
    let members = noMembers;
    for (const group of Map.groupBy(codes, ({ url, version }) => `${url}|${version ?? ''}`).values()) {
      members = union(members, membersOf(await this.#listedPart(group)));
    }
    return members;
  }

  async #listedPart(group: readonly ListedCode[]): Promise<Part> {
    const { url, version } = group[0] as ListedCode;
    const system = await findSystem(this.#trx, url, version);
    if (system?.content !== 'complete') {
      const listed = new Map(group.map((one) => [one.listed.code, one.listed]));
      return { url, version: version ?? '', isWhole: false, listed };
    }
    const reader = new SystemReader(this.#trx, system);
    const concepts = await reader.byCodes(group.map((one) => one.listed.code));
    const byKey = new Map(concepts.map((concept) => [concept.key, concept.id]));
    const listed = new Map<number, Listed>();
    for (const one of group) {
      const id = byKey.get(system.caseSensitive ? one.listed.code : one.listed.code.toLowerCase());
      if (id !== undefined) listed.set(id, one.listed);
    }
    return { system, set: reader.of(listed.keys()), listed };
  }

  async #imported(canonical: string, of: ValueSet): Promise<Members> {
    this.#imports++;
    if (this.#depth >= depthMax || this.#imports > importsMax) {
      throw unsupported(`${nameOf(of)} imports too many value sets, or itself`);
    }
    const imported = await findCanonicalValueSet(this.#trx, canonical);
    if (!imported) {
      throw fhirError('not-found', `${nameOf(of)} imports ${canonical}, which is not here.`, { status: 400 });
    }
    this.#depth++;
    try {
      return await this.evaluate(imported);
    } finally {
      this.#depth--;
    }
  }
}

interface ListedCode {
  readonly url: string;
  readonly version: string | undefined;
  readonly listed: Listed;
}

function listedOf(concept: NonNullable<ValueSetComposeInclude['concept']>[number]): Listed {
  const { code = '', display, designation = [] } = concept;
  return {
    code,
    display,
    ...(designation.length > 0 && {
      designations: designation.map(({ language, use, value }) => ({ language, use, value: value ?? '' })),
    }),
  };
}

function isWhole({ total, offset, contains = [] }: NonNullable<ValueSet['expansion']>): boolean {
  return !offset && (total === undefined || total <= countOf(contains));
}

function countOf(contains: readonly ValueSetExpansionContains[]): number {
  return contains.reduce((sum, one) => sum + 1 + countOf(one.contains ?? []), 0);
}

/** An abstract one only groups others. */
function codesIn(contains: readonly ValueSetExpansionContains[]): ListedCode[] {
  return contains.flatMap(({ system, version, code, display, abstract, contains: inner = [] }) => {
    const own = system && code && !abstract ? [{ url: system, version, listed: { code, display } }] : [];
    return [...own, ...codesIn(inner)];
  });
}

export function missing(url: string, version?: string): Error {
  const name = version ? `${url}|${version}` : url;
  return fhirError('not-found', `The code system ${name} is not here; store it, or have it imported.`, { status: 400 });
}

export function notFoundValueSet(): Error {
  return fhirError('not-found', 'There is no ValueSet here of the url or id that is asked for.', { status: 400 });
}

function unsupported(reason: string): Error {
  return fhirError('not-supported', `${reason}, so that its codes cannot be told.`, { status: 400 });
}
