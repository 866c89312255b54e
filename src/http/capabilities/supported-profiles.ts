// The profiles of this server by type: https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.supportedProfile

import { ownDefinitions } from '../../validation/profiles/own-definitions.ts';

let byType: ReadonlyMap<string, readonly string[]> | undefined;

/**
 * Those that every tenant has. A tenant's own are its business: the statement needs no token, and is written once for all
 * tenants; who may read StructureDefinitions finds them by searching.
 */
export function supportedProfilesOf(type: string): readonly string[] {
  byType ??= readProfiles();
  return byType.get(type) ?? [];
}

function readProfiles(): ReadonlyMap<string, readonly string[]> {
  const profiles = ownDefinitions().structures.filter(({ resource }) => resource.kind === 'resource');
  const grouped = Map.groupBy(profiles, ({ resource }) => String(resource.type));
  return new Map([...grouped].map(([type, own]) => [type, own.map(({ resource }) => resource.url)]));
}
