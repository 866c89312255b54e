// What can be sent along with the resources of a type: https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.searchInclude

import type { Definitions } from '../../fhir/definitions.ts';
import { type IndexedParameter, indexedParameters } from '../../search/search-parameters.ts';

/** Of `_include`: by the type's own references. */
export function includesOf(definitions: Definitions, type: string): string[] {
  return withWildcard(linksOf(definitions, type).map(({ code }) => `${type}:${code}`));
}

const reversed = new WeakMap<Definitions, ReadonlyMap<string, readonly string[]>>();

/** Of `_revinclude`: by the references of every type that may point to this one. */
export function revIncludesOf(definitions: Definitions, type: string): string[] {
  const byTarget = reversed.get(definitions) ?? reverse(definitions);
  reversed.set(definitions, byTarget);
  return withWildcard(byTarget.get(type) ?? []);
}

function reverse(definitions: Definitions): Map<string, readonly string[]> {
  const { resourceTypes } = definitions;
  const byTarget = new Map([...resourceTypes].map((type) => [type, [] as string[]]));
  for (const source of [...resourceTypes].sort()) {
    for (const { code, targets = resourceTypes } of linksOf(definitions, source)) {
      for (const target of targets) byTarget.get(target)?.push(`${source}:${code}`);
    }
  }
  // Nothing is included with AuditEvents, which outnumber everything.
  byTarget.delete('AuditEvent');
  return byTarget;
}

/** Literal references only are followed: an AuditEvent has no rows of them, and a canonical names no place. */
function linksOf(definitions: Definitions, type: string): IndexedParameter[] {
  if (type === 'AuditEvent') return [];
  return [...indexedParameters(definitions, type).values()].filter(
    ({ kind, elements }) => kind === 'reference' && elements?.some((element) => element.type === 'Reference'),
  );
}

function withWildcard(values: readonly string[]): string[] {
  return values.length === 0 ? [] : ['*', ...values];
}
