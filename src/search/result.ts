// The searchset Bundle as text, around bodies that are already JSON: https://hl7.org/fhir/R4/bundle.html#searchset

import { toOperationOutcome } from '../fhir/outcome.ts';
import { type SearchQuery, searchPath } from './search-query.ts';

export interface ResultEntry {
  readonly mode: 'match' | 'include';
  readonly type: string;
  readonly id: string;
  /** The resource as stored, or as project.ts made it smaller. */
  readonly json: string;
}

export interface SearchResult {
  readonly query: SearchQuery;
  /** The tenant's FHIR base, without a slash at its end. */
  readonly baseUrl: string;
  readonly entries: readonly ResultEntry[];
  readonly total: number | undefined;
  /** Of the next page. */
  readonly nextCursor: string | undefined;
}

/** The bodies are joined as they are, so that a page costs no parsing. */
export function searchsetText({ query, baseUrl, entries, total, nextCursor }: SearchResult): string {
  const links = [{ relation: 'self', url: searchUrl(query, baseUrl, query.cursor) }];
  if (nextCursor !== undefined) links.push({ relation: 'next', url: searchUrl(query, baseUrl, nextCursor) });
  const head = { resourceType: 'Bundle', type: 'searchset', ...(total !== undefined && { total }), link: links };
  const texts = [...entries.map((entry) => entryText(entry, baseUrl)), ...outcomeTexts(query)];
  // FHIR has no empty arrays: https://hl7.org/fhir/R4/json.html#xml
  if (texts.length === 0) return JSON.stringify(head);
  return `${JSON.stringify(head).slice(0, -1)},"entry":[${texts.join(',')}]}`;
}

function entryText({ mode, type, id, json }: ResultEntry, baseUrl: string): string {
  const fullUrl = JSON.stringify(`${baseUrl}/${type}/${id}`);
  return `{"fullUrl":${fullUrl},"resource":${json},"search":{"mode":"${mode}"}}`;
}

/** What was left out of the request: https://hl7.org/fhir/R4/search.html#errors */
function outcomeTexts({ warnings }: SearchQuery): string[] {
  if (warnings.length === 0) return [];
  return [JSON.stringify({ resource: toOperationOutcome(warnings), search: { mode: 'outcome' } })];
}

/** The search as it was understood: https://hl7.org/fhir/R4/search.html#conformance */
function searchUrl(query: SearchQuery, baseUrl: string, cursor: string | undefined): string {
  const { understood } = query;
  const url = `${baseUrl}/${searchPath(query)}`;
  const pairs = cursor === undefined ? understood : [...understood, ['_cursor', cursor] as const];
  const text = pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
  return text === '' ? url : `${url}?${text}`;
}

/** Characters that are allowed in a query and common in searches stay readable. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/%(3A|2C|2F|24)/g, (escaped) => decodeURIComponent(escaped));
}
