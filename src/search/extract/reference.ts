// References as links for joins and as tokens for lookups: https://hl7.org/fhir/R4/search.html#reference

import { parseReference } from '../../fhir/references.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import { coded } from '../token-shape.ts';
import { uriTexts, valueText } from '../token-text.ts';
import type { EntryCollector } from './entry-collector.ts';
import { extractToken } from './token.ts';

/** `links` is false where the resource gets no rows beside its own. */
export function extractReference(
  value: unknown,
  parameter: IndexedParameter,
  entries: EntryCollector,
  links: boolean,
): void {
  if (typeof value === 'string') {
    entries.tokens(uriTexts(parameter.key, value));
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const { reference, identifier, resourceType, id } = value as Partial<Record<string, unknown>>;
  // The first resource of a Bundle, which it holds instead of pointing to it.
  if (typeof resourceType === 'string' && typeof id === 'string')
    entries.token(valueText(parameter.key, `${resourceType}/${id}`));
  if (typeof reference === 'string') extractLiteral(reference, parameter, entries, links);
  if (identifier) extractToken(identifier, `${parameter.key}:identifier`, coded, entries);
}

/** A versioned reference is found with its version and without. */
function extractLiteral(
  literal: string,
  { code, key, shared }: IndexedParameter,
  entries: EntryCollector,
  links: boolean,
): void {
  const target = parseReference(literal);
  if (target.kind === 'resource') {
    entries.token(valueText(key, `${target.type}/${target.id}`));
    if (target.versionId !== undefined) entries.token(valueText(key, literal));
    if (links && !shared?.link) entries.reference(code, target.type, target.id);
  } else if (target.kind === 'external' || target.kind === 'urn') {
    entries.token(valueText(key, literal));
  }
}
