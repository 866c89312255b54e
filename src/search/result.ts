// The searchset Bundle as UTF-8 JSON, around bodies that are such already: https://hl7.org/fhir/R4/bundle.html#searchset

import { fhirError, type Issue, toOperationOutcome } from '../fhir/outcome.ts';
import { type SearchQuery, searchPath } from './search-query.ts';

export interface ResultEntry {
  readonly mode: 'match' | 'include';
  readonly type: string;
  readonly id: string;
  /** The resource as stored, or as project.ts made it smaller; UTF-8. */
  readonly json: Buffer;
}

export interface SearchResult {
  readonly query: SearchQuery;
  /** The tenant's FHIR base, without a slash at its end. */
  readonly baseUrl: string;
  readonly entries: readonly ResultEntry[];
  readonly total: number | undefined;
  readonly isEstimate?: boolean;
  /** The other pages: `first`, which needs no cursor, `previous`, `next`, `last`. */
  readonly pages: readonly { readonly relation: string; readonly cursor?: string }[];
  /** What is missing from the answer, beside what was missing from the understanding of the request. */
  readonly warnings?: readonly Issue[];
}

/** Of a link to another page, which is a GET although the search may have been a POST; http/listen.ts takes so much. */
export const linkLengthMax = 28_000;

/** R4 has no place to say that a total is not exact: https://hl7.org/fhir/R4/search.html#total */
const accuracyUrl = 'https://hpms.example/fhir/StructureDefinition/total-accuracy';

/** The bodies are joined as they are, so that a page costs neither parsing nor decoding. */
export function searchset(result: SearchResult): Buffer {
  const { query, baseUrl, entries, pages } = result;
  const links = [
    { relation: 'self', url: searchUrl(query, baseUrl, query.cursor) },
    ...pages.map(({ relation, cursor }) => ({ relation, url: pageUrl(query, baseUrl, cursor) })),
  ];
  const head = { resourceType: 'Bundle', type: 'searchset', ...totalMembers(result), link: links };
  const outcomes = outcomeTexts(result);
  // FHIR has no empty arrays: https://hl7.org/fhir/R4/json.html#xml
  if (entries.length === 0 && outcomes.length === 0) return Buffer.from(JSON.stringify(head));
  const parts: Buffer[] = [];
  let before = `${JSON.stringify(head).slice(0, -1)},"entry":[`;
  for (const entry of entries) {
    parts.push(Buffer.from(before + entryStart(entry, baseUrl)), entry.json);
    before = `${entryEnd(entry)},`;
  }
  const last = outcomes.length === 0 ? before.slice(0, -1) : before + outcomes.join(',');
  parts.push(Buffer.from(`${last}]}`));
  return Buffer.concat(parts);
}

function totalMembers({ total, isEstimate }: SearchResult): object {
  if (total === undefined) return {};
  if (!isEstimate) return { total };
  return { total, _total: { extension: [{ url: accuracyUrl, valueCode: 'estimate' }] } };
}

function entryStart({ type, id }: ResultEntry, baseUrl: string): string {
  return `{"fullUrl":${JSON.stringify(`${baseUrl}/${type}/${id}`)},"resource":`;
}

function entryEnd({ mode }: ResultEntry): string {
  return `,"search":{"mode":"${mode}"}}`;
}

/** What was left out of the request and of the answer: https://hl7.org/fhir/R4/search.html#errors */
function outcomeTexts({ query, warnings = [] }: SearchResult): string[] {
  const all = [...query.warnings, ...warnings];
  if (all.length === 0) return [];
  return [JSON.stringify({ resource: toOperationOutcome(all), search: { mode: 'outcome' } })];
}

/** Whoever follows a link that leads nowhere would take this page for all there is. */
function pageUrl(query: SearchQuery, baseUrl: string, cursor: string | undefined): string {
  const url = searchUrl(query, baseUrl, cursor);
  if (url.length <= linkLengthMax) return url;
  const advice = 'ask for all on one page (_count, at most 1,000), or for fewer values';
  throw fhirError('too-costly', `There are more pages, and no link to them can hold so long a search; ${advice}.`);
}

/** The search as it was understood: https://hl7.org/fhir/R4/search.html#conformance */
function searchUrl(query: SearchQuery, baseUrl: string, cursor: string | undefined): string {
  const { understood } = query;
  const url = `${baseUrl}/${searchPath(query)}`;
  const pairs = cursor === undefined ? understood : [...understood, ['_cursor', cursor] as const];
  const text = pairs.map(([name, value]) => `${encodeInQuery(name)}=${encodeInQuery(value)}`).join('&');
  return text === '' ? url : `${url}?${text}`;
}

/** Characters that are allowed in a query and common in searches stay readable. */
export function encodeInQuery(text: string): string {
  return encodeURIComponent(text).replace(/%(3A|2C|2F|24)/g, (escaped) => decodeURIComponent(escaped));
}
