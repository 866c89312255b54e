// Replaces what a search asks by value sets and code systems with the codes these list: https://hl7.org/fhir/R4/search.html#token

import type { CodeSystem, Resource, ValueSet } from '@medplum/fhirtypes';
import { requirePermission } from '../access/may.ts';
import { fhirError } from '../fhir/outcome.ts';
import { leavesOf, mapLeaves } from '../search/criterion-tree.ts';
import { printable } from '../search/parse/search-notes.ts';
import { escapeValue } from '../search/parse/split.ts';
import { parseSearch } from '../search/parse.ts';
import { runSearch, type SearchAccess } from '../search/run-search.ts';
import type { CodesCriterion, Criterion, SearchQuery, TokenValue } from '../search/search-query.ts';
import { relatedCodes } from '../terminology/code-hierarchy.ts';
import { type CodeList, codeListOf } from '../terminology/code-list.ts';
import type { Session } from './session.ts';

/** Value sets and code systems that one search may name. */
const namesMax = 20;

/** The same query where nothing asks by them. Throws a FhirError (400) naming what is unknown or needs a terminology service. */
export async function resolveCodes(session: Session, query: SearchQuery, access: SearchAccess): Promise<SearchQuery> {
  const asked = query.criteria
    .flatMap((criterion) => leavesOf(criterion, query.type))
    .flatMap(({ criterion }) => (criterion.kind === 'codes' ? [criterion] : []));
  if (asked.length === 0) return query;
  if (asked.reduce((sum, { valueSets, codes }) => sum + valueSets.length + codes.length, 0) > namesMax) {
    throw fhirError(
      'too-costly',
      `A search takes at most ${namesMax} value sets, or codes with what is above or below them.`,
    );
  }
  const shelf = new Shelf(session, access);
  const resolved = new Map<Criterion, Criterion>();
  for (const criterion of asked) resolved.set(criterion, await resolve(criterion, shelf));
  const criteria = query.criteria.map((criterion) =>
    mapLeaves(criterion, query.type, (leaf) => resolved.get(leaf) ?? leaf),
  );
  return Object.freeze({ ...query, criteria });
}

async function resolve(criterion: CodesCriterion, shelf: Shelf): Promise<Criterion> {
  const { modifier, token, valueSets, codes } = criterion;
  const values: TokenValue[] = [];
  for (const name of valueSets) values.push(...valuesOf(criterion, await shelf.codeList(name)));
  for (const { system, code } of codes) {
    const codeSystem = await shelf.codeSystem(system);
    const direction = modifier === 'above' ? 'above' : 'below';
    values.push(...relatedCodes(codeSystem, code, direction).map((one) => ({ system, code: one })));
  }
  const resolved = { ...token, values };
  return modifier === 'not-in' ? { kind: 'not', criteria: [resolved] } : resolved;
}

/** An element that is a code alone tells its system by its binding, so that a whole system says nothing about it. */
function valuesOf({ name, token }: CodesCriterion, { codes, systems }: CodeList): TokenValue[] {
  const { shape } = token;
  const isOpen = shape.kind === 'bare' && [...systems].some((system) => !shape.systems || shape.systems.has(system));
  if (!isOpen) return [...codes, ...[...systems].map((system) => ({ system }))];
  throw fhirError('not-supported', `${printable(name)} needs a value set that lists its codes.`, { status: 400 });
}

/** The tenant's own value sets and code systems, and the value sets of R4 that the definitions list. */
class Shelf {
  readonly #session: Session;
  readonly #access: SearchAccess;

  constructor(session: Session, access: SearchAccess) {
    this.#session = session;
    this.#access = access;
  }

  async codeList(name: string): Promise<CodeList> {
    return await codeListOf(await this.#valueSet(name), (canonical) => this.#valueSet(canonical));
  }

  async codeSystem(url: string): Promise<CodeSystem> {
    const found = await this.#find<CodeSystem>('CodeSystem', url);
    if (found) return found;
    throw fhirError('not-supported', 'No CodeSystem resource here tells what is above and below the code.', {
      status: 400,
    });
  }

  async #valueSet(name: string): Promise<ValueSet | CodeList> {
    const found = this.#known(name) ?? (await this.#find<ValueSet>('ValueSet', name));
    if (found) return found;
    throw fhirError('not-found', 'There is no ValueSet here of the url or id that is asked for.', { status: 400 });
  }

  /** Their codes are told apart by system where there is one only. */
  #known(name: string): CodeList | undefined {
    const known = this.#session.repository.definitions.valueSet(name.split('|')[0] as string);
    const [system, ...others] = known?.systems ?? [];
    if (!known || system === undefined || others.length > 0) return undefined;
    return { codes: [...known.codes].map((code) => ({ system, code })), systems: new Set() };
  }

  /** By canonical, with its version where it has one, or by id. */
  async #find<T extends Resource>(type: T['resourceType'], name: string): Promise<T | undefined> {
    const { repository, caller, at } = this.#session;
    requirePermission(caller, 'r', type);
    const query = parseSearch(repository.definitions, type, pairsOf(type, name), {
      handling: 'strict',
      now: at.getTime(),
    });
    const page = await runSearch({ ...query, count: 1, total: 'none' }, this.#access);
    const [row] = page.matches;
    return row && ((await this.#access.open(row)) as T);
  }
}

function pairsOf(type: string, name: string): [string, string][] {
  const id = /^(?:([A-Z]\w+)\/)?([A-Za-z0-9.-]{1,64})$/.exec(name);
  if (id && (id[1] ?? type) === type) return [['_id', id[2] as string]];
  const [url = '', version] = name.split('|');
  const pairs: [string, string][] = [
    ['url', escapeValue(url)],
    ['_sort', '-_lastUpdated'],
  ];
  if (version) pairs.push(['version', escapeValue(version)]);
  return pairs;
}
