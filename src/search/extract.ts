// From a resource to everything search stores about it: https://hl7.org/fhir/R4/search.html

import type { Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../fhir/definitions.ts';
import { classText } from './count-classes.ts';
import { extractComposite } from './extract/composite.ts';
import { extractDates, extractIdentifyingDate } from './extract/date.ts';
import { EntryCollector } from './extract/entry-collector.ts';
import { withExactNumbers } from './extract/exact-resource.ts';
import { extractOrder } from './extract/order.ts';
import { extractPosition } from './extract/position.ts';
import { extractQuantity } from './extract/quantity.ts';
import { extractReference } from './extract/reference.ts';
import { extractString } from './extract/string.ts';
import { extractToken } from './extract/token.ts';
import { extractWords } from './extract/words.ts';
import type { IndexEntry } from './index-entry.ts';
import { hasOrder } from './ordered-values.ts';
import { severalPatientsText } from './patients-named.ts';
import { knownByToken, presenceText } from './presence.ts';
import { type IndexedParameter, indexedParameters, type SearchKind } from './search-parameters.ts';
import { sliceOf, sliceText } from './slices.ts';
import { uriTexts, wordsKey } from './token-text.ts';
import { shownTexts } from './words.ts';

/** With the texts of the numbers that are not those a number is written as, from json.ts. */
export type Extract = (resource: Resource, exactNumbers?: ReadonlyMap<string, string>) => IndexEntry[];

/** The entries of a resource, each once; an AuditEvent has tokens only. */
export function createExtractor(definitions: Definitions): Extract {
  return (resource, exactNumbers) => {
    const entries = new EntryCollector();
    const exact = withExactNumbers(resource, exactNumbers);
    const texts: string[] = [];
    const links = resource.resourceType !== 'AuditEvent';
    const missing = new Map<IndexedParameter, boolean>();
    for (const parameter of extracted(definitions, resource.resourceType)) {
      const values = parameter.read(numeric.has(parameter.kind) ? exact : resource);
      if (parameter.kind === 'date') extractDates(values, parameter, entries);
      else if (parameter.kind === 'composite') extractComposite(exact, parameter, entries);
      else for (const value of values) extractValue(value, parameter, entries, links);
      missing.set(parameter, values.length === 0);
      if (links && hasOrder(parameter)) extractOrder(values, parameter, { resource, definitions }, entries);
      if (parameter.kind === 'text') texts.push(...(values as string[]));
      else if (links && parameter.kind === 'token') texts.push(...values.flatMap(shownTexts));
    }
    for (const parameter of knownByToken(indexedParameters(definitions, resource.resourceType))) {
      const isMissing = missing.get(parameter) ?? parameter.read(resource).length === 0;
      if (isMissing === parameter.isUsual) entries.token(presenceText(parameter.key, isMissing));
    }
    extractWords(texts, wordsKey(resource.resourceType), entries);
    if (links && resource.id !== undefined) entries.token(sliceText(resource.resourceType, sliceOf(resource.id)));
    const all = entries.entries();
    const counted = classText(definitions, resource);
    if (counted !== undefined) all.push({ kind: 'class', text: counted });
    const shared = severalPatientsText(definitions, resource.resourceType, all);
    if (shared !== undefined) all.push({ kind: 'token', text: shared });
    return all;
  };
}

const numeric: ReadonlySet<SearchKind> = new Set(['number', 'quantity']);

const ordered = new WeakMap<ReadonlyMap<string, IndexedParameter>, readonly IndexedParameter[]>();

/** What is stored of a type: those last that leave out what others have stored. */
function extracted(definitions: Definitions, type: string): readonly IndexedParameter[] {
  const parameters = indexedParameters(definitions, type);
  const known = ordered.get(parameters);
  if (known) return known;
  const stored = [...parameters.values()].filter(
    ({ kind, shared, storedIn }) => !elsewhere.has(kind) && !storedIn && (kind !== 'token' || !shared?.isDerived),
  );
  const byTurn = stored.toSorted((a, b) => turnOf(a) - turnOf(b));
  ordered.set(parameters, byTurn);
  return byTurn;
}

/** Columns, and words that are looked for on the resources themselves. */
const elsewhere: ReadonlySet<SearchKind> = new Set(['id', 'lastUpdated', 'content']);

function turnOf({ kind, shared }: IndexedParameter): number {
  return kind === 'string' && shared && shared.narrower.length > 0 ? 1 : 0;
}

function extractValue(value: unknown, parameter: IndexedParameter, entries: EntryCollector, links: boolean): void {
  const { kind, key } = parameter;
  if (kind === 'token') extractToken(value, key, parameter.tokenShape, entries);
  else if (kind === 'string') extractString(value, parameter, entries);
  else if (kind === 'reference') extractReference(value, parameter, entries, links);
  else if (kind === 'number' || kind === 'quantity') extractQuantity(value, parameter, entries);
  else if (kind === 'near') extractPosition(value, key, entries);
  else if (kind === 'identifyingDate') extractIdentifyingDate(value, key, entries);
  else if (kind === 'uri' && typeof value === 'string') entries.tokens(uriTexts(key, value));
}
