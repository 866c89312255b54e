// Gives the entries of a transaction their ids and turns links between them into references: https://hl7.org/fhir/R4/http.html#trules

import type { Definitions } from '../fhir/definitions.ts';
import { newId } from '../fhir/ids.ts';
import { fhirError } from '../fhir/outcome.ts';
import { forEachReference } from '../fhir/references.ts';
import type { ParsedEntry } from './bundle-entry.ts';

/** The new ids of POST entries, by position. References in the entries' resources are rewritten in place. */
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
  for (const entry of entries) rewriteReferences(entry, targets, definitions);
  return ids;
}

function rewriteReferences(entry: ParsedEntry, targets: ReadonlyMap<string, string>, definitions: Definitions): void {
  if (!entry.resource) return;
  forEachReference(definitions, entry.resource, (reference, path) => {
    const text = reference.reference;
    const target = targets.get(text) ?? targetOfVersion(text, targets);
    if (target !== undefined) reference.reference = target;
    else if (text.startsWith('urn:uuid:')) {
      throw fhirError('not-found', 'No entry has this urn:uuid as its fullUrl.', {
        status: 400,
        expression: path.replace(entry.type, `Bundle.entry[${entry.index}].resource`),
      });
    }
  });
}

/** `fullUrl/_history/n` names the entry as well. */
function targetOfVersion(text: string, targets: ReadonlyMap<string, string>): string | undefined {
  const end = text.indexOf('/_history/');
  return end < 0 ? undefined : targets.get(text.slice(0, end));
}
