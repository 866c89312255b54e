// Sorts definitions by what they are good for: profiles, terminology, search.

import type { CodeSystem, Resource, SearchParameter, StructureDefinition, ValueSet } from '@medplum/fhirtypes';
import type { Structure } from '../../fhir/profiles/generate-profile.ts';

export interface ConformanceSet {
  readonly structures: readonly Structure[];
  readonly valueSets: readonly ValueSet[];
  readonly codeSystems: readonly CodeSystem[];
  readonly searchParameters: readonly SearchParameter[];
}

export interface SourceResource {
  readonly resource: Resource;
  readonly exactNumbers?: ReadonlyMap<string, string>;
}

/** Types that stand for none of these are left out. */
export function sortConformance(sources: readonly SourceResource[]): ConformanceSet {
  const of = <T extends Resource>(type: T['resourceType']) =>
    sources.flatMap(({ resource }) => (resource.resourceType === type ? [resource as T] : []));
  const structures = sources.filter(({ resource }) => resource.resourceType === 'StructureDefinition');
  return {
    structures: structures as readonly (SourceResource & { readonly resource: StructureDefinition })[],
    valueSets: of<ValueSet>('ValueSet'),
    codeSystems: of<CodeSystem>('CodeSystem'),
    searchParameters: of<SearchParameter>('SearchParameter'),
  };
}
