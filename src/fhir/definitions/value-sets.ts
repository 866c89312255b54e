// The codes of value sets that R4 lists in full, for required bindings: https://hl7.org/fhir/R4/valueset.html#expansion

import type { CodeSystem, CodeSystemConcept, ValueSet } from '@medplum/fhirtypes';
import type { TypeDefinition, ValueSetCodes } from './snapshot.ts';

/** Keeps the value sets of required bindings that can be told without a terminology service. */
export function buildValueSets(
  types: Readonly<Record<string, TypeDefinition>>,
  resources: readonly (ValueSet | CodeSystem)[],
): Record<string, ValueSetCodes> {
  const valueSets = byUrl(resources.filter((resource) => resource.resourceType === 'ValueSet'));
  const codeSystems = byUrl(resources.filter((resource) => resource.resourceType === 'CodeSystem'));
  const expansions: Record<string, ValueSetCodes> = {};
  for (const url of requiredValueSets(types)) {
    const valueSet = valueSets.get(url);
    const codes = valueSet && expand(valueSet, codeSystems);
    if (codes) expansions[url] = codes;
  }
  return expansions;
}

function byUrl<T extends { url?: string }>(resources: readonly T[]): Map<string, T> {
  return new Map(resources.map((resource) => [resource.url ?? '', resource]));
}

function requiredValueSets(types: Readonly<Record<string, TypeDefinition>>): Set<string> {
  const urls = new Set<string>();
  for (const { elements } of Object.values(types)) {
    for (const { binding } of elements) if (binding?.strength === 'required') urls.add(binding.valueSet);
  }
  return urls;
}

/** Undefined when a part needs what is not shipped: a filter, another value set, or a code system like UCUM. */
function expand(valueSet: ValueSet, codeSystems: ReadonlyMap<string, CodeSystem>): ValueSetCodes | undefined {
  const includes = valueSet.compose?.include ?? [];
  if (valueSet.compose?.exclude || includes.length === 0) return undefined;
  const systems: string[] = [];
  const codes: string[] = [];
  for (const { system, concept, filter, valueSet: imported } of includes) {
    const codeSystem = codeSystems.get(system ?? '');
    const listed = concept ?? (codeSystem?.content === 'complete' ? codeSystem.concept : undefined);
    if (!system || !listed || filter || imported) return undefined;
    systems.push(system);
    collectCodes(listed, codes);
  }
  return { systems: [...new Set(systems)], codes: [...new Set(codes)] };
}

function collectCodes(concepts: readonly CodeSystemConcept[], codes: string[]): void {
  for (const { code, concept } of concepts) {
    if (code) codes.push(code);
    if (concept) collectCodes(concept, codes);
  }
}
