// Replaces what a search asks by value sets and code systems with the codes these list: https://hl7.org/fhir/R4/search.html#token

import type { ValueSet } from '@medplum/fhirtypes';
import { requirePermission } from '../access/may.ts';
import { parseJson } from '../fhir/json.ts';
import { fhirError } from '../fhir/outcome.ts';
import { leavesOf, mapLeaves } from '../search/criterion-tree.ts';
import { printable } from '../search/parse/search-notes.ts';
import type { CodesCriterion, Criterion, SearchQuery, TokenValue } from '../search/search-query.ts';
import { relatedCodes } from '../terminology/code-hierarchy.ts';
import { type CodeList, codeListOf } from '../terminology/code-list.ts';
import { membersOfValueSet, notFoundValueSet } from '../terminology/compose.ts';
import { findSystem } from '../terminology/find-system.ts';
import { findCanonicalValueSet, findValueSetOfResource } from '../terminology/find-value-set.ts';
import type { Session } from './session.ts';

/** Value sets and code systems that one search may name. */
const namesMax = 20;

/** The same query where nothing asks by them. Throws a FhirError (400) naming what is unknown or needs a terminology service. */
export async function resolveCodes(session: Session, query: SearchQuery): Promise<SearchQuery> {
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
  const shelf = new Shelf(session);
  const resolved = new Map<Criterion, Criterion>();
  for (const criterion of asked) resolved.set(criterion, await resolve(criterion, shelf));
  const criteria = query.criteria.map((criterion) =>
    mapLeaves(criterion, query.type, (leaf) => resolved.get(leaf) ?? leaf),
  );
  return Object.freeze({ ...query, criteria });
}

async function resolve(criterion: CodesCriterion, shelf: Shelf): Promise<Criterion> {
  const { modifier, token, valueSets, codes } = criterion;
  requireNames([...valueSets, ...codes.flatMap(({ system, code }) => [system, code])]);
  const values: TokenValue[] = [];
  for (const name of valueSets)
    values.push(...valuesOf(criterion, await shelf.codeList(name, token.shape.kind === 'bare')));
  for (const { system, code } of codes) {
    const direction = modifier === 'above' ? 'above' : 'below';
    const related = await shelf.relatedCodes(system, code, direction);
    values.push(...related.map((one) => ({ system, code: one })));
  }
  const resolved = { ...token, values };
  return modifier === 'not-in' ? { kind: 'not', criteria: [resolved] } : resolved;
}

/** PostgreSQL takes no text with NUL, and no name or code has one. */
function requireNames(texts: readonly string[]): void {
  if (!texts.some((text) => text.includes('\0'))) return;
  throw fhirError('value', 'Names of value sets and codes do not have the character NUL.', { status: 400 });
}

/** An element that is a code alone tells its system by its binding, so that a whole system that is not here says nothing. */
function valuesOf({ name, token }: CodesCriterion, { codes, systems }: CodeList): TokenValue[] {
  const { shape } = token;
  const isOpen = shape.kind === 'bare' && [...systems].some((system) => !shape.systems || shape.systems.has(system));
  if (!isOpen) return [...codes, ...[...systems].map((system) => ({ system }))];
  throw fhirError('not-supported', `${printable(name)} needs a value set that lists its codes.`, { status: 400 });
}

/** Value sets and code systems that are here: the tenant's own, those an operator has imported, and HL7's. */
class Shelf {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async codeList(name: string, asCodes: boolean): Promise<CodeList> {
    requirePermission(this.#session.caller, 'r', 'ValueSet');
    const { trx } = this.#session;
    const id = idIn(name);
    const valueSet = id === undefined ? await findCanonicalValueSet(trx, name) : await this.#valueSetOfId(id);
    if (!valueSet) throw notFoundValueSet();
    return await codeListOf(trx, await membersOfValueSet(trx, valueSet), asCodes);
  }

  /** The server's own stands where the tenant has stored none of the id. */
  async #valueSetOfId(id: string): Promise<ValueSet | undefined> {
    const { trx, repository } = this.#session;
    const stored = await findValueSetOfResource(trx, id);
    const text = stored ? undefined : repository.builtIns?.find('ValueSet', id);
    return text === undefined ? stored : (parseJson(text).value as ValueSet);
  }

  /** The code itself first. */
  async relatedCodes(url: string, code: string, direction: 'above' | 'below'): Promise<string[]> {
    requirePermission(this.#session.caller, 'r', 'CodeSystem');
    const system = await findSystem(this.#session.trx, url);
    if (system) return await relatedCodes(this.#session.trx, system, code, direction);
    throw fhirError('not-supported', 'No code system here tells what is above and below the code.', { status: 400 });
  }
}

function idIn(name: string): string | undefined {
  return /^(?:ValueSet\/)?([A-Za-z0-9.-]{1,64})$/.exec(name)?.[1];
}
