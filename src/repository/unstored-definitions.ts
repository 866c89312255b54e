// The server's own definitions as search knows them, made once: what the database would store of each, in memory.

import { setImmediate } from 'node:timers/promises';
import type { Resource } from '@medplum/fhirtypes';
import type { BuiltIns } from '../fhir/definitions/built-ins.ts';
import type { Definitions } from '../fhir/definitions.ts';
import { createExtractor } from '../search/extract.ts';
import type { UnstoredResource } from '../search/meets-criteria.ts';

/** Of a definition that does not say when it was made, which no search by that time should take for new. */
const longAgo = new Date(0);

const known = new WeakMap<Definitions, Map<string, Promise<readonly UnstoredResource[]>>>();

/** Of a type; undefined where the server has no definitions of the type. */
export function unstoredDefinitions(
  builtIns: BuiltIns | undefined,
  definitions: Definitions,
  type: string,
): Promise<readonly UnstoredResource[]> | undefined {
  const texts = builtIns?.all(type);
  if (!texts) return undefined;
  // Search parameters beside R4's matter here only where they are about the type itself.
  let meant = definitions;
  while (meant.own?.ofType(type).length === 0) meant = meant.own.base;
  const byType = known.get(meant) ?? new Map<string, Promise<readonly UnstoredResource[]>>();
  known.set(meant, byType);
  const made = byType.get(type) ?? makeAll(texts, meant);
  byType.set(type, made);
  return made;
}

/** Others get their turn in between. */
async function makeAll(texts: readonly string[], definitions: Definitions): Promise<readonly UnstoredResource[]> {
  const extract = createExtractor(definitions);
  const made: UnstoredResource[] = [];
  // Many have the same words: one text for all of them takes a third of the memory.
  const shared = new Map<string, string>();
  for (const text of texts) {
    const resource = JSON.parse(text) as Resource & { readonly id: string };
    const entries = extract(resource);
    const { lastUpdated } = resource.meta ?? {};
    made.push({
      id: resource.id,
      lastUpdated: lastUpdated === undefined ? longAgo : new Date(lastUpdated),
      resource,
      tokens: new Set(entries.flatMap((entry) => (entry.kind === 'token' ? [sharedText(entry.text, shared)] : []))),
      dates: entries.filter((entry) => entry.kind === 'date'),
      ranges: entries.filter((entry) => entry.kind === 'range'),
    });
    if (made.length % 50 === 0) await setImmediate();
  }
  return made;
}

function sharedText(text: string, shared: Map<string, string>): string {
  const known = shared.get(text);
  if (known === undefined) shared.set(text, text);
  return known ?? text;
}
