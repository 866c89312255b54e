// Answers a search in memory from index entries alone: what the SQL of compile-search.ts must do, without a database.

import type { Resource } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { type Condition, passes } from '../../src/search/compile/condition.ts';
import { compileCriteria } from '../../src/search/compile/criteria.ts';
import { createExtractor } from '../../src/search/extract.ts';
import type { IndexEntry } from '../../src/search/index-entry.ts';
import { passesNumber } from '../../src/search/number-range.ts';
import { type ParseOptions, parseSearch } from '../../src/search/parse.ts';
import type { SearchQuery } from '../../src/search/search-query.ts';

export const definitions = loadDefinitions();
export const extract = createExtractor(definitions);
export const baseUrl = 'https://clinic.example/t/demo/fhir';
export const now = Date.UTC(2026, 5, 15);

/** Parses a query string as it stands after the question mark; strict unless told. */
export function parse(type: string, query: string, options: Partial<ParseOptions> = {}): SearchQuery {
  return parseSearch(definitions, type, new URLSearchParams(query), { handling: 'strict', baseUrl, now, ...options });
}

/** A query of pairs as URLSearchParams would write it. */
export function queryOf(...pairs: [name: string, value: string][]): string {
  return new URLSearchParams(pairs).toString();
}

/** True when the search finds the resource. */
export function finds(query: SearchQuery, resource: Resource): boolean {
  const { conditions, recheck } = compileCriteria(query.criteria);
  const entries = extract(resource);
  const isCandidate = conditions.every((condition) => holds(condition, entries, resource));
  return isCandidate && (recheck?.(resource) ?? true);
}

/** True when the index alone lets the resource through. */
export function isCandidate(query: SearchQuery, resource: Resource): boolean {
  const entries = extract(resource);
  return compileCriteria(query.criteria).conditions.every((condition) => holds(condition, entries, resource));
}

function holds(condition: Condition, entries: readonly IndexEntry[], resource: Resource): boolean {
  switch (condition.kind) {
    case 'ids':
      return condition.ids.includes(resource.id ?? '');
    case 'tokens': {
      const tokens = new Set(entries.flatMap((entry) => (entry.kind === 'token' ? [entry.text] : [])));
      if (condition.orId !== undefined && condition.orId === resource.id) return true;
      return condition.anyOf.some((texts) => texts.every((text) => tokens.has(text)));
    }
    case 'lastUpdated': {
      const ms = Date.parse(resource.meta?.lastUpdated ?? '');
      return condition.tests.some((test) => passes(test, { low: ms, high: ms }));
    }
    case 'not':
      return !condition.conditions.every((one) => holds(one, entries, resource));
    case 'any':
      return condition.anyOf.some((list) => list.every((one) => holds(one, entries, resource)));
    case 'linked':
      throw new Error('One resource alone does not tell what is linked to it.');
    case 'range':
      return condition.anyOf.some(({ parameter, unit, tests }) =>
        entries.some(
          (entry) =>
            entry.kind === 'range' &&
            entry.parameter === parameter &&
            entry.unit === unit &&
            tests.every((test) => passesNumber(test, entry)),
        ),
      );
    case 'date':
      // No statement tests it: the tokens beside it must do.
      if (condition.isImplied) return true;
      return entries.some(
        (entry) =>
          entry.kind === 'date' &&
          entry.parameter === condition.parameter &&
          condition.tests.every((list) => list.some((test) => passes(test, entry))),
      );
  }
}

/** The token texts of a resource that belong to one parameter, without its key. */
export function tokensOf(resource: Resource, key: string): string[] {
  return extract(resource).flatMap((entry) =>
    entry.kind === 'token' && entry.text.startsWith(`${key}|`) ? [entry.text.slice(key.length + 1)] : [],
  );
}
