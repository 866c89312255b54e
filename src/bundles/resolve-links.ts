// Gives the entries of a transaction their ids and turns links between them into references: https://hl7.org/fhir/R4/http.html#trules

import type { Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../fhir/definitions.ts';
import { newId } from '../fhir/ids.ts';
import { fhirError } from '../fhir/outcome.ts';
import { forEachReference } from '../fhir/references.ts';
import type { ParsedEntry } from './bundle-entry.ts';
import { rewriteLinks } from './rewrite-links.ts';

/** The new ids of POST entries, by position. Links in the entries' resources are rewritten in place. */
export function resolveLinks(
  entries: readonly ParsedEntry[],
  definitions: Definitions,
  atMs: number,
): ReadonlyMap<number, string> {
  const ids = new Map<number, string>();
  const targets = new Map<string, string>();
  for (const entry of entries) {
    const id = entry.method === 'POST' ? newId(atMs) : entry.id;
    if (entry.method === 'POST') ids.set(entry.index, id);
    if (entry.fullUrl === undefined || entry.method === 'GET' || entry.method === 'DELETE') continue;
    if (targets.has(entry.fullUrl)) {
      throw fhirError('invalid', 'Two entries have the same fullUrl.', {
        expression: `Bundle.entry[${entry.index}].fullUrl`,
      });
    }
    targets.set(entry.fullUrl, `${entry.type}/${id}`);
  }
  for (const entry of entries) if (entry.resource) rewriteEntry(entry, entry.resource, targets, definitions);
  return ids;
}

function rewriteEntry(
  entry: ParsedEntry,
  resource: Resource,
  targets: ReadonlyMap<string, string>,
  definitions: Definitions,
): void {
  const base = baseOf(entry.fullUrl);
  rewriteLinks(definitions, resource, {
    ofUrl: (url) => targets.get(url),
    ofReference(text) {
      const target = findTarget(text, targets) ?? (base === undefined ? undefined : findTarget(base + text, targets));
      if (target === undefined && text.startsWith('urn:uuid:')) throw unresolved(entry, resource, text, definitions);
      if (target === undefined && text.includes('?')) refuseConditional(entry, resource, text, definitions);
      return target;
    },
  });
}

/** A relative reference is read below the base that its own entry's full URL has: https://hl7.org/fhir/R4/bundle.html#references */
function baseOf(fullUrl: string | undefined): string | undefined {
  return fullUrl && /^(https?:\/\/.{1,1000}\/)[A-Za-z]{2,64}\/[A-Za-z0-9.-]{1,64}$/.exec(fullUrl)?.[1];
}

/** `fullUrl/_history/n` names the entry as well. */
function findTarget(text: string, targets: ReadonlyMap<string, string>): string | undefined {
  const end = text.indexOf('/_history/');
  return targets.get(text) ?? (end < 0 ? undefined : targets.get(text.slice(0, end)));
}

function unresolved(entry: ParsedEntry, resource: Resource, text: string, definitions: Definitions) {
  return fhirError('not-found', 'No entry has this urn:uuid as its fullUrl.', {
    status: 400,
    expression: placeOf(entry, resource, text, definitions),
  });
}

/** Storing `Type?parameters` as it is would leave a reference that leads nowhere (security.md 9). */
function refuseConditional(entry: ParsedEntry, resource: Resource, text: string, definitions: Definitions): void {
  if (!definitions.resourceTypes.has(text.slice(0, text.indexOf('?')))) return;
  throw fhirError('not-supported', 'Conditional references are not offered; refer to the resource by its id.', {
    status: 400,
    expression: placeOf(entry, resource, text, definitions),
  });
}

/** Where the reference stands, looked for only once it is at fault. */
function placeOf(entry: ParsedEntry, resource: Resource, text: string, definitions: Definitions): string {
  const places: string[] = [];
  forEachReference(definitions, resource, ({ reference }, path) => {
    if (reference === text) places.push(path);
  });
  return (places[0] ?? entry.type).replace(entry.type, `Bundle.entry[${entry.index}].resource`);
}
