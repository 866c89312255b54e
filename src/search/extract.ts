// From a resource to everything search stores about it: https://hl7.org/fhir/R4/search.html

import type { Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../fhir/definitions.ts';
import { extractDates, extractIdentifyingDate } from './extract/date.ts';
import { EntryCollector } from './extract/entry-collector.ts';
import { extractReference } from './extract/reference.ts';
import { extractString } from './extract/string.ts';
import { extractToken } from './extract/token.ts';
import type { IndexEntry } from './index-entry.ts';
import { type IndexedParameter, indexedParameters } from './search-parameters.ts';
import { uriTexts } from './token-text.ts';

/** The entries of a resource, each once; an AuditEvent has tokens only. */
export function createExtractor(definitions: Definitions): (resource: Resource) => IndexEntry[] {
  return (resource) => {
    const entries = new EntryCollector();
    const links = resource.resourceType !== 'AuditEvent';
    for (const parameter of indexedParameters(definitions, resource.resourceType).values()) {
      if (parameter.kind === 'id' || parameter.kind === 'lastUpdated') continue;
      const values = parameter.read(resource);
      if (parameter.kind === 'date') extractDates(values, parameter, entries);
      else for (const value of values) extractValue(value, parameter, entries, links);
    }
    return entries.entries();
  };
}

function extractValue(value: unknown, parameter: IndexedParameter, entries: EntryCollector, links: boolean): void {
  const { kind, key } = parameter;
  if (kind === 'token') extractToken(value, key, parameter.tokenShape, entries);
  else if (kind === 'string') extractString(value, key, entries);
  else if (kind === 'reference') extractReference(value, parameter, entries, links);
  else if (kind === 'identifyingDate') extractIdentifyingDate(value, key, entries);
  else if (kind === 'uri' && typeof value === 'string') entries.tokens(uriTexts(key, value));
}
